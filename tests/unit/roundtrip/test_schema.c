/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <jansson.h>

#include "sample.h"

static json_t *schema_of(const struct protocol_ops *const *protocols)
{
	struct buf b = {0};
	json_error_t error;

	roundtrip_schema(&b, protocols);
	cr_assert_not(b.failed);
	json_t *root = json_loadb(b.data, b.size, JSON_REJECT_DUPLICATES, &error);
	cr_assert_not_null(root, "line %d: %s", error.line, error.text);
	buf_done(&b);
	return root;
}

static json_t *dig(json_t *at, const char *const *path)
{
	for (; *path; path++) {
		at = json_object_get(at, *path);
		cr_assert_not_null(at, "%s", *path);
	}
	return at;
}

#define DIG(root, ...) dig(root, (const char *const[]){__VA_ARGS__, NULL})

/* The rule of a protocol. */
static json_t *rule_of(json_t *root, const char *protocol)
{
	size_t i;
	json_t *rule;

	json_array_foreach(json_object_get(root, "allOf"), i, rule)
	{
		json_t *name = json_object_get(DIG(rule, "if", "properties"), "protocol");

		if (name &&
		    strcmp(json_string_value(json_object_get(name, "const")), protocol) == 0)
			return json_object_get(rule, "then");
	}
	return NULL;
}

Test(schema, is_json_with_the_fields_of_the_tables)
{
	json_t *root = schema_of(sample_protocols);
	json_t *own = rule_of(root, "sample");

	cr_assert_str_eq(json_string_value(json_object_get(root, "$schema")),
			 "https://json-schema.org/draft/2020-12/schema");
	cr_assert_eq(json_array_size(DIG(root, "properties", "status", "enum")), STATUS_COUNT);
	cr_assert_eq(json_array_size(DIG(root, "properties", "reason", "enum")), REASON_COUNT - 1);
	cr_assert_str_eq(json_string_value(DIG(own, "properties", "request", "properties", "path",
					       "description")),
			 "of \"what\"");
	cr_assert_str_eq(
		json_string_value(DIG(own, "properties", "response", "properties", "tags", "type")),
		"array");
	cr_assert_null(
		json_object_get(DIG(own, "properties", "request", "properties"), "anomalies"));
	DIG(own, "properties", "anomalies");
	json_decref(root);
}

Test(schema, without_protocols)
{
	static const struct protocol_ops bare = {.name = "bare"};
	static const struct protocol_ops *const none[] = {NULL}, *const one[] = {&bare, NULL};

	json_decref(schema_of(none));
	json_decref(schema_of(one));
}

/* Every key that a line can have is described. */
Test(schema, covers_a_line)
{
	struct sample s;
	struct buf b = {0};
	const char *key;
	json_t *value, *schema = schema_of(sample_protocols), *line;
	json_t *own = rule_of(schema, "sample");

	sample_init(&s);
	s.rt.reason = REASON_LATE;
	s.rt.early = true;
	s.rt.rtt_ns = s.rt.lost_bytes = s.rt.retransmits = s.rt.out_of_order = s.rt.zero_windows =
		1;
	s.rt.partial = (1u << PARTIAL_BITS) - 1;
	s.interface = "eth0";
	s.layer[0] = (struct tunnel_layer){7, TUNNEL_VLAN};
	s.layers = 1;
	sample_text(&s, true, SAMPLE_ANOMALIES, "odd");
	roundtrip_json(&b, &s.rt, &s.context);
	line = json_loadb(b.data, b.size, 0, NULL);
	cr_assert_not_null(line);
	json_object_foreach(line, key, value)
	{
		cr_assert(json_object_get(json_object_get(schema, "properties"), key) ||
				  json_object_get(json_object_get(own, "properties"), key),
			  "%s", key);
	}
	json_object_foreach(json_object_get(line, "tcp"), key, value)
		DIG(schema, "properties", "tcp", "properties", key);
	cr_assert_eq(json_array_size(json_object_get(line, "partial")), PARTIAL_BITS);
	json_decref(line);
	json_decref(schema);
	buf_done(&b);
	sample_done(&s);
}
