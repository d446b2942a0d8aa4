/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads capture files and says about each, in one line with tabs: name, frames, their bytes on the
 * wire, time of the earliest and latest frame, and how the file ended. For comparison with other
 * programs.
 */
#include <stdio.h>
#include <stdlib.h>

#include "capture/source.h"
#include "core/time.h"

enum { BATCH = 32 };

struct counts {
	uint64_t frames, bytes, first_ns, last_ns;
};

static void add(struct counts *c, const struct frame *frame)
{
	if (!c->frames++ || c->first_ns > frame->ts_ns)
		c->first_ns = frame->ts_ns;
	if (c->last_ns < frame->ts_ns)
		c->last_ns = frame->ts_ns;
	c->bytes += frame->wire;
}

static void print(const char *path, const struct counts *c)
{
	printf("%s\t%llu\t%llu", path, (unsigned long long)c->frames, (unsigned long long)c->bytes);
	printf("\t%llu.%09llu", c->first_ns / NS_PER_S, c->first_ns % NS_PER_S);
	printf("\t%llu.%09llu\t", c->last_ns / NS_PER_S, c->last_ns % NS_PER_S);
}

static int count(const char *path, uint8_t *data)
{
	struct block b = {data, SOURCE_BLOCK_SIZE, 0, 0};
	struct frame frames[BATCH];
	struct counts c = {0};
	struct source *s;
	unsigned bad, n;
	uint64_t offset;
	int err = source_open_files(&path, 1, &s, &bad);

	if (err < 0) {
		print(path, &c);
		printf("%s: %s\n", err_text(err), source_open_error());
		return 1;
	}
	while ((err = source_fill(s, &b, true)) == 0)
		while ((n = source_frames(s, &b, frames, BATCH)) > 0)
			for (unsigned i = 0; i < n; i++)
				add(&c, &frames[i]);
	print(path, &c);
	if (err == ERR_EOF) {
		puts("whole");
	} else {
		const char *detail = source_error_detail(s, &bad, &offset);
		printf("%s: %s, at byte %llu\n", err_text(err), detail, (unsigned long long)offset);
	}
	source_close(s);
	return err != ERR_EOF;
}

int main(int argc, char **argv)
{
	uint8_t *data = malloc(SOURCE_BLOCK_SIZE);
	int failed = 0;

	if (!data)
		return 2;
	for (int i = 1; i < argc; i++)
		failed |= count(argv[i], data);
	free(data);
	return failed;
}
