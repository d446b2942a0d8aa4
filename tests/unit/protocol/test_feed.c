/* SPDX-License-Identifier: Apache-2.0 */
/* Each answer of feed, beginning with the examples of decoder.h, word for word. */
#include "tests/lib/toys.h"
#include "tests/unit/protocol/script.h"

static void answer(struct fed fed)
{
	bench_answer(FROM_CLIENT, fed);
}

static void start(void)
{
	bench_start(&script_ops, NULL);
}

TestSuite(feed, .init = start, .fini = bench_done);

Test(feed, ok_two_messages_all_done)
{
	answer((struct fed){.is = FED_OK, .used = 6});
	bench_text(0, "\3abc\1x");
	calls_are("open >0:\3abc\1x");
	cr_assert_eq(bench.counters.decoded_bytes, 6);
}

Test(feed, ok_one_of_them_called_again)
{
	answer((struct fed){.is = FED_OK, .used = 4});
	bench_text(0, "\3abc\1x");
	calls_are("open >0:\3abc\1x >4:\1x");
}

Test(feed, ok_skip)
{
	static const char body[198];
	answer((struct fed){.is = FED_OK, .used = 1, .skip = 200});
	bench_text(0, "\xc8"
		      "ab");
	calls_are("open >0:\xc8"
		  "ab");
	cr_assert(feeder_skips(&bench.f, 0, 3, 201));
	cr_assert_not(feeder_skips(&bench.f, 0, 3, 202));
	cr_assert_not(feeder_skips(&bench.f, 0, 2, 201));
	bench_push(0, body, 100);
	calls_are("");
	bench_push(0, body, 98);
	calls_are(">201:");
	cr_assert_eq(bench.counters.skipped_bytes, 200);
	bench_text(0, "\1x");
	calls_are(">201:\1x");
}

Test(feed, ok_skip_within_the_bytes)
{
	answer((struct fed){.is = FED_OK, .used = 1, .skip = 2});
	answer((struct fed){.is = FED_OK, .used = 1, .skip = 2});
	answer((struct fed){.is = FED_OK});
	bench_text(0, "\2ab\2cd");
	calls_are("open >0:\2ab\2cd >3:\2cd >6:");
}

Test(feed, ok_skip_ends_together_with_more_bytes)
{
	answer((struct fed){.is = FED_OK, .used = 1, .skip = 4});
	bench_text(0, "\4a");
	bench_text(0, "bcd\1x");
	calls_are("open >0:\4a >5:\1x");
}

Test(feed, ok_skip_with_a_hole)
{
	answer((struct fed){.is = FED_OK, .used = 1, .skip = 20});
	bench_text(0, "\x14"
		      "ab");
	bench_gap(0, 7, WHY_LOST);
	bench_text(0, "jklmnopqrst\1x");
	calls_are("open >0:\x14"
		  "ab >21/7:\1x");
	cr_assert_eq(bench.recorder.holes, 0);
}

Test(feed, ok_skip_whose_end_is_the_hole)
{
	answer((struct fed){.is = FED_OK, .used = 1, .skip = 20});
	bench_text(0, "\x14"
		      "ab");
	bench_gap(0, 18, WHY_LOST);
	calls_are("open >0:\x14"
		  "ab >21/18:");
	cr_assert_eq(bench.recorder.holes, 0);
}

Test(feed, ok_skip_and_a_hole_beyond_it)
{
	answer((struct fed){.is = FED_OK, .used = 1, .skip = 20});
	bench_text(0, "\x14"
		      "ab");
	bench_gap(0, 25, WHY_SNAPLEN);
	calls_are("open >0:\x14"
		  "ab >21/18: gap>+7");
	cr_assert_eq(bench.recorder.holes, 1);
	cr_assert_eq(bench.recorder.last_hole, WHY_SNAPLEN);
	bench_text(0, "\1x");
	calls_are(">28:\1x");
}

Test(feed, ok_skip_again_at_its_end)
{
	answer((struct fed){.is = FED_OK, .used = 1, .skip = 4});
	answer((struct fed){.is = FED_OK, .skip = 3});
	bench_text(0, "\4");
	bench_gap(0, 5, WHY_LOST);
	calls_are("open >0:\4 >5/4:");
	bench_text(0, "zz");
	calls_are(">8/1:");
}

Test(feed, ok_bypass)
{
	answer((struct fed){.is = FED_OK, .used = 1, .skip = UINT64_MAX});
	bench_answer(FROM_SERVER, (struct fed){.is = FED_MORE, .want = 9});
	bench_text(1, "held");
	bench_text(0, "abc");
	bench_text(0, "def");
	bench_text(1, "ghi");
	calls_are("open <0:held >0:abc close");
	cr_assert(feeder_bypassed(&bench.f));
	cr_assert(feeder_skips(&bench.f, 0, 100, 200));
	cr_assert_eq(bench.counters.skipped_bytes, 12);
	cr_assert_eq(bench.counters.decoded_bytes, 1);
}

