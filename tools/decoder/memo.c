/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memo: a made-up protocol; docs/DECODER.md explains this file.
 *
 * spec: protocols/memo/README.md (name yours with its sections: RFC 9112 6.3)
 *
 *    0      1      2      3      4      5      6
 *   +------+------+------+------+------+------+--------------+
 *   | 0xff | type |     id      |   length    | text[length] |   id, length: big endian
 *   +------+------+------+------+------+------+--------------+
 *
 *   type   client: G get, L login, N note (nobody answers)   server: K ok, E error, P push
 *   text   UTF-8, so 0xff is not in it: behind a hole it tells where a message may begin
 */
#include "protocol/decoder.h"

enum {
	MAGIC = 0xff,
	HEAD_SIZE = 6,
	LENGTH_MAX = 16384, /* the specification's; a longer one is no message */
	TEXT_MAX = 256, /* held and shown; longer ones are skipped: nobody reads them in a log */
};

enum { OPERATION, ID, TEXT_BYTES, TEXT };

static const struct field_def fields[] = {
	[OPERATION] = {"operation", FIELD_TEXT, 1 | FIELD_OPERATION, "get, login or note"},
	[ID] = {"id", FIELD_NUMBER, 3, "chosen by the client; the answer repeats it"},
	[TEXT_BYTES] = {"text_bytes", FIELD_NUMBER, 3, "bytes of the text"},
	[TEXT] = {"text", FIELD_TEXT, 3, "the text, up to 256 bytes; secret in a login"},
	{0},
};

static const struct type {
	uint8_t byte;
	bool secret; /* the text, and that of the answer */
	enum side side;
	enum message_kind kind;
	unsigned flags;
	const char *operation;
} types[] = {
	{'G', false, FROM_CLIENT, MESSAGE_REQUEST, 0, "get"},
	{'L', true, FROM_CLIENT, MESSAGE_REQUEST, 0, "login"},
	{'N', false, FROM_CLIENT, MESSAGE_REQUEST, MESSAGE_ONEWAY, "note"},
	{'K', false, FROM_SERVER, MESSAGE_RESPONSE, MESSAGE_FINAL, ""},
	{'E', false, FROM_SERVER, MESSAGE_RESPONSE, MESSAGE_FINAL | MESSAGE_ERROR, ""},
	{'P', false, FROM_SERVER, MESSAGE_PUSH, 0, ""},
};

/* What the next byte of a direction is. */
enum at {
	AT_HEAD,    /* of a head */
	AT_TEXT,    /* of a text that is held until it is whole */
	AT_SKIPPED, /* the first one behind a text that is being skipped */
	AT_RESYNC,  /* anything: we look for a head */
};

/* One direction; all zero between messages. */
struct half {
	uint64_t end;            /* offset behind the open message */
	const struct type *type; /* of the open message; NULL: none is open */
	uint16_t length;         /* of its text */
	bool secret;             /* its text is */
#if KEYED
	uint16_t id;
#endif
	uint8_t at;
};

struct conversation {
	struct half half[2];
};

/* --- leaf parsers --- */

struct head {
	const struct type *type;
	uint16_t id, length;
};

static const struct type *find_type(uint8_t byte, enum side side)
{
	for (unsigned i = 0; i < sizeof types / sizeof *types; i++) {
		if (types[i].byte == byte && types[i].side == side)
			return &types[i];
	}
	return NULL;
}

enum found { NO_HEAD, PART_OF_HEAD, HEAD };

/* What `v` begins with. */
static enum found read_head(struct view v, enum side side, struct head *ret_head)
{
	struct reader r = reader_of(v);
	uint8_t magic = reader_u8(&r);
	ret_head->type = find_type(reader_u8(&r), side);
	ret_head->id = reader_be16(&r);
	ret_head->length = reader_be16(&r);
	if ((v.size >= 1 && magic != MAGIC) || (v.size >= 2 && !ret_head->type))
		return NO_HEAD;
	if (r.short_read)
		return PART_OF_HEAD;
	return ret_head->length <= LENGTH_MAX ? HEAD : NO_HEAD;
}

/* Bytes up to the next place where a head may be. */
static uint32_t to_head(struct view v, uint32_t from, enum side side)
{
	struct head head;
	while (from < v.size && read_head(view_from(v, from), side, &head) == NO_HEAD)
		from++;
	return from;
}

/* --- messages --- */

static void begin_message(struct env *env, enum side side, const struct head *head, uint64_t offset)
{
	const struct field f[] = {
		{.id = OPERATION, .text = view_text(head->type->operation)},
		{.id = ID, .number = head->id},
		{.id = TEXT_BYTES, .number = head->length},
	};
	struct message m = {
		.kind = head->type->kind,
		.flags = head->type->flags,
		.offset = offset,
#if KEYED
		.key = head->id,
#endif
		.cookie = head->type->secret,
		.fields = f,
		.field_count = 3,
	};
	if (side == FROM_SERVER) {
		m.fields = f + 1; /* an answer has no operation */
		m.field_count = 2;
	}
	if (!(env->wants & WANT_FIELDS))
		m.field_count = 0;
	env->ops->begin(env, side, &m);
}

/* The open message is over; `text` is empty when it was not read. */
static void end_message(struct env *env, enum side side, struct half *h, unsigned flags,
			struct view text)
{
	const struct field f = {.id = TEXT, .mark = h->secret ? FIELD_SECRET : 0, .text = text};
	const struct message m = {
		.kind = h->type->kind,
		.flags = flags,
		.offset = h->end,
#if KEYED
		.key = h->id,
#endif
		.fields = &f,
		.field_count = text.size > 0,
	};
	env->ops->end(env, side, &m);
	*h = (struct half){0};
}

