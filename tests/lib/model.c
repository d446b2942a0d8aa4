/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Order and holes; pairing is model_pairing.c, the feeder plain_feeder.c. Choices where the design can be read in
 * two ways:
 *
 *  1. A direction begins at the first sequence number of it that is known, by its own first segment (a SYN:
 *     behind it) or by the first acknowledgement of the other; bytes below are late (an acknowledgement
 *     gives way to a SYN as long as nothing was delivered that came with one). An acknowledgement in a SYN
 *     is as good as the SYN it acknowledges. What acknowledges less acknowledges the beginning. Packets without payload before the first SYN or payload
 *     tell nothing.
 *  2. A segment arrives at the reader's `now`. A tick is the newest multiple of 10 ms: a deadline has passed when
 *     that is arrival + limit or later.
 *  3. An expired segment gives up the hole that blocks it, the one before it or, when it is contiguous, the one
 *     of the other direction (segments behind it do not count then); the one whose time was over first does
 *     so first; after each hole everything that can be delivered is.
 *  4. A hole that is acknowledged in part is given up so far after 50 ms, the rest after 5 s.
 *  5. Of several segments that can be delivered, and of two that wait for each other, the one captured
 *     first goes.
 *  6. An ignored acknowledgement is replaced by the last good one of its direction.
 *  7. One acknowledged byte with nothing captured behind it is a lost FIN: nobody waits for it, but it is not
 *     passed, and the direction is not ended by it. Bytes behind it wait for it as for any hole.
 *  8. At the end of a flow every wait is over, and what was acknowledged but not seen is lost. It comes a second
 *     after a reset that lies in the window, or after the last packet before any other reset went out.
 */
#include "model.h"

#include <stdlib.h>

#include "core/time.h"
#include "model_pairing.h"

enum { UNKNOWN_SCALE = 14, RESYNC_BYTES = 16 << 20 };
static const uint64_t wait_acked_ns = 50 * NS_PER_MS, wait_ns = 5 * NS_PER_S, linger_ns = NS_PER_S;

struct segment {
	const struct packet *p;
	int64_t from, to; /* offsets; what the capture cut counts */
};

struct way {
	bool known, seen, relied, syn, begun, ended, given_up, fin, fin_lost, has_acked;
	uint32_t origin, first,
		acked; /* sequence numbers: of offset 0; first seen; highest the peer acknowledged */
	int64_t next, top; /* delivered or lost up to here; highest seen */
	int64_t sent;      /* highest seen but for resets */
	uint64_t window;
	unsigned scale;
};

struct model {
	struct model_pairing pairing; /* first */
	struct way way[SIDES];
	struct segment *held; /* of both directions, in order of arrival */
	size_t count;
	uint64_t closed_ns, over_ns; /* both ends went out; a reset, or both ends, were captured */
	uint64_t last_ns;            /* the packet before */
	bool live;
};

static int64_t offset_of(const struct way *w, uint32_t seq)
{
	return w->next + (int32_t)(seq - w->origin - (uint32_t)w->next);
}

int64_t model_ack(const struct model_pairing *m, const struct packet *p)
{
	const struct way *other = &((const struct model *)m)->way[!p->dir];
	int64_t ack = other->known ? offset_of(other, p->ack) : -1;
	return !(p->flags & TCP_ACK) || !other->known ? -1 : ack > 0 ? ack : 0;
}

int64_t model_sent_before(const struct model_pairing *m, int64_t offset)
{
	const struct model *whole = (const struct model *)m;
	int64_t end = 0;
	for (const struct segment *s = whole->held; s < whole->held + whole->count; s++)
		if (s->p->dir == m->server && model_ack(m, s->p) <= offset && s->to > end)
			end = s->to;
	return end;
}

/* Is a segment the next one of its direction? */
static bool is_head(const struct model *m, const struct segment *s)
{
	int64_t next = m->way[s->p->dir].next;
	return s->from <= next &&
	       (next < s->to + !!(s->p->flags & TCP_FIN) || s->p->flags & TCP_RST);
}

static bool may_go(const struct model *m, const struct segment *s)
{
	const struct way *other = &m->way[!s->p->dir];
	if (!(s->p->flags & TCP_ACK))
		return true;
	return model_ack(&m->pairing, s->p) <= other->next + other->fin_lost ||
	       (other->given_up && !other->seen);
}

/* Bytes up to `to` are lost; also tells how the direction begins. */
static void lost(struct model *m, unsigned d, int64_t to)
{
	struct way *w = &m->way[d];
	int64_t size = to - w->next;
	if (!w->begun && !w->syn)
		plain_feeder_gap(&m->pairing.feeder, d, 0, WHY_MIDSTREAM);
	w->begun = true;
	w->next = to;
	w->fin_lost = false;
	if (size)
		plain_feeder_gap(&m->pairing.feeder, d, size, WHY_LOST);
}

