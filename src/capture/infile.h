/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One capture file being read: its bytes (input.h), its format, and the record that the end of the
 * last block cut in two. file.c reads one of them for its user, merge.c several.
 *
 * A format is a walker: it hands out the frames of a block, and when the rest is no whole record it
 * leaves that rest here with infile_leave(), together with how many bytes the record needs as far
 * as is known. infile_fill() puts it in front of what it reads next. Damage is left with
 * infile_fail() and comes out of the next fill.
 */
#include "capture/input.h"
#include "capture/source.h"
#include "core/view.h"

enum {
	/*
	 * A packet block of pcapng that is larger is handed out when its bytes are here, and its
	 * options are skipped unseen: a block of the caller holds any frame and this much around
	 * it.
	 */
	BLOCK_WHOLE_MAX = SOURCE_FRAME_MAX + 2048,
	/* A frame and its interface are counted in 16 bits. */
	INTERFACES_MAX = 1 << 16,
	/* Longer interface names are cut; the longest on Linux has 15 bytes, on Windows some 60. */
	INTERFACE_NAME_MAX = 255,
};

/* Latest time of a frame, in 2262: half of the range, so that adding a timeout never wraps. */
#define TS_MAX_NS ((uint64_t)INT64_MAX)

/* An interface of the current section of a pcapng file. */
struct section_interface {
	uint64_t multiply; /* ns per unit of time, 0: convert the long way */
	int64_t offset_s;
	uint32_t snaplen;
	uint16_t link_type;
	uint16_t id;        /* in the file */
	uint8_t resolution; /* if_tsresol */
};

struct pcapng_format {
	bool swapped;
	struct section_interface *interfaces;
	unsigned interface_count;
	unsigned interface_known; /* entries that hold something: of the section before, too */
	unsigned interface_room;
	uint64_t skip;    /* bytes of a block to pass over */
	uint32_t trailer; /* block length to be found behind them, 0: nothing to skip */
	uint64_t last_ns; /* time of the last packet, for those without */
};

struct pcap_format {
	bool swapped;
	uint8_t header; /* bytes of a record header */
	uint16_t link_type;
	uint32_t ns;          /* per unit of the fraction of a second */
	bool lengths_swapped; /* an old version, which may have them the other way round */
};

struct infile {
	/* See struct source_ops. */
	unsigned (*frames)(struct infile *, struct block *, struct frame *to, unsigned max);
	struct input input;
	char *path; /* as given */
	uint16_t index;
	uint64_t number; /* of the last frame handed out */
	uint64_t base;   /* offset in the file of the block's byte 0; wraps */
	uint64_t offset; /* of the end of what was read */
	uint8_t *carry;  /* SOURCE_BLOCK_MIN bytes */
	size_t carry_size;
	size_t want; /* bytes that the record at the front needs, as far as known; 0: none began */
	int error;   /* how the file ended, ERR_EOF included */
	uint64_t error_offset;
	uint32_t snaplen;
	char **names; /* of its interfaces; NULL for none */
	unsigned interface_count, names_room;
	char detail[INPUT_DETAIL_SIZE];
	bool others_told; /* `detail` says that other files failed, too */
	struct pcap_format pcap;
	struct pcapng_format pcapng;
};

/* Opens by path ("-": standard input). Errors as input_open(), and ERR_FORMAT; `f` needs
 * infile_close() in any case. */
must_check int infile_open(struct infile *f, const char *path, uint16_t index);
/* The same for a descriptor, which the file takes over. */
must_check int infile_open_fd(struct infile *f, int fd, const char *path, uint16_t index);
void infile_close(struct infile *f);
/* Frees what reading needs and keeps names and error. */
void infile_finish(struct infile *f);
/* As source_fill(). */
must_check int infile_fill(struct infile *f, struct block *b, bool may_wait);

/* Adds an interface (`name` may be NULL). ERR_LIMIT, ERR_NOMEM. */
must_check int infile_add_interface(struct infile *f, struct view name, uint16_t *ret_id);
/* The file ends here with `err`, at `offset` in the file. Returns `err`. */
__attribute__((format(printf, 4, 5))) int infile_fail(struct infile *f, int err, uint64_t offset,
						      const char *format, ...);
/* The block's bytes from `at` on are no whole record, which needs at least `want` bytes. */
void infile_leave(struct infile *f, struct block *b, const uint8_t *at, size_t want);

static inline uint64_t infile_offset(const struct infile *f, const struct block *b,
				     const uint8_t *at)
{
	return f->base + (uint64_t)(at - b->data);
}

/* LINKTYPE_ of a link type field. */
static inline uint16_t link_type_of(uint32_t field)
{
	enum { DLT_RAW_LINUX = 12, DLT_RAW_OPENBSD = 14, LINKTYPE_RAW = 101 };
	uint16_t type = (uint16_t)field;

	/* Some programs write the number of their platform; nothing else has these two. */
	return type == DLT_RAW_LINUX || type == DLT_RAW_OPENBSD ? LINKTYPE_RAW : type;
}

static inline uint32_t load_32(const uint8_t *p, bool swapped)
{
	return swapped ? load_be32(p) : load_le32(p);
}

static inline uint16_t load_16(const uint8_t *p, bool swapped)
{
	return swapped ? load_be16(p) : load_le16(p);
}

/* --- formats: whether the head is theirs, and then set up; 0, ERR_FORMAT (not theirs), ERR_CUT,
 * ERR_UNSUPPORTED, ERR_NOMEM --- */

must_check int infile_try_pcap(struct infile *f);
must_check int infile_try_pcapng(struct infile *f);

/* --- file.c, merge.c: the source --- */

struct merge;

struct file_source {
	struct source source;
	struct infile *files;
	unsigned count;
	struct merge *merge; /* NULL: one file */
};

/* A source of one descriptor, which it takes over; for tests and fuzzing. */
must_check int source_open_fd(int fd, const char *name, struct source **ret_source);
/* At most `chunk` bytes per read(), to try what short reads do. */
void source_set_chunk(struct source *s, size_t chunk);

must_check int merge_new(struct infile *files, unsigned count, struct merge **ret_merge);
void merge_free(struct merge *m);
/* As source_fill() and source_frames(). An error of one file does not end the others; when
 * all have ended, the error of the first such file is what fill returns. */
must_check int merge_fill(struct merge *m, struct block *b, bool may_wait);
unsigned merge_frames(struct block *b, struct frame *to, unsigned max);
/* Interfaces get global ids when their first frame is handed out, in the order of packet time, so
 * that they do not depend on how files are read. False: no such id. */
bool merge_interface(const struct merge *m, uint16_t id, unsigned *ret_file, uint16_t *ret_local);
unsigned merge_interface_count(const struct merge *m);
/* The file whose error ended the merge, and how many more had one. */
unsigned merge_failed(const struct merge *m, unsigned *ret_more);
