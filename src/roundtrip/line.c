/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pairing in line. Anchored, the head of the line is answered next. Loose, only the first `ahead` requests
 * (those before the barrier) are; the others, and the answers that come meanwhile, float.
 */
#include "roundtrip/record.h"

static bool lockstep(const struct keeper *k)
{
	return k->feeder.ops->pairing == PAIR_FIFO_LOCKSTEP;
}

/* Is the head of the line the next to be answered? */
static bool forward(const struct keeper *k)
{
	return !k->loose || k->ahead;
}

static enum reason loose_reason(const struct keeper *k)
{
	return k->midstream ? REASON_MIDSTREAM : REASON_GAP;
}

static void append(struct keeper *k, struct entry *q)
{
	q->prev = k->tail;
	q->next = NULL;
	*(k->tail ? &k->tail->next : &k->head) = q;
	k->tail = q;
	k->open++;
}

static void take_off(struct keeper *k, struct entry *q)
{
	*(q->prev ? &q->prev->next : &k->head) = q->next;
	*(q->next ? &q->next->prev : &k->tail) = q->prev;
	k->open--;
}

static struct entry *take_head(struct keeper *k)
{
	struct entry *q = k->head;

	take_off(k, q);
	if (k->loose && k->ahead)
		k->ahead--;
	if (k->request == q)
		k->request = NULL;
	return q;
}

/* Ends a request of the line; one that was said already just goes. */
static void end_request(struct keeper *k, struct entry *q, enum reason reason)
{
	if (q->flags & ENTRY_TIMED_OUT)
		entry_free(k, q);
	else
		record_unanswered(k, q, reason);
}

static void end_heads(struct keeper *k, uint32_t n, enum reason reason)
{
	while (n-- && k->head)
		end_request(k, take_head(k), reason);
}

static void end_floats(struct keeper *k, uint32_t keep, enum reason reason)
{
	while (aside_count(k, ASIDE_FLOATS) > keep)
		record_orphan(k, aside_take(k, ASIDE_FLOATS), reason);
}

/* Ends the requests behind the barrier, oldest first. */
static void end_floating_requests(struct keeper *k, enum reason reason)
{
	struct entry *q = k->head;

	for (uint32_t i = 0; q && i < k->ahead; i++)
		q = q->next;
	while (q) {
		struct entry *next = q->next;

		take_off(k, q);
		if (k->request == q)
			k->request = NULL;
		end_request(k, q, reason);
		q = next;
	}
}

static void pair(struct keeper *k, struct entry *q, struct entry *a)
{
	if (q->flags & ENTRY_TIMED_OUT) {
		entry_free(k, q);
		record_orphan(k, a, REASON_LATE);
	} else {
		record_pair(k, q, a, k->trust ? PARTIAL_ORDER : 0);
	}
}

/* --- the quiet turn --- */

/* The last n answers belong to the last n requests, if each answer acknowledges its request: that n. */
static uint32_t matching(const struct keeper *k)
{
	uint32_t floats = aside_count(k, ASIDE_FLOATS), n = 0;
	const struct entry *q = k->head, *a = floats ? k->aside->queue[ASIDE_FLOATS].head : NULL;

	for (uint32_t i = k->open; q && i > floats; i--)
		q = q->next;
	for (uint32_t i = floats; a && i > k->open; i--)
		a = a->next;
	for (; q && a; q = q->next, a = a->next)
		n = a->ack > q->from ? n + 1 : 0;
	return n;
}

static void resolve(struct keeper *k)
{
	uint32_t n = matching(k);

	k->trust |= !k->evidence && !lockstep(k);
	end_heads(k, k->open - n, loose_reason(k));
	end_floats(k, n, loose_reason(k));
	k->loose = 0;
	k->midstream = 0;
	while (n--) {
		struct entry *first = take_head(k);
		pair(k, first, aside_take(k, ASIDE_FLOATS));
	}
}

/* Is everything that was asked before answered, as far as the client shows? Rules (b) and (c). */
static bool quiet_turn(const struct keeper *k, const struct message *m, const struct origin *origin)
{
	unsigned dir = feeder_dir_of(&k->feeder, FROM_SERVER);
	const struct feeder_dir *server = &k->feeder.dir[dir];
	const struct keeper_world *w = world_of(k);

	if (origin->ack < server->end || k->response || feeder_left(&k->feeder, dir) ||
	    server->last.ack != m->offset)
		return false;
	/* Bytes it acknowledges are still to come, as each side waited for the other: answers to what was before. */
	if (origin->ack > server->end + server->ended)
		return false;
	/* What is held behind a hole counts: the server was still answering. */
	return !w->sent_before || w->sent_before(w->data, k, m->offset) <= origin->ack;
}

