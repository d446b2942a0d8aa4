/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Where frames come from. A source fills a block with bytes (one read, or a few), then hands out
 * the whole frames in it. The block belongs to the caller, so that workers may go on reading one
 * while the next is filled; a source keeps no pointer into it but copies a frame cut by the end of
 * the block into the next one. One thread uses a source.
 *
 * Files are read with read() into blocks of some 512 KiB, never mapped: measured two to three times
 * faster here than mmap.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/frame.h"

struct source;

/* A block: bytes, and a cursor that source_frames() moves. It need not be aligned. */
struct block {
	uint8_t *data;
	size_t room; /* at least SOURCE_BLOCK_MIN */
	size_t size; /* bytes filled; the first few may be unused */
	size_t at;   /* the source's cursor: first byte not handed out */
};

enum {
	SOURCE_BLOCK_SIZE = 512 << 10,
	/* Longest frame that is accepted; a longer one is damage. IPv6 jumbograms stay below. */
	SOURCE_FRAME_MAX = 256 << 10,
	SOURCE_BLOCK_MIN = SOURCE_FRAME_MAX + 4096,
};

struct source_ops {
	/*
	 * Fills a block, after source_frames() has said 0 for the one filled before (which it may
	 * be). 0: frames may be in it, ERR_EOF: no more will come, ERR_AGAIN: with `may_wait`
	 * false, nothing can be read now; with it, a signal came while a stream was waited for.
	 * Other errors end the input, and everything before the damage has been handed out by
	 * earlier calls. Of several files only the damaged one ends; the error comes at the end.
	 */
	int (*fill)(struct source *, struct block *, bool may_wait);
	/* Hands out up to `max` frames of the block; 0 when it holds no further whole frame. */
	unsigned (*frames)(struct source *, struct block *, struct frame *to, unsigned max);
	void (*close)(struct source *);
};

struct source {
	const struct source_ops *ops;
};

static inline must_check int source_fill(struct source *s, struct block *b, bool may_wait)
{
	return s->ops->fill(s, b, may_wait);
}

static inline unsigned source_frames(struct source *s, struct block *b, struct frame *to,
				     unsigned max)
{
	return s->ops->frames(s, b, to, max);
}

/* NULL is fine. */
void source_close(struct source *s);

/* --- files (file.c) --- */

/*
 * Opens capture files: pcap (us, ns, both byte orders, Kuznetzov-modified too) and pcapng (several
 * sections and interfaces, every timestamp resolution and offset, SPB, EPB, old PB), each plain or
 * compressed with gzip, zstd or lz4 (found by content, not by name); "-" is standard input. Several
 * files are merged by packet time, ties in argument order; one file keeps its own order. The packet
 * of a pcapng "simple packet block" has no time: it gets that of the packet before it in its file.
 *
 * On failure `ret_bad` is the index of the file at fault, and source_open_error() says more: ERR_IO
 * (errno is kept), ERR_EMPTY, ERR_FORMAT, ERR_CUT (in the file's header), ERR_DAMAGED,
 * ERR_UNSUPPORTED, ERR_INVALID ("-" twice), ERR_LIMIT, ERR_NOMEM, ERR_AGAIN (a signal came while
 * the first bytes of a stream were waited for).
 */
must_check int source_open_files(const char *const *paths, unsigned count,
				 struct source **ret_source, unsigned *ret_bad);

/* Why the last source_open_files() of this thread failed, such as "it is text". */
const char *source_open_error(void);

/* The following are for sources made by source_open_files(). */

/* True when the input is a pipe, socket or terminal, so that output should not wait for more. */
bool source_is_stream(const struct source *s);
/* Bytes read from disk, compressed as they are, and their total (0: unknown), for progress. */
void source_progress(const struct source *s, uint64_t *ret_read, uint64_t *ret_total);
/* Interfaces are numbered over all files, as their descriptions come (of several files: their
 * frames). Name of an interface as the file tells it ("" when it does not); valid as long as the
 * source. */
const char *source_interface_name(const struct source *s, uint16_t interface);
unsigned source_interface_count(const struct source *s);
/* Path of a file, as given. */
const char *source_file_name(const struct source *s, uint16_t file);
/* After fill failed: the index of the file at fault, the byte offset in it (after decompression),
 * and a text such as "block length 7 is below 12". */
const char *source_error_detail(const struct source *s, unsigned *ret_file, uint64_t *ret_offset);
/* Largest snaplen a file declares, 0 if none. */
uint32_t source_snaplen(const struct source *s);

/* --- BPF filter (filter.c) --- */

struct filter;

/*
 * Compiles a pcap-filter(7) expression; `text` may be "" or NULL for "everything". The program is
 * made per link type when the first frame of it comes (`ret_error` then tells what is wrong with it
 * for that link type), but a first check is done at once. On ERR_INVALID `error` holds libpcap's
 * words.
 */
must_check int filter_new(const char *text, char error[static 256], struct filter **ret_filter);
void filter_free(struct filter *f);
/* True when the filter wants this frame. A link type for which it does not compile: false, and the
 * words are kept for filter_error(). */
bool filter_wants(struct filter *f, const struct frame *frame);
const char *filter_error(const struct filter *f);

/* One instruction of classic BPF, as libpcap and the kernel have it. */
struct filter_insn {
	uint16_t code;
	uint8_t jt, jf;
	uint32_t k;
};

/*
 * The program for Ethernet frames, for the kernel to run: it accepts with anything but 0. Returns its length; 0
 * when it is no program for the kernel: it is longer than `room`, or asks for VLAN tags, which the kernel
 * has taken off.
 */
unsigned filter_program(struct filter *f, struct filter_insn *to, unsigned room);
