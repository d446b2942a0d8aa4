/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server sends: answers and pushes. One counter of values still to come is enough for any nesting, as an
 * aggregate adds its elements to it; only aggregates of unknown length, which end with a dot, need a stack.
 *
 * spec: https://github.com/redis/redis-specifications/blob/master/protocol/RESP3.md
 *
 *   +OK\r\n  -ERR text\r\n  :1\r\n  $5\r\nhello\r\n  $-1\r\n  *2\r\n :1\r\n :2\r\n  *-1\r\n
 *   _\r\n  #t\r\n  ,1.5\r\n  (12345\r\n  !5\r\nERR x\r\n  =7\r\ntxt:abc\r\n  %1\r\n key value  ~2\r\n :1\r\n :2\r\n
 *   >2\r\n ...    |1\r\n key value and then the answer    $?\r\n ;3\r\nabc\r\n ;0\r\n    *?\r\n :1\r\n .\r\n
 */
#include "protocols/redis/redis.h"
#include "protocols/redis/wire.h"

enum { MONITOR_MIN = 12 }; /* a line of MONITOR is longer */

/* --- messages --- */

#define T(text)                                                                                    \
	{                                                                                          \
		(const uint8_t *)(text), sizeof(text) - 1                                          \
	}
static const struct view type_names[128] = {
	['+'] = T("status"), ['-'] = T("error"),      [':'] = T("integer"), ['$'] = T("bulk"),
	['*'] = T("array"),  ['_'] = T("null"),       ['#'] = T("boolean"), [','] = T("double"),
	['%'] = T("map"),    ['~'] = T("set"),        ['>'] = T("push"),    ['='] = T("verbatim"),
	['!'] = T("error"),  ['('] = T("big_number"),
};

static inline void put_type(struct pass *p, uint8_t type)
{
	put_text(p, TYPE, type_names[type & 127]);
}

/* Begins an answer with the fields that were put, or goes on with one that began with attributes. */
static void begin_answer(struct pass *p, unsigned flags)
{
	struct message m = {.kind = MESSAGE_RESPONSE,
			    .flags = MESSAGE_FINAL | flags,
			    .offset = offset_of(p),
			    .fields = p->field,
			    .field_count = p->fields};
	if (p->r->at[FROM_SERVER] == AT_ATTRIBUTED)
		p->env->ops->add(p->env, FROM_SERVER, &m);
	else
		p->env->ops->begin(p->env, FROM_SERVER, &m);
	p->r->flags[FROM_SERVER] |= flags & MESSAGE_ERROR ? ERRORED : 0;
	p->fields = 0;
}

static void begin_push(struct pass *p)
{
	struct message m = {.kind = MESSAGE_PUSH, .offset = offset_of(p)};
	p->env->ops->begin(p->env, FROM_SERVER, &m);
	p->r->flags[FROM_SERVER] |= PUSHING;
}

/* One answer less is to come. */
static inline void count_answered(struct redis *r)
{
	if (!r->open) { /* nobody asked: the client cannot have switched answers off */
		if (!(r->flags[FROM_CLIENT] & OFF_SURE))
			r->flags[FROM_CLIENT] &= (uint16_t)~REPLY_OFF;
		return;
	}
	r->open--;
	r->flat -= r->flat > 0;
	r->any -= r->any > 0;
}

