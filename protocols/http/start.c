/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first line of a message.
 *
 * spec: RFC 9112 2.3 (version), 3 (request line, target), 4 (status line); RFC 9110 5.6.2 (tokens)
 *
 *   GET /path?query HTTP/1.1               HTTP/1.1 200 OK
 */
#include "protocols/http/text.h"

enum { METHOD_MAX = 32 }; /* the longest registered one has 17 */

const uint8_t http_token_byte[256] = {
	['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1,         ['&'] = 1,         ['\''] = 1,
	['*'] = 1, ['+'] = 1, ['-'] = 2, ['.'] = 1,         ['^'] = 1,         ['_'] = 2,
	['`'] = 1, ['|'] = 1, ['~'] = 1, ['0' ... '9'] = 2, ['A' ... 'Z'] = 2, ['a' ... 'z'] = 1,
};

/* "1.0" and "1.1"; "1." with anything else up to 3 digits is understood, and flawed. */
static enum why take_version(struct view v, struct http_head *h)
{
	if (v.size < 7 || memcmp(v.data, "HTTP/", 5) != 0)
		return WHY_MALFORMED;
	if (v.data[5] != '1' || v.data[6] != '.')
		return WHY_UNSUPPORTED;
	h->version = view_from(v, 5);
	h->version_1_0 = v.size == 8 && v.data[7] == '0';
	if (v.size == 8 && (v.data[7] == '1' || v.data[7] == '0'))
		return WHY_NONE;
	for (uint32_t i = 7; i < v.size; i++) {
		if (!is_digit(v.data[i]) || i > 9)
			return WHY_MALFORMED;
	}
	h->flaws |= HTTP_BAD_VERSION;
	return WHY_NONE;
}

static unsigned asks_of(struct view method)
{
	if (method.size == 4 && memcmp(method.data, "HEAD", 4) == 0)
		return HTTP_ASKS_HEAD;
	if (method.size == 7 && memcmp(method.data, "CONNECT", 7) == 0)
		return HTTP_ASKS_CONNECT;
	return 0;
}

/* METHOD SP target SP HTTP/1.x. The target is what lies between the first space and the last one. */
static enum why read_request_line(struct view line, struct http_head *h)
{
	uint32_t method = 0;
	while (method < line.size && method <= METHOD_MAX && http_token_byte[line.data[method]])
		method++;
	if (!method || method > METHOD_MAX || method == line.size || line.data[method] != ' ')
		return WHY_MALFORMED;
	h->method = view_first(line, method);
	h->asks = asks_of(h->method);

	uint32_t last = line.size;
	if (last > method + 9 && load_le64(line.data + last - 9) == word8(" HTTP/1."))
		last -= 8;
	while (line.data[last - 1] != ' ')
		last--;
	struct view version = view_from(line, last);
	if (last == method + 1 && view_starts(version, "HTTP/"))
		return WHY_MALFORMED; /* no target */
	if (last == method + 1 || !view_starts(version, "HTTP/"))
		return WHY_UNSUPPORTED; /* as HTTP/0.9 does it */
	h->target = between(line.data + method + 1, version.data - 1);
	if (!h->target.size)
		return WHY_MALFORMED;
	if (memchr(h->target.data, ' ', h->target.size))
		h->flaws |= HTTP_SPACE_IN_TARGET;
	return take_version(version, h);
}

/* HTTP/1.x SP 3 digits, then nothing or SP and a reason. */
static enum why read_status_line(struct view line, struct http_head *h)
{
	bool usual =
		line.size > 8 && line.data[8] == ' ' && load_le64(line.data) == word8("HTTP/1.1");
	struct view version = usual ? view_first(line, 8) : until(line, ' ');
	enum why why = take_version(version, h);
	struct view rest = view_from(line, version.size + 1);
	if (why)
		return why;
	if (rest.size < 3 || !is_digit(rest.data[0]) || !is_digit(rest.data[1]) ||
	    !is_digit(rest.data[2]) || rest.data[0] == '0')
		return WHY_MALFORMED;
	if (rest.size > 3 && rest.data[3] != ' ')
		return WHY_MALFORMED;
	h->status = (rest.data[0] - '0') * 100u + (rest.data[1] - '0') * 10u + (rest.data[2] - '0');
	h->reason = view_from(rest, 4);
	return WHY_NONE;
}

enum why http_start_read(struct view line, enum side side, struct http_head *ret)
{
	return side == FROM_CLIENT ? read_request_line(line, ret) : read_status_line(line, ret);
}

bool http_known_method(struct view v)
{
	static const char *const methods[] = {
		"GET ",   "POST ",    "PUT ",      "HEAD ",   "DELETE ", "OPTIONS ", "PATCH ",
		"TRACE ", "CONNECT ", "PROPFIND ", "REPORT ", "MKCOL ",  "NOTIFY ",  NULL,
	};
	for (unsigned i = 0; methods[i]; i++) {
		if (view_starts(v, methods[i]))
			return true;
	}
	return false;
}

/* In capitals, and a target of one of the four forms. */
static bool strict_request(const struct http_head *h)
{
	for (uint32_t i = 0; i < h->method.size; i++) {
		if (http_token_byte[h->method.data[i]] != 2)
			return false;
	}
	return h->target.data[0] == '/' || h->asks & HTTP_ASKS_CONNECT ||
	       view_equal(h->target, view_text("*")) ||
	       memmem(h->target.data, h->target.size, "://", 3);
}

