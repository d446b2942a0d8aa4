/* SPDX-License-Identifier: Apache-2.0 */
/* Where directions begin: with their SYN, in the middle, or never. */
#include "tests/unit/stream/rig.h"

TestSuite(starts, .init = rig_start, .fini = rig_stop);

Test(starts, bytes_in_a_syn_are_the_first)
{
	give(flagged(TCP_SYN, segment(CLIENT, -1, "GET", 0)));
	said_is(">0:GET");
	sends(CLIENT, 3, " /", 0);
	said_is(">3: /");
}

Test(starts, bytes_of_a_syn_sent_again_are_duplicates)
{
	struct packet p = flagged(TCP_SYN, segment(CLIENT, -1, "GET", 0));

	p.flags &= (uint8_t)~TCP_ACK;
	give(p);
	give(flagged(TCP_SYN, segment(SERVER, -1, "", 0)));
	sends(CLIENT, 0, "GET", 0);
	said_is(">0:GET");
	cr_expect_eq(counted(duplicate_bytes), 3);
}

Test(starts, without_a_syn_a_direction_begins_with_a_gap)
{
	sends(CLIENT, 100, "abc", 50);
	said_is(">0+0mid >0:abc");
	sends(SERVER, 50, "def", 103);
	said_is("<0+0mid <0:def");
	cr_expect_eq(counted(lost_bytes), 0);
}

Test(starts, the_other_direction_begins_where_it_is_acknowledged)
{
	sends(CLIENT, 100, "abc", 50);
	sends(SERVER, 60, "klm", 103);
	said_is(">0+0mid >0:abc");
	sends(SERVER, 50, "abcdefghij", 103);
	said_is("<0+0mid <0:abcdefghij <10:klm");
}

Test(starts, bytes_before_the_start_are_old)
{
	sends(CLIENT, 100, "abc", 50);
	sends(CLIENT, 90, "0123456789", 50);
	said_is(">0+0mid >0:abc");
	cr_expect_eq(counted(duplicate_bytes), 10);
}

Test(starts, a_syn_ack_tells_where_both_begin)
{
	give(flagged(TCP_SYN, segment(SERVER, -1, "", 0)));
	sends(CLIENT, 0, "GET", 0);
	sends(SERVER, 0, "200", 3);
	said_is(">0:GET <0:200");
}

Test(starts, a_syn_captured_behind_its_syn_ack)
{
	struct packet syn = talk_say(&rig.talk, CLIENT, TCP_SYN, NULL, 0);

	give(talk_say(&rig.talk, SERVER, TCP_SYN | TCP_ACK, NULL, 0));
	give(syn);
	sends(CLIENT, 0, "GET", 0);
	said_is(">0:GET");
}

Test(starts, a_late_syn_moves_the_start)
{
	struct packet syn_ack;

	(void)talk_say(&rig.talk, CLIENT, TCP_SYN, NULL, 0);
	syn_ack = talk_say(&rig.talk, SERVER, TCP_SYN | TCP_ACK, NULL, 0);
	/* The client's ring came first: it acknowledges bytes that are not there yet. */
	sends(CLIENT, 0, "a", 0);
	said_is(">0+0mid >0:a");
	sends(CLIENT, 1, "b", 4);
	said_is("");
	sends(CLIENT, 2, "c", 8);
	give(syn_ack);
	sends(SERVER, 0, "1234", 1);
	said_is("<0:1234 >1:b");
	sends(SERVER, 4, "5678", 2);
	said_is("<4:5678 >2:c");
}

Test(starts, a_late_syn_ack_moves_a_start_that_nothing_relied_on)
{
	struct packet syn_ack;

	give(talk_say(&rig.talk, CLIENT, TCP_SYN, NULL, 0));
	syn_ack = talk_say(&rig.talk, SERVER, TCP_SYN | TCP_ACK, NULL, 0);
	/* Out of order: its first byte is missing, so it does not go out and nothing relies on its
	 * acknowledgement. */
	sends(CLIENT, 1, "b", 4);
	said_is("");
	give(syn_ack);
	cr_expect_eq(rig.stream.dir[SERVER].acked, 4);
	sends(CLIENT, 0, "a", 0);
	said_is(">0:a");
	sends(SERVER, 0, "1234", 1);
	said_is("<0:1234 >1:b");
}

Test(starts, a_late_syn_does_not_move_what_was_relied_on)
{
	struct packet syn_ack;

	give(talk_say(&rig.talk, CLIENT, TCP_SYN, NULL, 0));
	syn_ack = talk_say(&rig.talk, SERVER, TCP_SYN | TCP_ACK, NULL, 0);
	sends(CLIENT, 0, "a", 4);
	said_is(">0:a");
	give(syn_ack);
	sends(SERVER, 4, "5678", 1);
	said_is("<0+0mid <0:5678");
}

/* --- one direction only --- */

