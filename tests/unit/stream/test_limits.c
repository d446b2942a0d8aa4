/* SPDX-License-Identifier: Apache-2.0 */
/* What is held: nothing inside of a skip, no more than the caps, and not without memory. */
#include "tests/unit/stream/rig.h"

TestSuite(limits, .init = rig_start, .fini = rig_stop);

enum { BODY = 1 << 20, PIECE = 32 << 10 };

/* A decoder that used one byte and skips the rest of a body. */
static void begin_skip(void)
{
	rig_open();
	rig.next[CLIENT] = (struct fed){.used = 1, .skip = BODY};
	sends(CLIENT, 0, "H", 0);
	said_is(">0:H");
}

Test(limits, inside_a_skip_nothing_is_copied)
{
	begin_skip();
	for (int64_t at = 1 + PIECE; at < 1 + BODY; at += PIECE)
		sends_many(CLIENT, at, PIECE, 0);
	cr_expect_eq(rig.feeders.stream_held, BODY - PIECE);
	cr_expect_lt(pool_used(rig.feeders.pool), 64 << 10);
	sends_many(CLIENT, 1, PIECE, 0);
	said_is(">1048577:");
	cr_expect_eq(counted(skipped_bytes), BODY);
	cr_expect_eq(pool_used(rig.feeders.pool), 0);
}

Test(limits, a_segment_across_the_end_of_a_skip_is_copied)
{
	begin_skip();
	sends(CLIENT, 1 + BODY - 2, "..next", 0);
	for (int64_t at = 1; at < 1 + BODY - PIECE; at += PIECE)
		sends_many(CLIENT, at, PIECE, 0);
	said_is("");
	sends_many(CLIENT, 1 + BODY - PIECE, PIECE - 1, 0);
	said_is(">1048577:next");
	cr_expect_eq(counted(refused_bytes), 0);
}

Test(limits, a_segment_of_many_frames_is_copied_even_there)
{
	begin_skip();
	sends_many(CLIENT, 101, 100 << 10, 0);
	cr_expect_gt(pool_used(rig.feeders.pool), 100 << 10);
	sends_many(CLIENT, 1, 100, 0);
	cr_expect_eq(stream_next(&rig.stream, CLIENT), 101 + (100 << 10));
}

Test(limits, a_hole_in_a_skip_is_told_at_its_end)
{
	begin_skip();
	sends_many(CLIENT, 1 + PIECE, PIECE, 0);
	sends(SERVER, 0, "", 1 + PIECE);
	wait_ms(50);
	said_is("");
	for (int64_t at = 1 + 2 * PIECE; at < 1 + BODY; at += PIECE)
		sends_many(CLIENT, at, PIECE, 0);
	said_is(">1048577/32768:");
	cr_expect_eq(counted(lost_bytes), PIECE);
}

Test(limits, a_switch_drops_the_skip_that_bytes_were_not_kept_for)
{
	begin_skip();
	sends_many(CLIENT, 1 + 100, 200, 0);
	cr_expect_lt(pool_used(rig.feeders.pool), 1024);
	/* The other direction goes on with a new decoder: the skip ends here. */
	rig.next[SERVER] = (struct fed){.is = FED_SWITCH, .used = 3, .to = rig.feeder.ops};
	sends(SERVER, 0, "101", 1);
	said_is("<0:101");
	sends_many(CLIENT, 1, 100, 0);
	said_is(">1:{100} >101+200cut");
	cr_expect_eq(counted(refused_bytes), 200);
	cr_expect_eq(counted(lost_bytes), 200);
	sends(CLIENT, 301, "abc", 0);
	said_is(">301:abc");
}

Test(limits, one_flow_holds_two_mebibytes_at_most)
{
	int64_t at = 100;

	rig_open();
	while (rig.feeders.stream_held + PIECE <= STREAM_HOLD_MAX) {
		sends_many(CLIENT, at, PIECE, 0);
		at += PIECE;
	}
	said_is("");
	cr_expect_eq(counted(cap_stream), 0);
	sends_many(CLIENT, at, PIECE, 0);
	cr_expect_eq(strncmp(said(), ">0+100 >100:{32768} ", 20), 0);
	cr_expect_eq(counted(cap_stream), 1);
	cr_expect_eq(counted(lost_bytes), 100);
	cr_expect_eq(rig.feeders.stream_held, 0);
}

