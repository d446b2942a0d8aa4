/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.0 and HTTP/1.1.
 *
 * spec: RFC 9112 (messages; 6.3 body length, 7.1 chunked, 9.6 close), RFC 9110 7.8 (Upgrade), 9.3.6 (CONNECT),
 *       15 (status codes)
 *
 *   request    method SP target SP HTTP/1.x CRLF      answer     HTTP/1.x SP status SP reason CRLF
 *              *( name: value CRLF ) CRLF                        *( name: value CRLF ) CRLF
 *              body                                              body
 *
 *   body       Content-Length bytes, or chunks, or (answers only) all until the close
 *   chunks     *( hex-size [ ;extension ] CRLF data CRLF ) 0 CRLF *( trailer CRLF ) CRLF
 *
 * start.c and head.c read heads, say.c says what was found; here is what follows what.
 */
#include "protocols/http/probe.h"
#include "protocols/http/say.h"

enum {
	HEAD_MAX = SCAN_MAX,     /* held until it is whole; servers stop at 8 to 48 KiB */
	CHUNK_LINE_MAX = 4096,   /* a size and its extensions, which nobody uses */
	CHUNK_DIGITS_MAX = 15,   /* 2^60 bytes */
	TRAILER_LINE_MAX = 8192, /* one of many: used as they come, so their number needs no cap */
};

/* What the next byte of a direction is. */
enum at {
	AT_START, /* of a message */
	AT_BODY,  /* the first one after a body of known length: the rest of it is being skipped */
	AT_PEEK,  /* of the body, or of the next answer if this one was for a HEAD */
	AT_CHUNK, /* of a chunk's line */
	AT_CHUNK_END, /* of the line end behind a chunk's data */
	AT_TRAILER,   /* of a line behind the last chunk */
	AT_CLOSE,     /* of a body that ends with the connection */
	AT_RESYNC,    /* anything: we look for a start line */
};

enum half_flag {
	LOST = 1,    /* bytes of this body were not seen */
	STRICT = 2,  /* found by resync: a header must follow the start line */
	LINE_OK = 4, /* the start line of the incomplete head is whole, and right */
	BARE_LF = 8, /* in the chunk framing */
	TUNNEL = 16, /* client: a CONNECT waits for its answer */
	BEGUN = 32,  /* START: the start line was said, the rest of the head is still to come */
};

enum { ASKED = 128 }; /* with enum http_asks: the request of an answer is known */

/* One direction; all zero between messages. */
struct half {
	uint64_t from; /* offset of the first byte behind the head */
	uint64_t
		next; /* offset of the next byte we want: behind a skip, or what is held of a head */
	uint64_t body; /* bytes of the body, without framing; PEEK: the announced length */
	uint32_t scan; /* bytes of the incomplete head or line that were looked at */
	uint8_t at, flags;
	uint8_t framing; /* PEEK: enum http_framing of the body, if there is one */
	uint8_t asks;    /* BEGUN, of an answer: what its request asked for */
};

struct http {
	struct half half[2];
};

/* One call of feed. */
struct pass {
	struct http *http;
	struct half *half;
	struct env *env;
	const struct input *in;
	enum side side;
	uint32_t used;
	bool pause;     /* go no further: the other direction may have waited for this */
	struct fed fed; /* the answer; `used` is filled in at the end */
};

/* --- small parts --- */

static struct view left_of(const struct pass *p)
{
	return view_from(p->in->bytes, p->used);
}

static uint64_t offset_of(const struct pass *p)
{
	return p->in->offset + p->used;
}

/* The states return true to go on, or false through one of these. */
static bool stop(struct pass *p)
{
	p->fed = (struct fed){.is = FED_OK};
	return false;
}

static bool need(struct pass *p, uint32_t want)
{
	p->fed = (struct fed){.is = FED_MORE, .want = want};
	return false;
}

/* Passes `n` bytes, in hand or not; false when some are still to come. */
static bool pass_bytes(struct pass *p, uint64_t n)
{
	uint32_t there = left_of(p).size;
	if (n <= there) {
		p->used += (uint32_t)n;
		return true;
	}
	p->used += there;
	p->fed = (struct fed){.is = FED_OK, .skip = n - there};
	return false;
}

