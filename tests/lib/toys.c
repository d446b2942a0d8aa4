/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/toys.h"

enum { FIELD_LENGTH_ID, FIELD_TEXT_ID };

static const struct field_def toy_fields[] = {
	{"length", FIELD_NUMBER, 3, "bytes of the body, as announced"},
	{"text", FIELD_TEXT, 3, "the body, when it is short"},
	{0},
};

struct toy_dir {
	struct message open; /* begun, and its body is being skipped; kind + 1, 0: none */
	bool is_open, resync;
};

struct toy {
	struct toy_dir dir[2];
};

/* One message as it lies on the wire. */
struct toy_head {
	uint8_t flags, key, length;
	uint32_t size; /* of the head */
};

static uint32_t to_magic(struct view v, uint32_t from)
{
	while (from < v.size && v.data[from] != TOY_MAGIC)
		from++;
	return from < v.size ? from : v.size;
}

/* 1: a head, 0: not yet, -1: never. */
static int read_head(struct view v, bool keyed, enum side side, struct toy_head *h)
{
	unsigned known = keyed ? TOY_ONEWAY | TOY_QUIET | TOY_CANCEL : TOY_ONEWAY | TOY_QUIET;
	if (side == FROM_SERVER)
		known = TOY_INTERIM | TOY_ERROR | TOY_PUSH | (keyed ? TOY_UP_TO : 0);
	struct reader r = reader_of(v);
	uint8_t magic = reader_u8(&r);
	h->flags = reader_u8(&r);
	h->key = keyed ? reader_u8(&r) : 0;
	h->length = reader_u8(&r);
	h->size = keyed ? 4 : 3;
	if ((v.size && magic != TOY_MAGIC) || h->flags & ~known || (h->key | h->length) & 0x80)
		return -1;
	if (side == FROM_CLIENT && h->flags & TOY_CANCEL && h->length)
		return -1;
	return !r.short_read;
}

static struct message message_of(const struct toy_head *h, enum side side)
{
	struct message m = {.key = h->key};
	if (side == FROM_CLIENT) {
		m.kind = MESSAGE_REQUEST;
		m.flags = h->flags & TOY_ONEWAY ? MESSAGE_ONEWAY : 0;
		m.cookie = h->flags & TOY_QUIET ? 1 : 0;
		return m;
	}
	m.kind = h->flags & TOY_PUSH ? MESSAGE_PUSH : MESSAGE_RESPONSE;
	if (m.kind == MESSAGE_PUSH)
		return m;
	m.flags = h->flags & TOY_INTERIM ? 0 : MESSAGE_FINAL;
	m.flags |= h->flags & TOY_ERROR ? MESSAGE_ERROR : 0;
	m.flags |= h->flags & TOY_UP_TO ? MESSAGE_UP_TO : 0;
	return m;
}

static void say_begin(struct env *env, enum side side, struct message m, uint8_t length,
		      uint64_t offset)
{
	struct field f = {.id = FIELD_LENGTH_ID, .number = length};
	m.offset = offset;
	m.fields = &f;
	m.field_count = 1;
	env->ops->begin(env, side, &m);
}

static void say_end(struct env *env, enum side side, struct message m, unsigned flags,
		    struct view text, uint64_t offset)
{
	struct field f = {.id = FIELD_TEXT_ID, .text = text};
	m.flags = flags;
	m.offset = offset;
	m.fields = &f;
	m.field_count = text.size > 0;
	env->ops->end(env, side, &m);
}

static struct fed bad_until_magic(struct view v)
{
	return (struct fed){.is = FED_BAD, .junk = to_magic(v, 1), .why = WHY_MALFORMED};
}

/* The head is there: body by body length, or none if its request said so. */
static struct fed feed_body(struct toy_dir *d, struct env *env, enum side side,
			    const struct input *in, const struct toy_head *h)
{
	struct message m = message_of(h, side);
	uint32_t length = h->length, whole = h->size;
	if (m.kind == MESSAGE_RESPONSE && length) {
		int cookie = env->ops->ask(env, side, m.key, in->offset);
		if (cookie == ASK_UNKNOWN) {
			say_begin(env, side, m, h->length, in->offset);
			say_end(env, side, m, MESSAGE_CUT, view_of(NULL, 0), in->offset + whole);
			d->resync = true;
			return (struct fed){.is = FED_OK, .used = whole};
		}
		length = cookie == 1 ? 0 : length;
	}
	if (length >= TOY_SKIP) {
		say_begin(env, side, m, h->length, in->offset);
		d->open = m;
		d->open.offset = in->offset + whole + length;
		d->is_open = true;
		return (struct fed){.is = FED_OK, .used = whole, .skip = length};
	}
	struct view text = view_first(view_from(in->bytes, whole), length);
	if (to_magic(text, 0) < text.size)
		return bad_until_magic(in->bytes);
	whole += length;
	if (in->bytes.size < whole)
		return (struct fed){.is = FED_MORE, .want = whole};
	if (m.kind == MESSAGE_REQUEST && h->flags & TOY_CANCEL) {
		say_end(env, side, m, MESSAGE_CANCEL, text, in->offset + whole);
	} else {
		say_begin(env, side, m, h->length, in->offset);
		say_end(env, side, m, 0, text, in->offset + whole);
	}
	return (struct fed){.is = FED_OK, .used = whole};
}

