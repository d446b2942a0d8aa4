/* SPDX-License-Identifier: Apache-2.0 */
/* Pairing in line, without and with holes: docs/MAP.md, "Pairing". What is not about order is in test_keeper.c. */
#include "tests/unit/roundtrip/brackets.h"

static void start(void)
{
	brackets_start(&fifo_ops);
}

TestSuite(line, .init = start, .fini = brackets_stop);

/* Two turns: the second request comes when nothing is open, which is evidence. */
static void earn(void)
{
	client("(v)");
	server("(V)");
	client("(w)");
	server("(W)");
	said_is("v=V w=W");
}

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

/* --- a client hole: a barrier behind what is open --- */

Test(line, requests_before_a_client_hole_still_pair)
{
	client("(a)(b)");
	hole(FROM_CLIENT, 10);
	server("(A)");
	said_is("a=A");
	server("(B)");
	said_is("b=B");
}

Test(line, requests_behind_a_client_hole_float)
{
	earn();
	client("(a)");
	hole(FROM_CLIENT, 10);
	client("(c)");
	server("(A)(B)(C)");
	said_is("a=A");
	/* Three answers; two of them behind the barrier, for one request. */
	client("(d)");
	said_is("-B:gap c=C");
	server("(D)");
	said_is("d=D");
}

Test(line, answers_that_come_with_nothing_before_the_barrier_float)
{
	earn();
	hole(FROM_CLIENT, 10);
	server("(A)");
	said_is("");
	client("(b)");
	said_is("");
	server("(B)");
	client("(c)");
	said_is("-A:gap b=B");
}

Test(line, a_second_client_hole_ends_the_requests_between)
{
	client("(a)");
	hole(FROM_CLIENT, 10);
	client("(b)(c)");
	hole(FROM_CLIENT, 10);
	said_is("b?gap c?gap");
	server("(A)");
	said_is("a=A");
}

Test(line, a_request_cut_by_a_client_hole_pairs_and_says_so)
{
	client("(a..");
	hole(FROM_CLIENT, 10);
	server("(A)");
	said_is("a=A+gap+cut");
}

/* --- a server hole: the barrier is at the head --- */

Test(line, requests_open_at_a_server_hole_float)
{
	earn();
	client("(a)(b)");
	hole(FROM_SERVER, 3);
	server("(B)");
	said_is("");
	client("(c)");
	said_is("a?gap b=B");
	server("(C)");
	said_is("c=C");
}

Test(line, the_last_answers_belong_to_the_last_requests)
{
	earn();
	client("(a)(b)(c)(d)");
	hole(FROM_SERVER, 6);
	server("(C)(D)");
	client("(e)");
	said_is("a?gap b?gap c=C d=D");
}

Test(line, floats_are_matched_from_behind_as_far_as_the_first_byte_rule_allows)
{
	earn();
	client("(a)");
	client("(b)");
	hole(FROM_SERVER, 3);
	server_ack(brackets.keeper.feeder.dir[0].end - 3, "(X)");
	server("(B)");
	client("(c)");
	/* X was sent before its sender had b, and a comes next. */
	said_is("a=X b=B");
}

Test(line, a_float_that_fails_the_rule_ends_the_matching)
{
	earn();
	client("(a)");
	client("(b)");
	hole(FROM_SERVER, 3);
	server("(A)");
	server_ack(brackets.keeper.feeder.dir[0].end - 3, "(X)");
	/* The turn needs all acknowledged by the last segment. */
	server(".");
	client("(c)");
	said_is("a?gap b?gap -A:gap -X:gap");
}

Test(line, a_second_server_hole_ends_the_floating_answers)
{
	earn();
	client("(a)(b)(c)");
	hole(FROM_SERVER, 3);
	server("(B)");
	hole(FROM_SERVER, 3);
	said_is("-B:gap");
	server("(C)");
	client("(d)");
	said_is("a?gap b?gap c=C");
}

Test(line, a_server_hole_ends_what_was_before_the_barrier)
{
	client("(a)");
	hole(FROM_CLIENT, 3);
	client("(b)");
	hole(FROM_SERVER, 3);
	said_is("a?gap");
}

Test(line, an_answer_cut_by_a_server_hole_pairs_and_says_so)
{
	client("(a)(b)");
	server("(A..");
	hole(FROM_SERVER, 3);
	said_is("a=A+gap+cut");
}

Test(line, junk_is_a_hole)
{
	earn();
	client("(a)(b)");
	server("J");
	server("(B)");
	client("(c)");
	said_is("a?gap b=B");
}

Test(line, a_hole_inside_a_message_that_goes_on_is_none)
{
	client("(a)(b)");
	server("(%A)(B)");
	said_is("a=A+gap b=B");
}

/* --- quiet turns --- */

/* (a) is open, its answer floats, and all is as a quiet turn wants it. */
static void float_one(void)
{
	earn();
	client("(a)");
	hole(FROM_SERVER, 3);
	server("(A)");
	said_is("");
}

Test(line, floats_resolve_at_a_quiet_turn)
{
	float_one();
	client("(b)");
	said_is("a=A");
}

