/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Inside src/flow: the table, its index and its records' memory.
 */
#include <stddef.h>

#include "core/time.h"
#include "flow/flow.h"
#include "flow/index.h"

struct flow_chunk {
	struct flow record[FLOW_CHUNK];
	struct flow_cold cold[FLOW_CHUNK];
};

enum {
	/* The first chunks come one by one and page by page, so that a small run stays small; then with
	 * all their pages at once; then 256 of them, which are 21 huge pages, share one mapping: by then
	 * the unused rest of a huge page is under 8 bytes a flow. */
	CHUNKS_LAZY = 32,
	CHUNKS_SINGLE = 256,
	CHUNKS_ARENA = 256,
	CHUNKS_MAX = FLOW_MAX / FLOW_CHUNK,
	ARENAS_MAX = (CHUNKS_MAX - CHUNKS_SINGLE + CHUNKS_ARENA - 1) / CHUNKS_ARENA,
};

struct flow_table {
	struct flow_index index;
	struct flow_chunk **chunk; /* the directory: CHUNKS_MAX slots, published one by one */
	struct counters *counters;
	uint64_t tcp_idle_ns, other_idle_ns, least_idle_ns;
	struct flow *free; /* linked by `conversation`, last freed first */
	uint32_t fresh;    /* the first id that was never used */
	uint32_t chunks;   /* published after their slot in the directory */
	uint32_t max_flows;
	uint32_t evict_at;   /* where the next sample begins */
	uint32_t sweep_at;   /* where flow_tick goes on */
	uint64_t sweep_tick; /* number of the last tick */
	uint32_t sweep_rest; /* thousandths of a record that are due */
	void (*remove)(void *data, struct flow *flow, bool evicted);
	void (*gone)(void *data, const struct flow *flow, const struct flow_cold *cold);
	void *data;
	void *arena[ARENAS_MAX];
	uint8_t arenas;
};

/* A record that nobody has, from the free list or never used; NULL: memory ran out, or FLOW_MAX. */
struct flow *record_take(struct flow_table *t);
void record_give(struct flow_table *t, struct flow *f);
void records_free(struct flow_table *t);
size_t records_memory(const struct flow_table *t);

static inline struct flow *record_of(const struct flow_table *t, uint32_t id)
{
	return &t->chunk[id / FLOW_CHUNK]->record[id % FLOW_CHUNK];
}

static inline struct flow_cold *cold_at(const struct flow_table *t, uint32_t id)
{
	return &t->chunk[id / FLOW_CHUNK]->cold[id % FLOW_CHUNK];
}

/* The same, without the directory. */
static inline struct flow_cold *cold_of(const struct flow *f)
{
	uint32_t slot = f->id % FLOW_CHUNK;
	struct flow_chunk *c = (struct flow_chunk *)(uintptr_t)(f - slot);

	return &c->cold[slot];
}

/* What readers may look at is stored with release, which costs nothing on x86. */
#define flow_store(to, value) __atomic_store_n(to, value, __ATOMIC_RELEASE)

typedef uint64_t flow_word __attribute__((may_alias));

/* Stores `n` words that readers may look at. */
static inline void flow_store_words(void *to, const void *from, unsigned n)
{
	flow_word *w = to;

	for (unsigned i = 0; i < n; i++) {
		uint64_t v;

		memcpy(&v, (const char *)from + i * sizeof(v), sizeof(v));
		flow_store(&w[i], v);
	}
}

/* A packet from far ahead does not move the clock; if the next one does, this flow is not idle for it. */
static inline uint64_t flow_time(const struct packet *p)
{
	return p->ts_ns > p->now_ns ? p->ts_ns : p->now_ns;
}

/* Closed for more than a second, or idle for too long: a packet of this tuple begins another flow. */
static inline bool flow_is_over(const struct flow_table *t, const struct flow *f, uint64_t now_ns)
{
	uint64_t idle = now_ns > f->last_ns ? now_ns - f->last_ns : 0;

	if (__builtin_expect(idle <= t->least_idle_ns, 1))
		return false;
	if (f->state & FLOW_CLOSED && idle > NS_PER_S)
		return true;
	return idle > (f->proto == PROTO_TCP ? t->tcp_idle_ns : t->other_idle_ns);
}
