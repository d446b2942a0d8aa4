/* SPDX-License-Identifier: Apache-2.0 */
/* Pairing by key: docs/MAP.md, "Pairing". */
#include "tests/unit/roundtrip/brackets.h"

static void start(void)
{
	brackets_start(&unique_ops);
}

TestSuite(keyed, .init = start, .fini = brackets_stop);

static void reused(void)
{
	brackets_drop();
	brackets_start(&reused_ops);
}

Test(keyed, answers_find_their_requests_in_any_order)
{
	client("(1a)(2b)(3c)");
	server("(3C)(1A)(!2B)");
	said_is("c=C a=A b!B");
}

Test(keyed, messages_in_hand_pair_as_others_do)
{
	brackets.whole = true;
	client("(1a)(2b)(3c.");
	server("(!2B)(1A.(1X)(3C)");
	client(")3");
	said_is("b!B a=A+cut -X:unasked c=C+early");
}

Test(keyed, messages_may_interleave)
{
	client("(1a.");
	client("(2b.");
	client(")1.)2");
	server("(1A.");
	server("(2B.)2");
	said_is("b=B");
	server(")1");
	said_is("a=A");
}

Test(keyed, an_answer_without_request_is_an_orphan)
{
	server("(1A)");
	said_is("-A:unasked");
}

Test(keyed, a_second_answer_is_an_orphan)
{
	client("(1a)");
	server("(1A)(1B)");
	said_is("a=A -B:unasked");
}

Test(keyed, an_answer_that_does_not_acknowledge_its_request_is_an_orphan)
{
	client("(1a)");
	server_ack(0, "(1X)");
	said_is("-X:order");
	server("(1A)");
	said_is("a=A");
}

Test(keyed, an_answer_that_was_there_before_its_request_is_an_orphan)
{
	client_ack(7, "(1a)");
	server("(1X)"); /* sent again: it acknowledges (a) now */
	said_is("-X:order");
	server("....(1A)");
	said_is("a=A");
}

Test(keyed, datagrams_acknowledge_nothing)
{
	brackets.keeper.feeder.datagram = 1;
	client("(1a)");
	server_ack(0, "(1A)");
	said_is("a=A");
}

Test(keyed, holes_change_nothing_for_unique_keys)
{
	client("(1a)(2b)");
	hole(FROM_CLIENT, 3);
	hole(FROM_SERVER, 3);
	client("(3c)");
	server("(3C)(2B)(1A)");
	said_is("c=C b=B a=A");
}

Test(keyed, messages_in_a_hole_are_cut)
{
	client("(1a)(2b.");
	hole(FROM_CLIENT, 3);
	server("(2B)(1A.");
	said_is("b=B+gap+cut");
	hole(FROM_SERVER, 3);
	said_is("a=A+gap+cut");
}

Test(keyed, where_keys_are_used_again_a_hole_in_one_direction_ends_nothing)
{
	reused();
	client("(1a)");
	hole(FROM_CLIENT, 3);
	client("(2b)");
	server("(1A)");
	hole(FROM_SERVER, 3);
	server("(2B)");
	said_is("a=A b=B");
}

Test(keyed, where_keys_are_used_again_a_hole_in_both_directions_ends_a_request)
{
	reused();
	client("(1a)");
	hole(FROM_SERVER, 3);
	server("(+P)");
	client("(2b)");
	hole(FROM_CLIENT, 3);
	said_is("a?gap");
	hole(FROM_CLIENT, 3);
	server("(2B)(1A)");
	said_is("b=B -A:unasked");
}

/* The hole was told as soon as its time was over, but its bytes may have been sent when (b) was there. */
Test(keyed, a_server_hole_lasts_until_the_server_is_heard_again)
{
	reused();
	hole(FROM_SERVER, 3);
	client("(1a)(2b)");
	server("(2B)");
	said_is("b=B");
	client("(2c)");
	hole(FROM_CLIENT, 3);
	said_is("a?gap");
	server("(2C)(1D)");
	said_is("c=C -D:unasked");
}

Test(keyed, an_answer_that_began_before_the_second_hole_is_the_requests_own)
{
	reused();
	client("(1a)");
	hole(FROM_SERVER, 3);
	server("(1A.");
	hole(FROM_CLIENT, 3);
	said_is("");
	server(")1");
	said_is("a=A");
}