static void end_way(struct model *m, unsigned d, enum end_reason reason)
{
	if (!m->way[d].ended)
		plain_feeder_end(&m->pairing.feeder, d, reason);
	m->way[d].ended = true;
	if (!m->closed_ns && (reason == END_RST || (m->way[0].ended && m->way[1].ended)))
		m->closed_ns = m->pairing.now_ns;
	if (!m->over_ns && reason == END_RST)
		m->over_ns = m->last_ns;
}

static void deliver(struct model *m, struct segment s)
{
	unsigned d = s.p->dir;
	struct way *w = &m->way[d];
	m->pairing.feeder.now = s.p;
	m->way[!d].relied = true;
	if (w->next < s.to) {
		int64_t cut = s.to - s.p->payload_cut;
		lost(m, d, w->next);
		if (w->next < cut)
			plain_feeder_push(&m->pairing.feeder, d, s.p->payload + (w->next - s.from),
					  cut - w->next);
		cut = cut > w->next ? cut : w->next;
		w->next = s.to;
		if (cut < s.to)
			plain_feeder_gap(&m->pairing.feeder, d, s.to - cut, WHY_SNAPLEN);
	}
	if (s.p->flags & TCP_FIN && w->next == s.to) {
		w->next++;
		end_way(m, d, END_FIN);
	}
	if (s.p->flags & TCP_RST)
		end_way(m, d, END_RST);
	size_t kept = 0;
	for (size_t i = 0; i < m->count; i++) {
		const struct segment *h = &m->held[i];
		if (h->p->dir != d ||
		    (!w->ended && h->p != s.p && (h->from > w->next || is_head(m, h))))
			m->held[kept++] = *h;
	}
	m->count = kept;
}

static void deliver_ready(struct model *m)
{
	for (;;) {
		const struct segment *ready = NULL, *head[SIDES] = {0};
		for (const struct segment *s = m->held; s < m->held + m->count; s++) {
			if (!is_head(m, s))
				continue;
			if (!ready && may_go(m, s))
				ready = s;
			if (!head[s->p->dir])
				head[s->p->dir] = s;
		}
		if (!ready && head[0] && head[1])
			ready = head[0] < head[1] ? head[0] : head[1];
		if (!ready)
			return;
		deliver(m, *ready);
	}
}

static bool is_acked(const struct way *w, int64_t offset)
{
	return w->has_acked && offset_of(w, w->acked) >= offset;
}

/* The hole in direction d becomes lost, as far as one step goes. */
static void lose(struct model *m, unsigned d, bool acked_only)
{
	const struct plain_way *fed = &m->pairing.feeder.way[d];
	struct way *w = &m->way[d];
	int64_t to = INT64_MAX;
	bool behind = false;
	for (const struct segment *s = m->held; s < m->held + m->count; s++) {
		int64_t end = s->p->dir == d ? s->from : model_ack(&m->pairing, s->p);
		behind |= s->p->dir == d;
		to = end > w->next && end < to ? end : to;
	}
	if (acked_only && offset_of(w, w->acked) < to)
		to = offset_of(w, w->acked);
	w->given_up = !w->seen;
	if (behind || to > w->next + 1 || w->fin_lost || (fed->off < fed->end && !w->ended))
		lost(m, d, to);
	else
		w->fin_lost = true;
}

/* One hole that was waited for long enough; false: there is none. */
static bool expire_one(struct model *m, uint64_t now)
{
	const struct segment *found = NULL;
	uint64_t first = UINT64_MAX;
	bool head[SIDES] = {0};
	for (const struct segment *s = m->held; s < m->held + m->count; s++)
		head[s->p->dir] |= is_head(m, s);
	for (const struct segment *s = m->held; s < m->held + m->count; s++) {
		const struct way *w = &m->way[s->p->dir ^ head[s->p->dir]];
		uint64_t limit = is_acked(w, w->next + 1) ? wait_acked_ns : wait_ns;
		uint64_t deadline = s->p->now_ns + limit;
		if (deadline <= now && deadline < first && is_head(m, s) == head[s->p->dir])
			found = s, first = deadline;
	}
	if (!found)
		return false;
	m->pairing.feeder.now = found->p;
	lose(m, found->p->dir ^ head[found->p->dir], now < found->p->now_ns + wait_ns);
	return true;
}

static void expire(struct model *m, uint64_t now)
{
	do
		deliver_ready(m);
	while (expire_one(m, now));
}

static void finish(struct model *m, enum end_reason end, enum reason reason)
{
	if (!m->live)
		return;
	expire(m, UINT64_MAX);
	for (unsigned d = 0; d < SIDES; d++)
		if (!m->way[d].ended && is_acked(&m->way[d], m->way[d].next + 2))
			lost(m, d, offset_of(&m->way[d], m->way[d].acked));
	end_way(m, m->pairing.client, end);
	end_way(m, !m->pairing.client, end);
	model_pairing_close(&m->pairing, reason);
	plain_feeder_done(&m->pairing.feeder);
	free(m->held);
	struct model_pairing *p = &m->pairing;
	*m = (struct model){
		.pairing = {.emit = p->emit, .data = p->data, .client = p->client, .at = p->at}};
}

