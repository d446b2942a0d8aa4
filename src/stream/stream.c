/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fast path is stream_segment() -> deliver(); everything else is for what came early, late, twice or
 * never (held.c keeps it).
 */
#include "stream/stream.h"

#include "stream/held.h"

/* A segment this far from what is expected, or this long, belongs to another connection: no window is so big. So
 * whatever a direction knows lies within 2 GiB of its next offset; only old acknowledgements need care. */
#define FAR (1 << 30)

enum { SCALE_MAX = 14 }; /* RFC 7323 2.3 */

static void count(struct stream *s, uint64_t *counter, uint64_t n)
{
	(void)s;
	counter_add(counter, n);
}

void stream_init(struct stream *s, struct feeder *feeder)
{
	memset(s, 0, sizeof(*s));
	s->feeder = feeder;
	s->dir[0].scale = s->dir[1].scale = SCALE_MAX;
}

void stream_done(struct stream *s)
{
	held_drop(s);
}

void stream_resume(struct stream *s, unsigned dir, uint32_t seq, uint64_t at, uint8_t scale)
{
	struct stream_dir *h = &s->dir[dir];

	h->acked = h->top = (uint32_t)at;
	h->isn = seq - (uint32_t)at;
	h->scale = scale < SCALE_MAX ? scale & 15 : SCALE_MAX;
	h->known = h->seen = h->begun = 1;
}

/* How far one number, sequence number or low bits of an offset, lies before another. */
static int32_t before(uint32_t a, uint32_t b)
{
	return (int32_t)(b - a);
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
	struct counters *c = s->feeder->world->counters;
	uint32_t next;

	if (!h->begun)
		begin_direction(s, d, origin);
	if (!s->dir[!d].seen)
		s->dir[!d].relied = 1;
	h->fin_lost = 0;
	next = (uint32_t)stream_next(s, d) + size + cut;
	if (before(h->acked, next) > FAR) /* it moves along */
		h->acked = next - FAR;
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
static inline bool causal_ok(const struct stream_dir *o, uint64_t next, uint64_t ack)
{
	return ack <= next || !o->known || o->unwaited || o->ended ||
	       (o->fin_lost && ack == next + 1);
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
		count(s, &s->feeder->world->counters->stray_bytes, g->size);
		held_free(s, g);
	}
}

/* Everything before a FIN that was seen went out. */
static bool fin_reached(const struct stream *s, unsigned d)
{
	const struct stream_dir *h = &s->dir[d];

	return h->has_fin && before(h->fin, (uint32_t)stream_next(s, d)) >= 0;
}