/* Scanners send any target, spaces in it too: a well-known method before a right version is enough. */
static bool strict_start(struct view line, enum side side, const struct http_head *h)
{
	if (memchr(line.data, '\0', line.size))
		return false;
	if (side == FROM_SERVER)
		return !h->flaws;
	if (http_known_method(line))
		return !(h->flaws & ~(unsigned)HTTP_SPACE_IN_TARGET);
	return !h->flaws && strict_request(h);
}

/* An incomplete line: nothing in it is wrong yet. */
static bool maybe_start(struct view v, enum side side, bool strict)
{
	static const char status[] = "HTTP/1.0 000";
	uint32_t i = 0;
	if (side == FROM_CLIENT) {
		while (i < v.size && i <= METHOD_MAX && http_token_byte[v.data[i]] > strict)
			i++;
		return i <= METHOD_MAX && (i == v.size || (i && v.data[i] == ' '));
	}
	for (; i < v.size && i < (strict ? 12 : 7); i++) {
		if (status[i] == '0' ? !is_digit(v.data[i]) : v.data[i] != (uint8_t)status[i])
			return false;
	}
	return true;
}

/* `line` is without its LF. Noinline: whole heads are read without it. */
static __attribute__((noinline)) enum why read_line(struct view line, enum side side, bool strict,
						    struct http_head *ret)
{
	bool crlf = line.size && line.data[line.size - 1] == '\r';
	if (crlf)
		line.size--;
	enum why why = http_start_read(line, side, ret);
	if (!why && strict && (!crlf || !strict_start(line, side, ret)))
		return WHY_MALFORMED;
	return why;
}

enum http_start http_start_line(struct view bytes, uint32_t scanned, enum side side, bool strict,
				enum why *ret_why)
{
	struct http_head h = {0};
	const uint8_t *lf = NULL;
	*ret_why = WHY_MALFORMED;
	if (scanned < bytes.size)
		lf = memchr(bytes.data + scanned, '\n', bytes.size - scanned);
	if (!lf)
		return maybe_start(bytes, side, strict) ? HTTP_START_MAYBE : HTTP_START_NO;
	*ret_why = read_line(between(bytes.data, lf), side, strict, &h);
	return *ret_why ? HTTP_START_NO : HTTP_START_YES;
}

bool http_start_take(struct view bytes, enum side side, struct http_head *ret)
{
	struct view line = until(bytes, '\n');
	*ret = (struct http_head){.lines = view_from(bytes, line.size + 1)};
	return line.size < bytes.size && !read_line(line, side, true, ret);
}

/* --- looking for one --- */

uint32_t http_next_candidate(struct view v, uint32_t at, enum side side)
{
	static const char answer[] = "HTTP/1.";
	struct view rest = view_from(v, at);
	if (!rest.size)
		return v.size;
	if (side == FROM_CLIENT) {
		const uint8_t *lf = memchr(rest.data, '\n', rest.size);
		return lf ? (uint32_t)(lf - v.data) + 1 : v.size;
	}
	/* a body seldom ends with a line end, so an answer may begin anywhere */
	rest = view_from(rest, 1);
	const uint8_t *found = rest.size ? memmem(rest.data, rest.size, answer, 7) : NULL;
	if (found)
		return (uint32_t)(found - v.data);
	for (uint32_t n = rest.size < 6 ? rest.size : 6; n; n--) {
		if (memcmp(v.data + v.size - n, answer, n) == 0)
			return v.size - n;
	}
	return v.size;
}

uint32_t http_find_start(struct view v, enum side side, uint32_t scanned, bool *ret_whole)
{
	enum why why;
	*ret_whole = true;
	for (uint32_t at = 0; at < v.size; at = http_next_candidate(v, at, side)) {
		struct view line = view_first(view_from(v, at), HTTP_FIND_LINE_MAX);
		enum http_start s = http_start_line(line, at ? 0 : scanned, side, true, &why);
		if (s == HTTP_START_YES)
			return at;
		if (s == HTTP_START_MAYBE && line.size < HTTP_FIND_LINE_MAX) {
			*ret_whole = false;
			return at;
		}
	}
	return v.size;
}

/* --- the target --- */

bool http_same_nocase(struct view a, struct view b)
{
	if (a.size != b.size)
		return false;
	for (uint32_t i = 0; i < a.size; i++) {
		if (lower(a.data[i]) != lower(b.data[i]))
			return false;
	}
	return true;
}

void http_target_split(const struct http_head *head, struct http_target *ret)
{
	struct view target = head->target;
	*ret = (struct http_target){0};
	struct view authority = {0};
	const uint8_t *colon = NULL;
	if (head->asks & HTTP_ASKS_CONNECT) {
		authority = target;
		target = view_of(target.data + target.size, 0);
	} else if (target.data[0] != '/') {
		colon = memmem(target.data, target.size, "://", 3);
	}
	if (colon) {
		struct view rest = view_from(target, (uint32_t)(colon - target.data) + 3);
		authority = until(until(until(rest, '/'), '?'), '#');
		target = view_from(rest, authority.size);
	}
	ret->path = until(target, '?');
	ret->query = view_from(target, ret->path.size + 1);
	if (colon && !ret->path.size)
		ret->path = view_text("/");
	const uint8_t *at = authority.size ? memrchr(authority.data, '@', authority.size) : NULL;
	if (at) {
		ret->userinfo = between(authority.data, at);
		authority = view_from(authority, ret->userinfo.size + 1);
	}
	ret->host = authority;
}