static void rest_half(struct half *h)
{
	*h = (struct half){.flags = h->flags & TUNNEL};
}

/* The open message of a direction is over. */
static void end_message(struct env *env, enum side side, struct half *h, struct http_end end)
{
	end.flags |= h->flags & LOST ? MESSAGE_GAP : 0;
	end.flaws |= h->flags & BARE_LF ? HTTP_BARE_LF : 0;
	end.body = h->body;
	end.wire = end.offset - h->from;
	http_say_end(env, side, &end);
	rest_half(h);
}

static bool message_done(struct pass *p)
{
	end_message(p->env, p->side, p->half,
		    (struct http_end){.sizes = true, .offset = offset_of(p)});
	return true;
}

/* --- resynchronisation --- */

/* What is there makes no sense; `first`: not even as the start of another message. */
static bool fail(struct pass *p, enum why why, bool first)
{
	bool whole;
	rest_half(p->half);
	p->half->at = AT_RESYNC;
	struct view left = left_of(p);
	uint32_t skipped = first ? http_next_candidate(left, 0, p->side) : 0;
	uint32_t junk = skipped + http_find_start(view_from(left, skipped), p->side, 0, &whole);
	if (!junk)
		return true;
	p->fed = (struct fed){.is = FED_BAD, .junk = junk, .why = why};
	return false;
}

static bool on_resync(struct pass *p)
{
	struct view left = left_of(p);
	bool whole;
	uint32_t junk = http_find_start(left, p->side, p->half->scan, &whole);
	p->half->scan = 0;
	if (junk) {
		p->fed = (struct fed){.is = FED_OK, .junk = junk, .why = WHY_LOST};
		return false;
	}
	if (!left.size)
		return stop(p);
	if (!whole) {
		p->half->scan = left.size;
		return need(p, 0);
	}
	p->half->at = AT_START;
	p->half->flags |= STRICT | LINE_OK;
	return true;
}

/* --- bodies --- */

/* Nobody can know where the message ends. */
static bool broken(struct pass *p, unsigned flaws)
{
	struct http_end end = {
		.flags = MESSAGE_CUT, .flaws = flaws, .sizes = true, .offset = offset_of(p)};
	end_message(p->env, p->side, p->half, end);
	return fail(p, WHY_MALFORMED, false);
}

static bool begin_body(struct pass *p, enum http_framing framing, uint64_t length)
{
	struct half *h = p->half;
	h->body = 0;
	switch (framing) {
	case HTTP_LENGTH:
		h->body = length;
		h->at = AT_BODY;
		return pass_bytes(p, length);
	case HTTP_CHUNKED:
		h->at = AT_CHUNK;
		return true;
	case HTTP_NO_LENGTH:
		if (p->side == FROM_CLIENT)
			return message_done(p);
		h->at = AT_CLOSE;
		return true;
	case HTTP_OTHER_CODING: /* answers: until the close; requests must not (RFC 9112 6.3) */
		if (p->side == FROM_CLIENT)
			break;
		h->at = AT_CLOSE;
		return true;
	case HTTP_BROKEN:
		break;
	}
	return broken(p, 0);
}

/* An answer whose request nobody knows: if it was a HEAD, the next answer is here, else the body. */
static bool on_peek(struct pass *p)
{
	struct view left = left_of(p);
	struct half *h = p->half;
	enum why why;
	if (!left.size)
		return stop(p);
	enum http_start next =
		http_start_line(view_first(left, HTTP_FIND_LINE_MAX), 0, FROM_SERVER, false, &why);
	if (next == HTTP_START_MAYBE && left.size < HTTP_FIND_LINE_MAX)
		return need(p, 0);
	if (next != HTTP_START_YES)
		return begin_body(p, h->framing, h->body);
	h->body = 0;
	return message_done(p);
}

