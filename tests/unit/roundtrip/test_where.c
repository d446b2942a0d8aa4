/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "roundtrip/where.h"
#include "sample.h"

static struct sample s;

static bool is_true(const char *expression)
{
	struct where_error error;
	struct where *w = NULL;
	int err = where_new(expression, sample_protocols, &error, &w);

	cr_assert_eq(err, 0, "%s: %s at %u", expression, error.text, error.at);
	bool now = where_true(w, &s.rt, &s.context);
	where_free(w);
	return now;
}

static void check_true(const char *expression)
{
	cr_assert(is_true(expression), "%s should be true", expression);
}

static void check_false(const char *expression)
{
	cr_assert_not(is_true(expression), "%s should be false", expression);
}

/* The expression is refused, at `at`, and the words hold `part`. */
static void check_error(const char *expression, unsigned at, const char *part)
{
	struct where_error error;
	struct where *w = NULL;

	cr_assert_eq(where_new(expression, sample_protocols, &error, &w), ERR_INVALID, "%s",
		     expression);
	cr_assert_eq(error.at, at, "%s: %s at %u", expression, error.text, error.at);
	cr_assert_not_null(strstr(error.text, part), "%s: %s", expression, error.text);
	cr_assert_null(w);
}

static void setup(void)
{
	sample_init(&s);
	s.rt.partial = PARTIAL_GAP | PARTIAL_ORDER;
	s.rt.retransmits = 2;
	s.rt.rtt_ns = 250000;
	s.layer[0] = (struct tunnel_layer){7, TUNNEL_VLAN};
	s.layer[1] = (struct tunnel_layer){100, TUNNEL_VXLAN};
	s.layers = 2;
	sample_text(&s, false, SAMPLE_TAGS, "red");
	sample_text(&s, false, SAMPLE_TAGS, "blue");
	sample_number(&s, false, SAMPLE_SIZE, 2048);
	sample_pair(&s, false, "x-trace-id", "abc", false);
	sample_pair(&s, false, "cookie", "hunter2", true);
	sample_text(&s, true, SAMPLE_ANOMALIES, "odd");
	sample_number(&s, true, SAMPLE_LAST, 0);
}

static void teardown(void)
{
	sample_done(&s);
}

TestSuite(where, .init = setup, .fini = teardown);

Test(where, null_is_true)
{
	cr_assert(where_true(NULL, &s.rt, &s.context));
}

Test(where, operators_on_numbers)
{
	check_true("response.status_code = 200");
	check_false("response.status_code != 200");
	check_true("response.status_code >= 200 and response.status_code <= 200");
	check_false("response.status_code < 200 or response.status_code > 200");
	check_true("response.status_code ~ ^2");
	check_true("request.bytes=90");
	check_true("request.size = 2KiB");
	check_true("request.size > 2KB");
	check_true("request.size < 2.5KB");
	check_true("client.port = 52000");
	check_true("frames = 3 and frames = 7 and not frames = 5");
}

Test(where, durations_and_times)
{
	check_true("duration = 4567890ns");
	check_true("duration > 4.5ms and duration < 0.004567891");
	check_true("ttfb = 1ms");
	check_true("tcp.rtt >= 250us");
	check_true("time >= 2026-01-01 and time < 2026-01-02");
	check_true("time = 2026-01-01T00:00:00.123456789Z");
	check_true("time > 2026-01-01T00:00:00.1Z");
}

Test(where, texts)
{
	check_true("request.method = GET");
	check_true("request.method = \"GET\"");
	check_true("request.method = 'GET'");
	check_false("request.method = GE");
	check_false("request.method = GETT");
	check_true("request.method < PUT and request.method > FOO and request.method >= GET");
	check_true("request.path ~ \"^/a\\?b$\"");
	check_true("request.path ~ \"^/a\\\\?b$\"");
	check_true("request.path = /a?b");
	check_false("request.path ~ ^b");
	check_true("protocol = sample and status = ok");
	check_true("flow = '1:klbrzUbkbAaZCfmrdV7J+vHwbac='");
}

