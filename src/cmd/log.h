/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * wirespan log: from the command line (log_options.c) to one plain struct, and from that to a run of the
 * pipeline (log.c).
 */
#include "cmd/read_options.h"

enum log_format { LOG_FORMAT_AUTO, LOG_FORMAT_TEXT, LOG_FORMAT_JSON, LOG_FORMAT_NONE };

struct log_options {
	struct read_options read;
	enum log_format format;
	bool summary_json, verbose, headers, show_secrets;
	uint64_t stuck_ns, count;
};

/* Fills `ret`, to be given to log_options_done() in any case. 0, or an exit status: the user was told. */
int log_options_parse(int argc, char **argv, struct log_options *ret);
void log_options_done(struct log_options *o);

extern const char log_help[];