/* A line of the chunk framing, without its end. False: it is not whole (answer given) or too long. */
static bool take_line(struct pass *p, uint32_t max, struct view *ret, bool *ret_long)
{
	struct view left = view_first(left_of(p), max);
	struct half *h = p->half;
	const uint8_t *lf = NULL;
	*ret_long = false;
	if (h->scan < left.size)
		lf = memchr(left.data + h->scan, '\n', left.size - h->scan);
	if (!lf) {
		h->scan = left.size;
		*ret_long = left.size == max;
		return left.size ? need(p, 0) : stop(p);
	}
	h->scan = 0;
	*ret = view_of(left.data, (uint32_t)(lf - left.data));
	p->used += ret->size + 1;
	if (ret->size && ret->data[ret->size - 1] == '\r')
		ret->size--;
	else
		h->flags |= BARE_LF;
	return true;
}

/* Hexadecimal digits, and nothing else but an extension. */
static bool read_chunk_size(struct view line, uint64_t *ret)
{
	uint64_t n = 0;
	uint32_t i = 0;
	for (; i < line.size && i < CHUNK_DIGITS_MAX; i++) {
		uint8_t c = line.data[i] | 0x20;
		if (line.data[i] >= '0' && line.data[i] <= '9')
			n = n << 4 | (line.data[i] - '0');
		else if (c >= 'a' && c <= 'f')
			n = n << 4 | (c - 'a' + 10u);
		else
			break;
	}
	*ret = n;
	bool digits = i;
	while (i < line.size && (line.data[i] == ' ' || line.data[i] == '\t'))
		i++;
	return digits && (i == line.size || line.data[i] == ';');
}

static bool on_chunk(struct pass *p)
{
	struct view line;
	bool too_long;
	uint64_t size;
	if (!take_line(p, CHUNK_LINE_MAX, &line, &too_long))
		return too_long ? broken(p, HTTP_BAD_CHUNK) : false;
	if (!read_chunk_size(line, &size) || p->half->body + size < size)
		return broken(p, HTTP_BAD_CHUNK);
	p->half->body += size;
	p->half->at = size ? AT_CHUNK_END : AT_TRAILER;
	return pass_bytes(p, size);
}

static bool on_chunk_end(struct pass *p)
{
	struct view left = left_of(p);
	if (!left.size)
		return stop(p);
	if (left.data[0] == '\r' && left.size < 2)
		return need(p, 2);
	bool crlf = left.data[0] == '\r' && left.data[1] == '\n';
	if (!crlf && left.data[0] != '\n')
		return broken(p, HTTP_BAD_CHUNK);
	p->half->flags |= crlf ? 0 : BARE_LF;
	p->used += crlf ? 2 : 1;
	p->half->at = AT_CHUNK;
	return true;
}

static bool on_trailer(struct pass *p)
{
	struct view line;
	bool too_long;
	if (!take_line(p, TRAILER_LINE_MAX, &line, &too_long))
		return too_long ? broken(p, HTTP_BAD_TRAILER) : false;
	if (!line.size)
		return message_done(p);
	bool folded = line.data[0] == ' ' || line.data[0] == '\t';
	if (!folded && !memchr(line.data, ':', line.size))
		return broken(p, HTTP_BAD_TRAILER);
	return true;
}

static bool on_close(struct pass *p)
{
	uint32_t n = left_of(p).size;
	p->half->body += n;
	p->used += n;
	return stop(p);
}

/* --- heads --- */

static void begin_head(struct pass *p, uint32_t size)
{
	struct half *h = p->half;
	p->used += size;
	rest_half(h);
	h->from = offset_of(p);
}

static bool on_request(struct pass *p, const struct http_head *head, uint32_t size)
{
	if (p->half->flags & BEGUN)
		http_say_rest(p->env, FROM_CLIENT, head);
	else
		http_say_request(p->env, head, offset_of(p));
	begin_head(p, size);
	if (head->asks & HTTP_ASKS_CONNECT)
		p->half->flags |= TUNNEL;
	return begin_body(p, head->framing, head->length);
}

/* 101, or 2xx to CONNECT: what follows is another protocol. */
static bool switch_over(struct pass *p, const struct http_head *head)
{
	message_done(p);
	if (head->status == 101 && http_equal_nocase(head->upgrade, "websocket"))
		p->fed = (struct fed){.is = FED_OK, .skip = UINT64_MAX};
	else
		p->fed = (struct fed){.is = FED_SWITCH, .to = NULL};
	return false;
}

