/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests: an array of bulks, or a line. Only the arguments that the command's rule names are looked at, the
 * others pass by their length.
 *
 * spec: https://redis.io/docs/latest/develop/reference/protocol-spec (Sending commands, Inline commands)
 *
 *   *3\r\n $3\r\nSET\r\n $1\r\nk\r\n $5\r\nhello\r\n         SET k hello\r\n
 */
#include "protocols/redis/redis.h"
#include "protocols/redis/wire.h"

enum { UNTIL_ALL = 254 }; /* arguments behind that one are not looked at */

/* --- what an argument means --- */

static void say_once(struct pass *p, enum said said, enum redis_field id, struct view v)
{
	if (p->r->said & said)
		return;
	p->r->said |= (uint8_t)said;
	put_text(p, id, view_first(v, TEXT_MAX_KEPT));
}

static void take_key(struct pass *p, struct view v)
{
	bool channel = p->r->rule == RULE_CHANNEL || p->r->rule >= RULE_SUBSCRIBE;
	say_once(p, SAID_KEY, channel ? CHANNEL : KEY, v);
}

/* The argument before announced it. */
static void take_expected(struct pass *p, struct view v)
{
	struct redis *r = p->r;
	uint8_t expect = r->expect;
	r->expect = EXPECT_NOTHING;
	if (expect == EXPECT_KEY) {
		take_key(p, v);
	} else if (expect == EXPECT_PASSWORD) {
		say_once(p, SAID_PASSWORD, PASSWORD, v);
	} else if (expect == EXPECT_USER) {
		say_once(p, SAID_USER, USER, v);
		r->expect = EXPECT_PASSWORD;
	} else if (expect == EXPECT_TWO_VALUES) {
		r->expect = EXPECT_VALUE;
	}
}

static void take_reply_mode(struct redis *r, struct view v)
{
	if (r->left[FROM_CLIENT] != 1) /* CLIENT REPLY has one argument more */
		return;
	if (redis_is(v, "ON"))
		r->expect = REPLY_SAYS_ON;
	else if (redis_is(v, "OFF"))
		r->expect = REPLY_SAYS_OFF;
	else if (redis_is(v, "SKIP"))
		r->expect = REPLY_SAYS_SKIP;
}

static void take_acl_rule(struct pass *p, struct view v)
{
	if (p->r->arg == 2)
		say_once(p, SAID_USER, USER, v);
	else if (v.size && memchr("><#!", v.data[0], 4))
		say_once(p, SAID_PASSWORD, PASSWORD, view_from(v, 1));
}

/* A word with a meaning for those behind it. */
static void take_word(struct pass *p, struct view v)
{
	struct redis *r = p->r;
	switch ((enum redis_rule)r->rule) {
	case RULE_COUNT_1:
	case RULE_COUNT_2:
		if (r->arg == r->key - 1 && v.size && v.data[0] == '0')
			r->until = 0; /* no keys */
		break;
	case RULE_STREAMS:
		if (r->arg == 1 && redis_is(v, "GROUP"))
			r->expect = EXPECT_TWO_VALUES;
		else if (redis_is(v, "STREAMS"))
			r->expect = EXPECT_KEY;
		break;
	case RULE_MIGRATE:
		if (r->arg > 5 && redis_is(v, "KEYS"))
			r->expect = EXPECT_KEY;
		else if (r->arg > 5 && redis_is(v, "AUTH"))
			r->expect = EXPECT_PASSWORD;
		else if (r->arg > 5 && redis_is(v, "AUTH2"))
			r->expect = EXPECT_USER;
		break;
	case RULE_HELLO:
		if (redis_is(v, "AUTH"))
			r->expect = EXPECT_USER;
		break;
	case RULE_AUTH:
		if (r->arg == 1 && r->left[FROM_CLIENT] > 1)
			say_once(p, SAID_USER, USER, v);
		else
			say_once(p, SAID_PASSWORD, PASSWORD, v);
		break;
	case RULE_CONFIG:   /* names and values in turn, from 2 on */
	case RULE_SENTINEL: /* from 3 on */
		if (r->arg >= 2 && r->arg % 2 == (r->rule == RULE_SENTINEL))
			r->expect = redis_is_secret_setting(v) ? EXPECT_PASSWORD : EXPECT_VALUE;
		break;
	case RULE_ACL:
		take_acl_rule(p, v);
		break;
	case RULE_CLIENT:
		take_reply_mode(r, v);
		break;
	case RULE_REPLCONF:
		if (redis_is(v, "ACK"))
			r->expect = SAYS_ACK;
		break;
	default:
		break;
	}
}

