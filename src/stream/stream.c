/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fast path is stream_segment() -> deliver(); everything else is for what came early, late, twice or
 * never (held.c keeps it).
 */
#include "stream/stream.h"

#include "stream/held.h"

#define FAR (1 << 30) /* a segment this far from what is expected belongs to another connection */

static void count(struct stream *s, uint64_t *counter, uint64_t n)
{
	(void)s;
	counter_add(counter, n);
}

void stream_init(struct stream *s, struct stream_world *world, struct feeder *feeder)
{
	memset(s, 0, sizeof(*s));
	s->feeder = feeder;
	s->world = world;
	for (unsigned d = 0; d < 2; d++) {
		s->dir[d].fin = UINT64_MAX;
		s->dir[d].scale = 255;
	}
}

void stream_done(struct stream *s)
{
	held_drop(s);
}

void stream_resume(struct stream *s, unsigned dir, uint32_t seq, uint64_t at, uint8_t scale)
{
	struct stream_dir *h = &s->dir[dir];

	h->next = h->acked = h->top = at;
	h->isn = seq - (uint32_t)at;
	h->scale = scale;
	h->known = h->seen = h->begun = 1;
}

static uint64_t unwrap(const struct stream_dir *h, uint32_t seq)
{
	return h->next + (uint64_t)(int64_t)(int32_t)(seq - (h->isn + (uint32_t)h->next));
}

/* --- going out --- */

static void begin_direction(struct stream *s, unsigned d, const struct origin *origin)
{
	struct stream_dir *h = &s->dir[d];

	h->begun = 1;
	if (!h->start)
		feeder_gap(s->feeder, d, 0, WHY_MIDSTREAM, origin);
}

static void end_direction(struct stream *s, unsigned d, enum end_reason reason)
{
	struct stream_dir *h = &s->dir[d];

	if (h->ended)
		return;
	h->ended = 1;
	feeder_end(s->feeder, d, reason);
}

/* `size` bytes at `data` (NULL: they lie inside a skip), then `cut` bytes the capture left out. */
static void deliver(struct stream *s, unsigned d, const uint8_t *data, uint32_t size, uint32_t cut,
		    const struct origin *origin)
{
	struct stream_dir *h = &s->dir[d];
	struct counters *c = s->world->counters;

	if (!h->begun)
		begin_direction(s, d, origin);
	if (!s->dir[!d].seen)
		s->dir[!d].relied = 1;
	h->fin_lost = 0;
	h->next += (uint64_t)size + cut;
	if (size) {
		count(s, &c->delivered_bytes, size);
		feeder_push(s->feeder, d, view_of(data, size), origin);
	}
	count(s, &c->range_bytes, (uint64_t)size + cut);
	if (cut) {
		count(s, &c->lost_bytes, cut);
		s->lost += cut;
		feeder_gap(s->feeder, d, cut, WHY_SNAPLEN, origin);
	}
}

/* What a segment with this acknowledgement may go out after. */
static bool causal_ok(const struct stream *s, unsigned d, uint64_t ack)
{
	const struct stream_dir *o = &s->dir[!d];

	return ack <= o->next || !o->known || o->unwaited || o->ended ||
	       (o->fin_lost && ack == o->next + 1);
}

static bool all_ended(const struct stream *s)
{
	return s->dir[0].ended && s->dir[1].ended;
}

/* Behind the end of a direction nothing of it goes out, and nothing is waited for. */
static void drop_rest(struct stream *s, unsigned d)
{
	struct segment *g;

	while ((g = held_head(s, d))) {
		held_take(s, d, g);
		count(s, &s->world->counters->stray_bytes, g->size);
		held_free(s, g);
	}
}

