/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Runs one decoder, alone, over a test vector in every way that must not matter, and in every way
 * that may hurt:
 *
 *   at once          gives the expected messages
 *   byte by byte     the same messages, at the same offsets
 *   every split      each segment cut in two at each of its bytes: the same again
 *   every prefix     the conversation stops at each of its bytes
 *   lost bytes       at each byte, one is lost
 *   lost messages    each message is lost as a whole, and at each message boundary bytes are lost
 *                    that belonged to something unknown: no message begins where none began before
 *   no memory        each of the first allocations fails
 *
 * Every run checks: bytes pushed = decoded + skipped + junk; nothing that was begun is open at the
 * end; nothing is ended that was not begun; all memory is given back. Bytes are pushed from the end
 * of a page with an unreadable one behind it.
 */
#include <stdio.h>

#include "protocol/feeder.h"
#include "tests/lib/recorder.h"
#include "tests/lib/vector.h"

/* Returns the number of failures; each is a line (the first ten of a vector) in `report`. */
unsigned harness_check(const struct protocol_ops *ops, const struct vector *v, FILE *report);

/* One run, for tests of their own. */
struct harness_run {
	const struct protocol_ops *ops;         /* NULL: detection */
	const struct protocol_ops *const *list; /* decoders to detect; NULL: none */
	uint64_t split;   /* cut after so many bytes; UINT64_MAX: byte by byte; 0: nowhere */
	uint64_t stop;    /* stop after so many bytes; 0: never */
	uint64_t lose;    /* bytes to lose; 0: none ... */
	uint64_t lose_at; /* ... from that offset of lose_side on, */
	enum side lose_side;
	bool insert;      /* or rather in front of it, and none of the vector's */
	uint64_t fail_at; /* that allocation fails; 0: none */
	/* results */
	struct recorder recorder;
	struct counters counters;
	uint64_t pushed;
	unsigned allocations_left; /* blocks' bytes not given back */
	bool over;                 /* decoding ended early: open messages are the keeper's to end */
};

/* Frees nothing of the recorder: call recorder_done(). */
void harness_run(struct harness_run *run, const struct vector *v);