static void take_argument(struct pass *p, struct view v)
{
	struct redis *r = p->r;
	if (r->expect)
		take_expected(p, v);
	else if (r->arg == r->key && (v.size || r->rule != RULE_MIGRATE))
		take_key(p, v);
	else if (r->rule)
		take_word(p, v);
}

/* --- a request begins --- */

/* What of a command's arguments is looked at; `sub`: the subcommand of a container. */
static void choose(struct redis *r, const struct redis_command *c, struct view sub)
{
	r->rule = c->rule;
	r->key = r->until = c->key;
	switch ((enum redis_rule)c->rule) {
	case RULE_ACL:
		r->until = redis_is(sub, "SETUSER") ? UNTIL_ALL : 0;
		break;
	case RULE_CLIENT:
		r->until = redis_is(sub, "REPLY") ? 2 : 0;
		break;
	case RULE_CONFIG:
		r->until = redis_is(sub, "SET") ? UNTIL_ALL : 0;
		break;
	case RULE_SENTINEL:
		r->until = redis_is(sub, "SET") || redis_is(sub, "CONFIG") ? UNTIL_ALL : 0;
		break;
	case RULE_DEBUG:
		r->until = redis_is(sub, "OBJECT") ? c->key : 0;
		break;
	case RULE_STREAMS:
	case RULE_MIGRATE:
	case RULE_HELLO:
		r->until = UNTIL_ALL;
		break;
	case RULE_AUTH:
		r->until = 2;
		break;
	case RULE_REPLCONF:
		r->until = 1;
		break;
	default:
		break;
	}
}

static int cookie_of(const struct redis *r, uint64_t arguments)
{
	if (r->rule == RULE_EXEC && r->queued)
		return COOKIE_EXEC | r->queued << COOKIE_SHIFT;
	if (r->flags[FROM_CLIENT] & IN_MULTI) /* it will only be queued */
		return 0;
	if (r->rule == RULE_PING)
		return COOKIE_PING;
	if (r->rule == RULE_SYNC || r->rule == RULE_PSYNC)
		return r->rule == RULE_SYNC ? COOKIE_SYNC : COOKIE_PSYNC;
	if (r->rule < RULE_SUBSCRIBE)
		return 0;
	uint64_t channels = arguments < CHANNELS_MAX ? arguments : CHANNELS_MAX;
	return (r->rule - RULE_SUBSCRIBE + WORD_SUBSCRIBE) | (int)(channels << COOKIE_SHIFT);
}

/* What the answer to EXEC will have inside. */
static void count_queued(struct redis *r, uint64_t channels)
{
	if (r->rule == RULE_EXEC && r->queued)
		r->flags[FROM_SERVER] |= EXEC_CONFIRMS;
	if (r->rule < RULE_SUBSCRIBE || !(r->flags[FROM_CLIENT] & IN_MULTI))
		return;
	uint64_t queued = (r->queued ? r->queued : 1) + (channels ? channels - 1 : 0);
	r->queued = queued < UINT8_MAX ? (uint8_t)queued : UINT8_MAX;
}