/* Each direction waited for the other, and the answer went first: among what it acknowledges may be (1b). */
Test(keyed, behind_a_server_hole_an_answer_to_what_is_still_to_come_is_nobodys)
{
	reused();
	client("(1a)");
	hole(FROM_SERVER, 3);
	server_ack(8, "(1B)");
	said_is("-B:order");
	client("(1b)");
	said_is("a?reused");
	finish(END_EOF);
	said_is("b?end");
}

Test(keyed, without_a_hole_an_answer_to_what_is_still_to_come_is_its_own)
{
	reused();
	client("(1a)");
	server_ack(8, "(1A)");
	said_is("a=A");
}

Test(keyed, a_request_that_was_acknowledged_before_it_went_out_saw_a_server_hole)
{
	for (int whole = 0; whole < 2; whole++) {
		reused();
		brackets.whole = whole;
		server_ack(4, "(1A)");
		client("(1a)(2b)");
		said_is("-A:unasked");
		hole(FROM_CLIENT, 3);
		said_is("a?gap");
		server("(2B)");
		said_is("b=B");
	}
}

Test(keyed, an_answer_that_may_be_to_several_requests_is_a_server_hole_for_them)
{
	struct env *env = &brackets.keeper.feeder.env;
	uint64_t key = 1;

	reused();
	client("(1a)(9b)(2c)");
	cr_expect(!env->ops->seek(env, 7, &key));
	said_is("");
	hole(FROM_CLIENT, 3);
	said_is("a?gap b?gap");
	key = 2;
	cr_expect(!env->ops->seek(env, 7, &key), "it may be to one in the hole");
	said_is("c?gap");
}

Test(keyed, the_end_of_the_client_may_be_acknowledged_too)
{
	reused();
	client("(1a)");
	hole(FROM_SERVER, 3);
	server_ack(5, "(1A)");
	said_is("a=A");
}

Test(keyed, an_interim_answer_keeps_a_request_only_until_its_end)
{
	reused();
	client("(1a)");
	hole(FROM_SERVER, 3);
	server("(*1I.");
	hole(FROM_CLIENT, 3);
	said_is("");
	server(")1");
	said_is("a?gap");
}

Test(keyed, a_push_ends_a_server_hole_too)
{
	reused();
	hole(FROM_SERVER, 3);
	server("(+P)");
	client("(1a)");
	hole(FROM_CLIENT, 3);
	server("(1A)");
	said_is("a=A");
}

Test(keyed, a_key_that_is_used_again_ends_its_old_request)
{
	reused();
	client("(1a)(1b)");
	said_is("a?reused");
	server("(1B)");
	said_is("b=B");
}

/* --- more than one answer, fewer than one --- */

Test(keyed, an_answer_up_to_a_key_answers_all_below)
{
	client("(1a)(2b)(3c)(4d)");
	server("(^3X)");
	said_is("a=X b=X c=X");
	cr_expect_eq(counted(responses), 3);
	server("(4D)");
	said_is("d=D");
}

Test(keyed, an_answer_up_to_a_key_answers_only_what_it_acknowledges)
{
	client("(1a)");
	client("(2b)");
	server_ack(4, "(^2X)");
	said_is("a=X");
	server("(2B)");
	said_is("b=B");
}

Test(keyed, an_answer_up_to_a_key_nobody_used_is_an_orphan)
{
	client("(7a)");
	server("(^3X)");
	said_is("-X:unasked");
}

Test(keyed, behind_a_hole_an_answer_up_to_a_key_is_trusted_for_the_others)
{
	client("(1a)(2b)");
	hole(FROM_SERVER, 3);
	server("(^2X)");
	/* Its own answer, or what cancelled it, may be what was lost; the answer names (b). */
	said_is("a=X+order b=X");
	client("(3c)(4d)");
	server("(^4Y)");
	said_is("c=Y d=Y");
}

Test(keyed, an_answer_up_to_a_key_takes_none_that_is_answered)
{
	client("(1a)(2b.");
	server("(2B)");
	server("(^3X)");
	said_is("a=X");
	client(")");
	said_is("b=B+early");
}