/* Takes a held segment out of the queue and gives it out. */
static void deliver_held(struct stream *s, unsigned d, struct segment *g)
{
	struct stream_dir *h = &s->dir[d];
	struct counters *c = s->world->counters;
	struct origin origin = {g->ts_ns, g->frame, g->ack};
	uint64_t passed = h->next > g->offset ? h->next - g->offset : 0;

	held_take(s, d, g);
	if (passed >= (uint64_t)g->size + g->cut) {
		count(s, &c->duplicate_bytes, g->size);
	} else {
		uint32_t skip = passed < g->size ? (uint32_t)passed : g->size;
		uint32_t cut = g->cut - (uint32_t)(passed - skip);

		count(s, &c->duplicate_bytes, skip);
		if (g->copied || !g->size ||
		    feeder_skips(s->feeder, d, h->next, h->next + g->size - skip)) {
			const uint8_t *data = g->copied ? g->data : held_nothing();
			deliver(s, d, data + skip, g->size - skip, cut, &origin);
		} else { /* the skip it lay in was dropped by a switch */
			count(s, &c->refused_bytes, g->size - skip);
			deliver(s, d, NULL, 0, g->size - skip + cut, &origin);
		}
	}
	if (g->flags & TCP_FIN && h->next >= h->fin)
		end_direction(s, d, END_FIN);
	if (g->flags & TCP_RST) {
		end_direction(s, d, END_RST);
		s->reset = true;
	}
	held_free(s, g);
	if (h->ended)
		drop_rest(s, d);
}

/* Does a segment hold nothing but what went out already? */
static bool is_old(const struct stream_dir *h, const struct segment *g)
{
	return !g->flags && g->offset + g->size + g->cut <= h->next;
}

static bool contiguous(const struct stream_dir *h, const struct segment *g)
{
	return g && g->offset <= h->next;
}

/* The contiguous segment of a direction that was captured first; with `ready`, of those that may go now. NULL: none. */
static struct segment *earliest(const struct stream *s, unsigned d, bool ready)
{
	const struct stream_dir *h = &s->dir[d];
	struct segment *best = NULL;

	for (struct segment *g = held_head(s, d); contiguous(h, g); g = g->next) {
		if (ready && !is_old(h, g) && !causal_ok(s, d, g->ack))
			continue;
		if (!best || g->index < best->index)
			best = g;
	}
	return best;
}

/* Gives out all that may go, in the order of capture; when both sides wait for each other, the earlier packet. */
static void pump(struct stream *s)
{
	while (s->held) {
		struct segment *a = earliest(s, 0, true), *b = earliest(s, 1, true);

		if (!a && !b) {
			a = earliest(s, 0, false);
			b = earliest(s, 1, false);
			if (!a || !b)
				return;
		}
		if (a && (!b || a->index < b->index))
			deliver_held(s, 0, a);
		else
			deliver_held(s, 1, b);
	}
}

/* --- holes --- */

struct hole {
	uint64_t from, to;
	uint64_t deadline_ns, index; /* of the segment that waits longest, and its packet */
	unsigned dir;
	bool acked; /* the peer has these bytes: the capture lost them */
};

/* The lowest acknowledgement a contiguous segment of a direction waits for; UINT64_MAX: there is none. */
static uint64_t lowest_ack(const struct stream *s, unsigned d)
{
	uint64_t lowest = UINT64_MAX;

	for (const struct segment *g = held_head(s, d); contiguous(&s->dir[d], g); g = g->next)
		if (g->ack > s->dir[!d].next && g->ack < lowest)
			lowest = g->ack;
	return lowest;
}