/* One more answer is to come. */
static void count_open(struct redis *r, enum redis_answer answer)
{
	if (r->flags[FROM_CLIENT] & IN_MULTI && r->rule != RULE_EXEC)
		answer = ANSWER_SCALAR; /* QUEUED */
	if (r->open < UINT16_MAX)
		r->open++;
	else
		r->flags[FROM_SERVER] |= UNSURE | DRIFT;
	if (answer <= ANSWER_FLAT)
		r->flat = r->open;
	if (answer == ANSWER_ANY)
		r->any = r->open;
	if (r->at[FROM_SERVER] != AT_RESYNC)
		return;
	if (!(r->flags[FROM_SERVER] & TURN))
		r->left[FROM_SERVER] = 0;
	r->flags[FROM_SERVER] |= TURN;
	r->left[FROM_SERVER]++;
}

/* The name as it is said. */
static struct view full_name(struct pass *p, const struct redis_command *c, struct view name,
			     struct view sub)
{
	if (c && !sub.size)
		return view_of(c->name, c->size);
	uint32_t n = redis_copy_capitals(p->name, view_first(name, NAME_MAX_KEPT));
	if (sub.size) {
		p->name[n++] = ' ';
		n += redis_copy_capitals(p->name + n, sub);
	}
	return view_of(p->name, n);
}

/* A command's head is known. `arguments`: strings behind its name; `sub` is the first of them, or empty. */
static void begin_request(struct pass *p, const struct redis_command *c, struct view name,
			  struct view sub, uint64_t arguments)
{
	struct redis *r = p->r;
	r->left[FROM_CLIENT] = (uint32_t)arguments;
	r->arg = 1;
	r->at[FROM_CLIENT] = AT_VALUES;
	if (c && (c->rule || c->key != 1)) {
		choose(r, c, sub);
	} else {
		/* commands of modules have their key in front, as JSON.GET key */
		bool key = c || memchr(name.data, '.', name.size);
		r->rule = RULE_PLAIN;
		r->key = r->until = key;
	}
	p->begin = true;
	p->from = offset_of(p);
	p->cookie = r->rule ? cookie_of(r, arguments) : 0;
	if (r->rule == RULE_SYNC || r->rule == RULE_PSYNC)
		r->flags[FROM_SERVER] |= SYNCING;
	count_queued(r, arguments);
	count_open(r, c ? (enum redis_answer)c->answer : ANSWER_ANY);
	put_text(p, COMMAND, full_name(p, c, name, sub));
	put_number(p, ARGUMENT_COUNT, arguments);
}

void redis_flush(struct pass *p)
{
	struct message m = {.kind = MESSAGE_REQUEST,
			    .offset = p->begin ? p->from : 0,
			    .cookie = p->cookie,
			    .fields = p->field,
			    .field_count = p->fields};
	if (p->begin)
		p->env->ops->begin(p->env, FROM_CLIENT, &m);
	else if (p->fields)
		p->env->ops->add(p->env, FROM_CLIENT, &m);
	p->begin = false;
	p->cookie = 0;
	p->fields = 0;
}

/* --- a request ends --- */

static void leave_multi(struct redis *r)
{
	r->flags[FROM_CLIENT] &= (uint16_t)~IN_MULTI;
	r->queued = 0;
}

