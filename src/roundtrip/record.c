/* SPDX-License-Identifier: Apache-2.0 */
/* Builds records, and keeps those of a guess until it is confirmed. */
#include "roundtrip/record.h"

static struct message_part part_of(const struct entry *e)
{
	return (struct message_part){e->from,
				     e->to,
				     e->first_ns,
				     e->last_ns,
				     e->first_frame,
				     e->last_frame,
				     view_of(e->fields, e->fields_size)};
}

static void set_times(struct roundtrip *rt, const struct entry *q, const struct entry *a)
{
	rt->time_ns = q ? q->first_ns : a->first_ns;
	if (!q || !a)
		return;
	rt->early = !(q->flags & ENTRY_ENDED) || a->first_ns < q->last_ns;
	if (a->last_ns < q->first_ns)
		rt->partial |= PARTIAL_CLOCK;
	else
		rt->duration_ns = a->last_ns - q->first_ns;
	if (!rt->early)
		rt->ttfb_ns = a->first_ns - q->last_ns;
}

static void set_health(const struct keeper *k, struct roundtrip *rt, const struct entry *q)
{
	struct tcp_health h;
	uint64_t lost;

	if (!q || !k->world->health)
		return;
	k->world->health(k->world->data, k, &h, &lost);
	rt->retransmits = h.retransmits - q->retransmits;
	rt->out_of_order = h.out_of_order - q->out_of_order;
	rt->zero_windows = h.zero_windows - q->zero_windows;
	rt->lost_bytes = (uint32_t)lost - q->lost;
}

static uint64_t *status_counter(struct counters *c, enum status status)
{
	switch (status) {
	case STATUS_OK:
		return &c->roundtrips_ok;
	case STATUS_ERROR:
		return &c->roundtrips_error;
	case STATUS_UNANSWERED:
		return &c->roundtrips_unanswered;
	case STATUS_ONEWAY:
		return &c->roundtrips_oneway;
	default:
		return &c->roundtrips_orphan;
	}
}

static void send_record(struct keeper *k, struct entry *q, struct entry *a, enum status status,
			enum reason reason)
{
	const struct entry *first = q ? q : a;
	struct message_part request, response;
	struct roundtrip rt = {.protocol = first->protocol,
			       .defs = first->defs,
			       .status = status,
			       .reason = reason,
			       .partial = (q ? q->partial : 0u) | (a ? a->partial : 0u)};

	if (q) {
		request = part_of(q);
		rt.request = &request;
	}
	if (a) {
		response = part_of(a);
		rt.response = &response;
	}
	set_times(&rt, q, a);
	set_health(k, &rt, q);
	counter_add(status_counter(k->world->counters, status), 1);
	k->world->emit(k->world->data, k, &rt);
}

static void withdraw(struct keeper *k, struct entry *e)
{
	if (!e)
		return;
	counter_add(&k->world->counters->messages_withdrawn, 1);
	entry_free(k, e);
}

static void finish(struct keeper *k, struct entry *q, struct entry *a, enum status status,
		   enum reason reason)
{
	struct entry *first = q ? q : a;

	if (k->dropping) {
		withdraw(k, q);
		withdraw(k, a);
		return;
	}
	if (k->feeder.confirmed) {
		send_record(k, q, a, status, reason);
		entry_free(k, q);
		entry_free(k, a);
		return;
	}
	first->status = (uint8_t)status;
	first->reason = (uint8_t)reason;
	first->partner = q ? a : NULL;
	first->next = NULL;
	*(k->pending_tail ? &k->pending_tail->next : &k->pending) = first;
	k->pending_tail = first;
	if (++k->pending_count >= KEEPER_PENDING_MAX)
		feeder_confirm(&k->feeder);
}

void record_pair(struct keeper *k, struct entry *request, struct entry *response, unsigned partial)
{
	bool error = (request->flags | response->flags) & ENTRY_ERROR;

	request->partial |= (uint16_t)partial;
	counter_add(&k->world->counters->responses, 1);
	if (!k->feeder.confirmed && !k->dropping)
		feeder_confirm(&k->feeder);
	finish(k, request, response, error ? STATUS_ERROR : STATUS_OK, REASON_NONE);
}

void record_unanswered(struct keeper *k, struct entry *request, enum reason reason)
{
	if (!(request->flags & ENTRY_ENDED))
		request->partial |= PARTIAL_CUT;
	finish(k, request, NULL, STATUS_UNANSWERED, reason);
}

void record_orphan(struct keeper *k, struct entry *response, enum reason reason)
{
	counter_add(&k->world->counters->responses, 1);
	finish(k, NULL, response, STATUS_ORPHAN, reason);
}

