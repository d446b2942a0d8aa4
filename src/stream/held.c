/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the segments that cannot go out yet.
 */
#include "stream/held.h"

const uint8_t *held_nothing(void)
{
	static const uint8_t zeros[64 << 10];

	return zeros;
}

static size_t segment_room(const struct segment *g)
{
	return sizeof(*g) + (g->copied ? g->size : 0);
}

void held_free(struct stream *s, struct segment *g)
{
	pool_put(s->feeder->world->pool, g, segment_room(g));
	if (!s->held->count) {
		pool_put(s->feeder->world->pool, s->held, sizeof(*s->held));
		s->held = NULL;
	}
}

void held_take(struct stream *s, unsigned d, struct segment *g)
{
	struct segment_queue *q = &s->held->dir[d];

	*(g->prev ? &g->prev->next : &q->head) = g->next;
	*(g->next ? &g->next->prev : &q->tail) = g->prev;
	*(g->older ? &g->older->newer : &q->oldest) = g->newer;
	*(g->newer ? &g->newer->older : &q->newest) = g->older;
	s->held->bytes -= g->size;
	s->held->count--;
	s->feeder->world->stream_held -= g->size;
}

void held_drop(struct stream *s)
{
	for (unsigned d = 0; d < 2; d++) {
		while (s->held && s->held->dir[d].head) {
			struct segment *g = s->held->dir[d].head;

			held_take(s, d, g);
			counter_add(&s->feeder->world->counters->refused_bytes, g->size);
			held_free(s, g);
		}
	}
}

static void link_segment(struct stream *s, unsigned d, struct segment *g, struct segment *after)
{
	struct segment_queue *q = &s->held->dir[d];

	g->prev = after;
	g->next = after ? after->next : q->head;
	*(g->prev ? &g->prev->next : &q->head) = g;
	*(g->next ? &g->next->prev : &q->tail) = g;
	g->older = q->newest;
	g->newer = NULL;
	*(q->newest ? &q->newest->newer : &q->oldest) = g;
	q->newest = g;
	s->held->bytes += g->size;
	s->held->count++;
	s->feeder->world->stream_held += g->size;
}

/* Do the bytes that both have differ? */
static bool conflicts(const struct segment *a, const struct held_part *b)
{
	uint64_t from = a->offset > b->offset ? a->offset : b->offset;
	uint64_t a_end = a->offset + a->size, b_end = b->offset + b->size;
	uint64_t to = a_end < b_end ? a_end : b_end;

	return a->copied && from < to &&
	       memcmp(a->data + (from - a->offset), b->data + (from - b->offset), to - from) != 0;
}

/* All of it is held already, by the segment it would follow. */
static bool is_repeat(const struct segment *a, const struct held_part *b, uint8_t flags)
{
	return a && b->size && !b->cut && !(flags & ~a->flags) && a->offset <= b->offset &&
	       a->offset + a->size >= b->offset + b->size;
}

static struct stream_queues *queues_of(struct stream *s)
{
	if (!s->held) {
		s->held = pool_get(s->feeder->world->pool, sizeof(*s->held));
		if (s->held)
			memset(s->held, 0, sizeof(*s->held));
	}
	return s->held;
}

int held_insert(struct stream *s, const struct packet *p, const struct held_part *part)
{
	struct counters *c = s->feeder->world->counters;
	uint8_t flags = p->flags & (TCP_FIN | TCP_RST);
	bool copy = part->size &&
		    !feeder_skips(s->feeder, p->dir, part->offset, part->offset + part->size);
	struct segment *after, *before, *g;

	if (!queues_of(s))
		return ERR_NOMEM;
	after = s->held->dir[p->dir].tail;
	while (after && after->offset > part->offset)
		after = after->prev;
	before = after ? after->next : s->held->dir[p->dir].head;
	if ((after && conflicts(after, part)) || (before && conflicts(before, part)))
		counter_add(&c->overlap_conflict, 1);
	if (is_repeat(after, part, flags)) {
		counter_add(&c->duplicate_bytes, part->size);
		return 0;
	}
	if (part->size > 64 << 10) /* held_nothing() has so many */
		copy = true;
	g = pool_get(s->feeder->world->pool, sizeof(*g) + (copy ? part->size : 0));
	if (!g) {
		if (!s->held->count) {
			pool_put(s->feeder->world->pool, s->held, sizeof(*s->held));
			s->held = NULL;
		}
		return ERR_NOMEM;
	}
	*g = (struct segment){.offset = part->offset,
			      .ack = part->ack,
			      .ts_ns = p->ts_ns,
			      .now_ns = p->now_ns,
			      .frame = p->frame,
			      .index = p->index,
			      .size = part->size,
			      .cut = part->cut,
			      .flags = flags,
			      .copied = copy};
	if (copy)
		memcpy(g->data, part->data, part->size);
	link_segment(s, p->dir, g, after);
	return 0;
}
