/* SPDX-License-Identifier: Apache-2.0 */
/* The reporter of meter.h. */
#include <stdlib.h>

#include "agent/meter.h"

int reporter_init(struct reporter *r, const struct pipeline_options *options, struct buf *to)
{
	r->options = options;
	r->to = to;
	r->sources = options->workers + 1;
	r->total = metrics_new();
	return r->total ? 0 : ERR_NOMEM;
}

void reporter_done(struct reporter *r)
{
	for (uint32_t i = 0; i < r->count; i++)
		metrics_free(r->periods[i].metrics);
	free(r->periods);
	metrics_free(r->total);
}

/* The period that a seal belongs to; NULL: memory ran out. */
static struct period *period_of(struct reporter *r, uint64_t end_ns)
{
	uint32_t i = r->count;

	while (i > 0 && r->periods[i - 1].end_ns > end_ns)
		i--;
	if (i > 0 && r->periods[i - 1].end_ns == end_ns)
		return &r->periods[i - 1];
	if (r->count == r->room) {
		uint32_t room = r->room ? r->room * 2 : 8;
		struct period *bigger = realloc(r->periods, room * sizeof(*bigger));

		if (!bigger)
			return NULL;
		r->periods = bigger;
		r->room = room;
	}
	memmove(&r->periods[i + 1], &r->periods[i], (r->count - i) * sizeof(*r->periods));
	r->count++;
	r->periods[i] = (struct period){.end_ns = end_ns};
	return &r->periods[i];
}

static void report_period(struct reporter *r, struct period *p)
{
	struct metrics nothing = {0};
	struct report report = {
		.begin_ns = p->end_ns - r->options->interval_ns,
		.end_ns = p->end_ns,
		.metrics = p->metrics ? p->metrics : &nothing,
		.counters = p->counters,
	};

	counters_subtract(&report.counters, &r->before);
	r->before = p->counters;
	if (r->options->interval_ns && p->counters.frames)
		r->options->report(r->options->report_data, &report, r->to);
	if (p->metrics)
		metrics_merge(r->total, p->metrics);
	metrics_free(p->metrics);
}

/* Reports the oldest periods as long as they have the seals of `sources`. */
static void report_ready(struct reporter *r, unsigned sources)
{
	uint32_t n = 0;

	while (n < r->count && r->periods[n].seals >= sources)
		report_period(r, &r->periods[n++]);
	r->count -= n;
	memmove(r->periods, r->periods + n, r->count * sizeof(*r->periods));
}

void reporter_take(struct reporter *r, const struct seal *seal)
{
	struct period *p = period_of(r, seal->end_ns);

	if (!p) {
		r->missing++;
		metrics_free(seal->metrics);
		return;
	}
	counters_sum(&p->counters, &seal->counters);
	if (p->metrics && seal->metrics) {
		metrics_merge(p->metrics, seal->metrics);
		metrics_free(seal->metrics);
	} else if (seal->metrics) {
		p->metrics = seal->metrics;
	}
	p->seals++;
	report_ready(r, r->sources);
}

void reporter_collect(struct reporter *r, struct output *const *outputs, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		for (uint32_t s = 0; s < outputs[i]->seal_count; s++)
			reporter_take(r, &outputs[i]->seals[s]);
		outputs[i]->seal_count = 0;
	}
}

void reporter_finish(struct reporter *r)
{
	report_ready(r, 0);
}
