/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/capture/reading.h"

#define T0 1700000000123456789ull

static void expect_packets(const struct reading *r, unsigned count, uint64_t unit)
{
	struct capfile c;
	struct reading us;

	capfile_init(&c);
	capfile_pcap(&c, CAPFILE_PCAP_NS, false, 65535, 1);
	capfile_add_many(&c, count, T0);
	us = reading_of(&c, c.size, &reading_plain);
	cr_assert_eq(r->count, count);
	for (unsigned i = 0; i < count; i++) {
		cr_assert_eq(r->frames[i].ts_ns, (T0 + i * 1000000ull) / unit * unit);
		cr_assert_eq(r->frames[i].number, i + 1);
		cr_assert_eq(r->frames[i].captured, i * 37 % 300);
		cr_assert_eq(r->frames[i].wire, i * 37 % 300);
		cr_assert_arr_eq(r->frames[i].data, us.frames[i].data, r->frames[i].captured);
	}
	reading_done(&us);
	capfile_done(&c);
}

Test(pcap, every_variant)
{
	for (unsigned kind = CAPFILE_PCAP_US; kind <= CAPFILE_PCAP_MODIFIED; kind++) {
		for (unsigned swapped = 0; swapped < 2; swapped++) {
			struct capfile c;
			struct reading r;

			capfile_init(&c);
			capfile_pcap(&c, kind, swapped, 1500, 113);
			capfile_add_many(&c, 100, T0);
			r = reading_of(&c, c.size, &reading_plain);
			cr_assert_eq(r.err, ERR_EOF, "%s", r.detail);
			expect_packets(&r, 100, kind == CAPFILE_PCAP_NS ? 1 : 1000);
			cr_assert_eq(r.frames[99].link_type, 113);
			cr_assert_eq(r.snaplen, 1500);
			cr_assert_eq(r.interface_count, 1);
			cr_assert_str_eq(r.interface_names[0], "");
			reading_done(&r);
			capfile_done(&c);
		}
	}
}

Test(pcap, larger_than_a_block)
{
	static const struct reading_how hows[] = {
		{SIZE_MAX, READING_ROOM + 1, 1},
		{SIZE_MAX, SOURCE_BLOCK_SIZE, 64},
		{100000, READING_ROOM + 77, 31},
		{4097, READING_ROOM, 32},
	};
	struct capfile c;
	struct reading r, other;

	capfile_init(&c);
	capfile_pcap(&c, CAPFILE_PCAP_US, false, 65535, 1);
	capfile_add_many(&c, 10000, T0);
	r = reading_of(&c, c.size, &reading_plain);
	cr_assert_eq(r.err, ERR_EOF);
	expect_packets(&r, 10000, 1000);
	for (unsigned i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
		other = reading_of(&c, c.size, &hows[i]);
		reading_expect_same(&r, &other);
		reading_done(&other);
	}
	reading_done(&r);
	capfile_done(&c);
}

Test(pcap, no_packets)
{
	struct capfile c;
	struct reading r;

	capfile_init(&c);
	capfile_pcap(&c, CAPFILE_PCAP_US, false, 65535, 1);
	r = reading_of(&c, c.size, &reading_plain);
	cr_assert(r.opened);
	cr_assert_eq(r.err, ERR_EOF);
	cr_assert_eq(r.count, 0);
	reading_done(&r);
	capfile_done(&c);
}

Test(pcap, link_type_is_the_low_half)
{
	static const struct {
		uint32_t field;
		uint16_t link_type;
	} cases[] = {{0x14000001, 1}, {0xf0000113, 0x113}, {12, 101}, {14, 101}, {101, 101}};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct capfile c;
		struct reading r;

		capfile_init(&c);
		capfile_pcap(&c, CAPFILE_PCAP_US, i % 2, 65535, cases[i].field);
		capfile_add_many(&c, 2, T0);
		r = reading_of(&c, c.size, &reading_plain);
		cr_assert_eq(r.count, 2);
		cr_assert_eq(r.frames[1].link_type, cases[i].link_type);
		reading_done(&r);
		capfile_done(&c);
	}
}

