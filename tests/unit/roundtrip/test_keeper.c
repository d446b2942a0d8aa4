/* SPDX-License-Identifier: Apache-2.0 */
/* What is the same for all ways to pair: kinds of messages, guesses, switches, ends, times. */
#include "tests/unit/roundtrip/brackets.h"

static void start(void)
{
	brackets_start(&fifo_ops);
}

TestSuite(keeper, .init = start, .fini = brackets_stop);

static void with(const struct protocol_ops *ops)
{
	brackets_drop();
	brackets_start(ops);
}

static void guess(const struct protocol_ops *ops)
{
	brackets_drop();
	brackets_guess(ops);
}

/* --- kinds of messages --- */

Test(keeper, a_request_that_wants_no_answer)
{
	client("(~a)(b)");
	server("(B)");
	said_is("a~ b=B");
}

Test(keeper, a_request_that_is_cancelled_as_it_ends)
{
	client("(#a)(b)");
	server("(B)");
	said_is("a?cancelled+cancelled b=B");
}

Test(keeper, interim_answers_keep_the_request_open)
{
	client("(a)");
	server("(*I)");
	server("(*I)");
	said_is("");
	server("(A)");
	said_is("a=A");
	cr_expect_eq(brackets.last.ttfb_ns, 3 * NS_PER_MS);
	cr_expect_eq(counted(interim_responses), 2);
	cr_expect_eq(counted(responses), 1);
}

Test(keeper, pushes_are_counted_and_make_no_record)
{
	client("(a)");
	server("(+P)(A)(+P)");
	said_is("a=A");
	cr_expect_eq(counted(pushes), 2);
}

Test(keeper, an_answer_begun_with_a_oneway_request_takes_no_other)
{
	client("(~a..");
	server("(X.");
	client(")(b)");
	server(")");
	said_is("a~ -X:unasked");
}

/* --- guesses --- */

Test(keeper, the_records_of_a_guess_wait_until_a_pair_confirms_it)
{
	guess(&fifo_ops);
	client("(~a)(~b)(c)");
	said_is("");
	cr_expect(!keeper_at_rest(&brackets.keeper));
	server("(C)");
	said_is("a~ b~ c=C");
	client("(~d)");
	said_is("d~");
}

Test(keeper, the_records_of_a_guess_go_out_when_nothing_contradicted_it)
{
	guess(&fifo_ops);
	client("(~a)(b)");
	finish(END_FIN);
	said_is("a~ b?closed");
}

Test(keeper, sixteen_whole_messages_confirm_a_guess)
{
	guess(&fifo_ops);
	for (unsigned i = 1; i < KEEPER_PENDING_MAX; i++)
		client("(~a)");
	said_is("");
	client("(~b)");
	said_is("a~ a~ a~ a~ a~ a~ a~ a~ a~ a~ a~ a~ a~ a~ a~ b~");
	client("(~c)");
	said_is("c~");
}

Test(keeper, what_a_withdrawn_guess_found_vanishes)
{
	guess(&fifo_ops);
	client("(~a)(b)(c..");
	server("(*I)");
	client("JJJ");
	cr_expect_eq(counted(guesses_withdrawn), 1);
	cr_expect_eq(counted(messages_withdrawn), 3);
	cr_expect(keeper_at_rest(&brackets.keeper));
	finish(END_FIN);
	said_is("");
}

Test(keeper, a_withdrawn_guess_takes_its_orphans_along)
{
	guess(&fifo_ops);
	client("(~a)");
	server("(X)");
	server("JJJ");
	cr_expect_eq(counted(guesses_withdrawn), 1);
	cr_expect_eq(counted(messages_withdrawn), 2);
	finish(END_FIN);
	said_is("");
}

Test(keeper, an_early_answer_does_not_confirm_the_guess_that_is_withdrawn)
{
	guess(&fifo_ops);
	client("(~a)(b..");
	server("(B)");
	client("JJJ");
	cr_expect_eq(counted(guesses_withdrawn), 1);
	cr_expect_eq(counted(messages_withdrawn), 3);
	cr_expect(!brackets.keeper.feeder.confirmed);
	finish(END_FIN);
	said_is("");
}

Test(keeper, an_early_answer_by_key_does_not_confirm_the_guess_that_is_withdrawn)
{
	guess(&unique_ops);
	client("(~1a)(2b..");
	server("(2B)");
	server("JJJ");
	cr_expect_eq(counted(guesses_withdrawn), 1);
	cr_expect_eq(counted(messages_withdrawn), 3);
	cr_expect(!brackets.keeper.feeder.confirmed);
	finish(END_FIN);
	said_is("");
}

