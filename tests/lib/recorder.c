/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/recorder.h"

#include <stdio.h>
#include <stdlib.h>

static struct recorder *current;

static const char *const kinds[] = {"request", "response", "push"};

static const struct {
	unsigned flag;
	const char *name;
} flags[] = {
	{MESSAGE_FINAL, "final"},   {MESSAGE_ONEWAY, "oneway"},   {MESSAGE_UP_TO, "up_to"},
	{MESSAGE_CANCEL, "cancel"}, {MESSAGE_ERROR, "error"},     {MESSAGE_GAP, "gap"},
	{MESSAGE_CUT, "cut"},       {MESSAGE_SNAPLEN, "snaplen"},
};

static bool keyed(const struct feeder *f)
{
	return f->ops->pairing == PAIR_KEY_UNIQUE || f->ops->pairing == PAIR_KEY_REUSED;
}

static void add_quoted(struct buf *b, struct view v)
{
	buf_char(b, '"');
	for (uint32_t i = 0; i < v.size; i++) {
		char hex[5];
		uint8_t c = v.data[i];
		if (c == '"' || c == '\\')
			buf_char(b, '\\');
		if (c >= ' ' && c < 0x7f) {
			buf_char(b, (char)c);
		} else {
			snprintf(hex, sizeof hex, "\\x%02x", c);
			buf_text(b, hex);
		}
	}
	buf_char(b, '"');
}

static void add_fields(struct buf *b, const struct feeder *f, const struct message *m)
{
	const struct field_def *defs = m->defs ? m->defs : f->ops->fields;
	for (unsigned i = 0; i < m->field_count; i++) {
		const struct field *field = &m->fields[i];
		const struct field_def *def = &defs[field->id];
		buf_char(b, ' ');
		buf_text(b, def->name);
		if (def->type == FIELD_PAIRS) {
			buf_char(b, '.');
			buf_add(b, field->name.data, field->name.size);
		}
		if (def->type != FIELD_FLAG)
			buf_char(b, '=');
		if (def->type == FIELD_NUMBER)
			buf_u64(b, field->number);
		else if (def->type != FIELD_FLAG)
			add_quoted(b, field->text);
		if (field->mark & FIELD_SECRET)
			buf_text(b, "(secret)");
	}
}

/* The open message that an add or end of `m` is about. */
static struct recorded *find_open(struct recorder *r, const struct feeder *f, enum side side,
				  const struct message *m)
{
	for (size_t i = r->count; i > 0; i--) {
		struct recorded *x = &r->list[i - 1];
		if (!x->ended && x->side == side && x->message.kind == m->kind &&
		    (!keyed(f) || x->message.key == m->key))
			return x;
	}
	return NULL;
}

/* The request that a response with this key answers: the oldest one open. */
static struct recorded *find_asked(struct recorder *r, const struct feeder *f, uint64_t key)
{
	for (size_t i = 0; i < r->count; i++) {
		struct recorded *x = &r->list[i];
		if (x->message.kind == MESSAGE_REQUEST && !x->answered &&
		    !(x->message.flags & MESSAGE_ONEWAY) && (!keyed(f) || x->message.key == key))
			return x;
	}
	return NULL;
}

static void on_begin(struct feeder *f, enum side side, const struct message *m,
		     const struct origin *o)
{
	struct recorder *r = current;
	if (!keyed(f) && find_open(r, f, side, m))
		r->wrong++;
	if (r->count == r->room) {
		r->room = r->room ? 2 * r->room : 16;
		r->list = realloc(r->list, r->room * sizeof *r->list);
		if (!r->list)
			abort();
	}
	struct recorded *x = &r->list[r->count++];
	*x = (struct recorded){.side = side, .message = *m, .from = m->offset, .first = *o};
	add_fields(&x->text, f, m);
}

