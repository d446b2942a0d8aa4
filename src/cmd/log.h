/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * wirespan log: from the command line (log_options.c) to one plain struct, and from that to a run of the
 * pipeline (log.c).
 */
#include "agent/pipeline.h"
#include "protocol/registry.h"
#include "roundtrip/where.h"

enum log_format { LOG_FORMAT_AUTO, LOG_FORMAT_TEXT, LOG_FORMAT_JSON, LOG_FORMAT_NONE };

struct log_options {
	const char **paths; /* of -r; the words themselves belong to argv */
	unsigned path_count;
	char *filter; /* the words of the BPF filter, joined; NULL: none */
	enum log_format format;
	bool help, schema, summary_json, verbose, headers, show_secrets, decode;
	unsigned workers, statuses;
	uint64_t slower_ns, count;
	struct registry *registry; /* with the port rules and --only */
	struct where *where;
};

/* Fills `ret`, to be given to log_options_done() in any case. 0, or an exit status: the user was told. */
int log_options_parse(int argc, char **argv, struct log_options *ret);
void log_options_done(struct log_options *o);

extern const char log_help[];
