/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choices where the design can be read in two ways (1 to 8 are model.c's):
 *
 *  9. A server hole ends the floating answers and a client hole ends the floating requests, even when it is the
 *     first of its side: counting backward across a hole would invent pairs.
 * 10. Held bytes of the server are an answer half seen. The first request of all is no turn.
 * 11. A line that was anchored again on trust stays on trust: its turns are no evidence, its pairs keep
 *     `order`.
 * 12. At a turn a pair that fails the first-byte rule ends the matching: all before it are the rest.
 * 13. An answer UP_TO a key that finds requests with other keys which were open during a hole pairs with them on
 *     trust (`order`): their own answers, or what cancelled them, may be what was lost.
 * 14. An answer that is over before its request completes the round trip when the request is over.
 * 15. Server bytes that are held behind a hole, and were sent before the server had the request, count as not
 *     acknowledged (b): it was still answering.
 * 16. A request that acknowledges more than the one before it (a) while requests of an anchored line, or ahead of
 *     a barrier, are open is no turn; it shows that the client does not wait.
 * 17. An answer that finds nobody in an anchored line puts the barrier at the head: who asked for it may
 *     still come.
 * 18. A server hole is seen by the requests that begin until the server says something again: what was lost may
 *     have answered them.
 * 19. By key, an answer whose first byte the request's own first segment acknowledges was there before it.
 * 20. A message that is cut while bytes behind it are held lasts until the first of those, unless the decoder said
 *     before that it came so far.
 * 21. An answer without its key belongs to the only request that it can belong to, if no hole was seen since that
 *     began: behind one it may be the answer to a request that nobody saw.
 * 22. Where keys are used again, an answer that acknowledges client bytes which did not go out (each direction
 *     waited for the other) does not belong to a request that was open during a server hole.
 * 23. A turn acknowledges nothing that did not go out (b).
 *     It starts where the last server segment acknowledged (c), and not before: its answer may have gone out.
 * 24. By key, a request of which the last server segment acknowledges the last byte before that goes out (22) may have
 *     been answered by what went out: it saw a server hole.
 * 25. By key, an answer without its key that is paired with nobody is a server hole for those it may be to.
 */
#include "model_pairing.h"

#include <stdlib.h>

#include "core/time.h"

enum { OPEN, ANSWERED, GONE };
enum { SEEK_MAX = 64 }; /* open requests that one is looked for among (protocols/dns/README.md) */

static void emit(struct model_pairing *m, enum status status, enum reason reason, unsigned partial,
		 const struct part *q, const struct part *a)
{
	unsigned flags = (q ? q->flags : 0) | (a ? a->flags : 0);
	partial |=
		(flags & MESSAGE_GAP ? PARTIAL_GAP : 0) | (flags & MESSAGE_CUT ? PARTIAL_CUT : 0);
	struct model_record r = {
		.status = status, .reason = reason, .partial = partial, .at = m->at};
	r.time_ns = (q ? q : a)->first->ts_ns;
	if (q)
		r.has_request = true, r.request_from = (uint64_t)q->from,
		r.request_to = (uint64_t)q->to;
	if (a)
		r.has_response = true, r.response_from = (uint64_t)a->from,
		r.response_to = (uint64_t)a->to;
	if (q && a) {
		if (a->last_ns < r.time_ns)
			r.partial |= PARTIAL_CLOCK;
		else
			r.duration_ns = a->last_ns - r.time_ns;
		r.early = q->endless || a->first->ts_ns < q->last_ns;
		r.ttfb_ns = r.early ? 0 : a->first->ts_ns - q->last_ns;
	}
	m->emit(m->data, &r);
}

static void pair(struct model_pairing *m, struct request *r, const struct part *a, bool on_trust)
{
	if (r->state == OPEN)
		r->partial = on_trust || m->trust ? PARTIAL_ORDER : 0;
	r->a = *a;
	r->state = r->ended ? GONE : ANSWERED;
	if (r->ended)
		emit(m, a->flags & MESSAGE_ERROR ? STATUS_ERROR : STATUS_OK, 0, r->partial, &r->q,
		     a);
}

static void unanswered(struct model_pairing *m, struct request *r, enum reason reason)
{
	r->state = GONE;
	emit(m, STATUS_UNANSWERED, reason, reason == REASON_CANCELLED ? PARTIAL_CANCELLED : 0,
	     &r->q, NULL);
}

static void orphans(struct model_pairing *m, enum reason reason)
{
	for (size_t i = 0; i < m->floating_count; i++)
		emit(m, STATUS_ORPHAN, reason, 0, NULL, &m->floating[i]);
	m->floating_count = 0;
}

static struct request *first_open(struct model_pairing *m, uint64_t key)
{
	for (struct request *r = m->requests; r < m->end; r++)
		if (r->state == OPEN && (!m->keyed || r->q.key == key))
			return r;
	return NULL;
}

/* Its key may be that of a request among the client's bytes that are missing. */
static bool may_be_anothers(const struct model_pairing *m, const struct part *a,
			    const struct request *r)
{
	return m->feeder.ops->pairing == PAIR_KEY_REUSED && r->hole[1] &&
	       model_ack(m, a->first) > m->feeder.way[m->client].end + 1;
}

static bool may_answer(const struct model_pairing *m, const struct part *a, const struct request *r)
{
	return model_ack(m, a->first) > r->q.from &&
	       (!m->keyed || (a->from >= model_ack(m, r->q.first) && !may_be_anothers(m, a, r)));
}

static bool is_being_answered(const struct model_pairing *m, const struct request *r)
{
	for (const struct answer *a = m->answers; a < m->answers + MODEL_ANSWERS_MAX; a++)
		if (a->active &&
		    (m->keyed ? a->a.key == r->q.key && may_answer(m, &a->a, r) : a->of == r))
			return true;
	return false;
}

/* The answer being received with this key; NULL: none. */
static struct answer *active(struct model_pairing *m, uint64_t key)
{
	for (struct answer *a = m->answers; a < m->answers + MODEL_ANSWERS_MAX; a++)
		if (a->active && (!m->keyed || a->a.key == key))
			return a;
	return NULL;
}

static void barrier_at_head(struct model_pairing *m)
{
	m->barrier = true;
	for (struct request *r = m->requests; r < m->end; r++)
		r->floats = true;
}

/* Its key may have been answered, and used again, where nobody saw it. */
static bool is_doubtful(const struct model_pairing *m, const struct request *r)
{
	return m->feeder.ops->pairing == PAIR_KEY_REUSED && r->hole[0] && r->hole[1];
}

/* By key: a request saw a hole. */
static void see_hole(struct model_pairing *m, struct request *r, bool server)
{
	r->hole[server] = true;
	if (r->state == OPEN && is_doubtful(m, r) && !is_being_answered(m, r))
		unanswered(m, r, REASON_GAP);
}

static void hole(struct plain_feeder *f, unsigned d)
{
	struct model_pairing *m = (struct model_pairing *)f;
	bool server = d == m->server, first = !m->hole[d];
	m->hole[d] = true;
	for (struct request *r = m->requests; r < m->end; r++) {
		if (m->keyed)
			see_hole(m, r, server);
		else if (r->state == OPEN && !is_being_answered(m, r) && first && !server &&
			 r->floats)
			unanswered(m, r, REASON_GAP);
	}
	if (m->keyed)
		return;
	m->barrier = true;
	if (server) {
		barrier_at_head(m);
		orphans(m, REASON_GAP);
	}
}

/* What the last segment of the server that went out acknowledges; -1: nothing. */
static int64_t last_ack(const struct model_pairing *m)
{
	const struct plain_way *server = &m->feeder.way[m->server];
	int64_t last = server->end;
	while (last && !server->of[last - 1])
		last--;
	return last ? model_ack(m, server->of[last - 1]) : -1;
}

static bool quiet(const struct model_pairing *m, const struct request *r)
{
	const struct plain_way *server = &m->feeder.way[m->server];
	int64_t ack = model_ack(m, r->q.first);
	return ack >= server->end && ack <= server->end + server->dead && !m->answers[0].active &&
	       server->off == server->end && r->q.from == last_ack(m) &&
	       model_sent_before(m, r->q.from) <= ack;
}

/* A request that is not in the line yet made a quiet turn. */
static void turn(struct model_pairing *m, bool after_hole)
{
	bool stop = false;
	m->evidence |= !m->barrier && !m->trust;
	if (!m->barrier || m->sliding || after_hole)
		return;
	m->trust = !m->evidence;
	for (struct request *r = m->end; r-- > m->requests && m->floating_count && !stop;) {
		const struct part *a = &m->floating[m->floating_count - 1];
		stop = r->after_hole || (r->state == OPEN && !may_answer(m, a, r));
		if (r->state == OPEN && may_answer(m, a, r)) {
			pair(m, r, a, false);
			m->floating_count--;
		}
	}
	orphans(m, REASON_ORDER);
	for (struct request *r; (r = first_open(m, 0));)
		unanswered(m, r, REASON_ORDER);
	m->barrier = false;
}

static void begin_request(struct model_pairing *m, const struct part *q)
{
	struct request *r = m->end, *old = first_open(m, q->key);
	int64_t ack = model_ack(m, q->first);
	bool more = m->has_previous && ack > m->previous_ack;
	if (r == m->requests + MODEL_MESSAGES_MAX)
		abort();
	*r = (struct request){.q = *q, .after_hole = m->hole[m->client]};
	r->hole[1] = m->hole[m->server];
	if (m->keyed && old)
		unanswered(m, old, REASON_REUSED);
	if (!m->keyed && more && old && !old->floats)
		m->sliding = true;
	else if (!m->keyed && more && quiet(m, r))
		turn(m, r->after_hole);
	m->has_previous = true;
	m->previous_ack = ack;
	r->floats = m->barrier;
	r->state = q->flags & MESSAGE_ONEWAY ? GONE : OPEN;
	m->end++;
}

static void begin_answer(struct model_pairing *m, const struct part *a)
{
	struct request *head = first_open(m, a->key);
	struct answer *answer = m->answers;
	while (answer->active)
		if (++answer == m->answers + MODEL_ANSWERS_MAX)
			abort();
	*answer = (struct answer){.a = *a, .active = true};
	if (head && !m->keyed && !head->floats) {
		if (may_answer(m, a, head))
			answer->of = head;
		else
			barrier_at_head(m);
	}
	answer->floats = !answer->of && m->barrier;
}

static void end_answer(struct model_pairing *m, struct answer *a)
{
	a->active = false;
	if (m->keyed && (a->of = first_open(m, a->a.key)) && !may_answer(m, &a->a, a->of))
		a->of = NULL;
	bool found = a->of && a->of->state == OPEN;
	if (!(a->a.flags & MESSAGE_FINAL)) {
		if (found && m->keyed && is_doubtful(m, a->of))
			unanswered(m, a->of, REASON_GAP);
		return;
	}
	if (a->a.flags & MESSAGE_UP_TO) {
		found = false;
		for (struct request *r = m->requests; r < m->end; r++) {
			if (r->state != OPEN || r->q.key > a->a.key || !may_answer(m, &a->a, r))
				continue;
			found = true;
			pair(m, r, &a->a, r != a->of && (r->hole[0] || r->hole[1]));
		}
		if (!found)
			emit(m, STATUS_ORPHAN, REASON_UNASKED, 0, NULL, &a->a);
	} else if (found) {
		pair(m, a->of, &a->a, false);
	} else if (!a->floats) {
		emit(m, STATUS_ORPHAN, REASON_UNASKED, 0, NULL, &a->a);
		if (!m->keyed)
			barrier_at_head(m);
	} else {
		if (m->floating_count == MODEL_MESSAGES_MAX)
			abort();
		m->floating[m->floating_count++] = a->a;
	}
}

static void end_request(struct model_pairing *m, struct request *r)
{
	r->ended = true;
	r->hole[1] |= m->keyed && last_ack(m) >= r->q.to;
	if (r->state == ANSWERED)
		pair(m, r, &r->a, false);
	else if (r->q.flags & MESSAGE_ONEWAY)
		r->state = GONE, emit(m, STATUS_ONEWAY, 0, 0, &r->q, NULL);
}

void model_pairing_close(struct model_pairing *m, enum reason reason)
{
	for (struct answer *a = m->answers; a < m->answers + MODEL_ANSWERS_MAX; a++) {
		if (a->active) {
			a->a.flags |= MESSAGE_CUT | MESSAGE_FINAL;
			end_answer(m, a);
		}
	}
	orphans(m, reason);
	for (struct request *r = m->requests; r < m->end; r++) {
		if (!r->ended) {
			r->q.flags |= MESSAGE_CUT;
			r->q.endless = true;
			end_request(m, r);
		}
		if (r->state == OPEN)
			unanswered(m, r, reason);
	}
}

/* --- what the decoder may call: one request at a time is begun and not ended --- */

static void env_begin(struct env *env, enum side side, const struct message *msg)
{
	struct model_pairing *m = (struct model_pairing *)env;
	struct part part = {.first = plain_packet_at(&m->feeder, side, msg->offset),
			    .from = (int64_t)msg->offset,
			    .to = (int64_t)msg->offset,
			    .key = msg->key,
			    .flags = msg->flags,
			    .cookie = msg->cookie};
	part.last_ns = part.first->ts_ns;
	if (msg->kind == MESSAGE_REQUEST)
		begin_request(m, &part);
	m->hole[plain_dir(&m->feeder, side)] = false;
	if (msg->kind == MESSAGE_RESPONSE)
		begin_answer(m, &part);
}

static void end_part(struct model_pairing *m, enum side side, struct part *p,
		     const struct message *msg)
{
	const struct plain_way *w = &m->feeder.way[plain_dir(&m->feeder, side)];
	p->flags |= msg->flags;
	p->to = (int64_t)msg->offset < w->end ? (int64_t)msg->offset : w->end;
	for (int64_t i = p->from; i < p->to; i++)
		if (w->of[i])
			p->last_ns = w->of[i]->ts_ns;
	if (w->held >= p->to && p->reached != p->to)
		p->last_ns = w->of[w->held]->ts_ns;
}

static void env_end(struct env *env, enum side side, const struct message *msg)
{
	struct model_pairing *m = (struct model_pairing *)env;
	struct answer *a = active(m, msg->key);
	if (!(msg->flags & MESSAGE_CUT))
		m->feeder.way[plain_dir(&m->feeder, side)].bad = 0;
	if (msg->kind == MESSAGE_RESPONSE) {
		end_part(m, side, &a->a, msg);
		end_answer(m, a);
	} else if (msg->kind == MESSAGE_REQUEST && msg->flags & MESSAGE_CANCEL) {
		struct request *r = first_open(m, msg->key);
		if (r)
			unanswered(m, r, REASON_CANCELLED);
	} else if (msg->kind == MESSAGE_REQUEST) {
		end_part(m, side, &m->end[-1].q, msg);
		end_request(m, m->end - 1);
	}
}

static int env_ask(struct env *env, enum side side, uint64_t key, uint64_t offset)
{
	struct model_pairing *m = (struct model_pairing *)env;
	struct part a = {.first = plain_packet_at(&m->feeder, side, offset), .from = INT64_MAX};
	struct request *head = first_open(m, key);
	if (m->keyed)
		return head && may_answer(m, &a, head) ? head->q.cookie : ASK_NONE;
	if (!head && !m->barrier)
		return ASK_NONE;
	if (!head || head->floats || !may_answer(m, &a, head))
		return ASK_UNKNOWN;
	return head->q.cookie;
}

static void env_add(struct env *env, enum side side, const struct message *msg)
{
	struct model_pairing *m = (struct model_pairing *)env;
	struct answer *a = active(m, msg->key);
	(void)side;
	if (msg->kind == MESSAGE_REQUEST)
		m->end[-1].q.cookie |= msg->cookie;
	else if (msg->kind == MESSAGE_RESPONSE && (int64_t)msg->offset > a->a.from)
		a->a.reached = (int64_t)msg->offset;
}

static bool env_whole(struct env *env, enum side side, const struct message *msg, uint64_t end)
{
	struct message over = *msg;
	over.offset = end;
	env_begin(env, side, msg);
	env_end(env, side, &over);
	return true;
}

static bool env_seek(struct env *env, uint64_t mask, uint64_t *key)
{
	struct model_pairing *m = (struct model_pairing *)env;
	struct request *found = NULL;
	unsigned open = 0, matching = 0;
	for (struct request *r = m->requests; r < m->end; r++) {
		bool matches = r->state == OPEN && !((r->q.key ^ *key) & mask);
		open += r->state == OPEN;
		matching += matches;
		found = matches ? r : found;
	}
	if (open > SEEK_MAX)
		return false;
	if (matching == 1 && !found->hole[0] && !found->hole[1]) {
		*key = found->q.key;
		return true;
	}
	for (struct request *r = m->requests; r < m->end; r++)
		if (r->state == OPEN && !((r->q.key ^ *key) & mask))
			see_hole(m, r, true);
	return false;
}

static const struct env_ops env_ops = {
	.alloc = plain_env_alloc,
	.free = plain_env_free,
	.at = plain_env_at,
	.begin = env_begin,
	.add = env_add,
	.end = env_end,
	.ask = env_ask,
	.whole = env_whole,
	.seek = env_seek,
};

void model_pairing_init(struct model_pairing *m, const struct protocol_ops *ops, unsigned client)
{
	m->client = client;
	m->server = !client;
	m->end = m->requests;
	m->keyed = ops->pairing == PAIR_KEY_UNIQUE || ops->pairing == PAIR_KEY_REUSED;
	m->feeder.env.ops = &env_ops;
	m->feeder.hole = hole;
	plain_feeder_init(&m->feeder, ops, client);
}
