/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What is said at the end of a run: how much there was, what became of it, what was lost, which caps were
 * reached and, in words, what kept packets from being decoded. Every number is one of struct counters.
 */
#include "agent/pipeline.h"

struct summary {
	const struct pipeline_result *result;
	unsigned files;
	uint64_t elapsed_ns; /* of our own time */
	bool decode;         /* false: --only none */
	bool verbose;        /* text: all counters and the accounting equations */
	const char *failure; /* what went wrong, NULL: nothing */
};

void summary_text(struct buf *b, const struct summary *s);
/* One JSON object and '\n'. */
void summary_json(struct buf *b, const struct summary *s);

/* The i-th counter of what is missing, or that a cap made grow, as an index for counters_name(); -1 past the end. */
int summary_loss(unsigned i);
int summary_cap(unsigned i);
/* Those of them that are not zero, as text. */
void summary_losses(struct buf *b, const struct counters *c);

/* One remark about what kept packets from being decoded. */
struct remark {
	const char *code; /* for programs */
	char text[240];
};

enum { REMARKS_MAX = 13 };

/* The remarks that apply, most important first. */
unsigned summary_remarks(const struct summary *s, struct remark ret[static REMARKS_MAX]);
