/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Leaf parsers of RESP. */
#include "core/view.h"

#define LENGTH_NULL UINT64_MAX         /* $-1 */
#define LENGTH_STREAM (UINT64_MAX - 1) /* $? */

enum { LINE_MORE = 0, DIGITS_MAX = 15 };
#define LINE_BAD UINT32_MAX

static inline bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static inline bool is_letter(uint8_t c)
{
	return (uint8_t)((c | 0x20) - 'a') < 26;
}

/* What is no plain number: -1, ?, not whole, or wrong. */
static __attribute__((noinline)) uint32_t read_rare_length(const uint8_t *p, const uint8_t *end,
							   uint64_t *ret)
{
	const uint8_t *q = p;
	bool special = p < end && (*p == '-' || *p == '?');
	if (special) {
		*ret = *p == '?' ? LENGTH_STREAM : LENGTH_NULL;
		if (*q++ == '-' && q < end && *q++ != '1')
			return LINE_BAD;
	} else {
		while (q < end && is_digit(*q) && q - p < DIGITS_MAX)
			q++;
	}
	if (q == end)
		return LINE_MORE;
	bool ok = q > p && *q == '\r' && (end - q < 2 || q[1] == '\n');
	if (!ok || end - q < 2)
		return ok ? LINE_MORE : LINE_BAD;
	return (uint32_t)(q - p) + 2;
}

/* The line ends behind one digit, or two: as seen in 4 bytes, the first of them lowest. */
#define ONE_DIGIT_END 0x0a0d00u
#define TWO_DIGITS_END 0x0a0d0000u

/* A length behind its type byte. Bytes of the line from there on, LINE_MORE or LINE_BAD. */
static inline uint32_t read_length(const uint8_t *p, const uint8_t *end, uint64_t *ret)
{
	uint64_t n = 0;
	const uint8_t *q = p;
	uint8_t digit;
	if (end - p >= 4) { /* nearly all are short */
		uint32_t word = load_le32(p), tens = (word & 0xff) - '0',
			 ones = (word >> 8 & 0xff) - '0';
		if ((word & 0xffff00) == ONE_DIGIT_END && tens <= 9) {
			*ret = tens;
			return 3;
		}
		if ((word & 0xffff0000) == TWO_DIGITS_END && tens <= 9 && ones <= 9) {
			*ret = tens * 10 + ones;
			return 4;
		}
	}
	while (q < end && (digit = (uint8_t)(*q - '0')) <= 9) {
		n = n * 10 + digit; /* may wrap; then there are too many digits */
		q++;
	}
	if (q == p || q - p > DIGITS_MAX || end - q < 2 || q[0] != '\r' || q[1] != '\n')
		return read_rare_length(p, end, ret);
	*ret = n;
	return (uint32_t)(q - p) + 2;
}
