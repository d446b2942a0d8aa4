/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's side of meter.h. */
#include "agent/meter.h"

#include <stdlib.h>

#include "core/time.h"

void meter_done(struct meter *m)
{
	metrics_free(m->metrics);
	free(m->measured);
}

/* NULL: memory ran out. */
static struct metrics *metrics_of(struct meter *m)
{
	if (__builtin_expect(!m->metrics, 0))
		m->metrics = metrics_new();
	m->missing += !m->metrics;
	return m->metrics;
}

void meter_emit(void *data, const struct roundtrip *rt)
{
	struct meter *m = data;
	struct metrics *metrics;

	if (!renderer_wants(m->renderer, rt))
		return;
	metrics = metrics_of(m);
	if (metrics)
		metrics_add(metrics, rt);
}

/* --- flows --- */

/* NULL: memory ran out. */
static struct flow_measured *measured_of(struct meter *m, uint32_t id)
{
	if (id >= m->measured_room) {
		uint32_t room = m->measured_room ? m->measured_room * 2 : FLOW_CHUNK;

		while (room <= id)
			room *= 2;
		struct flow_measured *bigger = realloc(m->measured, room * sizeof(*bigger));

		if (!bigger)
			return NULL;
		memset(bigger + m->measured_room, 0, (room - m->measured_room) * sizeof(*bigger));
		m->measured = bigger;
		m->measured_room = room;
	}
	return &m->measured[id];
}

/* Counts what came to a flow since it was looked at last. */
static void measure_flow(struct meter *m, const struct flow *f, const struct flow_cold *cold)
{
	struct flow_measured all = {0}, *before = &all;
	struct metrics *metrics;

	if (m->interval_ns)
		before = measured_of(m, f->id);
	metrics = metrics_of(m);
	if (!before || !metrics) {
		m->missing++;
		return;
	}
	uint64_t sent = f->dir[0].bytes - before->bytes[0];
	uint64_t received = f->dir[1].bytes - before->bytes[1];

	if (sent || received)
		talkers_traffic(&metrics->talkers, &f->address[0], &f->address[1], sent, received);
	if (cold->rtt_us && !before->rtt)
		histogram_add(&metrics->rtt, cold->rtt_us * NS_PER_US);
	before->bytes[0] = f->dir[0].bytes;
	before->bytes[1] = f->dir[1].bytes;
	before->rtt = cold->rtt_us;
}

void meter_flow_gone(void *data, const struct flow *f, const struct flow_cold *cold)
{
	struct meter *m = data;

	measure_flow(m, f, cold);
	if (f->id < m->measured_room)
		m->measured[f->id] = (struct flow_measured){0};
}

static void set_counters(const struct meter *m, struct seal *s)
{
	s->counters = *worker_counters(m->worker);
	if (m->reader)
		counters_sum(&s->counters, m->reader);
}

static void measure_live(void *data, const struct flow *f, const struct flow_cold *cold)
{
	measure_flow(data, f, cold);
}

/* The writer is behind: adds to the seal that waits for it. */
static void seal_again(struct meter *m, struct seal *s, uint64_t end_ns)
{
	if (s->metrics && m->metrics) {
		metrics_merge(s->metrics, m->metrics);
		metrics_free(m->metrics);
	} else if (m->metrics) {
		s->metrics = m->metrics;
	}
	m->metrics = NULL;
	s->end_ns = end_ns;
	set_counters(m, s);
	m->renderer->blocked++;
}

void meter_seal(struct meter *m, uint64_t end_ns)
{
	struct output *o = m->renderer->out;

	worker_each_flow(m->worker, measure_live, m);
	if (o->cap && o->seal_count) {
		seal_again(m, &o->seals[o->seal_count - 1], end_ns);
		return;
	}
	if (o->seal_count == o->seal_room) {
		uint32_t room = o->seal_room ? o->seal_room * 2 : 4;
		struct seal *bigger = realloc(o->seals, room * sizeof(*bigger));

		if (!bigger) {
			m->missing++;
			return; /* the next seal has it */
		}
		o->seals = bigger;
		o->seal_room = room;
	}
	struct seal *s = &o->seals[o->seal_count++];

	*s = (struct seal){.end_ns = end_ns, .metrics = m->metrics};
	set_counters(m, s);
	m->metrics = NULL;
}
