/* SPDX-License-Identifier: Apache-2.0 */
/* See worker.h. Read worker_packet_guessed() first. */
#include "agent/worker.h"

#include <stdlib.h>

#include "agent/copies.h"
#include "agent/exchange.h"
#include "protocol/registry.h"

#define TCP_IDLE_NS (15 * 60 * NS_PER_S)
#define MEMORY_CAP ((size_t)1 << 30)

static struct conversation *conversation_of(const struct keeper *k)
{
	return (struct conversation *)k;
}

static struct conversation *conversation_of_timer(struct timer *t)
{
	return (struct conversation *)((char *)t - offsetof(struct conversation, timer));
}

/* --- what the keeper asks --- */

static bool on_health(void *data, const struct keeper *k, struct tcp_health *ret,
		      uint64_t *ret_lost)
{
	struct worker *w = data;
	const struct conversation *c = conversation_of(k);
	const struct flow_cold *cold = flow_cold_of(w->flows, c->flow);
	const struct flow_health *a = &cold->health[0], *b = &cold->health[1];

	if (!c->stream.lost && flow_is_well(cold))
		return false;
	ret->retransmits = a->retransmits + b->retransmits;
	ret->out_of_order = a->out_of_order + b->out_of_order;
	ret->zero_windows = (uint32_t)a->zero_windows + b->zero_windows;
	ret->duplicate_acks = (uint32_t)a->duplicate_acks + b->duplicate_acks;
	*ret_lost = c->stream.lost;
	return true;
}

static uint64_t on_sent_before(void *data, const struct keeper *k, uint64_t offset)
{
	(void)data;
	if (k->feeder.datagram)
		return 0;
	return stream_sent_before(&conversation_of(k)->stream,
				  feeder_dir_of(&k->feeder, FROM_SERVER), offset);
}

static void on_record(void *data, struct keeper *k, struct roundtrip *rt)
{
	struct worker *w = data;
	const struct conversation *c = conversation_of(k);
	const struct flow *f;
	unsigned client = feeder_dir_of(&k->feeder, FROM_CLIENT);

	if (k->feeder.datagram) {
		exchange_fill((const struct exchange *)k, rt);
		w->options.emit(w->options.data, rt);
		return;
	}
	f = c->flow;
	rt->client = (struct endpoint){f->address[client], f->port[client]};
	rt->server = (struct endpoint){f->address[!client], f->port[!client]};
	rt->proto = f->proto;
	rt->place = f->dir[client].place;
	rt->rtt_ns = flow_cold_of(w->flows, f)->rtt_us * NS_PER_US;
	rt->flow_index = c->index;
	w->options.emit(w->options.data, rt);
}

/* --- the life of a conversation --- */

static void arm(struct worker *w, struct conversation *c)
{
	uint64_t last = c->flow->last_ns, idle = last + w->options.tcp_idle_ns;
	uint64_t stream = stream_deadline(&c->stream), keeper = keeper_deadline(&c->keeper);
	uint64_t deadline = w->options.park_ns == UINT64_MAX ? idle : last + w->options.park_ns;

	if (deadline <= w->now_ns) /* idle, but not at rest */
		deadline = w->now_ns + PARK_AGAIN_NS;
	deadline = idle < deadline ? idle : deadline;
	deadline = stream < deadline ? stream : deadline;
	deadline = keeper < deadline ? keeper : deadline;
	if (w->options.stuck_ns) {
		uint64_t stuck = keeper_stuck_deadline(&c->keeper, w->now_ns);

		deadline = stuck < deadline ? stuck : deadline;
	}
	if (c->stream.reset && last + LINGER_NS < deadline)
		deadline = last + LINGER_NS;
	if (!timer_armed(&c->timer) || deadline < c->timer.deadline_ns)
		timer_set(&w->wheel, &c->timer, deadline);
}

/* Begins to decode what no one decoded before. */
static void conversation_begin(struct worker *w, struct conversation *c, const struct packet *p)
{
	const struct flow *f = c->flow;
	struct feeder *feeder = &c->keeper.feeder;
	bool second;
	const struct protocol_ops *forced =
		registry_rule_of(w->options.registry, f->port[0], f->port[1], &second);

	if (forced && !(forced->transports & TRANSPORT_TCP))
		forced = NULL;
	keeper_init(&c->keeper, &w->keepers, forced);
	stream_init(&c->stream, feeder);
	c->index = p->index;
	if (p->flags & TCP_SYN)
		feeder->initiator = p->flags & TCP_ACK ? !p->dir : p->dir;
	/* The lower port is more likely the service's. */
	feeder->port_side = f->port[0] < f->port[1] ? 1 : 0;
	if (forced)
		feeder->port_side = second ? 0 : 1;
	feeder->env.service_port = f->port[!feeder->port_side];
}

