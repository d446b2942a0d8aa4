/* SPDX-License-Identifier: Apache-2.0 */
/* Holes: how long they are waited for, and how far they are declared lost. */
#include "tests/unit/stream/rig.h"

TestSuite(holes, .init = rig_start, .fini = rig_stop);

Test(holes, one_that_was_acknowledged_is_lost_after_50_ms)
{
	rig_open();
	sends(CLIENT, 3, "def", 0);
	sends(SERVER, 0, "", 6);
	wait_ms(40);
	said_is("");
	wait_ms(10);
	said_is(">0+3 >3:def");
	cr_expect_eq(counted(holes), 1);
	cr_expect_eq(counted(holes_capture), 1);
	cr_expect_eq(counted(lost_bytes), 3);
	cr_expect_eq(rig.stream.lost, 3);
}

Test(holes, one_that_was_not_acknowledged_is_lost_after_5_s)
{
	rig_open();
	sends(CLIENT, 3, "def", 0);
	wait_ms(4990);
	said_is("");
	wait_ms(10);
	said_is(">0+3 >3:def");
	cr_expect_eq(counted(holes), 1);
	cr_expect_eq(counted(holes_capture), 0);
}

Test(holes, end_at_the_lowest_acknowledgement_of_all_that_could_go)
{
	rig_open();
	sends(CLIENT, 3, "d", 5);
	sends(CLIENT, 2, "cdef", 10);
	sends(CLIENT, 0, "abc", 0);
	said_is(">0:abc");
	wait_ms(50);
	said_is("<0+5 >3:d <5+5 >4:ef");
}

Test(holes, of_the_same_age_go_in_the_order_of_capture)
{
	rig_open();
	sends(SERVER, 3, "200", 0);
	sends(CLIENT, 3, "def", 0);
	wait_ms(5000);
	said_is("<0+3 <3:200 >0+3 >3:def");
}

Test(holes, are_declared_only_at_ticks)
{
	rig_open();
	sends(CLIENT, 3, "def", 0);
	sends(SERVER, 0, "", 6);
	sleep_ms(1000);
	sends(CLIENT, 6, "ghi", 0);
	sends(SERVER, 0, "", 9);
	said_is("");
	wait_ms(1);
	said_is(">0+3 >3:def >6:ghi");
}

Test(holes, the_deadline_is_known)
{
	uint64_t arrival;

	rig_open();
	cr_expect_eq(stream_deadline(&rig.stream), UINT64_MAX);
	arrival = rig.clock.now_ns;
	sends(CLIENT, 3, "def", 0);
	cr_expect_eq(stream_deadline(&rig.stream), arrival + STREAM_WAIT_NETWORK_NS);
	sleep_ms(3);
	sends(SERVER, 0, "", 3);
	cr_expect_eq(stream_deadline(&rig.stream), arrival + STREAM_WAIT_CAPTURE_NS);
	sends(CLIENT, 0, "abc", 0);
	cr_expect_eq(stream_deadline(&rig.stream), UINT64_MAX);
}

Test(holes, the_deadline_is_that_of_the_segment_that_came_first)
{
	uint64_t arrival;

	rig_open();
	arrival = rig.clock.now_ns;
	sends(CLIENT, 6, "ghi", 0);
	sleep_ms(20);
	sends(CLIENT, 3, "def", 0);
	cr_expect_eq(stream_deadline(&rig.stream), arrival + STREAM_WAIT_NETWORK_NS);
}

Test(holes, arrival_is_when_it_was_captured_not_what_its_stamp_says)
{
	struct packet p;

	rig_open();
	sends(SERVER, 0, "", 0);
	p = segment(CLIENT, 3, "def", 0);
	p.now_ns = rig.clock.now_ns;
	p.ts_ns = rig.clock.now_ns - 4 * NS_PER_S;
	rig.state = stream_segment(&rig.stream, &p, false);
	cr_expect_eq(stream_deadline(&rig.stream), p.now_ns + STREAM_WAIT_NETWORK_NS);
}

Test(holes, a_late_segment_fills_one_in_time)
{
	rig_open();
	sends(CLIENT, 3, "def", 0);
	sends(SERVER, 0, "", 6);
	wait_ms(40);
	sends(CLIENT, 0, "abc", 0);
	said_is(">0:abc >3:def");
	wait_ms(100);
	cr_expect_eq(counted(holes), 0);
}

Test(holes, what_comes_after_it_was_declared_is_old)
{
	rig_open();
	sends(CLIENT, 3, "def", 0);
	sends(SERVER, 0, "", 6);
	wait_ms(50);
	sends(CLIENT, 0, "abc", 0);
	said_is(">0+3 >3:def");
	cr_expect_eq(counted(delivered_bytes), 3);
	cr_expect_eq(counted(duplicate_bytes), 3);
}

Test(holes, one_is_lost_as_far_as_it_was_acknowledged)
{
	rig_open();
	sends(CLIENT, 6, "ghi", 0);
	sends(SERVER, 0, "", 4);
	wait_ms(50);
	said_is(">0+4");
	wait_ms(4900);
	said_is("");
	wait_ms(50);
	said_is(">4+2 >6:ghi");
}

