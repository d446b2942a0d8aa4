/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/roundtrip/brackets.h"

#include <stdarg.h>
#include <stdio.h>

enum { KEYS = 16 };

struct brackets brackets;

static char notes[16384];
static size_t notes_size;
static struct message begun[2][KEYS]; /* messages of the moment, by key */
static bool is_open[2][KEYS];
static uint64_t newest[2];
static struct registry *registry;
static bool finished;

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

/* --- the decoder --- */

enum { FIELD_NAME, FIELD_ADDED };

static const struct field_def defs[] = {
	[FIELD_NAME] = {"name", FIELD_TEXT, 3, "letters behind the bracket"},
	[FIELD_ADDED] = {"added", FIELD_LIST, 3, "what the test adds"},
	{0},
};

static uint64_t number(struct view v, uint32_t *at)
{
	uint64_t n = 0;

	while (*at < v.size && v.data[*at] >= '0' && v.data[*at] <= '9')
		n = n * 10 + (uint64_t)(v.data[(*at)++] - '0');
	return n;
}

static unsigned flag_of(uint8_t c)
{
	static const char signs[] = "~#!^%";
	static const unsigned flags[] = {MESSAGE_ONEWAY, MESSAGE_CANCEL, MESSAGE_ERROR,
					 MESSAGE_UP_TO, MESSAGE_GAP};
	const char *sign = c ? strchr(signs, c) : NULL;

	return sign ? flags[sign - signs] : 0;
}

static bool is_letter(uint8_t c)
{
	return (c | 32) >= 'a' && (c | 32) <= 'z';
}

/* A bracket that ends the newest message. */
static bool ends_here(struct view v)
{
	return v.size && v.data[0] == ')' && (v.size == 1 || v.data[1] < '0' || v.data[1] > '9');
}

/* The head of a message, from behind its bracket on. */
static void begin(struct env *env, enum side side, struct view v, uint32_t *at, uint64_t offset)
{
	struct message m = {.kind = side == FROM_CLIENT ? MESSAGE_REQUEST : MESSAGE_RESPONSE,
			    .flags = side == FROM_CLIENT ? 0 : MESSAGE_FINAL,
			    .offset = offset};
	struct field name = {.id = FIELD_NAME};
	const uint8_t *start = v.data + *at - 1;

	for (; *at < v.size; ++*at) {
		uint8_t c = v.data[*at];

		if (flag_of(c)) {
			m.flags |= flag_of(c);
		} else if (c == '*') {
			m.flags &= ~(unsigned)MESSAGE_FINAL;
		} else if (c == '+') {
			m.kind = MESSAGE_PUSH;
		} else if (c == '=') {
			++*at;
			m.flags |= MESSAGE_REKEY;
			m.new_key = number(v, at);
			--*at;
		} else if (c >= '0' && c <= '9') {
			m.key = number(v, at);
			--*at;
		} else {
			break;
		}
	}
	name.text = view_of(v.data + *at, 0);
	while (*at < v.size && is_letter(v.data[*at]) && v.data[*at] != 'J')
		++*at, name.text.size++;
	m.cookie = name.text.size ? name.text.data[0] : 0;
	m.fields = &name;
	m.field_count = 1;
	if (brackets.whole && ends_here(view_from(v, *at))) {
		++*at;
		env->ops->whole(env, side, &m, offset + (uint64_t)(v.data + *at - start));
		return;
	}
	env->ops->begin(env, side, &m);
	m.field_count = 0;
	newest[side] = m.key;
	begun[side][m.key % KEYS] = m;
	is_open[side][m.key % KEYS] = true;
}

static void end(struct env *env, enum side side, uint64_t key, uint64_t offset, unsigned flags)
{
	struct message m = begun[side][key % KEYS];

	if (!is_open[side][key % KEYS])
		return;
	is_open[side][key % KEYS] = false;
	m.offset = offset;
	m.flags |= flags;
	env->ops->end(env, side, &m);
}

static void cancel(struct env *env, uint64_t key, uint64_t offset)
{
	const struct message m = {
		.kind = MESSAGE_REQUEST, .flags = MESSAGE_CANCEL, .key = key, .offset = offset};

	env->ops->end(env, FROM_CLIENT, &m);
}

static void add(struct env *env, enum side side)
{
	struct message m = begun[side][newest[side] % KEYS];

	m.fields = &brackets.added;
	m.field_count = 1;
	env->ops->add(env, side, &m);
}

