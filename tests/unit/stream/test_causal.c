/* SPDX-License-Identifier: Apache-2.0 */
/* Causal order: what acknowledges bytes of the other direction goes out behind them. */
#include "tests/unit/stream/rig.h"

TestSuite(causal, .init = rig_start, .fini = rig_stop);

Test(causal, a_request_and_its_answer_in_order)
{
	rig_open();
	sends(CLIENT, 0, "GET", 0);
	sends(SERVER, 0, "200", 3);
	said_is(">0:GET <0:200");
}

Test(causal, an_answer_captured_first_goes_out_behind_its_request)
{
	rig_open();
	sends(SERVER, 0, "200", 3);
	said_is("");
	sends(CLIENT, 0, "GET", 0);
	said_is(">0:GET <0:200");
}

Test(causal, a_segment_that_acknowledges_nothing_new_waits_for_nobody)
{
	rig_open();
	sends(SERVER, 0, "220 hello", 0);
	said_is("<0:220 hello");
}

Test(causal, an_answer_waits_until_all_it_acknowledges_went_out)
{
	rig_open();
	sends(SERVER, 0, "200", 6);
	sends(CLIENT, 0, "abc", 0);
	said_is(">0:abc");
	sends(CLIENT, 3, "def", 0);
	said_is(">3:def <0:200");
}

Test(causal, a_whole_conversation_with_its_server_first)
{
	rig_open();
	sends(SERVER, 0, "one", 1);
	sends(SERVER, 3, "two", 2);
	sends(SERVER, 6, "three", 3);
	said_is("");
	sends(CLIENT, 0, "1", 0);
	said_is(">0:1 <0:one");
	sends(CLIENT, 1, "2", 3);
	said_is(">1:2 <3:two");
	sends(CLIENT, 2, "3", 6);
	said_is(">2:3 <6:three");
}

Test(causal, bytes_held_by_the_decoder_went_out)
{
	rig_open();
	rig.next[CLIENT] = (struct fed){.is = FED_MORE, .want = 10};
	sends(CLIENT, 0, "abc", 0);
	sends(SERVER, 0, "200", 3);
	said_is(">0:abc <0:200");
}

Test(causal, bytes_that_wait_for_the_other_side_went_out)
{
	rig_open();
	rig.next[CLIENT] = (struct fed){.is = FED_WAIT};
	sends(CLIENT, 0, "abc", 0);
	sends(SERVER, 0, "200", 3);
	said_is(">0:abc <0:200 >0:abc");
}

Test(causal, skipped_bytes_went_out)
{
	rig_open();
	rig.next[CLIENT] = (struct fed){.used = 1, .skip = 10};
	sends(CLIENT, 0, "abcdef", 0);
	sends(SERVER, 0, "200", 6);
	said_is(">0:abcdef <0:200");
}

Test(causal, of_two_heads_that_wait_for_each_other_the_earlier_goes)
{
	rig_open();
	/* Each acknowledges the other: both sent before they could know of it. */
	sends(SERVER, 0, "server", 6);
	said_is("");
	sends(CLIENT, 0, "client", 6);
	said_is("<0:server >0:client");
}

Test(causal, in_order_bytes_may_not_pass_what_is_held_in_their_direction)
{
	rig_open();
	sends(CLIENT, 0, "abc", 5);
	sends(CLIENT, 3, "def", 0);
	said_is("");
	sends(SERVER, 0, "hello", 0);
	said_is("<0:hello >0:abc >3:def");
}

Test(causal, what_went_out_by_another_segment_waits_no_more)
{
	rig_open();
	sends(CLIENT, 0, "abc", 9);
	/* Sent before, and cut by another boundary. */
	sends(CLIENT, 0, "abcdef", 0);
	said_is(">0:abcdef");
	cr_expect_eq(rig.feeders.stream_held, 0);
	cr_expect_eq(counted(duplicate_bytes), 3);
}

Test(causal, a_fin_waits_like_bytes)
{
	rig_open();
	sends_flags(SERVER, TCP_FIN, 0, "200", 3);
	said_is("");
	sends_flags(CLIENT, TCP_FIN, 0, "GET", 0);
	said_is(">0:GET >end <0:200 <end");
	cr_expect_eq(rig.state, STREAM_OVER);
}

Test(causal, a_reset_waits_like_bytes)
{
	rig_open();
	sends_flags(SERVER, TCP_RST, 0, "", 3);
	said_is("");
	cr_expect(!rig.stream.reset);
	sends(CLIENT, 0, "GET", 0);
	said_is(">0:GET <reset");
	cr_expect(rig.stream.reset);
}

Test(causal, a_reset_without_acknowledgement_waits_for_nobody)
{
	struct packet p;

	rig_open();
	sends(SERVER, 0, "200", 0);
	p = segment(SERVER, 3, "", 0);
	p.flags = TCP_RST;
	p.ack = 0;
	give(p);
	said_is("<0:200 <reset");
}

Test(causal, what_an_ended_direction_never_said_is_not_waited_for)
{
	rig_open();
	sends_flags(CLIENT, TCP_FIN, 0, "GET", 0);
	/* It acknowledges the FIN too, which has no byte. */
	sends(SERVER, 0, "200", 4);
	said_is(">0:GET >end <0:200");
}

Test(causal, sent_before_tells_what_was_on_its_way)
{
	rig_open();
	sends(CLIENT, 0, "abc", 0);
	sends(SERVER, 2, "..", 1);
	sends(SERVER, 6, "....", 3);
	sends(SERVER, 12, "..", 5);
	cr_expect_eq(stream_sent_before(&rig.stream, SERVER, 0), 0);
	cr_expect_eq(stream_sent_before(&rig.stream, SERVER, 1), 4);
	cr_expect_eq(stream_sent_before(&rig.stream, SERVER, 3), 10);
	cr_expect_eq(stream_sent_before(&rig.stream, SERVER, 5), 14);
	cr_expect_eq(stream_sent_before(&rig.stream, CLIENT, 5), 0);
}