/* The hole that direction `d`'s head waits for. False when the head waits for nothing, or there is none. */
static bool find_hole(const struct stream *s, unsigned d, struct hole *ret)
{
	const struct stream_dir *h = &s->dir[d], *o = &s->dir[!d];
	const struct segment *g = held_head(s, d), *x = held_head(s, !d);
	uint64_t ack;

	if (!g)
		return false;
	if (g->offset > h->next) { /* before itself */
		ret->dir = d;
		ret->from = h->next;
		ret->acked = h->acked > h->next;
		ret->to = ret->acked && h->acked < g->offset ? h->acked : g->offset;
		ack = lowest_ack(s, !d);
		ret->to = ack < ret->to ? ack : ret->to;
		g = held_oldest(s, d);
		ret->deadline_ns =
			g->now_ns + (ret->acked ? STREAM_WAIT_CAPTURE_NS : STREAM_WAIT_NETWORK_NS);
		ret->index = g->index;
		return true;
	}
	ack = lowest_ack(s, d);
	if (ack == UINT64_MAX || contiguous(o, x))
		return false;
	ret->dir = !d; /* in the other direction: its acknowledgement came first */
	ret->from = o->next;
	ret->to = x && x->offset < ack ? x->offset : ack;
	ret->acked = true;
	g = earliest(s, d, false);
	ret->deadline_ns = g->now_ns + STREAM_WAIT_CAPTURE_NS;
	ret->index = g->index;
	return true;
}

/* The hole whose time is over first; of two, the one that the earlier packet waits for. */
static bool first_hole(const struct stream *s, struct hole *ret)
{
	struct hole a, b;
	bool has_a, has_b;

	if (!s->held)
		return false;
	has_a = find_hole(s, 0, &a);
	has_b = find_hole(s, 1, &b);
	if (has_a && has_b)
		has_a = a.deadline_ns != b.deadline_ns ? a.deadline_ns < b.deadline_ns
						       : a.index < b.index;
	if (has_a)
		*ret = a;
	else if (has_b)
		*ret = b;
	return has_a || has_b;
}

static void declare_lost(struct stream *s, const struct hole *hole, const struct origin *origin)
{
	struct stream_dir *h = &s->dir[hole->dir];
	struct counters *c = s->world->counters;
	uint64_t n = hole->to - hole->from;

	if (!h->seen) {
		h->unwaited = 1;
	} else if (n == 1 && hole->acked && !h->fin_lost && !held_head(s, hole->dir) &&
		   !feeder_held_bytes(s->feeder, hole->dir).size) {
		h->fin_lost = 1; /* nothing behind it, and not amid a message: a FIN, not a gap */
		return;
	}
	if (!h->begun)
		begin_direction(s, hole->dir, origin);
	h->next = hole->to;
	h->fin_lost = 0;
	count(s, &c->range_bytes, n);
	count(s, &c->lost_bytes, n);
	s->lost += n;
	count(s, &c->holes, 1);
	count(s, &c->holes_capture, hole->acked);
	feeder_gap(s->feeder, hole->dir, n, WHY_LOST, origin);
}

static enum stream_state state_of(const struct stream *s)
{
	if (all_ended(s))
		return STREAM_OVER;
	return feeder_bypassed(s->feeder) ? STREAM_BYPASSED : STREAM_ON;
}

/* A flow, or all of them, hold too much: the nearest hole is lost now. */
static void obey_caps(struct stream *s, const struct origin *origin)
{
	struct counters *c = s->world->counters;
	struct hole hole;

	while (s->held && !all_ended(s)) {
		if (held_bytes(s) > STREAM_HOLD_MAX || held_count(s) > STREAM_SEGMENTS_MAX)
			count(s, &c->cap_stream, 1);
		else if (s->world->held > STREAM_WORKER_HOLD_MAX)
			count(s, &c->cap_worker, 1);
		else
			return;
		if (!first_hole(s, &hole))
			return;
		declare_lost(s, &hole, origin);
		pump(s);
	}
}

/* --- a packet --- */

/* A direction known only by an acknowledgement begins earlier than that: its SYN says where. */
static void move_start(struct stream *s, unsigned d, uint32_t isn)
{
	struct stream_dir *h = &s->dir[d];
	int32_t shift = (int32_t)(h->isn - isn);

	h->isn = isn;
	if (shift <= 0)
		return;
	h->acked += (uint32_t)shift;
	for (struct segment *g = held_head(s, !d); g; g = g->next)
		g->ack += (uint32_t)shift;
}

