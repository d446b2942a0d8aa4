/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/capture/reading.h"

#define S 1000000000ull

static const uint8_t packet[] = "a packet, more or less";

static struct capfile new_file(bool swapped)
{
	struct capfile c;

	capfile_init(&c);
	capfile_section(&c, swapped, -1);
	return c;
}

static struct reading read_whole(const struct capfile *c)
{
	struct reading r = reading_of(c, c->size, &reading_plain);

	cr_assert_eq(r.err, ERR_EOF, "%s", r.detail);
	return r;
}

/* Reads a damaged file: its detail, and how many frames came before. */
static void expect_damage(struct capfile *c, unsigned count, const char *detail)
{
	struct reading r = reading_of(c, c->size, &reading_plain);

	cr_assert_eq(r.err, ERR_DAMAGED, "%d: %s", r.err, r.detail);
	cr_assert_eq(r.count, count);
	cr_assert_str_eq(r.detail, detail);
	reading_done(&r);
	capfile_done(c);
}

Test(pcapng, every_packet_block)
{
	static const enum capfile_block kinds[] = {CAPFILE_ENHANCED, CAPFILE_SIMPLE, CAPFILE_OLD};

	for (unsigned swapped = 0; swapped < 2; swapped++) {
		struct capfile c = new_file(swapped);
		struct reading r;

		capfile_interface(&c, 1, 10, "eth0", CAPFILE_NO_RESOLUTION, 0);
		for (unsigned i = 0; i < 12; i++) {
			uint32_t captured = kinds[i % 3] == CAPFILE_SIMPLE ? 10 : i;
			capfile_packet(&c, kinds[i % 3], 0, 5000000 + i, packet, captured, 100);
		}
		capfile_packet(&c, CAPFILE_SIMPLE, 0, 0, packet, 10, 10);
		r = read_whole(&c);
		cr_assert_eq(r.count, 13);
		cr_assert_eq(r.frames[12].ts_ns, r.frames[11].ts_ns);
		for (unsigned i = 0; i < 12; i++) {
			bool simple = kinds[i % 3] == CAPFILE_SIMPLE;
			cr_assert_eq(r.frames[i].captured, simple ? 10 : i);
			cr_assert_eq(r.frames[i].wire, 100);
			cr_assert_eq(r.frames[i].number, i + 1);
			cr_assert_eq(r.frames[i].ts_ns, 5 * S + 1000 * (simple ? i - 1 : i));
			cr_assert_arr_eq(r.frames[i].data, packet, r.frames[i].captured);
		}
		cr_assert_str_eq(r.interface_names[0], "eth0");
		cr_assert_eq(r.snaplen, 10);
		reading_done(&r);
		capfile_done(&c);
	}
}

Test(pcapng, simple_packet_without_snaplen)
{
	struct capfile c = new_file(false);
	struct reading r;

	capfile_interface(&c, 1, 0, NULL, CAPFILE_NO_RESOLUTION, 0);
	capfile_packet(&c, CAPFILE_SIMPLE, 0, 0, packet, 13, 13);
	r = read_whole(&c);
	cr_assert_eq(r.count, 1);
	cr_assert_eq(r.frames[0].captured, 13);
	cr_assert_eq(r.frames[0].ts_ns, 0);
	reading_done(&r);
	capfile_done(&c);
}

