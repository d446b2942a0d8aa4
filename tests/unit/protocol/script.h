/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A decoder that answers what the test wrote down, and writes down how it was called:
 *
 *   >0:abc     feed of the client's bytes "abc" at offset 0;  ">205/7:" with 7 bytes of the skip lost
 *   gap<9+4    gap of 4 bytes in the server's direction, next unused byte 9 (as the script knows it)
 *   end>0      end with reason 0 (END_FIN)
 *   open close o2 c2   the decoder, and the second one (calls of the second one begin with 2)
 *
 * With no answer left it uses all bytes.
 */
#include <criterion/criterion.h>

#include "protocol/feeder.h"
#include "protocol/registry.h"
#include "tests/lib/recorder.h"

struct script_answer {
	struct fed fed;
	bool message; /* says that the `used` bytes are a message */
	unsigned flags;
};

struct script {
	struct script_answer answer[2][16]; /* by side */
	unsigned given[2], taken[2];
	enum gap_answer gap;
	bool rests; /* the state is all zero behind each call */
};

extern const struct protocol_ops script_ops, script_keyed_ops, script_second_ops;

/* The feeder under test and its world. */
struct bench {
	struct feeder f;
	struct feeder_world world;
	struct counters counters;
	struct protocol_stats stats[8];
	struct recorder recorder;
	uint64_t frame, pushed;
};

extern struct bench bench;
extern struct script script;

/* A feeder of `forced`, or of detection over `list`. */
void bench_start(const struct protocol_ops *forced, const struct protocol_ops *const *list);
/* Ends both directions if need be, checks the accounting, and that no memory is left. */
void bench_done(void);
void bench_push(unsigned dir, const char *bytes, uint32_t size);
#define bench_text(dir, text) bench_push(dir, text, sizeof(text) - 1)
void bench_gap(unsigned dir, uint64_t bytes, enum why why);
void bench_end(unsigned dir, enum end_reason reason);
/* The next answer for this side. */
void bench_answer(enum side side, struct fed fed);
void bench_message(enum side side, struct fed fed, unsigned flags);
/* What was called since the last time, with spaces between. */
const char *bench_calls(void);
#define calls_are(text) cr_assert_str_eq(bench_calls(), text)