/* Whether nobody answers this request (CLIENT REPLY); what it changes for those behind it. */
static bool is_oneway(struct redis *r, bool whole)
{
	uint16_t *flags = &r->flags[FROM_CLIENT];
	bool oneway = *flags & (REPLY_OFF | REPLY_SKIP);
	bool off = *flags & REPLY_OFF;
	*flags &= (uint16_t)~REPLY_SKIP;
	if (!r->rule)
		return oneway;
	if (!whole) /* of CLIENT REPLY, what it was told: mostly nobody answers that */
		return oneway || (r->rule == RULE_CLIENT && r->until && !r->expect);
	if (r->rule == RULE_MULTI)
		*flags |= IN_MULTI;
	else if (r->rule == RULE_EXEC)
		leave_multi(r);
	if (r->rule == RULE_RESET) {
		leave_multi(r);
		*flags &= (uint16_t) ~(REPLY_OFF | OFF_SURE);
		return oneway && !off;
	}
	if (r->rule == RULE_REPLCONF && r->expect == SAYS_ACK)
		return true;
	if (r->rule != RULE_CLIENT || *flags & IN_MULTI)
		return oneway;
	switch (r->expect) {
	case REPLY_SAYS_ON:
		*flags &= (uint16_t) ~(REPLY_OFF | OFF_SURE);
		return false;
	case REPLY_SAYS_OFF:
		*flags |= REPLY_OFF | (r->flags[FROM_SERVER] & UNSURE ? OFF_SURE : 0);
		return true;
	case REPLY_SAYS_SKIP:
		*flags |= off ? 0 : REPLY_SKIP;
		return true;
	default:
		return oneway;
	}
}

bool redis_end_request(struct env *env, struct redis *r, unsigned flags, uint64_t offset)
{
	struct message m = {.kind = MESSAGE_REQUEST, .flags = flags, .offset = offset};
	bool ack = r->rule == RULE_REPLCONF && r->expect == SAYS_ACK;
	if (is_oneway(r, !(flags & MESSAGE_CUT))) {
		m.flags |= MESSAGE_ONEWAY;
		r->open -= r->open > 0;
		r->flat = r->flat < r->open ? r->flat : r->open;
		r->any = r->any < r->open ? r->any : r->open;
	}
	if (r->flags[FROM_CLIENT] & CLIENT_LOST)
		m.flags |= MESSAGE_GAP;
	env->ops->end(env, FROM_CLIENT, &m);
	r->flags[FROM_CLIENT] &= (uint16_t)~CLIENT_LOST;
	r->at[FROM_CLIENT] = AT_START;
	r->next[FROM_CLIENT] = 0;
	r->left[FROM_CLIENT] = 0;
	r->rule = r->key = r->arg = r->expect = r->until = r->said = 0;
	return ack;
}

static bool request_done(struct pass *p)
{
	redis_flush(p);
	if (redis_end_request(p->env, p->r, 0, offset_of(p)))
		return bypass(p); /* a replica: what follows is not asked and answered */
	return true;
}

static bool broken(struct pass *p)
{
	redis_flush(p);
	redis_end_request(p->env, p->r, MESSAGE_CUT, offset_of(p));
	return redis_fail(p, false, WHY_MALFORMED);
}

/* No line end behind a bulk. That is seen only when both are in hand: a bulk is skipped with its line end. */
static bool no_end(struct pass *p, uint64_t size)
{
	p->used += (uint32_t)size;
	redis_flush(p);
	redis_end_request(p->env, p->r, MESSAGE_CUT, offset_of(p));
	return redis_fail(p, true, WHY_MALFORMED);
}

/* --- arrays --- */

bool redis_on_arguments(struct pass *p)
{
	struct redis *r = p->r;
	uint32_t there = p->in->bytes.size;
	while (r->left[FROM_CLIENT]) {
		uint64_t size;
		if (p->used == there) {
			redis_flush(p);
			return stop(p);
		}
		const uint8_t *q = p->in->bytes.data + p->used;
		const uint8_t *end = p->in->bytes.data + there;
		uint32_t line = *q == '$' ? read_length(q + 1, end, &size) : LINE_BAD;
		if (line == LINE_MORE) {
			redis_flush(p);
			return need(p, 0);
		}
		if (line == LINE_BAD || size > BULK_MAX)
			return broken(p);
		line++;
		if (r->arg <= r->until) {
			uint32_t kept = size < TEXT_MAX_KEPT ? (uint32_t)size : TEXT_MAX_KEPT;
			if (there - p->used - line < kept) {
				redis_flush(p);
				return need(p, line + kept);
			}
			take_argument(p, view_of(q + line, kept));
		}
		size += line + 2;
		if (size > there - p->used) {
			redis_flush(p);
			r->left[FROM_CLIENT]--;
			r->arg += r->arg < UINT8_MAX;
			return pass_bytes(p, size);
		}
		if (q[size - 2] != '\r' || q[size - 1] != '\n')
			return no_end(p, size - 2);
		p->used += (uint32_t)size;
		r->left[FROM_CLIENT]--;
		r->arg += r->arg < UINT8_MAX;
	}
	return request_done(p);
}

