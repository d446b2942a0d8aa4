/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/capture/reading.h"

static const char *const names[] = {"gzip", "zstd", "lz4"};

static struct capfile plain_file(unsigned packets)
{
	struct capfile c;

	capfile_init(&c);
	capfile_pcap(&c, CAPFILE_PCAP_US, false, 65535, 1);
	capfile_add_many(&c, packets, 1700000000000000000);
	return c;
}

/* Bytes [from, to) of a file as a file. */
static struct capfile part(const struct capfile *c, size_t from, size_t to)
{
	struct capfile p;

	capfile_init(&p);
	capfile_bytes(&p, c->data + from, to - from);
	return p;
}

static void add_part(struct capfile *to, const struct capfile *c, size_t from, size_t end,
		     enum capfile_compression how)
{
	struct capfile p = part(c, from, end);

	cr_assert(capfile_compress(&p, how, to));
	capfile_done(&p);
}

static bool have(enum capfile_compression how)
{
	struct capfile from, to;
	bool got;

	capfile_init(&from);
	capfile_init(&to);
	got = capfile_compress(&from, how, &to);
	capfile_done(&to);
	return got;
}

Test(decompress, every_kind_and_chunk)
{
	static const size_t chunks[] = {SIZE_MAX, 1000, 7, 1};
	struct capfile c = plain_file(3000);
	struct reading whole = reading_of(&c, c.size, &reading_plain);

	cr_assert_eq(whole.count, 3000);
	for (unsigned how = 0; how < CAPFILE_COMPRESSIONS; how++) {
		struct capfile z;
		capfile_init(&z);
		if (!capfile_compress(&c, how, &z))
			continue;
		for (unsigned i = 0; i < 4; i++) {
			struct reading_how slow = {chunks[i], READING_ROOM, 32};
			struct reading r = reading_of(&z, z.size, &slow);
			reading_expect_same(&whole, &r);
			reading_done(&r);
		}
		capfile_done(&z);
	}
	reading_done(&whole);
	capfile_done(&c);
}

Test(decompress, several_members_and_frames)
{
	struct capfile c = plain_file(500);
	struct reading whole = reading_of(&c, c.size, &reading_plain);

	for (unsigned how = 0; how < CAPFILE_COMPRESSIONS; how++) {
		struct capfile z;
		struct reading r;
		capfile_init(&z);
		if (!have(how))
			continue;
		if (how != CAPFILE_GZIP) {
			capfile_skippable(&z, 3);
			capfile_skippable(&z, 100000);
		}
		/* Cut anywhere, also within the file header, and with an empty one. */
		add_part(&z, &c, 0, 10, how);
		add_part(&z, &c, 10, 10, how);
		add_part(&z, &c, 10, 4321, how);
		if (how != CAPFILE_GZIP)
			capfile_skippable(&z, 0);
		add_part(&z, &c, 4321, c.size, how);
		if (how != CAPFILE_GZIP)
			capfile_skippable(&z, 1000);
		else
			capfile_bytes(&z, "\0\0\0\0\0\0\0", 7);
		for (size_t chunk = 1; chunk < 2000; chunk += 99) {
			struct reading_how slow = {chunk, READING_ROOM, 32};
			r = reading_of(&z, z.size, &slow);
			reading_expect_same(&whole, &r);
			reading_done(&r);
		}
		capfile_done(&z);
	}
	reading_done(&whole);
	capfile_done(&c);
}

