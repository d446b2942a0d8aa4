/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Measuring instead of writing lines. Private to src/agent. Each worker has a meter that adds up its records and
 * flows; a tick that ends a period (its ts_ns says when) seals what was measured, and the seals go with the
 * worker's output to the reporter, which merges those of one period from all sources. The reader of files is a
 * source, too: of its counters; live every worker has a reader of its own, whose counters go into its seals. Each
 * source seals in order of time, and may leave out periods in which nothing came to it; a period is reported once
 * all sources sealed it or a later one.
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
	const struct counters
		*reader; /* live: counted by the worker's reader; NULL: by a source of its own */
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
/* Ends the period; the seal goes to the renderer's output. A full output keeps one seal: what comes is added to
 * it, and reported as of the later period. */
void meter_seal(struct meter *m, uint64_t end_ns);

/* A period that not all sources sealed yet. */
struct period {
	uint64_t end_ns;
	struct metrics *metrics;  /* NULL: nothing yet */
	struct counters counters; /* what those of the sources grew by */
};

struct reporter_source {
	uint64_t sealed_ns;       /* the end of the period it sealed last */
	struct counters counters; /* at that time */
};

struct reporter {
	const struct pipeline_options *options;
	struct buf *to; /* where reports go: the writer's */
	struct reporter_source *source;
	unsigned sources;
	struct period *periods; /* oldest first */
	uint32_t count, room;
	struct metrics *total;
	uint64_t missing; /* periods of a source, because memory ran out */
};

/* Sources are numbered from 0 to less than `sources`. */
must_check int reporter_init(struct reporter *r, const struct pipeline_options *options,
			     unsigned sources, struct buf *to);
void reporter_done(struct reporter *r);
void reporter_take(struct reporter *r, unsigned source, const struct seal *seal);
/* Takes the seals of a source's output. */
void reporter_collect(struct reporter *r, unsigned source, struct output *output);
/* The end: reports what is left. */
void reporter_finish(struct reporter *r);
