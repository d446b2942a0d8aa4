/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "metrics/histogram.h"

static struct histogram h;

static void done(void)
{
	histogram_done(&h);
}

TestSuite(histogram, .fini = done);

/* A generator of the test's own: the same numbers everywhere. */
static uint64_t state;

static uint64_t next(void)
{
	state += 0x9e3779b97f4a7c15ull;
	uint64_t z = (state ^ state >> 30) * 0xbf58476d1ce4e5b9ull;

	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* Any size: as many small values as large ones. */
static uint64_t next_of_any_size(void)
{
	uint64_t bits = next();

	return next() >> bits % 64;
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The value at the place that histogram_quantile() documents. */
static uint64_t exact(const uint64_t *sorted, uint64_t n, unsigned permille)
{
	uint64_t place = (n * permille + 999) / 1000;

	return sorted[place ? place - 1 : 0];
}

static void check_near(uint64_t got, uint64_t wanted)
{
	uint64_t away = got > wanted ? got - wanted : wanted - got;

	cr_assert_leq(away, wanted / 128, "%llu is not near %llu", (unsigned long long)got,
		      (unsigned long long)wanted);
}

Test(histogram, empty)
{
	cr_assert_eq(histogram_quantile(&h, 500), 0);
	cr_assert_eq(h.max, 0);
}

Test(histogram, the_last_one_is_exact)
{
	histogram_add(&h, 3000000);
	cr_assert_eq(histogram_quantile(&h, 0), 3000000);
	histogram_add(&h, 3000001);
	cr_assert_eq(histogram_quantile(&h, 501), 3000001);
}

Test(histogram, small_values_are_exact)
{
	for (uint64_t v = 0; v < 128; v++) {
		histogram_add(&h, v);
		cr_assert_eq(histogram_quantile(&h, 1000), v);
		cr_assert_eq(histogram_quantile(&h, 0), 0);
	}
	cr_assert_eq(histogram_quantile(&h, 500), 63);
	cr_assert_eq(h.count, 128);
}

Test(histogram, every_power_of_two_and_its_neighbours)
{
	for (unsigned bit = 0; bit < 64; bit++) {
		for (int i = -1; i <= 1; i++) {
			uint64_t v = ((uint64_t)1 << bit) + (uint64_t)(int64_t)i;
			struct histogram one = {0};

			histogram_add(&one, v);
			histogram_add(&one, UINT64_MAX); /* or max would hide the error */
			check_near(histogram_quantile(&one, 500), v);
			histogram_done(&one);
		}
	}
	histogram_add(&h, UINT64_MAX);
	cr_assert_eq(h.max, UINT64_MAX);
	check_near(histogram_quantile(&h, 990), UINT64_MAX);
}

Test(histogram, quantiles_of_random_values)
{
	static const unsigned permille[] = {0, 1, 10, 250, 500, 900, 990, 999, 1000};
	static uint64_t value[5000];

	for (unsigned round = 0; round < 300; round++) {
		uint64_t n = 1 + next() % 5000, around = next_of_any_size() >> 8;
		struct histogram some = {0};

		for (uint64_t i = 0; i < n; i++) {
			value[i] =
				round % 2 ? next_of_any_size() : around + next() % (around / 4 + 2);
			histogram_add(&some, value[i]);
		}
		qsort(value, n, sizeof(*value), ascending);
		for (unsigned i = 0; i < sizeof(permille) / sizeof(*permille); i++)
			check_near(histogram_quantile(&some, permille[i]),
				   exact(value, n, permille[i]));
		cr_assert_eq(some.count, n);
		cr_assert_eq(some.max, value[n - 1]);
		histogram_done(&some);
	}
}

Test(histogram, merged_is_as_if_added_together)
{
	struct histogram part[3] = {0};

	for (unsigned i = 0; i < 3000; i++) {
		uint64_t v = next_of_any_size();

		histogram_add(&h, v);
		histogram_add(&part[v % 3], v);
	}
	histogram_merge(&part[1], &part[2]);
	histogram_merge(&part[0], &part[1]);
	cr_assert_eq(part[0].count, h.count);
	cr_assert_eq(part[0].max, h.max);
	for (unsigned permille = 0; permille <= 1000; permille++)
		cr_assert_eq(histogram_quantile(&part[0], permille),
			     histogram_quantile(&h, permille));
	for (unsigned i = 0; i < 3; i++)
		histogram_done(&part[i]);
}

Test(histogram, a_huge_count_does_not_overflow)
{
	histogram_add_first(&h, 0, 1, UINT64_MAX / 2);
	histogram_add_first(&h, 0, 2, UINT64_MAX / 2);
	h.max = 2;
	cr_assert_eq(histogram_quantile(&h, 499), 1);
	cr_assert_eq(histogram_quantile(&h, 501), 2);
}
