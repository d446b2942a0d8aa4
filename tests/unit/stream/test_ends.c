/* SPDX-License-Identifier: Apache-2.0 */
/* FIN, RST, and what comes after them. */
#include "tests/unit/stream/rig.h"

TestSuite(ends, .init = rig_start, .fini = rig_stop);

Test(ends, a_fin_ends_its_direction)
{
	rig_open();
	sends_flags(CLIENT, TCP_FIN, 0, "abc", 0);
	said_is(">0:abc >end");
	cr_expect_eq(rig.state, STREAM_ON);
	sends_flags(SERVER, TCP_FIN, 0, "", 4);
	said_is("<end");
	cr_expect_eq(rig.state, STREAM_OVER);
}

Test(ends, a_half_closed_connection_goes_on)
{
	rig_open();
	sends_flags(CLIENT, TCP_FIN, 0, "GET", 0);
	sends(SERVER, 0, "one", 4);
	sends(CLIENT, 4, "", 3);
	sends(SERVER, 3, "two", 4);
	said_is(">0:GET >end <0:one <3:two");
	sends_flags(SERVER, TCP_FIN, 6, "", 4);
	said_is("<end");
	cr_expect_eq(rig.state, STREAM_OVER);
}

Test(ends, a_fin_waits_for_the_bytes_before_it)
{
	rig_open();
	sends_flags(CLIENT, TCP_FIN, 6, "", 0);
	sends(CLIENT, 3, "def", 0);
	said_is("");
	sends(CLIENT, 0, "abc", 0);
	said_is(">0:abc >3:def >end");
}

Test(ends, the_fin_of_a_copy_of_what_is_held_is_kept)
{
	rig_open();
	sends(CLIENT, 3, "def", 0);
	sends_flags(CLIENT, TCP_FIN, 3, "def", 0);
	sends(CLIENT, 0, "abc", 0);
	said_is(">0:abc >3:def >end");
}

Test(ends, a_fin_sent_again_changes_nothing)
{
	rig_open();
	sends_flags(CLIENT, TCP_FIN, 0, "abc", 0);
	sends_flags(CLIENT, TCP_FIN, 0, "abc", 0);
	sends_flags(CLIENT, TCP_FIN, 3, "", 0);
	said_is(">0:abc >end");
	cr_expect_eq(counted(stray_bytes), 3);
}

Test(ends, the_fin_of_a_retransmission_ends_bytes_seen_before)
{
	rig_open();
	sends(CLIENT, 0, "abc", 0);
	sends_flags(CLIENT, TCP_FIN, 0, "abc", 0);
	said_is(">0:abc >end");
	cr_expect_eq(counted(duplicate_bytes), 3);
}

Test(ends, a_fin_of_before_what_went_out_is_no_end)
{
	rig_open();
	sends(CLIENT, 0, "abcdef", 0);
	sends_flags(CLIENT, TCP_FIN, 3, "", 0);
	sends(CLIENT, 6, "ghi", 0);
	said_is(">0:abcdef >6:ghi");
}

Test(ends, bytes_behind_a_fin_are_stray)
{
	rig_open();
	sends_flags(CLIENT, TCP_FIN, 3, "", 0);
	sends(CLIENT, 3, "def", 0);
	cr_expect_eq(counted(stray_bytes), 3);
	sends(CLIENT, 0, "abc", 0);
	sends(CLIENT, 3, "def", 0);
	said_is(">0:abc >end");
	cr_expect_eq(counted(stray_bytes), 6);
}

Test(ends, one_acknowledged_byte_is_a_fin_nobody_saw)
{
	rig_open();
	sends(CLIENT, 0, "GET", 0);
	sends_flags(SERVER, TCP_FIN, 0, "200", 4);
	said_is(">0:GET");
	wait_ms(50);
	said_is("<0:200 <end");
	cr_expect_eq(counted(lost_bytes), 0);
	cr_expect_eq(counted(holes), 0);
	finish(END_EOF);
	said_is(">end");
}

Test(ends, one_acknowledged_byte_amid_a_message_is_no_fin)
{
	rig_open();
	rig.next[CLIENT] = (struct fed){.is = FED_MORE, .want = 4};
	sends(CLIENT, 0, "GET", 0);
	sends(SERVER, 0, "200", 4);
	wait_ms(50);
	said_is(">0:GET >0+4 <0:200"); /* what was held is gone too */
	cr_expect_eq(counted(lost_bytes), 1);
}

Test(ends, a_fin_taken_for_lost_may_come_after_all)
{
	rig_open();
	sends(CLIENT, 0, "GET", 0);
	sends(SERVER, 0, "200", 4);
	wait_ms(50);
	sends_flags(CLIENT, TCP_FIN, 3, "", 3);
	said_is(">0:GET <0:200 >end");
}

Test(ends, a_byte_taken_for_a_fin_is_a_gap_when_data_follows)
{
	rig_open();
	sends(CLIENT, 0, "abc", 0);
	sends(SERVER, 0, "200", 4);
	wait_ms(50);
	said_is(">0:abc <0:200");
	sends(CLIENT, 4, "efg", 3);
	said_is("");
	wait_ms(50);
	said_is(">3+1 >4:efg");
	cr_expect_eq(counted(lost_bytes), 1);
}

