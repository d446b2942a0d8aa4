/* SPDX-License-Identifier: Apache-2.0 */
/* See exchange.h. Read exchange_packet() first. */
#include "agent/exchange.h"

#include "agent/copies.h"
#include "packet/key.h"
#include "protocol/registry.h"

/* As long as the flow table keeps a flow without TCP. */
#define UDP_IDLE_NS (120 * NS_PER_S)

/* What answers each other across 5-tuples; the links lie in the worker's table of keys. */
struct group {
	struct exchange exchange; /* first */
	struct key_link link;
	struct group *next, *prev;
};

enum { KIND_GROUP = 254 }; /* in the key table: no enum message_kind */

/* A parked word: bit 0, the protocol's index (6 bits), client_dir, whether a second place was seen, the
 * conversation's index. */
enum { PARKED_PROTOCOL = 1, PARKED_CLIENT = 7, PARKED_ELSEWHERE = 8, PARKED_INDEX = 16 };

/* --- life --- */

static uint64_t last_of(const struct exchange *x)
{
	return x->flow ? x->flow->last_ns : x->last_ns;
}

static void arm(struct worker *w, struct exchange *x)
{
	const struct protocol_ops *ops = x->keeper.feeder.ops;
	uint64_t last = last_of(x), deadline = keeper_deadline(&x->keeper);
	uint64_t idle = last + UDP_IDLE_NS;
	uint64_t park = w->options.park_ns == UINT64_MAX ? idle : last + w->options.park_ns;

	if (park <= w->now_ns) /* idle, but not at rest */
		park = idle;
	/* A request that begins does not arm the timer: we look in time for it. */
	if (ops && ops->answer_timeout_ms) {
		uint64_t in_time = w->now_ns + ops->answer_timeout_ms * NS_PER_MS;

		idle = in_time < idle ? in_time : idle;
	}
	deadline = park < deadline ? park : deadline;
	if (w->options.stuck_ns) {
		uint64_t stuck = keeper_stuck_deadline(&x->keeper, w->now_ns);

		deadline = stuck < deadline ? stuck : deadline;
	}
	timer_set(&w->exchange_wheel, &x->timer, deadline < idle ? deadline : idle);
}

/* A request may now be the first that gets stuck. */
static void arm_stuck(struct worker *w, struct exchange *x)
{
	uint64_t deadline = keeper_stuck_deadline(&x->keeper, w->now_ns);

	if (deadline < x->timer.deadline_ns)
		timer_set(&w->exchange_wheel, &x->timer, deadline);
}

static void *get(struct worker *w, size_t size)
{
	void *block = pool_get(w->pool, size);

	if (!block)
		counter_add(&w->counters.flows_nomem, 1);
	return block;
}

static bool is_service(uint16_t port)
{
	return port == PORT_MDNS || port == PORT_LLMNR;
}

/* The lower port is more likely the service's, but beyond the first thousand not more than one that is known. */
static unsigned likely_side(const uint16_t port[2])
{
	bool first = port[0] < port[1];

	return is_service(port[first]) && port[!first] >= 1024 ? !first : first;
}

/* What a parked word says the conversation is, else what a rule for the ports says; NULL: detection. */
static const struct protocol_ops *known_protocol(const struct worker *w, const struct packet *p,
						 uintptr_t parked, unsigned *ret_port_side)
{
	const struct registry *r = w->options.registry;
	const uint16_t *port = p->key.port;
	bool second = false;
	const struct protocol_ops *ops = registry_rule_of(r, port[0], port[1], &second);

	if (ops && !(ops->transports & TRANSPORT_UDP))
		ops = NULL;
	*ret_port_side = ops ? !second : likely_side(port);
	return parked ? registry_at(r, parked >> PARKED_PROTOCOL & 63) : ops;
}

static void begin(struct worker *w, struct exchange *x, const struct packet *p, uintptr_t parked)
{
	struct feeder *feeder = &x->keeper.feeder;
	unsigned side;

	keeper_init(&x->keeper, &w->keepers, known_protocol(w, p, parked, &side));
	feeder->datagram = 1;
	feeder->port_side = (uint8_t)side;
	feeder->env.service_port = p->key.port[!side];
	x->keeper.many = p->key.port[0] == p->key.port[1];
	x->timer = (struct timer){0};
	x->index = p->index;
	x->last_ns = p->now_ns;
	x->elsewhere_ns = 0;
	x->place = p->place;
	if (parked) {
		feeder_resume(feeder, parked >> PARKED_CLIENT & 1, 0);
		x->elsewhere_ns = parked >> PARKED_ELSEWHERE & 1; /* long ago */
		x->index = parked >> PARKED_INDEX;
	}
}