/* The first bytes of the bulk at `at`; false: they are not there (answer given), or it is none. */
static bool take_head(struct pass *p, struct view v, uint32_t at, uint32_t most, struct view *ret,
		      uint64_t *ret_size)
{
	uint32_t line = LINE_MORE;
	if (at < v.size)
		line = v.data[at] == '$' ? read_length(v.data + at + 1, v.data + v.size, ret_size)
					 : LINE_BAD;
	if (line == LINE_MORE)
		return need(p, 0);
	if (line == LINE_BAD || *ret_size > BULK_MAX)
		return redis_fail(p, true, WHY_MALFORMED);
	at += 1 + line;
	uint32_t size = *ret_size < most ? (uint32_t)*ret_size : most;
	if (v.size - at < size)
		return need(p, at + size);
	*ret = view_of(v.data + at, size);
	return true;
}

/* A subcommand is letters, hyphens and underscores; anything else is not said. */
static struct view subcommand(struct view v, uint64_t size)
{
	for (uint32_t i = 0; i < v.size; i++) {
		if (!is_letter(v.data[i]) && v.data[i] != '-' && v.data[i] != '_')
			return view_of(v.data, 0);
	}
	return size > SUB_MAX_KEPT ? view_of(v.data, 0) : v;
}

static bool on_array(struct pass *p, struct view v)
{
	struct redis *r = p->r;
	uint64_t count, size;
	uint32_t line = read_length(v.data + 1, v.data + v.size, &count);
	struct view name, sub = {0};
	if (line == LINE_MORE)
		return need(p, 0);
	if (line == LINE_BAD || (count > COUNT_MAX && count != LENGTH_NULL))
		return redis_fail(p, true, WHY_MALFORMED);
	if (!count || count == LENGTH_NULL) { /* nobody answers that */
		p->used += 1 + line;
		return true;
	}
	if (!take_head(p, v, 1 + line, NAME_MAX_KEPT, &name, &size))
		return false;
	const struct redis_command *c = size <= NAME_MAX_KEPT ? redis_command_find(name) : NULL;
	if (redis_is_container(c) && count > 1) {
		uint64_t sub_size;
		uint32_t at = (uint32_t)(name.data - v.data) + name.size + 2;
		if (!take_head(p, v, at, SUB_MAX_KEPT, &sub, &sub_size))
			return false;
		sub = subcommand(sub, sub_size);
	}
	begin_request(p, c, name, sub, count - 1);
	p->used += (uint32_t)(name.data - v.data);
	if (size > v.size || v.size - (uint32_t)(name.data - v.data) < size + 2) {
		redis_flush(p);
		return pass_bytes(p, size + 2);
	}
	if (name.data[size] != '\r' || name.data[size + 1] != '\n')
		return no_end(p, size);
	p->used += (uint32_t)size + 2;
	return r->left[FROM_CLIENT] ? redis_on_arguments(p) : request_done(p);
}

/* --- lines --- */