Test(pcapng, every_resolution)
{
	static const struct {
		int resolution;
		int64_t offset_s;
		uint64_t ticks, ts_ns;
	} cases[] = {
		{CAPFILE_NO_RESOLUTION, 0, 1700000000123456, 1700000000123456000},
		{0, 0, 17, 17 * S},
		{3, 0, 1500, S * 3 / 2},
		{6, 0, 1, 1000},
		{9, 0, 1700000000123456789, 1700000000123456789},
		{10, 0, 19, 1},
		{12, 0, 1700000000999, 1700000000},
		{18, 0, 3 * S * S, 3 * S},
		{27, 0, UINT64_MAX, 18},
		{28, 0, UINT64_MAX, 1},
		{29, 0, UINT64_MAX, 0},
		{127, 0, UINT64_MAX, 0},
		{0x80, 0, 5, 5 * S},
		{0x80 + 1, 0, 5, 2 * S + S / 2},
		{0x80 + 10, 0, 1025, S + 976562},
		{0x80 + 32, 0, 0x1800000000, 24 * S},
		{0x80 + 63, 0, 1ull << 63, S},
		{0x80 + 64, 0, 1ull << 63, S / 2},
		{0x80 + 127, 0, UINT64_MAX, 0},
		{6, 1700000000, 5, 1700000000 * S + 5000},
		{6, -10, 11000000, S},
		/* Before 1970, and after all times that there are. */
		{6, -10, 9000000, 0},
		{6, INT64_MIN, UINT64_MAX, 0},
		{9, INT64_MAX, UINT64_MAX, INT64_MAX},
		{0, 0, UINT64_MAX, INT64_MAX},
		{6, 0, INT64_MAX / 1000 + 1, INT64_MAX},
		{9, 0, UINT64_MAX, INT64_MAX},
		{0x80, 0, UINT64_MAX, INT64_MAX},
	};

	for (unsigned i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned n = i / 2;
		struct capfile c = new_file(i % 2);
		struct reading r;

		capfile_interface(&c, 1, 0, "x", cases[n].resolution, cases[n].offset_s);
		capfile_packet(&c, CAPFILE_ENHANCED, 0, cases[n].ticks, packet, 5, 5);
		capfile_packet(&c, CAPFILE_OLD, 0, cases[n].ticks, packet, 5, 5);
		r = read_whole(&c);
		cr_assert_eq(r.count, 2);
		cr_assert_eq(r.frames[0].ts_ns, cases[n].ts_ns, "case %u: %llu", n,
			     (unsigned long long)r.frames[0].ts_ns);
		cr_assert_eq(r.frames[1].ts_ns, cases[n].ts_ns);
		reading_done(&r);
		capfile_done(&c);
	}
}

Test(pcapng, sections_and_interfaces)
{
	struct capfile c = new_file(false);
	struct reading r;

	capfile_interface(&c, 1, 100, "eth0", 6, 0);
	capfile_packet(&c, CAPFILE_ENHANCED, 0, 1, packet, 5, 5);
	capfile_interface(&c, 113, 200, "any", 9, 0);
	capfile_interface(&c, 101, 0, NULL, 6, 0);
	capfile_packet(&c, CAPFILE_ENHANCED, 1, 2000, packet, 5, 5);
	capfile_packet(&c, CAPFILE_ENHANCED, 2, 3, packet, 5, 5);
	/* The same capture goes on, in the other byte order and another unit. */
	capfile_section(&c, true, 1000);
	capfile_interface(&c, 1, 100, "eth0", 9, 0);
	capfile_interface(&c, 113, 200, "wlan0", 6, 0);
	capfile_packet(&c, CAPFILE_ENHANCED, 0, 4000, packet, 5, 5);
	capfile_packet(&c, CAPFILE_OLD, 1, 5, packet, 5, 5);
	capfile_section(&c, false, -1);
	/* Raw IP as some programs have it; it is no second interface. */
	capfile_interface(&c, 1, 100, "eth0", 6, 0);
	capfile_interface(&c, 1, 200, "wlan0", 6, 0);
	capfile_interface(&c, 12, 0, NULL, 6, 0);
	capfile_packet(&c, CAPFILE_ENHANCED, 2, 6, packet, 5, 5);
	capfile_packet(&c, CAPFILE_ENHANCED, 1, 7, packet, 5, 5);
	r = read_whole(&c);
	static const struct {
		uint16_t link_type, interface;
	} want[] = {{1, 0}, {113, 1}, {101, 2}, {1, 0}, {113, 3}, {101, 2}, {1, 4}};
	cr_assert_eq(r.count, 7);
	for (unsigned i = 0; i < 7; i++) {
		cr_assert_eq(r.frames[i].ts_ns, (i + 1) * 1000);
		cr_assert_eq(r.frames[i].link_type, want[i].link_type);
		cr_assert_eq(r.frames[i].interface, want[i].interface, "frame %u: %u", i + 1,
			     r.frames[i].interface);
	}
	cr_assert_eq(r.interface_count, 5);
	cr_assert_str_eq(r.interface_names[0], "eth0");
	cr_assert_str_eq(r.interface_names[2], "");
	cr_assert_str_eq(r.interface_names[3], "wlan0");
	cr_assert_eq(r.snaplen, 200);
	reading_done(&r);
	capfile_done(&c);
}

