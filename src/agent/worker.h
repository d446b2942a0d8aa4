/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A worker: the pipeline from packets to round trips for its share of the conversations. It owns its flow
 * table, pools, timers, decoders and counters and shares nothing it writes with other workers. It reads no
 * clock: time is what packets and ticks say.
 *
 *   packet -> flow_find/flow_account -> stream_segment -> feeder -> decoder -> keeper -> emit
 */
#include "core/timer.h"
#include "flow/flow.h"
#include "roundtrip/keeper.h"
#include "stream/stream.h"

struct worker;

struct worker_options {
	const struct registry *registry;
	unsigned wants;       /* enum env_wants */
	bool decode;          /* false: flow accounting only (--only none) */
	uint64_t secret;      /* for hash tables */
	size_t memory_cap;    /* bytes of conversations; 0: 1 GiB */
	uint32_t max_flows;   /* 0: FLOW_MAX */
	uint64_t tcp_idle_ns; /* 0: 15 min */
	/* A conversation at rest for so long is parked; 0: 1 s; UINT64_MAX: never. */
	uint64_t park_ns;
	uint64_t stuck_ns; /* requests that wait so long are told of, once; 0: never */
	/* One record; `rt` lives until the call returns. */
	void (*emit)(void *data, const struct roundtrip *rt);
	/* A tick, or the end, is done: what it emitted comes from several flows in no order. */
	void (*tick_done)(void *data);
	/* A flow is forgotten: the last chance to look at its numbers. NULL: nobody does. */
	void (*flow_gone)(void *data, const struct flow *f, const struct flow_cold *cold);
	void *data;
};

must_check int worker_new(const struct worker_options *options, struct worker **ret_worker);
void worker_free(struct worker *w);

/* One packet, or a tick (kind PACKET_TICK, now_ns). */
void worker_packet(struct worker *w, const struct packet *p);
/* The same, of a batch of packets for each of which these were called before, in this order: see flow.h. */
void worker_prefetch_index(const struct worker *w, uint64_t hash);
struct flow *worker_guess(const struct worker *w, const struct packet *p);
void worker_packet_guessed(struct worker *w, const struct packet *p, struct flow *guess);
/* The end of the input: a last tick, then every flow ends. */
void worker_finish(struct worker *w, uint64_t now_ns);

const struct counters *worker_counters(const struct worker *w);
/* Reasons per protocol, by registry index. */
const struct protocol_stats *worker_stats(const struct worker *w);
const struct flow_table *worker_flows(const struct worker *w);
/* Every flow that lives. Of the worker's thread. */
void worker_each_flow(struct worker *w,
		      void (*each)(void *data, const struct flow *f, const struct flow_cold *cold),
		      void *data);
/* Bytes of flows, conversations and what they hold. */
size_t worker_memory(const struct worker *w);
/* Tests: the pool, to let allocations fail. */
struct pool *worker_pool(struct worker *w);