/* A conversation for a flow that has none, or a parked one. */
static struct conversation *conversation_new(struct worker *w, struct flow *f,
					     const struct packet *p)
{
	struct conversation *c = pool_get(w->pool, sizeof(*c));

	if (!c) {
		counter_add(&w->counters.flows_nomem, 1);
		flow_mark(f, FLOW_BYPASSED);
		f->conversation = NULL;
		return NULL;
	}
	c->timer = (struct timer){0};
	c->flow = f;
	if (flow_is_parked(f))
		conversation_unpark(w, c, (uintptr_t)f->conversation);
	else
		conversation_begin(w, c, p);
	c->stream.reset = f->state & FLOW_CLOSED;
	f->conversation = c;
	arm(w, c);
	return c;
}

static void conversation_free(struct worker *w, struct conversation *c)
{
	timer_clear(&w->wheel, &c->timer);
	stream_done(&c->stream);
	keeper_done(&c->keeper);
	c->flow->conversation = NULL;
	pool_put(w->pool, c, sizeof(*c));
}

static void conversation_close(struct worker *w, struct conversation *c)
{
	const struct flow *f = c->flow;
	unsigned seen = f->state & (FLOW_SEEN_0 | FLOW_SEEN_1);

	if (seen != (FLOW_SEEN_0 | FLOW_SEEN_1) && f->state & (FLOW_DATA_0 | FLOW_DATA_1))
		counter_add(&w->counters.flows_one_direction, 1);
	conversation_free(w, c);
}

/* Ends it: what is held goes out, `how` is what decoders and `why` what open requests are told. */
static void conversation_end(struct worker *w, struct conversation *c, enum end_reason how,
			     enum end_reason why)
{
	stream_finish(&c->stream, how, w->now_ns);
	keeper_finish(&c->keeper, why);
	conversation_close(w, c);
}

static void park(struct worker *w, struct conversation *c, uintptr_t parked)
{
	struct flow *f = c->flow;

	conversation_free(w, c);
	f->conversation = (void *)parked;
}

/* Does a conversation that goes on wait for anything but its next packet? */
static inline bool waits(const struct worker *w, const struct conversation *c)
{
	const struct protocol_ops *ops = c->keeper.feeder.ops;

	return c->stream.reset || c->stream.held || (ops && ops->answer_timeout_ms) ||
	       (w->options.stuck_ns && c->keeper.head);
}

/* What became of a conversation after the stream moved, when it ended or waits(). */
static void settle(struct worker *w, struct conversation *c, enum stream_state state)
{
	struct flow *f = c->flow;

	switch (state) {
	case STREAM_ON:
		if (c->stream.reset)
			flow_mark(f, FLOW_CLOSED);
		arm(w, c);
		return;
	case STREAM_OVER:
		keeper_finish(&c->keeper, END_FIN);
		conversation_close(w, c);
		flow_mark(f, FLOW_CLOSED);
		return;
	case STREAM_BYPASSED:
		keeper_finish(&c->keeper, END_FIN);
		conversation_close(w, c);
		flow_mark(f, FLOW_BYPASSED);
		return;
	}
}

/* The flow is over, and what goes on in it. */
static void end_live(struct worker *w, struct flow *f, enum end_reason how, enum end_reason why)
{
	if (!conversation_live(f))
		return;
	if (f->proto == PROTO_UDP)
		exchange_end(w, exchange_live(f), why);
	else
		conversation_end(w, f->conversation, how, why);
}

/* The flow table removes a record: its conversation ends first. */
static void on_remove(void *data, struct flow *f, bool evicted)
{
	enum end_reason reason = evicted ? END_EVICTED : END_IDLE;

	end_live(data, f, reason, reason);
}

static void on_gone(void *data, const struct flow *f, const struct flow_cold *cold)
{
	struct worker *w = data;

	w->options.flow_gone(w->options.data, f, cold);
}

static bool may_park(const struct worker *w, const struct flow *f)
{
	return w->options.park_ns != UINT64_MAX && f->last_ns + w->options.park_ns <= w->now_ns;
}

