/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Structural scan of a text head (HTTP/1 and its relatives): a first line, lines of "name: value", an
 * empty line. 64 bytes at a time are turned into masks, so that the parser visits two positions a line
 * instead of every byte, and learns in one flag whether there is anything unusual to look for.
 *
 * SSE2 or NEON where the machine has it by definition, AVX2 when the processor does (asked once, before
 * main), plain C elsewhere; all give the same bits. Nothing is allocated or kept; any thread.
 */
#include <stdbool.h>
#include <stdint.h>

enum {
	SCAN_MAX = 65536, /* largest head: servers stop at 8 to 48 KiB */
	SCAN_WORDS = SCAN_MAX / 64,
};

struct scan_head {
	uint32_t size; /* of the head, with its empty line */
	/*
	 * Something unusual is in the head: a control byte (a tab too), CR without LF or LF without CR, or
	 * a line (not the first, not the empty one) without a colon, or with a space or nothing before it.
	 * False: the marks are the end of the first line, then the colon and the end of each line, then
	 * the end of the empty line; and all lines end in CR LF.
	 */
	bool odd;
	/* Bit i % 64 of word i / 64: byte i is a newline, or the colon that ends a name. Words past the
	 * head are not written. */
	uint64_t marks[SCAN_WORDS];
};

/*
 * Finds the empty line that ends the head at `p`; looks at no more than SCAN_MAX of the `n` bytes. False:
 * it is not there, and `ret` is garbage. The head ends at the first LF LF or LF CR LF.
 */
extern bool (*scan_head)(const uint8_t *p, uint32_t n, struct scan_head *ret);

/* Whether the empty line is in the first SCAN_MAX of the `n` bytes when it is not in the first `from`. */
bool scan_has_end(const uint8_t *p, uint32_t n, uint32_t from);

/* For tests: the plain C one. */
bool scan_head_plain(const uint8_t *p, uint32_t n, struct scan_head *ret);

/* Walks the marks. The caller knows when to stop: past the last one it runs off the words. */
struct scan_walk {
	const uint64_t *word;
	uint64_t bits;
	uint32_t base;
};

static inline struct scan_walk scan_walk_of(const struct scan_head *head)
{
	return (struct scan_walk){head->marks, head->marks[0], 0};
}

/* Position of the next mark. */
static inline uint32_t scan_next(struct scan_walk *w)
{
	while (!w->bits) {
		w->bits = *++w->word;
		w->base += 64;
	}
	uint32_t at = w->base + (uint32_t)__builtin_ctzll(w->bits);
	w->bits &= w->bits - 1;
	return at;
}