Test(ends, a_byte_taken_for_a_fin_may_come_after_all)
{
	rig_open();
	sends(CLIENT, 0, "abc", 0);
	sends(SERVER, 0, "200", 4);
	wait_ms(50);
	sends(CLIENT, 3, "def", 3);
	said_is(">0:abc <0:200 >3:def");
	cr_expect_eq(counted(lost_bytes), 0);
	finish(END_IDLE);
	said_is(">over <over");
}

Test(ends, a_byte_taken_for_a_fin_may_come_behind_others)
{
	rig_open();
	sends(CLIENT, 0, "abc", 0);
	sends(SERVER, 0, "200", 4);
	wait_ms(50);
	sends(CLIENT, 4, "e", 3);
	sends(CLIENT, 2, "cde", 3);
	said_is(">0:abc <0:200 >3:de");
	cr_expect_eq(counted(lost_bytes), 0);
}

Test(ends, a_fin_behind_a_byte_taken_for_one_makes_it_a_gap)
{
	rig_open();
	sends(CLIENT, 0, "abc", 0);
	sends(SERVER, 0, "200", 4);
	wait_ms(50);
	sends_flags(CLIENT, TCP_FIN, 4, "", 3);
	said_is(">0:abc <0:200");
	wait_ms(50);
	said_is(">3+1 >end");
	cr_expect_eq(counted(lost_bytes), 1);
}

Test(ends, after_a_byte_taken_for_a_fin_order_is_causal_again)
{
	rig_open();
	sends(CLIENT, 0, "abc", 0);
	sends(SERVER, 0, "200", 4);
	wait_ms(50);
	sends(CLIENT, 3, "def", 3);
	said_is(">0:abc <0:200 >3:def");
	sends(SERVER, 3, "201", 7);
	said_is("");
	sends(CLIENT, 6, "g", 3);
	said_is(">6:g <3:201");
}

Test(ends, a_reset_ends_its_direction_and_lets_the_other_go_on)
{
	rig_open();
	sends(CLIENT, 0, "abc", 0);
	sends_flags(SERVER, TCP_RST, 0, "", 3);
	said_is(">0:abc <reset");
	cr_expect(rig.stream.reset);
	cr_expect_eq(rig.state, STREAM_ON);
	/* On its way when the reset was captured. */
	sends(CLIENT, 3, "def", 0);
	said_is(">3:def");
	finish(END_RST);
	said_is(">reset");
}

Test(ends, bytes_behind_a_reset_are_stray)
{
	rig_open();
	sends(CLIENT, 0, "abc", 0);
	sends_flags(CLIENT, TCP_RST, 3, "", 0);
	sends(CLIENT, 3, "def", 0);
	said_is(">0:abc >reset");
	cr_expect_eq(counted(stray_bytes), 3);
}

/* A request on its way to a server that has closed the connection. */
Test(ends, a_reset_behind_a_fin_resets)
{
	rig_open();
	sends(CLIENT, 0, "abc", 0);
	sends_flags(SERVER, TCP_FIN, 0, "200", 3);
	sends(CLIENT, 3, "def", 4);
	sends_flags(SERVER, TCP_RST, 700, "", 0);
	cr_expect(!rig.stream.reset);
	sends_flags(SERVER, TCP_RST, 4, "", 0);
	cr_expect(rig.stream.reset);
	cr_expect_eq(rig.state, STREAM_ON);
	finish(END_RST);
	said_is(">0:abc <0:200 <end >3:def >reset");
}

Test(ends, a_reset_waits_for_the_bytes_before_it)
{
	rig_open();
	sends_flags(SERVER, TCP_RST, 3, "", 0);
	said_is("");
	sends(SERVER, 0, "200", 0);
	said_is("<0:200 <reset");
}

Test(ends, what_is_held_behind_an_end_is_stray_and_no_hole)
{
	rig_open();
	sends(CLIENT, 6, "ghi", 0);
	sends_flags(CLIENT, TCP_RST, 3, "", 0);
	sends(CLIENT, 0, "abc", 0);
	said_is(">0:abc >reset");
	finish(END_EOF);
	said_is("<over");
	cr_expect_eq(counted(lost_bytes), 0);
	cr_expect_eq(counted(stray_bytes), 3);
}

Test(ends, the_end_of_the_flow_ends_both_directions_with_its_reason)
{
	rig_open();
	sends(CLIENT, 0, "abc", 0);
	finish(END_RST);
	said_is(">0:abc >reset <reset");
}

Test(ends, a_stream_nobody_listens_to_is_bypassed)
{
	rig_open();
	rig.next[CLIENT] = (struct fed){.skip = UINT64_MAX};
	sends(CLIENT, 0, "abc", 0);
	cr_expect_eq(rig.state, STREAM_BYPASSED);
	said_is(">0:abc");
}

Test(ends, done_gives_back_what_is_held_and_tells_nobody)
{
	rig_open();
	sends(CLIENT, 3, "def", 0);
	sends(SERVER, 0, "200", 6);
	stream_done(&rig.stream);
	said_is("");
	cr_expect_eq(counted(refused_bytes), 6);
	cr_expect_eq(pool_used(rig.feeders.pool), 0);
}