static void on_timer(void *data, struct timer *t)
{
	struct worker *w = data;
	struct conversation *c = conversation_of_timer(t);
	struct flow *f = c->flow;
	enum stream_state state;
	uint64_t at_ns = w->now_ns - w->now_ns % TICK_NS; /* whichever deadline woke us */
	uintptr_t parked;

	if (f->last_ns + w->options.tcp_idle_ns <= w->now_ns) {
		conversation_end(w, c, END_IDLE, END_IDLE);
		flow_remove(w->flows, f);
		return;
	}
	if (c->stream.reset && f->last_ns + LINGER_NS <= w->now_ns) {
		conversation_end(w, c, END_RST, END_RST);
		return;
	}
	keeper_tick(&c->keeper, at_ns);
	state = stream_tick(&c->stream, at_ns);
	if (state != STREAM_ON || c->stream.reset)
		settle(w, c, state);
	else if (may_park(w, f) && conversation_park(w, c, &parked))
		park(w, c, parked);
	else
		arm(w, c);
}

static void tick(struct worker *w, uint64_t now_ns)
{
	w->now_ns = now_ns;
	timer_run(&w->wheel, now_ns, on_timer, w);
	timer_run(&w->exchange_wheel, now_ns, exchange_timer, w);
	flow_tick(w->flows, now_ns);
	if (w->options.tick_done)
		w->options.tick_done(w->options.data);
}

/* --- packets --- */

/* Payload of a TCP packet that no stream takes. */
static void count_unstreamed(struct worker *w, const struct flow *f, const struct packet *p,
			     enum flow_verdict verdict)
{
	struct counters *c = &w->counters;
	uint64_t *to = &c->undecoded_bytes;

	if (verdict == FLOW_COPY)
		to = &c->copy_bytes;
	else if (f->state & FLOW_CLOSED && !(f->state & FLOW_BYPASSED))
		to = &c->stray_bytes;
	counter_add(&c->seen_bytes, p->payload_size);
	counter_add(to, p->payload_size);
}

/* After its end a flow is not decoded again; unless the end was all that was seen of it: then it was read too early. */
static bool may_begin(uint16_t was)
{
	return !(was & FLOW_CLOSED) || !(was & (FLOW_DATA_0 | FLOW_DATA_1));
}

static void tcp_packet(struct worker *w, struct flow *f, const struct packet *p,
		       enum flow_verdict verdict, uint16_t was)
{
	struct conversation *c = conversation_live(f);
	enum stream_state state;

	if (!f->conversation && verdict != FLOW_COPY && w->options.decode && may_begin(was) &&
	    !(f->state & FLOW_BYPASSED) &&
	    (p->flags & TCP_SYN || p->payload_size || p->payload_cut))
		c = conversation_new(w, f, p);
	if (!c || verdict == FLOW_COPY) {
		count_unstreamed(w, f, p, verdict);
		return;
	}
	state = stream_segment(&c->stream, p, verdict == FLOW_ELSEWHERE);
	if (state != STREAM_ON || waits(w, c))
		settle(w, c, state);
}

/* Does a packet move the stream? */
static bool wakes(const struct packet *p)
{
	return p->kind == PACKET_TCP &&
	       (p->flags & (TCP_SYN | TCP_FIN | TCP_RST) || p->payload_size || p->payload_cut);
}

/* The flow of a packet, accounted; a flow that is over makes room for a new one. */
static struct flow *flow_of(struct worker *w, const struct packet *p, struct flow *guess,
			    enum flow_verdict *ret_verdict, uint16_t *ret_was)
{
	struct flow *f = flow_find_guessed(w->flows, p, guess);

	for (;;) {
		if (!f)
			f = flow_add(w->flows, p);
		if (!f)
			return NULL;
		*ret_was = f->state;
		if (flow_is_parked(f) && wakes(p)) /* while the record still says where it was */
			conversation_new(w, f, p);
		*ret_verdict = flow_account(w->flows, f, p);
		if (*ret_verdict != FLOW_ANEW)
			return f;
		/* A new SYN: the old connection was closed, but nobody saw how. */
		end_live(w, f, END_IDLE, p->flags & TCP_SYN ? END_FIN : END_IDLE);
		flow_remove(w->flows, f);
		f = flow_find(w->flows, p); /* the new one may have been seen elsewhere */
	}
}

void worker_packet_guessed(struct worker *w, const struct packet *p, struct flow *guess)
{
	enum flow_verdict verdict;
	uint16_t was = 0;
	struct flow *f;

	if (p->kind == PACKET_TICK) {
		tick(w, p->now_ns);
		return;
	}
	w->now_ns = p->now_ns;
	if (p->kind == PACKET_ICMP_ERROR) {
		flow_count_packet(w->flows, p);
		exchange_icmp(w, p);
		return;
	}
	f = flow_of(w, p, guess, &verdict, &was);
	if (p->kind == PACKET_UDP)
		exchange_packet(w, f, p, verdict);
	if (p->kind != PACKET_TCP)
		return;
	if (f)
		tcp_packet(w, f, p, verdict, was);
	else {
		counter_add(&w->counters.seen_bytes, p->payload_size);
		counter_add(&w->counters.refused_bytes, p->payload_size);
	}
}

