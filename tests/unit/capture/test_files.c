/* SPDX-License-Identifier: Apache-2.0 */
/* Opening by path, and several files as one. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/capture/reading.h"

#define S 1000000000ull

static char directory[] = "/tmp/wirespan-files-XXXXXX";
static char paths[400][64];
static const char *path_list[400];
static unsigned path_count;

static void setup(void)
{
	cr_assert(mkdtemp(directory));
	path_count = 0;
}

static void teardown(void)
{
	for (unsigned i = 0; i < path_count; i++)
		unlink(paths[i]);
	rmdir(directory);
}

static const char *add_path(void)
{
	snprintf(paths[path_count], sizeof(paths[0]), "%s/%u", directory, path_count);
	path_list[path_count] = paths[path_count];
	return paths[path_count++];
}

static void add_file(struct capfile *c)
{
	capfile_save(c, add_path());
	capfile_done(c);
}

static void add_pcap(const uint64_t *times, unsigned count)
{
	struct capfile c;

	capfile_init(&c);
	capfile_pcap(&c, CAPFILE_PCAP_NS, path_count % 2, 65535, 1);
	for (unsigned i = 0; i < count; i++)
		capfile_add(&c, times[i], &times[i], sizeof(times[i]));
	add_file(&c);
}

TestSuite(files, .init = setup, .fini = teardown);

static void expect_open_error(const char *path, int err, const char *detail)
{
	const char *list[] = {path_list[0], path};
	struct reading r = reading_of_files(list, 2);

	cr_assert_not(r.opened);
	cr_assert_eq(r.err, err, "%d: %s", r.err, r.detail);
	cr_assert_eq(r.bad_file, 1);
	cr_assert_str_eq(r.detail, detail);
}

static void expect_content_error(const void *data, size_t size, int err, const char *detail)
{
	struct capfile c;

	capfile_init(&c);
	capfile_bytes(&c, data, size);
	add_file(&c);
	expect_open_error(path_list[path_count - 1], err, detail);
}

Test(files, what_cannot_be_opened)
{
	static const uint64_t one = S;

	add_pcap(&one, 1);
	expect_open_error("/nowhere/x", ERR_IO, "No such file or directory");
	cr_assert_eq(errno, ENOENT);
	expect_open_error(directory, ERR_IO, "it is a directory, not a file");
	cr_assert_eq(errno, EISDIR);
	expect_content_error("", 0, ERR_EMPTY, "0 bytes");
	expect_content_error("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 28, ERR_FORMAT, "it is text");
	expect_content_error("\177ELF\2\1\1", 8, ERR_FORMAT, "it is a program (ELF)");
	expect_content_error("BZh91AY", 8, ERR_FORMAT,
			     "it is compressed with bzip2: unpack it first");
	expect_content_error("\1\2", 2, ERR_FORMAT, "it is only 2 bytes long");
	expect_content_error("\1\2\3\4\5\6\7", 7, ERR_FORMAT,
			     "it is of no known kind (it begins with 01 02 03 04)");
	expect_content_error("\xd4\xc3\xb2\xa1\2\0\4", 8, ERR_CUT,
			     "only 8 bytes of the 24 of its header are there");
	expect_content_error("\n\r\r\n\34\0\0\0", 8, ERR_CUT,
			     "only 8 bytes of its first block are there");
}

Test(files, arguments_that_make_no_sense)
{
	const char *twice[] = {"-", "-"};
	struct reading r = reading_of_files(twice, 2);

	cr_assert_eq(r.err, ERR_INVALID);
	cr_assert_eq(r.bad_file, 1);
	cr_assert_str_eq(r.detail, "standard input can be read only once");
	r = reading_of_files(twice, 0);
	cr_assert_eq(r.err, ERR_INVALID);
}

Test(files, merged_by_time_and_argument)
{
	static const uint64_t a[] = {1 * S, 5 * S, 5 * S, 9 * S};
	static const uint64_t b[] = {2 * S, 5 * S, 7 * S, 20 * S};
	static const uint64_t d[] = {5 * S, 3 * S, 8 * S}; /* not in order: stays so */
	static const struct {
		uint16_t file;
		uint64_t number, seconds;
	} want[] = {{0, 1, 1}, {1, 1, 2}, {0, 2, 5}, {0, 3, 5}, {1, 2, 5}, {3, 1, 5},
		    {3, 2, 3}, {1, 3, 7}, {3, 3, 8}, {0, 4, 9}, {1, 4, 20}};
	struct reading r;

	add_pcap(a, 4);
	add_pcap(b, 4);
	add_pcap(NULL, 0);
	add_pcap(d, 3);
	r = reading_of_files(path_list, 4);
	cr_assert_eq(r.err, ERR_EOF, "%s", r.detail);
	cr_assert_eq(r.count, 11);
	for (unsigned i = 0; i < 11; i++) {
		uint64_t inside;
		cr_assert_eq(r.frames[i].file, want[i].file, "frame %u", i);
		cr_assert_eq(r.frames[i].number, want[i].number);
		cr_assert_eq(r.frames[i].ts_ns, want[i].seconds * S);
		memcpy(&inside, r.frames[i].data, sizeof(inside));
		cr_assert_eq(inside, want[i].seconds * S);
	}
	cr_assert_eq(r.interface_count, 3);
	reading_done(&r);
}

