/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Small parts of the head's parsers. */
#include "protocols/http/head.h"

/* Bytes of a token (RFC 9110 5.6.2): not 0. 2: those a method on the wire really uses. */
extern const uint8_t http_token_byte[256];

/* 8 bytes in lower case; '-' stays what it is. Exact in names without control bytes. */
static inline uint64_t fold8(const uint8_t *p)
{
	return load_le64(p) | 0x2020202020202020;
}

static inline uint64_t word8(const char text[8])
{
	return load_le64((const uint8_t *)text);
}

static inline uint32_t word4(const char text[4])
{
	return load_le32((const uint8_t *)text);
}

static inline bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* Inside a value, folded lines are space too. */
static inline bool is_blank(uint8_t c)
{
	return is_space(c) || c == '\r' || c == '\n';
}

static inline bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static inline struct view trim(struct view v)
{
	const uint8_t *from = v.data, *to = v.data + v.size;
	while (from < to && is_blank(*from))
		from++;
	while (from < to && is_blank(to[-1]))
		to--;
	return view_of(from, (uint32_t)(to - from));
}

static inline uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static inline struct view between(const uint8_t *from, const uint8_t *to)
{
	return view_of(from, (uint32_t)(to - from));
}

/* Up to `byte`, or all. */
static inline struct view until(struct view v, char byte)
{
	const uint8_t *at = v.size ? memchr(v.data, byte, v.size) : NULL;
	return at ? between(v.data, at) : v;
}

/* The start line, without its end, into `ret`: WHY_NONE, or why it is none of ours. */
enum why http_start_read(struct view line, enum side side, struct http_head *ret);
