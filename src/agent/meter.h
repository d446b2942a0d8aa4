/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Measuring instead of writing lines. Private to src/agent. Each worker has a meter that adds up its records and
 * flows; a tick that ends a period (its ts_ns says when) seals what was measured, and the seals go with the
 * worker's output to the reporter, which merges those of one period from all sources. The reader is a source,
 * too: of its counters. All sources seal the same periods, each in order; a period is reported once it has the
 * seals of all.
 */
#include "agent/output.h"
#include "agent/worker.h"
#include "metrics/metrics.h"

/* What one source measured in one period. */
struct seal {
	uint64_t end_ns;
	struct metrics *metrics;  /* NULL: nothing; the reporter takes it */
	struct counters counters; /* of the source, since it began */
};

/* What was already measured of a flow. */
struct flow_measured {
	uint64_t bytes[SIDES];
	bool rtt;
};

struct meter {
	struct renderer *renderer; /* which says what records are wanted */
	struct worker *worker;
	uint64_t interval_ns;           /* 0: all is one period */
	struct metrics *metrics;        /* of the current period; NULL: nothing yet */
	struct flow_measured *measured; /* by flow id; only with an interval */
	uint32_t measured_room;
	uint64_t missing; /* records and flows not counted because memory ran out */
};

void meter_done(struct meter *m);
/* worker_options.emit and flow_gone, with a meter as data. */
void meter_emit(void *data, const struct roundtrip *rt);
void meter_flow_gone(void *data, const struct flow *f, const struct flow_cold *cold);
/* Ends the period; the seal goes to the renderer's output. */
void meter_seal(struct meter *m, uint64_t end_ns);

/* A period that not all sources sealed yet. */
struct period {
	uint64_t end_ns;
	unsigned seals;
	struct metrics *metrics;  /* NULL: nothing yet */
	struct counters counters; /* sums of the seals' */
};

struct reporter {
	const struct pipeline_options *options;
	struct buf *to; /* where reports go: the writer's */
	unsigned sources;
	struct period *periods; /* oldest first */
	uint32_t count, room;
	struct counters before; /* those of the period that was reported last */
	struct metrics *total;
	uint64_t missing; /* periods of a source, because memory ran out */
};

must_check int reporter_init(struct reporter *r, const struct pipeline_options *options,
			     struct buf *to);
void reporter_done(struct reporter *r);
void reporter_take(struct reporter *r, const struct seal *seal);
/* Takes the seals of the outputs. */
void reporter_collect(struct reporter *r, struct output *const *outputs, unsigned count);
/* The end: reports what is left. */
void reporter_finish(struct reporter *r);
