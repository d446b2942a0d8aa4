/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow.h"

#include <stdlib.h>

#include "flow/table.h"

enum {
	PREFETCH_MIN = 8192,  /* below, records are in the cache anyway */
	EVICT_SAMPLE = 16,    /* live records of which the idlest goes */
	EVICT_LOOK = 256,     /* records looked at for them */
	SWEEP_TICKS = 1000,   /* ticks of a whole round: 10 s */
	NEAR_BYTES = 1 << 20, /* a sequence number this near fits */
};

int flow_table_new(const struct flow_options *options, struct flow_table **ret_table)
{
	struct flow_table *t = calloc(1, sizeof(*t));

	if (!t)
		return ERR_NOMEM;
	t->counters = options->counters;
	t->tcp_idle_ns = options->tcp_idle_ns ? options->tcp_idle_ns : 900 * NS_PER_S;
	t->other_idle_ns = options->other_idle_ns ? options->other_idle_ns : 120 * NS_PER_S;
	t->least_idle_ns = t->tcp_idle_ns < t->other_idle_ns ? t->tcp_idle_ns : t->other_idle_ns;
	if (t->least_idle_ns > NS_PER_S)
		t->least_idle_ns = NS_PER_S;
	t->max_flows =
		options->max_flows && options->max_flows < FLOW_MAX ? options->max_flows : FLOW_MAX;
	t->remove = options->remove;
	t->gone = options->gone;
	t->data = options->data;
	t->chunk = calloc(CHUNKS_MAX, sizeof(struct flow_chunk *));
	if (!t->chunk || index_init(&t->index) < 0) {
		free(t->chunk);
		free(t);
		return ERR_NOMEM;
	}
	*ret_table = t;
	return 0;
}

void flow_table_free(struct flow_table *t)
{
	if (!t)
		return;
	records_free(t);
	index_done(&t->index);
	free(t->chunk);
	free(t);
}

void flow_prefetch_index(const struct flow_table *t, uint64_t hash)
{
	if (t->index.count < PREFETCH_MIN)
		return;
	uint64_t tag = index_tag(hash);

	__builtin_prefetch(index_start(index_array(&t->index, tag), tag));
}

struct flow *flow_guess(const struct flow_table *t, const struct packet *p)
{
	uint64_t tag = index_tag(p->hash);
	struct index_walk w = index_walk_begin(index_array(&t->index, tag), tag);
	uint32_t id;

	if (!index_walk_next(&w, &id))
		return NULL;
	struct flow *f = record_of(t, id);
	__builtin_prefetch(f, 1);
	__builtin_prefetch((const char *)f + 64, 1);
	if (p->flags & TCP_SYN) /* it ends what is there, or tells the window scale */
		__builtin_prefetch(cold_at(t, id), 1);
	return f;
}

static inline bool has_key(const struct flow *f, const struct flow_key *key)
{
	typedef uint64_t pair __attribute__((vector_size(16), aligned(1), may_alias));
	const pair *a = (const pair *)f->address, *b = (const pair *)key->address;
	pair differ = (a[0] ^ b[0]) | (a[1] ^ b[1]);
	uint32_t ports_a, ports_b;

	memcpy(&ports_a, f->port, sizeof(ports_a));
	memcpy(&ports_b, key->port, sizeof(ports_b));
	return !(differ[0] | differ[1] | (ports_a ^ ports_b) | (uint64_t)(f->proto ^ key->proto));
}

static bool is_near(uint32_t a, uint32_t b)
{
	return a - b + NEAR_BYTES <= 2 * NEAR_BYTES;
}

/* How well a packet fits a record of its 5-tuple; 0: it is another conversation. */
enum fit { FIT_NONE, FIT_OTHER_PLACE, FIT_SEQ, FIT_SEQ_OTHER_PLACE, FIT_PLACE };

static enum fit fit_of(const struct flow *f, const struct packet *p)
{
	const struct flow_dir *own = &f->dir[p->dir], *other = &f->dir[!p->dir];
	bool seen = f->state & FLOW_SEEN_0 << p->dir;
	bool seen_other = f->state & FLOW_SEEN_0 << !p->dir;

