/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Borrowed bytes, and the only code that may touch wire bytes: the bounded reader.
 *
 * A reader has a sticky `short_read` flag: a read past the end returns zeros and sets it, so a parser
 * reads a whole record and checks once. Nothing here allocates or keeps a pointer.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Bytes somebody else owns. `data` may be NULL only when `size` is 0. */
struct view {
	const uint8_t *data;
	uint32_t size;
};

static inline struct view view_of(const void *data, uint32_t size)
{
	return (struct view){data, size};
}

static inline struct view view_text(const char *text)
{
	return view_of(text, (uint32_t)strlen(text));
}

/* The part of `v` from `at` on; empty when `at` is past the end. */
static inline struct view view_from(struct view v, uint32_t at)
{
	return at < v.size ? view_of(v.data + at, v.size - at) : view_of(v.data, 0);
}

/* At most the first `size` bytes of `v`. */
static inline struct view view_first(struct view v, uint32_t size)
{
	return view_of(v.data, v.size < size ? v.size : size);
}

static inline bool view_equal(struct view a, struct view b)
{
	return a.size == b.size && (!a.size || memcmp(a.data, b.data, a.size) == 0);
}

/* True when `v` begins with the whole of `text`. */
static inline bool view_starts(struct view v, const char *text)
{
	size_t n = strlen(text);
	return v.size >= n && memcmp(v.data, text, n) == 0;
}

/* Unaligned loads; the caller has checked the bounds (a reader does it for you). */
static inline uint16_t load_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t load_be32(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, 4);
	return __builtin_bswap32(v);
}

static inline uint64_t load_be64(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, 8);
	return __builtin_bswap64(v);
}

static inline uint16_t load_le16(const uint8_t *p)
{
	return (uint16_t)(p[1] << 8 | p[0]);
}

static inline uint32_t load_le32(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, 4);
	return v;
}

static inline uint64_t load_le64(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, 8);
	return v;
}

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "wirespan is built and tested for little-endian machines only"
#endif

struct reader {
	const uint8_t *at, *end;
	bool short_read;
};

static inline struct reader reader_of(struct view v)
{
	/* Adding 0 to NULL is undefined: an empty view is read from an empty text. */
	const uint8_t *data = v.data ? v.data : (const uint8_t *)"";

	return (struct reader){data, data + v.size, false};
}

static inline uint32_t reader_left(const struct reader *r)
{
	return (uint32_t)(r->end - r->at);
}

/* Claims `n` bytes: their address, or NULL (and the sticky flag) when fewer are left. */
static inline const uint8_t *reader_take(struct reader *r, uint32_t n)
{
	if (n > (uint32_t)(r->end - r->at)) {
		r->short_read = true;
		r->at = r->end;
		return NULL;
	}
	const uint8_t *p = r->at;
	r->at += n;
	return p;
}

static inline uint8_t reader_u8(struct reader *r)
{
	const uint8_t *p = reader_take(r, 1);
	return p ? *p : 0;
}

static inline uint16_t reader_be16(struct reader *r)
{
	const uint8_t *p = reader_take(r, 2);
	return p ? load_be16(p) : 0;
}

static inline uint32_t reader_be32(struct reader *r)
{
	const uint8_t *p = reader_take(r, 4);
	return p ? load_be32(p) : 0;
}

static inline uint64_t reader_be64(struct reader *r)
{
	const uint8_t *p = reader_take(r, 8);
	return p ? load_be64(p) : 0;
}

/* `n` bytes as a view; empty (and the sticky flag) when fewer are left. */
static inline struct view reader_view(struct reader *r, uint32_t n)
{
	const uint8_t *p = reader_take(r, n);
	return p ? view_of(p, n) : view_of(r->end, 0);
}

static inline void reader_skip(struct reader *r, uint32_t n)
{
	(void)reader_take(r, n);
}
