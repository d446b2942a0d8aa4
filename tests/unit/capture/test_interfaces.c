/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <net/if.h>
#include <string.h>

#include "capture/interfaces.h"

static struct interfaces *made(const char *text)
{
	struct interfaces *s;

	cr_assert_eq(interfaces_new(text, &s), 0);
	interfaces_scan(s);
	return s;
}

Test(interfaces, lo_is_there)
{
	struct interfaces *s = made("lo");
	struct interface_cache cache = {0};
	int index = 0;
	uint16_t number;

	cr_expect_null(interfaces_missing(s));
	cr_expect_str_eq(interfaces_single(s), "lo");
	cr_expect_eq(interfaces_wanted(s, &index, 1), 1);
	cr_expect_eq(index, (int)if_nametoindex("lo"));
	number = interfaces_number(s, &cache, index);
	cr_expect_neq(number, INTERFACE_NONE);
	cr_expect_str_eq(interfaces_name(s, number), "lo");
	cr_expect_eq(interfaces_number(s, &cache, index), number, "from the cache");
	cr_expect_eq(interfaces_number(s, &cache, 999999), INTERFACE_NONE);
	cr_expect_not(interfaces_scan(s), "nothing changed");
	interfaces_free(s);
}

Test(interfaces, patterns)
{
	struct interfaces *s = made("nothing*,l?");
	int index;

	cr_expect_null(interfaces_single(s));
	cr_expect_null(interfaces_missing(s), "a pattern may match nothing");
	cr_expect_geq(interfaces_wanted(s, &index, 1), 1);
	interfaces_free(s);
	s = made("lo,nosuch0");
	cr_expect_str_eq(interfaces_missing(s), "nosuch0");
	interfaces_free(s);
	s = made("any");
	cr_expect(interfaces_any(s));
	cr_expect_null(interfaces_missing(s));
	interfaces_free(s);
	cr_expect_eq(interfaces_new(",", &s), ERR_INVALID);
}

Test(interfaces, numbers_are_names)
{
	struct interfaces *s = made("any");
	uint16_t one = interfaces_number_of_name(s, "veth1");

	cr_expect_neq(interfaces_number_of_name(s, "veth2"), one);
	cr_expect_eq(interfaces_number_of_name(s, "veth1"), one);
	cr_expect_str_eq(interfaces_name(s, 60000), "");
	interfaces_free(s);
}
