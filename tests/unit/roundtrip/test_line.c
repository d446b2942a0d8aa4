/* SPDX-License-Identifier: Apache-2.0 */
/* Pairing in line while it is anchored, early answers, caps. Holes are in test_turns.c. */
#include "tests/unit/roundtrip/brackets.h"

static void start(void)
{
	brackets_start(&fifo_ops);
}

TestSuite(line, .init = start, .fini = brackets_stop);

/* --- anchored --- */

Test(line, answers_belong_to_requests_in_order)
{
	client("(a)(b)");
	client("(c)");
	server("(A)(B)");
	said_is("a=A b=B");
	server("(C)");
	said_is("c=C");
}

Test(line, messages_in_hand_pair_as_others_do)
{
	brackets.whole = true;
	client("(a)(b)(~c)(d.");
	server("(!A)(*I)(B)(X)(D)");
	client(".)");
	said_is("c~ a!A b=B -D:unasked d=X+early");
}

Test(line, an_answer_may_come_in_pieces)
{
	client("(a)");
	server("(A.");
	server("...");
	said_is("");
	server(".)");
	said_is("a=A");
}

Test(line, an_error_is_one_of_the_two)
{
	client("(a)(b)");
	server("(!A)(B)");
	said_is("a!A b=B");
}

Test(line, an_answer_nobody_asked_for_is_an_orphan)
{
	server("(A)");
	said_is("-A:unasked");
}

Test(line, after_an_answer_nobody_asked_for_the_line_is_loose)
{
	earn();
	server("(X)");
	said_is("-X:unasked");
	client("(a)");
	server("(A)");
	said_is("a=A");
}

Test(line, an_answer_to_a_request_that_was_missed_takes_no_other)
{
	/* (a) was never captured, and no hole told of it: only its answer shows. */
	server("(A)");
	client_ack(0, "(b)");
	server("(B)");
	said_is("-A:unasked");
	client("(c)");
	said_is("b=B+order");
}

Test(line, an_answer_nobody_asked_for_when_it_began_is_no_float)
{
	server("(X.");
	client("(a)");
	hole(FROM_CLIENT, 3);
	server(")");
	said_is("-X:unasked");
	server("(A)"); /* X may have been a's */
	finish(END_FIN);
	said_is("a?gap -A:gap");
}

Test(line, an_answer_pairs_only_with_a_request_whose_first_byte_it_acknowledges)
{
	client("(a)");
	server_ack(0, "(X)");
	said_is("");
	/* It was sent before its sender had (a): whose it is cannot be known. */
	server("(A)");
	said_is("");
	client("(b)");
	said_is("-X:gap a=A+order");
}

Test(line, one_acknowledged_byte_of_the_request_is_enough)
{
	client("(a....)");
	server_ack(1, "(A)");
	said_is("a=A");
}

/* --- early answers --- */

Test(line, an_early_answer_waits_for_the_end_of_its_request)
{
	client("(a...");
	server("(A)");
	said_is("");
	client("...)");
	said_is("a=A+early");
	cr_expect_eq(brackets.last.ttfb_ns, 0);
}

Test(line, the_next_request_may_not_take_an_early_answer)
{
	client("(a...");
	server("(A)");
	client(")(b)");
	server("(B)");
	said_is("a=A+early b=B");
}

Test(line, an_early_answer_goes_out_when_its_request_is_cut)
{
	client("(a...");
	server("(A)");
	hole(FROM_CLIENT, 3);
	said_is("a=A+gap+cut");
}

Test(line, an_early_answer_goes_out_at_the_end)
{
	client("(a...");
	server("(A)");
	finish(END_FIN);
	said_is("a=A+cut+early");
}

Test(line, a_request_begun_before_the_last_one_ended_cuts_it)
{
	client("(a..");
	client("(b)");
	server("(A)");
	said_is("a=A+cut+early");
	server("(B)");
	said_is("b=B");
}

Test(line, a_request_begun_before_the_last_one_ended_is_not_ended_by_its_answer)
{
	client("(a..");
	client("(b..");
	server("(A)");
	said_is("a=A+cut+early");
	client("..)");
	server("(B)");
	said_is("b=B");
	cr_expect_eq(brackets.last.early, false);
}

/* --- caps --- */

Test(line, so_many_answers_may_float)
{
	earn();
	hole(FROM_SERVER, 3);
	for (unsigned i = 0; i < KEEPER_FLOAT_MAX; i++)
		server("(A)");
	said_is("");
	cr_expect_eq(counted(cap_floating), 0);
	server("(B)");
	said_is("-A:limit");
	cr_expect_eq(counted(cap_floating), 1);
}

Test(line, so_many_requests_may_float)
{
	earn();
	hole(FROM_SERVER, 3);
	client_ack(0, "(a)"); /* no turn */
	for (unsigned i = 1; i < KEEPER_FLOAT_MAX; i++)
		client_ack(0, "(b)");
	said_is("");
	client_ack(0, "(c)");
	said_is("a?gap");
	cr_expect_eq(counted(cap_floating), 1);
}

Test(line, too_many_floating_requests_end_those_before_the_barrier)
{
	earn();
	client("(a)");
	hole(FROM_CLIENT, 3);
	for (unsigned i = 0; i < KEEPER_FLOAT_MAX; i++)
		client("(b)");
	said_is("");
	client("(c)");
	said_is("a?gap");
	cr_expect_eq(counted(cap_floating), 1);
}

Test(line, an_anchored_line_has_no_such_cap)
{
	for (unsigned i = 0; i < 2 * KEEPER_FLOAT_MAX; i++)
		client("(a)");
	for (unsigned i = 0; i < 2 * KEEPER_FLOAT_MAX; i++)
		server("(A)");
	cr_expect_eq(counted(roundtrips_ok), 2 * KEEPER_FLOAT_MAX);
	cr_expect_eq(counted(cap_floating), 0);
}

/* --- what a decoder is told --- */

Test(line, ask_tells_whose_answer_comes_next)
{
	client("(a)(b)");
	server("?");
	cr_expect_eq(brackets.cookie, 'a');
	server("(A)?");
	cr_expect_eq(brackets.cookie, 'b');
	server("(B)?");
	cr_expect_eq(brackets.cookie, ASK_NONE);
}

Test(line, ask_does_not_know_what_floats)
{
	client("(a)");
	hole(FROM_CLIENT, 3);
	client("(b)");
	server("?");
	cr_expect_eq(brackets.cookie, 'a');
	server("(A)?");
	cr_expect_eq(brackets.cookie, ASK_UNKNOWN);
}

Test(line, ask_does_not_know_the_request_of_an_answer_that_acknowledges_none)
{
	client("(a)");
	server_ack(0, "?");
	cr_expect_eq(brackets.cookie, ASK_UNKNOWN);
}
