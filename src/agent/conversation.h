/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A TCP conversation that is being decoded, and how it is parked. Private to src/agent.
 *
 * A conversation at rest (nothing held, open, floating or half seen, the decoder's state all zero) for a second
 * gives its memory back. What must be remembered fits where the flow record points to it: `parked` words
 * have bit 0 set, which no pointer has. Offsets then begin anew; nothing that is still kept refers to them.
 */
#include "agent/worker.h"

struct conversation {
	struct keeper keeper; /* first: it is its feeder, and the feeder its decoder's env */
	struct stream stream; /* reset: it lingers for late segments, as long as its flow */
	struct timer timer;
	struct flow *flow;
	uint64_t index; /* of the conversation's first packet */
};

_Static_assert(sizeof(struct conversation) <= 304, "one for each open connection");

struct worker {
	struct worker_options options;
	struct counters counters;
	struct pool *pool;
	struct flow_table *flows;
	struct timer_wheel wheel;
	struct keeper_world keepers;
	struct protocol_stats *stats;
	uint64_t now_ns;
	/* Datagrams (exchange.h). */
	struct timer_wheel exchange_wheel;
	struct group *groups;
	struct copies *copies; /* NULL: nothing was seen at two places */
};

#define LINGER_NS NS_PER_S            /* late segments of a reset connection: see flow_account() */
#define PARK_NS NS_PER_S              /* unless the options say otherwise */
#define PARK_AGAIN_NS (10 * NS_PER_S) /* when it was idle but not at rest: look again */

static inline bool flow_is_parked(const struct flow *f)
{
	return (uintptr_t)f->conversation & 1;
}

/* The conversation of a flow that is not parked; NULL when it has none. */
static inline struct conversation *conversation_live(const struct flow *f)
{
	return flow_is_parked(f) ? NULL : f->conversation;
}

/* Parks a conversation that may be parked: false when it may not. It is freed by the caller's next step. */
bool conversation_park(struct worker *w, struct conversation *c, uintptr_t *ret_parked);
/* Fills a new conversation from a parked word; `c` has its flow. */
void conversation_unpark(struct worker *w, struct conversation *c, uintptr_t parked);