static void tick(struct model *m, uint64_t now, uint64_t at)
{
	m->pairing.now_ns = now;
	m->pairing.at = at;
	if (!m->live)
		return;
	expire(m, now - now % TICK_NS);
	if (m->closed_ns && now > m->closed_ns + linger_ns)
		finish(m, END_FIN, REASON_CLOSED);
}

/* The acknowledgement of `p` (sent in d) is taken, or replaced when it cannot be true. */
static void acknowledge(struct model *m, struct packet *p)
{
	struct way *w = &m->way[p->dir], *other = &m->way[!p->dir];
	if (!(p->flags & TCP_ACK))
		return;
	if (!other->known) {
		other->known = true;
		other->origin = p->ack;
		other->syn = p->flags & TCP_SYN;
	}
	if (other->seen && offset_of(other, p->ack) > other->top + (int64_t)w->window) {
		p->ack = other->acked;
		p->flags &= other->has_acked ? 0xff : 0xff & ~TCP_ACK;
	} else if (!other->has_acked || (int32_t)(p->ack - other->acked) > 0) {
		other->acked = p->ack;
		other->has_acked = true;
	}
}

/* A SYN that is not the beginning of what is known of its direction. */
static bool another_syn(const struct way *w, uint32_t start)
{
	if (w->seen)
		return start != w->first;
	return w->has_acked && w->acked - start > RESYNC_BYTES;
}

/* A reset is believed at once if it lies in the window; else when it goes out. */
static bool reset_fits(const struct model *m, const struct packet *p)
{
	const struct way *w = &m->way[p->dir];
	int64_t at = offset_of(w, p->seq), acked = offset_of(w, w->acked);
	int64_t open = acked + (int64_t)m->way[!p->dir].window;
	if (!w->seen || at == w->sent)
		return true;
	return w->has_acked && at >= (acked < w->sent ? acked : w->sent) &&
	       at <= (open > w->sent ? open : w->sent);
}

static void arrive(struct model *m, struct packet *p, const struct protocol_ops *ops)
{
	struct way *w = &m->way[p->dir];
	bool syn = p->flags & TCP_SYN, fin = p->flags & TCP_FIN;
	m->pairing.now_ns = p->now_ns;
	m->pairing.at = p->index;
	if (m->live && syn && another_syn(w, p->seq + 1))
		finish(m, END_EOF, REASON_CLOSED);
	if (m->over_ns && p->now_ns > m->over_ns + linger_ns)
		finish(m, END_IDLE, REASON_CLOSED);
	if (!m->live && !syn && !p->payload_size && !p->payload_cut)
		return;
	if (!m->live) {
		m->live = true;
		m->way[0].scale = m->way[1].scale = UNKNOWN_SCALE;
		model_pairing_init(&m->pairing, ops, m->pairing.client);
	}
	bool reset = p->flags & TCP_RST && reset_fits(m, p);
	if (!w->known || (syn && !w->seen && !w->relied))
		w->origin = p->seq + syn;
	if (!w->seen)
		w->first = p->seq + syn;
	w->known = w->seen = true;
	w->syn |= syn && w->origin == p->seq + 1;
	if (syn)
		w->scale = p->window_scale == 255 ? 0 : p->window_scale;
	uint64_t window = (uint64_t)p->window << (syn ? 0 : w->scale);
	w->window = window > w->window ? window : w->window;
	struct segment s = {p, offset_of(w, p->seq + syn), 0};
	s.to = s.from + p->payload_size + p->payload_cut;
	w->top = s.to + fin > w->top ? s.to + fin : w->top;
	if (!(p->flags & TCP_RST) && s.to + fin > w->sent)
		w->sent = s.to + fin;
	acknowledge(m, p);
	if (!w->ended && (s.to + fin > w->next || p->flags & TCP_RST) &&
	    (s.to + fin > s.from || p->flags & TCP_RST)) {
		m->held = plain_grown(m->held, (m->count + 1) * sizeof(s));
		m->held[m->count++] = s;
	}
	w->fin |= fin;
	const struct way *o = &m->way[!p->dir];
	bool over = w->fin && o->fin && is_acked(w, w->top) && is_acked(o, o->top);
	if (!m->over_ns && (reset || over))
		m->over_ns = p->now_ns;
	m->last_ns = p->now_ns;
	deliver_ready(m);
}

void model_run(const struct packet *packets, size_t count, const struct protocol_ops *ops,
	       unsigned client, void (*emit)(void *data, const struct model_record *r), void *data)
{
	struct model *m = calloc(1, sizeof(*m));
	struct packet *copy = plain_grown(NULL, (count + 1) * sizeof(*copy));
	m->pairing = (struct model_pairing){.emit = emit, .data = data, .client = client};
	for (size_t i = 0; i < count; i++) {
		copy[i] = packets[i];
		if (packets[i].now_ns / TICK_NS != m->pairing.now_ns / TICK_NS)
			tick(m, packets[i].now_ns, packets[i].index);
		arrive(m, &copy[i], ops);
	}
	tick(m, m->pairing.now_ns, m->pairing.at + 1);
	finish(m, END_EOF, REASON_END);
	free(copy);
	free(m);
}
