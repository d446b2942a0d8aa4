/* SPDX-License-Identifier: Apache-2.0 */
/* The reporter of meter.h. */
#include <stdlib.h>

#include "agent/meter.h"

int reporter_init(struct reporter *r, const struct pipeline_options *options, unsigned sources,
		  struct buf *to)
{
	r->options = options;
	r->to = to;
	r->sources = sources;
	r->source = calloc(sources, sizeof(*r->source));
	r->total = metrics_new();
	return r->source && r->total ? 0 : ERR_NOMEM;
}

void reporter_done(struct reporter *r)
{
	for (uint32_t i = 0; i < r->count; i++)
		metrics_free(r->periods[i].metrics);
	free(r->periods);
	free(r->source);
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

	if (r->options->interval_ns && (r->options->live || p->counters.frames))
		r->options->report(r->options->report_data, &report, r->to);
	if (p->metrics)
		metrics_merge(r->total, p->metrics);
	metrics_free(p->metrics);
}

/* Until when all sources sealed. */
static uint64_t sealed_by_all(const struct reporter *r)
{
	uint64_t first = UINT64_MAX;

	for (unsigned i = 0; i < r->sources; i++)
		first = r->source[i].sealed_ns < first ? r->source[i].sealed_ns : first;
	return first;
}

/* Reports the periods that end no later than this. */
static void report_until(struct reporter *r, uint64_t end_ns)
{
	uint32_t n = 0;

	while (n < r->count && r->periods[n].end_ns <= end_ns)
		report_period(r, &r->periods[n++]);
	if (!n)
		return;
	r->count -= n;
	memmove(r->periods, r->periods + n, r->count * sizeof(*r->periods));
}

void reporter_take(struct reporter *r, unsigned source, const struct seal *seal)
{
	struct period *p = period_of(r, seal->end_ns);
	struct reporter_source *s = &r->source[source];

	s->sealed_ns = seal->end_ns;
	if (!p) {
		r->missing++;
		metrics_free(seal->metrics);
		return;
	}
	counters_sum(&p->counters, &seal->counters);
	counters_subtract(&p->counters, &s->counters);
	s->counters = seal->counters;
	if (p->metrics && seal->metrics) {
		metrics_merge(p->metrics, seal->metrics);
		metrics_free(seal->metrics);
	} else if (seal->metrics) {
		p->metrics = seal->metrics;
	}
	report_until(r, sealed_by_all(r));
}

void reporter_collect(struct reporter *r, unsigned source, struct output *output)
{
	for (uint32_t i = 0; i < output->seal_count; i++)
		reporter_take(r, source, &output->seals[i]);
	output->seal_count = 0;
}

void reporter_finish(struct reporter *r)
{
	report_until(r, UINT64_MAX);
}
