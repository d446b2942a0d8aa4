/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "metrics/metrics.h"

static struct talkers t;

static void done(void)
{
	talkers_done(&t);
}

TestSuite(talkers, .fini = done);

static struct address host(uint32_t n)
{
	uint8_t b[4] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};

	return address_v4(b);
}

static void traffic(struct talkers *to, uint32_t a, uint32_t b, uint64_t sent, uint64_t received)
{
	struct address x = host(a), y = host(b);

	talkers_traffic(to, &x, &y, sent, received);
}

static void roundtrip(struct talkers *to, uint32_t client, uint32_t server)
{
	struct address x = host(client), y = host(server);

	talkers_roundtrip(to, &x, &y);
}

static void check_first(enum talker_order order, uint32_t n)
{
	struct talker first;
	struct address wanted = host(n);

	cr_assert_eq(talkers_top(&t, order, 1, &first), 1);
	cr_assert_arr_eq(first.address.b, wanted.b, sizeof(wanted.b));
}

Test(talkers, both_directions_and_both_roles)
{
	struct talker top[4];

	traffic(&t, 1, 2, 100, 10);
	traffic(&t, 3, 1, 5, 0);
	roundtrip(&t, 1, 2);
	roundtrip(&t, 1, 2);
	roundtrip(&t, 2, 3);
	cr_assert_eq(talkers_top(&t, TALKERS_BY_BYTES, 4, top), 3);
	cr_assert_eq(top[0].sent, 100);
	cr_assert_eq(top[0].received, 15);
	cr_assert_eq(top[0].asked, 2);
	cr_assert_eq(top[1].sent, 10);
	cr_assert_eq(top[1].answered, 2);
	cr_assert_eq(top[1].asked, 1);
	check_first(TALKERS_BY_BYTES, 1);
	check_first(TALKERS_BY_ROUND_TRIPS, 2);
}

Test(talkers, ties_go_by_the_address)
{
	struct talker top[3];

	for (uint32_t n = 9; n > 0; n--)
		traffic(&t, n, n + 100, 1, 0);
	cr_assert_eq(talkers_top(&t, TALKERS_BY_BYTES, 3, top), 3);
	for (uint32_t n = 0; n < 3; n++)
		cr_assert_eq(top[n].address.b[15], n + 1);
}

Test(talkers, who_has_nothing_is_not_on_top)
{
	struct talker top[4];

	traffic(&t, 1, 2, 1, 0);
	roundtrip(&t, 3, 4);
	cr_assert_eq(talkers_top(&t, TALKERS_BY_BYTES, 4, top), 2);
	cr_assert_eq(talkers_top(&t, TALKERS_BY_ROUND_TRIPS, 4, top), 2);
}

Test(talkers, merged_is_as_if_added_together)
{
	struct talkers part[2] = {0};
	static struct talker a[3000], b[3000];

	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t x = i * 7919 % 1009, y = i * 104729 % 2003;

		traffic(&t, x, y, i, 1);
		roundtrip(&t, y, x);
		traffic(&part[i % 2], x, y, i, 1);
		roundtrip(&part[i % 2], y, x);
	}
	talkers_merge(&part[0], &part[1]);
	unsigned n = talkers_top(&t, TALKERS_BY_BYTES, 3000, a);

	cr_assert_eq(talkers_top(&part[0], TALKERS_BY_BYTES, 3000, b), n);
	cr_assert_eq(n, t.count);
	cr_assert_arr_eq((uint8_t *)a, (uint8_t *)b, n * sizeof(*a));
	cr_assert_eq(t.forgotten, 0);
	for (unsigned i = 0; i < 2; i++)
		talkers_done(&part[i]);
}

/* Ten times as many hosts as there is room for: those that matter stay, and nothing vanishes from the sum. */
Test(talkers, memory_is_bounded)
{
	enum { HOSTS = 10 * TALKERS_MAX };
	uint64_t bytes = 0, trips = 0;

	for (uint32_t i = 0; i < HOSTS; i++) {
		traffic(&t, 1000 + i, 1, 10, 0);
		roundtrip(&t, 1000 + i, i % 2 ? 2 : 1000 + i / 2);
		cr_assert_leq(t.count, TALKERS_MAX);
	}
	cr_assert_gt(t.forgotten, 0);
	for (uint32_t i = 0; i < t.count; i++) {
		bytes += t.list[i].sent;
		trips += t.list[i].asked;
	}
	cr_assert_eq(bytes + t.rest.sent, 10ull * HOSTS);
	cr_assert_eq(trips + t.rest.asked, HOSTS);
	check_first(TALKERS_BY_BYTES, 1);
	check_first(TALKERS_BY_ROUND_TRIPS, 2);
	struct talker top;

	talkers_top(&t, TALKERS_BY_BYTES, 1, &top);
	cr_assert_eq(top.received, 10ull * HOSTS);
}
