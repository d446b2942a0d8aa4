/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "protocols/all.h"
#include "tests/lib/harness.h"

static const struct protocol_ops *tls(void)
{
	const struct protocol_ops *const *ops = protocols_all;
	while (*ops && strcmp((*ops)->name, "tls"))
		ops++;
	cr_assert(*ops);
	return *ops;
}

static const char client_hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
static const char server_hello[] = "\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03";
static const char data[] = "\x17\x03\x03\x00\x20xxxxxx";

#define V(text) view_of(text, sizeof(text) - 1)

static struct probed probe(struct view a, struct view b)
{
	return tls()->probe(a, b);
}

Test(tls, knows_hellos_and_their_sides)
{
	struct view none = {0};
	cr_assert_eq(probe(V(client_hello), none).is, PROBE_YES);
	cr_assert_eq(probe(V(client_hello), none).client, 0);
	cr_assert_eq(probe(none, V(client_hello)).client, 1);
	cr_assert_eq(probe(V(server_hello), none).client, 1);
	cr_assert_eq(probe(none, V(server_hello)).client, 0);
	cr_assert_geq(probe(none, V(server_hello)).confidence, 90);
	cr_assert_eq(probe(V(data), none).is, PROBE_YES);
	cr_assert_lt(probe(V(data), none).confidence, 90);
}

Test(tls, needs_six_bytes)
{
	struct view hello = V(client_hello), none = {0};
	for (uint32_t n = 1; n < 6; n++)
		cr_assert_eq(probe(view_first(hello, n), none).is, PROBE_NEED, "%u bytes", n);
	cr_assert_eq(probe(view_first(hello, 6), none).is, PROBE_YES);
}

Test(tls, is_not_everything)
{
	const struct view other[] = {
		V("GET / HTTP/1.1\r\n"),       V("\x16\x02\x01\x02\x00\x01"),
		V("\x16\x03\x07\x02\x00\x01"), V("\x16\x03\x01\x00\x00\x01"),
		V("\x16\x03\x01\xff\xff\x01"), V("\x16\x03\x01\x02\x00\x09"),
		V("\x16\x03\x01\x00\x05\x01"), V("\x15\x03\x01\x00\x02\x02"),
	};
	for (size_t i = 0; i < sizeof other / sizeof *other; i++)
		cr_assert_eq(probe(other[i], view_of(NULL, 0)).is, PROBE_NO, "number %zu", i);
}

Test(tls, is_detected_and_counted)
{
	struct vectors all;
	cr_assert(vectors_parse(
		"",
		"name: hello\n"
		"> \\x16\\x03\n|\n> \\x01\\x02\\x00\\x01\\x00\\x01\\xfc\\x03\\x03rest\n"
		"< whatever\n",
		&all));
	struct harness_run run = {.list = protocols_all};
	harness_run(&run, &all.list[0]);
	cr_assert_eq(run.counters.flows_tls, 1);
	cr_assert_eq(run.counters.flows_undetected, 0);
	cr_assert_eq(run.counters.skipped_bytes, run.pushed);
	cr_assert(run.over);
	recorder_done(&run.recorder);
	vectors_free(&all);
}