static struct exchange *exchange_new(struct worker *w, struct flow *f, const struct packet *p)
{
	struct exchange *x = get(w, sizeof(*x));

	if (!x) {
		flow_mark(f, FLOW_BYPASSED);
		f->conversation = NULL;
		return NULL;
	}
	begin(w, x, p, (uintptr_t)f->conversation);
	x->flow = f;
	f->conversation = x;
	arm(w, x);
	return x;
}

void exchange_free(struct worker *w, struct exchange *x)
{
	timer_clear(&w->exchange_wheel, &x->timer);
	keeper_done(&x->keeper);
	if (x->flow) {
		x->flow->conversation = NULL;
		pool_put(w->pool, x, sizeof(*x));
		return;
	}
	struct group *g = (struct group *)x;

	keys_remove(&w->keepers.keys, &g->link);
	*(g->prev ? &g->prev->next : &w->groups) = g->next;
	if (g->next)
		g->next->prev = g->prev;
	pool_put(w->pool, g, sizeof(*g));
}

void exchange_end(struct worker *w, struct exchange *x, enum end_reason reason)
{
	for (unsigned dir = 0; dir < 2; dir++)
		feeder_end(&x->keeper.feeder, dir, reason);
	keeper_finish(&x->keeper, reason);
	exchange_free(w, x);
}

/* --- groups --- */

/* Who asks: the side that is not at the service's port. False: both are. */
static bool querier_of(const struct packet *p, unsigned *ret_side)
{
	*ret_side = is_service(p->key.port[0]);
	return p->key.port[0] != p->key.port[1];
}

static uint64_t group_key(const struct worker *w, const struct packet *p)
{
	const uint16_t *port = p->key.port;
	unsigned side;

	if (querier_of(p, &side))
		return hash_bytes(&p->key.address[side], sizeof(struct address),
				  w->options.secret ^ port[side] ^ (uint64_t)port[!side] << 16);
	/* A question is answered by the protocol it came by (RFC 6762 20). */
	return port[0] | (uint64_t)address_is_v4(&p->key.address[0]) << 16;
}

static bool is_multicast(const struct address *a)
{
	return address_is_v4(a) ? a->b[12] >> 4 == 14 : a->b[0] == 0xff;
}

/* A querier's group begins with what it asks all. What else is between two hosts is theirs alone: a server that has
 * the service's port, or a client that has it by chance. */
static bool may_begin(const struct packet *p)
{
	unsigned side;

	return !querier_of(p, &side) || is_multicast(&p->key.address[!side]);
}

/* The group of a packet at a place; NULL: it is in none, or there is no memory for one. */
static struct exchange *group_of(struct worker *w, const struct packet *p, uint16_t place)
{
	const void *owner = (const void *)((uintptr_t)place + 1); /* no pointer is that small */
	uint64_t key = group_key(w, p);
	uint32_t hash = keys_hash(&w->keepers.keys, owner, key, KIND_GROUP);
	struct key_link *link = keys_find(&w->keepers.keys, hash, owner, key, KIND_GROUP);
	struct group *g;
	unsigned side;

	if (link)
		return &((struct group *)((char *)link - offsetof(struct group, link)))->exchange;
	g = may_begin(p) ? get(w, sizeof(*g)) : NULL;
	if (!g)
		return NULL;
	begin(w, &g->exchange, p, 0);
	g->exchange.flow = NULL;
	g->exchange.place = place;
	g->exchange.keeper.feeder.env.scope = querier_of(p, &side) ? SCOPE_QUERIER : SCOPE_ALL;
	/* Whoever asks may do so from a lower port. */
	g->exchange.keeper.feeder.env.service_port = p->key.port[!side];
	g->exchange.keeper.feeder.port_side = 0; /* as group_dir() has it */
	g->exchange.keeper.many = 1;
	g->link = (struct key_link){.owner = owner, .key = key, .hash = hash, .kind = KIND_GROUP};
	keys_insert(&w->keepers.keys, &g->link);
	g->prev = NULL;
	g->next = w->groups;
	if (g->next)
		g->next->prev = g;
	w->groups = g;
	arm(w, &g->exchange);
	return &g->exchange;
}