Test(pcap, odd_values_are_tolerated)
{
	struct capfile c;
	struct reading r;

	capfile_init(&c);
	capfile_pcap(&c, CAPFILE_PCAP_US, false, 0, 1);
	/* A fraction above a second. */
	capfile_32(&c, 0xffffffff);
	capfile_32(&c, 0xffffffff);
	capfile_32(&c, 0);
	capfile_32(&c, 60);
	/* Shorter on the wire than captured, in a version that has that in order. */
	capfile_record(&c, T0, "0123456789", 10, 4);
	r = reading_of(&c, c.size, &reading_plain);
	cr_assert_eq(r.err, ERR_EOF);
	cr_assert_eq(r.count, 2);
	cr_assert_eq(r.frames[0].ts_ns, 0xffffffffull * 1000000000 + 0xffffffffull * 1000);
	cr_assert_eq(r.frames[0].wire, 60);
	cr_assert_eq(r.frames[1].captured, 10);
	cr_assert_eq(r.frames[1].wire, 10);
	reading_done(&r);
	capfile_done(&c);
}

Test(pcap, old_versions_swap_the_lengths)
{
	struct capfile c;
	struct reading r;

	capfile_init(&c);
	capfile_pcap(&c, CAPFILE_PCAP_US, false, 0, 1);
	c.data[6] = 2;
	capfile_32(&c, 1);
	capfile_32(&c, 2);
	capfile_32(&c, 100);
	capfile_32(&c, 5);
	capfile_bytes(&c, "abcde", 5);
	r = reading_of(&c, c.size, &reading_plain);
	cr_assert_eq(r.err, ERR_EOF);
	cr_assert_eq(r.count, 1);
	cr_assert_eq(r.frames[0].captured, 5);
	cr_assert_eq(r.frames[0].wire, 100);
	reading_done(&r);
	capfile_done(&c);
}

Test(pcap, longest_frame_and_one_more)
{
	static uint8_t packet[SOURCE_FRAME_MAX + 1];
	struct capfile c;
	struct reading r;

	capfile_init(&c);
	capfile_pcap(&c, CAPFILE_PCAP_MODIFIED, true, 0, 1);
	capfile_add_many(&c, 3, T0);
	for (unsigned i = 0; i < 3; i++)
		capfile_add(&c, T0, packet, SOURCE_FRAME_MAX);
	r = reading_of(&c, c.size, &reading_plain);
	cr_assert_eq(r.err, ERR_EOF);
	cr_assert_eq(r.count, 6);
	cr_assert_eq(r.frames[5].captured, SOURCE_FRAME_MAX);
	reading_done(&r);

	capfile_add(&c, T0, packet, SOURCE_FRAME_MAX + 1);
	capfile_add_many(&c, 3, T0);
	r = reading_of(&c, c.size, &reading_plain);
	cr_assert_eq(r.err, ERR_DAMAGED);
	cr_assert_eq(r.count, 6);
	cr_assert_eq(r.offset, c.ends[6].at);
	cr_assert_str_eq(r.detail,
			 "the record of frame 7 says it has 262145 bytes, more than 262144");
	reading_done(&r);
	capfile_done(&c);
}

Test(pcap, a_length_gone_wrong)
{
	struct capfile c;
	struct reading r;

	capfile_init(&c);
	capfile_pcap(&c, CAPFILE_PCAP_US, true, 0, 1);
	capfile_add_many(&c, 3, T0);
	capfile_32(&c, 1);
	capfile_32(&c, 2);
	capfile_32(&c, 0x7fffffff);
	capfile_32(&c, 0x7fffffff);
	r = reading_of(&c, c.size, &reading_plain);
	cr_assert_eq(r.err, ERR_DAMAGED);
	cr_assert_eq(r.count, 3);
	cr_assert_eq(r.offset, c.ends[3].at);
	reading_done(&r);
	capfile_done(&c);
}

Test(pcap, other_versions_are_refused)
{
	struct capfile c;
	struct reading r;

	capfile_init(&c);
	capfile_pcap(&c, CAPFILE_PCAP_US, false, 0, 1);
	c.data[4] = 3;
	r = reading_of(&c, c.size, &reading_plain);
	cr_assert_not(r.opened);
	cr_assert_eq(r.err, ERR_UNSUPPORTED);
	cr_assert_str_eq(r.detail, "pcap version 3.4");
	capfile_done(&c);
}
