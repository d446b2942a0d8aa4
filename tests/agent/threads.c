/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same bytes for any number of workers: a capture of many conversations, with loss, through 1, 2, 3, 4 and 8, once as
 * lines and once measured in intervals. Also run under ThreadSanitizer. "N passed, N failed, N skipped".
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/pipeline.h"
#include "core/time.h"
#include "protocol/registry.h"
#include "protocols/all.h"
#include "tests/agent/traffic.h"

/* What is in a report, as text. */
static void on_report(void *data, const struct report *report, struct buf *to)
{
	const struct operations *all = &report->metrics->operations;
	struct operation **ops = operations_sorted(all);
	char text[256];

	(void)data;
	snprintf(text, sizeof(text), "%llu %llu %llu %llu %u\n",
		 (unsigned long long)report->begin_ns, (unsigned long long)report->counters.frames,
		 (unsigned long long)report->counters.requests,
		 (unsigned long long)report->metrics->rtt.count, report->metrics->talkers.count);
	buf_text(to, text);
	for (uint32_t i = 0; i < all->count; i++) {
		snprintf(text, sizeof(text), " %.*s %llu %llu\n", ops[i]->size, ops[i]->name,
			 (unsigned long long)operation_requests(ops[i]),
			 (unsigned long long)histogram_quantile(&ops[i]->duration, 990));
		buf_text(to, text);
	}
	free(ops);
}

static struct buf run(const struct registry *registry, const char *path, unsigned workers,
		      bool measure, struct pipeline_result *result)
{
	int fd = memfd_create("lines", 0);
	const char *paths[] = {path};
	struct pipeline_options options = {.paths = paths,
					   .path_count = 1,
					   .workers = workers,
					   .registry = registry,
					   .decode = true,
					   .wants = WANT_HEADERS | WANT_FIELDS,
					   .format = measure ? LINES_NONE : LINES_JSON,
					   .measure = measure,
					   .interval_ns = measure ? 10 * TICK_NS : 0,
					   .report = on_report,
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

/* Runs with 1 and with other numbers of workers. */
static void compare(const struct registry *registry, const char *path, bool measure,
		    unsigned *passed, unsigned *failed)
{
	static const unsigned workers[] = {2, 3, 4, 8};
	struct pipeline_result first, other;
	struct buf one = run(registry, path, 1, measure, &first);

	if (!one.size || counters_check(&first.counters, stderr))
		++*failed;
	for (unsigned i = 0; i < sizeof(workers) / sizeof(workers[0]); i++) {
		struct buf b = run(registry, path, workers[i], measure, &other);
		bool same = b.size == one.size && memcmp(b.data, one.data, b.size) == 0 &&
			    memcmp(&first.counters, &other.counters, sizeof(first.counters)) == 0;

		if (!same)
			printf("%u workers: other %s or counters\n", workers[i],
			       measure ? "reports" : "lines");
		*passed += same;
		*failed += !same;
		metrics_free(other.metrics);
		buf_done(&b);
	}
	metrics_free(first.metrics);
	buf_done(&one);
}

int main(void)
{
	struct registry *registry;
	char path[] = "/tmp/wirespan-threads-XXXXXX";
	unsigned passed = 0, failed = 0;

	if (registry_new(protocols_all, &registry) != 0 ||
	    !traffic_write(path,
			   &(struct traffic){.conversations = 200, .requests = 40, .lose = 100}))
		return 2;
	compare(registry, path, false, &passed, &failed);
	compare(registry, path, true, &passed, &failed);
	unlink(path);
	registry_free(registry);
	printf("%u passed, %u failed, 0 skipped\n", passed, failed);
	return failed != 0;
}
