/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A capture read from end to end, and kept, to be looked at and compared. */
#include <stdint.h>

#include "capture/source.h"
#include "tests/lib/capfile.h"

enum { READING_ROOM = SOURCE_BLOCK_MIN };

struct reading {
	struct frame *frames; /* their bytes are copies */
	unsigned count, room;
	int err; /* how it ended: of opening, if that failed */
	bool opened;
	unsigned bad_file;
	uint64_t offset;
	char detail[256];
	unsigned interface_count;
	char interface_names[8][64]; /* the first few */
	uint32_t snaplen;
};

/* How to read: how many bytes per read(), in what blocks, how many frames at a time. */
struct reading_how {
	size_t chunk, room;
	unsigned batch;
};

/* The usual way. */
extern const struct reading_how reading_plain;

/* Reads the first `size` bytes of a capture. */
struct reading reading_of(const struct capfile *c, size_t size, const struct reading_how *how);
struct reading reading_of_files(const char *const *paths, unsigned count);
void reading_done(struct reading *r);

/* The frames are the same, and the ends. */
void reading_expect_same(const struct reading *a, const struct reading *b);