void redis_end_reply(struct env *env, struct redis *r, unsigned flags, uint64_t offset)
{
	struct field f = {.id = r->word ? REPLIES : NESTED_ERRORS, .number = r->errors};
	uint16_t state = r->flags[FROM_SERVER];
	struct message m = {.kind = state & PUSHING ? MESSAGE_PUSH : MESSAGE_RESPONSE,
			    .flags = flags | (state & SERVER_LOST ? MESSAGE_GAP : 0) |
				     (state & ERRORED ? MESSAGE_ERROR : 0),
			    .offset = offset,
			    .fields = &f,
			    .field_count = r->errors && !(state & PUSHING)};
	if (!(state & SILENT))
		env->ops->end(env, FROM_SERVER, &m);
	r->flags[FROM_SERVER] = state & (uint16_t)~OF_MESSAGE;
	r->at[FROM_SERVER] = AT_START;
	r->next[FROM_SERVER] = 0;
	r->left[FROM_SERVER] = 0;
	r->replies = 0;
	r->errors = 0;
	r->word = r->counted = 0;
	r->depth = 0;
	if (state & (PUSHING | SILENT))
		return;
	count_answered(r);
	if (state & DRIFT && env->ops->ask(env, FROM_SERVER, 0, offset) == ASK_NONE) {
		r->open = r->flat = r->any = 0;
		r->flags[FROM_SERVER] &= (uint16_t)~DRIFT;
	}
}

static bool reply_done(struct pass *p)
{
	redis_end_reply(p->env, p->r, 0, offset_of(p));
	return true;
}

static int ask(struct pass *p)
{
	return p->env->ops->ask(p->env, FROM_SERVER, 0, offset_of(p));
}

/* --- lines: status, error, number --- */

/* `text` is behind the type. What an error tells of a request's arguments is not said: one may be a password. */
static unsigned put_error(struct pass *p, struct view text)
{
	static const char unknown[] = "unknown command ";
	static const char *const quotes[] = {", with args beginning with:", " SETUSER modifier '"};
	uint32_t n = 0;
	while (n < text.size && (is_digit(text.data[n]) || text.data[n] == '_' ||
				 (text.data[n] >= 'A' && text.data[n] <= 'Z')))
		n++;
	bool prefix = n && (n == text.size || text.data[n] == ' ');
	struct view word = view_first(text, prefix ? n : 0), message = text;
	if (prefix) {
		put_text(p, ERROR, word);
		message = view_from(text, n + 1);
	}
	message = view_first(message, TEXT_MAX_KEPT);
	for (unsigned i = 0; i < 2 && message.size; i++) {
		const uint8_t *cut =
			memmem(message.data, message.size, quotes[i], strlen(quotes[i]));
		if (cut)
			message.size = (uint32_t)(cut - message.data);
	}
	if (view_starts(message, unknown)) { /* arguments that were sent as a part of the name */
		uint32_t size = sizeof(unknown) - 1;
		const uint8_t *cut = memchr(message.data + size, ' ', message.size - size);
		message.size = cut ? (uint32_t)(cut - message.data) : message.size;
	}
	put_text(p, MESSAGE, message);
	bool moved = view_equal(word, view_text("MOVED")) || view_equal(word, view_text("ASK"));
	return moved ? 0 : MESSAGE_ERROR;
}

/* Nothing of a number, a boolean or a null is said; but a line that cannot be one is a sign of disorder. */
static bool is_right(uint8_t type, struct view text)
{
	if (type == '+' || type == '-')
		return true;
	if (type == '_')
		return !text.size;
	if (type == '#')
		return text.size == 1 && (text.data[0] == 't' || text.data[0] == 'f');
	uint32_t i = text.size && (text.data[0] == '-' || text.data[0] == '+');
	if (type == ',') /* inf, nan, exponents */
		return text.size > i && (is_digit(text.data[i]) || is_letter(text.data[i]));
	while (i < text.size && is_digit(text.data[i]))
		i++;
	return i && i == text.size;
}

static bool is_resync_with_master(struct view text)
{
	return view_starts(text, "FULLRESYNC ") || view_starts(text, "CONTINUE");
}

/* An answer to SYNC or PSYNC? If it is no error, what follows is not asked and answered. */
static bool ends_asking(struct pass *p, uint8_t type, struct view text)
{
	int cookie = ask(p);
	bool sync = cookie == COOKIE_SYNC || cookie == COOKIE_PSYNC;
	if (sync && type == '-')
		p->r->flags[FROM_SERVER] &= (uint16_t)~SYNCING;
	if (type == '$')
		return cookie == COOKIE_SYNC;
	return type == '+' &&
	       ((sync && is_resync_with_master(text)) || view_starts(text, "FULLRESYNC "));
}

