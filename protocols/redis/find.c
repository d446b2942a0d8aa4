/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boundaries: where a message begins when nobody knows what to expect, and what the first bytes of a connection are.
 *
 * A command is easy to know. An answer is not: the elements of an array look like answers. So it depends on what may
 * be on its way (redis.h: open, flat, any). If no answer can be an aggregate, what looks like a scalar is an answer;
 * if no aggregate can be nested, what looks like an aggregate is; else only the first byte behind a new request is
 * believed. Pushes, messages of channels and lines of MONITOR can be told at any time.
 */
#include "protocols/redis/redis.h"
#include "protocols/redis/wire.h"

enum {
	VERIFIED_MAX = 512,   /* bulks up to that size are waited for, to see their end */
	REPLCONF_WITHIN = 16, /* *3 $8 REPLCONF; its second number is 8, and the first is short */
	DECIMALS = 6,
	BULK_LOAD_MIN = 2048, /* so many bytes of commands are believed without an answer */
	BULK_LOAD_LINES = 64, /* of which so many are looked at */
	EMPTY_LINES_MAX = 4,  /* bytes of them in front of the first command: somebody types */
};

static const char *const words[] = {
	[WORD_SUBSCRIBE] = "subscribe",       [WORD_PSUBSCRIBE] = "psubscribe",
	[WORD_SSUBSCRIBE] = "ssubscribe",     [WORD_UNSUBSCRIBE] = "unsubscribe",
	[WORD_PUNSUBSCRIBE] = "punsubscribe", [WORD_SUNSUBSCRIBE] = "sunsubscribe",
	[WORD_MESSAGE] = "message",
};

enum redis_word redis_word_of(struct view v)
{
	uint64_t size;
	if (!v.size)
		return WORD_MORE;
	if (v.data[0] != '$')
		return WORD_NONE;
	uint32_t line = read_length(v.data + 1, v.data + v.size, &size);
	if (line == LINE_MORE)
		return WORD_MORE;
	if (line == LINE_BAD || size < 7 || size > 12)
		return WORD_NONE;
	struct view text = view_from(v, line + 1);
	if (text.size && !memchr("mpsu", text.data[0], 4))
		return WORD_NONE;
	if (text.size < size + 2)
		return WORD_MORE;
	text.size = (uint32_t)size;
	for (unsigned i = WORD_SUBSCRIBE; i <= WORD_MESSAGE; i++) {
		if (view_equal(text, view_text(words[i])))
			return (enum redis_word)i;
	}
	bool message =
		view_equal(text, view_text("pmessage")) || view_equal(text, view_text("smessage"));
	return message ? WORD_MESSAGE : WORD_NONE;
}

enum found redis_names_nothing(struct view v)
{
	uint64_t size = 0;
	uint32_t line = read_length(v.data + 1, v.data + v.size, &size);
	uint64_t name = 1 + line + size + 2;
	if (name + 2 > v.size)
		return FOUND_MORE;
	v = view_from(v, (uint32_t)name);
	return v.data[0] == '_' || (v.data[0] == '$' && v.data[1] == '-') ? FOUND_YES : FOUND_NO;
}

enum found redis_is_monitor(struct view v)
{
	uint32_t i = 1, dot;
	while (i < v.size && i <= DIGITS_MAX && is_digit(v.data[i]))
		i++;
	if (i == v.size)
		return FOUND_MORE;
	if (i == 1 || v.data[i] != '.')
		return FOUND_NO;
	for (dot = i++; i < v.size && i <= dot + DECIMALS; i++) {
		if (!is_digit(v.data[i]))
			return FOUND_NO;
	}
	if (v.size < i + 2)
		return FOUND_MORE;
	return v.data[i] == ' ' && v.data[i + 1] == '[' ? FOUND_YES : FOUND_NO;
}

/* The length behind the type byte; NO: there is none. */
static enum found length_of(struct view v, uint64_t *ret, uint32_t *ret_line)
{
	uint32_t line = read_length(v.data + 1, v.data + v.size, ret);
	*ret_line = line + 1;
	return line == LINE_MORE ? FOUND_MORE : line == LINE_BAD ? FOUND_NO : FOUND_YES;
}