Test(files, merged_interfaces)
{
	struct capfile c;
	struct reading r;

	for (unsigned i = 0; i < 2; i++) {
		capfile_init(&c);
		capfile_section(&c, i == 1, -1);
		capfile_interface(&c, 1, 100 + i, i ? "b0" : "a0", 6, 0);
		capfile_interface(&c, 113, 0, "unused", 6, 0);
		capfile_interface(&c, 101, 0, i ? "b2" : "a2", 6, 0);
		capfile_packet(&c, CAPFILE_ENHANCED, 2, 10 + i, "x", 1, 1);
		capfile_packet(&c, CAPFILE_ENHANCED, 0, 20 + i, "x", 1, 1);
		add_file(&c);
	}
	r = reading_of_files(path_list, 2);
	cr_assert_eq(r.err, ERR_EOF, "%s", r.detail);
	cr_assert_eq(r.count, 4);
	for (unsigned i = 0; i < 4; i++) {
		cr_assert_eq(r.frames[i].interface, i);
		cr_assert_eq(r.frames[i].link_type, i < 2 ? 101 : 1);
	}
	cr_assert_eq(r.interface_count, 4);
	cr_assert_str_eq(r.interface_names[0], "a2");
	cr_assert_str_eq(r.interface_names[1], "b2");
	cr_assert_str_eq(r.interface_names[2], "a0");
	cr_assert_str_eq(r.interface_names[3], "b0");
	cr_assert_str_eq(r.interface_names[4], "");
	cr_assert_eq(r.snaplen, 101);
	reading_done(&r);
}

Test(files, a_bad_one_among_many)
{
	struct capfile c, z;
	struct reading r;

	capfile_init(&c);
	capfile_pcap(&c, CAPFILE_PCAP_US, false, 65535, 1);
	capfile_add_many(&c, 50, 1700000000 * S);
	for (unsigned i = 0; i < 4; i++)
		capfile_save(&c, add_path());
	c.size = c.ends[10].at + 3;
	capfile_save(&c, paths[1]);
	capfile_save(&c, paths[3]);
	capfile_init(&z);
	cr_assert(capfile_compress(&c, CAPFILE_GZIP, &z));
	capfile_save(&z, paths[2]);
	r = reading_of_files(path_list, 4);
	cr_assert_eq(r.err, ERR_CUT);
	cr_assert_eq(r.count, 50 + 3 * 10);
	cr_assert_eq(r.bad_file, 1);
	cr_assert_eq(r.offset, c.ends[10].at);
	cr_assert_str_eq(r.detail, "it ends inside of a record (2 more files are not whole)");
	reading_done(&r);
	capfile_done(&c);
	capfile_done(&z);
}

/* 300 files, descriptors for 100, and some frames larger than what is read at a time. */
Test(files, more_than_descriptors)
{
	static uint8_t packet[SOURCE_FRAME_MAX];
	struct rlimit limit = {100, 100};
	struct reading r;
	uint64_t before = 0;

	for (unsigned i = 0; i < 300; i++) {
		struct capfile c, z;
		capfile_init(&c);
		capfile_init(&z);
		capfile_pcap(&c, CAPFILE_PCAP_US, false, 65535, 1);
		for (unsigned j = 0; j < 3; j++)
			capfile_add(&c, (1000 * j + i) * S, packet, i < 5 ? SOURCE_FRAME_MAX : 100);
		if (i % 3 == 1) {
			cr_assert(capfile_compress(&c, CAPFILE_GZIP, &z));
			add_file(&z);
			capfile_done(&c);
		} else {
			add_file(&c);
		}
	}
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	r = reading_of_files(path_list, 300);
	cr_assert_eq(r.err, ERR_EOF, "%s", r.detail);
	cr_assert_eq(r.count, 900);
	for (unsigned i = 0; i < r.count; i++) {
		cr_assert_eq(r.frames[i].file, i % 300);
		cr_assert_eq(r.frames[i].captured, i % 300 < 5 ? SOURCE_FRAME_MAX : 100);
		cr_assert_geq(r.frames[i].ts_ns, before);
		before = r.frames[i].ts_ns;
	}
	reading_done(&r);
}

Test(files, progress)
{
	struct capfile c;
	struct source *s;
	struct block b = {malloc(READING_ROOM), READING_ROOM, 0, 0};
	struct frame frames[32];
	uint64_t done, total;
	unsigned bad;

	capfile_init(&c);
	capfile_pcap(&c, CAPFILE_PCAP_US, false, 65535, 1);
	capfile_add_many(&c, 10000, 1700000000 * S);
	capfile_save(&c, add_path());
	capfile_save(&c, add_path());
	cr_assert_eq(source_open_files(path_list, 2, &s, &bad), 0);
	source_progress(s, &done, &total);
	cr_assert_eq(total, 2 * c.size);
	cr_assert_leq(done, 100);
	while (source_fill(s, &b, true) == 0)
		while (source_frames(s, &b, frames, 32))
			;
	source_progress(s, &done, &total);
	cr_assert_eq(done, total);
	source_close(s);
	source_close(NULL);
	free(b.data);
	capfile_done(&c);
}