static void on_add(struct feeder *f, enum side side, const struct message *m,
		   const struct origin *o)
{
	(void)o;
	struct recorded *x = find_open(current, f, side, m);
	if (!x && keyed(f) && m->kind == MESSAGE_REQUEST) /* it waits for its answer */
		x = find_asked(current, f, m->key);
	if (!x) {
		current->wrong++;
		return;
	}
	x->message.cookie |= m->cookie;
	add_fields(&x->text, f, m);
}

static void on_end(struct feeder *f, enum side side, const struct message *m,
		   const struct origin *o)
{
	struct recorder *r = current;
	struct recorded *x = find_open(r, f, side, m);
	if (!x && m->flags & MESSAGE_CANCEL) {
		x = find_asked(r, f, m->key);
		if (x) {
			x->answered = true;
			x->message.flags |= MESSAGE_CANCEL;
		}
		return;
	}
	if (!x || m->offset < x->from) {
		r->wrong++;
		return;
	}
	add_fields(&x->text, f, m);
	x->message.flags |= m->flags;
	x->to = m->offset;
	x->last = *o;
	x->ended = true;
	if (m->flags & MESSAGE_REKEY)
		x->message.key = m->new_key;
	if (m->kind != MESSAGE_RESPONSE || !(x->message.flags & MESSAGE_FINAL))
		return;
	struct recorded *q = find_asked(r, f, m->key);
	if (q)
		q->answered = true;
}

static int on_ask(struct feeder *f, enum side side, uint64_t key, const struct origin *o)
{
	struct recorder *r = current;
	(void)side, (void)o;
	r->asked++;
	struct recorded *q = find_asked(r, f, key);
	if (r->holes && (!q || !keyed(f)))
		return ASK_UNKNOWN;
	return q ? q->message.cookie : ASK_NONE;
}

static void on_hole(struct feeder *f, enum side side, enum why why)
{
	(void)f, (void)side;
	current->holes++;
	current->last_hole = why;
}

static void on_switched(struct feeder *f, const struct protocol_ops *from, bool keep_open)
{
	(void)f, (void)from, (void)keep_open;
	current->switches++;
}

static void on_confirmed(struct feeder *f)
{
	(void)f;
	current->confirmed++;
}

static void on_withdrawn(struct feeder *f)
{
	(void)f;
	current->withdrawn++;
}

const struct message_sink recorder_sink = {
	.begin = on_begin,
	.add = on_add,
	.end = on_end,
	.ask = on_ask,
	.hole = on_hole,
	.switched = on_switched,
	.confirmed = on_confirmed,
	.withdrawn = on_withdrawn,
};

void recorder_start(struct recorder *r)
{
	*r = (struct recorder){0};
	current = r;
}

void recorder_done(struct recorder *r)
{
	for (size_t i = 0; i < r->count; i++)
		buf_done(&r->list[i].text);
	free(r->list);
	*r = (struct recorder){0};
}

void recorder_print(const struct recorder *r, const char *prefix, struct buf *to)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct recorded *x = &r->list[i];
		char text[96];
		snprintf(text, sizeof text, "%c %s %ju-%ju", x->side == FROM_CLIENT ? '>' : '<',
			 kinds[x->message.kind], (uintmax_t)x->from, (uintmax_t)x->to);
		buf_text(to, prefix);
		buf_text(to, text);
		if (x->message.key) {
			snprintf(text, sizeof text, " key=%ju", (uintmax_t)x->message.key);
			buf_text(to, text);
		}
		if (!x->ended)
			buf_text(to, " open");
		if (x->message.kind == MESSAGE_RESPONSE && !(x->message.flags & MESSAGE_FINAL))
			buf_text(to, " interim");
		for (size_t k = 0; k < sizeof flags / sizeof *flags; k++) {
			if (x->message.flags & flags[k].flag) {
				buf_char(to, ' ');
				buf_text(to, flags[k].name);
			}
		}
		buf_add(to, x->text.data, x->text.size);
		buf_char(to, '\n');
	}
}

unsigned recorder_open(const struct recorder *r)
{
	unsigned n = 0;
	for (size_t i = 0; i < r->count; i++)
		n += !r->list[i].ended;
	return n;
}
