/* SPDX-License-Identifier: Apache-2.0 */
/* Builds records, and keeps those of a guess until it is confirmed. */
#include "roundtrip/record.h"

/* An answer as a record shows it: of an entry, or of a message that never became one. */
struct answer {
	struct message_part part;
	const struct keeper_name *name;
	const struct peers *peers; /* only of `many` */
	unsigned partial;
};

static inline struct message_part part_of(const struct entry *e)
{
	return (struct message_part){e->from,        e->to,         e->first_ns,    e->last_ns,
				     e->first_frame, e->last_frame, entry_fields(e)};
}

static inline struct answer answer_of(const struct keeper *k, const struct entry *a)
{
	return (struct answer){part_of(a), &world_of(k)->names[a->name],
			       k->many ? entry_peers(a) : NULL, a->partial};
}

static inline void set_times(struct roundtrip *rt, const struct entry *q,
			     const struct message_part *a)
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
	const struct keeper_world *w = world_of(k);
	struct tcp_health h;
	uint64_t lost;

	if (!q || !w->health || k->feeder.datagram || !w->health(w->data, k, &h, &lost))
		return;
	rt->retransmits = h.retransmits;
	rt->out_of_order = h.out_of_order;
	rt->zero_windows = h.zero_windows;
	rt->lost_bytes = (uint32_t)lost;
	if (q->flags & ENTRY_HEALTH) {
		const struct entry_health *was = entry_health(q);

		rt->retransmits -= was->retransmits;
		rt->out_of_order -= was->out_of_order;
		rt->zero_windows -= was->zero_windows;
		rt->lost_bytes = (uint32_t)lost - was->lost;
	}
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

/* In a conversation of many, who asks is the client, and who answers the server. */
static void set_peers(struct roundtrip *rt, const struct entry *q, const struct answer *a)
{
	rt->client = q ? entry_peers(q)->from : a->peers->to;
	rt->server = a ? a->peers->from : entry_peers(q)->to;
}

static inline void send_record(struct keeper *k, const struct entry *q, const struct answer *a,
			       enum status status, enum reason reason)
{
	const struct keeper_world *w = world_of(k);
	const struct keeper_name *name = q ? &w->names[q->name] : a->name;
	struct message_part request;
	struct roundtrip rt = {.protocol = name->protocol,
			       .defs = name->defs,
			       .status = status,
			       .reason = reason,
			       .partial = (q ? q->partial : 0u) | (a ? a->partial : 0u),
			       .response = a ? &a->part : NULL};

	if (q) {
		request = part_of(q);
		rt.request = &request;
	}
	set_times(&rt, q, rt.response);
	set_health(k, &rt, q);
	if (k->many)
		set_peers(&rt, q, a);
	if (status == STATUS_ERROR && !a)
		counter_add(&counters_of(k)->roundtrips_icmp, 1);
	if (status != STATUS_OPEN) /* which is not its end */
		counter_add(status_counter(counters_of(k), status), 1);
	w->emit(w->data, k, &rt);
}

/* The record of entries, which go. */
static void send_entries(struct keeper *k, struct entry *q, struct entry *a, enum status status,
			 enum reason reason)
{
	if (a) {
		const struct answer answer = answer_of(k, a);

		send_record(k, q, &answer, status, reason);
	} else {
		send_record(k, q, NULL, status, reason);
	}
	entry_free(k, q);
	entry_free(k, a);
}

static void withdraw(struct keeper *k, struct entry *e)
{
	if (!e)
		return;
	counter_add(&counters_of(k)->messages_withdrawn, 1);
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
		send_entries(k, q, a, status, reason);
		return;
	}
	first->status = (uint8_t)status;
	first->reason = (uint8_t)reason;
	if (!aside_put(k, ASIDE_PENDING, first)) {
		withdraw(k, q);
		withdraw(k, a);
		return;
	}
	if (q && a)
		entry_put_answer(q, a);
	if (aside_count(k, ASIDE_PENDING) >= KEEPER_PENDING_MAX)
		feeder_confirm(&k->feeder);
}

