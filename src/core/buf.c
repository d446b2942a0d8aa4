/* SPDX-License-Identifier: Apache-2.0 */
/* spec: RFC 8259 (JSON strings), RFC 3339 (time), Unicode 3.9 (well-formed UTF-8, table 3-7) */
#include "core/buf.h"

#include <stdlib.h>

#include "core/time.h"

enum { BUF_FIRST = 256 };

bool buf_reserve(struct buf *b, size_t n)
{
	if (b->failed)
		return false;
	if (b->room - b->size >= n)
		return true;

	size_t room = b->room < BUF_FIRST ? BUF_FIRST : b->room;
	while (room - b->size < n && room <= SIZE_MAX / 4)
		room *= 2;
	char *data = room - b->size < n ? NULL : realloc(b->data, room);
	if (!data) {
		b->failed = true;
		b->room = b->size; /* so that not even a byte fits from now on */
		return false;
	}
	b->data = data;
	b->room = room;
	return true;
}

void buf_done(struct buf *b)
{
	free(b->data);
	*b = (struct buf){0};
}

#define TEN(d) d "0" d "1" d "2" d "3" d "4" d "5" d "6" d "7" d "8" d "9"
static const char pairs[] =
	TEN("0") TEN("1") TEN("2") TEN("3") TEN("4") TEN("5") TEN("6") TEN("7") TEN("8") TEN("9");

/* Writes `v` so that it ends before `end`, two digits at a time; returns its first digit. */
static char *print_u64(char *end, uint64_t v)
{
	while (v >= 100) {
		end -= 2;
		memcpy(end, pairs + v % 100 * 2, 2);
		v /= 100;
	}
	if (v >= 10) {
		end -= 2;
		memcpy(end, pairs + v * 2, 2);
	} else {
		*--end = (char)('0' + v);
	}
	return end;
}

/* Exactly `n` digits, zeros in front. */
static void print_fixed(char *to, unsigned n, uint32_t v)
{
	for (; n >= 2; v /= 100) {
		n -= 2;
		memcpy(to + n, pairs + v % 100 * 2, 2);
	}
	if (n)
		*to = (char)('0' + v % 10);
}

void buf_u64(struct buf *b, uint64_t v)
{
	char text[20], *end = text + sizeof(text), *at = print_u64(end, v);

	buf_add(b, at, (size_t)(end - at));
}

void buf_seconds(struct buf *b, uint64_t ns)
{
	char text[30], *end = text + sizeof(text) - 10, *at = print_u64(end, ns / NS_PER_S);

	end[0] = '.';
	print_fixed(end + 1, 9, (uint32_t)(ns % NS_PER_S));
	buf_add(b, at, (size_t)(end + 10 - at));
}

/* "YYYY-MM-DDThh:mm:ss" of a second since 1970, in the proleptic Gregorian calendar. */
static void print_second(char to[static 19], uint64_t second)
{
	uint32_t in_day = (uint32_t)(second % 86400);
	/* Days since 0000-03-01: years that begin in March have their leap day last. */
	uint32_t day = (uint32_t)(second / 86400) + 719468;
	uint32_t era = day / 146097, in_era = day % 146097;
	uint32_t y = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	uint32_t in_year = in_era - (365 * y + y / 4 - y / 100);
	uint32_t m = (5 * in_year + 2) / 153;
	uint32_t month = m < 10 ? m + 3 : m - 9;

	memcpy(to, "YYYY-MM-DDThh:mm:ss", 19);
	print_fixed(to, 4, y + era * 400 + (month <= 2));
	print_fixed(to + 5, 2, month);
	print_fixed(to + 8, 2, in_year - (153 * m + 2) / 5 + 1);
	print_fixed(to + 11, 2, in_day / 3600);
	print_fixed(to + 14, 2, in_day / 60 % 60);
	print_fixed(to + 17, 2, in_day % 60);
}