/* Learns where the directions begin. */
static void learn(struct stream *s, const struct packet *p)
{
	struct stream_dir *h = &s->dir[p->dir], *o = &s->dir[!p->dir];

	if (h->known && !h->seen && !h->relied && p->flags & TCP_SYN)
		move_start(s, p->dir, p->seq + 1);
	if (!h->known) {
		h->known = 1;
		h->isn = p->seq + (p->flags & TCP_SYN ? 1 : 0);
	}
	if (p->flags & TCP_SYN) {
		if (h->isn == p->seq + 1 && !h->begun)
			h->start = 1;
		h->scale = p->window_scale == 255 ? 0 : p->window_scale;
	}
	if (p->flags & TCP_ACK && !o->known) {
		o->known = 1;
		o->isn = p->ack;
	}
	/* A SYN-ACK tells the first byte of the other side, whether its SYN was seen or not. */
	if ((p->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK) && !o->begun &&
	    o->isn == p->ack)
		o->start = 1;
	h->seen = 1;
	h->unwaited = 0;
}

/* The offset this packet acknowledges in the other direction; notes it. */
static uint64_t acknowledge(struct stream *s, const struct packet *p)
{
	const struct stream_dir *h = &s->dir[p->dir];
	struct stream_dir *o = &s->dir[!p->dir];
	uint64_t ack, window;
	unsigned scale;

	if (!(p->flags & TCP_ACK))
		return 0;
	ack = unwrap(o, p->ack);
	if (ack <= o->acked)
		return ack;
	if ((int64_t)ack < 0)
		return 0;
	scale = p->flags & TCP_SYN ? 0 : h->scale == 255 ? 14 : h->scale;
	window = (uint64_t)p->window << scale;
	if (ack > o->top + 1 + window) {
		count(s, &s->world->counters->acks_ignored, o->seen);
		return o->acked;
	}
	o->acked = ack;
	return ack;
}

/* Bytes that nobody needs any more: all of them went out before, or the direction is over. */
static enum stream_state drop_old(struct stream *s, const struct packet *p, bool elsewhere)
{
	struct counters *c = s->world->counters;

	if (!p->payload_size)
		return state_of(s);
	if (s->dir[p->dir].ended) {
		count(s, &c->stray_bytes, p->payload_size);
	} else if (elsewhere) {
		count(s, &c->copy_bytes, p->payload_size);
		count(s, &c->packets_copy, 1);
	} else {
		count(s, &c->duplicate_bytes, p->payload_size);
	}
	return state_of(s);
}

/* A segment without what went out before. */
struct part {
	const uint8_t *data;
	uint64_t offset, ack;
	uint32_t size, cut;
};

static void trim(struct stream *s, const struct stream_dir *h, struct part *part)
{
	uint64_t passed = h->next - part->offset;
	uint32_t skip = passed < part->size ? (uint32_t)passed : part->size;

	if ((int64_t)passed <= 0)
		return;
	count(s, &s->world->counters->duplicate_bytes, skip);
	if (skip) /* an empty payload may have no address */
		part->data += skip;
	part->size -= skip;
	part->cut -= (uint32_t)(passed - skip) < part->cut ? (uint32_t)(passed - skip) : part->cut;
	part->offset = h->next;
}

/* Out of order, early, or blocked by the other direction. */
static enum stream_state hold(struct stream *s, const struct packet *p, const struct part *part,
			      const struct origin *origin)
{
	const struct held_part in = {part->data, part->offset, part->ack, part->size, part->cut};

	if (held_insert(s, p, &in) != 0)
		count(s, &s->world->counters->refused_bytes, part->size);
	pump(s);
	obey_caps(s, origin);
	return state_of(s);
}

/* A segment that can only belong to another connection, or comes after the end of this one. */
static bool is_stray(const struct stream_dir *h, uint64_t offset, uint32_t size)
{
	int64_t away = (int64_t)(offset - h->next);

	return away > FAR || away < -FAR ||
	       (h->fin != UINT64_MAX && size && (int64_t)(offset + size - h->fin) > 0);
}

