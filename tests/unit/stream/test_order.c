/* SPDX-License-Identifier: Apache-2.0 */
/* One direction: its bytes go out once, in order, whatever the order and the cut of the segments. */
#include "tests/unit/stream/rig.h"

TestSuite(order, .init = rig_start, .fini = rig_stop);

Test(order, bytes_in_order_go_straight_out)
{
	rig_open();
	sends(CLIENT, 0, "GET", 0);
	said_is(">0:GET");
	cr_expect_null(rig.stream.held);
	cr_expect_eq(pool_used(rig.feeders.pool), 0);
	sends(CLIENT, 3, " /", 0);
	said_is(">3: /");
	cr_expect_eq(counted(delivered_bytes), 5);
	cr_expect_eq(rig.state, STREAM_ON);
}

Test(order, the_packet_of_a_byte_goes_with_it)
{
	rig_open();
	sleep_ms(7);
	sends(CLIENT, 0, "GET", 0);
	cr_expect_eq(rig.feeder.dir[CLIENT].last.ts_ns, rig.clock.now_ns);
	cr_expect_eq(rig.feeder.dir[CLIENT].last.frame, rig.clock.index);
	sends(SERVER, 0, "200", 3);
	cr_expect_eq(rig.feeder.dir[SERVER].last.ack, 3);
}

Test(order, a_held_byte_keeps_its_packet)
{
	uint64_t frame, ts_ns;

	rig_open();
	sends(CLIENT, 3, "def", 0);
	frame = rig.clock.index;
	ts_ns = rig.clock.now_ns;
	sleep_ms(5);
	sends(CLIENT, 0, "abc", 0);
	said_is(">0:abc >3:def");
	cr_expect_eq(rig.feeder.dir[CLIENT].last.frame, frame);
	cr_expect_eq(rig.feeder.dir[CLIENT].last.ts_ns, ts_ns);
}

Test(order, segments_out_of_order_wait_for_those_before)
{
	rig_open();
	sends(CLIENT, 6, "ghi", 0);
	sends(CLIENT, 3, "def", 0);
	said_is("");
	cr_expect_eq(rig.feeders.stream_held, 6);
	sends(CLIENT, 9, "jkl", 0);
	said_is("");
	sends(CLIENT, 0, "abc", 0);
	said_is(">0:abc >3:def >6:ghi >9:jkl");
	cr_expect_eq(rig.feeders.stream_held, 0);
	cr_expect_eq(counted(lost_bytes), 0);
}

Test(order, bytes_seen_before_are_duplicates)
{
	rig_open();
	sends(CLIENT, 0, "abcdef", 0);
	sends(CLIENT, 0, "abcdef", 0);
	sends(CLIENT, 2, "cd", 0);
	said_is(">0:abcdef");
	cr_expect_eq(counted(duplicate_bytes), 8);
}

Test(order, a_retransmission_with_other_boundaries_brings_only_what_is_new)
{
	rig_open();
	sends(CLIENT, 0, "abc", 0);
	sends(CLIENT, 1, "bcdef", 0);
	said_is(">0:abc >3:def");
	sends(CLIENT, 0, "abcdefgh", 0);
	said_is(">6:gh");
	cr_expect_eq(counted(duplicate_bytes), 2 + 6);
	cr_expect_eq(counted(overlap_conflict), 0);
}

Test(order, the_first_byte_given_out_wins)
{
	rig_open();
	sends(CLIENT, 0, "abc", 0);
	sends(CLIENT, 0, "XYZdef", 0);
	said_is(">0:abc >3:def");
}

Test(order, held_segments_that_overlap_give_each_byte_once)
{
	rig_open();
	sends(CLIENT, 4, "efgh", 0);
	sends(CLIENT, 2, "cdef", 0);
	sends(CLIENT, 6, "ghij", 0);
	sends(CLIENT, 0, "ab", 0);
	cr_expect_str_eq(said(), ">0:ab >2:cdef >6:gh >8:ij");
	cr_expect_eq(counted(overlap_conflict), 0);
	cr_expect_eq(counted(delivered_bytes), 10);
	cr_expect_eq(counted(duplicate_bytes), 4);
}

Test(order, a_held_segment_that_says_otherwise_is_a_conflict)
{
	rig_open();
	sends(CLIENT, 3, "def", 0);
	sends(CLIENT, 4, "XX", 0);
	sends(CLIENT, 2, "cdX", 0);
	cr_expect_eq(counted(overlap_conflict), 2);
	sends(CLIENT, 0, "ab", 0);
	/* The one captured first goes when both could; the last one alone reaches the hole. */
	said_is(">0:ab >2:cdX >5:f");
}

Test(order, a_repeat_of_what_is_held_is_a_duplicate)
{
	rig_open();
	sends(CLIENT, 3, "defghi", 0);
	sends(CLIENT, 3, "defghi", 0);
	sends(CLIENT, 5, "fg", 0);
	cr_expect_eq(counted(duplicate_bytes), 8);
	cr_expect_eq(rig.feeders.stream_held, 6);
	sends(CLIENT, 0, "abc", 0);
	said_is(">0:abc >3:defghi");
}