Test(holes, the_rest_of_one_may_still_be_sent_again)
{
	rig_open();
	sends(CLIENT, 6, "ghi", 0);
	sends(SERVER, 0, "", 4);
	wait_ms(50);
	sends(CLIENT, 2, "cdef", 0);
	said_is(">0+4 >4:ef >6:ghi");
	cr_expect_eq(counted(lost_bytes), 4);
	cr_expect_eq(counted(duplicate_bytes), 2);
}

Test(holes, one_is_lost_up_to_what_the_other_head_waits_for)
{
	rig_open();
	sends(SERVER, 0, "one", 4);
	sends(SERVER, 3, "two", 8);
	sends(CLIENT, 12, "end", 6);
	wait_ms(50);
	said_is(">0+4 <0:one >4+4 <3:two");
	wait_ms(5000);
	said_is(">8+4 >12:end");
}

Test(holes, bytes_behind_one_go_before_the_answer_that_acknowledges_them)
{
	rig_open();
	sends(CLIENT, 3, "def", 0);
	sends(SERVER, 0, "200", 6);
	wait_ms(50);
	said_is(">0+3 >3:def <0:200");
}

Test(holes, an_answer_to_what_nobody_saw_waits_50_ms)
{
	rig_open();
	sends(CLIENT, 0, "abc", 0);
	said_is(">0:abc");
	sends(SERVER, 0, "200", 20);
	wait_ms(40);
	said_is("");
	wait_ms(10);
	said_is(">3+17 <0:200");
	cr_expect_eq(counted(holes_capture), 1);
}

Test(holes, the_one_that_waited_longest_is_declared_first)
{
	rig_open();
	sends(SERVER, 3, "def", 0);
	wait_ms(10);
	sends(CLIENT, 5, "xyz", 0);
	sends(CLIENT, 8, "", 6);
	sends(SERVER, 6, "", 8);
	wait_ms(40);
	said_is("<0+3 <3:def");
	wait_ms(10);
	said_is(">0+5 >5:xyz");
}

Test(holes, a_cut_packet_leaves_one_at_once)
{
	struct packet p;

	rig_open();
	p = segment(CLIENT, 0, "abc", 0);
	p.payload_cut = 7;
	give(p);
	said_is(">0:abc >3+7cut");
	sends(CLIENT, 10, "def", 0);
	said_is(">10:def");
	cr_expect_eq(counted(lost_bytes), 7);
	cr_expect_eq(counted(holes), 0);
	cr_expect_eq(rig.stream.lost, 7);
}

Test(holes, a_cut_packet_that_was_held_leaves_its_own)
{
	struct packet p;

	rig_open();
	p = segment(CLIENT, 3, "def", 0);
	p.payload_cut = 4;
	give(p);
	sends(CLIENT, 10, "ghi", 0);
	sends(CLIENT, 0, "abc", 0);
	said_is(">0:abc >3:def >6+4cut >10:ghi");
}

Test(holes, a_packet_with_nothing_but_cut_bytes)
{
	struct packet p;

	rig_open();
	p = segment(CLIENT, 0, "", 0);
	p.payload_cut = 100;
	give(p);
	said_is(">0+100cut");
	sends(SERVER, 0, "200", 100);
	said_is("<0:200");
}

Test(holes, the_uncut_copy_of_a_held_segment_fills_what_was_cut)
{
	struct packet p;

	rig_open();
	p = segment(CLIENT, 3, "def", 0);
	p.payload_cut = 3;
	give(p);
	sends(CLIENT, 6, "ghi", 0);
	sends(CLIENT, 0, "abc", 0);
	/* The cut one was captured first, so its hole goes out first. */
	said_is(">0:abc >3:def >6+3cut");
	cr_expect_eq(counted(duplicate_bytes), 3);
}

Test(holes, the_cut_copy_of_a_held_segment_tells_of_bytes_behind_it)
{
	struct packet p;

	rig_open();
	sends(CLIENT, 3, "def", 0);
	p = segment(CLIENT, 3, "def", 0);
	p.payload_cut = 3;
	give(p);
	sends(CLIENT, 0, "abc", 0);
	said_is(">0:abc >3:def >6+3cut");
	cr_expect_eq(counted(duplicate_bytes), 3);
}

Test(holes, a_beginning_is_lost)
{
	rig_open();
	sends(CLIENT, 3, "def", 0);
	sends(SERVER, 0, "", 6);
	wait_ms(50);
	said_is(">0+3 >3:def");
}

Test(holes, all_are_declared_at_the_end)
{
	rig_open();
	sends(CLIENT, 3, "def", 0);
	sends(CLIENT, 9, "jkl", 6);
	sends(SERVER, 2, "cdef", 3);
	finish(END_EOF);
	said_is(">0+3 >3:def <0+2 <2:cdef >6+3 >9:jkl >over <over");
	cr_expect_null(rig.stream.held);
}

Test(holes, what_was_acknowledged_at_the_very_end_is_lost)
{
	rig_open();
	sends(CLIENT, 0, "abc", 0);
	sends(SERVER, 0, "", 13);
	wait_ms(10000);
	said_is(">0:abc");
	finish(END_IDLE);
	said_is(">3+10 >over <over");
	cr_expect_eq(counted(lost_bytes), 10);
}

Test(holes, one_acknowledged_byte_at_the_very_end_is_a_fin_nobody_saw)
{
	rig_open();
	sends(CLIENT, 0, "abc", 0);
	sends(SERVER, 0, "", 4);
	finish(END_IDLE);
	said_is(">0:abc >over <over");
	cr_expect_eq(counted(lost_bytes), 0);
}