Test(where, addresses)
{
	check_true("client.address = 10.0.0.1");
	check_true("client.address = \"10.0.0.0/8\"");
	check_true("client.address = 10.0.0.0/31");
	check_false("client.address = 10.0.0.0/32");
	check_true("client.address != 10.0.1.0/24");
	check_true("client.address = 0.0.0.0/0 and client.address != ::/0");
	check_true("server.address ~ '\\.2$'");
	memset(&s.rt.client.address, 0, sizeof(s.rt.client.address));
	s.rt.client.address.b[0] = 0x20;
	s.rt.client.address.b[15] = 1;
	check_true("client.address = 2000::1 and client.address = 2000::/3");
	check_false("client.address = 4000::/3 or client.address = 0.0.0.0/0");
}

Test(where, lists_match_with_any_element)
{
	check_true("request.tags = red and request.tags = blue");
	check_false("request.tags = green");
	check_true("request.tags != red");
	check_true("request.tags ~ ^b");
	check_true("partial = gap and partial = order and not partial = cut");
	check_true("anomalies = odd");
	check_true("tunnel.vlan = 7 and tunnel.vxlan = 100 and tunnel.id = 100 and tunnel.type = "
		   "vlan");
	check_false("tunnel.vxlan = 7 or tunnel.mpls");
}

Test(where, pairs_and_secrets)
{
	check_true("request.headers");
	check_true("request.headers.x-trace-id = abc");
	check_false("request.headers.x-trace = abc");
	check_false("response.headers.x-trace-id");
	check_false("request.headers.cookie ~ hunter");
	check_true("request.headers.cookie = '***'");
	s.context.show_secrets = true;
	check_true("request.headers.cookie ~ hunter");
}

Test(where, a_missing_field_is_false)
{
	check_false("response.reason = x");
	check_false("response.reason != x");
	check_false("response.reason ~ .");
	check_false("not not response.reason");
	check_true("not response.reason != x");
	check_false("reason = gap");
	check_false("tcp.lost_bytes < 5");
	check_false("interface");
	check_true("request and response and response.last and not early");
	check_true("response.last = true");
	s.rt.request = NULL;
	check_false("request.method or request.bytes >= 0 or duration >= 0 or request");
	check_true("anomalies");
}

Test(where, precedence)
{
	/* T = request, F = early */
	check_true("request or early and early");
	check_false("(request or early) and early");
	check_true("early and early or request");
	check_true("not early and request");
	check_false("not (early or request)");
	check_true("not (early or not request)");
	check_true("not not (request) and (not (early))");
	check_true("early or early or request and not early");
	check_false("request and (early or early) or early");
	check_true("request and (early or (request and not early)) and request");
	check_false("not request or not (request or early) or early and request");
}

/* Every expression of three operands agrees with the same thing worked out in C. */
Test(where, all_small_expressions)
{
	static const char *const joint[] = {"and", "or"}, *const value[] = {"early", "request"};
	char text[120];

	for (unsigned i = 0; i < 256; i++) {
		bool v[3], n[3], got, expected;

		for (unsigned k = 0; k < 3; k++) {
			v[k] = i >> k & 1;
			n[k] = i >> (k + 3) & 1;
		}
		bool first_or = i >> 6 & 1, second_or = i >> 7 & 1;

		snprintf(text, sizeof(text), "%s %s %s %s %s %s %s %s", n[0] ? "not" : "",
			 value[v[0]], joint[first_or], n[1] ? "not" : "", value[v[1]],
			 joint[second_or], n[2] ? "not" : "", value[v[2]]);
		for (unsigned k = 0; k < 3; k++)
			v[k] ^= n[k];
		if (first_or && !second_or)
			expected = v[0] || (v[1] && v[2]);
		else
			expected = second_or ? ((first_or ? v[0] || v[1] : v[0] && v[1]) || v[2])
					     : (v[0] && v[1] && v[2]);
		got = is_true(text);
		cr_assert_eq(got, expected, "%s", text);
	}
}

