/* SPDX-License-Identifier: Apache-2.0 */
/* WAIT and SWITCH: what one direction does to the other. */
#include "tests/unit/protocol/script.h"

static void start(void)
{
	bench_start(&script_ops, NULL);
}

TestSuite(two_sides, .init = start, .fini = bench_done);

static const struct fed wait_for_other = {.is = FED_WAIT};

Test(two_sides, wait_until_the_other_moved)
{
	bench_answer(FROM_CLIENT, wait_for_other);
	bench_text(0, "ab");
	bench_text(0, "cd");
	calls_are("open >0:ab");
	bench_text(1, "x");
	calls_are("<0:x >0:abcd");
	cr_assert_eq(feeder_held(&bench.f), 0);
}

Test(two_sides, the_other_must_move)
{
	bench_answer(FROM_CLIENT, wait_for_other);
	bench_answer(FROM_SERVER, (struct fed){.is = FED_MORE, .want = 2});
	bench_answer(FROM_SERVER, (struct fed){.is = FED_MORE, .used = 1, .want = 5});
	bench_text(0, "ab");
	bench_text(1, "x");
	calls_are("open >0:ab <0:x");
	bench_text(1, "y");
	calls_are("<0:xy >0:ab");
}

Test(two_sides, what_moved_before_does_not_count)
{
	bench_text(1, "x");
	bench_answer(FROM_CLIENT, wait_for_other);
	bench_text(0, "ab");
	calls_are("open <0:x >0:ab");
}

Test(two_sides, wait_again)
{
	bench_answer(FROM_CLIENT, (struct fed){.is = FED_WAIT, .used = 1});
	bench_answer(FROM_CLIENT, wait_for_other);
	bench_text(0, "ab");
	bench_text(1, "x");
	bench_text(1, "y");
	calls_are("open >0:ab <0:x >1:b <1:y >1:b");
}

Test(two_sides, woken_by_a_gap_a_skip_an_end)
{
	for (int i = 0; i < 3; i++)
		bench_answer(FROM_CLIENT, wait_for_other);
	bench_text(0, "a");
	bench_gap(1, 3, WHY_LOST);
	calls_are("open >0:a gap<+3 >0:a");
	bench_answer(FROM_SERVER, (struct fed){.is = FED_OK, .skip = 2});
	bench_answer(FROM_SERVER, (struct fed){.is = FED_OK});
	bench_text(1, "xy");
	calls_are("<3:xy <5: >0:a");
	bench_end(1, END_FIN);
	calls_are("end<0 >0:a");
}

/* Answers that come in one packet: who waited for the first has its turn before the second. */
Test(two_sides, who_waits_goes_before_the_rest_of_the_packet)
{
	bench_answer(FROM_CLIENT, (struct fed){.is = FED_WAIT, .used = 1});
	bench_answer(FROM_SERVER, (struct fed){.is = FED_OK, .used = 1});
	bench_answer(FROM_SERVER, (struct fed){.is = FED_OK, .used = 1});
	bench_text(0, "ab");
	bench_text(1, "xyz");
	calls_are("open >0:ab <0:xyz >1:b <1:yz <2:z");
}

Test(two_sides, both_wait)
{
	bench_answer(FROM_CLIENT, wait_for_other);
	bench_answer(FROM_SERVER, (struct fed){.is = FED_WAIT, .used = 1});
	bench_text(0, "ab");
	bench_text(1, "xy");
	calls_are("open >0:ab <0:xy >0:ab <1:y");
}

Test(two_sides, a_chain_of_waits_is_a_loop)
{
	for (int i = 0; i < 6; i++) {
		bench_answer(FROM_CLIENT, (struct fed){.is = FED_WAIT, .used = i > 0});
		bench_answer(FROM_SERVER, (struct fed){.is = FED_WAIT, .used = 1});
	}
	bench_text(0, "abcdef");
	bench_text(1, "uvwxyz");
	cr_assert_eq(bench.counters.decoded_bytes, 12);
}

Test(two_sides, wait_is_bounded)
{
	bench_answer(FROM_CLIENT, wait_for_other);
	bench_text(0, "0123456789");
	bench_text(0, "a");
	calls_are("open >0:0123456789 gap>+11");
	cr_assert_eq(bench.counters.decode_limits, 1);
	bench_text(0, "b");
	calls_are(">11:b");
}

