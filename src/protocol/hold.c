/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/hold.h"

enum { HOLD_MIN = 512 }; /* block of the smallest hold: a few headers */

static struct mark *marks_of(struct hold *h)
{
	return h->many ? h->many : h->few;
}

void hold_free(struct pool *pool, struct hold *h)
{
	if (!h)
		return;
	if (h->many)
		pool_put(pool, h->many, HOLD_MARKS * sizeof *h->many);
	pool_put(pool, h, sizeof *h + h->room);
}

/* Makes room for `more` bytes at the end. */
static bool make_room(struct pool *pool, struct hold **hold, uint32_t more)
{
	struct hold *old = *hold;
	uint32_t need = more + (old ? old->size : 0);
	if (old && old->start + need <= old->room)
		return true;
	if (old && need <= old->room / 2) {
		memmove(old->data, old->data + old->start, old->size);
		old->start = 0;
		return true;
	}
	size_t size = sizeof *old + 2 * (size_t)need;
	size = pool_block_size(size < HOLD_MIN ? HOLD_MIN : size);
	struct hold *h = pool_get(pool, size);
	if (!h)
		return false;
	*h = (struct hold){.room = (uint32_t)(size - sizeof *h)};
	if (old) {
		memcpy(h->data, old->data + old->start, old->size);
		memcpy(h->few, old->few, sizeof h->few);
		h->size = old->size;
		h->marks = old->marks;
		h->many = old->many;
		pool_put(pool, old, sizeof *old + old->room);
	}
	*hold = h;
	return true;
}

static void add_mark(struct pool *pool, struct hold *h, uint64_t offset,
		     const struct origin *origin)
{
	unsigned room = h->many ? HOLD_MARKS : HOLD_MARKS_FEW;
	if (h->marks == HOLD_MARKS_FEW && !h->many) {
		struct mark *many = pool_get(pool, HOLD_MARKS * sizeof *many);
		if (many) {
			memcpy(many, h->few, sizeof h->few);
			h->many = many;
			room = HOLD_MARKS;
		}
	}
	/* Full: the newest takes the place of the one before it, whose bytes fall to its
	 * forerunner. */
	if (h->marks == room)
		h->marks--;
	marks_of(h)[h->marks++] = (struct mark){offset, *origin};
}

bool hold_add(struct pool *pool, struct hold **hold, struct view bytes, uint64_t offset,
	      const struct origin *origin)
{
	if (!make_room(pool, hold, bytes.size))
		return false;
	struct hold *h = *hold;
	memcpy(h->data + h->start + h->size, bytes.data, bytes.size);
	h->size += bytes.size;
	add_mark(pool, h, offset, origin);
	return true;
}

void hold_keep(struct hold *h, uint32_t size, uint64_t offset)
{
	h->start += h->size - size;
	h->size = size;
	struct mark *m = marks_of(h);
	unsigned gone = 0;
	while (gone + 1 < h->marks && m[gone + 1].offset <= offset)
		gone++;
	if (!gone)
		return;
	h->marks = (uint8_t)(h->marks - gone);
	memmove(m, m + gone, h->marks * sizeof *m);
}

const struct origin *hold_at(const struct hold *h, uint64_t offset)
{
	const struct mark *m = h->many ? h->many : h->few;
	unsigned i = h->marks - 1u;
	while (i && m[i].offset > offset)
		i--;
	return &m[i].origin;
}