/* What could be unpacked is there, in whole frames, and the end is called a cut. */
Test(decompress, cut_anywhere)
{
	struct capfile c = plain_file(60);
	struct reading whole = reading_of(&c, c.size, &reading_plain);

	for (unsigned how = 0; how < CAPFILE_COMPRESSIONS; how++) {
		struct capfile z;
		unsigned most = 0;
		capfile_init(&z);
		if (!have(how))
			continue;
		add_part(&z, &c, 0, c.ends[20].at, how);
		add_part(&z, &c, c.ends[20].at, c.size, how);
		for (size_t size = 4; size < z.size; size++) {
			struct reading r = reading_of(&z, size, &reading_plain);
			/* Between two frames nothing is cut, if it is between two packets. */
			bool between = r.err == ERR_EOF && r.count == 20;
			cr_assert(between || r.err == ERR_CUT, "%s, %zu bytes: %d (%s)", names[how],
				  size, r.err, r.detail);
			cr_assert(r.count >= most);
			most = r.count;
			for (unsigned i = 0; i < r.count; i++)
				cr_assert_arr_eq(r.frames[i].data, whole.frames[i].data,
						 whole.frames[i].captured);
			reading_done(&r);
		}
		cr_assert_geq(most, 20);
		capfile_done(&z);
	}
	reading_done(&whole);
	capfile_done(&c);
}

Test(decompress, cut_says_what)
{
	struct capfile c = plain_file(60);
	struct capfile z;
	struct reading r;

	capfile_init(&z);
	cr_assert(capfile_compress(&c, CAPFILE_GZIP, &z));
	r = reading_of(&z, z.size - 1, &reading_plain);
	cr_assert_eq(r.count, 60);
	cr_assert_eq(r.err, ERR_CUT);
	cr_assert_str_eq(r.detail, "the gzip data end in the middle");
	cr_assert_eq(r.offset, c.size);
	reading_done(&r);
	capfile_done(&z);
	/* Without its end mark: all is unpacked when the last byte is read, and not yet asked for. */
	if (capfile_compress(&c, CAPFILE_LZ4, &z)) {
		r = reading_of(&z, z.size - 4, &reading_plain);
		cr_assert_eq(r.count, 60);
		cr_assert_eq(r.err, ERR_CUT);
		reading_done(&r);
	}
	capfile_done(&z);
	capfile_done(&c);
}

Test(decompress, damage)
{
	struct capfile c = plain_file(400);

	for (unsigned how = 0; how < CAPFILE_COMPRESSIONS; how++) {
		struct capfile z;
		struct reading r;
		capfile_init(&z);
		if (!have(how))
			continue;
		add_part(&z, &c, 0, c.ends[200].at, how);
		capfile_bytes(&z, "neither a member nor a frame", 28);
		r = reading_of(&z, z.size, &reading_plain);
		cr_assert_eq(r.err, ERR_DAMAGED, "%s: %d", names[how], r.err);
		cr_assert_eq(r.count, 200);
		cr_assert_eq(memcmp(r.detail, names[how], strlen(names[how])), 0, "%s", r.detail);
		reading_done(&r);
		capfile_done(&z);
	}
	capfile_done(&c);
}

Test(decompress, changed_bytes)
{
	struct capfile c = plain_file(100);

	srand(1);
	for (unsigned how = 0; how < CAPFILE_COMPRESSIONS; how++) {
		struct capfile z;
		capfile_init(&z);
		if (!capfile_compress(&c, how, &z))
			continue;
		for (unsigned i = 0; i < 300; i++) {
			struct reading_how slow = {1 + (size_t)rand() % 500, READING_ROOM, 32};
			size_t at = (size_t)rand() % z.size;
			uint8_t was = z.data[at];
			struct reading r;
			z.data[at] ^= (uint8_t)(1 << rand() % 8);
			r = reading_of(&z, z.size, &slow);
			cr_assert_neq(r.err, ERR_OK);
			reading_done(&r);
			z.data[at] = was;
		}
		capfile_done(&z);
	}
	capfile_done(&c);
}