/* `line` is without CR LF, or the beginning of a long one. */
static bool take_line(struct pass *p, struct view line, bool whole, uint32_t size)
{
	struct redis *r = p->r;
	uint8_t type = line.data[0];
	struct view text = view_from(line, 1);
	unsigned flags = 0;
	bool last = false;
	if (type == '+' && r->flags[FROM_SERVER] & SYNCING)
		last = ends_asking(p, type, text);
	else if (type == '-' && r->flags[FROM_SERVER] & SYNCING)
		ends_asking(p, type, text);
	if (type == '+' && text.size > MONITOR_MIN && r->at[FROM_SERVER] == AT_START &&
	    redis_is_monitor(line) == FOUND_YES) {
		begin_push(p);
	} else {
		put_type(p, type);
		if (type == '-')
			flags = put_error(p, text);
		else if (type == '+')
			put_text(p, MESSAGE, view_first(text, TEXT_MAX_KEPT));
		begin_answer(p, flags);
	}
	if (type == '+' && (r->channels | (r->flags[FROM_SERVER] & SUBSCRIBED)) &&
	    view_equal(text, view_text("RESET")))
		redis_forget_subscriptions(r);
	p->used += size;
	if (!whole) {
		r->at[FROM_SERVER] = AT_LINE;
		return true;
	}
	reply_done(p);
	return last ? bypass(p) : true;
}

static bool on_line_reply(struct pass *p, struct view v)
{
	uint32_t *scanned = &p->r->left[FROM_SERVER];
	struct view kept = view_first(v, LINE_MAX_KEPT);
	const uint8_t *lf = memchr(kept.data + *scanned, '\n', kept.size - *scanned);
	if (!lf && kept.size < LINE_MAX_KEPT) {
		*scanned = kept.size;
		return need(p, 0);
	}
	*scanned = 0;
	if (!lf) {
		if (!is_right(v.data[0], view_from(kept, 1)))
			return redis_fail(p, true, WHY_MALFORMED);
		return take_line(p, kept, false, kept.size);
	}
	uint32_t size = (uint32_t)(lf - v.data);
	if (lf[-1] != '\r' || !is_right(v.data[0], view_of(v.data + 1, size - 2)))
		return redis_fail(p, true, WHY_MALFORMED);
	return take_line(p, view_of(v.data, size - 1), true, size + 1);
}

/* --- bulks --- */

static bool on_bulk(struct pass *p, struct view v)
{
	struct redis *r = p->r;
	uint64_t size;
	uint8_t type = v.data[0];
	uint32_t line = read_length(v.data + 1, v.data + v.size, &size);
	unsigned flags = 0;
	if (r->flags[FROM_SERVER] & SYNCING && type == '$' &&
	    (line == LINE_BAD || line == LINE_MORE || size <= BULK_MAX)) {
		const uint8_t *lf = memchr(v.data, '\n', v.size);
		if (!lf && v.size < LINE_MAX_KEPT)
			return need(p, 0);
		if (lf &&
		    ends_asking(p, type, v)) { /* $EOF:mark, or a length and no CR LF behind */
			put_type(p, type);
			begin_answer(p, 0);
			p->used += (uint32_t)(lf - v.data) + 1;
			reply_done(p);
			return bypass(p);
		}
	}
	if (line == LINE_MORE)
		return need(p, 0);
	if (line == LINE_BAD || (size > BULK_MAX && size < LENGTH_STREAM))
		return redis_fail(p, true, WHY_MALFORMED);
	line++;
	if (size >= LENGTH_STREAM) {
		put_type(p, size == LENGTH_NULL ? '_' : type);
		begin_answer(p, 0);
		p->used += line;
		r->at[FROM_SERVER] = AT_CHUNK;
		return size == LENGTH_NULL ? reply_done(p) : true;
	}
	if (type == '!') {
		uint32_t kept = size < TEXT_MAX_KEPT ? (uint32_t)size : TEXT_MAX_KEPT;
		if (v.size - line < kept)
			return need(p, line + kept);
		put_type(p, type);
		flags = put_error(p, view_of(v.data + line, kept));
	} else {
		put_type(p, type);
		put_number(p, VALUE_BYTES, type == '=' && size >= 4 ? size - 4 : size);
	}
	begin_answer(p, flags);
	size += line + 2;
	if (size > v.size) {
		r->left[FROM_SERVER] = 0;
		r->at[FROM_SERVER] = AT_VALUES;
		return pass_bytes(p, size);
	}
	if (v.data[size - 2] != '\r' || v.data[size - 1] != '\n')
		return redis_no_end(p, size);
	p->used += (uint32_t)size;
	return reply_done(p);
}

