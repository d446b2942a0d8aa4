/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/stream/rig.h"

#include <stdarg.h>
#include <stdio.h>

enum { PRINT_MAX = 32 };

struct rig rig;

static char notes[4096];
static size_t notes_size;

static void note(const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(notes + notes_size, sizeof(notes) - notes_size, format, args);
	va_end(args);
	cr_assert(n >= 0 && (size_t)n < sizeof(notes) - notes_size, "too much was said");
	notes_size += (size_t)n;
}

const char *said(void)
{
	static char text[sizeof(notes)];

	notes_size -= notes_size > 0; /* the last space */
	memcpy(text, notes, notes_size);
	text[notes_size] = 0;
	notes_size = 0;
	return text;
}

static char arrow(enum side side)
{
	return side == FROM_CLIENT ? '>' : '<';
}

/* --- the decoder --- */

static struct fed on_feed(void *state, struct env *env, enum side side, const struct input *in)
{
	struct fed answer = rig.next[side];

	(void)state;
	(void)env;
	note("%c%ju", arrow(side), (uintmax_t)in->offset);
	if (in->lost)
		note("/%ju", (uintmax_t)in->lost);
	if (in->bytes.size > PRINT_MAX)
		note(":{%u} ", in->bytes.size);
	else
		note(":%.*s ", (int)in->bytes.size, in->bytes.data);
	rig.next[side] = (struct fed){0};
	if (!answer.used && !answer.skip && answer.is == FED_OK)
		answer.used = in->bytes.size;
	return answer;
}

static enum gap_answer on_gap(void *state, struct env *env, enum side side, uint64_t bytes,
			      enum why why)
{
	const struct feeder *f = feeder_of(env);
	const struct feeder_dir *d = &f->dir[feeder_dir_of(f, side)];

	(void)state;
	note("%c%ju+%ju%s ", arrow(side), (uintmax_t)(d->end - bytes), (uintmax_t)bytes,
	     why == WHY_SNAPLEN     ? "cut"
	     : why == WHY_MIDSTREAM ? "mid"
	     : why == WHY_LIMIT     ? "limit"
				    : "");
	return GAP_GOES_ON;
}

static void on_end(void *state, struct env *env, enum side side, enum end_reason reason)
{
	(void)state;
	(void)env;
	note("%c%s ", arrow(side),
	     reason == END_FIN   ? "end"
	     : reason == END_RST ? "reset"
				 : "over");
}

static const struct field_def no_fields[] = {{0}};

static const struct protocol_ops tape_ops = {
	.name = "tape",
	.transports = TRANSPORT_TCP,
	.pairing = PAIR_FIFO,
	.hold_max = 1024,
	.fields = no_fields,
	.feed = on_feed,
	.gap = on_gap,
	.end = on_end,
};

/* --- the rig --- */

void rig_start(void)
{
	rig = (struct rig){.clock = {.now_ns = 1000 * NS_PER_S}};
	notes_size = 0;
	rig.feeders = (struct feeder_world){
		.pool = pool_new(SIZE_MAX), .counters = &rig.counters, .sink = &recorder_sink};
	recorder_start(&rig.recorder);
	feeder_init(&rig.feeder, &rig.feeders, &tape_ops);
	rig.feeder.initiator = CLIENT;
	stream_init(&rig.stream, &rig.feeder);
	rig.talk = talk_begin(&rig.clock, 0);
	rig.base[CLIENT] = rig.talk.seq[CLIENT] + 1;
	rig.base[SERVER] = rig.talk.seq[SERVER] + 1;
}

/* docs/MAP.md, "Accounting"; at any time. */
static void check_accounts(void)
{
	const struct counters *c = &rig.counters;

	cr_expect_eq(c->seen_bytes, c->delivered_bytes + c->duplicate_bytes + c->stray_bytes +
					    c->refused_bytes + c->copy_bytes +
					    rig.feeders.stream_held);
	cr_expect_eq(c->range_bytes, c->delivered_bytes + c->lost_bytes);
	cr_expect_eq(c->delivered_bytes, c->decoded_bytes + c->skipped_bytes + c->junk_bytes +
						 feeder_held(&rig.feeder));
}

void rig_stop(void)
{
	check_accounts();
	stream_finish(&rig.stream, END_EOF, rig.clock.now_ns);
	stream_done(&rig.stream);
	cr_expect_eq(rig.feeders.stream_held, 0);
	cr_expect_null(rig.stream.held);
	check_accounts();
	feeder_done(&rig.feeder);
	cr_expect_eq(pool_used(rig.feeders.pool), 0);
	recorder_done(&rig.recorder);
	pool_free(rig.feeders.pool);
}

void rig_open(void)
{
	give(talk_say(&rig.talk, CLIENT, TCP_SYN, NULL, 0));
	give(talk_say(&rig.talk, SERVER, TCP_SYN | TCP_ACK, NULL, 0));
	give(talk_say(&rig.talk, CLIENT, TCP_ACK, NULL, 0));
}

struct packet segment_of(unsigned dir, int64_t offset, const void *data, uint32_t size, int64_t ack)
{
	struct packet p = talk_say(&rig.talk, dir, TCP_ACK, data, size);

	p.seq = rig.base[dir] + (uint32_t)offset;
	p.ack = rig.base[!dir] + (uint32_t)ack;
	return p;
}

struct packet segment(unsigned dir, int64_t offset, const char *text, int64_t ack)
{
	return segment_of(dir, offset, text, (uint32_t)strlen(text), ack);
}

struct packet flagged(uint8_t flags, struct packet p)
{
	p.flags |= flags;
	return p;
}

void give(struct packet p)
{
	p.ts_ns = p.now_ns = rig.clock.now_ns;
	p.index = p.frame = ++rig.clock.index;
	rig.state = stream_segment(&rig.stream, &p, false);
	check_accounts();
}

void sends(unsigned dir, int64_t offset, const char *text, int64_t ack)
{
	give(segment(dir, offset, text, ack));
}

void sends_flags(unsigned dir, uint8_t flags, int64_t offset, const char *text, int64_t ack)
{
	give(flagged(flags, segment(dir, offset, text, ack)));
}

void sends_many(unsigned dir, int64_t offset, uint32_t size, int64_t ack)
{
	static char many[256 << 10];

	cr_assert(size <= sizeof(many));
	memset(many, 'x', size);
	give(segment_of(dir, offset, many, size, ack));
}

void sleep_ms(uint64_t ms)
{
	rig.clock.now_ns += ms * NS_PER_MS;
}

void wait_ms(uint64_t ms)
{
	for (uint64_t end = rig.clock.now_ns + ms * NS_PER_MS; rig.clock.now_ns < end;) {
		uint64_t left = end - rig.clock.now_ns;

		rig.clock.now_ns += left < TICK_NS ? left : TICK_NS;
		rig.state = stream_tick(&rig.stream, rig.clock.now_ns);
	}
	check_accounts();
}

void finish(enum end_reason reason)
{
	stream_finish(&rig.stream, reason, rig.clock.now_ns);
	check_accounts();
}