/* *3 $9 subscribe $1 a :1 is no command, but its confirmation: only the last of three elements tells. */
static enum found is_confirmation(struct view v)
{
	uint64_t size;
	uint32_t line;
	if (length_of(v, &size, &line) != FOUND_YES || size != 3)
		return FOUND_NO;
	v = view_from(v, line);
	enum redis_word word = redis_word_of(v);
	if (word == WORD_NONE || word == WORD_MESSAGE)
		return FOUND_NO;
	for (unsigned i = 0; i < 2; i++) {
		if (!v.size)
			return FOUND_MORE;
		enum found found = v.data[0] == '$' ? length_of(v, &size, &line) : FOUND_NO;
		if (found != FOUND_YES)
			return found;
		if (size == LENGTH_NULL)
			return FOUND_YES; /* no command has one */
		if (v.size - line < size + 3)
			return FOUND_MORE;
		v = view_from(v, line + (uint32_t)size + 2);
	}
	return v.data[0] == ':' ? FOUND_YES : FOUND_NO;
}

/* *3 $3 SET $: the name is known, and there is a bulk behind it if there should be one. */
enum found redis_is_request(struct view v)
{
	uint64_t count, size;
	uint32_t line;
	struct view all = v;
	if (!v.size || v.data[0] != '*')
		return v.size ? FOUND_NO : FOUND_MORE;
	enum found found = length_of(v, &count, &line);
	if (found != FOUND_YES || !count || count > COUNT_MAX)
		return found == FOUND_MORE ? FOUND_MORE : FOUND_NO;
	v = view_from(v, line);
	if (!v.size || v.data[0] != '$')
		return v.size ? FOUND_NO : FOUND_MORE;
	found = length_of(v, &size, &line);
	if (found != FOUND_YES || size < 2 || size > NAME_MAX_KEPT)
		return found == FOUND_MORE ? FOUND_MORE : FOUND_NO;
	struct view name = view_first(view_from(v, line), (uint32_t)size);
	for (uint32_t i = 0; i < name.size; i++) {
		if (name.data[i] < '-' || name.data[i] > 'z')
			return FOUND_NO;
	}
	v = view_from(v, line + (uint32_t)size);
	if (v.size < 2 + (count > 1))
		return FOUND_MORE;
	if (v.data[0] != '\r' || v.data[1] != '\n' || (count > 1 && v.data[2] != '$'))
		return FOUND_NO;
	if (!redis_command_find(name))
		return FOUND_NO;
	found = is_confirmation(all);
	return found == FOUND_MORE ? FOUND_MORE : found == FOUND_YES ? FOUND_NO : FOUND_YES;
}

enum found redis_is_push(struct view v)
{
	uint64_t count;
	uint32_t line;
	if (!v.size)
		return FOUND_MORE;
	if (v.data[0] == '+')
		return redis_is_monitor(v);
	if (v.data[0] != '>' && v.data[0] != '*')
		return FOUND_NO;
	enum found found = length_of(v, &count, &line);
	bool push = v.data[0] == '>';
	if (found != FOUND_YES || (!push && count != 3 && count != 4))
		return found == FOUND_MORE ? FOUND_MORE : FOUND_NO;
	v = view_from(v, line);
	if (push) {
		if (v.size < 2)
			return FOUND_MORE;
		return v.data[0] == '$' && is_digit(v.data[1]) ? FOUND_YES : FOUND_NO;
	}
	enum redis_word word = redis_word_of(v);
	if (word == WORD_MORE)
		return FOUND_MORE;
	return word == WORD_MESSAGE ? FOUND_YES : FOUND_NO;
}

/* --- answers --- */

/* The beginning of an element. */
static enum found is_element(struct view v)
{
	if (v.size < 2)
		return !v.size || memchr("+-:$*_#,(!=%~|", v.data[0], 14) ? FOUND_MORE : FOUND_NO;
	switch (v.data[0]) {
	case ':':
	case '$':
	case '*':
	case '!':
	case '=':
	case '%':
	case '~':
	case '|':
		return is_digit(v.data[1]) || v.data[1] == '-' ? FOUND_YES : FOUND_NO;
	case '+':
	case '-':
		return v.data[1] > ' ' ? FOUND_YES : FOUND_NO;
	case '_':
		return v.data[1] == '\r' ? FOUND_YES : FOUND_NO;
	case '#':
		return v.data[1] == 't' || v.data[1] == 'f' ? FOUND_YES : FOUND_NO;
	case ',':
	case '(':
		return v.data[1] > ' ' ? FOUND_YES : FOUND_NO;
	default:
		return FOUND_NO;
	}
}

