/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the corpus of fuzz-capture into a directory: a small file of every kind. What is committed
 * was made by this and packed by tests/fuzz/corpus.sh; it is run again when a kind is added.
 */
#include <stdio.h>

#include "tests/lib/capfile.h"

#define T0 1700000000000000000ull

static const char *directory;

static void save(struct capfile *c, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	capfile_save(c, path);
	capfile_done(c);
}

static void pcaps(void)
{
	static const char *const names[] = {"pcap-us", "pcap-ns", "pcap-modified"};

	for (unsigned i = 0; i < 6; i++) {
		struct capfile c;
		char name[32];

		capfile_init(&c);
		capfile_pcap(&c, i / 2, i % 2, 65535, 1);
		capfile_add_many(&c, 4, T0);
		snprintf(name, sizeof(name), "%s%s", names[i / 2], i % 2 ? "-big" : "");
		save(&c, name);
	}
}

static struct capfile pcapng(bool swapped)
{
	struct capfile c;

	capfile_init(&c);
	capfile_section(&c, swapped, -1);
	capfile_interface(&c, 1, 65535, "eth0", 9, 5);
	capfile_add_many(&c, 3, T0);
	capfile_packet(&c, CAPFILE_SIMPLE, 0, 0, "simple", 6, 6);
	capfile_packet_options(&c, CAPFILE_OLD, 0, 1, "old", 3, 3, "\0\0\0\0", 4);
	capfile_block(&c, 5, "statistics of an interface", 26);
	capfile_section(&c, !swapped, 1000);
	capfile_interface(&c, 1, 0, "eth0", 0x80 + 20, 0);
	capfile_interface(&c, 101, 0, NULL, CAPFILE_NO_RESOLUTION, 0);
	capfile_packet(&c, CAPFILE_ENHANCED, 1, 77, "raw", 3, 3);
	capfile_block(&c, 0xbad, "custom", 6);
	return c;
}

int main(int argc, char **argv)
{
	static const char *const names[] = {"gzip", "zstd", "lz4"};
	struct capfile c, z;

	if (argc != 2) {
		fprintf(stderr, "usage: capture-corpus DIRECTORY\n");
		return 2;
	}
	directory = argv[1];
	pcaps();
	for (unsigned how = 0; how < CAPFILE_COMPRESSIONS; how++) {
		c = pcapng(how % 2);
		capfile_init(&z);
		if (how != CAPFILE_GZIP)
			capfile_skippable(&z, 5);
		if (capfile_compress(&c, how, &z) && capfile_compress(&c, how, &z))
			save(&z, names[how]);
		capfile_done(&c);
	}
	c = pcapng(false);
	save(&c, "pcapng");
	c = pcapng(true);
	save(&c, "pcapng-big");
	return 0;
}