/* --- aggregates --- */

/* An aggregate with that word: what is it? */
enum taken { TAKEN_ANSWER, TAKEN_PUSH, TAKEN_CONFIRMATION, TAKEN_SILENTLY, TAKEN_UNKNOWN };

static enum taken classify(struct pass *p, bool push, enum redis_word word, int *ret_cookie)
{
	bool subscribed = p->r->flags[FROM_SERVER] & SUBSCRIBED;
	if (!word || (push && word == WORD_MESSAGE))
		return push ? TAKEN_PUSH : TAKEN_ANSWER;
	int cookie = ask(p), kind = cookie >= 0 ? cookie & COOKIE_KIND : 0;
	*ret_cookie = cookie;
	if (word == WORD_MESSAGE)
		return subscribed || cookie < 0 || kind ? TAKEN_PUSH : TAKEN_ANSWER;
	if (kind == (int)word)
		return TAKEN_CONFIRMATION;
	if (cookie == ASK_UNKNOWN)
		return TAKEN_UNKNOWN;
	if (!push && !subscribed && cookie >= 0 && !kind)
		return TAKEN_ANSWER;
	/* the server ends it when a slot moves; the others belong to a request of which we lost count */
	return word == WORD_SUNSUBSCRIBE ? TAKEN_PUSH : TAKEN_SILENTLY;
}

/* `line`: bytes of the aggregate's first line. */
static bool begin_confirmation(struct pass *p, uint8_t type, enum redis_word word, int cookie,
			       uint32_t line)
{
	struct redis *r = p->r;
	uint32_t channels = (uint32_t)cookie >> COOKIE_SHIFT;
	put_type(p, type);
	begin_answer(p, 0);
	r->word = (uint8_t)word;
	r->replies = channels ? channels : word >= WORD_UNSUBSCRIBE ? REPLIES_ALL : 1;
	r->counted = (uint8_t)word;
	r->flags[FROM_SERVER] |= type == '*' ? SUBSCRIBED : 0;
	p->used += line;
	return true;
}

/* What is behind the first line of an aggregate. */
static void expect_values(struct redis *r, uint8_t type, uint64_t count)
{
	r->at[FROM_SERVER] = AT_VALUES;
	if (count == LENGTH_STREAM) {
		r->left[FROM_SERVER] = 0;
		r->outer[0] = 0;
		r->depth = 1;
	} else {
		uint64_t values = type == '%' || type == '|' ? 2 * count : count;
		r->left[FROM_SERVER] = (uint32_t)values;
	}
}

/* A confirmation of a request that nobody knows: how many belong to one answer? Nothing is paired with them.
 * `hole`: that one may be among those that wait or, with nobody waiting, still to come. */
static bool pass_confirmation(struct pass *p, uint8_t type, enum redis_word word, uint32_t line,
			      bool hole)
{
	struct redis *r = p->r;
	r->flags[FROM_SERVER] |= SILENT | (type == '*' ? SUBSCRIBED : 0);
	r->counted = (uint8_t)word;
	expect_values(r, type, 3);
	if (!hole) {
		p->used += line;
		return true;
	}
	p->fed = (struct fed){.is = FED_OK, .junk = line, .why = WHY_LOST};
	return false;
}

