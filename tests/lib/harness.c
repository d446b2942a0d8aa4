/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/harness.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "protocol/registry.h"

enum {
	SPLITS_MAX = 3000,  /* runs of one kind over one vector; a longer one is sampled */
	BYTEWISE_MAX = 200, /* the same for runs that take a call for each byte */
	FAILS_MAX = 40,
	LOST_UNKNOWN = 100, /* bytes that are lost at a message boundary */
	REPORTS_MAX = 10,
};

/* --- bytes in front of an unreadable page --- */

static struct {
	uint8_t *base;
	size_t room;
} guarded;

static const uint8_t *guard(const void *data, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	if (size > guarded.room || !guarded.base) {
		if (guarded.base)
			munmap(guarded.base, guarded.room + page);
		guarded.room = (size / page + 1) * page;
		guarded.base = mmap(NULL, guarded.room + page, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (guarded.base == MAP_FAILED ||
		    mprotect(guarded.base + guarded.room, page, PROT_NONE))
			abort();
	}
	uint8_t *to = guarded.base + guarded.room - size;
	memcpy(to, data, size);
	return to;
}

/* --- one run --- */

struct driver {
	struct harness_run *run;
	struct feeder feeder;
	uint64_t frame;
	uint64_t offset[2]; /* in the vector, its gaps included, by side */
	bool ended[2], stopped;
};

static struct origin origin_of(struct driver *d, enum side side)
{
	d->frame++;
	return (struct origin){
		.ts_ns = 1000 * d->frame,
		.frame = d->frame,
		.ack = d->feeder.dir[side == FROM_CLIENT].end,
	};
}

static void push_gap(struct driver *d, enum side side, uint64_t n, enum why why)
{
	struct origin o = origin_of(d, side);
	feeder_gap(&d->feeder, side, n, why, &o);
}

static void push_piece(struct driver *d, enum side side, const char *data, size_t size)
{
	struct harness_run *run = d->run;
	if (!size)
		return;
	struct origin o = origin_of(d, side);
	feeder_push(&d->feeder, side, view_of(guard(data, size), (uint32_t)size), &o);
	run->pushed += size;
}

/* Pushes bytes, cut where the run wants it. */
static void push_cut(struct driver *d, enum side side, const char *data, size_t size)
{
	struct harness_run *run = d->run;
	if (run->stop && run->pushed + size >= run->stop) {
		size = (size_t)(run->stop - run->pushed);
		d->stopped = true;
	}
	if (run->split == UINT64_MAX) {
		for (size_t i = 0; i < size; i++)
			push_piece(d, side, data + i, 1);
		return;
	}
	size_t first = size;
	if (run->split > run->pushed && run->split - run->pushed < size)
		first = (size_t)(run->split - run->pushed);
	push_piece(d, side, data, first);
	push_piece(d, side, data + first, size - first);
}

/* Leaves out, or puts in, what the run loses. */
static void push_lossy(struct driver *d, enum side side, const char *data, size_t size)
{
	struct harness_run *run = d->run;
	uint64_t from = d->offset[side], to = from + size;
	d->offset[side] = to;
	bool here = run->lose && side == run->lose_side && run->lose_at < to &&
		    run->lose_at + (run->insert ? 1 : run->lose) > from;
	if (!here) {
		push_cut(d, side, data, size);
		return;
	}
	uint64_t cut = run->lose_at > from ? run->lose_at - from : 0;
	uint64_t lost =
		run->lose_at + run->lose < to ? run->lose_at + run->lose - from - cut : size - cut;
	push_cut(d, side, data, cut);
	push_gap(d, side, run->insert ? run->lose : lost, WHY_LOST);
	if (run->insert)
		lost = 0;
	push_cut(d, side, data + cut + lost, size - cut - lost);
}

static void push_end(struct driver *d, enum side side, enum end_reason reason)
{
	if (!d->ended[side])
		feeder_end(&d->feeder, side, reason);
	d->ended[side] = true;
}

static void take_steps(struct driver *d, const struct vector *v)
{
	for (size_t i = 0; i < v->count && !d->stopped; i++) {
		const struct step *s = &v->steps[i];
		if (s->kind == STEP_BYTES) {
			push_lossy(d, s->side, s->bytes.data, s->bytes.size);
		} else if (s->kind == STEP_GAP) {
			push_gap(d, s->side, s->gap, s->why);
			d->offset[s->side] += s->gap;
		} else {
			push_end(d, s->side, s->reason);
		}
	}
	push_end(d, FROM_CLIENT, END_FIN);
	push_end(d, FROM_SERVER, END_FIN);
}

void harness_run(struct harness_run *run, const struct vector *v)
{
	struct registry *registry = NULL;
	struct pool *pool = pool_new(SIZE_MAX);
	if (!pool || (run->list && registry_new(run->list, &registry) < 0))
		abort();
	run->counters = (struct counters){0};
	struct feeder_world world = {
		.pool = pool,
		.counters = &run->counters,
		.sink = &recorder_sink,
		.registry = registry,
		.wants = WANT_FIELDS | (v->headers ? WANT_HEADERS : 0),
	};
	struct driver d = {.run = run};
	recorder_start(&run->recorder);
	feeder_init(&d.feeder, &world, run->ops);
	d.feeder.initiator = 0;
	d.feeder.datagram = v->datagrams;
	d.feeder.env.service_port = v->service_port;
	d.feeder.env.scope = v->scope;
	d.feeder.env.against_ports = v->against_ports;
	pool_fail_at(pool, run->fail_at);
	take_steps(&d, v);
	run->over = !d.feeder.ops || d.feeder.dir[0].dead || d.feeder.dir[1].dead;
	feeder_done(&d.feeder);
	run->allocations_left = (unsigned)pool_used(pool);
	registry_free(registry);
	pool_free(pool);
}

/* --- all runs --- */

struct check {
	const struct protocol_ops *ops;
	const struct vector *v;
	FILE *report;
	unsigned failures;
	struct recorder plain; /* at once */
	struct buf text;       /* its messages */
	uint64_t size;         /* bytes of the vector */
};

static void complain(struct check *c, const char *format, ...)
{
	va_list args;
	if (++c->failures > REPORTS_MAX)
		return;
	fprintf(c->report, "%s: '%s': ", c->ops->name, c->v->name);
	va_start(args, format);
	vfprintf(c->report, format, args);
	va_end(args);
	fputc('\n', c->report);
}

static void print_messages(struct check *c, const char *title, const char *text, size_t size)
{
	if (c->failures > REPORTS_MAX)
		return;
	fprintf(c->report, "%s:\n", title);
	for (const char *end = text + size; text < end;) {
		const char *line = memchr(text, '\n', (size_t)(end - text));
		line = line ? line + 1 : end;
		fprintf(c->report, "= %.*s", (int)(line - text), text);
		text = line;
	}
}

/* What holds in every run. */
static void check_run(struct check *c, const struct harness_run *run, const char *what, uint64_t at)
{
	const struct counters *n = &run->counters;
	uint64_t known = n->decoded_bytes + n->skipped_bytes + n->junk_bytes;
	if (known != run->pushed)
		complain(c, "%s %ju: pushed %ju bytes = decoded %ju + skipped %ju + junk %ju fails",
			 what, (uintmax_t)at, (uintmax_t)run->pushed, (uintmax_t)n->decoded_bytes,
			 (uintmax_t)n->skipped_bytes, (uintmax_t)n->junk_bytes);
	if (run->allocations_left)
		complain(c, "%s %ju: %u bytes of memory were not given back", what, (uintmax_t)at,
			 run->allocations_left);
	if (run->recorder.wrong)
		complain(c,
			 "%s %ju: a message was begun twice, or ended or added to without a begin",
			 what, (uintmax_t)at);
	if (!run->over && recorder_open(&run->recorder))
		complain(c, "%s %ju: a message is still open at the end", what, (uintmax_t)at);
}

static void check_same(struct check *c, const struct harness_run *run, const char *what,
		       uint64_t at)
{
	struct buf text = {0};
	recorder_print(&run->recorder, "", &text);
	if (text.size != c->text.size ||
	    (text.size && memcmp(text.data, c->text.data, text.size))) {
		complain(c, "%s %ju: other messages than at once", what, (uintmax_t)at);
		if (c->failures == 1)
			print_messages(c, what, text.data, text.size);
	}
	buf_done(&text);
}

/* Where a message of this side begins in the plain run. */
static bool begins_at(const struct check *c, enum side side, uint64_t offset)
{
	for (size_t i = 0; i < c->plain.count; i++) {
		const struct recorded *x = &c->plain.list[i];
		if (x->side == side && x->from == offset)
			return true;
	}
	return false;
}

static void check_invented(struct check *c, const struct harness_run *run, const char *what)
{
	for (size_t i = 0; i < run->recorder.count; i++) {
		const struct recorded *x = &run->recorder.list[i];
		uint64_t from = x->from;
		if (run->insert && x->side == run->lose_side && from > run->lose_at)
			from -= run->lose;
		if (!begins_at(c, x->side, from))
			complain(c,
				 "%s, of %s at %ju: a message begins at %ju of %s where none began",
				 what, run->lose_side ? "server" : "client",
				 (uintmax_t)run->lose_at, (uintmax_t)x->from,
				 x->side ? "server" : "client");
	}
}

static void run_once(struct check *c, struct harness_run run, const char *what, uint64_t at,
		     bool same, bool invented)
{
	run.ops = c->ops;
	harness_run(&run, c->v);
	check_run(c, &run, what, at);
	if (same && !c->v->loose)
		check_same(c, &run, what, at);
	if (invented && !c->v->loose)
		check_invented(c, &run, what);
	recorder_done(&run.recorder);
}

static void check_loss(struct check *c, uint64_t step)
{
	for (size_t i = 0; i < c->plain.count; i++) {
		const struct recorded *x = &c->plain.list[i];
		struct harness_run run = {.lose_side = x->side, .lose_at = x->from};
		run.lose = x->to - x->from;
		if (run.lose)
			run_once(c, run, "message lost", i, false, true);
		run.lose = LOST_UNKNOWN;
		run.insert = true;
		run_once(c, run, "unknown bytes lost", i, false, true);
		run.split = UINT64_MAX;
		run_once(c, run, "unknown bytes lost, byte by byte", i, false, true);
	}
	uint64_t sizes[2] = {0, 0};
	for (size_t i = 0; i < c->v->count; i++)
		sizes[c->v->steps[i].side] += c->v->steps[i].bytes.size + c->v->steps[i].gap;
	for (unsigned side = 0; side < 2; side++) {
		struct harness_run run = {.lose_side = (enum side)side, .lose = 1};
		for (run.lose_at = 0; run.lose_at < sizes[side]; run.lose_at += step)
			run_once(c, run, "byte lost", run.lose_at, false, false);
	}
}

static void check_cuts(struct check *c, uint64_t step)
{
	if (!c->v->datagrams) {
		run_once(c, (struct harness_run){.split = UINT64_MAX}, "byte by byte", 0, true,
			 false);
		for (uint64_t i = 1; i < c->size; i += step)
			run_once(c, (struct harness_run){.split = i}, "split at", i, true, false);
	}
	for (uint64_t i = 1; i < c->size; i += step)
		run_once(c, (struct harness_run){.stop = i}, "prefix of", i, false, false);
	if (c->v->datagrams)
		return;
	step = c->size / BYTEWISE_MAX + 1;
	for (uint64_t i = 1; i < c->size; i += step)
		run_once(c, (struct harness_run){.stop = i, .split = UINT64_MAX},
			 "prefix, byte by byte, of", i, false, false);
}

unsigned harness_check(const struct protocol_ops *ops, const struct vector *v, FILE *report)
{
	struct check c = {.ops = ops, .v = v, .report = report};
	struct harness_run plain = {.ops = ops};
	for (size_t i = 0; i < v->count; i++)
		c.size += v->steps[i].bytes.size;
	harness_run(&plain, v);
	check_run(&c, &plain, "at once", 0);
	c.plain = plain.recorder;
	recorder_print(&c.plain, "", &c.text);
	if (c.text.size != v->expected.size ||
	    (c.text.size && memcmp(c.text.data, v->expected.data, c.text.size))) {
		complain(&c, "other messages than expected");
		print_messages(&c, "expected", v->expected.data, v->expected.size);
		print_messages(&c, "found", c.text.data, c.text.size);
	}
	uint64_t step = c.size / SPLITS_MAX + 1;
	check_cuts(&c, step);
	check_loss(&c, step);
	for (unsigned i = 1; i <= FAILS_MAX; i++) {
		run_once(&c, (struct harness_run){.fail_at = i}, "failing allocation", i, false,
			 false);
		run_once(&c, (struct harness_run){.fail_at = i, .split = UINT64_MAX},
			 "byte by byte, failing allocation", i, false, false);
	}
	if (c.failures > REPORTS_MAX)
		fprintf(report, "%s: '%s': and %u more\n", ops->name, v->name,
			c.failures - REPORTS_MAX);
	recorder_done(&c.plain);
	buf_done(&c.text);
	return c.failures;
}
