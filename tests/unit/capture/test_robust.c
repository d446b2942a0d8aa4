/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are cut or changed: never a crash, and never a frame that is not whole. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/capture/reading.h"

enum { VARIANTS = 8 };

/* A small file with something of everything. */
static struct capfile variant(unsigned n)
{
	struct capfile c;

	capfile_init(&c);
	if (n < 6) {
		capfile_pcap(&c, n / 2, n % 2, 65535, 1);
		capfile_add_many(&c, 8, 1700000000000000000);
		return c;
	}
	capfile_section(&c, n % 2, -1);
	capfile_interface(&c, 1, 0, "eth0", 6, 0);
	capfile_add_many(&c, 4, 1700000000000000000);
	capfile_block(&c, 5, "some statistics", 15);
	capfile_packet_options(&c, CAPFILE_OLD, 0, 1, "abc", 3, 3, "\0\0\0\0", 4);
	capfile_section(&c, n % 2 == 0, 1234);
	capfile_interface(&c, 113, 0, NULL, 0x80 + 20, 12);
	capfile_interface(&c, 113, 0, "x", 9, 0);
	capfile_packet(&c, CAPFILE_ENHANCED, 1, 77, "abcde", 5, 5);
	capfile_packet(&c, CAPFILE_SIMPLE, 1, 77, "abcdefg", 7, 7);
	capfile_block(&c, 0xbad, "custom", 6);
	capfile_add_many(&c, 4, 1700000000000000000);
	return c;
}

/* Packets in the first `size` bytes, and whether it ends between two records. */
static unsigned packets_within(const struct capfile *c, size_t size, bool *ret_between)
{
	unsigned packets = 0;

	*ret_between = false;
	for (unsigned i = 0; i < c->end_count && c->ends[i].at <= size; i++) {
		packets = c->ends[i].packets;
		*ret_between = c->ends[i].at == size;
	}
	return packets;
}

static void cut_everywhere(const struct capfile *c, const struct reading_how *how)
{
	struct reading whole = reading_of(c, c->size, how);

	cr_assert_eq(whole.err, ERR_EOF, "%s", whole.detail);
	cr_assert_eq(whole.count, c->packets);
	for (size_t size = 0; size < c->size; size++) {
		struct reading r = reading_of(c, size, how);
		bool between;
		unsigned packets = packets_within(c, size, &between);
		int err = size == 0  ? ERR_EMPTY
			  : size < 4 ? ERR_FORMAT
			  : between  ? ERR_EOF
				     : ERR_CUT;

		cr_assert_eq(r.err, err, "%zu bytes: %d, not %d (%s)", size, r.err, err, r.detail);
		cr_assert_eq(r.count, packets, "%zu bytes: %u, not %u packets", size, r.count,
			     packets);
		for (unsigned i = 0; i < packets; i++)
			cr_assert_arr_eq(r.frames[i].data, whole.frames[i].data,
					 whole.frames[i].captured);
		reading_done(&r);
	}
	reading_done(&whole);
}

Test(robust, cut_at_every_byte)
{
	for (unsigned n = 0; n < VARIANTS; n++) {
		struct capfile c = variant(n);

		cut_everywhere(&c, &reading_plain);
		capfile_done(&c);
	}
}

Test(robust, cut_at_every_byte_with_short_reads)
{
	for (unsigned n = 0; n < VARIANTS; n++) {
		struct reading_how how = {1 + n * n, READING_ROOM, 1 + n};
		struct capfile c = variant(n);

		cut_everywhere(&c, &how);
		capfile_done(&c);
	}
}

Test(robust, short_reads_change_nothing)
{
	for (unsigned n = 0; n < VARIANTS; n++) {
		struct capfile c = variant(n);
		struct reading whole = reading_of(&c, c.size, &reading_plain);

		for (size_t chunk = 1; chunk < 100; chunk++) {
			struct reading_how how = {chunk, READING_ROOM + chunk,
						  1 + (unsigned)chunk % 64};
			struct reading r = reading_of(&c, c.size, &how);
			reading_expect_same(&whole, &r);
			reading_done(&r);
		}
		reading_done(&whole);
		capfile_done(&c);
	}
}

static void change(struct capfile *c)
{
	static const uint32_t interesting[] = {0,
					       1,
					       7,
					       12,
					       0x7fffffff,
					       0x80000000,
					       0xffffffff,
					       0x0a0d0d0a,
					       SOURCE_FRAME_MAX,
					       SOURCE_FRAME_MAX + 1};
	size_t at = (size_t)rand() % c->size;

	switch (rand() % 3) {
	case 0:
		c->data[at] ^= (uint8_t)(1 << rand() % 8);
		break;
	case 1:
		c->data[at] = (uint8_t)rand();
		break;
	default:
		at &= ~(size_t)3;
		if (c->size - at >= 4)
			memcpy(c->data + at, &interesting[rand() % 10], 4);
	}
}

/* Also: the same whatever the size of reads and blocks. */
Test(robust, changed_at_random)
{
	srand(20);
	for (unsigned i = 0; i < 3000; i++) {
		struct reading_how how = {1 + (size_t)rand() % 300, READING_ROOM, 7};
		struct capfile c = variant(i % VARIANTS);
		struct reading a, b;

		for (int changes = 1 + rand() % 4; changes; changes--)
			change(&c);
		a = reading_of(&c, c.size, &reading_plain);
		b = reading_of(&c, c.size, &how);
		reading_expect_same(&a, &b);
		for (unsigned j = 0; j < a.count; j++) {
			cr_assert(a.frames[j].captured <= SOURCE_FRAME_MAX);
			cr_assert(a.frames[j].wire >= a.frames[j].captured);
			cr_assert(a.frames[j].ts_ns <= INT64_MAX);
			cr_assert(j == 0 || a.frames[j].number > a.frames[j - 1].number);
			cr_assert(a.frames[j].interface < a.interface_count);
		}
		reading_done(&a);
		reading_done(&b);
		capfile_done(&c);
	}
}