/* In a group everything that is sent to the service's port goes one way. */
static unsigned group_dir(const struct packet *p)
{
	return !is_service(p->key.port[!p->dir]);
}

void exchange_end_groups(struct worker *w, enum end_reason reason)
{
	while (w->groups)
		exchange_end(w, &w->groups->exchange, reason);
}

void exchange_free_groups(struct worker *w)
{
	while (w->groups)
		exchange_free(w, &w->groups->exchange);
}

/* --- time --- */

static bool may_rest(const struct worker *w, const struct exchange *x)
{
	return w->options.park_ns != UINT64_MAX && last_of(x) + w->options.park_ns <= w->now_ns &&
	       keeper_at_rest(&x->keeper) && feeder_at_rest(&x->keeper.feeder) &&
	       x->keeper.feeder.confirmed;
}

static void park(struct worker *w, struct exchange *x)
{
	const struct feeder *f = &x->keeper.feeder;
	uintptr_t protocol = registry_index(w->options.registry, f->ops);
	uintptr_t parked =
		1 | protocol << PARKED_PROTOCOL | (uintptr_t)f->client_dir << PARKED_CLIENT |
		(uintptr_t)(x->elsewhere_ns != 0) << PARKED_ELSEWHERE | x->index << PARKED_INDEX;
	struct flow *flow = x->flow;

	exchange_free(w, x);
	if (flow)
		flow->conversation = (void *)parked;
}

void exchange_timer(void *worker, struct timer *t)
{
	struct worker *w = worker;
	struct exchange *x = (struct exchange *)((char *)t - offsetof(struct exchange, timer));
	struct flow *f = x->flow;

	keeper_tick(&x->keeper,
		    w->now_ns - w->now_ns % TICK_NS); /* whatever else fired the timer */
	if (last_of(x) + UDP_IDLE_NS <= w->now_ns) {
		exchange_end(w, x, END_IDLE);
		if (f)
			flow_remove(w->flows, f);
	} else if (may_rest(w, x)) {
		park(w, x);
	} else {
		arm(w, x);
	}
}

/* --- packets --- */

/* Was this datagram decoded before, or will it be, from the place where its flow is counted? `home` is the exchange
 * there. */
static inline bool is_copy(struct worker *w, struct exchange *home, const struct packet *p,
			   enum flow_verdict verdict)
{
	/* The flow knows only the last packet: one that is sent again may look like a copy of the first. */
	if (verdict != FLOW_ELSEWHERE && !home->elsewhere_ns)
		return verdict == FLOW_COPY;
	if (!home->elsewhere_ns)
		home->elsewhere_ns = w->now_ns;
	if (!w->copies)
		w->copies = copies_new();
	/* What came in the second before was not remembered. What is not decoded must not be either: the same
	 * datagram may be still to come from home. */
	if (verdict != FLOW_COUNT && (!w->copies || home->elsewhere_ns + NS_PER_S > w->now_ns))
		return true;
	return w->copies && copies_seen(w->copies, p, w->options.secret);
}

static inline void deliver(struct worker *w, struct exchange *x, const struct packet *p)
{
	struct counters *c = &w->counters;
	const struct origin origin = {.ts_ns = p->ts_ns, .frame = p->frame};
	unsigned dir = x->flow ? p->dir : group_dir(p);
	struct peers peers;

	counter_add(&c->range_bytes, p->payload_size);
	counter_add(&c->delivered_bytes, p->payload_size);
	if (x->keeper.many) {
		peers.from = (struct endpoint){p->key.address[p->dir], p->key.port[p->dir]};
		peers.to = (struct endpoint){p->key.address[!p->dir], p->key.port[!p->dir]};
		w->keepers.peers = &peers;
	}
	feeder_datagram(&x->keeper.feeder, dir, view_of(p->payload, p->payload_size),
			p->payload_cut, &origin);
}

