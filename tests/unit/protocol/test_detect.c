/* SPDX-License-Identifier: Apache-2.0 */
/* Detection: which guess is made, how it is confirmed, and how it is taken back. */
#include "tests/lib/toys.h"
#include "tests/unit/protocol/script.h"

static const struct protocol_ops *const scripts[] = {&script_ops, &script_second_ops, NULL};

static void start(void)
{
	bench_start(NULL, scripts);
}

TestSuite(detect, .init = start, .fini = bench_done);

static const struct fed one = {.is = FED_OK, .used = 1};

Test(detect, first_bytes_go_to_the_winner)
{
	bench_text(0, "Sabc");
	bench_text(1, "x");
	calls_are("open >0:Sabc <0:x");
	cr_assert_eq(bench.recorder.switches, 1);
	cr_assert_eq(bench.f.confirmed, 0);
	cr_assert_eq(bench.stats[0].flows, 1);
}

Test(detect, the_highest_confidence_wins)
{
	bench_text(0, "S2!");
	calls_are("o2 2>0:S2!");
}

Test(detect, content_tells_the_client)
{
	bench.f.initiator = 2;
	bench.f.port_side = 0;
	bench_text(1, "Sabc");
	bench_text(0, "x");
	calls_are("open >0:Sabc <0:x");
	cr_assert_eq(bench.f.client_dir, 1);
}

Test(detect, need_holds)
{
	bench_text(0, "N");
	cr_assert_eq(bench.f.ops->feed != NULL, true);
	cr_assert_eq(feeder_held(&bench.f), 1);
	bench_text(0, "x");
	bench_text(1, "answer");
	calls_are("o2 2>0:Nx 2<0:answer");
}

Test(detect, the_other_direction_may_settle_it)
{
	bench_text(0, "N");
	bench_text(1, "Sx");
	calls_are("open <0:N >0:Sx");
	cr_assert_eq(bench.f.client_dir, 1);
}

Test(detect, nobody_knows_it)
{
	bench_text(0, "zzz");
	bench_text(1, "zzz");
	calls_are("");
	cr_assert(feeder_bypassed(&bench.f));
	cr_assert_eq(bench.counters.flows_undetected, 1);
	cr_assert_eq(bench.counters.skipped_bytes, 6);
	cr_assert_eq(bench.recorder.holes, 0);
}

Test(detect, the_answer_tells_what_was_asked)
{
	bench_text(0, "zz");
	bench_text(0, "z");
	cr_assert_eq(feeder_held(&bench.f), 3);
	bench_text(1, "Sx");
	calls_are("open <0:zzz >0:Sx");
	cr_assert_eq(bench.f.client_dir, 1);
}

Test(detect, nobody_answers)
{
	static char zeros[4096];
	bench_push(0, zeros, 4095);
	cr_assert_not(feeder_bypassed(&bench.f));
	bench_push(0, zeros, 1);
	cr_assert(feeder_bypassed(&bench.f));
	cr_assert_eq(bench.counters.flows_undetected, 1);
	cr_assert_eq(bench.counters.decode_limits, 0);
	cr_assert_eq(bench.counters.skipped_bytes, 4096);
}

Test(detect, needs_for_ever)
{
	static char zeros[5000] = "N";
	bench_push(0, zeros, 3);
	bench_push(0, zeros, 2000);
	cr_assert_eq(feeder_held(&bench.f), 2003);
	bench_push(0, zeros, 3000);
	cr_assert(feeder_bypassed(&bench.f));
	cr_assert_eq(bench.counters.flows_undetected, 1);
}

Test(detect, ends_undecided)
{
	bench_text(0, "N");
	bench_end(0, END_FIN);
	bench_end(1, END_FIN);
	cr_assert_eq(bench.counters.flows_undetected, 1);
	cr_assert_eq(bench.counters.skipped_bytes, 1);
}

Test(detect, an_empty_flow_is_nobodys)
{
	bench_end(0, END_FIN);
	bench_end(1, END_FIN);
	cr_assert_eq(bench.counters.flows_undetected, 0);
}

Test(detect, certain_and_a_whole_message)
{
	bench_message(FROM_CLIENT, one, MESSAGE_CUT);
	bench_text(0, "S2!");
	cr_assert_eq(bench.recorder.confirmed, 0);
	bench_message(FROM_CLIENT, one, 0);
	bench_text(0, "m");
	cr_assert_eq(bench.recorder.confirmed, 1);
	cr_assert_eq(bench.f.confirmed, 1);
}

Test(detect, not_certain_is_confirmed_by_a_pair)
{
	bench_message(FROM_CLIENT, one, 0);
	bench_text(0, "S");
	cr_assert_eq(bench.recorder.confirmed, 0);
	feeder_confirm(&bench.f);
	feeder_confirm(&bench.f);
	cr_assert_eq(bench.recorder.confirmed, 1);
}