static struct fed on_feed(void *state, struct env *env, enum side side, const struct input *in)
{
	struct view v = in->bytes;
	uint32_t at = 0;

	(void)state;
	while (at < v.size) {
		uint64_t offset = in->offset + at;
		uint32_t key_at;
		uint64_t key;

		switch (v.data[at++]) {
		case '(':
			begin(env, side, v, &at, offset);
			break;
		case ')':
			key_at = at;
			key = number(v, &at);
			end(env, side, at > key_at ? key : newest[side], in->offset + at, 0);
			break;
		case '{':
			key = number(v, &at);
			cancel(env, key, ++at + in->offset);
			break;
		case '@':
			add(env, side);
			break;
		case '?':
			key = number(v, &at);
			brackets.cookie = env->ops->ask(env, side, key, offset);
			break;
		case '$': {
			static struct handover handover;

			handover = (struct handover){.keep_open = brackets.keep_open};
			return (struct fed){.is = FED_SWITCH,
					    .used = at,
					    .to = brackets.to,
					    .handover = &handover};
		}
		case '_':
			if (at == v.size)
				return (struct fed){.is = FED_MORE, .used = at - 1, .want = 2};
			break;
		case 'J':
			return (struct fed){
				.is = FED_BAD, .used = at - 1, .junk = 1, .why = WHY_MALFORMED};
		}
	}
	return (struct fed){.is = FED_OK, .used = at};
}

static enum gap_answer on_gap(void *state, struct env *env, enum side side, uint64_t bytes,
			      enum why why)
{
	const struct feeder *f = feeder_of(env);
	const struct feeder_dir *d = &f->dir[feeder_dir_of(f, side)];

	(void)state;
	(void)why;
	for (uint64_t key = 0; key < KEYS; key++)
		end(env, side, key, d->end - bytes, MESSAGE_CUT | MESSAGE_GAP);
	return GAP_RESYNC;
}

static struct probed on_probe(struct view a, struct view b)
{
	if (a.size && a.data[0] == '(')
		return (struct probed){.is = PROBE_YES, .confidence = 60};
	if (b.size && b.data[0] == '(')
		return (struct probed){.is = PROBE_YES, .confidence = 60, .client = 1};
	return (struct probed){.is = PROBE_NO};
}

#define BRACKETS                                                                                   \
	.transports = TRANSPORT_TCP, .hold_max = 64, .fields = defs, .probe = on_probe,            \
	.feed = on_feed, .gap = on_gap

const struct protocol_ops fifo_ops = {.name = "fifo", .pairing = PAIR_FIFO, BRACKETS};
const struct protocol_ops lockstep_ops = {
	.name = "lockstep", .pairing = PAIR_FIFO_LOCKSTEP, BRACKETS};
const struct protocol_ops unique_ops = {.name = "unique", .pairing = PAIR_KEY_UNIQUE, BRACKETS};
const struct protocol_ops reused_ops = {.name = "reused", .pairing = PAIR_KEY_REUSED, BRACKETS};
const struct protocol_ops timed_ops = {
	.name = "timed", .pairing = PAIR_FIFO, .answer_timeout_ms = 100, BRACKETS};
const struct protocol_ops timed_keyed_ops = {
	.name = "timed_keyed", .pairing = PAIR_KEY_UNIQUE, .answer_timeout_ms = 100, BRACKETS};

/* --- the world --- */

static struct view name_of(const struct message_part *part)
{
	struct field name = {0};

	fields_find(defs, part->fields, FIELD_NAME, &name);
	return name.text;
}

static void note_name(const struct message_part *part)
{
	struct view name = name_of(part);

	note("%.*s", (int)name.size, name.data);
}

static void on_record(void *data, struct keeper *k, struct roundtrip *rt)
{
	static const char *const sign[] = {
		[STATUS_OK] = "=",     [STATUS_ERROR] = "!",  [STATUS_UNANSWERED] = "?",
		[STATUS_ORPHAN] = "-", [STATUS_ONEWAY] = "~", [STATUS_OPEN] = "&",
	};

	(void)data;
	cr_assert_eq(k, &brackets.keeper);
	if (rt->request)
		note_name(rt->request);
	note("%s", sign[rt->status]);
	if (rt->response)
		note_name(rt->response);
	if (rt->status == STATUS_ORPHAN)
		note(":");
	note("%s", reason_name(rt->reason));
	for (unsigned i = 0; i < PARTIAL_BITS; i++)
		if (rt->partial >> i & 1)
			note("+%s", partial_name(i));
	note("%s ", rt->early ? "+early" : "");
	brackets.last = *rt;
	brackets.last_fields = rt->request ? rt->request->fields.size : 0;
}