static void close_open(struct toy_dir *d, struct env *env, enum side side, unsigned flags)
{
	if (d->is_open)
		say_end(env, side, d->open, flags, view_of(NULL, 0), d->open.offset);
	memset(&d->open, 0, sizeof d->open);
	d->is_open = false;
}

static struct fed toy_feed(struct toy *t, struct env *env, enum side side, const struct input *in,
			   bool keyed)
{
	struct toy_dir *d = &t->dir[side];
	struct toy_head h;
	close_open(d, env, side, in->lost ? MESSAGE_GAP : 0);
	if (!in->bytes.size)
		return (struct fed){.is = FED_OK};
	if (d->resync) {
		uint32_t n = to_magic(in->bytes, 0);
		d->resync = n == in->bytes.size;
		if (n)
			return (struct fed){.is = FED_OK, .junk = n};
	}
	int head = read_head(in->bytes, keyed, side, &h);
	if (head < 0)
		return bad_until_magic(in->bytes);
	if (!head)
		return (struct fed){.is = FED_MORE, .want = keyed ? 4 : 3};
	return feed_body(d, env, side, in, &h);
}

static struct fed fifo_feed(void *state, struct env *env, enum side side, const struct input *in)
{
	return toy_feed(state, env, side, in, false);
}

static struct fed keyed_feed(void *state, struct env *env, enum side side, const struct input *in)
{
	return toy_feed(state, env, side, in, true);
}

static enum gap_answer toy_gap(void *state, struct env *env, enum side side, uint64_t bytes,
			       enum why why)
{
	struct toy_dir *d = &((struct toy *)state)->dir[side];
	(void)bytes, (void)why;
	close_open(d, env, side, MESSAGE_CUT);
	d->resync = true;
	return GAP_RESYNC;
}

static void toy_end(void *state, struct env *env, enum side side, enum end_reason reason)
{
	struct toy_dir *d = &((struct toy *)state)->dir[side];
	(void)reason;
	close_open(d, env, side, MESSAGE_CUT);
	d->resync = false;
}

/* 1: begins with a whole message, 0: perhaps, -1: no. */
static int looks(struct view v, bool keyed, enum side side)
{
	struct toy_head h;
	int head = read_head(v, keyed, side, &h);
	if (head <= 0)
		return head;
	uint32_t whole = h.size + h.length;
	struct view rest = view_from(v, h.size);
	if (to_magic(view_first(rest, h.length), 0) < view_first(rest, h.length).size)
		return -1;
	if (v.size < whole)
		return 0;
	return v.size == whole || v.data[whole] == TOY_MAGIC ? 1 : -1;
}

static struct probed toy_probe(struct view a, struct view b, bool keyed)
{
	struct probed need = {.is = PROBE_NEED}, no = {.is = PROBE_NO};
	int client = a.size ? looks(a, keyed, FROM_CLIENT) : 0;
	if (!a.size && b.size)
		return looks(b, keyed, FROM_SERVER) < 0 ? no : need;
	if (client == 0)
		return need;
	return client < 0 ? no : (struct probed){.is = PROBE_YES, .confidence = 80};
}

static struct probed fifo_probe(struct view a, struct view b)
{
	return toy_probe(a, b, false);
}

static struct probed keyed_probe(struct view a, struct view b)
{
	return toy_probe(a, b, true);
}

/* hold_max: the longest body that is held, and its head. */
#define TOY_COMMON                                                                                 \
	.transports = TRANSPORT_TCP | TRANSPORT_UDP, .state_bytes = sizeof(struct toy),            \
	.hold_max = TOY_SKIP + 4, .fields = toy_fields, .gap = toy_gap, .end = toy_end

const struct protocol_ops toy_fifo_ops = {
	.name = "toy_fifo",
	.pairing = PAIR_FIFO,
	.probe = fifo_probe,
	.feed = fifo_feed,
	TOY_COMMON,
};

const struct protocol_ops toy_keyed_ops = {
	.name = "toy_keyed",
	.pairing = PAIR_KEY_REUSED,
	.probe = keyed_probe,
	.feed = keyed_feed,
	TOY_COMMON,
};

const struct protocol_ops toy_unique_ops = {
	.name = "toy_unique",
	.pairing = PAIR_KEY_UNIQUE,
	.feed = keyed_feed,
	TOY_COMMON,
};

const struct protocol_ops *const toys_all[] = {
	&toy_fifo_ops,
	&toy_keyed_ops,
	&toy_unique_ops,
	NULL,
};
