/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The capture file reader: whatever the bytes, every frame is whole, and what is handed out does
 * not depend on how much a read() brings.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/infile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Unpacked bytes that are enough; a bomb takes no memory, but time. */
enum { UNPACKED_MAX = 64 << 20 };

struct result {
	uint64_t sum;
	unsigned count;
	int err;
};

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void add(struct result *r, const struct frame *frame)
{
	check(frame->captured <= SOURCE_FRAME_MAX && frame->captured <= frame->wire);
	r->sum = r->sum * 31 + frame->ts_ns;
	r->sum = r->sum * 31 + frame->number;
	for (uint32_t i = 0; i < frame->captured; i++)
		r->sum = r->sum * 31 + frame->data[i];
	r->count++;
}

static struct result read_all(int fd, size_t chunk, unsigned batch)
{
	struct block b = {malloc(SOURCE_BLOCK_MIN), SOURCE_BLOCK_MIN, 0, 0};
	struct result r = {0};
	struct frame frames[32];
	struct source *s;
	uint64_t unpacked = 0;
	unsigned n;

	check(b.data && lseek(fd, 0, SEEK_SET) == 0);
	r.err = source_open_fd(dup(fd), "input", &s);
	if (r.err == 0) {
		source_set_chunk(s, chunk);
		while (unpacked < UNPACKED_MAX && (r.err = source_fill(s, &b, true)) == 0) {
			unpacked += b.size;
			while ((n = source_frames(s, &b, frames, batch)) > 0)
				for (unsigned i = 0; i < n; i++)
					add(&r, &frames[i]);
		}
		check(source_interface_count(s) <= INTERFACES_MAX);
		source_close(s);
	}
	free(b.data);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("input", MFD_CLOEXEC);
	struct result a, b;

	check(fd >= 0 && (!size || write(fd, data, size) == (ssize_t)size));
	a = read_all(fd, SIZE_MAX, 32);
	b = read_all(fd, 1 + size % 61, 5);
	check(a.err == 0 || b.err == 0 || (a.err == b.err && a.count == b.count && a.sum == b.sum));
	close(fd);
	return 0;
}
