/* SPDX-License-Identifier: Apache-2.0 */
/* See output.h. */
#include "agent/output.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/meter.h"

enum { WRITE_PLENTY = 64 << 10 };

void output_done(struct output *o)
{
	buf_done(&o->text);
	free(o->lines);
	for (uint32_t i = 0; i < o->seal_count; i++)
		metrics_free(o->seals[i].metrics);
	free(o->seals);
	*o = (struct output){0};
}

/* --- the worker's side --- */

static struct protocol_count *count_of(struct protocol_count *counts, unsigned *count,
				       const char *name)
{
	for (unsigned i = 0; i < *count; i++)
		if (counts[i].name == name || strcmp(counts[i].name, name) == 0)
			return &counts[i];
	if (*count == PIPELINE_PROTOCOLS_MAX)
		return &counts[*count - 1];
	counts[*count] = (struct protocol_count){.name = name};
	return &counts[(*count)++];
}

void protocol_counts_add(struct protocol_count *to, unsigned *to_count,
			 const struct protocol_count *from, unsigned from_count)
{
	for (unsigned i = 0; i < from_count; i++) {
		struct protocol_count *c = count_of(to, to_count, from[i].name);

		for (unsigned s = 0; s < STATUS_COUNT; s++)
			c->by_status[s] += from[i].by_status[s];
	}
}

void renderer_init(struct renderer *r, const struct pipeline_options *options)
{
	r->options = options;
	r->picky = options->statuses || options->slower_ns || options->where;
}

bool renderer_picks(const struct renderer *r, const struct roundtrip *rt)
{
	const struct pipeline_options *o = r->options;

	if (o->statuses && !(o->statuses & 1u << rt->status))
		return false;
	if (o->slower_ns && (!rt->request || !rt->response || rt->duration_ns <= o->slower_ns))
		return false;
	return !o->where || where_true(o->where, rt, &r->context);
}

static bool add_line(struct output *o, const struct line *line)
{
	if (o->count == o->room) {
		uint32_t room = o->room ? o->room * 2 : 256;
		struct line *bigger = realloc(o->lines, room * sizeof(*bigger));

		if (!bigger)
			return false;
		o->lines = bigger;
		o->room = room;
	}
	o->lines[o->count++] = *line;
	return true;
}

void renderer_emit(void *data, const struct roundtrip *rt)
{
	struct renderer *r = data;
	struct output *o = r->out;
	size_t before = o->text.size;
	struct line line;

	count_of(r->protocols, &r->protocol_count, rt->protocol)->by_status[rt->status]++;
	if (!renderer_wants(r, rt))
		return;
	if (o->cap && o->text.size + o->count * sizeof(*o->lines) >= o->cap) {
		r->blocked++;
		return;
	}
	if (r->options->format == LINES_JSON)
		roundtrip_json(&o->text, rt, &r->context);
	else if (r->options->format == LINES_TEXT)
		roundtrip_text(&o->text, rt, &r->context);
	else if (!r->options->count)
		return;
	line = (struct line){r->when, rt->flow_index, (uint32_t)before,
			     (uint32_t)(o->text.size - before)};
	if (o->text.failed || !add_line(o, &line)) {
		o->text.size = before;
		o->text.failed = false;
		r->lost++;
	}
}

static int by_flow(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->flow != y->flow)
		return x->flow < y->flow ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at; /* as they came */
}

void renderer_tick_done(void *data)
{
	struct renderer *r = data;
	struct output *o = r->out;

	while (o->tick_from < o->count && o->lines[o->tick_from].when != r->when)
		o->tick_from++;
	if (o->count - o->tick_from > 1)
		qsort(o->lines + o->tick_from, o->count - o->tick_from, sizeof(*o->lines), by_flow);
	o->tick_from = o->count;
}

/* --- the writer's side --- */

static bool gives_up(const struct writer *w)
{
	return __atomic_load_n(&w->give_up, __ATOMIC_RELAXED);
}

/* Writes what is pending; waits when the descriptor does not block. */
static void write_all(struct writer *w)
{
	const struct buf *b = &w->pending;

	while (w->written < b->size && !w->closed && !w->failed && !gives_up(w)) {
		ssize_t n = write(w->fd, b->data + w->written, b->size - w->written);

		if (n >= 0) {
			w->written += (size_t)n;
		} else if (errno == EAGAIN) {
			struct pollfd p = {w->fd, POLLOUT, 0};
			(void)poll(&p, 1, 1000);
		} else if (errno == EPIPE) {
			w->closed = true;
		} else if (errno != EINTR) {
			w->failed = true;
			w->error = errno;
		}
	}
}

void writer_flush(struct writer *w, bool all)
{
	if (!w->pending.size || (!all && w->pending.size < WRITE_PLENTY))
		return;
	write_all(w);
	if (w->written < w->pending.size && gives_up(w))
		return;
	w->pending.size = w->written = 0;
}

uint64_t writer_left(const struct writer *w)
{
	uint64_t lines = 0;

	for (size_t i = w->written; i < w->pending.size; i++)
		lines += w->pending.data[i] == '\n';
	return lines;
}

static void take_line(struct writer *w, const struct output *o, const struct line *line)
{
	if (w->closed)
		return;
	buf_add(&w->pending, o->text.data + line->at, line->size);
	w->lines++;
	if (w->limit && w->lines == w->limit) {
		writer_flush(w, true);
		w->closed = true;
	}
}

static bool before(const struct line *a, const struct line *b)
{
	return a->when != b->when ? a->when < b->when : a->flow < b->flow;
}

static void clear(struct output *o)
{
	o->count = 0;
	o->tick_from = 0;
	o->text.size = 0;
}

void writer_merge(struct writer *w, struct output *const *outputs, unsigned count)
{
	uint32_t at[PIPELINE_WORKERS_MAX] = {0};

	for (;;) {
		unsigned best = count;

		for (unsigned i = 0; i < count; i++)
			if (at[i] < outputs[i]->count &&
			    (best == count ||
			     before(&outputs[i]->lines[at[i]], &outputs[best]->lines[at[best]])))
				best = i;
		if (best == count)
			break;
		take_line(w, outputs[best], &outputs[best]->lines[at[best]++]);
		writer_flush(w, false);
	}
	for (unsigned i = 0; i < count; i++)
		clear(outputs[i]);
}
