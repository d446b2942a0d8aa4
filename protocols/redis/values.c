/* SPDX-License-Identifier: Apache-2.0 */
/* What is inside of an answer or a push: values that are counted, and skipped by their length. */
#include "protocols/redis/redis.h"
#include "protocols/redis/wire.h"

bool redis_no_end(struct pass *p, uint64_t size)
{
	p->used += (uint32_t)size - 2;
	redis_end_reply(p->env, p->r, MESSAGE_CUT, offset_of(p));
	return redis_fail(p, true, WHY_MALFORMED);
}

bool redis_broken(struct pass *p, enum why why)
{
	redis_end_reply(p->env, p->r, MESSAGE_CUT, offset_of(p));
	return redis_fail(p, false, why);
}

static bool on_nested_aggregate(struct pass *p, const uint8_t *q, const uint8_t *end)
{
	struct redis *r = p->r;
	uint64_t count, left = r->left[FROM_SERVER];
	uint32_t line = read_length(q + 1, end, &count);
	bool counts = *q != '|' && *q != '>'; /* attributes, pushes: they are nobody's element */
	if (line == LINE_MORE)
		return need(p, 0);
	if (r->flags[FROM_SERVER] & CONFIRMS && line != LINE_BAD && count == 3) {
		enum redis_word word =
			redis_word_of(view_of(q + 1 + line, (uint32_t)(end - q) - 1 - line));
		if (word == WORD_MORE)
			return need(p, 0);
		if (*q == '*' && word && word <= WORD_SSUBSCRIBE)
			r->flags[FROM_SERVER] |= SUBSCRIBED;
		counts |= word && word < WORD_MESSAGE;
	}
	left -= counts;
	if (line == LINE_BAD)
		return redis_broken(p, WHY_MALFORMED);
	if (count == LENGTH_STREAM) {
		if (r->depth == STREAMS_MAX)
			return redis_broken(p, WHY_UNSUPPORTED);
		r->outer[r->depth++] = (uint32_t)left;
		left = 0;
	} else if (count != LENGTH_NULL) {
		left += *q == '%' || *q == '|' ? 2 * count : count;
	}
	if (count > COUNT_MAX && count < LENGTH_STREAM)
		return redis_broken(p, WHY_MALFORMED);
	if (left > COUNT_MAX)
		return redis_broken(p, WHY_UNSUPPORTED);
	r->left[FROM_SERVER] = (uint32_t)left;
	p->used += 1 + line;
	return true;
}

void redis_forget_subscriptions(struct redis *r)
{
	r->channels = r->patterns = 0;
	r->flags[FROM_SERVER] &= (uint16_t)~SUBSCRIBED;
}

void redis_take_count(struct redis *r, enum redis_word word, uint64_t count)
{
	uint16_t n = count < UINT16_MAX ? (uint16_t)count : UINT16_MAX, before = r->channels;
	bool less = word >= WORD_UNSUBSCRIBE;
	bool sharded = word == WORD_SSUBSCRIBE || word == WORD_SUNSUBSCRIBE;
	if (!sharded) {
		if (n != before && n != (uint16_t)(less ? before - 1 : before + 1))
			r->patterns = PATTERNS_UNKNOWN; /* we missed confirmations */
		else if (n != before && r->patterns != PATTERNS_UNKNOWN)
			r->patterns += (word == WORD_PSUBSCRIBE) - (word == WORD_PUNSUBSCRIBE);
		r->channels = n;
		if (!n)
			redis_forget_subscriptions(r);
	}
	if (r->replies != REPLIES_ALL)
		return;
	bool known = r->patterns != PATTERNS_UNKNOWN;
	if (!n || (word == WORD_UNSUBSCRIBE && known && n <= r->patterns) ||
	    (word == WORD_PUNSUBSCRIBE && !r->patterns))
		r->replies = 1;
}

/* An UNSUBSCRIBE that had nothing to leave has one confirmation, and that names nothing. */
static void take_null(struct redis *r)
{
	if (r->counted && r->left[FROM_SERVER] == 2 && r->replies == REPLIES_ALL)
		r->replies = 1;
}

