/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>

#include "sample.h"

static struct buf line;

static const char *text_of(struct sample *s)
{
	buf_done(&line);
	roundtrip_json(&line, &s->rt, &s->context);
	buf_char(&line, 0);
	cr_assert_not(line.failed);
	return line.data;
}

static json_t *object_of(struct sample *s)
{
	json_error_t error;
	const char *text = text_of(s);
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	cr_assert_not_null(root, "%s: %s", error.text, text);
	cr_assert_eq(text[strlen(text) - 1], '\n');
	return root;
}

static const char *string_at(json_t *root, const char *first, const char *second)
{
	json_t *at = json_object_get(root, first);

	if (second)
		at = json_object_get(at, second);
	cr_assert(json_is_string(at), "%s %s", first, second ? second : "");
	return json_string_value(at);
}

Test(json, plain)
{
	struct sample s;

	sample_init(&s);
	cr_assert_str_eq(text_of(&s),
			 "{\"time\":\"2026-01-01T00:00:00.123456789Z\",\"protocol\":\"sample\","
			 "\"status\":\"ok\",\"duration\":0.004567890,\"ttfb\":0.001000000,"
			 "\"client\":{\"address\":\"10.0.0.1\",\"port\":52000},"
			 "\"server\":{\"address\":\"10.0.0.2\",\"port\":80},"
			 "\"request\":{\"bytes\":90,\"method\":\"GET\",\"path\":\"/a?b\"},"
			 "\"response\":{\"bytes\":1234,\"status_code\":200},"
			 "\"flow\":\"1:klbrzUbkbAaZCfmrdV7J+vHwbac=\",\"frames\":[3,7]}\n");
	sample_done(&s);
	buf_done(&line);
}

/* Everything at once, in the documented order. */
Test(json, order)
{
	static const char *const order[] = {
		"time",  "protocol", "status", "reason",  "duration",  "ttfb",
		"early", "client",   "server", "request", "response",  "anomalies",
		"tcp",   "partial",  "flow",   "frames",  "interface", "tunnel",
	};
	struct sample s;
	unsigned i = 0;
	const char *key;
	json_t *root, *value;

	sample_init(&s);
	s.rt.reason = REASON_LATE;
	s.rt.early = true;
	s.rt.rtt_ns = 5;
	s.rt.partial = PARTIAL_GAP;
	s.interface = "eth0";
	s.layer[0] = (struct tunnel_layer){7, TUNNEL_VLAN};
	s.layer[1] = (struct tunnel_layer){100, TUNNEL_VXLAN};
	s.layers = 2;
	sample_text(&s, false, SAMPLE_ANOMALIES, "odd");
	root = object_of(&s);
	json_object_foreach(root, key, value)
	{
		cr_assert_lt(i, sizeof(order) / sizeof(*order));
		cr_assert_str_eq(key, order[i]);
		i++;
	}
	cr_assert_eq(i, sizeof(order) / sizeof(*order));

	json_t *tunnel = json_object_get(root, "tunnel");
	cr_assert_eq(json_array_size(tunnel), 2);
	cr_assert_str_eq(string_at(json_array_get(tunnel, 1), "type", NULL), "vxlan");
	cr_assert_eq(json_integer_value(json_object_get(json_array_get(tunnel, 0), "id")), 7);
	json_decref(root);
	sample_done(&s);
	buf_done(&line);
}

Test(json, orphan_has_no_request_and_no_times)
{
	struct sample s;
	json_t *root;

	sample_init(&s);
	s.rt.request = NULL;
	s.rt.status = STATUS_ORPHAN;
	s.rt.reason = REASON_MIDSTREAM;
	root = object_of(&s);
	cr_assert_null(json_object_get(root, "request"));
	cr_assert_null(json_object_get(root, "duration"));
	cr_assert_null(json_object_get(root, "ttfb"));
	cr_assert_not_null(json_object_get(root, "response"));
	cr_assert_str_eq(string_at(root, "reason", NULL), "midstream");
	cr_assert_eq(json_integer_value(json_array_get(json_object_get(root, "frames"), 0)), 6);
	json_decref(root);
	sample_done(&s);
	buf_done(&line);
}