void record_pair(struct keeper *k, struct entry *request, struct entry *response, unsigned partial)
{
	bool error = (request->flags | response->flags) & ENTRY_ERROR;

	request->partial |= (uint16_t)partial;
	counter_add(&counters_of(k)->responses, 1);
	if (!k->feeder.confirmed && !k->dropping)
		feeder_confirm(&k->feeder);
	finish(k, request, response, error ? STATUS_ERROR : STATUS_OK, REASON_NONE);
}

static const struct field_def *defs_of(const struct keeper *k, const struct message *m)
{
	return m->defs ? m->defs : k->feeder.ops->fields;
}

/* Who reads only what was asked for finds it in the request. */
static inline bool reads_answers(const struct keeper *k)
{
	return k->feeder.env.wants & WANT_FIELDS;
}

bool record_takes(const struct keeper *k, const struct message *m)
{
	return k->feeder.confirmed && m->flags & MESSAGE_FINAL &&
	       (!reads_answers(k) ||
		fields_bound(defs_of(k, m), m->fields, m->field_count) <= KEEPER_ANSWER_MAX);
}

void record_answer(struct keeper *k, struct entry *request, const struct message *m, uint64_t end,
		   const struct origin *origin, unsigned partial)
{
	struct keeper_world *w = world_of(k);
	uint32_t size = reads_answers(k) ? fields_pack_all(defs_of(k, m), m->fields, m->field_count,
							   w->answer)
					 : 0;
	bool error = request->flags & ENTRY_ERROR || m->flags & MESSAGE_ERROR;
	const struct answer answer = {
		.part = {m->offset, end, origin->ts_ns, origin->ts_ns, origin->frame, origin->frame,
			 view_of(w->answer, size)},
		.peers = w->peers,
		.partial = partial | partial_of(m->flags),
	};

	counter_add(&counters_of(k)->responses, 1);
	send_record(k, request, &answer, error ? STATUS_ERROR : STATUS_OK, REASON_NONE);
	entry_free(k, request);
}

void record_unanswered(struct keeper *k, struct entry *request, enum reason reason)
{
	if (!(request->flags & ENTRY_ENDED))
		request->partial |= PARTIAL_CUT;
	finish(k, request, NULL, STATUS_UNANSWERED, reason);
}

void record_failed(struct keeper *k, struct entry *request)
{
	finish(k, request, NULL, STATUS_ERROR, REASON_ICMP);
}

void record_orphan(struct keeper *k, struct entry *response, enum reason reason)
{
	counter_add(&counters_of(k)->responses, 1);
	finish(k, NULL, response, STATUS_ORPHAN, reason);
}

void record_oneway(struct keeper *k, struct entry *request)
{
	finish(k, request, NULL, STATUS_ONEWAY, REASON_NONE);
}

void record_open(struct keeper *k, struct entry *request)
{
	send_record(k, request, NULL, STATUS_OPEN, REASON_NONE);
}

/* --- a guess is settled --- */

