/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No malloc and no free per packet once warm: the same conversations, ten times as many requests, cost not one call more.
 * "N passed, N failed, N skipped".
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/pipeline.h"
#include "protocol/registry.h"
#include "protocols/all.h"
#include "tests/agent/traffic.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
int main(void)
{
	printf("SKIPPED: a sanitizer has replaced malloc already\n0 passed, 0 failed, 1 skipped\n");
	return 77;
}
#else
static unsigned long calls;

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void __libc_free(void *);

void *malloc(size_t n)
{
	calls++;
	return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	calls++;
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	calls++;
	return __libc_realloc(p, n);
}

void *aligned_alloc(size_t align, size_t n)
{
	calls++;
	return __libc_memalign(align, n);
}

void free(void *p)
{
	calls++;
	__libc_free(p);
}

static unsigned long calls_of(const struct registry *registry, unsigned requests,
			      enum line_format format, uint64_t *ret_roundtrips)
{
	char path[] = "/tmp/wirespan-mallocs-XXXXXX";
	const char *paths[] = {path};
	static struct pipeline_result result;
	struct pipeline_options options = {.paths = paths,
					   .path_count = 1,
					   .workers = 1,
					   .registry = registry,
					   .decode = true,
					   .format = format,
					   .fd = open("/dev/null", O_WRONLY)};
	unsigned long before;

	if (!traffic_write(path, &(struct traffic){.conversations = 50, .requests = requests}))
		exit(2);
	before = calls;
	if (pipeline_run(&options, &result) != 0)
		exit(2);
	before = calls - before;
	*ret_roundtrips = result.counters.roundtrips_ok + result.counters.roundtrips_error;
	unlink(path);
	close(options.fd);
	return before;
}

int main(void)
{
	static const enum line_format formats[] = {LINES_NONE, LINES_JSON, LINES_TEXT};
	struct registry *registry;
	unsigned passed = 0, failed = 0;

	if (registry_new(protocols_all, &registry) != 0)
		return 2;
	for (unsigned i = 0; i < 3; i++) {
		uint64_t some, many;
		unsigned long a = calls_of(registry, 100, formats[i], &some);
		unsigned long b = calls_of(registry, 1000, formats[i], &many);

		printf("format %u: %lu calls for %lu round trips, %lu for %lu\n", i, a,
		       (unsigned long)some, b, (unsigned long)many);
		if (a == b && some == 5000 && many == 50000)
			passed++;
		else
			failed++;
	}
	registry_free(registry);
	printf("%u passed, %u failed, 0 skipped\n", passed, failed);
	return failed != 0;
}
#endif
