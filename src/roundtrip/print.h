/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Values for people, on a terminal. */
#include "core/buf.h"

/* Three digits and a unit: "4.56ms", "1.2 kB"; what follows them is cut off, not rounded. */
void print_duration(struct buf *b, uint64_t ns);
void print_bytes(struct buf *b, uint64_t n);
/* Bytes from the wire: what is not printable as \xNN; "..." after `most` bytes. */
void print_text(struct buf *b, struct view v, uint32_t most);