void keeper_release(struct keeper *k)
{
	struct entry *e;

	while ((e = aside_take(k, ASIDE_PENDING))) {
		bool orphan = e->status == STATUS_ORPHAN;
		struct entry *a = orphan ? e : entry_take_answer(e);

		send_entries(k, orphan ? NULL : e, a, e->status, e->reason);
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
	keeper_flush(k, REASON_NONE);
	k->dropping = 0;
	k->keyed = 0; /* detection is next */
	while ((e = aside_take(k, ASIDE_PENDING))) {
		withdraw(k, entry_take_answer(e));
		withdraw(k, e);
	}
}

/* --- the sink --- */

static void on_begin(struct feeder *f, enum side side, const struct message *m,
		     const struct origin *origin)
{
	struct keeper *k = (struct keeper *)f;

	if (k->keyed && side == FROM_SERVER)
		k->after_hole = 0;
	if (m->kind == MESSAGE_PUSH) {
		counter_add(&counters_of(k)->pushes, 1);
	} else if (m->kind == MESSAGE_REQUEST) {
		counter_add(&counters_of(k)->requests, 1);
		(k->keyed ? keyed_request : line_request)(k, m, origin);
	} else {
		(k->keyed ? keyed_response : line_response)(k, m, origin);
	}
}

static void on_add(struct feeder *f, enum side side, const struct message *m,
		   const struct origin *origin)
{
	struct keeper *k = (struct keeper *)f;
	struct entry *e;

	(void)side;
	if (m->kind == MESSAGE_PUSH)
		return;
	if (k->keyed)
		e = keyed_find(k, m->key, m->kind);
	else
		e = m->kind == MESSAGE_REQUEST ? k->request : k->response;
	if (!e)
		return;
	if (m->kind == MESSAGE_REQUEST)
		e->cookie |= m->cookie;
	if (m->offset > e->to)
		entry_reach(e, m->offset, origin);
	entry_add(k, e, m);
}

static void on_end(struct feeder *f, enum side side, const struct message *m,
		   const struct origin *origin)
{
	struct keeper *k = (struct keeper *)f;

	(void)side;
	if (m->kind == MESSAGE_REQUEST)
		(k->keyed ? keyed_request_end : line_request_end)(k, m, origin);
	else if (m->kind == MESSAGE_RESPONSE)
		(k->keyed ? keyed_response_end : line_response_end)(k, m, origin);
}

static bool on_whole(struct feeder *f, enum side side, const struct message *m, uint64_t end,
		     const struct origin *origin)
{
	struct keeper *k = (struct keeper *)f;

	if (k->keyed && side == FROM_SERVER)
		k->after_hole = 0;
	if (m->kind == MESSAGE_PUSH) {
		counter_add(&counters_of(k)->pushes, 1);
	} else if (m->kind == MESSAGE_RESPONSE) {
		(k->keyed ? keyed_response_whole : line_response_whole)(k, m, end, origin);
	} else if (k->keyed) {
		return keyed_request_whole(k, m, end, origin);
	} else {
		counter_add(&counters_of(k)->requests, 1);
		line_request_whole(k, m, end, origin);
	}
	return true;
}

static int on_ask(struct feeder *f, enum side side, uint64_t key, const struct origin *origin)
{
	struct keeper *k = (struct keeper *)f;

	(void)side;
	return k->keyed ? keyed_ask(k, key, origin) : line_ask(k, origin);
}

static bool on_seek(struct feeder *f, uint64_t mask, uint64_t *key)
{
	struct keeper *k = (struct keeper *)f;
	const struct entry *q = k->keyed ? keyed_seek(k, *key, mask) : NULL;

	if (q)
		*key = entry_key(q)->link.key;
	else if (k->keyed && !f->datagram)
		keyed_doubt(k, *key, mask);
	return q;
}

static void on_hole(struct feeder *f, enum side side, enum why why)
{
	struct keeper *k = (struct keeper *)f;

	if (k->keyed)
		keyed_hole(k, side);
	else
		line_hole(k, side, why);
}

/* Requests stay open only where answers find them the same way. */
static void on_switched(struct feeder *f, const struct protocol_ops *from, bool keep_open)
{
	struct keeper *k = (struct keeper *)f;
	bool keyed = f->ops->pairing >= PAIR_KEY_UNIQUE;

	if (from && (!keep_open || keyed != k->keyed))
		keeper_flush(k, REASON_SWITCHED);
	if (keyed && !k->keyed)
		k->late = NULL;
	k->keyed = keyed;
}

const struct message_sink keeper_sink = {
	.begin = on_begin,
	.add = on_add,
	.end = on_end,
	.whole = on_whole,
	.ask = on_ask,
	.seek = on_seek,
	.hole = on_hole,
	.switched = on_switched,
	.confirmed = on_confirmed,
	.withdrawn = on_withdrawn,
};