/* Takes a held segment out of the queue and gives it out. */
static void deliver_held(struct stream *s, unsigned d, struct segment *g)
{
	struct stream_dir *h = &s->dir[d];
	struct counters *c = s->feeder->world->counters;
	struct origin origin = {g->ts_ns, g->frame, g->ack};
	uint64_t next = stream_next(s, d), passed = next > g->offset ? next - g->offset : 0;

	held_take(s, d, g);
	if (passed >= (uint64_t)g->size + g->cut) {
		count(s, &c->duplicate_bytes, g->size);
	} else {
		uint32_t skip = passed < g->size ? (uint32_t)passed : g->size;
		uint32_t cut = g->cut - (uint32_t)(passed - skip);

		count(s, &c->duplicate_bytes, skip);
		if (g->copied || !g->size ||
		    feeder_skips(s->feeder, d, next, next + g->size - skip)) {
			const uint8_t *data = g->copied ? g->data : held_nothing();
			deliver(s, d, data + skip, g->size - skip, cut, &origin);
		} else { /* the skip it lay in was dropped by a switch */
			count(s, &c->refused_bytes, g->size - skip);
			deliver(s, d, NULL, 0, g->size - skip + cut, &origin);
		}
	}
	if (g->flags & TCP_FIN && fin_reached(s, d))
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
static bool is_old(uint64_t next, const struct segment *g)
{
	return !g->flags && g->offset + g->size + g->cut <= next;
}

static bool contiguous(uint64_t next, const struct segment *g)
{
	return g && g->offset <= next;
}

/* The contiguous segment of a direction that was captured first; with `ready`, of those that may go now. NULL: none. */
static struct segment *earliest(const struct stream *s, unsigned d, bool ready)
{
	uint64_t next = stream_next(s, d), other = stream_next(s, !d);
	struct segment *best = NULL;

	for (struct segment *g = held_head(s, d); contiguous(next, g); g = g->next) {
		if (ready && !is_old(next, g) && !causal_ok(&s->dir[!d], other, g->ack))
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
	uint64_t next = stream_next(s, d), other = stream_next(s, !d), lowest = UINT64_MAX;

	for (const struct segment *g = held_head(s, d); contiguous(next, g); g = g->next)
		if (g->ack > other && g->ack < lowest)
			lowest = g->ack;
	return lowest;
}

/* The hole that direction `d`'s head waits for. False when the head waits for nothing, or there is none. */
static bool find_hole(const struct stream *s, unsigned d, struct hole *ret)
{
	uint64_t next = stream_next(s, d), other = stream_next(s, !d);
	const struct segment *g = held_head(s, d), *x = held_head(s, !d);
	uint64_t ack;

	if (!g)
		return false;
	if (g->offset > next) { /* before itself */
		uint64_t acked = stream_near(next, s->dir[d].acked);

		ret->dir = d;
		ret->from = next;
		ret->acked = acked > next;
		ret->to = ret->acked && acked < g->offset ? acked : g->offset;
		ack = lowest_ack(s, !d);
		ret->to = ack < ret->to ? ack : ret->to;
		g = held_oldest(s, d);
		ret->deadline_ns =
			g->now_ns + (ret->acked ? STREAM_WAIT_CAPTURE_NS : STREAM_WAIT_NETWORK_NS);
		ret->index = g->index;
		return true;
	}
	ack = lowest_ack(s, d);
	if (ack == UINT64_MAX || contiguous(other, x))
		return false;
	ret->dir = !d; /* in the other direction: its acknowledgement came first */
	ret->from = other;
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
	struct counters *c = s->feeder->world->counters;
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
	if (before(h->acked, (uint32_t)hole->from) + (int64_t)n > FAR)
		h->acked = (uint32_t)hole->to - FAR;
	h->fin_lost = 0;
	count(s, &c->range_bytes, n);
	count(s, &c->lost_bytes, n);
	s->lost += (uint32_t)n;
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
	struct counters *c = s->feeder->world->counters;
	struct hole hole;

	while (s->held && !all_ended(s)) {
		if (held_bytes(s) > STREAM_HOLD_MAX || held_count(s) > STREAM_SEGMENTS_MAX)
			count(s, &c->cap_stream, 1);
		else if (s->feeder->world->stream_held > STREAM_WORKER_HOLD_MAX)
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
	if (shift <= 0 || shift > FAR)
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
		h->scale = p->window_scale <= SCALE_MAX ? p->window_scale & 15 : 0;
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

/* The offset this packet acknowledges in the other direction, of which `next` goes out next; notes it. */
static uint64_t acknowledge(struct stream *s, const struct packet *p, uint64_t next)
{
	const struct stream_dir *h = &s->dir[p->dir];
	struct stream_dir *o = &s->dir[!p->dir];
	int64_t ahead = before((uint32_t)next, p->ack - o->isn), acked, window;
	unsigned scale;

	if (!(p->flags & TCP_ACK) || (int64_t)next + ahead < 0)
		return 0;
	acked = before((uint32_t)next, o->acked);
	if (ahead <= acked)
		return next + (uint64_t)ahead;
	scale = p->flags & TCP_SYN ? 0 : h->scale;
	window = (int64_t)p->window << scale;
	if (ahead > before((uint32_t)next, o->top) + 1 + window) {
		count(s, &s->feeder->world->counters->acks_ignored, o->seen);
		return acked > -FAR ? next + (uint64_t)acked : 0; /* it may have moved along */
	}
	o->acked = p->ack - o->isn;
	return next + (uint64_t)ahead;
}

/* Bytes that nobody needs any more: all of them went out before, or the direction is over. */
static enum stream_state drop_old(struct stream *s, const struct packet *p, bool elsewhere)
{
	struct counters *c = s->feeder->world->counters;

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

static void trim(struct stream *s, uint64_t next, struct part *part)
{
	uint64_t passed = next - part->offset;
	uint32_t skip = passed < part->size ? (uint32_t)passed : part->size;

	if ((int64_t)passed <= 0)
		return;
	count(s, &s->feeder->world->counters->duplicate_bytes, skip);
	if (skip) /* an empty payload may have no address */
		part->data += skip;
	part->size -= skip;
	part->cut -= (uint32_t)(passed - skip) < part->cut ? (uint32_t)(passed - skip) : part->cut;
	part->offset = next;
}

/* Out of order, early, or blocked by the other direction. */
static enum stream_state hold(struct stream *s, const struct packet *p, const struct part *part,
			      const struct origin *origin)
{
	const struct held_part in = {part->data, part->offset, part->ack, part->size, part->cut};

	if (held_insert(s, p, &in) != 0)
		count(s, &s->feeder->world->counters->refused_bytes, part->size);
	pump(s);
	obey_caps(s, origin);
	return state_of(s);
}

/* A segment that can only belong to another connection, or comes after the end of this one. */
static bool is_stray(const struct stream_dir *h, uint32_t next, int64_t away, uint32_t size)
{
	return (uint64_t)(away + FAR) > 2ull * FAR || size >= FAR ||
	       (h->has_fin && size && away + size > before(next, h->fin));
}

enum stream_state stream_segment(struct stream *s, const struct packet *p, bool elsewhere)
{
	struct stream_dir *h = &s->dir[p->dir];
	struct part part = {p->payload, 0, 0, p->payload_size, p->payload_cut};
	uint32_t size = p->payload_size + p->payload_cut;
	uint64_t next, other = stream_next(s, !p->dir);
	bool ends = p->flags & (TCP_FIN | TCP_RST);
	int64_t away, end; /* of its first byte, and behind its last, from the next */

	if (!h->seen || !s->dir[!p->dir].known || p->flags & TCP_SYN)
		learn(s, p);
	count(s, &s->feeder->world->counters->seen_bytes, p->payload_size);
	part.ack = acknowledge(s, p, other);
	if (!size && !ends)
		return STREAM_ON;
	next = stream_next(s, p->dir);
	away = before((uint32_t)next, p->seq + (p->flags & TCP_SYN ? 1 : 0) - h->isn);
	end = away + size;
	part.offset = next + (uint64_t)away;
	if (is_stray(h, (uint32_t)next, away, size)) {
		count(s, &s->feeder->world->counters->stray_bytes, p->payload_size);
		return state_of(s);
	}
	if (h->ended) {
		/* Behind its own FIN: nobody reads any more what the other side sends. */
		if (p->flags & TCP_RST && (uint64_t)away <= 1)
			s->reset = true;
		return drop_old(s, p, elsewhere);
	}
	if (p->flags & TCP_FIN && !h->has_fin && end >= 0) { /* what is past is no end */
		h->has_fin = 1;
		h->fin = (uint32_t)next + (uint32_t)end;
	}
	if (end > before((uint32_t)next, h->top))
		h->top = (uint32_t)next + (uint32_t)end;
	if (size && end <= 0 && !ends)
		return drop_old(s, p, elsewhere);
	if (away)
		trim(s, next, &part);

	struct origin origin = {p->ts_ns, p->frame, part.ack};
	if (part.offset != next || p->flags & TCP_RST || held_head(s, p->dir) ||
	    !causal_ok(&s->dir[!p->dir], other, part.ack))
		return hold(s, p, &part, &origin);
	if (size)
		deliver(s, p->dir, part.data, part.size, part.cut, &origin);
	if (p->flags & TCP_FIN && fin_reached(s, p->dir))
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
	const struct stream_dir *h = &s->dir[d];
	uint64_t next = stream_next(s, d), acked = stream_near(next, h->acked);
	uint64_t fin = h->has_fin ? stream_near(next, h->fin) : UINT64_MAX;
	uint64_t to = acked < fin ? acked : fin;
	struct hole hole = {.from = next, .to = to, .dir = d, .acked = true};

	if (h->ended || !h->seen || to <= next + !h->has_fin)
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