void record_oneway(struct keeper *k, struct entry *request)
{
	finish(k, request, NULL, STATUS_ONEWAY, REASON_NONE);
}

void open_append(struct keeper *k, struct entry *request)
{
	request->prev = k->tail;
	request->next = NULL;
	*(k->tail ? &k->tail->next : &k->head) = request;
	k->tail = request;
	k->open++;
}

void open_remove(struct keeper *k, struct entry *request)
{
	*(request->prev ? &request->prev->next : &k->head) = request->next;
	*(request->next ? &request->next->prev : &k->tail) = request->prev;
	k->open--;
}

/* --- a guess is settled --- */

static struct entry *take_pending(struct keeper *k)
{
	struct entry *e = k->pending;

	if (e) {
		k->pending = e->next;
		if (!k->pending)
			k->pending_tail = NULL;
		k->pending_count--;
	}
	return e;
}

void keeper_release(struct keeper *k)
{
	struct entry *e;

	while ((e = take_pending(k))) {
		bool orphan = e->status == STATUS_ORPHAN;
		struct entry *a = orphan ? e : e->partner;

		send_record(k, orphan ? NULL : e, a, e->status, e->reason);
		if (!orphan)
			entry_free(k, a);
		entry_free(k, e);
	}
}

static void on_confirmed(struct feeder *f)
{
	keeper_release((struct keeper *)f);
}

static void on_withdrawn(struct feeder *f)
{
	struct keeper *k = (struct keeper *)f;
	struct entry *e;

	k->dropping = 1;
	if (keeper_keyed(k))
		keyed_flush(k, REASON_NONE);
	else
		line_flush(k, REASON_NONE);
	k->dropping = 0;
	while ((e = take_pending(k))) {
		if (e->status != STATUS_ORPHAN)
			withdraw(k, e->partner);
		withdraw(k, e);
	}
}

/* --- the sink --- */

static void on_begin(struct feeder *f, enum side side, const struct message *m,
		     const struct origin *origin)
{
	struct keeper *k = (struct keeper *)f;
	bool keyed = keeper_keyed(k);

	if (keyed && side == FROM_SERVER)
		k->after_hole = 0;
	if (m->kind == MESSAGE_PUSH) {
		counter_add(&k->world->counters->pushes, 1);
	} else if (m->kind == MESSAGE_REQUEST) {
		counter_add(&k->world->counters->requests, 1);
		(keyed ? keyed_request : line_request)(k, m, origin);
	} else {
		(keyed ? keyed_response : line_response)(k, m, origin);
	}
}

static void on_add(struct feeder *f, enum side side, const struct message *m)
{
	struct keeper *k = (struct keeper *)f;
	struct entry *e;

	(void)side;
	if (m->kind == MESSAGE_PUSH)
		return;
	if (keeper_keyed(k))
		e = keyed_find(k, m->key, m->kind);
	else
		e = m->kind == MESSAGE_REQUEST ? k->request : k->response;
	if (!e)
		return;
	if (m->kind == MESSAGE_REQUEST)
		e->cookie |= m->cookie;
	entry_add(k, e, m);
}

static void on_end(struct feeder *f, enum side side, const struct message *m,
		   const struct origin *origin)
{
	struct keeper *k = (struct keeper *)f;
	bool keyed = keeper_keyed(k);

	(void)side;
	if (m->kind == MESSAGE_REQUEST)
		(keyed ? keyed_request_end : line_request_end)(k, m, origin);
	else if (m->kind == MESSAGE_RESPONSE)
		(keyed ? keyed_response_end : line_response_end)(k, m, origin);
}

static int on_ask(struct feeder *f, enum side side, uint64_t key, const struct origin *origin)
{
	struct keeper *k = (struct keeper *)f;

	(void)side;
	return keeper_keyed(k) ? keyed_ask(k, key, origin) : line_ask(k, origin);
}

static void on_hole(struct feeder *f, enum side side, enum why why)
{
	struct keeper *k = (struct keeper *)f;

	if (keeper_keyed(k))
		keyed_hole(k, side);
	else
		line_hole(k, side, why);
}

static void on_switched(struct feeder *f, const struct protocol_ops *from, bool keep_open)
{
	struct keeper *k = (struct keeper *)f;

	if (keep_open || !from)
		return;
	if (from->pairing >= PAIR_KEY_UNIQUE)
		keyed_flush(k, REASON_SWITCHED);
	else
		line_flush(k, REASON_SWITCHED);
}

const struct message_sink keeper_sink = {
	.begin = on_begin,
	.add = on_add,
	.end = on_end,
	.ask = on_ask,
	.hole = on_hole,
	.switched = on_switched,
	.confirmed = on_confirmed,
	.withdrawn = on_withdrawn,
};
