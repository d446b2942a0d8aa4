/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "sample.h"

static struct buf line;

static const char *text_of(struct sample *s)
{
	buf_done(&line);
	roundtrip_text(&line, &s->rt, &s->context);
	buf_char(&line, 0);
	cr_assert_not(line.failed);
	return line.data;
}

Test(text, plain)
{
	struct sample s;

	sample_init(&s);
	sample_text(&s, true, SAMPLE_REASON, "OK");
	cr_assert_str_eq(text_of(&s), "00:00:00.123   4.56ms sample  ok         10.0.0.1:52000 -> "
				      "10.0.0.2:80  GET /a?b => 200 OK  (90 B, 1.23 kB)\n");
	sample_done(&s);
	buf_done(&line);
}

Test(text, orphan)
{
	struct sample s;

	sample_init(&s);
	s.rt.request = NULL;
	s.rt.status = STATUS_ORPHAN;
	s.rt.reason = REASON_GAP;
	s.rt.partial = PARTIAL_GAP | PARTIAL_CUT;
	memset(&s.rt.client.address, 0, 16);
	cr_assert_str_eq(
		text_of(&s),
		"00:00:00.123        - sample  orphan     [::]:52000 -> 10.0.0.2:80  => 200  "
		"(1.23 kB)  [gap, cut]  bytes were lost near it\n");
	sample_done(&s);
	buf_done(&line);
}

Test(text, colours_only_when_asked_for)
{
	struct sample s;

	sample_init(&s);
	cr_assert_null(strchr(text_of(&s), 27));
	s.context.colours = true;
	cr_assert_not_null(strstr(text_of(&s), "\033[32mok         \033[0m"));
	sample_done(&s);
	buf_done(&line);
}

static void check_duration(uint64_t ns, const char *expected)
{
	struct sample s;
	char text[12];

	sample_init(&s);
	s.rt.duration_ns = ns;
	snprintf(text, sizeof(text), "%9s ", expected);
	cr_assert_not_null(strstr(text_of(&s), text), "%s: %s", text, text_of(&s));
	sample_done(&s);
	buf_done(&line);
}

Test(text, durations)
{
	check_duration(0, "0ns");
	check_duration(999, "999ns");
	check_duration(1000, "1.00us");
	check_duration(12345, "12.3us");
	check_duration(999999, "999us");
	check_duration(1000000000, "1.00s");
	check_duration(75000000000, "75.0s");
	check_duration(1234567000000000, "1234567s");
}

/* What comes from the wire cannot steer a terminal. */
Test(text, wire_bytes_are_harmless)
{
	static const struct {
		const char *bytes, *shown;
	} cases[] = {
		{"a\033[2Jb\n\r\t", " a\\x1b[2Jb\\x0a\\x0d\\x09 "},
		{"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
		 " caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 "},
		{"\xc2\x9b"
		 "31m",
		 " \\xc2\\x9b31m "}, /* CSI in one byte, as UTF-8 */
		{"\xe2\x80\xae"
		 "x",
		 " \\xe2\\x80\\xaex "}, /* right-to-left override */
		{"\xc0\xaf\xff\xe2\x82", " \\xc0\\xaf\\xff\\xe2\\x82 "}, /* not UTF-8 */
		{"\xed\xa0\x80", " \\xed\\xa0\\x80 "},                   /* a surrogate */
		{"\xf4\x90\x80\x80", " \\xf4\\x90\\x80\\x80 "},          /* beyond Unicode */
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sample s;

		sample_init(&s);
		sample_text(&s, true, SAMPLE_REASON, cases[i].bytes);
		cr_assert_not_null(strstr(text_of(&s), cases[i].shown), "%u: %s", i, text_of(&s));
		sample_done(&s);
	}
}

Test(text, long_fields_are_cut)
{
	struct sample s;
	char path[500];

	sample_init(&s);
	memset(path, 'x', sizeof(path));
	sample_bytes(&s, true, SAMPLE_REASON, path, sizeof(path));
	cr_assert_lt(strlen(text_of(&s)), 320);
	cr_assert_not_null(strstr(text_of(&s), "xxx...  ("));
	sample_done(&s);
	buf_done(&line);
}

Test(text, secrets)
{
	struct sample s;

	sample_init(&s);
	sample_secret(&s, true, SAMPLE_REASON, "hunter2");
	cr_assert_not_null(strstr(text_of(&s), "=> 200 ***"));
	s.context.show_secrets = true;
	cr_assert_not_null(strstr(text_of(&s), "=> 200 hunter2"));
	sample_done(&s);
	buf_done(&line);
}
