/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "metrics/metrics.h"

enum { KIND, VERB };

static const struct field_def defs[] = {
	[KIND] = {"kind", FIELD_NUMBER, 3, "a number before it"},
	[VERB] = {"verb", FIELD_TEXT, 1 | FIELD_OPERATION, "what is asked for"},
	{0},
};

static const struct field_def list_defs[] = {
	[0] = {"types", FIELD_LIST, 3 | FIELD_OPERATION, "the first one counts"},
	{0},
};

static const struct field_def bare_defs[] = {
	[0] = {"text", FIELD_TEXT, 1, "no operation"},
	{0},
};

static struct operations o;

static void done(void)
{
	operations_done(&o);
}

TestSuite(operations, .fini = done);

static uint8_t packed[1024];
static struct message_part request, response;

/* An answered round trip of `name`. */
static struct roundtrip asked(const char *protocol, const char *name)
{
	struct field f[2] = {{.id = KIND, .number = 7}, {.id = VERB, .text = view_text(name)}};
	uint32_t size = fields_pack_all(defs, f, 2, packed);

	request = (struct message_part){.from = 100, .to = 110, .fields = view_of(packed, size)};
	response = (struct message_part){.from = 0, .to = 5};
	return (struct roundtrip){.protocol = protocol,
				  .defs = defs,
				  .status = STATUS_OK,
				  .request = &request,
				  .response = &response,
				  .duration_ns = 1000};
}

static void add(struct operations *to, const char *protocol, const char *name)
{
	struct roundtrip rt = asked(protocol, name);

	operations_add(to, &rt);
}

/* "protocol name count" of all, in order. */
static void check_sorted(const struct operations *from, const char *wanted)
{
	struct operation **ops = operations_sorted(from);
	char text[1024] = "";

	for (uint32_t i = 0; i < from->count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s %.*s%s %llu\n",
			 ops[i]->protocol, ops[i]->size, ops[i]->name,
			 ops[i]->other ? "(other)" : "",
			 (unsigned long long)operation_requests(ops[i]));
	cr_assert_str_eq(text, wanted);
	free(ops);
}

Test(operations, by_protocol_then_count_then_name)
{
	const char *const names[] = {"GET", "POST", "GET", "PUT", "a-long-name-indeed", "GET"};

	for (unsigned i = 0; i < 6; i++)
		add(&o, "b", names[i]);
	add(&o, "a", "GET");
	check_sorted(&o, "a GET 1\nb GET 3\nb POST 1\nb PUT 1\nb a-long-name-indeed 1\n");
}

Test(operations, counts_statuses_bytes_and_times)
{
	struct roundtrip rt = asked("p", "GET");

	operations_add(&o, &rt);
	rt.status = STATUS_ERROR;
	rt.duration_ns = 5000;
	operations_add(&o, &rt);
	rt.response = NULL;
	rt.status = STATUS_UNANSWERED;
	operations_add(&o, &rt);
	const struct operation *op = o.list[0];

	cr_assert_eq(o.count, 1);
	cr_assert_eq(operation_requests(op), 3);
	cr_assert_eq(op->by_status[STATUS_ERROR], 1);
	cr_assert_eq(op->by_status[STATUS_UNANSWERED], 1);
	cr_assert_eq(op->request_bytes, 30);
	cr_assert_eq(op->response_bytes, 10);
	cr_assert_eq(op->duration.count, 2);
	cr_assert_eq(op->duration.max, 5000);
}

Test(operations, names_that_differ_little)
{
	const char *const names[] = {"",          "G",         "GE",
				     "GET",       "GTE",       "GEET",
				     "ABCDE",     "ABXDE",     "ABCDEFGH",
				     "ABCDEFGHI", "ABCDEFGHJ", "12345678901234567890123456789012"};

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 12; i++)
			add(&o, "p", names[i]);
	}
	cr_assert_eq(o.count, 12);
	for (unsigned i = 0; i < 12; i++)
		cr_assert_eq(operation_requests(o.list[i]), 3, "%s", names[i]);
}

Test(operations, a_name_longer_than_32_bytes_is_cut)
{
	add(&o, "p", "12345678901234567890123456789012 and more");
	add(&o, "p", "12345678901234567890123456789012 or less");
	cr_assert_eq(o.count, 1);
	cr_assert_eq(o.list[0]->size, OPERATION_NAME_MAX);
}

Test(operations, beyond_the_cap_is_other)
{
	char name[16];

	for (unsigned i = 0; i < OPERATIONS_MAX + 50; i++) {
		snprintf(name, sizeof(name), "op%u", i);
		add(&o, "p", name);
		add(&o, "p", name);
	}
	add(&o, "q", "GET");
	cr_assert_eq(o.count, OPERATIONS_MAX + 2);
	struct operation **ops = operations_sorted(&o);

	cr_assert(ops[OPERATIONS_MAX]->other);
	cr_assert_eq(operation_requests(ops[OPERATIONS_MAX]), 100);
	cr_assert_str_eq(ops[OPERATIONS_MAX + 1]->protocol, "q");
	free(ops);
}

Test(operations, an_orphan_of_unknown_operation)
{
	struct roundtrip rt = asked("p", "GET");

	operations_add(&o, &rt);
	rt.request = NULL;
	rt.status = STATUS_ORPHAN;
	operations_add(&o, &rt);
	check_sorted(&o, "p GET 1\np  0\n");
	cr_assert_eq(o.list[1]->response_bytes, 5);
	cr_assert_eq(o.list[1]->duration.count, 0);
}

Test(operations, of_a_list_the_first_value_and_of_the_answer_too)
{
	struct field f[2] = {{.text = view_text("AAAA")}, {.text = view_text("A")}};
	uint32_t size = fields_pack_all(list_defs, f, 2, packed);
	struct roundtrip rt = {.protocol = "dns", .defs = list_defs, .status = STATUS_ORPHAN};

	response = (struct message_part){.to = 9, .fields = view_of(packed, size)};
	rt.response = &response;
	operations_add(&o, &rt);
	cr_assert_eq(o.list[0]->size, 4);
	cr_assert_arr_eq(o.list[0]->name, "AAAA", 4);
}

Test(operations, a_protocol_without_operations)
{
	struct roundtrip rt = asked("p", "GET");

	rt.defs = bare_defs;
	request.fields = view_of(packed, 0);
	operations_add(&o, &rt);
	rt.defs = NULL;
	operations_add(&o, &rt);
	check_sorted(&o, "p  2\n");
}

Test(operations, merged_is_as_if_added_together)
{
	struct operations part[2] = {0};
	char name[16];

	for (unsigned i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "op%u", i * i % 37);
		add(&o, i % 5 ? "p" : "q", name);
		add(&part[i / 7 % 2], i % 5 ? "p" : "q", name);
	}
	operations_merge(&part[0], &part[1]);
	cr_assert_eq(part[0].count, o.count);
	struct operation **a = operations_sorted(&o), **b = operations_sorted(&part[0]);

	for (uint32_t i = 0; i < o.count; i++) {
		cr_assert_str_eq(a[i]->protocol, b[i]->protocol);
		cr_assert_arr_eq(a[i]->name, b[i]->name, OPERATION_NAME_MAX);
		cr_assert_eq(a[i]->by_status[STATUS_OK], b[i]->by_status[STATUS_OK]);
		cr_assert_eq(a[i]->duration.count, b[i]->duration.count);
	}
	free(a);
	free(b);
	for (unsigned i = 0; i < 2; i++)
		operations_done(&part[i]);
}