Test(feed, ok_junk_is_no_error)
{
	for (int i = 0; i < 5; i++) {
		answer((struct fed){.is = FED_OK, .junk = 3});
		bench_text(0, "???");
	}
	bench_message(FROM_CLIENT, (struct fed){.is = FED_OK, .used = 1}, 0);
	bench_text(0, "m");
	answer((struct fed){.is = FED_OK, .junk = 100});
	bench_text(0, "???");
	cr_assert_eq(bench.counters.junk_bytes, 18);
	cr_assert_eq(bench.counters.decode_errors, 0);
	cr_assert_eq(bench.recorder.holes, 6, "each time: much may have happened in between");
}

Test(feed, ok_without_progress_is_an_error)
{
	answer((struct fed){.is = FED_OK});
	bench_text(0, "abc");
	cr_assert_eq(bench.counters.decode_errors, 1);
	cr_assert_eq(bench.counters.junk_bytes, 3);
}

Test(feed, more)
{
	answer((struct fed){.is = FED_MORE, .used = 2, .want = 4});
	bench_text(0, "\1x\3ab");
	cr_assert_eq(feeder_held(&bench.f), 3);
	bench_text(0, "c\1y");
	calls_are("open >0:\1x\3ab >2:\3abc\1y");
	cr_assert_eq(feeder_held(&bench.f), 0);
}

Test(feed, more_is_not_called_before_it_has_what_it_wants)
{
	answer((struct fed){.is = FED_MORE, .want = 5});
	answer((struct fed){.is = FED_MORE});
	for (int i = 0; i < 6; i++)
		bench_text(0, "a");
	calls_are("open >0:a >0:aaaaa >0:aaaaaa");
}

Test(feed, more_of_nothing)
{
	answer((struct fed){.is = FED_MORE, .used = 1, .want = 3});
	bench_text(0, "a");
	bench_text(0, "b");
	bench_text(0, "c");
	calls_are("open >0:a");
	bench_text(0, "d");
	calls_are(">1:bcd");
}

Test(feed, more_than_may_be_held)
{
	answer((struct fed){.is = FED_MORE, .want = 10});
	bench_text(0, "abc");
	answer((struct fed){.is = FED_MORE, .want = 11});
	bench_text(0, "defghij");
	calls_are("open >0:abc >0:abcdefghij gap>+10");
	cr_assert_eq(bench.counters.decode_limits, 1);
	cr_assert_eq(bench.counters.junk_bytes, 10);
	cr_assert_eq(bench.recorder.last_hole, WHY_LIMIT);
	bench_text(0, "k");
	calls_are(">10:k");
}

Test(feed, bad_junk)
{
	answer((struct fed){.is = FED_BAD, .junk = 3, .why = WHY_MALFORMED});
	bench_push(0, "\0\0\0\1x", 5);
	cr_assert_eq(bench.counters.junk_bytes, 3);
	cr_assert_eq(bench.counters.decoded_bytes, 2);
	cr_assert_eq(bench.recorder.holes, 1);
}

Test(feed, bad_without_junk_drops_all)
{
	answer((struct fed){.is = FED_BAD, .used = 1, .why = WHY_UNSUPPORTED});
	bench_text(0, "abc");
	bench_text(0, "d");
	calls_are("open >0:abc >3:d");
	cr_assert_eq(bench.counters.junk_bytes, 2);
}

Test(feed, three_bads_end_the_connection)
{
	for (int i = 0; i < 3; i++)
		answer((struct fed){.is = FED_BAD, .junk = 1});
	bench_text(0, "abcd");
	bench_text(1, "e");
	calls_are("open >0:abcd >1:bcd >2:cd close");
	cr_assert_eq(bench.counters.junk_bytes, 3);
	cr_assert_eq(bench.counters.skipped_bytes, 2);
	cr_assert_eq(bench.counters.decode_ended, 2);
	cr_assert(feeder_bypassed(&bench.f));
}

Test(feed, a_message_between_forgives)
{
	for (int i = 0; i < 3; i++) {
		answer((struct fed){.is = FED_BAD, .junk = 1});
		answer((struct fed){.is = FED_BAD, .junk = 1});
		bench_message(FROM_CLIENT, (struct fed){.is = FED_OK, .used = 1}, 0);
	}
	bench_text(0, "abcdefghi");
	cr_assert_not(feeder_bypassed(&bench.f));
}

Test(feed, a_cut_message_does_not)
{
	answer((struct fed){.is = FED_BAD, .junk = 1});
	answer((struct fed){.is = FED_BAD, .junk = 1});
	bench_message(FROM_CLIENT, (struct fed){.is = FED_OK, .used = 1}, MESSAGE_CUT);
	answer((struct fed){.is = FED_BAD, .junk = 1});
	bench_text(0, "abcd");
	cr_assert(feeder_bypassed(&bench.f));
}