static bool on_nested_bulk(struct pass *p, const uint8_t *q, const uint8_t *end)
{
	struct redis *r = p->r;
	uint64_t size;
	uint32_t line = read_length(q + 1, end, &size);
	if (line == LINE_MORE)
		return need(p, 0);
	if (line == LINE_BAD || (size > BULK_MAX && size < LENGTH_STREAM))
		return redis_broken(p, WHY_MALFORMED);
	if (size == LENGTH_NULL)
		take_null(r);
	r->left[FROM_SERVER]--;
	r->errors += *q == '!' && !r->word && r->errors < UINT16_MAX;
	if (size >= LENGTH_STREAM) {
		p->used += 1 + line;
		r->at[FROM_SERVER] = size == LENGTH_STREAM ? AT_CHUNK : AT_VALUES;
		return true;
	}
	size += line + 3;
	if (size > (uint64_t)(end - q))
		return pass_bytes(p, size);
	if (q[size - 2] != '\r' || q[size - 1] != '\n')
		return redis_no_end(p, size);
	p->used += (uint32_t)size;
	return true;
}

static bool on_nested_line(struct pass *p, const uint8_t *q, const uint8_t *end)
{
	struct redis *r = p->r;
	if (*q == ':' && r->counted && r->left[FROM_SERVER] == 1) {
		uint64_t count;
		uint32_t line = read_length(q + 1, end, &count);
		if (line == LINE_MORE)
			return need(p, 0);
		if (line != LINE_BAD)
			redis_take_count(r, (enum redis_word)r->counted, count);
	}
	if (*q == '_')
		take_null(r);
	r->errors += *q == '-' && !r->word && r->errors < UINT16_MAX;
	r->left[FROM_SERVER]--;
	const uint8_t *lf = memchr(q, '\n', (size_t)(end - q));
	if (!lf) {
		r->at[FROM_SERVER] = AT_LINE;
		p->used += (uint32_t)(end - q);
		return stop(p);
	}
	p->used += (uint32_t)(lf + 1 - q);
	return true;
}

/* The end of an aggregate of unknown length, or one element more of it. */
static bool on_stream_end(struct pass *p, const uint8_t *q, const uint8_t *end)
{
	struct redis *r = p->r;
	if (*q != '.') {
		r->left[FROM_SERVER] = 1;
		return true;
	}
	if (end - q < 3)
		return need(p, 3);
	if (q[1] != '\r' || q[2] != '\n')
		return redis_broken(p, WHY_MALFORMED);
	r->left[FROM_SERVER] = r->outer[--r->depth];
	p->used += 3;
	return true;
}

static bool on_value(struct pass *p, const uint8_t *q, const uint8_t *end)
{
	if (!p->r->left[FROM_SERVER])
		return on_stream_end(p, q, end);
	switch (*q) {
	case '$':
	case '=':
	case '!':
		return on_nested_bulk(p, q, end);
	case '+':
	case '-':
	case ':':
	case '_':
	case '#':
	case ',':
	case '(':
		return on_nested_line(p, q, end);
	case '*':
	case '%':
	case '~':
	case '>':
	case '|':
		return on_nested_aggregate(p, q, end);
	default:
		return redis_broken(p, WHY_MALFORMED);
	}
}

bool redis_on_values(struct pass *p)
{
	struct redis *r = p->r;
	struct view v = p->in->bytes;
	while (r->at[FROM_SERVER] == AT_VALUES) {
		if (!r->left[FROM_SERVER] && !r->depth)
			return redis_end_value(p);
		if (p->used == v.size)
			return stop(p);
		if (!on_value(p, v.data + p->used, v.data + v.size))
			return false;
	}
	return true;
}

bool redis_on_line(struct pass *p)
{
	struct view v = left_of(p);
	const uint8_t *lf = v.size ? memchr(v.data, '\n', v.size) : NULL;
	if (!lf) {
		p->used += v.size;
		return stop(p);
	}
	p->used += (uint32_t)(lf - v.data) + 1;
	p->r->at[FROM_SERVER] = AT_VALUES;
	return true;
}

bool redis_on_chunk(struct pass *p)
{
	struct view v = left_of(p);
	uint64_t size;
	if (!v.size)
		return stop(p);
	uint32_t line =
		v.data[0] == ';' ? read_length(v.data + 1, v.data + v.size, &size) : LINE_BAD;
	if (line == LINE_MORE)
		return need(p, 0);
	if (line == LINE_BAD || size > BULK_MAX)
		return redis_broken(p, WHY_MALFORMED);
	if (size)
		return pass_bytes(p, size + line + 3);
	p->used += line + 1;
	p->r->at[FROM_SERVER] = AT_VALUES;
	return true;
}
