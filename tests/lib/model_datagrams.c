/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversations of datagrams: no order and no holes, but times, copies and timeouts. Choices where docs/MAP.md can be
 * read in two ways:
 *
 *  1. The place of a direction is where its first packet was seen; the others are elsewhere.
 *  2. A packet like the one before it in its direction, within a second of the last packet, with the same bytes and
 *     IP id is a copy. So is one from elsewhere, of any IP id, as long as nothing else was seen elsewhere.
 *  3. From then on, what is not taken for a copy is remembered for a second, and what has the same bytes as something
 *     remembered from another place is a copy. In the first second of that, everything from elsewhere is one, and is
 *     not remembered.
 *  4. Requests are looked at in the order they came: the first that is not over ends the search. A tick is the newest
 *     multiple of 10 ms.
 */
#include <stdlib.h>

#include "core/time.h"
#include "model.h"
#include "plain_feeder.h"

enum { SEEK_MAX = 64, REMEMBERED_MAX = 4096 };

struct query {
	const struct packet *p;
	uint64_t key;
	unsigned partial;
	bool open;
};

struct late {
	uint64_t key, until;
};

struct datagrams {
	struct env env; /* first */
	const struct protocol_ops *ops;
	void *state;
	unsigned client;
	void (*emit)(void *data, const struct model_record *r);
	void *data;
	const struct packet *now;
	uint64_t at;
	struct query *queries, *query_end;
	struct late *late, *late_end;
	const struct packet **remembered;
	size_t remembered_count;
	const struct packet *last[SIDES]; /* at the direction's place */
	uint64_t elsewhere_ns, last_ns;
	bool elsewhere;
};

/* --- records --- */

static uint64_t size_of(const struct packet *p)
{
	return (uint64_t)p->payload_size + p->payload_cut;
}

static void tell(struct datagrams *m, enum status status, enum reason reason, struct query *q,
		 const struct packet *a, unsigned partial)
{
	struct model_record r = {
		.status = status, .reason = reason, .partial = partial, .at = m->at};
	r.time_ns = (q ? q->p : a)->ts_ns;
	if (q) {
		q->open = false;
		r.partial |= q->partial;
		r.has_request = true;
		r.request_from = q->p->frame;
		r.request_to = q->p->frame + size_of(q->p);
	}
	if (a) {
		r.has_response = true;
		r.response_from = a->frame;
		r.response_to = a->frame + size_of(a);
	}
	if (q && a)
		r.duration_ns = r.ttfb_ns = a->ts_ns - q->p->ts_ns;
	m->emit(m->data, &r);
}

static struct query *open_query(const struct datagrams *m, uint64_t key)
{
	for (struct query *q = m->queries; q < m->query_end; q++)
		if (q->open && q->key == key)
			return q;
	return NULL;
}

/* The only one with these bits; every bit is one: at most one has them. */
static struct query *matching(const struct datagrams *m, uint64_t key, uint64_t mask)
{
	struct query *found = NULL;
	unsigned open = 0, n = 0;
	if (mask == UINT64_MAX)
		return open_query(m, key);
	for (struct query *q = m->queries; q < m->query_end; q++) {
		bool matches = q->open && !((q->key ^ key) & mask);
		open += q->open;
		n += matches;
		found = matches ? q : found;
	}
	return n == 1 && open <= SEEK_MAX ? found : NULL;
}

/* --- what the decoder calls --- */

static void take_answer(struct datagrams *m, const struct message *msg, unsigned partial)
{
	struct query *q = open_query(m, msg->key);
	enum reason reason = q ? REASON_ORDER : REASON_UNASKED;
	if (q && m->now->ts_ns >= q->p->ts_ns) {
		tell(m, msg->flags & MESSAGE_ERROR ? STATUS_ERROR : STATUS_OK, 0, q, m->now,
		     partial);
		return;
	}
	for (const struct late *l = m->late; l < m->late_end && !q; l++)
		if (l->key == msg->key)
			reason = REASON_LATE;
	tell(m, STATUS_ORPHAN, reason, NULL, m->now, partial);
}

static bool env_whole(struct env *env, enum side side, const struct message *msg, uint64_t end)
{
	struct datagrams *m = (struct datagrams *)env;
	unsigned partial = msg->flags & MESSAGE_GAP ? PARTIAL_GAP : 0;
	(void)side, (void)end;
	if (msg->kind == MESSAGE_RESPONSE)
		take_answer(m, msg, partial);
	if (msg->kind != MESSAGE_REQUEST)
		return true;
	if (msg->flags & MESSAGE_ONCE && open_query(m, msg->key))
		return false;
	*m->query_end++ = (struct query){m->now, msg->key, partial, true};
	return true;
}

static int env_ask(struct env *env, enum side side, uint64_t key, uint64_t offset)
{
	(void)side, (void)offset;
	return open_query((struct datagrams *)env, key) ? 0 : ASK_NONE;
}

static bool env_seek(struct env *env, uint64_t mask, uint64_t *key)
{
	const struct query *q = matching((struct datagrams *)env, *key, mask);
	if (q)
		*key = q->key;
	return q;
}