	if (seen && own->place == p->place)
		return FIT_PLACE;
	bool other_place = seen_other && other->place == p->place;
	if (p->kind != PACKET_TCP)
		return other_place ? FIT_SEQ_OTHER_PLACE : FIT_SEQ;
	bool fits = seen ? is_near(p->seq, own->next_seq)
			 : seen_other && p->flags & TCP_ACK && is_near(p->ack, other->next_seq);
	if (fits)
		return other_place ? FIT_SEQ_OTHER_PLACE : FIT_SEQ;
	return other_place && !seen ? FIT_OTHER_PLACE : FIT_NONE;
}

struct best {
	struct flow *flow;
	enum fit fit;
};

/* Looks at all records of a tag in one array until one fits as well as can be. */
static void find_best(struct flow_table *t, const struct flow_array *a, const struct packet *p,
		      struct best *best)
{
	struct index_walk w = index_walk_begin(a, index_tag(p->hash));
	uint32_t id;

	while (best->fit != FIT_PLACE && index_walk_next(&w, &id)) {
		struct flow *f = record_of(t, id);

		if (!has_key(f, &p->key))
			continue;
		enum fit fit = fit_of(f, p);
		if (fit > best->fit)
			*best = (struct best){f, fit};
	}
}

static __attribute__((noinline)) struct flow *find_among(struct flow_table *t,
							 const struct packet *p)
{
	struct best best = {0};
	uint64_t tag = index_tag(p->hash);

	find_best(t, index_array(&t->index, tag), p, &best);
	if (tag == t->index.moved)
		find_best(t, &t->index.old, p, &best);
	return best.flow;
}

struct flow *flow_find(struct flow_table *t, const struct packet *p)
{
	uint64_t tag = index_tag(p->hash);
	struct index_walk w = index_walk_begin(index_array(&t->index, tag), tag);
	uint32_t id;

	if (!index_walk_next(&w, &id) && tag != t->index.moved)
		return NULL;
	return find_among(t, p);
}

struct flow *flow_find_guessed(struct flow_table *t, const struct packet *p, struct flow *guess)
{
	/* Only one record of a tuple is counted at this place in this direction; a free one nowhere. */
	if (guess && has_key(guess, &p->key) && guess->state & FLOW_SEEN_0 << p->dir &&
	    guess->dir[p->dir].place == p->place)
		return guess;
	return flow_find(t, p);
}

/* Is there something to end? A parked conversation has left nothing but a word. */
static bool has_conversation(const struct flow *f)
{
	return f->conversation && !((uintptr_t)f->conversation & 1);
}

static void remove_evicted(struct flow_table *t, struct flow *f)
{
	if (has_conversation(f) && t->remove)
		t->remove(t->data, f, true);
	counter_add(&t->counters->flows_evicted, 1);
	flow_remove(t, f);
}

/* Makes room: the idlest of a sample goes. */
static void evict_idlest(struct flow_table *t)
{
	struct flow *idlest = NULL;
	unsigned live = 0;

	for (unsigned i = 0; i < EVICT_LOOK || !idlest; i++) {
		if (t->evict_at >= t->fresh)
			t->evict_at = 0;
		struct flow *f = record_of(t, t->evict_at++);

		if (f->id & FLOW_FREE)
			continue;
		if (!idlest || f->last_ns < idlest->last_ns)
			idlest = f;
		if (++live == EVICT_SAMPLE)
			break;
	}
	remove_evicted(t, idlest);
}

static unsigned count_same(struct flow_table *t, const struct flow_array *a, const struct packet *p,
			   struct flow **idlest)
{
	struct index_walk w = index_walk_begin(a, index_tag(p->hash));
	unsigned n = 0;
	uint32_t id;

	while (index_walk_next(&w, &id)) {
		struct flow *f = record_of(t, id);

		if (!has_key(f, &p->key))
			continue;
		n++;
		if (!*idlest || f->last_ns < (*idlest)->last_ns)
			*idlest = f;
	}
	return n;
}

/* Each packet of a tuple looks at all of its records: there must not be too many. */
static void limit_same(struct flow_table *t, const struct packet *p)
{
	uint64_t tag = index_tag(p->hash);
	struct flow *idlest = NULL;
	unsigned n = count_same(t, index_array(&t->index, tag), p, &idlest);

	if (tag == t->index.moved)
		n += count_same(t, &t->index.old, p, &idlest);
	if (n >= FLOW_SAME_MAX)
		remove_evicted(t, idlest);
}