void worker_packet(struct worker *w, const struct packet *p)
{
	worker_packet_guessed(w, p, NULL);
}

static void end_flow(void *data, struct flow *f)
{
	/* The end of the capture may come within a reset connection's last second. */
	const struct conversation *c = f->proto == PROTO_UDP ? NULL : conversation_live(f);
	enum end_reason reason = c && c->stream.reset ? END_RST : END_EOF;

	end_live(data, f, reason, reason);
}

void worker_finish(struct worker *w, uint64_t now_ns)
{
	w->now_ns = now_ns;
	timer_run(&w->wheel, now_ns, on_timer, w);
	timer_run(&w->exchange_wheel, now_ns, exchange_timer, w);
	if (w->options.decode)
		flow_each(w->flows, end_flow, w);
	exchange_end_groups(w, END_EOF);
	if (w->options.tick_done)
		w->options.tick_done(w->options.data);
}

void worker_prefetch_index(const struct worker *w, uint64_t hash)
{
	flow_prefetch_index(w->flows, hash);
}

struct flow *worker_guess(const struct worker *w, const struct packet *p)
{
	return flow_guess(w->flows, p);
}

/* --- life --- */

static int open_tables(struct worker *w)
{
	struct flow_options flows = {.counters = &w->counters,
				     .max_flows = w->options.max_flows,
				     .tcp_idle_ns = w->options.tcp_idle_ns,
				     .remove = on_remove,
				     .gone = w->options.flow_gone ? on_gone : NULL,
				     .data = w};
	int err = flow_table_new(&flows, &w->flows);

	if (err)
		return err;
	w->pool = pool_new(w->options.memory_cap);
	w->stats = calloc(registry_count(w->options.registry) + 1, sizeof(*w->stats));
	if (!w->pool || !w->stats)
		return ERR_NOMEM;
	return keys_init(&w->keepers.keys, w->options.secret);
}

int worker_new(const struct worker_options *options, struct worker **ret_worker)
{
	struct worker *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return ERR_NOMEM;
	w->options = *options;
	if (!w->options.tcp_idle_ns)
		w->options.tcp_idle_ns = TCP_IDLE_NS;
	if (!w->options.park_ns)
		w->options.park_ns = PARK_NS;
	if (!w->options.memory_cap)
		w->options.memory_cap = MEMORY_CAP;
	timer_wheel_init(&w->wheel);
	timer_wheel_init(&w->exchange_wheel);
	err = open_tables(w);
	if (err) {
		worker_free(w);
		return err;
	}
	w->keepers.feeder = (struct feeder_world){.pool = w->pool,
						  .counters = &w->counters,
						  .sink = &keeper_sink,
						  .registry = options->registry,
						  .wants = options->wants,
						  .stats = w->stats};
	w->keepers.emit = on_record;
	w->keepers.health = on_health;
	w->keepers.sent_before = on_sent_before;
	w->keepers.data = w;
	w->keepers.stuck_ns = options->stuck_ns;
	*ret_worker = w;
	return 0;
}

static void drop_flow(void *data, struct flow *f)
{
	if (!conversation_live(f))
		return;
	if (f->proto == PROTO_UDP)
		exchange_free(data, exchange_live(f));
	else
		conversation_free(data, f->conversation);
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	if (w->flows && w->pool)
		flow_each(w->flows, drop_flow, w);
	exchange_free_groups(w);
	copies_free(w->copies);
	keys_done(&w->keepers.keys);
	flow_table_free(w->flows);
	pool_free(w->pool);
	free(w->stats);
	free(w);
}

const struct counters *worker_counters(const struct worker *w)
{
	return &w->counters;
}

const struct protocol_stats *worker_stats(const struct worker *w)
{
	return w->stats;
}

const struct flow_table *worker_flows(const struct worker *w)
{
	return w->flows;
}

struct flow_visit {
	struct worker *worker;
	void (*each)(void *data, const struct flow *f, const struct flow_cold *cold);
	void *data;
};

static void visit_flow(void *data, struct flow *f)
{
	struct flow_visit *v = data;

	v->each(v->data, f, flow_cold_of(v->worker->flows, f));
}

void worker_each_flow(struct worker *w,
		      void (*each)(void *data, const struct flow *f, const struct flow_cold *cold),
		      void *data)
{
	struct flow_visit visit = {w, each, data};

	flow_each(w->flows, visit_flow, &visit);
}

size_t worker_memory(const struct worker *w)
{
	return flow_memory(w->flows) + pool_used(w->pool);
}

struct pool *worker_pool(struct worker *w)
{
	return w->pool;
}