Test(feed, gap_makes_junk_of_what_is_held)
{
	answer((struct fed){.is = FED_MORE, .want = 9});
	bench_text(0, "abc");
	bench_gap(0, 5, WHY_LOST);
	bench_text(0, "x");
	calls_are("open >0:abc gap>+8 >8:x");
	cr_assert_eq(bench.counters.junk_bytes, 3);
}

Test(feed, gap_answers)
{
	script.gap = GAP_GOES_ON;
	bench_gap(0, 5, WHY_LOST);
	cr_assert_eq(bench.recorder.holes, 0);
	script.gap = GAP_RESYNC;
	bench_gap(0, 5, WHY_LOST);
	cr_assert_eq(bench.recorder.holes, 1);
	script.gap = GAP_DEAD;
	bench_gap(0, 5, WHY_LOST);
	cr_assert_eq(bench.recorder.holes, 2);
	bench_text(0, "abc");
	bench_gap(0, 5, WHY_LOST);
	bench_text(1, "def");
	calls_are("open gap>+5 gap>+5 gap>+5 <0:def");
	cr_assert_eq(bench.counters.junk_bytes, 3);
	cr_assert_eq(bench.counters.decode_ended, 1);
	cr_assert(feeder_skips(&bench.f, 0, 23, 24));
	cr_assert_not(feeder_bypassed(&bench.f));
}

Test(feed, end_is_told_before_the_held_bytes_go)
{
	answer((struct fed){.is = FED_MORE, .want = 9});
	bench_text(0, "abc");
	bench_end(0, END_RST);
	bench_end(0, END_FIN);
	bench_text(0, "late");
	calls_are("open >0:abc end>1");
	cr_assert_eq(bench.counters.junk_bytes, 7);
}

Test(feed, an_end_without_bytes_opens_nothing)
{
	bench_end(0, END_FIN);
	bench_end(1, END_FIN);
	calls_are("");
}

Test(feed, used_and_junk_beyond_the_bytes_are_cut)
{
	answer((struct fed){.is = FED_OK, .used = 100});
	bench_text(0, "abc");
	answer((struct fed){.is = FED_BAD, .used = 1, .junk = 100});
	bench_text(0, "abc");
	cr_assert_eq(bench.counters.decoded_bytes, 4);
	cr_assert_eq(bench.counters.junk_bytes, 2);
}

Test(feed, bytes_that_were_not_kept)
{
	answer((struct fed){.is = FED_OK, .used = 1, .skip = 5});
	bench_text(0, "x");
	bench.pushed += 8;
	struct origin o = {9, 9, 0};
	feeder_push(&bench.f, 0, view_of(NULL, 3), &o);
	calls_are("open >0:x");
	feeder_push(&bench.f, 0, view_of(NULL, 5), &o);
	calls_are(">6: gap>+3");
	cr_assert_eq(bench.counters.junk_bytes, 3);
}

Test(feed, a_cut_message_ends_where_its_bytes_end)
{
	bench_message(FROM_CLIENT, (struct fed){.is = FED_OK, .used = 1, .skip = 9}, MESSAGE_CUT);
	bench_text(0, "abc");
	cr_assert_eq(bench.recorder.list[0].to, 3);
}

static void start_keyed(void)
{
	bench_start(&script_keyed_ops, NULL);
}

TestSuite(feed_keyed, .init = start_keyed, .fini = bench_done);

Test(feed_keyed, three_bads_end_one_direction)
{
	for (int i = 0; i < 3; i++)
		answer((struct fed){.is = FED_BAD, .junk = 1});
	bench_text(0, "abcd");
	bench_text(1, "e");
	calls_are(">0:abcd >1:bcd >2:cd <0:e");
	cr_assert_eq(bench.counters.junk_bytes, 4);
	cr_assert_eq(bench.counters.decode_ended, 1);
}

Test(feed_keyed, a_dead_direction_each_bypasses)
{
	for (int i = 0; i < 3; i++) {
		answer((struct fed){.is = FED_BAD, .junk = 1});
		bench_answer(FROM_SERVER, (struct fed){.is = FED_BAD, .junk = 1});
	}
	bench_text(0, "abc");
	cr_assert_not(feeder_bypassed(&bench.f));
	bench_text(1, "abc");
	cr_assert(feeder_bypassed(&bench.f));
}