Test(pcapng, other_blocks_are_passed_over)
{
	static uint8_t big[3 << 20];
	static const uint32_t types[] = {4, 5, 10, 11, 7, 0x8000abcd};

	for (unsigned swapped = 0; swapped < 2; swapped++) {
		struct capfile c = new_file(swapped);
		struct reading r;

		capfile_interface(&c, 1, 0, NULL, CAPFILE_NO_RESOLUTION, 0);
		for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
			capfile_block(&c, types[i], big, i * 100);
			capfile_block(&c, types[i], big, i * 600000);
			capfile_packet(&c, CAPFILE_ENHANCED, 0, i, packet, i, i);
		}
		/* These have a frame number in Wireshark. */
		capfile_block(&c, 9, big, 10);
		capfile_block(&c, 0xbad, big, 1000000);
		capfile_block(&c, 0x40000bad, big, 4);
		capfile_packet(&c, CAPFILE_ENHANCED, 0, 1, packet, 1, 1);
		r = read_whole(&c);
		cr_assert_eq(r.count, 7);
		cr_assert_eq(r.frames[5].number, 6);
		cr_assert_eq(r.frames[6].number, 10);
		reading_done(&r);
		capfile_done(&c);
	}
}

Test(pcapng, packets_with_options)
{
	/* 5 MiB of options: more than any block of the reader's caller. */
	enum { HUGE_SIZE = 5 << 20 };
	static uint8_t huge[HUGE_SIZE];
	struct capfile c = new_file(false);
	struct reading r;

	capfile_interface(&c, 1, 0, NULL, CAPFILE_NO_RESOLUTION, 0);
	capfile_packet_options(&c, CAPFILE_ENHANCED, 0, 1, packet, 5, 5, "\2\0\4\0abcd\0\0\0", 12);
	capfile_packet_options(&c, CAPFILE_ENHANCED, 0, 2, packet, 6, 6, huge, 200000);
	capfile_packet_options(&c, CAPFILE_OLD, 0, 3, packet, 7, 7, huge, HUGE_SIZE);
	capfile_packet_options(&c, CAPFILE_ENHANCED, 0, 4, huge, SOURCE_FRAME_MAX, SOURCE_FRAME_MAX,
			       huge, HUGE_SIZE);
	capfile_packet(&c, CAPFILE_ENHANCED, 0, 5, packet, 8, 8);
	r = read_whole(&c);
	cr_assert_eq(r.count, 5);
	for (unsigned i = 0; i < 5; i++)
		cr_assert_eq(r.frames[i].ts_ns, (i + 1) * 1000);
	cr_assert_eq(r.frames[2].captured, 7);
	cr_assert_eq(r.frames[3].captured, SOURCE_FRAME_MAX);
	cr_assert_eq(r.frames[4].captured, 8);
	reading_done(&r);
	capfile_done(&c);
}

Test(pcapng, without_packets)
{
	struct capfile c = new_file(true);
	struct reading r = read_whole(&c);

	cr_assert_eq(r.count, 0);
	cr_assert_eq(r.interface_count, 0);
	reading_done(&r);
	capfile_done(&c);
}

Test(pcapng, wire_length_below_captured)
{
	struct capfile c = new_file(false);
	struct reading r;

	capfile_interface(&c, 1, 0, NULL, CAPFILE_NO_RESOLUTION, 0);
	capfile_packet(&c, CAPFILE_ENHANCED, 0, 1, packet, 9, 3);
	capfile_packet(&c, CAPFILE_OLD, 0, 1, packet, 9, 3);
	r = read_whole(&c);
	cr_assert_eq(r.frames[0].wire, 9);
	cr_assert_eq(r.frames[1].wire, 9);
	reading_done(&r);
	capfile_done(&c);
}

Test(pcapng, undefined_interface)
{
	struct capfile c = new_file(false);

	capfile_interface(&c, 1, 0, NULL, CAPFILE_NO_RESOLUTION, 0);
	capfile_packet(&c, CAPFILE_ENHANCED, 0, 1, packet, 9, 9);
	/* An interface of the section before does not count. */
	capfile_section(&c, false, -1);
	capfile_packet(&c, CAPFILE_ENHANCED, 0, 1, packet, 9, 9);
	expect_damage(&c, 1, "a packet of interface 0, and 0 are described");

	c = new_file(true);
	capfile_packet(&c, CAPFILE_SIMPLE, 0, 1, packet, 9, 9);
	expect_damage(&c, 0, "a packet of interface 0, and 0 are described");
}

