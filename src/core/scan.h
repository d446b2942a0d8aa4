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
#include <stddef.h>
#include <stdint.h>

enum {
	SCAN_MAX = 65536, /* largest head: servers stop at 8 to 48 KiB */
	SCAN_WORDS = SCAN_MAX / 64,
};

struct scan_head {
	uint32_t size; /* of the head, with its empty line */
	/*
	 * False: every control byte in the head is an LF or comes right before one, and there is one
	 * before every LF. So there is a CR before each LF, or a byte that no head should have there.
	 */
	bool odd;
	/* Bit i % 64 of word i / 64 is for byte i. Past the head there may be bits, or no words. */
	uint64_t lf[SCAN_WORDS];
	uint64_t delimiters[SCAN_WORDS]; /* colons, spaces, control bytes: the end of a name */
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

/* Position of the first bit from `from` on; the caller knows that there is one. */
static inline size_t scan_next(const uint64_t *bits, size_t from)
{
	size_t word = from / 64;
	uint64_t here = bits[word] >> from % 64;
	if (here)
		return from + (size_t)__builtin_ctzll(here);
	do {
		here = bits[++word];
	} while (!here);
	return word * 64 + (size_t)__builtin_ctzll(here);
}