Test(json, unanswered_has_no_response_and_no_times)
{
	struct sample s;
	json_t *root;

	sample_init(&s);
	s.rt.response = NULL;
	s.rt.status = STATUS_UNANSWERED;
	s.rt.early = true;
	root = object_of(&s);
	cr_assert_null(json_object_get(root, "response"));
	cr_assert_null(json_object_get(root, "duration"));
	cr_assert_null(json_object_get(root, "early"));
	cr_assert_eq(json_integer_value(json_array_get(json_object_get(root, "frames"), 1)), 4);
	json_decref(root);
	sample_done(&s);
	buf_done(&line);
}

Test(json, what_is_zero_or_unknown_is_absent)
{
	struct sample s;
	json_t *root, *tcp;

	sample_init(&s);
	s.request.first_frame = 0;
	s.rt.client.port = 0;
	s.rt.lost_bytes = 9;
	root = object_of(&s);
	tcp = json_object_get(root, "tcp");
	cr_assert_eq(json_object_size(tcp), 1);
	cr_assert_eq(json_integer_value(json_object_get(tcp, "lost_bytes")), 9);
	cr_assert_null(json_object_get(root, "frames"));
	cr_assert_null(json_object_get(root, "partial"));
	cr_assert_null(json_object_get(json_object_get(root, "client"), "port"));
	json_decref(root);
	sample_done(&s);
	buf_done(&line);
}

Test(json, every_kind_of_field)
{
	struct sample s;
	json_t *root, *request, *list;

	sample_init(&s);
	sample_text(&s, false, SAMPLE_TAGS, "one");
	sample_number(&s, false, SAMPLE_SIZE, UINT64_MAX / 4);
	sample_number(&s, false, SAMPLE_LAST, 0);
	sample_text(&s, false, SAMPLE_TAGS, "two");
	root = object_of(&s);
	request = json_object_get(root, "request");
	list = json_object_get(request, "tags");
	cr_assert_eq(json_array_size(list), 2);
	cr_assert_str_eq(json_string_value(json_array_get(list, 0)), "one");
	cr_assert_str_eq(json_string_value(json_array_get(list, 1)), "two");
	cr_assert(json_is_true(json_object_get(request, "last")));
	cr_assert_eq((uint64_t)json_integer_value(json_object_get(request, "size")),
		     UINT64_MAX / 4);
	json_decref(root);
	sample_done(&s);
	buf_done(&line);
}

Test(json, a_value_given_twice_is_shown_once)
{
	struct sample s;
	json_t *root;

	sample_init(&s);
	sample_text(&s, false, SAMPLE_METHOD, "PUT");
	root = object_of(&s);
	cr_assert_str_eq(string_at(root, "request", "method"), "GET");
	json_decref(root);
	sample_done(&s);
	buf_done(&line);
}

Test(json, fields_of_the_round_trip_come_from_both_messages)
{
	struct sample s;
	json_t *root, *list;

	sample_init(&s);
	sample_text(&s, false, SAMPLE_ANOMALIES, "a");
	sample_text(&s, true, SAMPLE_ANOMALIES, "b");
	sample_number(&s, true, SAMPLE_RETRY, 0);
	root = object_of(&s);
	list = json_object_get(root, "anomalies");
	cr_assert_eq(json_array_size(list), 2);
	cr_assert_str_eq(json_string_value(json_array_get(list, 1)), "b");
	cr_assert(json_is_true(json_object_get(root, "retry")));
	cr_assert_null(json_object_get(json_object_get(root, "request"), "anomalies"));
	json_decref(root);
	sample_done(&s);
	buf_done(&line);
}

Test(json, equal_names_are_joined)
{
	struct sample s;
	json_t *root, *headers, *value;
	const char *key;
	char keys[64] = "";

	sample_init(&s);
	sample_pair(&s, false, "via", "one", false);
	sample_pair(&s, false, "host", "a\"b", false);
	sample_pair(&s, false, "via", "\"two\"", false);
	sample_pair(&s, false, "accept", "", false);
	sample_pair(&s, false, "via", "", false);
	sample_pair(&s, false, "vi", "x", false);
	root = object_of(&s);
	headers = json_object_get(json_object_get(root, "request"), "headers");
	cr_assert_str_eq(string_at(headers, "via", NULL), "one, \"two\", ");
	cr_assert_str_eq(string_at(headers, "host", NULL), "a\"b");
	json_object_foreach(headers, key, value)
	{
		strcat(keys, key);
		strcat(keys, " ");
	}
	cr_assert_str_eq(keys, "via host accept vi ");
	json_decref(root);
	sample_done(&s);
	buf_done(&line);
}