Test(line, rule_a_the_turn_acknowledges_more_than_the_request_before)
{
	uint64_t end;

	float_one();
	server("(X");
	end = brackets.keeper.feeder.dir[1].end + 1;
	client_ack(end, "(b)"); /* no turn: an answer is half seen */
	said_is("");
	server(")");
	client_ack(end, "(c)"); /* sent with (b): it acknowledges no more */
	said_is("");
	server("(C)");
	client("(d)");
	said_is("a?gap b?gap -A:gap -X:gap c=C"); /* X began before its sender had (b) */
}

Test(line, rule_b_the_turn_acknowledges_every_server_byte)
{
	float_one();
	client_ack(brackets.keeper.feeder.dir[1].end - 1, "(b)");
	said_is("");
	server("(B)");
	client("(c)");
	said_is("a=A b=B");
}

Test(line, rule_b_no_answer_is_half_seen)
{
	float_one();
	server("(X");
	client("(b)");
	said_is("");
}

Test(line, rule_b_nothing_held_was_sent_before_the_server_had_the_turn)
{
	float_one();
	brackets.sent_before = brackets.keeper.feeder.dir[1].end + 1;
	client("(b)");
	said_is("");
	brackets.sent_before = 0;
	server("(B)");
	client("(c)");
	said_is("a=A b=B");
}

Test(line, rule_c_the_turn_begins_where_the_last_answer_acknowledged)
{
	uint64_t end;

	earn();
	end = brackets.keeper.feeder.dir[0].end;
	client("(a)");
	client("(b)");
	hole(FROM_SERVER, 3);
	server_ack(end + 3, "(A)"); /* the server had not seen (b) */
	client("(c)");
	said_is("");
	server("(B)(C)");
	client("(d)");
	said_is("a=A b=B c=C");
}

Test(line, rule_d_the_turn_is_not_the_first_request_after_a_client_hole)
{
	earn();
	hole(FROM_CLIENT, 3);
	server("(A)");
	client("(b)");
	said_is("");
	server("(B)");
	client("(c)");
	said_is("-A:gap b=B");
}

Test(line, the_first_request_is_no_turn)
{
	hole_why(FROM_SERVER, 0, WHY_MIDSTREAM);
	server("(A)");
	client("(b)");
	said_is("");
	server("(B)");
	client("(c)");
	said_is("-A:midstream b=B+order");
}

/* --- evidence, trust, sliding --- */

Test(line, without_evidence_pairs_are_on_trust)
{
	client("(a)(b)");
	hole(FROM_SERVER, 3);
	server("(B)");
	client("(c)");
	said_is("a?gap b=B+order");
}

Test(line, what_was_paired_on_trust_proves_nothing)
{
	client("(a)(b)");
	hole(FROM_SERVER, 3);
	server("(B)");
	client("(c)");
	server("(C)");
	client("(d)");
	server("(D)");
	said_is("a?gap b=B+order c=C+order d=D+order");
	hole(FROM_SERVER, 3);
	client("(e)");
	server("(E)");
	client("(f)");
	said_is("e=E+order");
}

Test(line, a_turn_with_nothing_open_is_evidence)
{
	client("(a)");
	server("(A)");
	client("(b)"); /* here */
	hole(FROM_SERVER, 3);
	server("(B)");
	client("(c)");
	said_is("a=A b=B");
}

Test(line, lockstep_needs_no_evidence)
{
	brackets_drop();
	brackets_start(&lockstep_ops);
	client("(a)");
	hole(FROM_SERVER, 3);
	server("(A)");
	client("(b)");
	said_is("a=A");
}

Test(line, a_turn_with_requests_open_is_a_sliding_window)
{
	client("(a)(b)");
	server("(A)");
	client("(c)");
	server("(B)");
	client("(d)");
	said_is("a=A b=B");
	hole(FROM_SERVER, 3);
	server("(D)");
	client("(e)");
	server("(E)");
	client("(f)");
	said_is(""); /* never anchored again */
	finish(END_FIN);
	said_is("c?gap d?gap e?gap f?gap -D:gap -E:gap");
}

Test(line, a_turn_with_requests_open_before_the_barrier_is_a_sliding_window_too)
{
	earn();
	client("(a)(b)");
	hole(FROM_CLIENT, 3);
	server("(A)");
	client("(c)");
	said_is("a=A");
	server("(B)(C)");
	client("(d)");
	said_is("b=B");
	finish(END_FIN);
	said_is("c?gap d?gap -C:gap");
}

Test(line, lockstep_does_not_slide)
{
	brackets_drop();
	brackets_start(&lockstep_ops);
	client("(a)(b)");
	server("(A)");
	client("(c)");
	server("(B)(C)");
	hole(FROM_SERVER, 3);
	client("(d)");
	server("(D)");
	client("(e)");
	said_is("a=A b=B c=C d=D");
}

Test(line, after_resolving_the_line_is_anchored)
{
	float_one();
	client("(b)(c)");
	server("(B)(C)");
	said_is("a=A b=B c=C");
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