void buf_time(struct buf *b, uint64_t ts_ns)
{
	/* Most times in a row are of the same second. */
	static _Thread_local uint64_t last_second = UINT64_MAX;
	static _Thread_local char text[30] = "YYYY-MM-DDThh:mm:ss.nnnnnnnnn";
	uint64_t second = ts_ns / NS_PER_S;

	if (second != last_second) {
		print_second(text, second);
		last_second = second;
	}
	print_fixed(text + 20, 9, (uint32_t)(ts_ns % NS_PER_S));
	text[29] = 'Z';
	buf_add(b, text, 30);
}

/* True for a byte that stands for itself in a JSON string. */
static inline bool is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* The first byte from `p` on that is not plain, looking at eight at a time. */
static const uint8_t *find_special(const uint8_t *p, const uint8_t *end)
{
	const uint64_t ones = 0x0101010101010101ull, tops = 0x8080808080808080ull;

	while (end - p >= 8) {
		uint64_t w = load_le64(p);
		uint64_t quote = w ^ ones * '"', backslash = w ^ ones * '\\';
		/* A borrow can only set the mark of a byte behind a true one, so the lowest mark is right. */
		uint64_t marks =
			(w | (w - ones * 0x20) | (quote - ones) | (backslash - ones)) & tops;

		if (marks)
			return p + (__builtin_ctzll(marks) >> 3);
		p += 8;
	}
	while (p < end && is_plain(*p))
		p++;
	return p;
}

/*
 * Length of the well-formed UTF-8 sequence at `p` (a byte >= 0x80), or 0 and in *ret_bad the length of
 * what one U+FFFD stands for: the longest part of a sequence that could have been good.
 */
static unsigned utf8_size(const uint8_t *p, const uint8_t *end, unsigned *ret_bad)
{
	uint8_t low = 0x80, high = 0xbf;
	unsigned n;

	if (*p >= 0xc2 && *p <= 0xdf)
		n = 2;
	else if ((*p & 0xf0) == 0xe0)
		n = 3;
	else if (*p >= 0xf0 && *p <= 0xf4)
		n = 4;
	else
		n = 0;

	switch (*p) {
	case 0xe0: /* shorter forms exist */
		low = 0xa0;
		break;
	case 0xed: /* surrogates */
		high = 0x9f;
		break;
	case 0xf0: /* shorter forms exist */
		low = 0x90;
		break;
	case 0xf4: /* beyond U+10FFFF */
		high = 0x8f;
		break;
	}
	*ret_bad = 1;
	for (unsigned i = 1; i < n; i++) {
		if (end - p <= (ptrdiff_t)i || p[i] < low || p[i] > high) {
			*ret_bad = i;
			return 0;
		}
		low = 0x80;
		high = 0xbf;
	}
	return n;
}

static void add_escape(struct buf *b, uint8_t c)
{
	static const char hex[] = "0123456789abcdef";
	char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
	char letter = 0;

	switch (c) {
	case '"':
	case '\\':
		letter = (char)c;
		break;
	case '\b':
		letter = 'b';
		break;
	case '\f':
		letter = 'f';
		break;
	case '\n':
		letter = 'n';
		break;
	case '\r':
		letter = 'r';
		break;
	case '\t':
		letter = 't';
		break;
	}
	text[1] = letter ? letter : 'u';
	buf_add(b, text, letter ? 2 : 6);
}

void buf_json_string(struct buf *b, struct view v)
{
	const uint8_t *p = v.size ? v.data : (const uint8_t *)"", *end = p + v.size;

	if (!buf_reserve(b, (size_t)v.size + 2))
		return;
	buf_char(b, '"');
	while (p < end) {
		const uint8_t *q = find_special(p, end);
		unsigned bad = 0, good = 0;

		/* Good sequences are copied with the plain bytes around them. */
		while (q < end && *q >= 0x80 && (good = utf8_size(q, end, &bad)))
			q = find_special(q + good, end);
		buf_add(b, p, (size_t)(q - p));
		if (q == end)
			break;
		if (*q >= 0x80) {
			buf_add(b, "\xef\xbf\xbd", 3);
			p = q + bad;
		} else {
			add_escape(b, *q);
			p = q + 1;
		}
	}
	buf_char(b, '"');
}