Test(starts, a_direction_never_seen_is_waited_for_once)
{
	rig.base[SERVER] = 5000;
	sends(CLIENT, 0, "a", 0);
	said_is(">0+0mid >0:a");
	sends(CLIENT, 1, "b", 4);
	wait_ms(40);
	said_is("");
	wait_ms(10);
	said_is("<0+0mid <0+4 >1:b");
	/* Not again. */
	sends(CLIENT, 2, "c", 8);
	sends(CLIENT, 3, "d", 12);
	said_is(">2:c >3:d");
	cr_expect_eq(counted(holes), 1);
}

Test(starts, a_direction_seen_at_last_is_waited_for_again)
{
	sends(CLIENT, 0, "a", 0);
	sends(CLIENT, 1, "b", 4);
	wait_ms(50);
	said_is(">0+0mid >0:a <0+0mid <0+4 >1:b");
	sends(SERVER, 4, "5678", 2);
	said_is("<4:5678");
	sends(CLIENT, 2, "c", 12);
	said_is("");
	sends(SERVER, 8, "9abc", 2);
	said_is("<8:9abc >2:c");
}

Test(starts, one_direction_loses_nothing_at_the_end)
{
	sends(CLIENT, 0, "a", 0);
	sends(CLIENT, 1, "b", 4);
	wait_ms(50);
	sends(CLIENT, 2, "c", 1000);
	finish(END_EOF);
	said_is(">0+0mid >0:a <0+0mid <0+4 >1:b >2:c >over <over");
	cr_expect_eq(counted(lost_bytes), 4);
}

/* --- acknowledgements that cannot be --- */

Test(starts, an_acknowledgement_beyond_the_window_is_ignored)
{
	struct packet p;

	rig_open();
	sends(CLIENT, 0, "abc", 0);
	p = segment(SERVER, 0, "200", 3 + 1001 + 1);
	p.window = 1000;
	give(p);
	said_is(">0:abc <0:200");
	cr_expect_eq(counted(acks_ignored), 1);
	cr_expect_eq(rig.stream.dir[CLIENT].acked, 0);
}

Test(starts, an_acknowledgement_within_the_window_is_believed)
{
	struct packet p;

	rig_open();
	sends(CLIENT, 0, "abc", 0);
	p = segment(SERVER, 0, "200", 3 + 1000);
	p.window = 1000;
	give(p);
	said_is(">0:abc");
	cr_expect_eq(counted(acks_ignored), 0);
	wait_ms(50);
	said_is(">3+1000 <0:200");
}

Test(starts, an_acknowledgement_may_count_a_fin_behind_the_window)
{
	struct packet p;

	rig_open();
	sends(CLIENT, 0, "abc", 0);
	p = segment(SERVER, 0, "", 3 + 1000 + 1);
	p.window = 1000;
	give(p);
	cr_expect_eq(counted(acks_ignored), 0);
	cr_expect_eq(rig.stream.dir[CLIENT].acked, 1004);
}

Test(starts, the_window_is_scaled_by_what_the_syn_said)
{
	struct packet p = talk_say(&rig.talk, CLIENT, TCP_SYN, NULL, 0);

	p.window_scale = 3;
	give(p);
	p = talk_say(&rig.talk, SERVER, TCP_SYN | TCP_ACK, NULL, 0);
	p.window_scale = 2;
	give(p);
	sends(CLIENT, 0, "abc", 0);
	p = segment(SERVER, 0, "200", 3 + 1 + 4001);
	p.window = 1000;
	give(p);
	cr_expect_eq(counted(acks_ignored), 1);
	p = segment(SERVER, 3, "201", 3 + 4000);
	p.window = 1000;
	give(p);
	cr_expect_eq(counted(acks_ignored), 1);
	cr_expect_eq(rig.stream.dir[CLIENT].acked, 4003);
}

Test(starts, an_old_acknowledgement_takes_nothing_back)
{
	rig_open();
	sends(CLIENT, 0, "abcdef", 0);
	sends(SERVER, 0, "", 6);
	sends(SERVER, 0, "", 2);
	cr_expect_eq(rig.stream.dir[CLIENT].acked, 6);
	sends(SERVER, 0, "200", -5);
	said_is(">0:abcdef <0:200");
	cr_expect_eq(counted(acks_ignored), 0);
}

/* --- going on after a pause --- */

Test(starts, a_resumed_stream_goes_on_where_it_was)
{
	stream_resume(&rig.stream, CLIENT, rig.base[CLIENT] + 70, 1000, 0);
	stream_resume(&rig.stream, SERVER, rig.base[SERVER] + 80, 1000, 0);
	feeder_resume(&rig.feeder, CLIENT, 1000);
	sends(SERVER, 80, "200", 73);
	sends(CLIENT, 70, "GET", 80);
	said_is(">1000:GET <1000:200");
	sends(CLIENT, 65, "old..", 83);
	cr_expect_eq(counted(duplicate_bytes), 5);
}
