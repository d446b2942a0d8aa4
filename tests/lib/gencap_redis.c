/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gencap's Redis: RESP2 and RESP3, commands as arrays and as lines, answers of every shape, transactions,
 * subscriptions, pushes, MONITOR, CLIENT REPLY. The server handles commands in order, so what the client told
 * it so far (struct redis_said) is known when a command is written, and its answer is decided by a few flags of the
 * command. Values are letters and digits: what looks like a message within one is for another test.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "gencap_sim.h"

enum { TEXT_MAX = 16384, VALUE_BIG = 3000, NEST_MAX = 3 };

struct text {
	char bytes[TEXT_MAX];
	size_t size;
};

enum shape {
	STATUS,
	INTEGER,
	BULK,
	FLAT,
	PAIRS,
	SET,
	SCORE,
	NESTED,
	ANYTHING,
	PONG,
	SPECIAL, /* from here on a command of its own */
	HELLO,
	MULTI,
	EXEC,
	DISCARD,
	SUBSCRIBE,
	PSUBSCRIBE,
	UNSUBSCRIBE,
	PUNSUBSCRIBE,
	MONITOR,
	RESET,
	REPLY_ON,
	REPLY_OFF,
	REPLY_SKIP,
};

/* What a command's answer depends on, besides its name. */
enum { RESP3 = 1, QUEUED = 2, LISTENS = 4, MONITORS = 8 };

static const struct command {
	const char *name;
	uint8_t least, most; /* arguments */
	uint8_t shape;
} commands[] = {
	{"GET", 1, 1, BULK},         {"SET", 2, 4, STATUS},        {"INCR", 1, 1, INTEGER},
	{"DEL", 1, 5, INTEGER},      {"MGET", 1, 6, FLAT},         {"LRANGE", 3, 3, FLAT},
	{"HGETALL", 1, 1, PAIRS},    {"SMEMBERS", 1, 1, SET},      {"XRANGE", 3, 3, NESTED},
	{"ZRANGE", 3, 4, ANYTHING},  {"ZSCORE", 2, 2, SCORE},      {"EVAL", 2, 4, ANYTHING},
	{"CONFIG GET", 1, 1, PAIRS}, {"JSON.GET", 1, 2, ANYTHING}, {"TYPE", 1, 1, STATUS},
	{"EXPIRE", 2, 2, INTEGER},   {"ECHO", 1, 1, BULK},         {"PING", 0, 0, PONG},
};

static const struct command specials[] = {
	{"HELLO 3", 0, 0, HELLO},
	{"HELLO 2", 0, 0, HELLO},
	{"MULTI", 0, 0, MULTI},
	{"SUBSCRIBE", 1, 4, SUBSCRIBE},
	{"PSUBSCRIBE", 1, 3, PSUBSCRIBE},
	{"UNSUBSCRIBE", 0, 0, UNSUBSCRIBE},
	{"PUNSUBSCRIBE", 0, 0, PUNSUBSCRIBE},
	{"MONITOR", 0, 0, MONITOR},
	{"RESET", 0, 0, RESET},
	{"CLIENT REPLY OFF", 0, 0, REPLY_OFF},
	{"CLIENT REPLY SKIP", 0, 0, REPLY_SKIP},
	{"CLIENT REPLY ON", 0, 0, REPLY_ON},
	{"EXEC", 0, 0, EXEC},
	{"DISCARD", 0, 0, DISCARD},
};
enum {
	LAST_USUAL = sizeof(commands) / sizeof(commands[0]),
	AT_PING = LAST_USUAL - 1,
	AT_SUBSCRIBE = 3, /* and three more */
	AT_RESET = 8,
	AT_ON = 11,
	AT_EXEC = 12,
	AT_DISCARD = 13,
	SPECIALS = AT_EXEC, /* that are chosen at any time */
};

static const struct command *command_of(const struct ask *a)
{
	return a->key < LAST_USUAL ? &commands[a->key] : &specials[a->key - LAST_USUAL];
}

/* --- text --- */

__attribute__((format(printf, 2, 3))) static void say(struct text *t, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	int n = vsnprintf(t->bytes + t->size, sizeof(t->bytes) - t->size, format, list);
	va_end(list);
	if (n < 0 || t->size + (size_t)n >= sizeof(t->bytes))
		abort();
	t->size += (size_t)n;
}

static void say_letters(struct sim *s, struct text *t, unsigned n)
{
	uint64_t first = gencap_random(&s->rng);
	for (unsigned i = 0; i < n; i++)
		say(t, "%c", (int)('a' + (first + i) % 26));
}

static void say_bulk(struct sim *s, struct text *t, unsigned size)
{
	say(t, "$%u\r\n", size);
	say_letters(s, t, size);
	say(t, "\r\n");
}

