/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "sample.h"

static uint32_t add(uint8_t *to, const struct field *f)
{
	uint32_t size = fields_size(sample_defs, f);

	cr_assert_eq(fields_pack(sample_defs, f, to), size);
	cr_assert_leq(size, fields_bound(sample_defs, f, 1));
	return size;
}

Test(fields, come_back_as_they_went_in)
{
	static uint8_t packed[200];
	const struct field in[] = {
		{.id = SAMPLE_METHOD, .text = view_text("GET")},
		{.id = SAMPLE_SIZE, .number = 0x1122334455667788, .mark = FIELD_SECRET},
		{.id = SAMPLE_LAST},
		{.id = SAMPLE_HEADERS, .name = view_text("host"), .text = view_text("")},
		{.id = SAMPLE_TAGS, .text = view_text("")},
	};
	const unsigned count = sizeof(in) / sizeof(*in);
	uint32_t size = 0;
	struct field f;

	for (unsigned i = 0; i < count; i++)
		size += add(packed + size, &in[i]);

	struct field_iter it = field_iter_of(sample_defs, view_of(packed, size));
	for (unsigned i = 0; i < count; i++) {
		memset(&f, 0, sizeof(f));
		cr_assert(fields_next(&it, &f));
		cr_assert_eq(f.id, in[i].id);
		cr_assert_eq(f.mark, in[i].mark);
		cr_assert_eq(f.number, in[i].number);
		cr_assert(view_equal(f.text, in[i].text));
		cr_assert(view_equal(f.name, in[i].name));
	}
	cr_assert_not(fields_next(&it, &f));

	cr_assert(fields_find(sample_defs, view_of(packed, size), SAMPLE_SIZE, &f));
	cr_assert_eq(f.number, 0x1122334455667788);
	cr_assert_not(fields_find(sample_defs, view_of(packed, size), SAMPLE_CODE, &f));
	cr_assert_not(fields_find(sample_defs, view_of(NULL, 0), SAMPLE_CODE, &f));
}

Test(fields, numbers_take_as_many_bytes_as_they_need)
{
	static const struct {
		uint64_t number;
		uint32_t size;
	} table[] = {{0, 0},         {1, 2},          {0xffff, 2},
		     {0x10000, 4},   {UINT32_MAX, 4}, {(uint64_t)UINT32_MAX + 1, 8},
		     {UINT64_MAX, 8}};

	for (unsigned i = 0; i < sizeof(table) / sizeof(*table); i++) {
		const struct field in = {.id = SAMPLE_SIZE, .number = table[i].number};
		uint8_t packed[20];
		struct field out;
		uint32_t size = add(packed, &in);

		cr_expect_eq(size, 2 + table[i].size);
		cr_assert(fields_find(sample_defs, view_of(packed, size), SAMPLE_SIZE, &out));
		cr_expect_eq(out.number, table[i].number);
		cr_assert_eq(fields_pack_all(sample_defs, &in, 1, packed), size);
		cr_assert(fields_find(sample_defs, view_of(packed, size), SAMPLE_SIZE, &out));
		cr_expect_eq(out.number, table[i].number);
	}
}

Test(fields, long_texts_are_cut)
{
	static uint8_t text[70000], packed[140000];
	struct field f = {
		.id = SAMPLE_HEADERS,
		.name = view_of(text, sizeof(text)),
		.text = view_of(text, sizeof(text)),
	};
	uint32_t size = add(packed, &f);

	cr_assert_eq(size, 2 + 2 * (2 + 65535));
	struct field_iter it = field_iter_of(sample_defs, view_of(packed, size));
	cr_assert(fields_next(&it, &f));
	cr_assert_eq(f.name.size, 65535);
	cr_assert_eq(f.text.size, 65535);
	cr_assert_not(fields_next(&it, &f));
}

Test(roundtrip, names)
{
	for (unsigned i = 0; i < STATUS_COUNT; i++)
		cr_assert_eq(status_find(view_text(status_name((enum status)i))), i);
	cr_assert_eq(status_find(view_text("fine")), STATUS_COUNT);
	cr_assert_str_eq(reason_name(REASON_NONE), "");
	cr_assert_str_eq(reason_name(REASON_ANNOUNCEMENT), "announcement");
	cr_assert_str_eq(reason_text(REASON_CLOSED), "the connection was closed");
	for (unsigned i = 0; i < PARTIAL_BITS; i++)
		cr_assert_not_null(partial_name(i));
}
