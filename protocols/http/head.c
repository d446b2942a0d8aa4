/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec: RFC 9112 2 (message), 3 (request line), 4 (status line), 5 (fields), 6 (body length);
 *       RFC 9110 5.6.2 (tokens), 7.8 (Upgrade), 8.6 (Content-Length)
 *
 *   GET /path?query HTTP/1.1 CRLF          HTTP/1.1 200 OK CRLF
 *   Host: example.net CRLF                 Content-Length: 5 CRLF
 *   CRLF                                   CRLF hello
 */
#include "protocols/http/head.h"

enum {
	METHOD_MAX = 32,        /* the longest registered one has 17 */
	LENGTH_DIGITS_MAX = 18, /* of a Content-Length: 10^18 bytes, far below 2^64 */
};

const char *const http_flaw_names[HTTP_FLAW_COUNT] = {
#define HTTP_FLAW_NAME(code, name) [code##_BIT] = name,
	HTTP_FLAWS(HTTP_FLAW_NAME)
#undef HTTP_FLAW_NAME
};

/* Bytes of a token (RFC 9110 5.6.2); 2: those a method on the wire really uses. */
static const uint8_t token_byte[256] = {
	['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1,         ['&'] = 1,         ['\''] = 1,
	['*'] = 1, ['+'] = 1, ['-'] = 2, ['.'] = 1,         ['^'] = 1,         ['_'] = 2,
	['`'] = 1, ['|'] = 1, ['~'] = 1, ['0' ... '9'] = 2, ['A' ... 'Z'] = 2, ['a' ... 'z'] = 1,
};

/* --- small parts --- */

/* 8 bytes in lower case; '-' stays what it is. Exact in names without control bytes. */
static inline uint64_t fold8(const uint8_t *p)
{
	return load_le64(p) | 0x2020202020202020;
}

static inline uint64_t word8(const char text[8])
{
	return load_le64((const uint8_t *)text);
}

