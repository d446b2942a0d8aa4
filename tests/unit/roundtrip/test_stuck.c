/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that are told of while their answer is out (--stuck): "a&". */
#include "tests/unit/roundtrip/brackets.h"

#define STUCK_NS (800 * NS_PER_MS)

static void start(const struct protocol_ops *ops)
{
	brackets_stop();
	brackets_start(ops);
	brackets.world.stuck_ns = STUCK_NS;
}

static void setup(void)
{
	brackets_start(&fifo_ops);
	brackets.world.stuck_ns = STUCK_NS;
}

TestSuite(stuck, .init = setup, .fini = brackets_stop);

static uint64_t deadline(void)
{
	return keeper_stuck_deadline(&brackets.keeper, brackets.now_ns);
}

Test(stuck, told_once_and_answered_later)
{
	cr_expect_eq(deadline(), UINT64_MAX);
	client("(a)");
	cr_expect_eq(deadline(), brackets.now_ns + STUCK_NS);
	tick_after_ms(799);
	said_is("");
	tick_after_ms(1);
	said_is("a&");
	tick_after_ms(5000);
	said_is("");
	server("(A)");
	said_is("a=A");
	cr_expect_eq(deadline(), UINT64_MAX);
}

Test(stuck, those_behind_are_told_in_their_time)
{
	client("(a)");
	tick_after_ms(500);
	client("(b)");
	tick_after_ms(300);
	said_is("a&");
	cr_expect_eq(deadline(), brackets.now_ns + STUCK_NS / 8);
	tick_after_ms(600);
	said_is("b&");
	finish(END_FIN);
	said_is("a?closed b?closed");
	cr_expect_eq(counted(requests), 2);
	cr_expect_eq(counted(roundtrips_unanswered), 2);
}

Test(stuck, by_key)
{
	start(&unique_ops);
	client("(1a)(2b)");
	tick_after_ms(400);
	server("(1A)");
	said_is("a=A");
	tick_after_ms(400);
	said_is("b&");
	server("(2B)");
	said_is("b=B");
}

Test(stuck, not_after_a_timeout)
{
	start(&timed_ops);
	client("(a)");
	tick_after_ms(100);
	said_is("a?timeout");
	tick_after_ms(1000);
	said_is("");
	server("(A)");
	said_is("-A:late");
}

Test(stuck, off)
{
	brackets.world.stuck_ns = 0;
	client("(a)");
	cr_expect_eq(deadline(), UINT64_MAX);
	tick_after_ms(100000);
	said_is("");
	server("(A)");
	said_is("a=A");
}