static void take_line(struct pass *p, struct view line, struct view name)
{
	struct redis *r = p->r;
	struct view rest = line, word = {0}, sub = {0};
	uint32_t arguments = 0;
	const struct redis_command *c = redis_command_find(name);
	while (redis_next_word(&rest, &word)) {
		if (!arguments++ && redis_is_container(c))
			sub = subcommand(view_first(word, SUB_MAX_KEPT), word.size);
	}
	begin_request(p, c, name, sub, arguments);
	put_text(p, INLINE, view_of(NULL, 0));
	while (r->left[FROM_CLIENT] && redis_next_word(&line, &word)) {
		if (r->arg <= r->until)
			take_argument(p, view_first(word, TEXT_MAX_KEPT));
		r->left[FROM_CLIENT]--;
		r->arg += r->arg < UINT8_MAX;
	}
}

static bool on_inline(struct pass *p, struct view v)
{
	uint32_t *scanned = &p->r->left[FROM_CLIENT];
	const uint8_t *lf = memchr(v.data + *scanned, '\n', v.size - *scanned);
	uint8_t first = v.data[0];
	if (!is_letter(first) && !memchr(" \t\r\n\"'", first, 6))
		return redis_fail(p, true, WHY_MALFORMED);
	if (!lf) {
		*scanned = v.size;
		return need(p, 0);
	}
	*scanned = 0;
	if (lf - v.data >= INLINE_MAX)
		return redis_fail(p, true, WHY_UNSUPPORTED);
	struct view line = view_of(v.data, (uint32_t)(lf - v.data)), name;
	uint32_t size = line.size + 1;
	if (!redis_next_word(&line, &name)) { /* nobody answers an empty line */
		p->used += size;
		return true;
	}
	if (!redis_is_name(name))
		return redis_fail(p, true, WHY_MALFORMED);
	take_line(p, line, name);
	p->used += size;
	return request_done(p);
}

/* Says a request that is whole. */
static void say_whole(struct pass *p, const struct redis_command *c, uint64_t arguments,
		      struct view key, uint32_t size)
{
	put_text(p, COMMAND, view_of(c->name, c->size));
	put_number(p, ARGUMENT_COUNT, arguments);
	if (key.data)
		put_text(p, KEY, view_first(key, TEXT_MAX_KEPT));
	struct message m = {.kind = MESSAGE_REQUEST,
			    .offset = offset_of(p),
			    .fields = p->field,
			    .field_count = p->fields};
	p->fields = 0;
	count_open(p->r, (enum redis_answer)c->answer);
	p->env->ops->whole(p->env, FROM_CLIENT, &m, m.offset + size);
	p->used += size;
}

/* Most requests: in hand as a whole, and nothing special. False, and nothing happened: it is another one. */
static bool on_usual(struct pass *p, struct view v)
{
	const uint8_t *q = v.data, *end = v.data + v.size;
	uint64_t count, size;
	uint32_t line = read_length(q + 1, end, &count);
	if (line == LINE_MORE || count - 1 >= COUNT_MAX)
		return false;
	q += 1 + line;
	const struct redis_command *c = NULL;
	struct view key = {0};
	for (uint64_t i = 0; i < count; i++) {
		if (end - q < 4 || *q != '$')
			return false;
		line = read_length(q + 1, end, &size);
		if (line == LINE_MORE || line == LINE_BAD)
			return false;
		q += 1 + line;
		uint64_t there = (uint64_t)(end - q);
		if (size >= there || there - size < 2 || q[size] != '\r' || q[size + 1] != '\n')
			return false;
		if (!i) {
			c = redis_command_find(view_of(q, (uint32_t)size));
			if (!c || c->rule)
				return false;
		} else if (i == c->key) {
			key = view_of(q, (uint32_t)size);
		}
		q += size + 2;
	}
	say_whole(p, c, count - 1, key, (uint32_t)(q - v.data));
	return true;
}

bool redis_on_request(struct pass *p)
{
	struct view v = left_of(p);
	if (!v.size)
		return stop(p);
	if (v.data[0] == '*' && !p->r->flags[FROM_CLIENT] && on_usual(p, v))
		return true;
	return v.data[0] == '*' ? on_array(p, v) : on_inline(p, v);
}
