/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/summary.h"
#include "core/time.h"

static struct pipeline_result result;
static struct summary summary;

static void setup(void)
{
	result = (struct pipeline_result){
		.first_ns = 1767225600 * NS_PER_S,
		.last_ns = 1767225602 * NS_PER_S,
		.lines = 20,
		.protocols = {{.name = "http", .by_status = {[STATUS_OK] = 19, [STATUS_ERROR] = 1}},
			      {.name = "dns", .by_status = {[STATUS_UNANSWERED] = 2}}},
		.protocol_count = 2,
	};
	result.counters.frames = result.counters.frames_packet = 60;
	result.counters.packets = result.counters.packets_tcp = 60;
	result.counters.frame_bytes = 14210;
	result.counters.flows = result.counters.flows_tcp = 3;
	summary = (struct summary){
		.result = &result, .files = 1, .elapsed_ns = 12 * NS_PER_MS, .decode = true};
}

TestSuite(summary, .init = setup);

static char *text(void)
{
	struct buf b = {0};

	summary_text(&b, &summary);
	buf_char(&b, 0);
	cr_assert_not(b.failed);
	return b.data;
}

static json_t *object(void)
{
	struct buf b = {0};
	json_error_t error;

	summary_json(&b, &summary);
	cr_assert_eq(b.data[b.size - 1], '\n');
	json_t *root = json_loadb(b.data, b.size, JSON_REJECT_DUPLICATES, &error);
	cr_assert_not_null(root, "%s", error.text);
	buf_done(&b);
	return root;
}

static void check_shows(const char *part)
{
	char *all = text();

	cr_assert_not_null(strstr(all, part), "%s\nis not in\n%s", part, all);
	free(all);
}

static void check_hides(const char *part)
{
	char *all = text();

	cr_assert_null(strstr(all, part), "%s\nis in\n%s", part, all);
	free(all);
}

Test(summary, amounts)
{
	check_shows("60 packets (14.2 kB), 3 flows, 2 s of traffic, read in 12 ms\n");
	check_shows("\nround trips            ok        error   unanswered\n"
		    "  dns                    0            0            2\n"
		    "  http                  19            1            0\n");
	check_hides("lost");
	check_hides("caps");
	check_hides("remarks");
	check_hides("add up");
}

Test(summary, nothing)
{
	result = (struct pipeline_result){0};
	char *all = text();

	cr_assert_str_eq(all, "no packets\n");
	free(all);
	json_t *root = object();
	cr_assert_eq(json_integer_value(json_object_get(root, "packets")), 0);
	cr_assert_null(json_object_get(root, "first"));
	json_decref(root);
}

Test(summary, losses_caps_and_remarks)
{
	result.counters.frames_cut = 30;
	result.snaplen = 96;
	result.counters.cap_stream = 4;
	result.counters.flows_one_direction = 2;
	result.counters.flows_tls = 3;
	check_shows("\nlost or not readable\n          30  frames shorter");
	check_shows("\ncaps reached");
	check_shows("30 of 60 packets were cut by the capture, which kept 96 bytes of each");
	check_shows("2 of 3 TCP flows were seen in one direction only");
	check_shows("3 of 3 TCP flows are encrypted (TLS)");

	json_t *root = object();
	json_t *remarks = json_object_get(root, "remarks");
	cr_assert_eq(json_array_size(remarks), 3);
	cr_assert_str_eq(json_string_value(json_object_get(json_array_get(remarks, 0), "code")),
			 "snaplen");
	cr_assert_str_eq(json_string_value(json_array_get(json_object_get(root, "caps"), 0)),
			 "cap_stream");
	json_decref(root);
}

Test(summary, verbose_prints_all_counters_and_equations)
{
	check_hides("accounting");
	summary.verbose = true;
	check_shows("accounting");
	for (unsigned i = 0; counters_name(i); i++)
		check_shows(counters_text(i));
}

Test(summary, broken_equations_are_told)
{
	result.counters.decoded_bytes = 1;
	check_shows("do not add up");
	json_t *root = object();
	cr_assert_eq(json_integer_value(json_object_get(root, "equations_broken")), 1);
	json_decref(root);
}

Test(summary, json)
{
	summary.failure = "a \"b\".pcap: the file is cut in the middle";
	result.stopped = true;
	json_t *root = object(), *counters = json_object_get(root, "counters");
	unsigned count = 0;

	while (counters_name(count))
		count++;
	cr_assert_eq(json_object_size(counters), count);
	json_t *http = json_object_get(json_object_get(root, "round_trips"), "http");
	cr_assert_eq(json_integer_value(json_object_get(http, "ok")), 19);
	cr_assert_str_eq(json_string_value(json_object_get(root, "failure")), summary.failure);
	cr_assert(json_is_true(json_object_get(root, "stopped")));
	cr_assert_float_eq(json_real_value(json_object_get(root, "traffic_seconds")), 2.0, 1e-9);
	json_decref(root);
}
