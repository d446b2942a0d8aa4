/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A message sink for tests: writes down what a feeder says, one line a message, in the order they
 * began:
 *
 *   > request 0-38 method="GET" path="/"
 *   < response 0-92 final status_code=200
 *
 * Between offsets and fields: key=N (the new one after REKEY), interim or final, oneway, up_to,
 * cancel, error, gap, cut, and `open` when it never ended. It also pairs, in the simplest way that
 * is right without loss, to answer ask(); after a hole it says ASK_UNKNOWN.
 */
#include "core/buf.h"
#include "protocol/feeder.h"

struct recorded {
	enum side side;
	struct message message;
	uint64_t from, to;
	struct origin first, last;
	struct buf text; /* its fields */
	bool ended, answered;
};

struct recorder {
	struct recorded *list;
	size_t count, room;
	unsigned holes, switches, confirmed, withdrawn;
	unsigned asked, wrong; /* wrong: what a decoder must not do: ending what never began */
	enum why last_hole;
};

extern const struct message_sink recorder_sink;

/* The recorder that the sink writes to. One at a time: tests have one thread. */
void recorder_start(struct recorder *r);
void recorder_done(struct recorder *r);
/* All lines, each behind `prefix`. The buffer is the caller's. */
void recorder_print(const struct recorder *r, const char *prefix, struct buf *to);
/* Messages begun and never ended. */
unsigned recorder_open(const struct recorder *r);