Test(keeper, a_withdrawn_guess_by_key_forgets_its_keys)
{
	guess(&unique_ops);
	client("(1a)(2b)(~3c)");
	server("(1A.");
	client("JJJ");
	cr_expect_eq(counted(guesses_withdrawn), 1);
	cr_expect_eq(counted(messages_withdrawn), 4);
	cr_expect_eq(brackets.world.keys.count, 0);
	cr_expect(keeper_at_rest(&brackets.keeper));
	said_is("");
}

/* --- switches --- */

Test(keeper, a_switch_ends_what_is_open)
{
	client("(a)(b)");
	brackets.to = &lockstep_ops;
	server("(A)$");
	said_is("a=A b?switched");
	client("(c)");
	server("(C)");
	said_is("c=C");
	cr_expect_str_eq(brackets.last.protocol, "lockstep");
}

Test(keeper, a_switch_that_keeps_requests_open)
{
	client("(a)");
	brackets.to = &lockstep_ops;
	brackets.keep_open = true;
	server("$(A)");
	said_is("a=A");
	cr_expect_str_eq(brackets.last.protocol, "fifo");
}

Test(keeper, a_switch_to_another_way_of_pairing_keeps_nothing_open)
{
	brackets.keep_open = true;
	client("(a)(b.");
	brackets.to = &unique_ops;
	server("(A.$");
	said_is("a=A+cut b?switched+cut");
	client("(1c)(2d)");
	server("(1C.");
	brackets.to = &fifo_ops;
	server("$");
	said_is("c=C+cut d?switched");
	cr_expect(keeper_at_rest(&brackets.keeper));
	cr_expect_eq(brackets.world.keys.count, 0);
}

Test(keeper, a_switch_to_keys_and_its_end)
{
	client("(a)");
	brackets.to = &unique_ops;
	server("$");
	said_is("a?switched");
	client("(1b)(2c)");
	server("(2C)");
	said_is("c=C");
	brackets.to = &fifo_ops;
	server("$");
	said_is("b?switched");
	cr_expect_eq(brackets.world.keys.count, 0);
}

Test(keeper, a_switch_starts_a_new_line)
{
	client("(a)");
	hole(FROM_SERVER, 3);
	brackets.to = &lockstep_ops;
	server("$");
	said_is("a?gap");
	client("(b)");
	server("(B)");
	said_is("b=B");
}

/* --- ends --- */

Test(keeper, the_end_of_the_flow_is_why_a_request_has_no_answer)
{
	static const struct {
		enum end_reason end;
		const char *record;
	} row[] = {
		{END_FIN, "a?closed"},      {END_RST, "a?reset"}, {END_IDLE, "a?idle"},
		{END_EVICTED, "a?evicted"}, {END_EOF, "a?end"},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		with(i % 2 ? &unique_ops : &fifo_ops);
		client("(a)");
		finish(row[i].end);
		said_is(row[i].record);
	}
}

Test(keeper, behind_a_hole_the_hole_is_why)
{
	client("(a)");
	hole(FROM_SERVER, 3);
	server("(X)");
	client("(b)");
	hole(FROM_CLIENT, 3);
	finish(END_FIN);
	said_is("a=X+order b?gap");
}

Test(keeper, from_the_middle_that_is_why)
{
	hole_why(FROM_CLIENT, 0, WHY_MIDSTREAM);
	hole_why(FROM_SERVER, 0, WHY_MIDSTREAM);
	server("(X)");
	client("(b)");
	finish(END_FIN);
	said_is("b?midstream -X:midstream");
}

Test(keeper, half_messages_at_the_end_are_cut)
{
	client("(a)(b..");
	server("(A..");
	finish(END_FIN);
	said_is("a=A+cut b?closed+cut");
}

Test(keeper, a_half_interim_answer_at_the_end_is_none)
{
	client("(a)");
	server("(*I..");
	finish(END_FIN);
	said_is("a?closed");
	cr_expect_eq(counted(interim_responses), 1);
}

Test(keeper, at_rest_is_when_nothing_is_open)
{
	struct keeper *k = &brackets.keeper;

	cr_expect(keeper_at_rest(k));
	client("(a");
	cr_expect(!keeper_at_rest(k));
	client(")");
	cr_expect(!keeper_at_rest(k));
	server("(A");
	cr_expect(!keeper_at_rest(k));
	server(")");
	cr_expect(keeper_at_rest(k));
	hole(FROM_SERVER, 3);
	server("(X)");
	cr_expect(!keeper_at_rest(k));
}

Test(keeper, done_frees_everything_and_tells_nobody)
{
	static const struct protocol_ops *const every[] = {&fifo_ops, &unique_ops};

	for (unsigned i = 0; i < 2; i++) {
		guess(every[i]);
		client("(~1a)(2b)(3c..");
		server("(2B.");
		brackets_drop();
		brackets_start(every[i]);
		client("(1a..");
		server("(1A)(2X.");
		brackets_drop();
		brackets_start(every[i]);
		client("(1a)");
		hole(FROM_SERVER, 3);
		server("(1A)(1B)");
		brackets_drop();
		brackets_start(every[i]);
	}
}