Test(two_sides, origins_of_a_direction_that_waits)
{
	bench_answer(FROM_CLIENT, wait_for_other);
	bench_text(0, "aa");
	bench_text(0, "bb");
	bench_text(0, "cc");
	static const uint64_t frame[] = {1, 1, 2, 2, 3, 3, 3};
	for (unsigned i = 0; i < 7; i++)
		cr_assert_eq(feeder_origin(&bench.f, 0, i).frame, frame[i], "byte %u", i);
	bench_text(1, "x");
	cr_assert_eq(feeder_origin(&bench.f, 0, 5).frame, 3);
}

Test(two_sides, switch_goes_on_from_used)
{
	bench_answer(FROM_CLIENT,
		     (struct fed){.is = FED_SWITCH, .used = 1, .to = &script_second_ops});
	bench_push(0, "\1GET /", 6);
	calls_are("open >0:\1GET / o2 close 2>1:GET /");
	cr_assert_eq(bench.recorder.switches, 1);
	bench_text(1, "x");
	calls_are("2<0:x");
}

Test(two_sides, switch_hands_over)
{
	struct handover h = {.data = "!h2c", .size = 4};
	bench_answer(FROM_CLIENT, (struct fed){.is = FED_SWITCH,
					       .used = 1,
					       .to = &script_second_ops,
					       .handover = &h});
	bench_text(0, "a");
	calls_are("open >0:a o2!h2c close");
}

Test(two_sides, switch_feeds_the_others_held_bytes_again)
{
	bench_answer(FROM_SERVER, (struct fed){.is = FED_MORE, .want = 9});
	bench_answer(FROM_CLIENT,
		     (struct fed){.is = FED_SWITCH, .used = 1, .to = &script_second_ops});
	bench_text(1, "held");
	bench_text(0, "ab");
	calls_are("open <0:held >0:ab o2 close 2<0:held 2>1:b");
}

Test(two_sides, switch_by_the_answer_to_who_waits)
{
	bench_answer(FROM_CLIENT, wait_for_other);
	bench_answer(FROM_SERVER,
		     (struct fed){.is = FED_SWITCH, .used = 3, .to = &script_second_ops});
	bench_text(0, "early");
	bench_text(1, "200");
	calls_are("open >0:early <0:200 o2 close 2>0:early");
}

Test(two_sides, switch_drops_the_others_skip)
{
	bench_answer(FROM_SERVER, (struct fed){.is = FED_OK, .used = 1, .skip = 50});
	bench_answer(FROM_CLIENT,
		     (struct fed){.is = FED_SWITCH, .used = 1, .to = &script_second_ops});
	bench_text(1, "xyz");
	bench_text(0, "a");
	bench_text(1, "new");
	calls_are("open <0:xyz >0:a o2 close 2<3:new");
}

Test(two_sides, switch_for_ever)
{
	for (int i = 0; i < 16; i++)
		bench_answer(FROM_CLIENT,
			     (struct fed){.is = FED_SWITCH,
					  .to = i & 1 ? &script_ops : &script_second_ops});
	bench_text(0, "a");
	cr_assert(feeder_bypassed(&bench.f));
}

Test(two_sides, switch_without_memory)
{
	bench_answer(FROM_CLIENT,
		     (struct fed){.is = FED_SWITCH, .used = 1, .to = &script_second_ops});
	bench_text(1, "x");
	pool_fail_at(bench.world.pool, 1);
	bench_text(0, "ab");
	calls_are("open <0:x >0:ab close");
	cr_assert(feeder_bypassed(&bench.f));
}

Test(two_sides, switch_to_detection_finds_nothing)
{
	bench_answer(FROM_CLIENT, (struct fed){.is = FED_SWITCH, .used = 1});
	bench_text(0, "abc");
	bench_text(1, "d");
	calls_are("open >0:abc close");
	cr_assert(feeder_bypassed(&bench.f));
	cr_assert_eq(bench.counters.flows_undetected, 1);
	cr_assert_eq(bench.counters.skipped_bytes, 3);
}