enum stream_state stream_segment(struct stream *s, const struct packet *p, bool elsewhere)
{
	struct stream_dir *h = &s->dir[p->dir];
	struct part part = {p->payload, 0, 0, p->payload_size, p->payload_cut};
	uint32_t size = p->payload_size + p->payload_cut;
	bool ends = p->flags & (TCP_FIN | TCP_RST);

	if (!h->seen || !s->dir[!p->dir].known || p->flags & TCP_SYN)
		learn(s, p);
	count(s, &s->world->counters->seen_bytes, p->payload_size);
	part.ack = acknowledge(s, p);
	if (!size && !ends)
		return STREAM_ON;
	part.offset = unwrap(h, p->seq + (p->flags & TCP_SYN ? 1 : 0));
	if (is_stray(h, part.offset, size)) {
		count(s, &s->world->counters->stray_bytes, p->payload_size);
		return state_of(s);
	}
	if (h->ended)
		return drop_old(s, p, elsewhere);
	if (p->flags & TCP_FIN && h->fin == UINT64_MAX)
		h->fin = part.offset + size;
	if ((int64_t)(part.offset + size - h->top) > 0)
		h->top = part.offset + size;
	if (size && (int64_t)(part.offset + size - h->next) <= 0 && !ends)
		return drop_old(s, p, elsewhere);
	if (part.offset != h->next)
		trim(s, h, &part);

	struct origin origin = {p->ts_ns, p->frame, part.ack};
	if (part.offset != h->next || p->flags & TCP_RST || held_head(s, p->dir) ||
	    !causal_ok(s, p->dir, part.ack))
		return hold(s, p, &part, &origin);
	if (size)
		deliver(s, p->dir, part.data, part.size, part.cut, &origin);
	if (p->flags & TCP_FIN && h->next >= h->fin)
		end_direction(s, p->dir, END_FIN);
	else if (!s->held)
		return feeder_bypassed(s->feeder) ? STREAM_BYPASSED : STREAM_ON;
	pump(s);
	return state_of(s);
}

/* --- time --- */

uint64_t stream_sent_before(const struct stream *s, unsigned dir, uint64_t offset)
{
	uint64_t end = 0;

	for (const struct segment *g = held_head(s, dir); g; g = g->next)
		if (g->ack <= offset && g->offset + g->size + g->cut > end)
			end = g->offset + g->size + g->cut;
	return end;
}

uint64_t stream_deadline(const struct stream *s)
{
	struct hole hole;

	return first_hole(s, &hole) ? hole.deadline_ns : UINT64_MAX;
}

enum stream_state stream_tick(struct stream *s, uint64_t now_ns)
{
	struct origin origin = {now_ns, 0, 0};
	struct hole hole;

	while (first_hole(s, &hole) && hole.deadline_ns <= now_ns) {
		declare_lost(s, &hole, &origin);
		pump(s);
	}
	return state_of(s);
}

/* Bytes the peer acknowledged at the very end, and nobody saw. */
static void lose_tail(struct stream *s, unsigned d, const struct origin *origin)
{
	struct stream_dir *h = &s->dir[d];
	uint64_t to = h->acked < h->fin ? h->acked : h->fin;
	struct hole hole = {.from = h->next, .to = to, .dir = d, .acked = true};

	if (h->ended || !h->seen || to <= h->next + (h->fin == UINT64_MAX))
		return;
	declare_lost(s, &hole, origin);
}

void stream_finish(struct stream *s, enum end_reason reason, uint64_t now_ns)
{
	struct origin origin = {now_ns, 0, 0};
	struct hole hole;

	while (s->held && first_hole(s, &hole)) {
		declare_lost(s, &hole, &origin);
		pump(s);
	}
	for (unsigned d = 0; d < 2; d++) {
		lose_tail(s, d, &origin);
		end_direction(s, d, s->dir[d].fin_lost ? END_FIN : reason);
	}
	held_drop(s);
}
