/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same bytes for any number of workers: a capture of many conversations, with loss, through 1, 2, 3, 4 and 8. Also run
 * under ThreadSanitizer. "N passed, N failed, N skipped".
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/pipeline.h"
#include "protocol/registry.h"
#include "protocols/all.h"
#include "tests/agent/traffic.h"

static struct buf run(const struct registry *registry, const char *path, unsigned workers,
		      struct pipeline_result *result)
{
	int fd = memfd_create("lines", 0);
	const char *paths[] = {path};
	struct pipeline_options options = {.paths = paths,
					   .path_count = 1,
					   .workers = workers,
					   .registry = registry,
					   .decode = true,
					   .wants = WANT_HEADERS | WANT_FIELDS,
					   .format = LINES_JSON,
					   .fd = fd};
	struct buf b = {0};
	char piece[65536];
	ssize_t n;

	if (fd < 0 || pipeline_run(&options, result) != 0)
		exit(2);
	lseek(fd, 0, SEEK_SET);
	while ((n = read(fd, piece, sizeof(piece))) > 0)
		buf_add(&b, piece, (size_t)n);
	close(fd);
	return b;
}

int main(void)
{
	static const unsigned workers[] = {2, 3, 4, 8};
	struct pipeline_result first, other;
	struct registry *registry;
	char path[] = "/tmp/wirespan-threads-XXXXXX";
	unsigned passed = 0, failed = 0;
	struct buf one;

	if (registry_new(protocols_all, &registry) != 0 ||
	    !traffic_write(path,
			   &(struct traffic){.conversations = 200, .requests = 40, .lose = 100}))
		return 2;
	one = run(registry, path, 1, &first);
	if (!first.lines || counters_check(&first.counters, stderr))
		failed++;
	for (unsigned i = 0; i < sizeof(workers) / sizeof(workers[0]); i++) {
		struct buf b = run(registry, path, workers[i], &other);
		bool same = b.size == one.size && memcmp(b.data, one.data, b.size) == 0 &&
			    memcmp(&first.counters, &other.counters, sizeof(first.counters)) == 0;

		if (!same)
			printf("%u workers: other lines or counters\n", workers[i]);
		passed += same;
		failed += !same;
		buf_done(&b);
	}
	buf_done(&one);
	unlink(path);
	registry_free(registry);
	printf("%u passed, %u failed, 0 skipped\n", passed, failed);
	return failed != 0;
}
