/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* One run of the pipeline. Private to src/agent. */
#include "agent/intake.h"
#include "agent/meter.h"
#include "agent/output.h"

/* A worker and what becomes of its records: lines or, if `measures`, numbers. */
struct lane {
	struct worker *worker;
	struct renderer renderer;
	bool measures;
	struct meter meter;
};

struct run {
	const struct pipeline_options *options;
	struct pipeline_result *result;
	struct intake reader;
	struct writer writer;
	struct reporter reporter;
	struct scratch scratch;
	struct lane *lanes;
	void (*before_wait)(struct run *run); /* the input has nothing: write what is ready */
	void *state;                          /* of run_many */
	uint64_t secret;                      /* for hashes */
};

must_check int lane_open(struct run *run, struct lane *lane);
void lane_close(struct lane *lane);
/* At most INTAKE_BATCH packets and ticks, their memory fetched ahead; the end. */
void lane_items(struct lane *lane, const struct packet *items, unsigned n);
void lane_finish(struct lane *lane, const struct packet *tick);
void lane_result(const struct lane *lane, struct pipeline_result *result);

/* Takes the lines, or what was measured, of all workers; they are empty afterwards. */
void run_merge(struct run *run, struct output *const *outputs, unsigned count);

/* All sources ended: reports what is left, and gives what was measured to the result. */
void run_report_end(struct run *run);

/* Fills a block; waits for input only after what is decoded was written. */
must_check int run_fill(struct run *run, struct block *block);
void run_progress(struct run *run);

/* Reader and writer in this thread, one thread per worker (many.c). */
must_check int run_many(struct run *run);

/* Live: a thread per worker, one for the writer; this one watches (live.c). */
must_check int live_run(const struct pipeline_options *options, struct pipeline_result *result);