static void look_for_turn(struct keeper *k, const struct message *m, const struct origin *origin)
{
	if (k->asked && origin->ack > k->last_ack) { /* rule (a) */
		if (k->loose ? k->ahead
			     : k->open) { /* it read an answer, and asks with others open */
			k->sliding |= !lockstep(k);
		} else if ((k->loose || !k->evidence) && quiet_turn(k, m, origin)) {
			if (!k->loose)
				k->evidence = 1; /* too late for a line that is on trust already */
			else if (!k->sliding && !k->after_hole) /* rule (d) */
				resolve(k);
		}
	}
	k->asked = 1;
	k->last_ack = origin->ack;
	k->after_hole = 0;
}

/* --- messages --- */

/* A request whose end will not come. */
static void cut_request(struct keeper *k)
{
	struct entry *q = k->request, *a;

	if (!q)
		return;
	k->request = NULL;
	q->partial |= PARTIAL_CUT;
	a = entry_take_answer(q);
	if (a) /* answered while it was still being sent */
		pair(k, q, a);
}

static void finish_response(struct keeper *k, struct entry *a)
{
	/* The head it began with may be gone: a request that wants no answer after all. */
	if (a->flags & ENTRY_PAIRED && k->head && a->ack > k->head->from) {
		bool sending = k->request == k->head;
		struct entry *q = take_head(k);

		if (!sending || q->flags & ENTRY_TIMED_OUT) {
			pair(k, q, a);
		} else { /* early: wait for the request's end */
			entry_put_answer(q, a);
			k->request = q;
		}
		return;
	}
	if (!(a->flags & ENTRY_FLOATS)) { /* who asked for it, though, may be the next request */
		record_orphan(k, a, REASON_UNASKED);
		k->loose = 1;
		k->ahead = 0;
		return;
	}
	if (aside_count(k, ASIDE_FLOATS) >= KEEPER_FLOAT_MAX) {
		counter_add(&counters_of(k)->cap_floating, 1);
		end_floats(k, KEEPER_FLOAT_MAX - 1, REASON_LIMIT);
	}
	/* Those that float are always the last ones: none did when memory ran out. */
	if (!aside_put(k, ASIDE_FLOATS, a))
		record_orphan(k, a, REASON_LIMIT);
}

/* An answer that was being received when its direction broke. */
static void cut_response(struct keeper *k)
{
	struct entry *a = k->response;

	if (!a)
		return;
	k->response = NULL;
	if (!(a->flags_begin & MESSAGE_FINAL)) {
		counter_add(&counters_of(k)->interim_responses, 1);
		entry_free(k, a);
		return;
	}
	a->partial |= PARTIAL_CUT;
	a->flags |= a->flags_begin & MESSAGE_ERROR ? ENTRY_ERROR : 0;
	finish_response(k, a);
}

void line_request(struct keeper *k, const struct message *m, const struct origin *origin)
{
	struct entry *q;

	cut_request(k);
	look_for_turn(k, m, origin);
	q = entry_new(k, m, origin);
	if (!q || k->open >= KEEPER_OPEN_MAX) {
		counter_add(&counters_of(k)->cap_open, 1);
		counter_add(&counters_of(k)->messages_withdrawn, 1);
		entry_free(k, q);
		line_hole(k, FROM_CLIENT, WHY_LIMIT);
		return;
	}
	append(k, q);
	k->request = q;
	if (k->loose && k->open - k->ahead > KEEPER_FLOAT_MAX) {
		counter_add(&counters_of(k)->cap_floating, 1);
		if (!k->ahead)
			end_heads(k, 1, loose_reason(k));
		else
			line_hole(k, FROM_SERVER, WHY_LIMIT);
	}
}

/* A request is whole; `flags`: those it ended with. */
static void finish_request(struct keeper *k, struct entry *q, unsigned flags)
{
	struct entry *a = entry_take_answer(q);

	k->request = NULL;
	q->partial |= partial_of(flags);
	flags |= q->flags_begin;
	if (a) { /* answered while it was still being sent */
		pair(k, q, a);
		return;
	}
	if (!(flags & (MESSAGE_ONEWAY | MESSAGE_CANCEL)))
		return;
	take_off(k, q);
	if (k->ahead > k->open)
		k->ahead = k->open;
	if (flags & MESSAGE_ONEWAY) {
		record_oneway(k, q);
	} else {
		q->partial |= PARTIAL_CANCELLED;
		record_unanswered(k, q, REASON_CANCELLED);
	}
}

