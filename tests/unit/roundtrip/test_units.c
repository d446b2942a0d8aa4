/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "roundtrip/units.h"

static uint64_t duration_of(const char *text)
{
	uint64_t ns = 12345;

	return units_duration(view_text(text), &ns) < 0 ? UINT64_MAX : ns;
}

static uint64_t size_of(const char *text)
{
	uint64_t n = 12345;

	return units_size(view_text(text), &n) < 0 ? UINT64_MAX : n;
}

static uint64_t time_of(const char *text)
{
	uint64_t ns = 12345;

	return units_time(view_text(text), &ns) < 0 ? UINT64_MAX : ns;
}

Test(units, durations)
{
	cr_assert_eq(duration_of("100ms"), 100000000);
	cr_assert_eq(duration_of("1.5s"), 1500000000);
	cr_assert_eq(duration_of("0.000000001"), 1);
	cr_assert_eq(duration_of("0.00000000199"), 1);
	cr_assert_eq(duration_of("2"), 2000000000);
	cr_assert_eq(duration_of("3m"), 180000000000);
	cr_assert_eq(duration_of("7ns"), 7);
	cr_assert_eq(duration_of("7us"), 7000);
	cr_assert_eq(duration_of("18446744073"), 18446744073000000000u);
	cr_assert_eq(duration_of("18446744074"), UINT64_MAX);
	cr_assert_eq(duration_of("99999999999999999999"), UINT64_MAX);
	cr_assert_eq(duration_of(""), UINT64_MAX);
	cr_assert_eq(duration_of("ms"), UINT64_MAX);
	cr_assert_eq(duration_of("-1s"), UINT64_MAX);
	cr_assert_eq(duration_of("1."), UINT64_MAX);
	cr_assert_eq(duration_of("1.5ns"), UINT64_MAX);
	cr_assert_eq(duration_of("1 s"), UINT64_MAX);
	cr_assert_eq(duration_of("1x"), UINT64_MAX);
}

Test(units, sizes)
{
	cr_assert_eq(size_of("0"), 0);
	cr_assert_eq(size_of("10B"), 10);
	cr_assert_eq(size_of("10KB"), 10000);
	cr_assert_eq(size_of("1.5KiB"), 1536);
	cr_assert_eq(size_of("2MiB"), 2 << 20);
	cr_assert_eq(size_of("1.5"), UINT64_MAX);
	cr_assert_eq(size_of("10 KB"), UINT64_MAX);
	cr_assert_eq(size_of("17179869184GiB"), UINT64_MAX);
}

Test(units, times)
{
	cr_assert_eq(time_of("1970-01-01"), 0);
	cr_assert_eq(time_of("2026-01-01T00:00:00.123456789Z"), 1767225600123456789);
	cr_assert_eq(time_of("2026-01-01T00:00:00.1234567891Z"), UINT64_MAX);
	cr_assert_eq(time_of("2024-02-29T12"), 1709208000000000000);
	cr_assert_eq(time_of("2024-03-01T00:01Z"), 1709251260000000000);
	cr_assert_eq(time_of("2000-12-31T23:59:59"), 978307199000000000);
	cr_assert_eq(time_of("2023-02-29"), UINT64_MAX);
	cr_assert_eq(time_of("2100-02-29"), UINT64_MAX);
	cr_assert_eq(time_of("2026-13-01"), UINT64_MAX);
	cr_assert_eq(time_of("2026-01-01T24"), UINT64_MAX);
	cr_assert_eq(time_of("1969-12-31"), UINT64_MAX);
	cr_assert_eq(time_of("2600-01-01"), UINT64_MAX);
	cr_assert_eq(time_of("2026-01"), UINT64_MAX);
	cr_assert_eq(time_of("2026-01-01T12:00:00+01:00"), UINT64_MAX);
}

Test(units, addresses)
{
	struct address_range range;
	struct address a = address_v4((const uint8_t[4]){192, 168, 1, 130});

	cr_assert_eq(units_address(view_text("192.168.1.128/25"), &range), 0);
	cr_assert(address_in(&range, &a));
	cr_assert_eq(units_address(view_text("192.168.1.0/25"), &range), 0);
	cr_assert_not(address_in(&range, &a));
	cr_assert_eq(units_address(view_text("::ffff:192.168.1.130"), &range), 0);
	cr_assert(address_in(&range, &a));
	cr_assert_eq(units_address(view_text("2001:db8::/129"), &range), ERR_INVALID);
	cr_assert_eq(units_address(view_text("1.2.3"), &range), ERR_INVALID);
	cr_assert_eq(units_address(view_text("1.2.3.4/"), &range), ERR_INVALID);
	cr_assert_eq(units_address(view_text("1.2.3.4/x"), &range), ERR_INVALID);
	cr_assert_eq(units_address(view_text(""), &range), ERR_INVALID);
}

Test(units, word_distance)
{
	cr_assert_eq(word_distance(view_text(""), view_text("")), 0);
	cr_assert_eq(word_distance(view_text("kitten"), view_text("sitting")), 3);
	cr_assert_eq(word_distance(view_text("status"), view_text("satus")), 1);
	cr_assert_eq(word_distance(view_text("abc"), view_text("")), 3);
	cr_assert_eq(word_distance(view_text("lgo"), view_text("log")), 1);
	cr_assert_eq(word_distance(view_text("stauts"), view_text("status")), 1);
	cr_assert_eq(word_distance(view_text("0123456789012345678901234567890123456789"
					     "012345678901234567890123456789"),
				   view_text("x")),
		     255);
}
