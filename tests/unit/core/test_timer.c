/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "core/timer.h"

struct bell {
	struct timer timer;
	struct timer_wheel *wheel;
	unsigned rings;
	uint64_t again_ns, every_ns; /* set again to this, or so much later, when it rings */
	struct bell *silences;
};

static void ring(void *data, struct timer *t)
{
	struct bell *b = (struct bell *)t;

	(*(unsigned *)data)++;
	b->rings++;
	if (b->silences)
		timer_clear(b->wheel, &b->silences->timer);
	if (b->every_ns)
		timer_set(b->wheel, t, t->deadline_ns + b->every_ns);
	if (b->again_ns) {
		timer_set(b->wheel, t, b->again_ns);
		b->again_ns = 0;
	}
}

static struct timer_wheel *new_wheel(void)
{
	struct timer_wheel *w = malloc(sizeof(*w));

	timer_wheel_init(w);
	return w;
}

Test(timer, fires_at_the_first_tick_at_or_after)
{
	struct timer_wheel *w = new_wheel();
	struct bell a = {.wheel = w}, b = {.wheel = w}, c = {.wheel = w};
	unsigned n = 0;

	timer_run(w, 1000 * TICK_NS, ring, &n);
	timer_set(w, &a.timer, 1005 * TICK_NS);
	timer_set(w, &b.timer, 1005 * TICK_NS + 1);
	timer_set(w, &c.timer, 3 * TICK_NS);
	cr_assert(timer_armed(&a.timer));
	timer_run(w, 1001 * TICK_NS - 1, ring, &n);
	cr_expect_eq(n, 0, "within the tick that was run");
	timer_run(w, 1001 * TICK_NS, ring, &n);
	cr_expect_eq(c.rings, 1, "a deadline in the past fires at the next tick");
	timer_run(w, 1005 * TICK_NS - 1, ring, &n);
	cr_expect_eq(a.rings, 0);
	timer_run(w, 1006 * TICK_NS - 1, ring, &n);
	cr_expect_eq(a.rings, 1);
	cr_expect_eq(b.rings, 0);
	cr_expect_not(timer_armed(&a.timer));
	timer_run(w, 1006 * TICK_NS, ring, &n);
	cr_expect_eq(b.rings, 1);
	free(w);
}

Test(timer, far_deadlines_wait_for_their_round)
{
	struct timer_wheel *w = new_wheel();
	struct bell a = {.wheel = w}, b = {.wheel = w};
	unsigned n = 0;

	timer_run(w, 0, ring, &n);
	timer_set(w, &a.timer, (2 * TIMER_SLOTS + 7) * TICK_NS);
	timer_set(w, &b.timer, UINT64_MAX);
	for (uint64_t tick = 1; tick < 2 * TIMER_SLOTS + 7; tick++)
		timer_run(w, tick * TICK_NS, ring, &n);
	cr_expect_eq(n, 0);
	timer_run(w, (2 * TIMER_SLOTS + 7) * TICK_NS, ring, &n);
	cr_expect_eq(a.rings, 1);
	cr_expect(timer_armed(&b.timer));
	timer_clear(w, &b.timer);
	timer_clear(w, &b.timer);
	cr_expect_not(timer_armed(&b.timer));
	free(w);
}

Test(timer, time_leaps_and_begins_anywhere)
{
	struct timer_wheel *w = new_wheel();
	struct bell bell[100] = {0};
	uint64_t now_ns = 1700000000 * NS_PER_S;
	unsigned n = 0;

	for (unsigned i = 0; i < 100; i++)
		timer_set(w, &bell[i].timer, now_ns + i * 990 * NS_PER_MS);
	timer_run(w, now_ns - NS_PER_S, ring, &n);
	cr_expect_eq(n, 0);
	timer_run(w, now_ns + 50 * 990 * NS_PER_MS, ring, &n);
	cr_expect_eq(n, 51);
	timer_run(w, now_ns + 3600 * NS_PER_S, ring, &n);
	cr_expect_eq(n, 100);
	free(w);
}

Test(timer, set_and_clear_while_firing)
{
	struct timer_wheel *w = new_wheel();
	struct bell a = {.wheel = w}, b = {.wheel = w}, c = {.wheel = w}, d = {.wheel = w};
	unsigned n = 0;

	timer_run(w, 10 * TICK_NS, ring, &n);
	a.silences = &b;
	c.again_ns = 15 * TICK_NS;
	d.every_ns = TICK_NS;
	timer_set(w, &a.timer, 12 * TICK_NS);
	timer_set(w, &b.timer, 12 * TICK_NS);
	timer_set(w, &c.timer, 12 * TICK_NS);
	timer_set(w, &d.timer, 12 * TICK_NS);
	timer_run(w, 20 * TICK_NS, ring, &n);
	cr_expect_eq(a.rings, 1);
	cr_expect_eq(b.rings, 0, "cleared by the one before it");
	cr_expect_eq(c.rings, 2, "again in the same run");
	cr_expect_eq(d.rings, 9, "at 12 to 20");
	cr_expect(timer_armed(&d.timer));
	free(w);
}

/* Whoever looks at each tick, or seldom, sees the same timers fire by then. */
Test(timer, same_result_however_often_one_looks)
{
	enum { N = 500 };
	static struct bell often[N], seldom[N];
	struct timer_wheel *w1 = new_wheel(), *w2 = new_wheel();
	unsigned n1 = 0, n2 = 0;

	srand(7);
	timer_run(w1, 0, ring, &n1);
	timer_run(w2, 0, ring, &n2);
	for (unsigned i = 0; i < N; i++) {
		uint64_t at = (uint64_t)rand() % (30 * NS_PER_S);

		timer_set(w1, &often[i].timer, at);
		timer_set(w2, &seldom[i].timer, at);
	}
	for (uint64_t now_ns = 0; now_ns <= 30 * NS_PER_S; now_ns += 3 * NS_PER_MS) {
		timer_run(w1, now_ns, ring, &n1);
		if (now_ns % (999 * NS_PER_MS))
			continue;
		timer_run(w2, now_ns, ring, &n2);
		cr_assert_eq(n1, n2);
		for (unsigned i = 0; i < N; i++)
			cr_assert_eq(often[i].rings, seldom[i].rings);
	}
	free(w1);
	free(w2);
}

Test(timer, moves)
{
	struct timer_wheel *w = new_wheel();
	struct bell a = {.wheel = w};
	unsigned n = 0;

	timer_run(w, TICK_NS, ring, &n);
	timer_set(w, &a.timer, 3 * TICK_NS);
	timer_set(w, &a.timer, 9 * TICK_NS);
	timer_run(w, 8 * TICK_NS, ring, &n);
	cr_expect_eq(n, 0);
	timer_run(w, 9 * TICK_NS, ring, &n);
	cr_expect_eq(n, 1);
	free(w);
}
