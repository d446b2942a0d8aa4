/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/protocol/script.h"

#include <stdarg.h>
#include <stdio.h>

struct bench bench;
struct script script;

static char calls[4096];
static size_t calls_size;

static void note(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vsnprintf(calls + calls_size, sizeof calls - calls_size, format, args);
	va_end(args);
	cr_assert(n >= 0 && (size_t)n < sizeof calls - calls_size);
	calls_size += (size_t)n;
}

const char *bench_calls(void)
{
	static char text[sizeof calls];
	if (calls_size)
		calls_size--; /* the last space */
	memcpy(text, calls, calls_size);
	text[calls_size] = 0;
	calls_size = 0;
	return text;
}

static char arrow(enum side side)
{
	return side == FROM_CLIENT ? '>' : '<';
}

static struct fed script_feed(void *state, struct env *env, enum side side, const struct input *in)
{
	*(uint8_t *)state = !script.rests;
	note("%s%c%ju", feeder_of(env)->ops == &script_second_ops ? "2" : "", arrow(side),
	     (uintmax_t)in->offset);
	if (in->lost)
		note("/%ju", (uintmax_t)in->lost);
	note(":%.*s ", (int)in->bytes.size, in->bytes.data);
	if (script.taken[side] == script.given[side])
		return (struct fed){.is = FED_OK, .used = in->bytes.size};
	struct script_answer *a = &script.answer[side][script.taken[side]++];
	if (a->message) {
		struct message m = {
			.kind = side == FROM_CLIENT ? MESSAGE_REQUEST : MESSAGE_RESPONSE,
			.flags = MESSAGE_FINAL,
			.offset = in->offset,
		};
		env->ops->begin(env, side, &m);
		m.offset = in->offset + a->fed.used + (a->fed.skip == UINT64_MAX ? 0 : a->fed.skip);
		m.flags = a->flags;
		env->ops->end(env, side, &m);
	}
	return a->fed;
}

static enum gap_answer script_gap(void *state, struct env *env, enum side side, uint64_t bytes,
				  enum why why)
{
	(void)why;
	*(uint8_t *)state = 1;
	note("%sgap%c+%ju ", feeder_of(env)->ops == &script_second_ops ? "2" : "", arrow(side),
	     (uintmax_t)bytes);
	return script.gap;
}

static void script_end(void *state, struct env *env, enum side side, enum end_reason reason)
{
	(void)state, (void)env;
	note("end%c%d ", arrow(side), reason);
}

static void script_open(void *state, struct env *env, const struct handover *handover)
{
	(void)env;
	cr_assert_eq(*(uint8_t *)state, 0);
	note("open%s ", handover ? (const char *)handover->data : "");
}

static void script_close(void *state, struct env *env)
{
	(void)state, (void)env;
	note("close ");
}

static void second_open(void *state, struct env *env, const struct handover *handover)
{
	(void)state, (void)env;
	note("o2%s ", handover ? (const char *)handover->data : "");
}

static void second_close(void *state, struct env *env)
{
	(void)state, (void)env;
	note("c2 ");
}

static struct probed script_probe(struct view a, struct view b)
{
	if (a.size && a.data[0] == 'S')
		return (struct probed){.is = PROBE_YES, .confidence = 60};
	if (b.size && b.data[0] == 'S')
		return (struct probed){.is = PROBE_YES, .confidence = 60, .client = 1};
	return (struct probed){.is = PROBE_NO};
}

static struct probed second_probe(struct view a, struct view b)
{
	(void)b;
	if (a.size >= 3 && memcmp(a.data, "S2!", 3) == 0)
		return (struct probed){.is = PROBE_YES, .confidence = 95};
	if (a.size >= 2 && a.data[1] == 'x')
		return (struct probed){.is = PROBE_YES, .confidence = 50};
	return (struct probed){.is = a.size && a.data[0] == 'N' ? PROBE_NEED : PROBE_NO, .need = 4};
}

static const struct field_def no_fields[] = {{0}};

#define SCRIPT_COMMON                                                                              \
	.transports = TRANSPORT_TCP, .state_bytes = 8, .hold_max = 10, .fields = no_fields,        \
	.feed = script_feed, .gap = script_gap, .end = script_end

const struct protocol_ops script_ops = {
	.name = "script",
	.pairing = PAIR_FIFO,
	.probe = script_probe,
	.open = script_open,
	.close = script_close,
	SCRIPT_COMMON,
};

const struct protocol_ops script_keyed_ops = {
	.name = "script_keyed",
	.pairing = PAIR_KEY_UNIQUE,
	SCRIPT_COMMON,
};

const struct protocol_ops script_second_ops = {
	.name = "script_second",
	.pairing = PAIR_FIFO,
	.probe = second_probe,
	.open = second_open,
	.close = second_close,
	SCRIPT_COMMON,
};

void bench_start(const struct protocol_ops *forced, const struct protocol_ops *const *list)
{
	struct registry *registry = NULL;
	script = (struct script){.gap = GAP_RESYNC};
	bench = (struct bench){0};
	if (list)
		cr_assert_eq(registry_new(list, &registry), 0);
	bench.world = (struct feeder_world){
		.pool = pool_new(SIZE_MAX),
		.counters = &bench.counters,
		.sink = &recorder_sink,
		.registry = registry,
		.stats = bench.stats,
	};
	recorder_start(&bench.recorder);
	feeder_init(&bench.f, &bench.world, forced);
	bench.f.initiator = 0;
	calls_size = 0;
}

static struct origin next_origin(void)
{
	bench.frame++;
	return (struct origin){.ts_ns = 1000 * bench.frame, .frame = bench.frame};
}

void bench_push(unsigned dir, const char *bytes, uint32_t size)
{
	struct origin o = next_origin();
	bench.pushed += size;
	feeder_push(&bench.f, dir, view_of(bytes, size), &o);
}

void bench_gap(unsigned dir, uint64_t bytes, enum why why)
{
	struct origin o = next_origin();
	feeder_gap(&bench.f, dir, bytes, why, &o);
}

void bench_end(unsigned dir, enum end_reason reason)
{
	feeder_end(&bench.f, dir, reason);
}

void bench_done(void)
{
	const struct counters *c = &bench.counters;
	uint64_t known = c->decoded_bytes + c->skipped_bytes + c->junk_bytes;
	cr_assert_eq(known + feeder_held(&bench.f), bench.pushed, "%ju of %ju bytes",
		     (uintmax_t)known, (uintmax_t)bench.pushed);
	bench_end(0, END_FIN);
	bench_end(1, END_FIN);
	known = c->decoded_bytes + c->skipped_bytes + c->junk_bytes;
	cr_assert_eq(known, bench.pushed);
	cr_assert_eq(bench.recorder.wrong, 0);
	feeder_done(&bench.f);
	feeder_done(&bench.f);
	cr_assert_eq(pool_used(bench.world.pool), 0);
	recorder_done(&bench.recorder);
	registry_free((struct registry *)bench.world.registry);
	pool_free(bench.world.pool);
}

void bench_answer(enum side side, struct fed fed)
{
	cr_assert(script.given[side] < 16);
	script.answer[side][script.given[side]++] = (struct script_answer){.fed = fed};
}

void bench_message(enum side side, struct fed fed, unsigned flags)
{
	bench_answer(side, fed);
	struct script_answer *a = &script.answer[side][script.given[side] - 1];
	a->message = true;
	a->flags = flags;
}