Test(pcapng, damaged_lengths)
{
	struct capfile c = new_file(false);

	capfile_interface(&c, 1, 0, NULL, CAPFILE_NO_RESOLUTION, 0);
	capfile_packet(&c, CAPFILE_ENHANCED, 0, 1, packet, 9, 9);
	c.data[c.size - 4]++;
	expect_damage(&c, 0, "a block of 44 bytes ends with length 45");

	c = new_file(true);
	capfile_block(&c, 5, packet, 8);
	c.data[c.size - 4]++;
	expect_damage(&c, 0, "a block of 20 bytes ends with length 16777236");

	c = new_file(false);
	capfile_32(&c, 5);
	capfile_32(&c, 8);
	capfile_32(&c, 8);
	expect_damage(&c, 0, "a block (type 0x5) of 8 bytes");

	c = new_file(false);
	capfile_32(&c, 6);
	capfile_32(&c, 45);
	capfile_32(&c, 0);
	expect_damage(&c, 0, "a block (type 0x6) of 45 bytes");

	c = new_file(false);
	capfile_block(&c, 6, packet, 16);
	expect_damage(&c, 0, "a packet block of 28 bytes");

	c = new_file(false);
	capfile_block(&c, 1, packet, 4);
	expect_damage(&c, 0, "an interface description of 16 bytes");
}

Test(pcapng, damaged_packets)
{
	static uint8_t big[SOURCE_FRAME_MAX + 4];
	struct capfile c = new_file(false);
	size_t at;

	capfile_interface(&c, 1, 0, NULL, CAPFILE_NO_RESOLUTION, 0);
	at = c.size;
	capfile_packet(&c, CAPFILE_ENHANCED, 0, 1, packet, 12, 12);
	c.data[at + 20] = 13;
	expect_damage(&c, 0, "a packet of 13 bytes in a block of 44");

	c = new_file(false);
	capfile_interface(&c, 1, 0, NULL, CAPFILE_NO_RESOLUTION, 0);
	capfile_packet(&c, CAPFILE_ENHANCED, 0, 1, big, SOURCE_FRAME_MAX + 1, SOURCE_FRAME_MAX + 1);
	expect_damage(&c, 0, "a packet of 262145 bytes, more than 262144");

	c = new_file(false);
	capfile_interface(&c, 1, 0, NULL, CAPFILE_NO_RESOLUTION, 0);
	at = c.size;
	capfile_packet(&c, CAPFILE_ENHANCED, 0, 1, big, 1000, 1000);
	c.data[at + 7] = 1; /* 16 MiB and some */
	expect_damage(&c, 0, "a packet block of 16778248 bytes");
}

Test(pcapng, damaged_options)
{
	static const struct {
		uint8_t option[8];
		bool fine;
	} cases[] = {
		{{9, 0, 1, 0, 9}, true},
		{{9, 0, 2, 0, 9}, false},
		{{14, 0, 4, 0}, false},
		{{2, 0, 5, 0}, false},
		{{2, 0, 4, 0, 'e', 't', 'h', '0'}, true},
		{{0, 0, 255, 255}, true},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct capfile c = new_file(false);
		uint8_t body[16] = {1};

		memcpy(body + 8, cases[i].option, 8);
		capfile_block(&c, 1, body, 16);
		if (cases[i].fine) {
			struct reading r = read_whole(&c);
			reading_done(&r);
			capfile_done(&c);
		} else {
			expect_damage(&c, 0, "an interface description with a broken option");
		}
	}
}

Test(pcapng, section_headers)
{
	struct capfile c = new_file(false);
	struct reading r;

	capfile_section(&c, false, -1);
	c.data[c.ends[0].at + 8]++;
	expect_damage(&c, 0, "a section header with byte order 1a2b3c4e");

	c = new_file(false);
	c.data[8]++;
	r = reading_of(&c, c.size, &reading_plain);
	cr_assert_not(r.opened);
	cr_assert_eq(r.err, ERR_DAMAGED);
	capfile_done(&c);

	c = new_file(true);
	c.data[13] = 2;
	r = reading_of(&c, c.size, &reading_plain);
	cr_assert_eq(r.err, ERR_UNSUPPORTED);
	cr_assert_str_eq(r.detail, "pcapng version 2");
	capfile_done(&c);
}

Test(pcapng, too_many_interfaces)
{
	struct capfile c = new_file(false);
	struct reading r;

	for (unsigned i = 0; i < 65537; i++)
		capfile_interface(&c, 1, 0, NULL, CAPFILE_NO_RESOLUTION, 0);
	r = reading_of(&c, c.size, &reading_plain);
	cr_assert_eq(r.err, ERR_LIMIT);
	cr_assert_eq(r.interface_count, 65536);
	cr_assert_eq(r.offset, c.ends[65536].at);
	capfile_done(&c);
}
