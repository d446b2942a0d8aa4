/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Records between a worker and the writer: filtered, rendered, and keyed for the merge. Private to
 * src/agent. An output belongs to a worker while it fills a block, then to the writer.
 */
#include "agent/pipeline.h"
#include "packet/packet.h"

/* One rendered line. `when` is 2 * index for a tick, 2 * index + 1 for a packet. */
struct line {
	uint64_t when, flow;
	uint32_t at, size; /* in text */
};

struct output {
	struct buf text;
	struct line *lines;
	uint32_t count, room;
	uint32_t tick_from; /* first line of the tick being run */
	/* instead of lines: periods that were measured (meter.h) */
	struct seal *seals;
	uint32_t seal_count, seal_room;
	/* live: */
	size_t cap;   /* more is not rendered; 0: no limit */
	size_t given; /* what it held when the writer got it */
};

/* What a worker needs to turn records into lines. */
struct renderer {
	const struct pipeline_options *options;
	bool picky; /* the user did not ask for every record */
	struct line_context context;
	struct output *out;
	uint64_t when;
	struct protocol_count protocols[PIPELINE_PROTOCOLS_MAX];
	unsigned protocol_count;
	uint64_t lost;    /* lines missing because memory ran out */
	uint64_t blocked; /* because the output was full */
};

void output_done(struct output *o);
void renderer_init(struct renderer *r, const struct pipeline_options *options);
/* Whether a picky user asked for this record. */
bool renderer_picks(const struct renderer *r, const struct roundtrip *rt);
static inline bool renderer_wants(const struct renderer *r, const struct roundtrip *rt)
{
	return !r->picky || renderer_picks(r, rt);
}
/* worker_options.emit and tick_done, with a renderer as data. */
void renderer_emit(void *data, const struct roundtrip *rt);
void renderer_tick_done(void *data);
/* Adds the counts of `from`. */
void protocol_counts_add(struct protocol_count *to, unsigned *to_count,
			 const struct protocol_count *from, unsigned from_count);

/* The writer: merges, counts, writes. */
struct writer {
	int fd;
	/* Set by another thread: what cannot be written is left. Away from the flags that are read together. */
	bool give_up;
	uint64_t limit, lines;
	struct buf pending;
	size_t written; /* of pending */
	bool closed;    /* nobody reads, or the limit was reached */
	bool failed;    /* a real write error; errno kept in error */
	int error;
};

/* Takes every line of the outputs, in order; they are empty afterwards. */
void writer_merge(struct writer *w, struct output *const *outputs, unsigned count);
/* Writes what is pending: all, or only when there is plenty. */
void writer_flush(struct writer *w, bool all);
/* Lines that were left when it gave up. */
uint64_t writer_left(const struct writer *w);
