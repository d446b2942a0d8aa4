/* SPDX-License-Identifier: Apache-2.0 */
/* See intake.h. */
#include "agent/intake.h"

#include "agent/meter.h"
#include "core/hash.h"
#include "core/time.h"

#define JUMP_NS (3600 * NS_PER_S)

static int open_parser(struct intake *r, const struct packet_options *packets, const char *filter,
		       struct pipeline_result *result)
{
	r->tick_end_ns = TICK_NS;
	if (filter && *filter) {
		int err = filter_new(filter, result->detail, &r->filter);

		if (err)
			return err;
	}
	return packet_parser_new(packets, &r->parser);
}

int intake_open(struct intake *r, const struct pipeline_options *options,
		struct pipeline_result *result)
{
	struct packet_options packets = {.secret = HASH_FILE_SECRET, .counters = &r->counters};
	unsigned bad = 0;
	int err;

	err = source_open_files(options->paths, options->path_count, &r->source, &bad);
	if (err) {
		result->bad_file = options->paths[bad];
		snprintf(result->detail, sizeof(result->detail), "%s", source_open_error());
		return err;
	}
	return open_parser(r, &packets, options->filter, result);
}

int intake_open_live(struct intake *r, struct source *source, const struct packet_options *packets,
		     const char *filter, struct pipeline_result *result)
{
	struct packet_options own = *packets;

	own.counters = &r->counters;
	r->source = source;
	return open_parser(r, &own, filter, result);
}

void intake_close(struct intake *r)
{
	source_close(r->source);
	filter_free(r->filter);
	packet_parser_free(r->parser);
}

/* The time of a frame is not a little later than the clock. A jump of over an hour moves it only when a second frame
 * agrees. */
static __attribute__((noinline)) void jump_clock(struct intake *r, uint64_t ts_ns)
{
	if (ts_ns <= r->now_ns) {
		if (r->now_ns - ts_ns > JUMP_NS)
			counter_add(&r->counters.time_jumps, 1);
		return;
	}
	if (!r->now_ns) {
		r->now_ns = r->first_ns = ts_ns;
	} else {
		uint64_t away = ts_ns > r->jump_ns ? ts_ns - r->jump_ns : r->jump_ns - ts_ns;

		counter_add(&r->counters.time_jumps, 1);
		if (r->jump_ns && away <= JUMP_NS)
			r->now_ns = ts_ns > r->jump_ns ? ts_ns : r->jump_ns;
		r->jump_ns = ts_ns;
	}
}

static struct packet tick_of(const struct intake *r)
{
	return (struct packet){.kind = PACKET_TICK, .now_ns = r->now_ns, .index = r->index};
}

/* The reader's share of a period that is over. */
static void seal_period(struct intake *r, uint64_t end_ns)
{
	struct seal seal = {.end_ns = end_ns, .counters = r->counters};

	reporter_take(r->reporter, r->source_number, &seal);
}

static uint64_t period_end_of(const struct intake *r)
{
	return r->interval_ns ? (r->now_ns / r->interval_ns + 1) * r->interval_ns : r->now_ns;
}

static struct packet next_tick(struct intake *r)
{
	struct packet tick = tick_of(r);

	r->tick_end_ns = r->now_ns - r->now_ns % TICK_NS + TICK_NS;
	if (r->interval_ns && r->now_ns >= r->period_end_ns) {
		tick.ts_ns = r->period_end_ns;
		if (r->period_end_ns && r->reporter)
			seal_period(r, r->period_end_ns);
		r->period_end_ns = period_end_of(r);
	}
	return tick;
}

static inline bool clock_ticks(struct intake *r, uint64_t ts_ns, struct packet *ret_tick)
{
	if (r->now_ns && ts_ns - r->now_ns - 1 < JUMP_NS) { /* nearly always */
		r->now_ns = ts_ns;
		r->jump_ns = 0;
	} else {
		jump_clock(r, ts_ns);
	}
	if (r->now_ns < r->tick_end_ns)
		return false;
	*ret_tick = next_tick(r);
	return true;
}

bool intake_clock(struct intake *r, uint64_t ts_ns, struct packet *ret_tick)
{
	return clock_ticks(r, ts_ns, ret_tick);
}

static void count_frame(struct intake *r, const struct frame *f)
{
	counter_add(&r->counters.frames, 1);
	counter_add(&r->counters.frame_bytes, f->wire);
	if (f->captured < f->wire)
		counter_add(&r->counters.frames_cut, 1);
}

unsigned intake_batch(struct intake *r, struct block *block, struct scratch *scratch,
		      struct packet *items, bool *ret_more)
{
	struct frame frames[INTAKE_BATCH / 2]; /* each may bring a tick */
	unsigned count = source_frames(r->source, block, frames, INTAKE_BATCH / 2), n = 0;

	*ret_more = count > 0;
	for (unsigned i = 0; i < count; i++) {
		const struct frame *f = &frames[i];

		if (r->filter && !f->filtered && !filter_wants(r->filter, f)) {
			count_frame(r, f);
			counter_add(&r->counters.frames_filtered, 1);
			continue;
		}
		r->index++;
		n += clock_ticks(r, f->ts_ns, &items[n]); /* without the frame that moved it */
		count_frame(r, f);
		if (packet_parse(r->parser, f, r->now_ns, scratch, &items[n]) != PACKET_READY)
			continue;
		items[n].index = r->index;
		items[n].now_ns = r->now_ns;
		n++;
	}
	return n;
}

struct packet intake_last_tick(struct intake *r)
{
	struct packet tick;

	packet_parser_finish(r->parser);
	r->index++;
	tick = tick_of(r);
	tick.ts_ns = period_end_of(r);
	if (r->reporter)
		seal_period(r, tick.ts_ns);
	return tick;
}