static unsigned value_size(struct sim *s)
{
	static const unsigned most[] = {1, 6, 20, 80};
	if (sim_chance(s, s->redis.big_pm))
		return (unsigned)sim_below(s, VALUE_BIG);
	return (unsigned)sim_below(s, most[sim_below(s, 4)] + 1);
}

/* --- what the client says --- */

static void say_command(struct sim *s, struct text *t, const struct command *c, unsigned arguments)
{
	unsigned words = 1;
	char words_of[32];
	snprintf(words_of, sizeof(words_of), "%s", c->name);
	if (sim_chance(s, 300))
		for (char *p = words_of; *p; p++)
			*p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
	for (const char *p = words_of; *p; p++)
		words += *p == ' ';
	if (sim_chance(s, s->redis.inline_pm)) {
		say(t, "%s", words_of);
		for (unsigned i = 0; i < arguments; i++) {
			say(t, " ");
			say_letters(s, t, 1 + (unsigned)sim_below(s, 12));
		}
		say(t, "%s", sim_chance(s, 500) ? "\r\n" : "\n");
		return;
	}
	say(t, "*%u\r\n", words + arguments);
	for (char *p = words_of, *word; (word = strsep(&p, " "));)
		say(t, "$%zu\r\n%s\r\n", strlen(word), word);
	for (unsigned i = 0; i < arguments; i++)
		say_bulk(s, t, 1 + value_size(s));
}

/* One that may be sent now, mostly at random. */
static uint8_t choose(struct sim *s)
{
	struct redis_said *said = &s->redis.said;
	if (said->off && sim_chance(s, 300))
		return LAST_USUAL + AT_ON;
	if (said->off || said->skip)
		return (uint8_t)sim_below(s, LAST_USUAL);
	if (said->multi) {
		if (said->queued > 5 || sim_chance(s, 250))
			return (uint8_t)(LAST_USUAL + (sim_chance(s, 100) ? AT_DISCARD : AT_EXEC));
		return (uint8_t)sim_below(s, LAST_USUAL);
	}
	bool listens = !said->resp3 && said->channels + said->patterns;
	if (!listens && !sim_chance(s, s->redis.special_pm))
		return (uint8_t)sim_below(s, LAST_USUAL);
	if (!listens)
		return (uint8_t)(LAST_USUAL + sim_below(s, SPECIALS));
	if (sim_chance(s, 300))
		return AT_PING;
	if (sim_chance(s, 100))
		return LAST_USUAL + AT_RESET;
	return (uint8_t)(LAST_USUAL + AT_SUBSCRIBE + sim_below(s, 4));
}

/* What the connection is like behind a command. */
static void take_effect(struct sim *s, struct ask *a, enum shape shape)
{
	struct redis_said *said = &s->redis.said;
	a->id = 0;
	if (said->multi && shape < SPECIAL) {
		a->flags |= QUEUED;
		said->queued++;
	}
	if (shape == MULTI || shape == EXEC || shape == DISCARD) {
		a->length = (uint8_t)said->queued;
		said->queued = 0;
		said->multi = shape == MULTI;
	} else if (shape == HELLO) {
		said->resp3 = specials[a->key - LAST_USUAL].name[6] == '3';
		a->flags = (uint8_t)((a->flags & ~RESP3) | (said->resp3 ? RESP3 : 0));
	} else if (shape == SUBSCRIBE) {
		a->id = (uint16_t)(said->channels + said->patterns);
		said->channels += a->length;
	} else if (shape == PSUBSCRIBE) {
		a->id = (uint16_t)(said->channels + said->patterns);
		said->patterns += a->length;
	} else if (shape == UNSUBSCRIBE) {
		a->length = (uint8_t)said->channels;
		a->id = (uint16_t)said->patterns;
		said->channels = 0;
	} else if (shape == PUNSUBSCRIBE) {
		a->length = (uint8_t)said->patterns;
		a->id = (uint16_t)said->channels;
		said->patterns = 0;
	} else if (shape == MONITOR) {
		said->monitor = true;
	} else if (shape == RESET) {
		*said = (struct redis_said){0};
		a->flags = 0;
	}
}

/* CLIENT REPLY: what it says of itself and the next one. */
static void take_reply_mode(struct sim *s, struct ask *a, enum shape shape)
{
	struct redis_said *said = &s->redis.said;
	a->oneway = said->off || said->skip || shape == REPLY_OFF || shape == REPLY_SKIP;
	said->skip = shape == REPLY_SKIP && !said->off;
	if (shape == REPLY_OFF)
		said->off = true;
	if (shape != REPLY_ON)
		return;
	said->off = false;
	a->oneway = false;
}