Test(limits, only_as_many_holes_are_given_up_as_the_cap_asks_for)
{
	int64_t at = 100;

	rig_open();
	/* Every second piece is missing. */
	while (rig.feeders.stream_held + PIECE <= STREAM_HOLD_MAX) {
		sends_many(CLIENT, at, PIECE, 0);
		at += 2 * PIECE;
	}
	sends_many(CLIENT, at, PIECE, 0);
	said_is(">0+100 >100:{32768}");
	cr_expect_eq(rig.feeders.stream_held, STREAM_HOLD_MAX);
	cr_expect_eq(counted(cap_stream), 1);
}

Test(limits, one_flow_holds_4096_segments_at_most)
{
	rig_open();
	rig.next[CLIENT] = (struct fed){.used = 1, .skip = 100000};
	sends(CLIENT, 0, "H", 0);
	for (unsigned i = 0; i < STREAM_SEGMENTS_MAX; i++)
		sends(CLIENT, 10 + 2 * i, "x", 0);
	cr_expect_eq(counted(cap_stream), 0);
	sends(CLIENT, 10 + 2 * STREAM_SEGMENTS_MAX, "x", 0);
	cr_expect_eq(counted(cap_stream), 1);
	cr_expect_eq(counted(lost_bytes), 9);
	cr_expect_eq(rig.feeders.stream_held, STREAM_SEGMENTS_MAX);
	said_is(">0:H");
}

Test(limits, a_worker_holds_64_mebibytes_at_most)
{
	rig_open();
	rig.feeders.stream_held = STREAM_WORKER_HOLD_MAX - 4; /* by other flows */
	counted(seen_bytes) = STREAM_WORKER_HOLD_MAX - 4;
	sends(CLIENT, 3, "defg", 0);
	said_is("");
	sends(CLIENT, 8, "i", 0);
	said_is(">0+3 >3:defg");
	cr_expect_eq(counted(cap_worker), 1);
	cr_expect_eq(counted(cap_stream), 0);
	counted(seen_bytes) -= STREAM_WORKER_HOLD_MAX - 4;
	rig.feeders.stream_held -= STREAM_WORKER_HOLD_MAX - 4;
}

/* Of the two blocks a first held segment needs. */
static void refuse(uint64_t nth)
{
	rig_open();
	pool_fail_at(rig.feeders.pool, nth);
	sends(CLIENT, 3, "def", 0);
	said_is("");
	cr_expect_eq(counted(refused_bytes), 3);
	cr_expect_eq(rig.feeders.stream_held, 0);
	cr_expect_null(rig.stream.held);
	cr_expect_eq(pool_used(rig.feeders.pool), 0);
	sends(CLIENT, 0, "abc", 0);
	said_is(">0:abc");
	/* Sent again it is as welcome as before. */
	sends(CLIENT, 3, "def", 0);
	said_is(">3:def");
}

Test(limits, without_memory_a_segment_is_refused)
{
	refuse(1);
}

Test(limits, without_memory_for_its_bytes_a_segment_is_refused)
{
	refuse(2);
}

Test(limits, without_memory_the_others_stay_held)
{
	rig_open();
	sends(CLIENT, 6, "ghi", 0);
	pool_fail_at(rig.feeders.pool, 1);
	sends(CLIENT, 3, "def", 0);
	cr_expect_eq(counted(refused_bytes), 3);
	cr_expect_eq(rig.feeders.stream_held, 3);
	sends(SERVER, 0, "", 9);
	sends(CLIENT, 0, "abc", 0);
	wait_ms(50);
	said_is(">0:abc >3+3 >6:ghi");
}

Test(limits, without_memory_for_bytes_that_came_in_order_but_too_early)
{
	rig_open();
	pool_fail_at(rig.feeders.pool, 1);
	sends(SERVER, 0, "200", 3);
	sends(CLIENT, 0, "GET", 0);
	said_is(">0:GET");
	cr_expect_eq(counted(refused_bytes), 3);
	sends(CLIENT, 3, "", 3);
	finish(END_EOF);
	said_is(">over <0+3 <over");
}