Test(order, sequence_numbers_wrap)
{
	static const char text[] = "0123456789abcdefghijklmnopqrstuv";

	rig_open();
	cr_assert_gt(rig.base[SERVER], UINT32_MAX - 32);
	sends(SERVER, 20, text + 20, 0);
	sends(SERVER, 10, "abcdefghij", 0);
	sends(SERVER, 0, "0123456789", 0);
	said_is("<0:0123456789 <10:abcdefghij <20:klmnopqrstuv");
	sends(SERVER, 8, "89ab", 0);
	cr_expect_eq(counted(duplicate_bytes), 4);
	sends(CLIENT, 0, "ok", 32);
	said_is(">0:ok");
}

Test(order, offsets_go_on_beyond_32_bits)
{
	uint64_t at = 5ull << 30, next = 0;

	rig_open();
	/* The feeder is told of nothing in between: it is asked to pass it. */
	rig.next[CLIENT] = (struct fed){.skip = UINT64_MAX / 2};
	while (next < at) {
		sends_many(CLIENT, (int64_t)next, 128 << 10, 0);
		next += 128 << 10;
		if (next % (512 << 20) == 0)
			sends(SERVER, 0, "", (int64_t)next);
	}
	cr_expect_eq(stream_next(&rig.stream, CLIENT), at);
	cr_expect_eq(rig.stream.dir[CLIENT].acked, (uint32_t)at);
	cr_expect_eq(counted(delivered_bytes), at);
}

/* A segment of which the capture has one byte. */
static void sends_long(unsigned dir, int64_t offset, uint32_t size, int64_t ack)
{
	struct packet p = segment(dir, offset, "x", ack);

	p.payload_cut = size - 1;
	give(p);
}

Test(order, an_acknowledgement_may_be_gigabytes_behind)
{
	const uint32_t step = 1u << 29;
	int64_t at = 0;

	rig_open();
	sends(SERVER, 0, "hello", 0);
	for (; at < 13ll * step; at += step)
		sends_long(CLIENT, at, step, 5);
	cr_expect_eq((int64_t)stream_next(&rig.stream, CLIENT), at);
	/* What is beyond the window acknowledges nothing that could be told by now. */
	sends(SERVER, 5, "a", at + (1 << 30));
	cr_expect_eq(counted(acks_ignored), 1);
	cr_expect_eq(rig.feeder.dir[SERVER].last.ack, 0);
	/* Old ones, and the newest, are what they say. */
	sends(SERVER, 6, "b", at - 3ll * step);
	cr_expect_eq((int64_t)rig.feeder.dir[SERVER].last.ack, at - 3ll * step);
	sends(SERVER, 7, "c", at);
	cr_expect_eq((int64_t)rig.feeder.dir[SERVER].last.ack, at);
	sends(SERVER, 8, "d", at + (1 << 30));
	cr_expect_eq((int64_t)rig.feeder.dir[SERVER].last.ack, at);
	sends_flags(CLIENT, TCP_FIN, at, "", 9);
	sends_flags(SERVER, TCP_FIN, 9, "", at + 1);
	cr_expect_eq(rig.state, STREAM_OVER);
	cr_expect_eq((int64_t)counted(lost_bytes), at - 13);
}

Test(order, a_segment_longer_than_any_window_is_stray)
{
	rig_open();
	sends_long(CLIENT, 0, 1u << 30, 0);
	sends_long(CLIENT, 0, UINT32_MAX, 0);
	said_is("");
	cr_expect_eq(counted(stray_bytes), 2);
	sends(CLIENT, 0, "abc", 0);
	said_is(">0:abc");
}

Test(order, keep_alive_probes_bring_nothing)
{
	rig_open();
	sends(CLIENT, 0, "abc", 0);
	sends(CLIENT, 2, "", 0);
	sends(CLIENT, 2, "c", 0);
	sends(SERVER, 0, "", 3);
	said_is(">0:abc");
	cr_expect_eq(counted(duplicate_bytes), 1);
	sends(CLIENT, 3, "def", 0);
	said_is(">3:def");
}

Test(order, a_keep_alive_probe_before_any_byte_brings_nothing)
{
	rig_open();
	sends(CLIENT, -1, "?", 0);
	said_is("");
	cr_expect_eq(counted(duplicate_bytes), 1);
	sends(CLIENT, 0, "abc", 0);
	said_is(">0:abc");
}

Test(order, a_segment_far_away_is_stray)
{
	rig_open();
	sends(CLIENT, 0, "abc", 0);
	sends(CLIENT, 3 + (1 << 30) + 1, "far", 0);
	sends(CLIENT, 3 - (1 << 30) - 1, "past", 0);
	said_is(">0:abc");
	cr_expect_eq(counted(stray_bytes), 7);
	cr_expect_eq(rig.feeders.stream_held, 0);
}

Test(order, a_copy_from_elsewhere_is_counted_as_one)
{
	struct packet p;

	rig_open();
	sends(CLIENT, 0, "abc", 0);
	p = segment(CLIENT, 0, "abc", 0);
	rig.state = stream_segment(&rig.stream, &p, true);
	said_is(">0:abc");
	cr_expect_eq(counted(copy_bytes), 3);
	cr_expect_eq(counted(packets_copy), 1);
	cr_expect_eq(counted(duplicate_bytes), 0);
}

Test(order, any_place_may_bring_bytes_that_are_missing)
{
	struct packet p;

	rig_open();
	sends(CLIENT, 3, "def", 0);
	p = segment(CLIENT, 0, "abc", 0);
	rig.state = stream_segment(&rig.stream, &p, true);
	said_is(">0:abc >3:def");
	cr_expect_eq(counted(copy_bytes), 0);
}