/* Unless its request is known to be harmless, an answer is taken for one to a login. */
static bool is_secret(struct env *env, enum side side, const struct head *head, uint64_t offset)
{
	if (head->type->kind != MESSAGE_RESPONSE)
		return head->type->secret;
#if KEYED
	return env->ops->ask(env, side, head->id, offset) != 0;
#else
	return env->ops->ask(env, side, 0, offset) != 0;
#endif
}

/* --- one function per state --- */

static struct fed on_head(struct half *h, struct env *env, enum side side, const struct input *in)
{
	struct head head;
	enum found found = read_head(in->bytes, side, &head);
	if (found == PART_OF_HEAD)
		return (struct fed){.is = FED_MORE, .want = HEAD_SIZE};
	if (found == NO_HEAD) {
		h->at = AT_RESYNC;
		return (struct fed){
			.is = FED_BAD, .junk = to_head(in->bytes, 1, side), .why = WHY_MALFORMED};
	}
	*h = (struct half){
		.end = in->offset + HEAD_SIZE + head.length,
		.type = head.type,
		.length = head.length,
		.secret = is_secret(env, side, &head, in->offset),
		.at = AT_TEXT,
	};
#if KEYED
	h->id = head.id;
#endif
	begin_message(env, side, &head, in->offset);
	if (!head.length) {
		end_message(env, side, h, 0, view_of(NULL, 0));
	} else if (head.length > TEXT_MAX || !(env->wants & WANT_FIELDS)) {
		h->at = AT_SKIPPED;
		return (struct fed){.is = FED_OK, .used = HEAD_SIZE, .skip = head.length};
	}
	return (struct fed){.is = FED_OK, .used = HEAD_SIZE};
}

static struct fed on_text(struct half *h, struct env *env, enum side side, const struct input *in)
{
	uint32_t length = h->length;
#if UDP
	if (in->bytes.size < length && in->datagram) { /* the rest will never come */
		end_message(env, side, h, MESSAGE_CUT, view_of(NULL, 0));
		return (struct fed){.is = FED_BAD, .why = WHY_TRUNCATED};
	}
#endif
	if (in->bytes.size < length)
		return (struct fed){.is = FED_MORE, .want = length};
	end_message(env, side, h, 0, view_first(in->bytes, length));
	return (struct fed){.is = FED_OK, .used = length};
}

static struct fed on_resync(struct half *h, struct env *env, enum side side, const struct input *in)
{
	uint32_t junk = to_head(in->bytes, 0, side);
	if (junk)
		return (struct fed){.is = FED_OK, .junk = junk, .why = WHY_LOST};
	return on_head(h, env, side, in);
}

/* --- the decoder --- */

static struct half *half_of(void *state, enum side side)
{
	return &((struct conversation *)state)->half[side];
}

static struct fed feed(void *state, struct env *env, enum side side, const struct input *in)
{
	struct half *h = half_of(state, side);
	if (h->at == AT_SKIPPED) /* all of it passed, or was lost */
		end_message(env, side, h, in->lost ? MESSAGE_GAP : 0, view_of(NULL, 0));
	if (!in->bytes.size)
		return (struct fed){.is = FED_OK};
	if (h->at == AT_TEXT)
		return on_text(h, env, side, in);
	if (h->at == AT_RESYNC)
		return on_resync(h, env, side, in);
	return on_head(h, env, side, in);
}

static enum gap_answer gap(void *state, struct env *env, enum side side, uint64_t bytes,
			   enum why why)
{
	struct half *h = half_of(state, side);
	(void)bytes, (void)why;
	if (h->type)
		end_message(env, side, h, MESSAGE_CUT | MESSAGE_GAP, view_of(NULL, 0));
	h->at = AT_RESYNC;
	return GAP_RESYNC;
}

static void end(void *state, struct env *env, enum side side, enum end_reason reason)
{
	struct half *h = half_of(state, side);
	(void)reason;
	if (h->type)
		end_message(env, side, h, MESSAGE_CUT, view_of(NULL, 0));
	*h = (struct half){0};
}

static struct probed probe(struct view a, struct view b)
{
	struct head head;
	bool perhaps = false;
	for (uint8_t client = 0; client < 2; client++) {
		enum found c = read_head(client ? b : a, FROM_CLIENT, &head);
		enum found s = read_head(client ? a : b, FROM_SERVER, &head);
		if (c == NO_HEAD || s == NO_HEAD)
			continue;
		perhaps = true;
		/* 16 fixed bits are a good guess; a pair must prove it */
		if (c == HEAD || s == HEAD)
			return (struct probed){.is = PROBE_YES, .confidence = 80, .client = client};
	}
	if (perhaps)
		return (struct probed){.is = PROBE_NEED, .need = HEAD_SIZE};
	return (struct probed){.is = PROBE_NO};
}

static const uint16_t ports[] = {7711, 0};

const struct protocol_ops memo_ops = {
	.name = "memo",
#if UDP
	.transports = TRANSPORT_TCP | TRANSPORT_UDP,
	.answer_timeout_ms = 5000, /* a datagram may be lost: nobody waits for longer */
#else
	.transports = TRANSPORT_TCP,
#endif
	.port_hints = ports,
	.pairing = PAIR_FIFO,
	.state_bytes = sizeof(struct conversation),
	.hold_max = TEXT_MAX, /* a text that is shown; a head is shorter */
	.fields = fields,
	.probe = probe,
	.feed = feed,
	.gap = gap,
	.end = end,
};