static const struct env_ops env_ops = {
	.alloc = plain_env_alloc,
	.free = plain_env_free,
	.ask = env_ask,
	.whole = env_whole,
	.seek = env_seek,
};

/* --- copies --- */

static bool same_bytes(const struct packet *a, const struct packet *b)
{
	return a->dir == b->dir && a->payload_size == b->payload_size &&
	       a->payload_cut == b->payload_cut &&
	       (!a->payload_size || !memcmp(a->payload, b->payload, a->payload_size));
}

/* Was it seen at another place within a second? Else it is remembered, in the place of an older one. */
static bool was_seen(struct datagrams *m, const struct packet *p)
{
	for (size_t i = 0; i < m->remembered_count; i++) {
		const struct packet *r = m->remembered[i];
		if (!same_bytes(r, p) || r->now_ns + NS_PER_S < p->now_ns)
			continue;
		if (r->place == p->place)
			m->remembered[i] = p;
		return r->place != p->place;
	}
	if (m->remembered_count == REMEMBERED_MAX)
		abort();
	m->remembered[m->remembered_count++] = p;
	return false;
}

static bool is_copy(struct datagrams *m, const struct packet *p)
{
	const struct packet *last = m->last[p->dir];
	bool elsewhere = last && last->place != p->place;
	bool alike = last && same_bytes(last, p) && p->now_ns - m->last_ns <= NS_PER_S &&
		     (elsewhere || last->ip_id == p->ip_id);
	if (!alike)
		m->last_ns = p->now_ns;
	if (!alike && !elsewhere)
		m->last[p->dir] = p;
	if (!p->payload_size || (alike && !elsewhere))
		return true; /* or nothing to decode */
	if (!m->elsewhere && (alike || !elsewhere))
		return alike;
	if (!m->elsewhere) {
		m->elsewhere = true;
		m->elsewhere_ns = p->now_ns;
	}
	if (elsewhere && p->now_ns < m->elsewhere_ns + NS_PER_S)
		return true;
	return was_seen(m, p);
}

/* --- packets and ticks --- */

static void datagram(struct datagrams *m, const struct packet *p)
{
	struct input in = {.bytes = view_of(p->payload, p->payload_size),
			   .ts_ns = p->ts_ns,
			   .lost = p->payload_cut,
			   .datagram = true};
	if (is_copy(m, p))
		return;
	m->now = p;
	m->ops->feed(m->state, &m->env, p->dir == m->client ? FROM_CLIENT : FROM_SERVER, &in);
}

static void icmp(struct datagrams *m, const struct packet *p)
{
	enum { UDP_HEADER = 8 };
	struct view quoted = view_from(view_of(p->payload, p->payload_size), UDP_HEADER);
	uint64_t key, mask;
	enum side side = p->dir == m->client ? FROM_CLIENT : FROM_SERVER;
	struct query *q = NULL;
	if (m->last[0] || m->last[1])
		q = m->ops->quoted(quoted, side, &key, &mask) ? matching(m, key, mask) : NULL;
	if (q)
		tell(m, STATUS_ERROR, REASON_ICMP, q, NULL, 0);
}

static void tick(struct datagrams *m, uint64_t now)
{
	uint64_t timeout = m->ops->answer_timeout_ms * NS_PER_MS;
	now -= now % TICK_NS;
	for (struct query *q = m->queries; q < m->query_end; q++) {
		if (!q->open)
			continue;
		if (q->p->ts_ns + timeout > now)
			break;
		*m->late_end++ = (struct late){q->key, q->p->ts_ns + 2 * timeout};
		tell(m, STATUS_UNANSWERED, REASON_TIMEOUT, q, NULL, 0);
	}
	while (m->late < m->late_end && m->late->until <= now)
		m->late++;
}

void model_run_datagrams(const struct packet *packets, size_t count, const struct protocol_ops *ops,
			 unsigned client, void (*emit)(void *data, const struct model_record *r),
			 void *data)
{
	struct datagrams m = {.env.ops = &env_ops,
			      .ops = ops,
			      .state = plain_grown(NULL, ops->state_bytes + 1),
			      .client = client,
			      .emit = emit,
			      .data = data};
	struct late *late = plain_grown(NULL, (count + 1) * sizeof(*late));
	uint64_t now = 0;
	memset(m.state, 0, ops->state_bytes);
	m.late = m.late_end = late;
	m.queries = m.query_end = plain_grown(NULL, (count + 1) * sizeof(*m.queries));
	m.remembered = plain_grown(NULL, REMEMBERED_MAX * sizeof(const struct packet *));
	for (size_t i = 0; i < count; i++) {
		const struct packet *p = &packets[i];
		m.at = p->index;
		if (p->now_ns / TICK_NS != now / TICK_NS)
			tick(&m, p->now_ns);
		now = p->now_ns;
		if (p->kind == PACKET_ICMP_ERROR)
			icmp(&m, p);
		else
			datagram(&m, p);
	}
	m.at++;
	tick(&m, now);
	for (struct query *q = m.queries; q < m.query_end; q++)
		if (q->open)
			tell(&m, STATUS_UNANSWERED, REASON_END, q, NULL, 0);
	if (ops->close)
		ops->close(m.state, &m.env);
	free(m.state);
	free(late);
	free(m.queries);
	free(m.remembered);
}