/* What the request of the answer that begins here asked for; 0: nobody knows. */
static unsigned ask(struct pass *p)
{
	int asks = p->env->ops->ask(p->env, FROM_SERVER, 0, offset_of(p));
	return asks >= 0 ? ASKED | (unsigned)asks : 0;
}

/* A 101 upgrades unless its request is known not to have asked for that. */
static bool upgrades(const struct http_head *head, unsigned asks)
{
	return head->status == 101 && (asks & HTTP_ASKS_UPGRADE || !(asks & HTTP_ASKS_READ));
}

static bool on_response(struct pass *p, struct http_head *head, uint32_t size)
{
	bool begun = p->half->flags & BEGUN;
	unsigned asks = begun ? p->half->asks : ask(p);
	bool known = asks & ASKED;
	bool switches = upgrades(head, asks);
	bool final = head->status >= 200 || switches;
	if (!final && head->status == 101)
		head->flaws |= HTTP_UNASKED_UPGRADE;
	if (begun)
		http_say_rest(p->env, FROM_SERVER, head);
	else
		http_say_response(p->env, head, final, offset_of(p));
	begin_head(p, size);
	if (final && (!known || asks & HTTP_ASKS_CONNECT)) {
		p->http->half[FROM_CLIENT].flags &= (uint8_t)~TUNNEL;
		p->pause = true;
		switches |= known && head->status < 300;
	}
	if (switches)
		return switch_over(p, head);
	bool empty = !final || head->status == 204 || head->status == 304 ||
		     asks & HTTP_ASKS_HEAD || (head->framing == HTTP_LENGTH && !head->length);
	if (empty)
		return message_done(p);
	if (known || head->framing == HTTP_BROKEN)
		return begin_body(p, head->framing, head->length);
	p->half->at = AT_PEEK;
	p->half->framing = (uint8_t)head->framing;
	p->half->body = head->length;
	return true;
}

/* Says a start line that is beyond doubt: the rest of its head may never come. False: it is none. */
static bool begin_early(struct pass *p, struct view left)
{
	struct half *h = p->half;
	struct http_head head;
	if (!http_start_take(left, p->side, &head))
		return true;
	enum http_start first = h->flags & STRICT ? http_first_header(head.lines) : HTTP_START_YES;
	if (first != HTTP_START_YES)
		return first == HTTP_START_MAYBE;
	h->flags |= BEGUN;
	h->asks = p->side == FROM_SERVER ? (uint8_t)ask(p) : 0;
	http_say_start(p->env, p->side, &head, head.status >= 200 || upgrades(&head, h->asks),
		       offset_of(p));
	return true;
}

/* The head is not whole: what is there of it must be right so far. */
static __attribute__((noinline)) bool incomplete(struct pass *p, struct view left)
{
	struct half *h = p->half;
	bool line_end = false; /* one that tells more than was known */
	if (!(h->flags & LINE_OK)) {
		enum why why;
		switch (http_start_line(left, h->scan, p->side, false, &why)) {
		case HTTP_START_NO:
			return fail(p, why, true);
		case HTTP_START_YES:
			h->flags |= LINE_OK;
			line_end = true;
			break;
		case HTTP_START_MAYBE:
			break;
		}
	} else if (h->flags & STRICT && !(h->flags & BEGUN)) {
		line_end = memchr(left.data + h->scan, '\n', left.size - h->scan);
	}
	if (line_end && !begin_early(p, left))
		return fail(p, WHY_MALFORMED, true);
	h->scan = left.size;
	if (h->flags & BEGUN)
		h->next = offset_of(p) + (left.size < HEAD_MAX ? left.size : HEAD_MAX);
	return need(p, 0);
}

static bool on_start(struct pass *p)
{
	struct half *h = p->half;
	struct view left = left_of(p);
	struct scan_head scan;
	struct http_head head;
	/* line ends before a message are left over from a careless body (RFC 9112 2.2) */
	while (left.size && (left.data[0] == '\r' || left.data[0] == '\n')) {
		p->used++;
		left = view_from(left, 1);
	}
	if (!left.size || p->pause)
		return stop(p);
	if (h->flags & TUNNEL && p->side == FROM_CLIENT) {
		p->fed = (struct fed){.is = FED_WAIT};
		return false;
	}
	if ((h->scan && !scan_has_end(left.data, left.size, h->scan)) ||
	    !scan_head(left.data, left.size, &scan))
		return incomplete(p, left);
	enum why why = http_head_read(left.data, &scan, p->side, &head);
	if (why || (h->flags & STRICT && http_first_header(head.lines) != HTTP_START_YES))
		return fail(p, why ? why : WHY_MALFORMED, true);
	if (p->side == FROM_CLIENT)
		return on_request(p, &head, scan.size);
	return on_response(p, &head, scan.size);
}

