/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A round trip for people:
 *
 *   12:00:00.123   4.56ms http    ok         10.0.0.1:52000 -> 10.0.0.2:80  GET /a => 200 OK  (90 B, 1.2 kB)
 *
 * Of either message the line shows the first TEXT_ROWS texts and numbers of the decoder's field table that
 * belong to that side alone; of the message the line begins with, those of both sides count, too. So a decoder puts
 * first what people look for.
 */
#include "core/frame.h"
#include "core/time.h"
#include "roundtrip/print.h"
#include "roundtrip/shown.h"

enum {
	TEXT_ROWS = 3,
	TEXT_MOST = 160, /* bytes of one field: more would push the rest off the screen */
};

static void pad(struct buf *b, size_t from, size_t width)
{
	while (!b->failed && b->size - from < width)
		buf_char(b, ' ');
}

static void add_endpoint(struct buf *b, const struct endpoint *e)
{
	char text[46];
	unsigned n = address_print(&e->address, text);
	bool v6 = !address_is_v4(&e->address) && e->port;

	if (v6)
		buf_char(b, '[');
	buf_add(b, text, n);
	if (v6)
		buf_char(b, ']');
	if (!e->port)
		return;
	buf_char(b, ':');
	buf_u64(b, e->port);
}

/* The message's first rows, each after a space: those that belong to one of `sides`. */
static void add_words(struct buf *b, const struct roundtrip *rt, const struct message_part *part,
		      unsigned sides, bool show_secrets)
{
	const struct field_def *def = rt->defs;
	struct field f;
	unsigned rows = 0;

	for (unsigned id = 0; def && def[id].name && rows < TEXT_ROWS; id++) {
		if (!(sides >> (def[id].sides & ~FIELD_OPERATION) & 1) ||
		    (def[id].type != FIELD_TEXT && def[id].type != FIELD_NUMBER))
			continue;
		rows++;
		if (!fields_find(def, part->fields, (uint8_t)id, &f))
			continue;
		buf_char(b, ' ');
		if (def[id].type == FIELD_NUMBER)
			buf_u64(b, f.number);
		else
			print_text(b, field_shown(&f, show_secrets), TEXT_MOST);
	}
}

static void add_status(struct buf *b, enum status status, bool colours)
{
	static const char *const colour[STATUS_COUNT] = {
		[STATUS_OK] = "\033[32m",         [STATUS_ERROR] = "\033[31m",
		[STATUS_UNANSWERED] = "\033[33m", [STATUS_ORPHAN] = "\033[33m",
		[STATUS_ONEWAY] = "\033[36m",     [STATUS_OPEN] = "\033[36m",
	};
	size_t from;

	if (colours)
		buf_text(b, colour[status]);
	from = b->size;
	buf_text(b, status_name(status));
	pad(b, from, 11);
	if (colours)
		buf_text(b, "\033[0m");
}

static void add_sizes(struct buf *b, const struct roundtrip *rt)
{
	buf_text(b, "  (");
	if (rt->request)
		print_bytes(b, rt->request->to - rt->request->from);
	if (rt->request && rt->response)
		buf_text(b, ", ");
	if (rt->response)
		print_bytes(b, rt->response->to - rt->response->from);
	buf_char(b, ')');
}

/* What could not be known, and why there is no partner. */
static void add_remarks(struct buf *b, const struct roundtrip *rt)
{
	const char *before = "  [";

	for (unsigned bit = 0; bit < PARTIAL_BITS; bit++) {
		if (!(rt->partial & 1u << bit))
			continue;
		buf_text(b, before);
		buf_text(b, partial_name(bit));
		before = ", ";
	}
	if (rt->partial)
		buf_char(b, ']');
	if (rt->reason) {
		buf_text(b, "  ");
		buf_text(b, reason_text(rt->reason));
	}
}

/* hh:mm:ss.mmm of YYYY-MM-DDThh:mm:ss.nnnnnnnnnZ */
static void add_clock(struct buf *b, uint64_t time_ns)
{
	size_t from = b->size;

	buf_time(b, time_ns);
	if (b->failed)
		return;
	memmove(b->data + from, b->data + from + 11, 12);
	b->size = from + 12;
}

/* The duration, right-aligned in 9 columns. */
static void add_length(struct buf *b, const struct roundtrip *rt)
{
	size_t from = b->size, size;

	if (shown_times(rt))
		print_duration(b, rt->duration_ns);
	else
		buf_char(b, '-');
	size = b->size - from;
	pad(b, from, 9);
	if (b->failed || size >= 9)
		return;
	memmove(b->data + from + 9 - size, b->data + from, size);
	memset(b->data + from, ' ', 9 - size);
}

void roundtrip_text(struct buf *b, const struct roundtrip *rt, const struct line_context *c)
{
	const unsigned both = 1u << (FIELD_REQUEST | FIELD_RESPONSE);
	size_t from;

	add_clock(b, rt->time_ns);
	add_length(b, rt);
	buf_char(b, ' ');
	from = b->size;
	buf_text(b, rt->protocol);
	pad(b, from, 7);
	buf_char(b, ' ');
	add_status(b, rt->status, c->colours);
	add_endpoint(b, &rt->client);
	buf_text(b, " -> ");
	add_endpoint(b, &rt->server);
	buf_char(b, ' ');
	if (rt->request)
		add_words(b, rt, rt->request, 1u << FIELD_REQUEST | both, c->show_secrets);
	if (rt->response) {
		buf_text(b, " =>");
		add_words(b, rt, rt->response, 1u << FIELD_RESPONSE | (rt->request ? 0 : both),
			  c->show_secrets);
	}
	add_sizes(b, rt);
	add_remarks(b, rt);
	buf_char(b, '\n');
}