static bool redis_ask(struct sim *s, struct ask *a)
{
	struct text t = {.size = 0};
	struct redis_said before = s->redis.said;
	struct end *e = &s->end[C];
	a->key = choose(s);
	const struct command *c = command_of(a);
	a->length = (uint8_t)(c->least + sim_below(s, 1u + c->most - c->least));
	a->flags = (uint8_t)((before.resp3 ? RESP3 : 0) | (before.monitor ? MONITORS : 0) |
			     (before.channels + before.patterns ? LISTENS : 0));
	say_command(s, &t, c, a->length);
	take_effect(s, a, c->shape);
	take_reply_mode(s, a, c->shape);
	if (!sim_put(e, t.bytes, t.size)) {
		s->redis.said = before;
		return false;
	}
	a->to = e->written;
	return true;
}

/* --- what the server says --- */

static void say_null(struct text *t, const struct ask *a, bool array)
{
	say(t, "%s", a->flags & RESP3 ? "_\r\n" : array ? "*-1\r\n" : "$-1\r\n");
}

static void say_error(struct sim *s, struct text *t, const struct ask *a)
{
	if (sim_chance(s, 200))
		say(t, "-MOVED 3999 127.0.0.1:6381\r\n");
	else if (a->flags & RESP3 && sim_chance(s, 200))
		say(t, "!21\r\nSYNTAX invalid syntax\r\n");
	else
		say(t, "-ERR value is not an integer or out of range\r\n");
}

static void say_scalar(struct sim *s, struct text *t, const struct ask *a)
{
	unsigned kinds = a->flags & RESP3 ? 8 : 4, size;
	switch (sim_below(s, kinds)) {
	case 0:
		say(t, ":%d\r\n", (int)sim_below(s, 2000) - 1000);
		break;
	case 1:
		say_null(t, a, false);
		break;
	case 4:
		say(t, ",%u.25\r\n", (unsigned)sim_below(s, 1000));
		break;
	case 5:
		say(t, "#%c\r\n", sim_chance(s, 500) ? 't' : 'f');
		break;
	case 6:
		say(t, "(34928903284092851242345678901234567890\r\n");
		break;
	case 7:
		size = value_size(s);
		say(t, "=%u\r\ntxt:", size + 4);
		say_letters(s, t, size);
		say(t, "\r\n");
		break;
	default:
		say_bulk(s, t, value_size(s));
		break;
	}
}

/* Aggregates within aggregates: how many values are still to come on each level. */
static void say_nested(struct sim *s, struct text *t, const struct ask *a)
{
	unsigned left[NEST_MAX] = {0}, depth = 0;
	left[0] = 1 + (unsigned)sim_below(s, 4);
	say(t, "*%u\r\n", left[0]);
	for (;;) {
		while (!left[depth]) {
			if (!depth)
				return;
			depth--;
		}
		left[depth]--;
		bool map = a->flags & RESP3 && sim_chance(s, 300);
		if (depth + 1 == NEST_MAX || sim_chance(s, 600)) {
			if (sim_chance(s, 50))
				say(t, "-ERR inside\r\n");
			else
				say_scalar(s, t, a);
			continue;
		}
		unsigned n = (unsigned)sim_below(s, 4);
		say(t, "%c%u\r\n", map ? '%' : '*', n);
		left[++depth] = map ? 2 * n : n;
	}
}

static void say_list(struct sim *s, struct text *t, const struct ask *a, char type, unsigned values)
{
	unsigned n = (unsigned)sim_below(s, 6);
	say(t, "%c%u\r\n", type, type == '*' ? n * values : n);
	for (unsigned i = 0; i < n * values; i++)
		if (sim_chance(s, 100))
			say_null(t, a, false);
		else
			say_bulk(s, t, value_size(s));
}