static void put_aggregate(struct pass *p, uint8_t type, uint64_t count)
{
	put_type(p, count == LENGTH_NULL ? '_' : type);
	if (count < LENGTH_STREAM)
		put_number(p, ELEMENTS, count);
}

/* A SUBSCRIBE inside of a transaction is one element of EXEC's answer, but each channel is confirmed: how many
 * more there are. */
static uint32_t more_elements(struct pass *p, uint8_t type)
{
	uint16_t *flags = &p->r->flags[FROM_SERVER];
	int cookie = *flags & EXEC_CONFIRMS && type == '*' ? ask(p) : ASK_NONE;
	if (cookie < 0 || (cookie & COOKIE_KIND) != COOKIE_EXEC)
		return 0;
	*flags |= CONFIRMS;
	if (p->r->open <= 1)
		*flags &= (uint16_t)~EXEC_CONFIRMS;
	return ((uint32_t)cookie >> COOKIE_SHIFT) - 1;
}

static bool on_aggregate(struct pass *p, struct view v)
{
	struct redis *r = p->r;
	uint64_t count;
	uint32_t more = 0;
	int cookie = ASK_NONE;
	uint8_t type = v.data[0];
	uint32_t line = read_length(v.data + 1, v.data + v.size, &count);
	if (line == LINE_MORE)
		return need(p, 0);
	if (line == LINE_BAD || (count >= COUNT_MAX / 2 && count < LENGTH_STREAM) ||
	    (type == '|' && count >= LENGTH_STREAM))
		return redis_fail(p, true, WHY_MALFORMED);
	line++;
	enum redis_word word = WORD_NONE;
	bool attributed = r->at[FROM_SERVER] == AT_ATTRIBUTED; /* then it is an answer */
	if (!attributed && (type == '>' || (type == '*' && (count == 3 || count == 4))))
		word = redis_word_of(view_from(v, line));
	if (word == WORD_MORE)
		return need(p, 0);
	if (word < WORD_MESSAGE && count != 3)
		word = WORD_NONE;
	if (type == '|') {
		begin_answer(p, 0);
		r->flags[FROM_SERVER] |= ATTRIBUTES;
	} else {
		enum taken taken = classify(p, type == '>' && !attributed, word, &cookie);
		if (taken == TAKEN_UNKNOWN || taken == TAKEN_SILENTLY)
			return pass_confirmation(p, type, word, line,
						 taken == TAKEN_UNKNOWN || cookie == ASK_NONE);
		if (taken == TAKEN_CONFIRMATION) {
			begin_confirmation(p, type, word, cookie, line);
			expect_values(r, type, count);
			return true;
		}
		if (taken == TAKEN_ANSWER) {
			more = more_elements(p, type);
			put_aggregate(p, type, count);
			begin_answer(p, 0);
		} else {
			begin_push(p);
			if (word && word < WORD_MESSAGE)
				r->counted = (uint8_t)word;
		}
	}
	p->used += line;
	if (count == LENGTH_NULL)
		return reply_done(p);
	expect_values(r, type, count);
	r->left[FROM_SERVER] += more;
	return true;
}

/* A confirmation is over. Whether one more follows may be known only when something else comes, much later. */
static void reach(struct pass *p)
{
	struct message m = {.kind = MESSAGE_RESPONSE, .offset = offset_of(p)};
	p->env->ops->add(p->env, FROM_SERVER, &m);
}

bool redis_end_value(struct pass *p)
{
	struct redis *r = p->r;
	if (r->flags[FROM_SERVER] & ATTRIBUTES) {
		r->flags[FROM_SERVER] &= (uint16_t)~ATTRIBUTES;
		r->at[FROM_SERVER] = AT_ATTRIBUTED;
		return true;
	}
	if (!r->word)
		return reply_done(p);
	r->errors += r->errors < UINT16_MAX;
	r->replies -= r->replies != REPLIES_ALL;
	if (!r->replies)
		return reply_done(p);
	reach(p);
	r->at[FROM_SERVER] = AT_CONFIRM;
	return true;
}