static enum found is_aggregate(struct view v)
{
	uint64_t count;
	uint32_t line;
	if (!memchr("*%~", v.data[0], 3))
		return FOUND_NO;
	enum found found = length_of(v, &count, &line);
	if (found != FOUND_YES || !count || count > COUNT_MAX)
		return count == LENGTH_NULL ? found : found == FOUND_MORE ? FOUND_MORE : FOUND_NO;
	return is_element(view_from(v, line));
}

/* $5 hello: with its end, if it is short. */
static enum found is_bulk(struct view v)
{
	uint64_t size;
	uint32_t line;
	enum found found = length_of(v, &size, &line);
	if (found != FOUND_YES || size == LENGTH_STREAM)
		return found == FOUND_MORE ? FOUND_MORE : FOUND_NO;
	if (size == LENGTH_NULL)
		return FOUND_YES;
	if (size > BULK_MAX)
		return FOUND_NO;
	if (size + line + 2 > v.size)
		return size > VERIFIED_MAX ? FOUND_YES : FOUND_MORE;
	return v.data[line + size] == '\r' && v.data[line + size + 1] == '\n' ? FOUND_YES
									      : FOUND_NO;
}

/* What servers say in one word, and errors with a prefix. */
static enum found is_status(struct view v)
{
	static const char *const known[] = {"+OK\r\n", "+QUEUED\r\n", "+PONG\r\n", NULL};
	uint32_t i = 1;
	if (v.data[0] == '+') {
		for (unsigned k = 0; known[k]; k++) {
			uint32_t n = (uint32_t)strlen(known[k]);
			if (!memcmp(v.data, known[k], v.size < n ? v.size : n))
				return v.size < n ? FOUND_MORE : FOUND_YES;
		}
		return FOUND_NO;
	}
	while (i < v.size && i < NAME_MAX_KEPT && v.data[i] >= 'A' && v.data[i] <= 'Z')
		i++;
	if (i == v.size)
		return FOUND_MORE;
	return i > 2 && v.data[i] == ' ' ? FOUND_YES : FOUND_NO;
}

static enum found is_number(struct view v)
{
	uint32_t i = 1;
	i += i < v.size && v.data[i] == '-';
	uint32_t from = i;
	while (i < v.size && is_digit(v.data[i]) && i < from + NUMBER_LINE_MAX)
		i++;
	if (i + 2 > v.size)
		return i == v.size || v.data[i] == '\r' ? FOUND_MORE : FOUND_NO;
	return i > from && v.data[i] == '\r' && v.data[i + 1] == '\n' ? FOUND_YES : FOUND_NO;
}

static enum found is_scalar(struct view v)
{
	switch (v.data[0]) {
	case '+':
	case '-':
		return is_status(v);
	case ':':
		return is_number(v);
	case '$':
		return is_bulk(v);
	case '_':
		if (v.size < 3)
			return v.size < 2 || v.data[1] == '\r' ? FOUND_MORE : FOUND_NO;
		return v.data[1] == '\r' && v.data[2] == '\n' ? FOUND_YES : FOUND_NO;
	default:
		return FOUND_NO;
	}
}

/* Which answers may be on their way. */
enum ways { WAY_PUSHES, WAY_AGGREGATES, WAY_SCALARS };

static enum ways ways_of(const struct redis *r)
{
	if (r->flags[FROM_SERVER] & UNSURE || r->any || !r->open)
		return WAY_PUSHES;
	return r->flat ? WAY_AGGREGATES : WAY_SCALARS;
}

enum found redis_is_boundary(const struct redis *r, enum side side, struct view v, bool turn)
{
	if (side == FROM_CLIENT)
		return redis_is_request(v);
	enum found found = redis_is_push(v);
	if (found != FOUND_NO)
		return found;
	if (turn)
		return is_element(v);
	enum ways ways = ways_of(r);
	if (ways == WAY_AGGREGATES)
		return is_aggregate(v);
	return ways == WAY_SCALARS ? is_scalar(v) : FOUND_NO;
}

/* An answer begins: what is known of those that are still to come? */
static void begin_again(struct redis *r, enum side side, bool turn)
{
	uint16_t *flags = &r->flags[FROM_SERVER];
	uint32_t since = r->left[FROM_SERVER];
	r->at[side] = AT_START;
	r->next[side] = 0;
	r->left[side] = 0;
	r->flags[side] &= (uint16_t)~MIDLINE;
	if (side == FROM_CLIENT)
		return;
	if (turn) {
		*flags &= (uint16_t) ~(UNSURE | DRIFT);
		r->open = since < UINT16_MAX ? (uint16_t)since : UINT16_MAX;
		r->flat = r->any = r->open;
	}
	*flags &= (uint16_t)~TURN;
}

