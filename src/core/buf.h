/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A growing byte buffer for output. Appends never fail visibly: after a failed allocation the buffer is
 * `failed` and drops what comes, and its user checks once. Owned and freed by its user.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/view.h"

struct buf {
	char *data;
	size_t size, room;
	bool failed;
};

/* Makes room for `n` more bytes; false (and `failed`) when memory ran out. */
bool buf_reserve(struct buf *b, size_t n);
void buf_done(struct buf *b);

static inline void buf_add(struct buf *b, const void *data, size_t n)
{
	if (b->room - b->size < n && !buf_reserve(b, n))
		return;
	if (n)
		memcpy(b->data + b->size, data, n);
	b->size += n;
}

static inline void buf_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

static inline void buf_text(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

/* Decimal digits of `v`. */
void buf_u64(struct buf *b, uint64_t v);
/* `ns` as seconds with exactly 9 decimals ("0.001234567"). */
void buf_seconds(struct buf *b, uint64_t ns);
/* UTC time, RFC 3339 with 9 decimals and Z. */
void buf_time(struct buf *b, uint64_t ts_ns);
/* `v` as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void buf_json_string(struct buf *b, struct view v);