bool redis_on_confirm(struct pass *p)
{
	struct redis *r = p->r;
	struct view v = left_of(p);
	uint64_t count = 0;
	if (!v.size)
		return stop(p);
	uint32_t line = LINE_BAD;
	if (v.data[0] == '*' || v.data[0] == '>')
		line = read_length(v.data + 1, v.data + v.size, &count);
	if (line == LINE_MORE)
		return need(p, 0);
	enum redis_word word = WORD_NONE;
	if (line != LINE_BAD && count == 3)
		word = redis_word_of(view_from(v, line + 1));
	if (word == WORD_MORE)
		return need(p, 0);
	bool other = word != (enum redis_word)r->word;
	if (!other && r->replies == REPLIES_ALL) {
		enum found nothing = redis_names_nothing(view_from(v, line + 1));
		if (nothing == FOUND_MORE)
			return need(p, 0);
		other = nothing == FOUND_YES;
	}
	if (other) { /* there were fewer than expected */
		if (r->replies == REPLIES_ALL && r->word != WORD_SUNSUBSCRIBE)
			r->patterns = r->word == WORD_UNSUBSCRIBE ? r->channels : 0;
		return reply_done(p);
	}
	p->used += line + 1;
	expect_values(r, '*', count);
	return true;
}

/* Says an answer that is whole, with the fields that were put. */
static inline bool say_whole(struct pass *p, uint32_t size)
{
	struct message m = {.kind = MESSAGE_RESPONSE,
			    .flags = MESSAGE_FINAL,
			    .offset = offset_of(p),
			    .fields = p->field,
			    .field_count = p->fields};
	p->fields = 0;
	p->env->ops->whole(p->env, FROM_SERVER, &m, m.offset + size);
	p->used += size;
	count_answered(p->r);
	return true;
}

/* Most answers: in hand as a whole, and nothing special. False, and nothing happened: it is another one. */
static bool on_usual(struct pass *p, struct view v)
{
	static const uint8_t ok[5] = "+OK\r\n";
	uint64_t size;
	if (v.data[0] == '+') {
		if (v.size < sizeof(ok) || memcmp(v.data, ok, sizeof(ok)) != 0)
			return false;
		put_type(p, '+');
		put_text(p, MESSAGE, view_of(v.data + 1, 2));
		return say_whole(p, sizeof(ok));
	}
	if (v.data[0] != ':' && v.data[0] != '$')
		return false;
	uint32_t line = read_length(v.data + 1, v.data + v.size, &size);
	if (line == LINE_MORE || line == LINE_BAD || size >= LENGTH_STREAM)
		return false;
	line++;
	if (v.data[0] == ':') {
		put_type(p, ':');
		return say_whole(p, line);
	}
	if (size >= v.size - line || v.size - line - size < 2 || v.data[line + size] != '\r' ||
	    v.data[line + size + 1] != '\n')
		return false;
	put_type(p, '$');
	put_number(p, VALUE_BYTES, size);
	return say_whole(p, line + (uint32_t)size + 2);
}

bool redis_on_reply(struct pass *p)
{
	struct redis *r = p->r;
	struct view v = left_of(p);
	if (!v.size)
		return stop(p);
	if (!r->flags[FROM_SERVER] && !r->left[FROM_SERVER] && r->at[FROM_SERVER] == AT_START &&
	    on_usual(p, v))
		return true;
	if (r->flags[FROM_SERVER] & MASTER_MAYBE && !redis_hear_replica(p))
		return false;
	switch (v.data[0]) {
	case '+':
	case '-':
	case ':':
	case '_':
	case '#':
	case ',':
	case '(':
		return on_line_reply(p, v);
	case '$':
	case '=':
	case '!':
		return on_bulk(p, v);
	case '*':
	case '%':
	case '~':
	case '>':
	case '|':
		return on_aggregate(p, v);
	case '\n': /* a master that is not ready keeps its replica waiting */
		if (!(r->flags[FROM_SERVER] & SYNCING))
			break;
		p->used++;
		return true;
	default:
		break;
	}
	return redis_fail(p, true, WHY_MALFORMED);
}