/* --- the decoder --- */

static bool step(struct pass *p)
{
	switch ((enum at)p->half->at) {
	case AT_START:
		return on_start(p);
	case AT_BODY:
		return message_done(p);
	case AT_PEEK:
		return on_peek(p);
	case AT_CHUNK:
		return on_chunk(p);
	case AT_CHUNK_END:
		return on_chunk_end(p);
	case AT_TRAILER:
		return on_trailer(p);
	case AT_CLOSE:
		return on_close(p);
	case AT_RESYNC:
		return on_resync(p);
	}
	return stop(p);
}

static struct fed http_feed(void *state, struct env *env, enum side side, const struct input *in)
{
	struct http *http = state;
	struct pass p = {
		.http = http, .half = &http->half[side], .env = env, .in = in, .side = side};
	if (in->lost)
		p.half->flags |= LOST;
	while (step(&p) && !(p.half->at == AT_START && p.used == in->bytes.size))
		continue;
	if (p.half->at != AT_START)
		p.half->next = offset_of(&p) + p.fed.skip;
	p.fed.used = p.used;
	return p.fed;
}

/* Was a message begun that did not end? */
static bool is_open(const struct half *h)
{
	return h->flags & BEGUN || (h->at != AT_START && h->at != AT_RESYNC);
}

static enum gap_answer http_gap(void *state, struct env *env, enum side side, uint64_t bytes,
				enum why why)
{
	struct http *http = state;
	struct half *h = &http->half[side];
	if (h->at == AT_CLOSE) {
		h->body += bytes;
		h->next += bytes;
		h->flags |= LOST;
		return GAP_GOES_ON;
	}
	if (h->at == AT_PEEK)
		h->body = 0;
	if (is_open(h)) {
		struct http_end end = {.flags = MESSAGE_CUT | MESSAGE_GAP,
				       .sizes = !(h->flags & BEGUN),
				       .offset = h->next};
		if (why == WHY_LIMIT) /* nothing of it was lost */
			end.flags = MESSAGE_CUT;
		end_message(env, side, h, end);
	}
	/* the answer to a CONNECT may be in the hole */
	if (side == FROM_SERVER)
		http->half[FROM_CLIENT].flags &= (uint8_t)~TUNNEL;
	rest_half(h);
	h->at = AT_RESYNC;
	return GAP_RESYNC;
}

static void http_end(void *state, struct env *env, enum side side, enum end_reason reason)
{
	struct half *h = &((struct http *)state)->half[side];
	struct http_end end = {.flags = MESSAGE_CUT, .sizes = true, .offset = h->next};
	bool until_close = h->at == AT_CLOSE;
	if (h->at == AT_PEEK) {
		h->body = 0;
		until_close = h->framing == HTTP_NO_LENGTH || h->framing == HTTP_OTHER_CODING;
	}
	if (until_close && reason == END_FIN)
		end.flags = 0;
	if (h->flags & BEGUN || h->at == AT_BODY ||
	    h->at == AT_CHUNK_END) /* how much of the skip came, the feeder knows */
		end.sizes = false;
	if (is_open(h))
		end_message(env, side, h, end);
	*h = (struct half){0};
}

static const uint16_t ports[] = {80, 8080, 8000, 8008, 8888, 3128, 0};

const struct protocol_ops http_ops = {
	.name = "http",
	.transports = TRANSPORT_TCP,
	.port_hints = ports,
	.pairing = PAIR_FIFO,
	.state_bytes = sizeof(struct http),
	.hold_max = HEAD_MAX,
	.fields = http_fields,
	.probe = http_probe,
	.feed = http_feed,
	.gap = http_gap,
	.end = http_end,
};