static bool on_health(void *data, const struct keeper *k, struct tcp_health *ret,
		      uint64_t *ret_lost)
{
	(void)data;
	(void)k;
	*ret = brackets.health;
	*ret_lost = brackets.lost;
	return true;
}

static uint64_t on_sent_before(void *data, const struct keeper *k, uint64_t offset)
{
	(void)data;
	(void)k;
	(void)offset;
	return brackets.sent_before;
}

static void start(const struct protocol_ops *forced)
{
	struct pool *pool = pool_new(SIZE_MAX);

	brackets = (struct brackets){.now_ns = 1000 * NS_PER_S};
	notes_size = 0;
	finished = false;
	memset(is_open, 0, sizeof(is_open));
	brackets.world = (struct keeper_world){.feeder = {.pool = pool,
							  .wants = WANT_FIELDS,
							  .counters = &brackets.counters,
							  .sink = &keeper_sink,
							  .registry = registry,
							  .stats = brackets.stats},
					       .emit = on_record,
					       .health = on_health,
					       .sent_before = on_sent_before};
	cr_assert_eq(keys_init(&brackets.world.keys, 1), 0);
	keeper_init(&brackets.keeper, &brackets.world, forced);
	brackets.keeper.feeder.initiator = 0;
}

void brackets_start(const struct protocol_ops *ops)
{
	registry = NULL;
	start(ops);
}

void brackets_guess(const struct protocol_ops *ops)
{
	static const struct protocol_ops *list[2];

	list[0] = ops;
	cr_assert_eq(registry_new(list, &registry), 0);
	start(NULL);
}

void brackets_drop(void)
{
	keeper_done(&brackets.keeper);
	cr_expect_eq(brackets.world.keys.count, 0);
	cr_expect_eq(pool_used(brackets.world.feeder.pool), 0);
	keys_done(&brackets.world.keys);
	pool_free(brackets.world.feeder.pool);
	registry_free(registry);
	registry = NULL;
}

void brackets_stop(void)
{
	const struct counters *c = &brackets.counters;

	if (!finished)
		finish(END_EOF);
	cr_expect(keeper_at_rest(&brackets.keeper));
	cr_expect_eq(c->requests + c->responses,
		     2 * (c->roundtrips_ok + c->roundtrips_error) + c->roundtrips_unanswered +
			     c->roundtrips_oneway + c->roundtrips_orphan + c->messages_withdrawn);
	brackets_drop();
}

static struct origin origin_of(unsigned dir, uint64_t ack)
{
	const struct feeder_dir *other = &brackets.keeper.feeder.dir[!dir];

	brackets.now_ns += NS_PER_MS;
	brackets.frame++;
	return (struct origin){.ts_ns = brackets.now_ns,
			       .frame = brackets.frame,
			       .ack = ack == ALL ? other->end : ack};
}

static void push(unsigned dir, uint64_t ack, const char *text)
{
	struct origin o = origin_of(dir, ack);

	feeder_push(&brackets.keeper.feeder, dir, view_of(text, (uint32_t)strlen(text)), &o);
}

void client(const char *text)
{
	push(0, ALL, text);
}

void server(const char *text)
{
	push(1, ALL, text);
}

void client_ack(uint64_t ack, const char *text)
{
	push(0, ack, text);
}

void server_ack(uint64_t ack, const char *text)
{
	push(1, ack, text);
}

void hole_why(enum side side, uint64_t bytes, enum why why)
{
	struct origin o = {.ts_ns = brackets.now_ns};

	feeder_gap(&brackets.keeper.feeder, side == FROM_CLIENT ? 0 : 1, bytes, why, &o);
}

void hole(enum side side, uint64_t bytes)
{
	hole_why(side, bytes, WHY_LOST);
}

void finish(enum end_reason reason)
{
	for (unsigned dir = 0; dir < 2; dir++)
		feeder_end(&brackets.keeper.feeder, dir, reason);
	keeper_finish(&brackets.keeper, reason);
	finished = true;
}

void tick_after_ms(uint64_t ms)
{
	brackets.now_ns += ms * NS_PER_MS;
	keeper_tick(&brackets.keeper, brackets.now_ns);
}

void earn(void)
{
	client("(v)");
	server("(V)");
	client("(w)");
	server("(W)");
	said_is("v=V w=W");
}