Test(detect, or_by_the_end)
{
	bench_text(0, "S");
	bench_end(0, END_FIN);
	cr_assert_eq(bench.recorder.confirmed, 0);
	bench_end(1, END_EOF);
	cr_assert_eq(bench.recorder.confirmed, 1);
}

static void three_bads(void)
{
	for (int i = 0; i < 3; i++)
		bench_answer(FROM_CLIENT, (struct fed){.is = FED_BAD, .junk = 1});
}

Test(detect, withdrawn_and_the_next_one_tried)
{
	three_bads();
	bench_text(0, "SabNx");
	cr_assert_eq(bench.counters.guesses_withdrawn, 1);
	cr_assert_eq(bench.stats[0].withdrawn, 1);
	cr_assert_eq(bench.recorder.withdrawn, 1);
	calls_are("open >0:SabNx >1:abNx >2:bNx close o2 2gap>+0 2>3:Nx");
}

Test(detect, withdrawn_on_held_bytes)
{
	bench_answer(FROM_CLIENT, (struct fed){.is = FED_MORE, .want = 4});
	three_bads();
	bench_text(0, "Sab");
	bench_text(0, "N");
	bench_text(0, "xyz");
	calls_are("open >0:Sab >0:SabN >1:abN >2:bN close o2 2gap>+0 2>3:Nxyz");
}

Test(detect, withdrawn_and_nobody_else)
{
	three_bads();
	bench_text(0, "SabSSS");
	for (int i = 0; i < 7; i++) {
		cr_assert_not(feeder_bypassed(&bench.f));
		bench_text(0, "SSS");
		bench_text(1, "q");
	}
	cr_assert(feeder_bypassed(&bench.f));
	cr_assert_eq(bench.counters.flows_undetected, 1);
}

Test(detect, a_confirmed_guess_is_not_withdrawn)
{
	bench_message(FROM_CLIENT, one, 0);
	three_bads();
	bench_text(0, "S2!xxx");
	cr_assert_eq(bench.recorder.withdrawn, 0);
	cr_assert(feeder_bypassed(&bench.f));
}

Test(detect, joined_in_the_middle)
{
	bench.f.initiator = 2;
	bench_gap(0, 0, WHY_MIDSTREAM);
	bench_gap(1, 0, WHY_MIDSTREAM);
	for (int i = 0; i < 20; i++)
		bench_text(1, "body of an answer");
	calls_are("");
	cr_assert_not(feeder_bypassed(&bench.f));
	bench_text(0, "Sabc");
	calls_are("open gap>+0 gap<+0 >0:Sabc");
	cr_assert_eq(bench.recorder.holes, 2);
	bench_text(1, "rest");
	calls_are("<340:rest");
}

Test(detect, joined_in_the_middle_and_nobody_knows_it)
{
	bench_gap(0, 0, WHY_MIDSTREAM);
	bench_gap(1, 0, WHY_MIDSTREAM);
	for (int i = 0; i < 7; i++) {
		bench_text(0, "zz");
		bench_text(1, "zz");
	}
	bench_text(0, "Sabc");
	calls_are("");
	cr_assert(feeder_bypassed(&bench.f));
}

Test(detect, a_switch_confirms_and_begins_a_new_guess)
{
	bench_answer(FROM_CLIENT, (struct fed){.is = FED_SWITCH, .used = 1});
	bench_text(0, "SSx");
	calls_are("open >0:SSx close open >1:Sx");
	cr_assert_eq(bench.recorder.confirmed, 1);
	cr_assert_eq(bench.f.confirmed, 0);
	three_bads();
	bench_text(0, "abc");
	cr_assert_eq(bench.recorder.withdrawn, 1);
}

Test(detect, datagrams)
{
	bench.f.datagram = 1;
	bench_text(0, "Sabc");
	calls_are("");
	cr_assert(feeder_bypassed(&bench.f));
}

Test(detect, only_some)
{
	registry_only((struct registry *)bench.world.registry, &script_second_ops);
	bench_text(0, "Sabc");
	bench_text(1, "Sabc");
	calls_are("");
	cr_assert(feeder_bypassed(&bench.f));
}

Test(detect, toys)
{
	bench_done();
	bench_start(NULL, toys_all);
	bench_push(0,
		   "\xa5\0\3"
		   "ab",
		   5);
	bench_push(0, "c\xa5\0\0", 4);
	bench_push(1, "\xa5\0\0", 3);
	cr_assert_str_eq(bench.f.ops->name, "toy_fifo");
	cr_assert_eq(bench.recorder.count, 3);
}