Test(where, errors_say_what_and_where)
{
	check_error("", 0, "missing");
	check_error("status_code > 5", 0, "did you mean response.status_code?");
	check_error("request.methd = GET", 0, "did you mean request.method?");
	check_error("request and zzzzzzzz", 12, "wirespan protocols");
	check_error("request and", 11, "missing at the end");
	check_error("request request", 8, "\"and\", \"or\"");
	check_error("(request", 0, "never closed");
	check_error("request)", 7, "closes nothing");
	check_error("request.path ~ \"(\"", 15, "regular expression");
	check_error("request.path = \"a", 15, "never closed");
	check_error("request.bytes > many", 16, "not a number");
	check_error("request.bytes > 1.5", 16, "not a number");
	check_error("duration > 5parsecs", 11, "100ms");
	check_error("duration ~ 5", 11, "duration knows");
	check_error("time > yesterday", 7, "not a time");
	check_error("time > 2026-02-29", 7, "not a time");
	check_error("client.address = host", 17, "not an address");
	check_error("client.address < 10.0.0.1", 17, "= and !=");
	check_error("client.address = 10.0.0.0/33", 17, "not an address");
	check_error("status = okay", 9, "there are ok, error");
	check_error("early = false", 8, "not early");
	check_error("request.bytes >", 15, "value is missing");
	check_error("request.bytes == 5", 14, "no such operator");
	check_error("!request", 0, "write \"not\"");
	check_error("request.headers = x", 18, "request.headers.NAME");
	check_error("and", 0, "field is missing");
}

Test(where, caps)
{
	char text[40000];
	unsigned n = 0;

	for (; n < 64; n++)
		text[n] = '(';
	strcpy(text + n, "request");
	memset(text + n + 7, ')', 64);
	text[n + 7 + 64] = 0;
	check_true(text);

	memset(text, '(', 65);
	text[65] = 0;
	check_error(text, 64, "deep");

	memset(text, ' ', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	check_error(text, 0, "longer");

	text[0] = 0;
	for (n = 0; n + 16 < 16384; n += 9)
		strcpy(text + n, "early or ");
	strcpy(text + n, "early");
	check_false(text);
}

/* The C library would take all memory for these. */
Test(where, a_regular_expression_repeats_little)
{
	check_error("request.path ~ \"a++++++++++++++++++\"", 15, "may hold");
	check_error("request.path ~ \"((a{255}){255}){255}\"", 15, "may hold");
	check_error("request.path ~ \"a*++++++++++++\"", 15, "256 times");
	check_error("request.path ~ \"(a[*+]b*\\\\+{255}){255}\"", 15, "256 times");
	check_error("request.path ~ \"a{1,20}{1,20}\"", 15, "256 times");
	check_error("request.path ~ \"(((((((((((((((((a)))))))))))))))))\"", 15, "256 times");
	check_error("request.path ~ \"^a*++\"", 15, "may be empty");
	check_error("request.path ~ \"((a*|b)c?)+\"", 15, "may be empty");
	check_error("request.path ~ \"(x|(a|^))*\"", 15, "no anchor");
	check_error("request.path ~ \"(\\\\bx)+\"", 15, "no anchor");
	check_error("request.path ~ \"a+++++++++\"", 15, "256 times");
	check_false("request.path ~ \"^(x+y*){2,3}z?$\"");
	check_false("request.path ~ \"(^|;)(((a*b)+|[]c^]+)+x|\\\\d+)$\"");
}

Test(where, protocols_may_differ_about_a_type)
{
	static const struct field_def other_defs[] = {{"size", FIELD_TEXT, 1, "in words"}, {0}};
	static const struct protocol_ops other = {.name = "other", .fields = other_defs};
	static const struct protocol_ops *const both[] = {&other, &sample_ops, NULL};
	struct where_error error;
	struct where *w;

	cr_assert_eq(where_new("request.size = 2048", both, &error, &w), 0);
	cr_assert(where_true(w, &s.rt, &s.context));
	where_free(w);
	cr_assert_eq(where_new("request.size = big", both, &error, &w), 0);
	cr_assert_not(where_true(w, &s.rt, &s.context));
	where_free(w);
}

Test(where, fields_are_listed)
{
	struct buf b = {0};

	where_fields(&b, NULL);
	where_fields(&b, &sample_ops);
	buf_char(&b, 0);
	cr_assert_not_null(strstr(b.data, "  tcp.retransmits "));
	cr_assert_not_null(strstr(b.data, "  request.method  "));
	cr_assert_not_null(strstr(b.data, "  what is asked for\n"));
	cr_assert_not_null(strstr(b.data, "  response.size "));
	cr_assert_not_null(strstr(b.data, "  anomalies "));
	cr_assert_null(strstr(b.data, "request.anomalies"));
	buf_done(&b);
}
