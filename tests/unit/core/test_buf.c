/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/buf.h"
#include "core/time.h"

static struct buf b;

static void done(void)
{
	buf_done(&b);
}

/* The text so far; the buffer begins anew. */
static const char *text(void)
{
	static char to[4096];

	cr_assert_not(b.failed);
	cr_assert_lt(b.size, sizeof(to));
	memcpy(to, b.data, b.size);
	to[b.size] = 0;
	b.size = 0;
	return to;
}

TestSuite(buf, .fini = done);

Test(buf, grows_and_keeps)
{
	for (unsigned i = 0; i < 100000; i++)
		buf_char(&b, (char)('a' + i % 26));
	cr_assert_eq(b.size, 100000);
	for (unsigned i = 0; i < 100000; i++)
		cr_assert_eq(b.data[i], (char)('a' + i % 26));
}

Test(buf, failure_is_sticky)
{
	buf_text(&b, "abc");
	cr_assert_not(buf_reserve(&b, SIZE_MAX - 8));
	cr_assert(b.failed);
	buf_char(&b, 'd');
	buf_text(&b, "");
	cr_assert_eq(b.size, 3);
}

Test(buf, u64)
{
	static const uint64_t values[] = {0,
					  1,
					  9,
					  10,
					  11,
					  99,
					  100,
					  101,
					  999,
					  1000,
					  9999,
					  10000,
					  123456789,
					  1234567890123456789ull,
					  UINT64_MAX - 1,
					  UINT64_MAX};

	for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		char want[32];

		snprintf(want, sizeof(want), "%llu", (unsigned long long)values[i]);
		buf_u64(&b, values[i]);
		cr_expect_str_eq(text(), want);
	}
}

Test(buf, seconds)
{
	buf_seconds(&b, 0);
	cr_expect_str_eq(text(), "0.000000000");
	buf_seconds(&b, 1234567);
	cr_expect_str_eq(text(), "0.001234567");
	buf_seconds(&b, 61 * NS_PER_S + 5);
	cr_expect_str_eq(text(), "61.000000005");
	buf_seconds(&b, UINT64_MAX);
	cr_expect_str_eq(text(), "18446744073.709551615");
}

Test(buf, time)
{
	static const struct {
		uint64_t second, ns;
		const char *want;
	} cases[] = {
		{0, 0, "1970-01-01T00:00:00.000000000Z"},
		{0, 1, "1970-01-01T00:00:00.000000001Z"},
		{951782399, 999999999, "2000-02-28T23:59:59.999999999Z"},
		{951782400, 0, "2000-02-29T00:00:00.000000000Z"},
		{951868800, 7, "2000-03-01T00:00:00.000000007Z"},
		{1709164800, 0, "2024-02-29T00:00:00.000000000Z"},
		{1735689599, 0, "2024-12-31T23:59:59.000000000Z"},
		{4107542399, 0, "2100-02-28T23:59:59.000000000Z"},
		{4107542400, 0, "2100-03-01T00:00:00.000000000Z"},
		{18446744073, 709551615, "2554-07-21T23:34:33.709551615Z"},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_time(&b, cases[i].second * NS_PER_S + cases[i].ns);
		cr_expect_str_eq(text(), cases[i].want);
	}
}

static const char *json(const char *s, uint32_t n)
{
	buf_json_string(&b, view_of(s, n));
	return text();
}

#define JSON(literal) json(literal, sizeof(literal) - 1)

Test(buf, json_plain_and_escapes)
{
	cr_expect_str_eq(json(NULL, 0), "\"\"");
	cr_expect_str_eq(JSON("abc"), "\"abc\"");
	cr_expect_str_eq(JSON("/api/v1/users?id=42&name=somebody"),
			 "\"/api/v1/users?id=42&name=somebody\"");
	cr_expect_str_eq(JSON("a\"b\\c"), "\"a\\\"b\\\\c\"");
	cr_expect_str_eq(JSON("\b\f\n\r\t\x01\x1f\x7f"), "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
	cr_expect_str_eq(JSON("a\0b"), "\"a\\u0000b\"");
	cr_expect_str_eq(JSON("12345678\n12345678"), "\"12345678\\n12345678\"");
}

Test(buf, json_utf8)
{
	cr_expect_str_eq(JSON("gr\xc3\xbc\xc3\x9f"
			      "e \xe2\x82\xac \xf0\x9f\x98\x80"),
			 "\"gr\xc3\xbc\xc3\x9f"
			 "e \xe2\x82\xac \xf0\x9f\x98\x80\"");
	cr_expect_str_eq(JSON("\xef\xbf\xbf\xf4\x8f\xbf\xbf"), "\"\xef\xbf\xbf\xf4\x8f\xbf\xbf\"");
}

#define R "\xef\xbf\xbd"

Test(buf, json_bad_utf8)
{
	cr_expect_str_eq(JSON("a\x80z"), "\"a" R "z\"");
	cr_expect_str_eq(JSON("\xc0\xaf"), "\"" R R "\"", "overlong");
	cr_expect_str_eq(JSON("\xe0\x80\xaf"), "\"" R R R "\"", "overlong");
	cr_expect_str_eq(JSON("\xed\xa0\x80"), "\"" R R R "\"", "surrogate");
	cr_expect_str_eq(JSON("\xf4\x90\x80\x80"), "\"" R R R R "\"", "beyond Unicode");
	cr_expect_str_eq(JSON("\xf5\xff"), "\"" R R "\"");
	cr_expect_str_eq(JSON("\xe2\x82"), "\"" R "\"", "cut");
	cr_expect_str_eq(JSON("\xf0\x9f\x98"), "\"" R "\"", "cut");
	cr_expect_str_eq(JSON("\xe2\x82z"), "\"" R "z\"", "broken off");
	cr_expect_str_eq(JSON("\xc3"), "\"" R "\"");
	cr_expect_str_eq(JSON("\xc3\n"), "\"" R "\\n\"");
}

/* Each byte at each position of a word, against one byte at a time. */
Test(buf, json_every_byte_everywhere)
{
	for (unsigned size = 1; size < 20; size++) {
		for (unsigned at = 0; at < size; at++) {
			for (unsigned c = 0; c < 256; c++) {
				char in[20], want[64], one[16];

				memset(in, 'x', sizeof(in));
				in[at] = (char)c;
				buf_json_string(&b, view_of(&in[at], 1));
				b.data[b.size - 1] = 0;
				strcpy(one, b.data + 1);
				b.size = 0;
				snprintf(want, sizeof(want), "\"%.*s%s%.*s\"", (int)at,
					 "xxxxxxxxxxxxxxxxxxxx", one, (int)(size - at - 1),
					 "xxxxxxxxxxxxxxxxxxxx");
				if (c)
					cr_assert_str_eq(json(in, size), want);
			}
		}
	}
}
