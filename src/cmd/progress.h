/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * "How far are we" on stderr, for people who wait at a terminal: one line that is written over, and wiped at
 * the end. Nothing appears in the first second.
 */
#include <stdbool.h>
#include <stdint.h>

struct progress {
	uint64_t begin_ns, shown_ns; /* CLOCK_MONOTONIC */
	bool shown;
};

uint64_t progress_clock(void); /* ns, CLOCK_MONOTONIC */
void progress_begin(struct progress *p);
/* Bytes of the input read so far, and all of them (0: not known). */
void progress_show(void *progress, uint64_t done, uint64_t total);
void progress_end(struct progress *p);
