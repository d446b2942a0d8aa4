/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of a message: its header lines, and how the end of its body is known.
 *
 * spec: RFC 9112 2 (message), 5 (fields), 6 (body length); RFC 9110 7.8 (Upgrade), 8.6 (Content-Length)
 *
 *   GET /path?query HTTP/1.1 CRLF          HTTP/1.1 200 OK CRLF
 *   Host: example.net CRLF                 Content-Length: 5 CRLF
 *   CRLF                                   CRLF hello
 *
 * start.c reads the first line.
 */
#include "protocols/http/text.h"

enum { LENGTH_DIGITS_MAX = 18 }; /* of a Content-Length: 10^18 bytes, far below 2^64 */

const char *const http_flaw_names[HTTP_FLAW_COUNT] = {
#define HTTP_FLAW_NAME(code, name) [code##_BIT] = name,
	HTTP_FLAWS(HTTP_FLAW_NAME)
#undef HTTP_FLAW_NAME
};

bool http_equal_nocase(struct view v, const char *text)
{
	for (uint32_t i = 0; i < v.size; i++) {
		if (!text[i] || lower(v.data[i]) != (uint8_t)text[i])
			return false;
	}
	return !text[v.size];
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
		if (!http_token_byte[name.data[i]])
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

enum http_start http_first_header(struct view lines)
{
	struct http_header header;
	struct view line = until(lines, '\n');
	if (line.size == lines.size)
		return HTTP_START_MAYBE;
	line.size++;
	if (!http_header_next(&line, &header))
		return HTTP_START_YES;
	return header.usable && !(header.flaws & HTTP_NUL_IN_HEAD) ? HTTP_START_YES : HTTP_START_NO;
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
	h->flaws &= HTTP_FLAWS_OF_START;
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
	enum why why = http_start_read(line, side, ret);
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