/* Is there nothing to decode, wherever it belongs? */
static inline bool is_passed(const struct worker *w, const struct flow *f, const struct packet *p,
			     enum flow_verdict verdict)
{
	return (verdict == FLOW_COPY && f->dir[p->dir].place == p->place) ||
	       f->state & FLOW_BYPASSED || !w->options.decode || !p->payload_size;
}

static struct exchange *own_exchange(struct worker *w, struct flow *f, const struct packet *p)
{
	struct exchange *x = exchange_live(f);

	return x ? x : exchange_new(w, f, p);
}

/* Where a group's packet came, which is not the home of its flow. */
static struct exchange *group_here(struct worker *w, struct exchange *home, const struct packet *p)
{
	struct exchange *x = group_of(w, p, p->place);

	return x || may_begin(p) ? x : home;
}

/* A packet for an exchange, that of the place where its flow is counted; NULL: it is not decoded. */
static inline void take(struct worker *w, struct flow *f, const struct packet *p,
			enum flow_verdict verdict, struct exchange *x)
{
	struct counters *c = &w->counters;

	counter_add(&c->datagram_bytes, p->payload_size);
	if (x && is_copy(w, x, p, verdict)) {
		counter_add(&c->copy_bytes, p->payload_size);
		return;
	}
	if (x && !x->flow && x->place != p->place)
		x = group_here(w, x, p);
	if (!x) {
		counter_add(!f                     ? &c->refused_bytes
			    : verdict == FLOW_COPY ? &c->copy_bytes
						   : &c->undecoded_bytes,
			    p->payload_size);
		return;
	}
	x->last_ns = w->now_ns;
	deliver(w, x, p);
	if (feeder_bypassed(&x->keeper.feeder)) {
		keeper_finish(&x->keeper, END_FIN);
		exchange_free(w, x);
		flow_mark(f, FLOW_BYPASSED);
	} else if (w->options.stuck_ns) {
		arm_stuck(w, x);
	}
}

/* By a port of groups: what is in none is its flow's alone. Apart from what every packet pays for. */
static __attribute__((noinline)) void take_grouped(struct worker *w, struct flow *f,
						   const struct packet *p,
						   enum flow_verdict verdict)
{
	bool passed = is_passed(w, f, p, verdict);
	struct exchange *x = passed ? NULL : group_of(w, p, f->dir[p->dir].place);

	if (!x && !passed && !may_begin(p))
		x = own_exchange(w, f, p);
	take(w, f, p, verdict, x);
}

void exchange_packet(struct worker *w, struct flow *f, const struct packet *p,
		     enum flow_verdict verdict)
{
	if (f && key_in_group(&p->key))
		take_grouped(w, f, p, verdict);
	else
		take(w, f, p, verdict,
		     f && !is_passed(w, f, p, verdict) ? own_exchange(w, f, p) : NULL);
}

void exchange_icmp(struct worker *w, const struct packet *p)
{
	enum { UDP_HEADER = 8, SOURCE_QUENCH = 4, REDIRECT = 5 };
	struct flow *f = p->key.proto == PROTO_UDP ? flow_find(w->flows, p) : NULL;
	struct exchange *x = f ? exchange_live(f) : NULL;
	const struct protocol_ops *ops = x ? x->keeper.feeder.ops : NULL;
	struct view quoted = view_from(view_of(p->payload, p->payload_size), UDP_HEADER);
	enum side side;
	uint64_t key, mask;

	if (!ops || !ops->quoted)
		return;
	/* These two do not say that it was dropped (RFC 792). */
	if (!p->icmp_v6 && (p->icmp_type == SOURCE_QUENCH || p->icmp_type == REDIRECT))
		return;
	side = feeder_side(&x->keeper.feeder, p->dir);
	if (ops->quoted(quoted, side, &key, &mask))
		(void)keeper_fail(&x->keeper, key, mask);
}

void exchange_fill(const struct exchange *x, struct roundtrip *rt)
{
	const struct flow *f = x->flow;
	unsigned client = feeder_dir_of(&x->keeper.feeder, FROM_CLIENT);

	rt->proto = PROTO_UDP;
	rt->place = f ? f->dir[client].place : x->place;
	rt->flow_index = x->index;
	if (x->keeper.many)
		return;
	rt->client = (struct endpoint){f->address[client], f->port[client]};
	rt->server = (struct endpoint){f->address[!client], f->port[!client]};
}
