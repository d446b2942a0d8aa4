/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compressed captures, by streaming: compressed bytes are read into a buffer of RAW_SIZE and
 * unpacked straight into the caller's block. Memory is bounded however much comes out.
 *
 * spec: RFC 1952 (gzip: members follow each other), RFC 8878 (zstd: frames follow each other, some
 * to be skipped), lz4_Frame_format.md of lz4 (the same).
 */
#include "capture/input.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#ifdef HAVE_ZSTD
#include <zstd.h>
#include <zstd_errors.h>
#endif
#ifdef HAVE_LZ4
#include <lz4frame.h>
#endif

#include "core/view.h"

enum {
	/* Compressed bytes read at a time: a capture shrinks to a third or so of a block. */
	RAW_SIZE = 128 << 10,
	/* zstd asks for a window of any size; 128 MiB is what its own tool accepts at most. */
	ZSTD_WINDOW_LOG_MAX = 27,
	/* 2^31 and more is too much for zlib's 32 bit counters. */
	STEP_MAX = 1 << 30,
};

#define MAGIC_ZSTD 0xfd2fb528u
#define MAGIC_LZ4 0x184d2204u
#define MAGIC_LZ4_LEGACY 0x184c2102u
#define MAGIC_SKIPPABLE 0x184d2a50u /* and the next fifteen */

/* One step of unpacking: what there is, and (out) how much of it was used and made. */
struct step {
	const uint8_t *from;
	size_t from_size, used;
	uint8_t *to;
	size_t to_size, made;
	bool between; /* out: a member or frame is complete, and the input may end here */
};

struct unpacker {
	const char *name;
	void *(*open)(void);
	/* 0, ERR_DAMAGED, ERR_UNSUPPORTED, ERR_NOMEM; `ret_why` in words. */
	int (*step)(void *state, struct step *s, const char **ret_why);
	void (*close)(void *state);
};

struct decompressor {
	const struct unpacker *unpacker;
	void *state;
	size_t raw_at, raw_size;
	bool more;    /* the last step filled its room, so more may come without further input */
	bool between; /* see struct step */
	int failed;   /* the input ended so */
	uint8_t raw[RAW_SIZE];
};

/* --- gzip --- */

struct gzip {
	z_stream z;
	bool between;
};

static void *gzip_open(void)
{
	struct gzip *g = calloc(1, sizeof(*g));

	/* 16: gzip only; 15: the largest window. */
	if (g && inflateInit2(&g->z, 16 + 15) != Z_OK) {
		free(g);
		return NULL;
	}
	return g;
}

static void gzip_close(void *state)
{
	struct gzip *g = state;

	inflateEnd(&g->z);
	free(g);
}

/* Between members: zeros are padding (tapes, tar), anything else has to be a member. */
static int gzip_between(struct gzip *g, struct step *s, const char **ret_why)
{
	while (s->used < s->from_size && s->from[s->used] == 0)
		s->used++;
	if (s->used == s->from_size)
		return 0;
	if (s->from[s->used] != 0x1f) {
		*ret_why = "what follows the end of the gzip data is not gzip";
		return ERR_DAMAGED;
	}
	inflateReset(&g->z);
	g->between = false;
	return 0;
}

static int gzip_step(void *state, struct step *s, const char **ret_why)
{
	struct gzip *g = state;
	int err, result;

	if (g->between) {
		err = gzip_between(g, s, ret_why);
		s->between = g->between;
		if (err < 0 || g->between)
			return err;
	}
	g->z.next_in = (z_const Bytef *)(uintptr_t)(s->from + s->used);
	g->z.avail_in = (uInt)(s->from_size - s->used);
	g->z.next_out = s->to;
	g->z.avail_out = (uInt)s->to_size;
	result = inflate(&g->z, Z_NO_FLUSH);
	s->used = s->from_size - g->z.avail_in;
	s->made = s->to_size - g->z.avail_out;
	g->between = s->between = result == Z_STREAM_END;
	/* Z_BUF_ERROR says only that no step was possible. */
	if (result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR)
		return 0;
	if (result == Z_MEM_ERROR)
		return ERR_NOMEM;
	*ret_why = g->z.msg ? g->z.msg : "a preset dictionary is asked for";
	return ERR_DAMAGED;
}

static const struct unpacker gzip = {"gzip", gzip_open, gzip_step, gzip_close};

/* --- zstd --- */