/* Fills a record that readers may be looking at. */
static void begin_record(struct flow *f, const struct packet *p)
{
	struct flow fresh = {
		.address = {p->key.address[0], p->key.address[1]},
		.port = {p->key.port[0], p->key.port[1]},
		.proto = p->key.proto,
		.hash_high = (uint8_t)(p->hash >> 56),
		.last_ns = flow_time(p),
		.generation = f->generation + 1,
		.id = f->id & ~FLOW_FREE,
	};
	struct flow_cold cold = {
		.first_ns = p->ts_ns,
		.hash_low = (uint8_t)(p->hash >> 48),
		.window_scale = {255, 255},
	};

	__atomic_store_n(&f->generation, fresh.generation, __ATOMIC_RELAXED);
	flow_store_words(f, &fresh, offsetof(struct flow, conversation) / 8);
	f->conversation = NULL;
	flow_store(&f->last_ns, fresh.last_ns);
	flow_store(&f->id, fresh.id);
	flow_store_words(f->dir, fresh.dir, sizeof(fresh.dir) / 8);
	flow_store_words(cold_of(f), &cold, sizeof(cold) / 8);
	flow_store(&f->generation, fresh.generation + 1);
}

struct flow *flow_add(struct flow_table *t, const struct packet *p)
{
	limit_same(t, p);
	if (t->index.count >= t->max_flows)
		evict_idlest(t);

	struct flow *f = record_take(t);
	if (!f)
		goto fail;
	if (index_insert(&t->index, p->hash, f->id & ~FLOW_FREE) < 0) {
		record_give(t, f);
		goto fail;
	}
	begin_record(f, p);
	counter_add(&t->counters->flows, 1);
	if (f->proto == PROTO_TCP) {
		counter_add(&t->counters->flows_tcp, 1);
		if (!(p->flags & TCP_SYN))
			counter_add(&t->counters->flows_midstream, 1);
	}
	return f;
fail:
	counter_add(&t->counters->flows_nomem, 1);
	return NULL;
}

void flow_remove(struct flow_table *t, struct flow *f)
{
	if (t->gone)
		t->gone(t->data, f, cold_of(f));
	index_remove(&t->index, (uint16_t)(f->hash_high << 8 | cold_of(f)->hash_low), f->id);
	__atomic_store_n(&f->generation, f->generation + 1, __ATOMIC_RELAXED);
	flow_store(&f->id, f->id | FLOW_FREE);
	flow_store(&f->state, (uint16_t)0); /* no guess is right */
	flow_store(&f->generation, f->generation + 1);
	record_give(t, f);
}

struct flow_cold *flow_cold_of(struct flow_table *t, const struct flow *f)
{
	(void)t;
	return cold_of(f);
}

void flow_tick(struct flow_table *t, uint64_t now_ns)
{
	uint64_t tick = now_ns / TICK_NS, passed = tick - t->sweep_tick;

	if (tick <= t->sweep_tick)
		return;
	t->sweep_tick = tick;
	if (passed > SWEEP_TICKS)
		passed = SWEEP_TICKS;

	uint64_t due = t->fresh * passed + t->sweep_rest;
	t->sweep_rest = (uint32_t)(due % SWEEP_TICKS);
	for (due /= SWEEP_TICKS; due > 0; due--) {
		if (t->sweep_at >= t->fresh)
			t->sweep_at = 0;
		struct flow *f = record_of(t, t->sweep_at++);

		if (!(f->id & FLOW_FREE) && !has_conversation(f) && flow_is_over(t, f, now_ns))
			flow_remove(t, f);
	}
}

uint32_t flow_count(const struct flow_table *t)
{
	return t->index.count;
}

void flow_each(struct flow_table *t, void (*each)(void *data, struct flow *f), void *data)
{
	for (uint32_t id = 0; id < t->fresh; id++) {
		struct flow *f = record_of(t, id);

		if (!(f->id & FLOW_FREE))
			each(data, f);
	}
}

size_t flow_memory(const struct flow_table *t)
{
	return sizeof(*t) + records_memory(t) + index_memory(&t->index) +
	       t->chunks * sizeof(struct flow_chunk *);
}

unsigned flow_most_moved(const struct flow_table *t)
{
	return t->index.most_moved;
}
