/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Held bytes of one direction: the tail a decoder could not use yet, and the packets it came in.
 * Belongs to the feeder; nothing else includes this.
 *
 * A byte is copied in once, and moved at most once more for each byte that came after it: blocks
 * double, and the front is reclaimed only when that frees half of one.
 */
#include "core/pool.h"
#include "protocol/feeder.h"

struct mark {
	uint64_t offset; /* of the first byte of this packet that is held */
	struct origin origin;
};

/* 64 marks bound a direction that waits; a packet more is merged into its forerunner, whose smaller
 * acknowledgement can only prevent a pair. Most holds need two. */
enum { HOLD_MARKS_FEW = 2, HOLD_MARKS = 64 };

struct hold {
	uint32_t room, start, size; /* of data; bytes start..start+size are held */
	uint8_t marks;
	struct mark few[HOLD_MARKS_FEW];
	struct mark *many; /* HOLD_MARKS of them, instead of `few`; NULL: not needed yet */
	uint8_t data[];
};

/* Appends bytes that begin at `offset`; makes the hold when there is none. False: no memory. */
bool hold_add(struct pool *pool, struct hold **hold, struct view bytes, uint64_t offset,
	      const struct origin *origin);
/* Keeps the last `size` bytes, of which the first is at `offset`. */
void hold_keep(struct hold *h, uint32_t size, uint64_t offset);
void hold_free(struct pool *pool, struct hold *h);
/* The packet of a byte. */
const struct origin *hold_at(const struct hold *h, uint64_t offset);

static inline struct view hold_view(const struct hold *h)
{
	return h ? view_of(h->data + h->start, h->size) : view_of(NULL, 0);
}