/*
 * Commands without answers, from the side that the ports call the server: a master sends its replica what was written.
 * The replica says REPLCONF ACK every second. If it is none, the client's next message is the first one for us.
 */
bool redis_hear_replica(struct pass *p)
{
	static const char replconf[] = "REPLCONF";
	struct view v = left_of(p), head = view_first(v, REPLCONF_WITHIN);
	if (v.data[0] == '\n') { /* it is loading */
		p->used++;
		return stop(p);
	}
	enum found found = redis_is_request(v);
	if (found == FOUND_MORE)
		return need(p, 0);
	if (found == FOUND_YES && memmem(head.data, head.size, replconf, sizeof(replconf) - 1))
		return bypass(p);
	p->r->flags[FROM_SERVER] &= (uint16_t)~MASTER_MAYBE;
	return true;
}

/* The beginning of the next line; the end, if none begins. */
static uint32_t behind_line(struct view v, uint32_t at)
{
	const uint8_t *lf = memchr(v.data + at, '\n', v.size - at);
	return lf ? (uint32_t)(lf - v.data) + 1 : v.size;
}

/* A message begins behind a line's end. So the first byte counts, too, if nobody saw what was before it. */
bool redis_on_resync(struct pass *p)
{
	struct redis *r = p->r;
	uint16_t *flags = &r->flags[p->side];
	struct view v = left_of(p);
	uint32_t at = 0;
	if (!v.size)
		return stop(p);
	if (r->flags[FROM_SERVER] & MASTER_MAYBE) {
		if (p->side == FROM_SERVER && !redis_hear_replica(p))
			return false;
		if (p->side == FROM_CLIENT)
			return pass_bytes(p, v.size);
	}
	if (*flags & MIDLINE) {
		at = behind_line(v, 0);
		r->flags[FROM_SERVER] &= (uint16_t) ~(p->side == FROM_SERVER ? TURN : 0);
	}
	while (at < v.size) {
		bool turn = p->side == FROM_SERVER && !at && *flags & TURN;
		enum found found = redis_is_boundary(r, p->side, view_from(v, at), turn);
		if (found == FOUND_MORE && !at)
			return need(p, 0);
		if (found == FOUND_YES && !at) {
			begin_again(r, p->side, turn);
			return true;
		}
		if (turn && found == FOUND_NO) { /* the first byte was all that it told */
			*flags &= (uint16_t)~TURN;
			continue;
		}
		if (found != FOUND_NO)
			break;
		at = behind_line(v, at);
	}
	*flags &= (uint16_t)~MIDLINE;
	*flags |= v.data[at - 1] == '\n' ? 0 : MIDLINE;
	p->fed = (struct fed){.is = FED_OK, .junk = at, .why = WHY_LOST};
	return false;
}

/* --- detection --- */

enum look { LOOK_NO, LOOK_MORE, LOOK_REQUEST, LOOK_MAYBE_REQUEST, LOOK_PUSH, LOOK_INLINE };

/* A line that begins with a command which other text protocols do not have. */
static enum look look_at_line(struct view v, struct view *ret_name)
{
	static const char *const others[] = {"AUTH", "QUIT", NULL};
	uint32_t n = 0;
	for (unsigned i = 0; i < EMPTY_LINES_MAX && v.size && memchr("\r\n", v.data[0], 2); i++)
		v = view_from(v, 1);
	while (n < v.size && n <= NAME_MAX_KEPT && (is_letter(v.data[n]) || v.data[n] == '_'))
		n++;
	struct view name = view_first(v, n);
	if (n == v.size)
		return n <= NAME_MAX_KEPT ? LOOK_MORE : LOOK_NO;
	for (unsigned i = 0; others[i]; i++) {
		if (redis_is(name, others[i]))
			return LOOK_NO;
	}
	if (!memchr(" \r\n", v.data[n], 3) || !redis_command_find(name))
		return LOOK_NO;
	*ret_name = name;
	return memchr(v.data, '\n', v.size) ? LOOK_INLINE : LOOK_MORE;
}

/* What a server says instead of welcoming a client, before it hangs up. */
static enum found is_refusal(struct view v)
{
	static const char *const refusals[] = {"-DENIED Redis is running in protected mode",
					       "-DENIED Valkey is running in protected mode",
					       "-DENIED KeyDB is running in protected mode",
					       "-ERR max number of clients reached\r\n",
					       "-ERR max number of clients + cluster ",
					       NULL};
	for (unsigned i = 0; refusals[i]; i++) {
		uint32_t n = (uint32_t)strlen(refusals[i]);
		if (!memcmp(v.data, refusals[i], v.size < n ? v.size : n))
			return v.size < n ? FOUND_MORE : FOUND_YES;
	}
	return FOUND_NO;
}

