/* SPDX-License-Identifier: Apache-2.0 */
/* Pairing in line behind holes: barriers, floats, quiet turns, evidence, sliding (docs/MAP.md, "Pairing"). */
#include "tests/unit/roundtrip/brackets.h"

static void start(void)
{
	brackets_start(&fifo_ops);
}

TestSuite(turns, .init = start, .fini = brackets_stop);

/* --- a client hole: a barrier behind what is open --- */

Test(turns, requests_before_a_client_hole_still_pair)
{
	client("(a)(b)");
	hole(FROM_CLIENT, 10);
	server("(A)");
	said_is("a=A");
	server("(B)");
	said_is("b=B");
}

Test(turns, requests_behind_a_client_hole_float)
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

Test(turns, answers_that_come_with_nothing_before_the_barrier_float)
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

Test(turns, a_second_client_hole_ends_the_requests_between)
{
	client("(a)");
	hole(FROM_CLIENT, 10);
	client("(b)(c)");
	hole(FROM_CLIENT, 10);
	said_is("b?gap c?gap");
	server("(A)");
	said_is("a=A");
}

Test(turns, no_answer_is_matched_across_a_request_that_followed_a_hole)
{
	earn();
	client("(a)");
	hole(FROM_CLIENT, 3);
	client("(~b)");
	said_is("b~");
	hole(FROM_SERVER, 3);
	server("(X)");
	client("(c)");
	said_is("a?gap -X:gap");
}

Test(turns, a_request_cut_by_a_client_hole_pairs_and_says_so)
{
	client("(a..");
	hole(FROM_CLIENT, 10);
	server("(A)");
	said_is("a=A+gap+cut");
}

/* --- a server hole: the barrier is at the head --- */

Test(turns, requests_open_at_a_server_hole_float)
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

Test(turns, the_last_answers_belong_to_the_last_requests)
{
	earn();
	client("(a)(b)(c)(d)");
	hole(FROM_SERVER, 6);
	server("(C)(D)");
	client("(e)");
	said_is("a?gap b?gap c=C d=D");
}

Test(turns, floats_are_matched_from_behind_as_far_as_the_first_byte_rule_allows)
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

Test(turns, a_float_that_fails_the_rule_ends_the_matching)
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

Test(turns, a_second_server_hole_ends_the_floating_answers)
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

Test(turns, a_server_hole_ends_what_was_before_the_barrier)
{
	client("(a)");
	hole(FROM_CLIENT, 3);
	client("(b)");
	hole(FROM_SERVER, 3);
	said_is("a?gap");
}

Test(turns, an_answer_cut_by_a_server_hole_pairs_and_says_so)
{
	client("(a)(b)");
	server("(A..");
	hole(FROM_SERVER, 3);
	said_is("a=A+gap+cut");
}

Test(turns, junk_is_a_hole)
{
	earn();
	client("(a)(b)");
	server("J");
	server("(B)");
	client("(c)");
	said_is("a?gap b=B");
}

Test(turns, a_hole_inside_a_message_that_goes_on_is_none)
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

Test(turns, floats_resolve_at_a_quiet_turn)
{
	float_one();
	client("(b)");
	said_is("a=A");
}

Test(turns, rule_a_the_turn_acknowledges_more_than_the_request_before)
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

Test(turns, rule_b_the_turn_acknowledges_every_server_byte)
{
	float_one();
	client_ack(brackets.keeper.feeder.dir[1].end - 1, "(b)");
	said_is("");
	server("(B)");
	client("(c)");
	said_is("a=A b=B");
}

Test(turns, rule_b_the_turn_acknowledges_nothing_that_is_to_come)
{
	earn();
	client("(a)");
	server(".");
	hole(FROM_SERVER, 3);
	client_ack(brackets.keeper.feeder.dir[1].end + 3, "(b)");
	server("(A)"); /* sent again: it acknowledges (b) now */
	said_is("");
	server("(B)");
	client("(c)");
	said_is("a=A b=B");
}

Test(turns, rule_b_the_turn_may_acknowledge_the_servers_end)
{
	earn();
	client("(a)");
	hole(FROM_SERVER, 3);
	server("(A)");
	feeder_end(&brackets.keeper.feeder, 1, END_FIN);
	client_ack(brackets.keeper.feeder.dir[1].end + 1, "(b)");
	said_is("a=A");
}

Test(turns, rule_b_no_answer_is_half_seen)
{
	float_one();
	server("(X");
	client("(b)");
	said_is("");
}

Test(turns, rule_b_the_decoder_holds_no_server_byte)
{
	float_one();
	server("_");
	client("(b)");
	said_is("");
	server("(B)");
	client("(c)");
	said_is("a=A b=B");
}

Test(turns, rule_b_nothing_held_was_sent_before_the_server_had_the_turn)
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

Test(turns, rule_c_the_turn_begins_where_the_last_answer_acknowledged)
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

Test(turns, rule_c_a_turn_that_the_last_answer_acknowledged_may_be_answered)
{
	earn();
	client("(a)");
	hole(FROM_SERVER, 3);
	server_ack(brackets.keeper.feeder.dir[0].end + 3, "(B)");
	client("(b)"); /* sent again, and so it acknowledges (B) */
	said_is("");
	client("(c)");
	server("(C)");
	client("(d)");
	said_is("a?gap b=B+clock+early c=C");
}

Test(turns, rule_d_the_turn_is_not_the_first_request_after_a_client_hole)
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

Test(turns, the_first_request_is_no_turn)
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

Test(turns, without_evidence_pairs_are_on_trust)
{
	client("(a)(b)");
	hole(FROM_SERVER, 3);
	server("(B)");
	client("(c)");
	said_is("a?gap b=B+order");
}

Test(turns, what_was_paired_on_trust_proves_nothing)
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

Test(turns, a_turn_with_nothing_open_is_evidence)
{
	client("(a)");
	server("(A)");
	client("(b)"); /* here */
	hole(FROM_SERVER, 3);
	server("(B)");
	client("(c)");
	said_is("a=A b=B");
}

Test(turns, lockstep_needs_no_evidence)
{
	brackets_drop();
	brackets_start(&lockstep_ops);
	client("(a)");
	hole(FROM_SERVER, 3);
	server("(A)");
	client("(b)");
	said_is("a=A");
}

Test(turns, a_turn_with_requests_open_is_a_sliding_window)
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

Test(turns, a_turn_with_requests_open_before_the_barrier_is_a_sliding_window_too)
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

/* Each new request tells of one more answer, but not of all that came: no quiet turn, and yet it did not wait. */
Test(turns, a_request_that_read_an_answer_while_others_are_open_is_a_sliding_window)
{
	earn();
	client("(a)(b)(c)");
	server("(A)(B)");
	client_ack(brackets.keeper.feeder.dir[1].end - 3, "(d)");
	said_is("a=A b=B");
	hole(FROM_SERVER, 3);
	server("(D)");
	client("(e)");
	said_is("");
	finish(END_FIN);
	said_is("c?gap d?gap e?gap -D:gap");
}

Test(turns, lockstep_does_not_slide)
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

Test(turns, after_resolving_the_line_is_anchored)
{
	float_one();
	client("(b)(c)");
	server("(B)(C)");
	said_is("a=A b=B c=C");
}