Test(keyed, an_early_answer_up_to_a_key_waits_for_the_end_of_its_requests)
{
	client("(1a.");
	server("(^1X)");
	said_is("");
	client(".)");
	said_is("a=X+early");
}

Test(keyed, a_hole_before_the_requests_is_no_matter)
{
	hole(FROM_CLIENT, 3);
	hole(FROM_SERVER, 3);
	server("(9P)");
	client("(1a)(2b)");
	server("(^2X)");
	said_is("-P:unasked a=X b=X");
}

Test(keyed, a_request_may_get_its_key_at_its_end)
{
	client("(=7a)");
	client("(=8b)");
	server("(8B)(7A)");
	said_is("b=B a=A");
}

Test(keyed, a_request_that_wants_no_answer)
{
	client("(~1a)");
	said_is("a~");
	server("(1A)");
	said_is("-A:unasked");
}

Test(keyed, a_request_that_is_cancelled_later)
{
	client("(1a)(2b)");
	client("{1}");
	said_is("a?cancelled+cancelled");
	server("(1A)(2B)");
	said_is("-A:unasked b=B");
}

Test(keyed, cancelling_what_is_not_open_does_nothing)
{
	client("{1}(1a)");
	said_is("");
	server("(1A)");
	client("{1}");
	said_is("a=A");
}

Test(keyed, an_interim_answer_answers_nothing)
{
	client("(1a)");
	server("(*1I)");
	said_is("");
	server("(1A)");
	said_is("a=A");
	cr_expect_eq(counted(interim_responses), 1);
	cr_expect_eq(counted(responses), 1);
}

/* --- early, cut --- */

Test(keyed, an_early_answer_waits_for_the_end_of_its_request)
{
	client("(1a.");
	server("(1A)");
	said_is("");
	client(".)");
	said_is("a=A+early");
}

Test(keyed, only_the_first_early_answer_counts)
{
	client("(1a.");
	server("(1A)(1X)");
	said_is("-X:order");
	client(")");
	said_is("a=A+early");
}

Test(keyed, an_early_answer_to_a_oneway_request_is_its_answer)
{
	client("(~1a.");
	server("(1A)");
	client(")");
	said_is("a=A+early");
}

Test(keyed, an_early_answer_goes_out_at_the_end)
{
	client("(1a.");
	server("(1A)");
	finish(END_FIN);
	said_is("a=A+cut+early");
}

Test(keyed, an_early_answer_goes_out_when_the_key_is_used_again)
{
	reused();
	client("(1a.");
	server("(1A)");
	client("(1b)");
	said_is("a=A+cut+early");
}

Test(keyed, a_half_answer_goes_out_at_the_end)
{
	client("(1a)(2b)");
	server("(1A.");
	server("(*2I.");
	finish(END_FIN);
	said_is("a=A+cut b?closed");
	cr_expect_eq(counted(interim_responses), 1);
}

Test(keyed, an_answer_begun_before_the_last_one_ended_cuts_it)
{
	client("(1a)");
	server("(1A.");
	server("(1X)");
	said_is("a=A+cut -X:unasked");
}

/* --- time --- */

Test(keyed, a_request_is_timed_out_once_and_its_late_answer_an_orphan)
{
	brackets_drop();
	brackets_start(&timed_keyed_ops);
	client("(1a)");
	cr_expect_eq(keeper_deadline(&brackets.keeper), brackets.now_ns + 100 * NS_PER_MS);
	tick_after_ms(50);
	client("(2b)");
	tick_after_ms(49);
	said_is("a?timeout");
	tick_after_ms(40);
	said_is("");
	server("(1A)(2B)");
	said_is("-A:late b=B");
	cr_expect_neq(keeper_deadline(&brackets.keeper), UINT64_MAX);
	tick_after_ms(100);
	server("(1A)");
	said_is("-A:unasked");
	cr_expect_eq(keeper_deadline(&brackets.keeper), UINT64_MAX);
}

Test(keyed, ask_tells_the_request_of_a_key)
{
	client("(1a)(2b)");
	server("?2");
	cr_expect_eq(brackets.cookie, 'b');
	server("?1");
	cr_expect_eq(brackets.cookie, 'a');
	server("?3");
	cr_expect_eq(brackets.cookie, ASK_NONE);
	server_ack(0, "?1");
	cr_expect_eq(brackets.cookie, ASK_NONE);
}