Test(feed_keyed, a_state_at_rest_is_given_back)
{
	bench_text(0, "abc");
	cr_assert(bench.f.state);
	cr_assert_not(feeder_at_rest(&bench.f));
	script.rests = true;
	for (int i = 0; i < 3; i++) {
		bench_text(i & 1, "def");
		cr_assert_null(bench.f.state);
		cr_assert(feeder_at_rest(&bench.f));
	}
	cr_assert_leq(pool_used(bench.world.pool), 64); /* for whoever is next */
	bench_end(0, END_FIN);
	script.rests = false;
	bench_text(1, "ghi");
	cr_assert(bench.f.state);
	calls_are(">0:abc >3:def <0:def >6:def <3:ghi");
}

Test(feed_keyed, a_state_at_rest_is_anybodys)
{
	struct feeder other;
	script.rests = true;
	bench_text(0, "abc");
	feeder_init(&other, &bench.world, &script_keyed_ops);
	feeder_push(&other, 0, view_text("def"), &(struct origin){0});
	cr_assert_null(other.state);
	bench_text(0, "ghi");
	cr_assert_leq(pool_used(bench.world.pool), 64);
	feeder_done(&other);
	cr_assert_eq(pool_used(bench.world.pool), 0);
	bench_text(0, "jkl");
	calls_are(">0:abc >0:def >3:ghi >6:jkl");
	bench.pushed += 3;
}

Test(feed_keyed, no_memory_for_the_state)
{
	pool_fail_at(bench.world.pool, 1);
	bench_text(0, "abc");
	bench_text(1, "abc");
	calls_are("");
	cr_assert(feeder_bypassed(&bench.f));
	cr_assert_eq(bench.counters.flows_nomem, 1);
	cr_assert_eq(bench.counters.skipped_bytes, 6);
}

Test(feed_keyed, no_memory_for_a_hold)
{
	answer((struct fed){.is = FED_MORE, .want = 5});
	bench_text(1, "x");
	pool_fail_at(bench.world.pool, 1);
	bench_text(0, "abc");
	cr_assert(feeder_bypassed(&bench.f));
	cr_assert_eq(bench.counters.flows_nomem, 1);
}

static void start_datagram(void)
{
	bench_start(&script_keyed_ops, NULL);
	bench.f.datagram = 1;
}

TestSuite(feed_datagram, .init = start_datagram, .fini = bench_done);

Test(feed_datagram, more_is_truncated)
{
	answer((struct fed){.is = FED_MORE, .used = 1, .want = 5});
	bench_text(0, "abc");
	bench_text(0, "def");
	calls_are(">0:abc >3:def");
	cr_assert_eq(bench.counters.junk_bytes, 2);
	cr_assert_eq(bench.counters.decode_errors, 1);
	cr_assert_eq(bench.recorder.holes, 0, "a bad datagram says nothing about others");
}

Test(feed_datagram, a_skip_ends_with_it)
{
	answer((struct fed){.is = FED_OK, .used = 1, .skip = 5});
	bench_text(0, "abc");
	bench_text(0, "def");
	calls_are(">0:abc >3/3: >3:def");
}

static void start_toy(void)
{
	bench_start(&toy_fifo_ops, NULL);
}

TestSuite(origins, .init = start_toy, .fini = bench_done);

static void seen(size_t i, uint64_t first, uint64_t last)
{
	const struct recorded *x = &bench.recorder.list[i];
	cr_assert_lt(i, bench.recorder.count);
	cr_assert_eq(x->first.frame, first, "message %zu begins in %ju", i,
		     (uintmax_t)x->first.frame);
	cr_assert_eq(x->last.frame, last, "message %zu ends in %ju", i, (uintmax_t)x->last.frame);
}

Test(origins, of_held_messages)
{
	bench_push(0, "\xa5\0", 2);
	bench_push(0, "\3a", 2);
	bench_push(0, "bc\xa5\0\0\xa5", 6);
	bench_push(0, "\0\0", 2);
	seen(0, 1, 3);
	seen(1, 3, 3);
	seen(2, 3, 4);
}

Test(origins, of_a_message_that_a_gap_ends)
{
	bench_push(0, "\xa5\0\x20xx", 5);
	bench_push(0, "xx", 2);
	bench_gap(0, 28, WHY_LOST);
	seen(0, 1, 2);
}

Test(origins, of_a_message_that_the_end_cuts)
{
	bench_push(0, "\xa5\0\x20xx", 5);
	bench_push(0, "xx", 2);
	bench_end(0, END_RST);
	seen(0, 1, 2);
	cr_assert_eq(bench.recorder.list[0].to, 7);
}

Test(origins, of_a_message_that_a_larger_gap_ends_while_bytes_are_held)
{
	bench_push(0, "\xa5\0\x20xx", 5);
	bench_push(0, "xx", 2);
	bench_gap(0, 40, WHY_LOST);
	bench_push(0, "xx\xa5\0\1", 5);
	bench_push(0, "a", 1);
	seen(0, 1, 2);
	seen(1, 4, 5);
}