static enum look look_at(struct view v, struct view *ret_name)
{
	uint64_t count;
	uint32_t line;
	if (!v.size)
		return LOOK_NO;
	enum found found = v.data[0] == '-' ? is_refusal(v) : redis_is_push(v);
	if (found == FOUND_YES)
		return LOOK_PUSH;
	if (v.data[0] != '*')
		return found == FOUND_MORE ? LOOK_MORE : look_at_line(v, ret_name);
	enum found request = redis_is_request(v);
	if (request == FOUND_YES)
		return LOOK_REQUEST;
	if (found == FOUND_MORE || request == FOUND_MORE)
		return LOOK_MORE;
	if (is_confirmation(v) == FOUND_YES)
		return LOOK_PUSH;
	/* an array of bulks with an unknown name */
	if (length_of(v, &count, &line) != FOUND_YES || !count || count > COUNT_MAX)
		return LOOK_NO;
	v = view_from(v, line);
	return is_element(v) == FOUND_YES && v.data[0] == '$' ? LOOK_MAYBE_REQUEST : LOOK_NO;
}

/* Commands that memcached, NATS or IRC have, too. (After memcached's SET comes a line that is no command.) */
static bool is_shared(struct view name)
{
	static const char *const shared[] = {"GET",   "INCR", "DECR", "APPEND", "TOUCH",
					     "WATCH", "PING", "INFO", "TIME",   NULL};
	for (unsigned i = 0; shared[i]; i++) {
		if (redis_is(name, shared[i]))
			return true;
	}
	return false;
}

/* Many lines with commands before any answer: redis-cli --pipe. */
static bool is_bulk_load(struct view v)
{
	enum look look = LOOK_INLINE;
	unsigned own = 0;
	if (v.size < BULK_LOAD_MIN)
		return false;
	for (unsigned i = 0; i < BULK_LOAD_LINES && v.size && v.data[0] != '*'; i++) {
		struct view name;
		look = look_at_line(v, &name);
		if (look != LOOK_INLINE)
			break;
		const uint8_t *lf = memchr(v.data, '\n', v.size);
		v = view_from(v, (uint32_t)(lf - v.data) + 1);
		own += !is_shared(name);
	}
	return own > 1 && look != LOOK_NO; /* the last one may not be whole */
}

/* Is this what Redis answers to such a line? PING and INFO are NATS's, too, which says +OK. */
static bool answers_line(struct view v, struct view name)
{
	const uint8_t *lf = v.size ? memchr(v.data, '\n', v.size) : NULL;
	if (!v.size || (lf && (lf == v.data || lf[-1] != '\r')))
		return false;
	if (redis_is(name, "PING"))
		return view_starts(v, "+PONG\r\n");
	if (redis_is(name, "INFO") && v.data[0] == '+')
		return false;
	return is_scalar(v) == FOUND_YES || is_aggregate(v) == FOUND_YES;
}

struct probed redis_probe(struct view a, struct view b)
{
	const struct view sides[2] = {a, b};
	struct probed best = {.is = PROBE_NO};
	for (uint8_t i = 0; i < 2; i++) {
		struct view name = {0}, other = sides[!i];
		struct probed yes = {.is = PROBE_YES, .client = i};
		switch (look_at(sides[i], &name)) {
		case LOOK_REQUEST:
			yes.confidence = 100;
			break;
		case LOOK_PUSH:
			yes.confidence = 95;
			yes.client = !i;
			break;
		case LOOK_MAYBE_REQUEST:
			yes.confidence = 60;
			break;
		case LOOK_INLINE:
			yes.confidence = answers_line(other, name)               ? 70
					 : !other.size && is_bulk_load(sides[i]) ? 50
										 : 0;
			if (yes.confidence || other.size > LINE_MAX_KEPT)
				break;
			__attribute__((fallthrough));
		case LOOK_MORE:
			yes = (struct probed){.is = PROBE_NEED, .need = sides[i].size + 1};
			break;
		case LOOK_NO:
			break;
		}
		if (yes.is == PROBE_NEED ? best.is == PROBE_NO : yes.confidence > best.confidence)
			best = yes;
	}
	return best;
}