void line_request_end(struct keeper *k, const struct message *m, const struct origin *origin)
{
	struct entry *q = k->request;

	if (!q)
		return;
	entry_end(q, m->offset, origin);
	entry_add(k, q, m);
	finish_request(k, q, m->flags);
}

void line_request_whole(struct keeper *k, const struct message *m, uint64_t end,
			const struct origin *origin)
{
	line_request(k, m, origin);
	if (!k->request)
		return;
	entry_end(k->request, end, origin);
	finish_request(k, k->request, m->flags);
}

void line_response(struct keeper *k, const struct message *m, const struct origin *origin)
{
	struct entry *a;

	cut_response(k);
	a = entry_new(k, m, origin);
	if (!a) {
		line_hole(k, FROM_SERVER, WHY_LIMIT);
		return;
	}
	if (forward(k) && k->head) {
		if (origin->ack > k->head->from) {
			a->flags |= ENTRY_PAIRED;
		} else { /* it was sent before its sender had the head: somebody else's */
			line_hole(k, FROM_SERVER, WHY_LOST);
			k->after_hole = 0;
		}
	}
	if (k->loose && !(a->flags & ENTRY_PAIRED))
		a->flags |= ENTRY_FLOATS;
	k->response = a;
}

void line_response_end(struct keeper *k, const struct message *m, const struct origin *origin)
{
	struct entry *a = k->response;

	if (!a)
		return;
	k->response = NULL;
	entry_end(a, m->offset, origin);
	entry_add(k, a, m);
	if (!((m->flags | a->flags_begin) & MESSAGE_FINAL)) {
		counter_add(&counters_of(k)->interim_responses, 1);
		entry_free(k, a);
		return;
	}
	a->flags |= (m->flags | a->flags_begin) & MESSAGE_ERROR ? ENTRY_ERROR : 0;
	a->partial |= partial_of(m->flags);
	finish_response(k, a);
}

/* Is this the answer to the head, with nothing special about either? */
static bool answers_head(const struct keeper *k, const struct message *m,
			 const struct origin *origin)
{
	const struct entry *q = k->head;

	return q && forward(k) && !k->response && origin->ack > q->from &&
	       (q->flags & (ENTRY_ENDED | ENTRY_TIMED_OUT)) == ENTRY_ENDED && record_takes(k, m);
}

void line_response_whole(struct keeper *k, const struct message *m, uint64_t end,
			 const struct origin *origin)
{
	struct message over = {.flags = m->flags, .offset = end};

	if (answers_head(k, m, origin)) {
		record_answer(k, take_head(k), m, end, origin, k->trust ? PARTIAL_ORDER : 0);
		return;
	}
	line_response(k, m, origin);
	line_response_end(k, &over, origin);
}

int line_ask(const struct keeper *k, const struct origin *origin)
{
	if (!forward(k))
		return ASK_UNKNOWN;
	if (!k->head)
		return ASK_NONE;
	/* One that does not acknowledge the head belongs to nobody we know. */
	return origin->ack > k->head->from ? k->head->cookie : ASK_UNKNOWN;
}

/* --- holes and the end --- */

void line_hole(struct keeper *k, enum side side, enum why why)
{
	if (!k->loose)
		k->midstream = why == WHY_MIDSTREAM;
	if (side == FROM_CLIENT) {
		if (k->loose)
			end_floating_requests(k, loose_reason(k));
		k->loose = 1;
		k->ahead = k->open;
		k->after_hole = 1;
		return;
	}
	cut_response(k);
	if (k->loose) {
		end_heads(k, k->ahead, loose_reason(k));
		end_floats(k, 0, loose_reason(k));
	}
	k->loose = 1;
	k->ahead = 0;
}

void line_flush(struct keeper *k, enum reason reason)
{
	enum reason late = k->loose ? loose_reason(k) : reason;

	cut_response(k);
	cut_request(k);
	end_heads(k, k->open, late);
	end_floats(k, 0, late);
	k->loose = k->sliding = k->evidence = k->trust = k->after_hole = k->midstream = k->asked =
		0;
	k->ahead = 0;
	k->last_ack = 0;
}

/* The request keeps its place: its late answer must not take another one's. */
void line_timeout(struct keeper *k, struct entry *q)
{
	struct entry *said = entry_copy(k, q);

	q->flags |= ENTRY_TIMED_OUT;
	if (said)
		record_unanswered(k, said, REASON_TIMEOUT);
	else
		counter_add(&counters_of(k)->messages_withdrawn, 1);
}