Test(decompress, a_bomb_is_only_long)
{
	enum { ZEROS = 200 << 20 };
	static const uint8_t zeros[1 << 20];
	struct capfile c, z;
	struct reading r;

	capfile_init(&c);
	capfile_init(&z);
	capfile_section(&c, false, -1);
	capfile_32(&c, 4);
	capfile_32(&c, ZEROS + 12);
	capfile_bytes(&c, zeros, sizeof(zeros));
	for (unsigned how = 0; how < CAPFILE_COMPRESSIONS; how++) {
		struct capfile more;
		if (!have(how))
			continue;
		capfile_init(&z);
		capfile_init(&more);
		capfile_bytes(&more, zeros, sizeof(zeros));
		cr_assert(capfile_compress(&c, how, &z));
		for (unsigned i = 1; i < ZEROS >> 20; i++)
			cr_assert(capfile_compress(&more, how, &z));
		/* Length, and the next block. */
		capfile_done(&more);
		capfile_32(&more, ZEROS + 12);
		capfile_block(&more, 5, "12345678", 8);
		cr_assert(capfile_compress(&more, how, &z));
		r = reading_of(&z, z.size, &reading_plain);
		cr_assert_eq(r.err, ERR_EOF, "%s: %s", names[how], r.detail);
		reading_done(&r);
		capfile_done(&more);
		capfile_done(&z);
	}
	capfile_done(&c);
}

/* A little input from which much comes is not at its end when it is used up. */
Test(decompress, more_comes_than_fits)
{
	static const uint8_t zeros[SOURCE_FRAME_MAX];
	struct capfile c;
	struct reading whole;

	capfile_init(&c);
	capfile_pcap(&c, CAPFILE_PCAP_US, false, 65535, 1);
	for (unsigned i = 0; i < 20; i++)
		capfile_add(&c, i, zeros, SOURCE_FRAME_MAX);
	whole = reading_of(&c, c.size, &reading_plain);
	for (unsigned how = 0; how < CAPFILE_COMPRESSIONS; how++) {
		struct capfile z;
		struct reading r;
		capfile_init(&z);
		if (!capfile_compress(&c, how, &z))
			continue;
		r = reading_of(&z, z.size, &reading_plain);
		reading_expect_same(&whole, &r);
		reading_done(&r);
		capfile_done(&z);
	}
	reading_done(&whole);
	capfile_done(&c);
}

static void expect_refused(const void *data, size_t size, int err, const char *detail)
{
	struct capfile c;
	struct reading r;

	capfile_init(&c);
	capfile_bytes(&c, data, size);
	r = reading_of(&c, c.size, &reading_plain);
	cr_assert_not(r.opened);
	cr_assert_eq(r.err, err, "%d: %s", r.err, r.detail);
	cr_assert_str_eq(r.detail, detail);
	capfile_done(&c);
}

Test(decompress, no_capture_inside)
{
	struct capfile c, z, zz;

	capfile_init(&c);
	capfile_init(&z);
	capfile_init(&zz);
	cr_assert(capfile_compress(&c, CAPFILE_GZIP, &z));
	expect_refused(z.data, z.size, ERR_EMPTY, "compressed, and nothing is inside");
	cr_assert(capfile_compress(&z, CAPFILE_GZIP, &zz));
	expect_refused(zz.data, zz.size, ERR_FORMAT,
		       "what is compressed in it is compressed once more: unpack it first");
	capfile_done(&z);
	capfile_bytes(&c, "GET / HTTP/1.1\r\n\r\n", 18);
	cr_assert(capfile_compress(&c, CAPFILE_GZIP, &z));
	expect_refused(z.data, z.size, ERR_FORMAT, "what is compressed in it is text");
	expect_refused("\2\x21\x4c\x18 and so on", 14, ERR_UNSUPPORTED,
		       "the legacy lz4 format is not read: unpack it first");
	capfile_done(&c);
	capfile_skippable(&c, 10);
	expect_refused(c.data, c.size, ERR_EMPTY, "compressed, and nothing is inside");
	expect_refused(c.data, c.size - 1, ERR_CUT, "it ends inside of a skippable frame");
	expect_refused(c.data, 6, ERR_CUT, "it ends inside of a skippable frame");
	/* A zstd frame that wants a window of 2 GiB. */
	if (have(CAPFILE_ZSTD))
		expect_refused("\x28\xb5\x2f\xfd\x00\xa8\1\0\0x", 10, ERR_UNSUPPORTED,
			       "zstd: Frame requires too much memory for decoding");
	capfile_done(&c);
	capfile_done(&z);
	capfile_done(&zz);
}
