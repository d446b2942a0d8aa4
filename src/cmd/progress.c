/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/progress.h"

#include <stdio.h>
#include <time.h>

#include "core/time.h"

static const uint64_t patience_ns = 1 * NS_PER_S; /* shorter runs show nothing */
static const uint64_t pause_ns = 200 * NS_PER_MS; /* between two looks */

uint64_t progress_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

void progress_begin(struct progress *p)
{
	*p = (struct progress){.begin_ns = progress_clock()};
	p->shown_ns = p->begin_ns + patience_ns - pause_ns;
}

void progress_show(void *progress, uint64_t done, uint64_t total)
{
	struct progress *p = progress;
	uint64_t now = progress_clock();
	double seconds = (double)(now - p->begin_ns) / 1e9, megabytes = (double)done / 1e6;

	if (now < p->shown_ns + pause_ns)
		return;
	p->shown_ns = now;
	p->shown = true;
	if (total && done && done <= total)
		fprintf(stderr, "\r%3.0f %%  %.0f of %.0f MB, about %.0f s left\033[K",
			100.0 * (double)done / (double)total, megabytes, (double)total / 1e6,
			seconds * (double)(total - done) / (double)done);
	else
		fprintf(stderr, "\r%.0f MB read in %.0f s\033[K", megabytes, seconds);
	fflush(stderr);
}

void progress_end(struct progress *p)
{
	if (!p->shown)
		return;
	fputs("\r\033[K", stderr);
	fflush(stderr);
}
