/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The reader: frames to stamped packets. Private to src/agent. One thread.
 */
#include "agent/pipeline.h"
#include "capture/source.h"
#include "packet/packet.h"

struct intake {
	struct source *source;
	struct filter *filter; /* NULL: everything */
	struct packet_parser *parser;
	struct counters counters;
	uint64_t index;       /* of the last frame */
	uint64_t now_ns;      /* running maximum of packet times */
	uint64_t tick_end_ns; /* from here on the next tick is due */
	uint64_t jump_ns;     /* a time over an hour ahead that waits to be confirmed; 0: none */
	uint64_t
		first_ns; /* what the clock began with: the first packet's time, or live the wall's */
	struct reporter *reporter; /* NULL: our counters are not for us to seal */
	unsigned source_number;    /* ours among the reporter's */
	uint64_t interval_ns;      /* of its periods; 0: only one */
	uint64_t period_end_ns;    /* of the current one; 0: nothing came yet */
};

enum { INTAKE_BATCH = 64 }; /* half of it frames: so many cache misses overlap */

/* For capture files. */
must_check int intake_open(struct intake *r, const struct pipeline_options *options,
			   struct pipeline_result *result);
/* For one of the sources of a live capture, which stays the caller's: source NULL before intake_close(). */
must_check int intake_open_live(struct intake *r, struct source *source,
				const struct packet_options *packets, const char *filter,
				struct pipeline_result *result);
void intake_close(struct intake *r);

/*
 * Takes frames from the block and makes up to INTAKE_BATCH items of them, ticks included; a tick comes before the
 * packet that moved the clock. Returns how many; `ret_more` is false when the block is used up.
 */
unsigned intake_batch(struct intake *r, struct block *block, struct scratch *scratch,
		      struct packet *items, bool *ret_more);
/* The clock, which is at least this late; true: it crossed a tick, and this is it. */
bool intake_clock(struct intake *r, uint64_t ts_ns, struct packet *ret_tick);
/* The tick at the end of the input; the last period ends with it. */
struct packet intake_last_tick(struct intake *r);