/* --- times --- */

Test(keeper, durations_are_from_the_first_byte_to_the_last)
{
	uint64_t begin = brackets.now_ns + NS_PER_MS;

	client("(a.");
	client("..");
	client(".)");
	server("(A.");
	server(".)");
	said_is("a=A");
	cr_expect_eq(brackets.last.time_ns, begin);
	cr_expect_eq(brackets.last.duration_ns, 4 * NS_PER_MS);
	cr_expect_eq(brackets.last.ttfb_ns, NS_PER_MS);
}

Test(keeper, an_answer_begun_before_its_request_ended_has_no_first_byte_time)
{
	client("(a.");
	server("(A.");
	client(".)");
	server(".)");
	said_is("a=A+early");
	cr_expect_eq(brackets.last.ttfb_ns, 0);
	cr_expect_eq(brackets.last.duration_ns, 3 * NS_PER_MS);
}

Test(keeper, time_never_runs_backwards)
{
	client("(a)");
	brackets.now_ns -= 10 * NS_PER_MS;
	server("(A)");
	said_is("a=A+clock+early");
	cr_expect_eq(brackets.last.duration_ns, 0);
	cr_expect_eq(brackets.last.ttfb_ns, 0);
}

Test(keeper, an_orphan_has_the_time_of_its_answer)
{
	server("(A)");
	said_is("-A:unasked");
	cr_expect_eq(brackets.last.time_ns, brackets.now_ns);
	cr_expect_eq(brackets.last.duration_ns, 0);
}

Test(keeper, the_health_of_a_round_trip_is_that_of_its_window)
{
	brackets.health =
		(struct tcp_health){.retransmits = 3, .out_of_order = 5, .zero_windows = 7};
	brackets.lost = 100;
	client("(a)");
	brackets.health =
		(struct tcp_health){.retransmits = 4, .out_of_order = 7, .zero_windows = 10};
	brackets.lost = 150;
	server("(A)");
	said_is("a=A");
	cr_expect_eq(brackets.last.retransmits, 1);
	cr_expect_eq(brackets.last.out_of_order, 2);
	cr_expect_eq(brackets.last.zero_windows, 3);
	cr_expect_eq(brackets.last.lost_bytes, 50);
}

Test(keeper, the_health_of_a_round_trip_by_key_is_that_of_its_window)
{
	with(&unique_ops);
	brackets.health = (struct tcp_health){.retransmits = 1, .out_of_order = 2};
	brackets.lost = 7;
	client("(1a)(2b)");
	brackets.health =
		(struct tcp_health){.retransmits = 4, .out_of_order = 2, .zero_windows = 1};
	brackets.lost = 9;
	server("(2B)(1A)");
	said_is("b=B a=A");
	cr_expect_eq(brackets.last.retransmits, 3);
	cr_expect_eq(brackets.last.out_of_order, 0);
	cr_expect_eq(brackets.last.zero_windows, 1);
	cr_expect_eq(brackets.last.lost_bytes, 2);
}

Test(keeper, a_request_is_timed_out_once_and_keeps_its_place)
{
	with(&timed_ops);
	cr_expect_eq(keeper_deadline(&brackets.keeper), UINT64_MAX);
	client("(a)");
	cr_expect_eq(keeper_deadline(&brackets.keeper), brackets.now_ns + 100 * NS_PER_MS);
	tick_after_ms(50);
	client("(b)");
	said_is("");
	tick_after_ms(49);
	said_is("a?timeout");
	tick_after_ms(10);
	said_is("");
	cr_expect_eq(keeper_deadline(&brackets.keeper), brackets.now_ns + 41 * NS_PER_MS);
	/* Its late answer must not be taken for that of (b). */
	server("(A)(B)");
	said_is("-A:late b=B");
}

Test(keeper, a_request_that_was_timed_out_is_not_said_again_at_the_end)
{
	with(&timed_ops);
	client("(a)");
	tick_after_ms(100);
	finish(END_FIN);
	said_is("a?timeout");
}

Test(keeper, a_request_timed_out_while_it_is_sent)
{
	with(&timed_ops);
	client("(a..");
	tick_after_ms(100);
	said_is("a?timeout+cut");
	server("(A)");
	said_is("-A:late");
	client("..)(b)");
	server("(B)");
	said_is("b=B");
}

Test(keeper, without_a_timeout_an_answer_may_take_for_ever)
{
	client("(a)");
	cr_expect_eq(keeper_deadline(&brackets.keeper), UINT64_MAX);
	tick_after_ms(100000000);
	said_is("");
	server("(A)");
	said_is("a=A");
}
