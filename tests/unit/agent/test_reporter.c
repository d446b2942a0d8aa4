/* SPDX-License-Identifier: Apache-2.0 */
/* The reporter: periods come out in order, once all sources sealed them. */
#include <criterion/criterion.h>

#include "agent/meter.h"

static struct {
	uint64_t begin_ns, frames, trips;
} got[8];
static unsigned count;
static struct reporter r;

static void on_report(void *data, const struct report *report, struct buf *to)
{
	(void)data;
	(void)to;
	got[count].begin_ns = report->begin_ns;
	got[count].frames = report->counters.frames;
	got[count++].trips = report->metrics->talkers.count;
}

static struct pipeline_options options = {
	.workers = 2, .measure = true, .interval_ns = 100, .report = on_report};

static void setup(void)
{
	count = 0;
	r = (struct reporter){0};
	cr_assert_eq(reporter_init(&r, &options, 3, NULL), 0);
}

static void teardown(void)
{
	reporter_done(&r);
}

TestSuite(reporter, .init = setup, .fini = teardown);

/* A source's seal; `host`, if any, talked. */
static void seal(unsigned source, uint64_t end_ns, uint64_t frames, unsigned host)
{
	const uint8_t b[4] = {10, 0, 0, (uint8_t)host};
	struct address a = address_v4(b);
	struct seal s = {.end_ns = end_ns, .counters.frames = frames};

	if (host) {
		s.metrics = metrics_new();
		cr_assert_not_null(s.metrics);
		talkers_traffic(&s.metrics->talkers, &a, &a, 1, 1);
	}
	reporter_take(&r, source, &s);
}

Test(reporter, waits_for_all_sources)
{
	seal(0, 200, 10, 0);
	seal(1, 200, 0, 1);
	cr_assert_eq(count, 0);
	seal(2, 200, 0, 2);
	cr_assert_eq(count, 1);
	cr_assert_eq(got[0].begin_ns, 100);
	cr_assert_eq(got[0].frames, 10);
	cr_assert_eq(got[0].trips, 2);
}

/* One source runs ahead; the counters are those of each period alone. */
Test(reporter, in_order)
{
	for (uint64_t i = 1; i <= 4; i++)
		seal(0, 100 * i, 10 * i, 0);
	for (uint64_t i = 1; i <= 4; i++)
		seal(1, 100 * i, i, 1);
	cr_assert_eq(count, 0);
	for (uint64_t i = 1; i <= 4; i++)
		seal(2, 100 * i, 0, i == 2 ? 2 : 0);
	cr_assert_eq(count, 4);
	for (unsigned i = 0; i < 4; i++) {
		cr_assert_eq(got[i].begin_ns, 100 * i);
		cr_assert_eq(got[i].frames, 11);
		cr_assert_eq(got[i].trips, i == 1 ? 2 : 1);
	}
	cr_assert_eq(r.total->talkers.count, 2);
}

/* A source that came late for a period is waited for, but not at the end. */
Test(reporter, what_is_left_at_the_end)
{
	seal(0, 100, 1, 1);
	seal(1, 300, 2, 2);
	seal(2, 200, 1, 3);
	reporter_finish(&r);
	cr_assert_eq(count, 3);
	cr_assert_eq(got[1].begin_ns, 100);
	cr_assert_eq(r.total->talkers.count, 3);
}

Test(reporter, nothing_came)
{
	seal(0, 100, 0, 0);
	reporter_finish(&r);
	cr_assert_eq(count, 0);
}

/* A source to which nothing came for a while sealed a later one: what is before is complete. */
Test(reporter, a_source_leaves_periods_out)
{
	seal(0, 100, 1, 0);
	seal(1, 100, 4, 0);
	seal(0, 200, 2, 0);
	seal(0, 300, 3, 0);
	cr_assert_eq(count, 0);
	seal(2, 300, 100, 1);
	cr_assert_eq(count, 1);
	seal(1, 400, 9, 0);
	cr_assert_eq(count, 3);
	cr_assert_eq(got[0].frames, 5);
	cr_assert_eq(got[1].frames, 1);
	cr_assert_eq(got[2].frames, 101);
	reporter_finish(&r);
	cr_assert_eq(count, 4);
	cr_assert_eq(got[3].frames, 5);
}

/* Live, a quiet interval is reported like any other. */
Test(reporter, quiet_live)
{
	static const struct live_options live;

	options.live = &live;
	for (unsigned i = 0; i < 3; i++)
		seal(i, 100, 0, 0);
	options.live = NULL;
	cr_assert_eq(count, 1);
	cr_assert_eq(got[0].frames, 0);
}