static void say_value(struct sim *s, struct text *t, const struct ask *a, enum shape shape)
{
	bool resp3 = a->flags & RESP3;
	if (shape == ANYTHING)
		shape = (enum shape)sim_below(s, ANYTHING);
	if (sim_chance(s, s->redis.error_pm)) {
		say_error(s, t, a);
		return;
	}
	switch (shape) {
	case STATUS:
		say(t, "%s", sim_chance(s, 800) ? "+OK\r\n" : "+string\r\n");
		break;
	case INTEGER:
		say(t, ":%u\r\n", (unsigned)sim_below(s, 100000));
		break;
	case FLAT:
		say_list(s, t, a, '*', 1);
		break;
	case PAIRS:
		say_list(s, t, a, resp3 ? '%' : '*', 2);
		break;
	case SET:
		say_list(s, t, a, resp3 ? '~' : '*', 1);
		break;
	case SCORE:
		if (resp3)
			say(t, ",1.5\r\n");
		else
			say(t, "$3\r\n1.5\r\n");
		break;
	case NESTED:
		if (resp3 && sim_chance(s, 100))
			say(t, "|1\r\n+ttl\r\n:3600\r\n");
		say_nested(s, t, a);
		break;
	case PONG:
		if (a->flags & LISTENS && !resp3)
			say(t, "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
		else
			say(t, "+PONG\r\n");
		break;
	default: /* BULK */
		if (sim_chance(s, 150))
			say_null(t, a, false);
		else
			say_bulk(s, t, value_size(s));
		break;
	}
}

static void say_exec(struct sim *s, struct text *t, const struct ask *a)
{
	if (sim_chance(s, 100)) {
		say_null(t, a, true);
		return;
	}
	say(t, "*%u\r\n", a->length);
	for (unsigned i = 0; i < a->length; i++)
		say_value(s, t, a, (enum shape)sim_below(s, PONG));
}

/* One confirmation for each channel; at least one. */
static void say_confirmations(struct sim *s, struct text *t, const struct ask *a, enum shape shape)
{
	static const char *const words[] = {"subscribe", "psubscribe", "unsubscribe",
					    "punsubscribe"};
	const char *word = words[shape - SUBSCRIBE];
	bool leaves = shape >= UNSUBSCRIBE;
	unsigned n = a->length ? a->length : 1;
	for (unsigned i = 1; i <= n; i++) {
		say(t, "%c3\r\n$%zu\r\n%s\r\n", a->flags & RESP3 ? '>' : '*', strlen(word), word);
		if (a->length)
			say_bulk(s, t, 1 + (unsigned)sim_below(s, 12));
		else
			say_null(t, a, false);
		say(t, ":%u\r\n", leaves ? a->id + n - i : a->id + i);
	}
}

static void say_answer(struct sim *s, struct text *t, const struct ask *a)
{
	enum shape shape = command_of(a)->shape;
	if (a->flags & QUEUED) {
		say(t, "+QUEUED\r\n");
		return;
	}
	switch (shape) {
	case HELLO:
		say(t, "%s\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:%u\r\n",
		    a->flags & RESP3 ? "%2" : "*4", a->flags & RESP3 ? 3 : 2);
		break;
	case EXEC:
		say_exec(s, t, a);
		break;
	case SUBSCRIBE:
	case PSUBSCRIBE:
	case UNSUBSCRIBE:
	case PUNSUBSCRIBE:
		say_confirmations(s, t, a, shape);
		break;
	case RESET:
		say(t, "+RESET\r\n");
		break;
	case MULTI:
	case DISCARD:
	case MONITOR:
	case REPLY_ON:
		say(t, "+OK\r\n");
		break;
	default:
		say_value(s, t, a, shape);
		break;
	}
}

/* What nobody asked for, if the connection is open for it. */
static void say_push(struct sim *s, const struct ask *a)
{
	struct text t = {.size = 0};
	bool resp3 = a->flags & RESP3;
	if (a->flags & MONITORS && sim_chance(s, 500)) {
		say(&t, "+1700000000.123456 [0 127.0.0.1:50000] \"get\" \"x\"\r\n");
	} else if (a->flags & LISTENS) {
		bool pattern = sim_chance(s, 300);
		say(&t, "%c%u\r\n%s\r\n", resp3 ? '>' : '*', pattern ? 4 : 3,
		    pattern ? "$8\r\npmessage\r\n$2\r\nn*" : "$7\r\nmessage");
		say_bulk(s, &t, 1 + (unsigned)sim_below(s, 9));
		say_bulk(s, &t, value_size(s));
	} else if (resp3) {
		say(&t, ">2\r\n$10\r\ninvalidate\r\n*1\r\n");
		say_bulk(s, &t, 1 + (unsigned)sim_below(s, 9));
	}
	if (t.size)
		sim_say(s, t.bytes, t.size, -1);
}

static void redis_reply(struct sim *s, unsigned id)
{
	const struct ask *a = &s->asks[id];
	struct text t = {.size = 0};
	if (a->answer >= 0 || s->end[S].want_fin)
		return;
	if (command_of(a)->shape != HELLO && sim_chance(s, s->redis.push_pm))
		say_push(s, a);
	say_answer(s, &t, a);
	sim_say(s, t.bytes, t.size, (int)id);
	sim_push_out(s, S);
}

static void redis_plan(struct sim *s)
{
	struct redis_talk *r = &s->redis;
	bool small = s->end[C].mss < 30 || s->end[S].mss < 30;
	r->inline_pm = sim_chance(s, 250) ? 300 : 0;
	r->error_pm = sim_chance(s, 500) ? 80 : 0;
	r->big_pm = !small && sim_chance(s, 300) ? 200 : 0;
	r->special_pm = sim_chance(s, 500) ? (unsigned)sim_below(s, 400) : 0;
	r->push_pm = sim_chance(s, 500) ? 300 : 0;
}

const struct language gencap_redis = {.plan = redis_plan, .ask = redis_ask, .reply = redis_reply};
