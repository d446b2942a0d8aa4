/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A command's run of the pipeline: signals, progress, and what is said when it fails.
 */
#include "cmd/read_options.h"

struct read_run {
	struct pipeline_options pipeline;
	struct pipeline_result result;
	bool progress;       /* shown on stderr, when that is a terminal */
	uint64_t elapsed_ns; /* of our own time */
	bool closed;         /* nobody reads the output any more */
	bool failed;         /* and the user was told */
	const char *failure; /* why, when it was the input or the output; NULL: it was not */
	char text[512];
};

/* Fills in what the options say; lines go to standard output. */
void read_run_prepare(struct read_run *r, const struct read_options *o);
void read_run(struct read_run *r, const struct read_options *o);
