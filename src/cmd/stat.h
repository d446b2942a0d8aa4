/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * wirespan stat: numbers about the round trips and the traffic, for each interval and for the whole. The command
 * line is read by stat_options.c; stat.c runs the pipeline and gives each report to stat_text.c or stat_json.c.
 */
#include "cmd/read_options.h"
#include "cmd/summary.h"

enum {
	STAT_WIDTH_MIN = 80,  /* columns of text; also when nobody says how many there are */
	STAT_WIDTH_MAX = 140, /* wider lines are hard to follow */
	STAT_TOP = 10,        /* operations of a protocol, and hosts, unless --top says */
	STAT_TOP_MAX = 1000,
};

struct stat_options {
	struct read_options read;
	bool text, json;      /* --format; neither: by where the output goes */
	uint64_t interval_ns; /* 0: only the whole */
	unsigned top;
};

/* Fills `ret`, to be given to stat_options_done() in any case. 0, or an exit status: the user was told. */
int stat_options_parse(int argc, char **argv, struct stat_options *ret);
void stat_options_done(struct stat_options *o);

extern const char stat_help[];

/* One report, and how to show it. */
struct stat_report {
	uint64_t begin_ns, end_ns; /* of the whole: the first and the last packet */
	const struct metrics *metrics;
	const struct counters *counters;
	const struct summary *summary; /* of the whole; NULL: an interval */
	unsigned top;
	/* text */
	unsigned width; /* columns */
	bool colours;
};

void stat_text(struct buf *b, const struct stat_report *r);
/* One JSON object and '\n'. */
void stat_json(struct buf *b, const struct stat_report *r);
/* The JSON schema (draft 2020-12) of these objects. */
void stat_schema(struct buf *b);