#ifdef HAVE_ZSTD
static void *zstd_open(void)
{
	ZSTD_DCtx *d = ZSTD_createDCtx();

	if (d)
		(void)ZSTD_DCtx_setParameter(d, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
	return d;
}

static void zstd_close(void *state)
{
	ZSTD_freeDCtx(state);
}

static int zstd_step(void *state, struct step *s, const char **ret_why)
{
	ZSTD_inBuffer in = {s->from, s->from_size, 0};
	ZSTD_outBuffer out = {s->to, s->to_size, 0};
	size_t result = ZSTD_decompressStream(state, &out, &in);

	s->used = in.pos;
	s->made = out.pos;
	if (!ZSTD_isError(result)) {
		s->between = result == 0;
		return 0;
	}
	*ret_why = ZSTD_getErrorName(result);
	switch (ZSTD_getErrorCode(result)) {
	case ZSTD_error_memory_allocation:
		return ERR_NOMEM;
	case ZSTD_error_frameParameter_windowTooLarge:
	case ZSTD_error_version_unsupported:
	case ZSTD_error_dictionary_wrong:
		return ERR_UNSUPPORTED;
	default:
		return ERR_DAMAGED;
	}
}

static const struct unpacker zstd = {"zstd", zstd_open, zstd_step, zstd_close};
#endif

/* --- lz4 --- */

#ifdef HAVE_LZ4
static void *lz4_open(void)
{
	LZ4F_dctx *d;

	return LZ4F_isError(LZ4F_createDecompressionContext(&d, LZ4F_VERSION)) ? NULL : d;
}

static void lz4_close(void *state)
{
	LZ4F_freeDecompressionContext(state);
}

static int lz4_step(void *state, struct step *s, const char **ret_why)
{
	size_t used = s->from_size, made = s->to_size;
	size_t result = LZ4F_decompress(state, s->to, &made, s->from, &used, NULL);

	if (LZ4F_isError(result)) {
		*ret_why = LZ4F_getErrorName(result);
		return ERR_DAMAGED;
	}
	s->used = used;
	s->made = made;
	s->between = result == 0;
	return 0;
}

static const struct unpacker lz4 = {"lz4", lz4_open, lz4_step, lz4_close};
#endif

/* --- all --- */

enum compression compression_of(const uint8_t *head, unsigned size)
{
	uint32_t magic;

	if (size >= 2 && head[0] == 0x1f && head[1] == 0x8b)
		return COMPRESSION_GZIP;
	if (size < 4)
		return COMPRESSION_NONE;
	magic = load_le32(head);
	if (magic == MAGIC_ZSTD)
		return COMPRESSION_ZSTD;
	if (magic == MAGIC_LZ4)
		return COMPRESSION_LZ4;
	if (magic == MAGIC_LZ4_LEGACY)
		return COMPRESSION_LZ4_LEGACY;
	return (magic & ~15u) == MAGIC_SKIPPABLE ? COMPRESSION_SKIPPABLE : COMPRESSION_NONE;
}

static const struct unpacker *unpacker_of(enum compression kind)
{
	switch (kind) {
	case COMPRESSION_GZIP:
		return &gzip;
#ifdef HAVE_ZSTD
	case COMPRESSION_ZSTD:
		return &zstd;
#endif
#ifdef HAVE_LZ4
	case COMPRESSION_LZ4:
		return &lz4;
#endif
	default:
		return NULL;
	}
}

int decompressor_new(enum compression kind, struct input *in, const uint8_t *head, unsigned size,
		     struct decompressor **ret_decompressor)
{
	const struct unpacker *unpacker = unpacker_of(kind);
	struct decompressor *d;

	if (!unpacker)
		return input_fail(in, ERR_UNSUPPORTED,
				  "this wirespan was built without %s: unpack it first",
				  kind == COMPRESSION_ZSTD ? "zstd" : "lz4");
	d = malloc(sizeof(*d));
	if (!d)
		return ERR_NOMEM;
	d->unpacker = unpacker;
	d->state = unpacker->open();
	if (!d->state) {
		free(d);
		return ERR_NOMEM;
	}
	memcpy(d->raw, head, size);
	d->raw_at = 0;
	d->raw_size = size;
	d->more = d->between = false;
	d->failed = 0;
	*ret_decompressor = d;
	return 0;
}

void decompressor_free(struct decompressor *d)
{
	if (!d)
		return;
	d->unpacker->close(d->state);
	free(d);
}

static int refill(struct decompressor *d, struct input *in, bool may_wait)
{
	int err = input_read_raw(in, d->raw, RAW_SIZE, may_wait, &d->raw_size);

	if (err == 0)
		d->raw_at = 0;
	if (err != ERR_EOF)
		return err;
	if (d->between)
		return ERR_EOF;
	return input_fail(in, ERR_CUT, "the %s data end in the middle", d->unpacker->name);
}

/* Unpacks once; ret_made may be 0. */
static int step(struct decompressor *d, struct input *in, uint8_t *to, size_t room,
		size_t *ret_made)
{
	struct step s = {
		.from = d->raw + d->raw_at,
		.from_size = d->raw_size - d->raw_at,
		.to = to,
		.to_size = room < STEP_MAX ? room : STEP_MAX,
	};
	const char *why = "it cannot be unpacked";
	int err = d->unpacker->step(d->state, &s, &why);

	if (err == ERR_NOMEM)
		return err;
	if (err < 0)
		return input_fail(in, err, "%s: %s", d->unpacker->name, why);
	d->raw_at += s.used;
	d->more = s.made == s.to_size;
	/* A step that could do nothing says nothing new. */
	if (s.used || s.made || s.between)
		d->between = s.between;
	*ret_made = s.made;
	return 0;
}

int decompressor_read(struct decompressor *d, struct input *in, uint8_t *to, size_t room,
		      bool may_wait, size_t *ret_n)
{
	size_t n = 0;
	int err = d->failed;

	while (err == 0 && n < room) {
		size_t made = 0;

		if (d->raw_at == d->raw_size && !d->more) {
			/* What came out of a stream is not held up by what may follow. */
			if (n && in->stream)
				break;
			err = refill(d, in, may_wait);
		} else {
			err = step(d, in, to + n, room - n, &made);
			n += made;
		}
	}
	if (err < 0 && err != ERR_AGAIN)
		d->failed = err;
	if (!n)
		return err;
	*ret_n = n;
	return 0;
}