Test(json, many_headers)
{
	struct sample s;
	json_t *root, *headers;
	char name[16];

	sample_init(&s);
	for (unsigned i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "n%u", i % 150);
		sample_pair(&s, false, name, "v", false);
	}
	root = object_of(&s);
	headers = json_object_get(json_object_get(root, "request"), "headers");
	cr_assert_eq(json_object_size(headers), 150);
	cr_assert_str_eq(string_at(headers, "n149", NULL), "v, v");
	json_decref(root);
	sample_done(&s);
	buf_done(&line);
}

Test(json, secrets)
{
	struct sample s;
	json_t *root, *headers;

	sample_init(&s);
	sample_secret(&s, false, SAMPLE_TAGS, "hunter2");
	sample_pair(&s, false, "authorization", "Basic x", true);
	sample_pair(&s, false, "host", "h", false);
	cr_assert_null(strstr(text_of(&s), "hunter2"));
	cr_assert_null(strstr(text_of(&s), "Basic"));
	cr_assert_not_null(strstr(text_of(&s), "\"authorization\":\"***\",\"host\":\"h\""));
	s.context.show_secrets = true;
	root = object_of(&s);
	headers = json_object_get(json_object_get(root, "request"), "headers");
	cr_assert_str_eq(string_at(headers, "authorization", NULL), "Basic x");
	json_decref(root);
	cr_assert_not_null(strstr(text_of(&s), "[\"hunter2\"]"));
	sample_done(&s);
	buf_done(&line);
}

Test(json, wire_bytes_stay_valid)
{
	static const uint8_t bytes[] = {'a', '"', '\\', 0, 0x1b, 0x7f, 0xff, 0xc3, 0xa9, 0xc3};
	struct sample s;
	json_t *root, *tags;

	sample_init(&s);
	sample_bytes(&s, false, SAMPLE_TAGS, bytes, sizeof(bytes));
	cr_assert_not_null(strstr(text_of(&s), "a\\\"\\\\\\u0000\\u001b"));
	root = json_loads(text_of(&s), JSON_ALLOW_NUL, NULL);
	cr_assert_not_null(root);
	tags = json_object_get(json_object_get(root, "request"), "tags");
	cr_assert_not_null(strstr(text_of(&s), "\xc3\xa9\xef\xbf\xbd"));
	cr_assert_eq(json_array_size(tags), 1);
	json_decref(root);
	sample_done(&s);
	buf_done(&line);
}

static const char *file_name(void *data, uint16_t file)
{
	(void)data;
	return file ? "b.pcap" : "a \"1\".pcap";
}

Test(json, file)
{
	struct sample s;
	json_t *root;

	sample_init(&s);
	s.context.file = file_name;
	root = object_of(&s);
	cr_assert_str_eq(string_at(root, "file", NULL), "a \"1\".pcap");
	cr_assert_null(json_object_get(root, "last_file"));
	json_decref(root);
	s.response.last_frame = frame_ref(1, 2);
	root = object_of(&s);
	cr_assert_str_eq(string_at(root, "last_file", NULL), "b.pcap");
	cr_assert_eq(json_integer_value(json_array_get(json_object_get(root, "frames"), 1)), 2);
	json_decref(root);
	sample_done(&s);
	buf_done(&line);
}

Test(json, remembered_flows_are_told_apart)
{
	struct sample s;
	char *first;

	sample_init(&s);
	for (unsigned i = 0; i < 5000; i++) {
		char port[32];

		s.rt.flow_index = i % 2500;
		s.rt.client.port = (uint16_t)(1 + i % 1250);
		snprintf(port, sizeof(port), "\"port\":%u},\"server\"", s.rt.client.port);
		cr_assert_not_null(strstr(text_of(&s), port));
	}
	first = strdup(text_of(&s));
	s.rt.proto = PROTO_UDP;
	cr_assert_str_neq(first, text_of(&s));
	free(first);
	sample_done(&s);
	buf_done(&line);
}

/* A failed buffer stays failed, and nothing is written past it. */
Test(json, failed_buffer)
{
	struct sample s;
	struct buf b = {.failed = true};

	sample_init(&s);
	sample_pair(&s, false, "a", "1", false);
	sample_pair(&s, false, "a", "2", false);
	roundtrip_json(&b, &s.rt, &s.context);
	roundtrip_text(&b, &s.rt, &s.context);
	cr_assert_eq(b.size, 0);
	sample_done(&s);
	buf_done(&line);
}