static inline uint32_t word4(const char text[4])
{
	return load_le32((const uint8_t *)text);
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* Inside a value, folded lines are space too. */
static bool is_blank(uint8_t c)
{
	return is_space(c) || c == '\r' || c == '\n';
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static inline struct view trim(struct view v)
{
	const uint8_t *from = v.data, *to = v.data + v.size;
	while (from < to && is_blank(*from))
		from++;
	while (from < to && is_blank(to[-1]))
		to--;
	return view_of(from, (uint32_t)(to - from));
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

bool http_equal_nocase(struct view v, const char *text)
{
	for (uint32_t i = 0; i < v.size; i++) {
		if (!text[i] || lower(v.data[i]) != (uint8_t)text[i])
			return false;
	}
	return !text[v.size];
}

static bool same_nocase(struct view a, struct view b)
{
	if (a.size != b.size)
		return false;
	for (uint32_t i = 0; i < a.size; i++) {
		if (lower(a.data[i]) != lower(b.data[i]))
			return false;
	}
	return true;
}

static struct view between(const uint8_t *from, const uint8_t *to)
{
	return view_of(from, (uint32_t)(to - from));
}

/* Up to `byte`, or all. */
static struct view until(struct view v, char byte)
{
	const uint8_t *at = v.size ? memchr(v.data, byte, v.size) : NULL;
	return at ? between(v.data, at) : v;
}

/* The next item of a comma-separated list; false at its end. */
static bool next_item(struct view *list, struct view *ret)
{
	if (!list->size)
		return false;
	struct view item = until(*list, ',');
	*list = view_from(*list, item.size + 1);
	*ret = trim(item);
	return true;
}

/* --- start lines --- */

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
	while (method < line.size && method <= METHOD_MAX && token_byte[line.data[method]])
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

static enum why read_start_line(struct view line, enum side side, struct http_head *h)
{
	return side == FROM_CLIENT ? read_request_line(line, h) : read_status_line(line, h);
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
		if (token_byte[h->method.data[i]] != 2)
			return false;
	}
	return h->target.data[0] == '/' || h->asks & HTTP_ASKS_CONNECT ||
	       view_equal(h->target, view_text("*")) ||
	       memmem(h->target.data, h->target.size, "://", 3);
}

/* Scanners send any target, spaces in it too: a well-known method before a right version is enough. */
static bool strict_start(struct view line, enum side side, const struct http_head *h)
{
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
		while (i < v.size && i <= METHOD_MAX && token_byte[v.data[i]] > strict)
			i++;
		return i <= METHOD_MAX && (i == v.size || (i && v.data[i] == ' '));
	}
	for (; i < v.size && i < (strict ? 12 : 7); i++) {
		if (status[i] == '0' ? !is_digit(v.data[i]) : v.data[i] != (uint8_t)status[i])
			return false;
	}
	return true;
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
	struct view line = between(bytes.data, lf);
	bool crlf = line.size && line.data[line.size - 1] == '\r';
	if (crlf)
		line.size--;
	*ret_why = read_start_line(line, side, &h);
	if (*ret_why)
		return HTTP_START_NO;
	if (strict && (!crlf || !strict_start(line, side, &h)))
		return HTTP_START_NO;
	return HTTP_START_YES;
}

/* --- headers in use --- */

/* Digits, and nothing else. */
static bool read_length(struct view v, uint64_t *ret)
{
	uint64_t n = 0;
	uint32_t i = 0;
	for (; i < v.size && i < LENGTH_DIGITS_MAX && is_digit(v.data[i]); i++)
		n = n * 10 + (v.data[i] - '0');
	*ret = n;
	return i && i == v.size;
}

static void add_length(struct http_head *h, struct view digits)
{
	uint64_t n;
	bool good = read_length(digits, &n);
	if (h->framing != HTTP_NO_LENGTH)
		h->flaws |= HTTP_DUPLICATE_CONTENT_LENGTH;
	if (!good || (h->framing == HTTP_LENGTH && n != h->length) || h->framing == HTTP_BROKEN) {
		h->flaws |= HTTP_BAD_CONTENT_LENGTH;
		h->framing = HTTP_BROKEN;
		return;
	}
	h->length = n;
	h->framing = HTTP_LENGTH;
}

/* A list of equal numbers is what a careless proxy makes of repeated headers. */
static __attribute__((noinline)) void take_lengths(struct http_head *h, struct view list)
{
	struct view item;
	if (!list.size)
		add_length(h, list);
	while (next_item(&list, &item))
		add_length(h, item);
}

static void take_length(struct http_head *h, struct view value)
{
	if (h->framing == HTTP_NO_LENGTH && read_length(value, &h->length))
		h->framing = HTTP_LENGTH;
	else
		take_lengths(h, value);
}

/* Codings in the order of application; kept apart from the length until all headers are read. */
struct codings {
	bool any, chunked, last_chunked;
};

static __attribute__((noinline)) void take_codings(struct http_head *h, struct view list,
						   struct codings *c)
{
	static const char *const known[] = {"gzip",     "x-gzip",     "deflate",
					    "compress", "x-compress", NULL};
	struct view item;
	if (!list.size)
		h->flaws |= HTTP_UNKNOWN_ENCODING;
	while (next_item(&list, &item)) {
		struct view name = trim(until(item, ';'));
		if (http_equal_nocase(name, "chunked")) {
			if (c->chunked)
				h->flaws |= HTTP_CHUNKED_TWICE;
			c->any = c->chunked = c->last_chunked = true;
			continue;
		}
		unsigned i = 0;
		while (known[i] && !http_equal_nocase(name, known[i]))
			i++;
		if (!known[i])
			h->flaws |= HTTP_UNKNOWN_ENCODING;
		c->last_chunked = false;
		/* identity was no coding, and is none any more (RFC 9112 7) */
		c->any |= !http_equal_nocase(name, "identity");
	}
}

static void take_host(struct http_head *h, struct view value, bool *seen)
{
	if (*seen)
		h->flaws |= HTTP_DUPLICATE_HOST;
	else
		h->host = value;
	*seen = true;
}

struct seen {
	struct codings codings;
	bool host;
};

/* A header line; its name is a token. False: the name is empty. */
static bool take_header(struct http_head *h, struct seen *seen, struct view field,
			struct view value)
{
	const uint8_t *name = field.data;
	switch (field.size) {
	case 0:
		return false;
	case 4:
		if ((load_le32(name) | 0x20202020) == word4("host"))
			take_host(h, trim(value), &seen->host);
		break;
	case 7:
		if ((load_le32(name) | 0x20202020) == word4("upgr") &&
		    (load_le32(name + 3) | 0x20202020) == word4("rade")) {
			h->upgrade = trim(value);
			h->asks |= HTTP_ASKS_UPGRADE;
		}
		break;
	case 14:
		if (fold8(name) == word8("content-") && fold8(name + 6) == word8("t-length"))
			take_length(h, trim(value));
		break;
	case 17:
		if (fold8(name) == word8("transfer") && fold8(name + 8) == word8("-encodin") &&
		    lower(name[16]) == 'g')
			take_codings(h, trim(value), &seen->codings);
		break;
	}
	return true;
}

/* --- header lines --- */

/*
 * Nearly all lines are told from those in use by the size of the name, of which 5 bits are enough here.
 * 0 is in use: an empty name is a flaw.
 */
static inline bool size_in_use(size_t size)
{
	enum { SIZES = 1 << 0 | 1 << 4 | 1 << 7 | 1 << 14 | 1 << 17 };
	return SIZES >> (size & 31) & 1;
}

/* The usual head: every line is name, colon, value, CR LF. False: this one is not so usual. */
static bool read_usual(const uint8_t *p, const struct scan_head *scan, size_t first,
		       struct http_head *h, struct seen *seen)
{
	size_t line = first + 1, last = scan->size - 2, base = first & ~(size_t)63, lf;
	const uint64_t *word = &scan->lf[first / 64];
	uint64_t ends = *word & -(2ull << first % 64);
	if (scan->odd || p[first - 1] != '\r')
		return false;
	for (; line < last; line = lf + 1) {
		for (; !ends; base += 64)
			ends = *++word;
		lf = base + (size_t)__builtin_ctzll(ends);
		ends &= ends - 1;
		size_t colon = scan_next(scan->delimiters, line);
		if (p[colon] != ':' || p[lf - 1] != '\r')
			return false;
		if (size_in_use(colon - line) && !take_header(h, seen, between(p + line, p + colon),
							      between(p + colon + 1, p + lf - 1)))
			return false;
	}
	return p[last] == '\r';
}

static unsigned flaws_in(struct view line)
{
	unsigned flaws = 0;
	for (uint32_t i = 0; i < line.size; i++) {
		if (line.data[i] >= ' ' || line.data[i] == '\t')
			continue;
		flaws |= line.data[i] == '\r'   ? HTTP_BARE_CR
			 : line.data[i] == '\0' ? HTTP_NUL_IN_HEAD
						: HTTP_CONTROL_IN_HEAD;
	}
	return flaws;
}

/* Takes a line off, without its end. */
static struct view take_line(struct view *lines, unsigned *flaws)
{
	struct view line = until(*lines, '\n');
	*lines = view_from(*lines, line.size + 1);
	if (line.size && line.data[line.size - 1] == '\r')
		line.size--;
	else
		*flaws |= HTTP_BARE_LF;
	*flaws |= flaws_in(line);
	return line;
}

static bool good_name(struct view name)
{
	for (uint32_t i = 0; i < name.size; i++) {
		if (!token_byte[name.data[i]])
			return false;
	}
	return name.size;
}

bool http_header_next(struct view *lines, struct http_header *ret)
{
	*ret = (struct http_header){0};
	struct view line = take_line(lines, &ret->flaws);
	if (!line.size)
		return false;
	/* the empty line ends the section, so a folded line has one behind it */
	while (lines->size && is_space(lines->data[0])) {
		struct view more = take_line(lines, &ret->flaws);
		line = between(line.data, more.data + more.size);
		ret->flaws |= HTTP_OBS_FOLD;
	}
	if (is_space(line.data[0])) { /* folds the start line: not a header (RFC 9112 2.2) */
		ret->flaws |= HTTP_OBS_FOLD;
		return true;
	}
	struct view name = until(line, ':');
	ret->name = trim(name);
	ret->value = trim(view_from(line, name.size + 1));
	if (name.size == line.size)
		ret->flaws |= HTTP_NO_COLON;
	else if (ret->name.size < name.size)
		ret->flaws |= HTTP_SPACE_BEFORE_COLON;
	ret->usable = name.size < line.size && good_name(ret->name);
	if (name.size < line.size && !ret->usable)
		ret->flaws |= HTTP_BAD_HEADER_NAME;
	return true;
}

/* Slow and thorough, for heads with anything unusual in them. */
static void read_odd(struct view lines, struct http_head *h, struct seen *seen)
{
	struct http_header header;
	while (http_header_next(&lines, &header)) {
		h->flaws |= header.flaws;
		if (header.usable)
			(void)take_header(h, seen, header.name, header.value);
	}
	h->flaws |= header.flaws; /* of the empty line */
}

/* --- all of it --- */

/* Transfer-Encoding overrides Content-Length (RFC 9112 6.3). */
static void settle_framing(struct http_head *h, const struct codings *c)
{
	bool coded = c->any || h->flaws & HTTP_UNKNOWN_ENCODING;
	if (!coded)
		return;
	if (h->framing != HTTP_NO_LENGTH)
		h->flaws |= HTTP_LENGTH_AND_ENCODING;
	if (h->version_1_0)
		h->flaws |= HTTP_ENCODING_IN_1_0;
	if (c->chunked && !c->last_chunked)
		h->flaws |= HTTP_CHUNKED_NOT_LAST;
	if (c->any)
		h->framing = c->last_chunked ? HTTP_CHUNKED : HTTP_OTHER_CODING;
}

/* What the usual way found before it came to something unusual. */
static void forget_headers(struct http_head *h)
{
	enum { OF_START_LINE = HTTP_SPACE_IN_TARGET | HTTP_BAD_VERSION };
	h->flaws &= OF_START_LINE;
	h->asks &= ~(unsigned)HTTP_ASKS_UPGRADE;
	h->framing = HTTP_NO_LENGTH;
	h->host = h->upgrade = view_of(NULL, 0);
}

enum why http_head_read(const uint8_t *p, const struct scan_head *scan, enum side side,
			struct http_head *ret)
{
	struct seen seen = {0};
	uint32_t lf = (uint32_t)scan_next(scan->lf, 0);
	struct view line = view_of(p, lf);
	if (lf && p[lf - 1] == '\r')
		line.size--;
	*ret = (struct http_head){.lines = between(p + lf + 1, p + scan->size)};
	enum why why = read_start_line(line, side, ret);
	if (why)
		return why;
	if (!read_usual(p, scan, lf, ret, &seen)) {
		seen = (struct seen){0};
		forget_headers(ret);
		ret->flaws |= flaws_in(line) | (line.size == lf ? HTTP_BARE_LF : 0);
		read_odd(ret->lines, ret, &seen);
	}
	settle_framing(ret, &seen.codings);
	if (side == FROM_CLIENT && !seen.host && !ret->version_1_0)
		ret->flaws |= HTTP_MISSING_HOST;
	return WHY_NONE;
}

unsigned http_target_split(const struct http_head *head, struct http_target *ret)
{
	struct view target = head->target;
	*ret = (struct http_target){.host = head->host};
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
	if (!authority.size)
		return 0;
	const uint8_t *at = memrchr(authority.data, '@', authority.size);
	if (at) {
		ret->userinfo = between(authority.data, at);
		authority = view_from(authority, ret->userinfo.size + 1);
	}
	ret->host = authority;
	return head->host.size && !same_nocase(head->host, authority) ? HTTP_HOST_MISMATCH : 0;
}

bool http_header_secret(struct view name)
{
	static const char *const secret[] = {
		"authorization",
		"proxy-authorization",
		"cookie",
		"set-cookie",
		"cookie2",
		"set-cookie2",
		"x-api-key",
		"api-key",
		"x-auth-token",
		"x-access-token",
		"x-csrf-token",
		"x-xsrf-token",
		"x-vault-token",
		"x-amz-security-token",
		"authentication-info",
		"x-goog-api-key",
		"proxy-authentication-info",
		"private-token",
		NULL,
	};
	for (unsigned i = 0; secret[i]; i++) {
		if (http_equal_nocase(name, secret[i]))
			return true;
	}
	return false;
}
