/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The state of a Redis connection, and what the files of this decoder share. redis.c decides what follows what;
 * request.c reads commands, reply.c answers, find.c finds boundaries, command.c knows the commands.
 */
#include "protocol/decoder.h"
#include "protocols/redis/command.h"

enum {
	/* A line without arguments' lengths is held until it is whole. Redis stops at 64 KiB, too. */
	INLINE_MAX = 65536,
	LINE_MAX_KEPT = 512,  /* of a status or an error; the rest of a longer one passes */
	NUMBER_LINE_MAX = 24, /* a type, 20 digits, a sign, CR LF */
	NAME_MAX_KEPT = 64,   /* the longest command has 20 */
	SUB_MAX_KEPT = 24,    /* the longest subcommand has 16 */
	TEXT_MAX_KEPT = 256,  /* of a key, a channel, a password, an error's message */
	STREAMS_MAX = 2,      /* nested aggregates of unknown length: no server sends any */
};
/* Bulks and aggregates: Redis refuses more than 512 MB, unless told otherwise, and 2^31 elements. */
#define BULK_MAX ((uint64_t)1 << 40)
#define COUNT_MAX ((uint64_t)1 << 31)
#define REPLIES_ALL UINT32_MAX /* UNSUBSCRIBE from everything: the counts tell which is the last */
#define PATTERNS_UNKNOWN UINT16_MAX

/* What the next byte of a direction is. */
enum at {
	AT_START,  /* of a message */
	AT_VALUES, /* of an argument, or of a value inside of an answer; or the end of the message */
	AT_LINE,   /* server: in a line that passes */
	AT_CHUNK,  /* server: of a part of a streamed string */
	AT_CONFIRM,    /* server: of the next confirmation of the same SUBSCRIBE */
	AT_ATTRIBUTED, /* server: of the answer itself, behind its attributes */
	AT_RESYNC,     /* anything: we look for a boundary */
};

enum client_flag {
	CLIENT_LOST = 1, /* bytes of this request were not seen */
	REPLY_OFF = 2,   /* CLIENT REPLY OFF */
	REPLY_SKIP = 4,  /* CLIENT REPLY SKIP: for this request */
	IN_MULTI = 8,
	OFF_SURE =
		16, /* REPLY_OFF, whoever is answered: requests were lost before it, and none since */
	MIDLINE = 4096, /* of both sides: RESYNC, amid a line whose last byte was seen */
};

enum server_flag {
	SERVER_LOST = 1,
	PUSHING = 2,      /* the message is a push */
	SUBSCRIBED = 4,   /* RESP2: arrays may be messages of a channel */
	SYNCING = 8,      /* SYNC or PSYNC was sent */
	TURN = 16,        /* RESYNC: a request began, so an answer may begin with the next byte */
	UNSURE = 32,      /* requests were lost: anything may be on its way */
	DRIFT = 64,       /* answers were lost: `open` is too high */
	ATTRIBUTES = 128, /* the values are attributes: the answer follows */
	ERRORED = 256,
	SILENT = 512, /* it is no message of its own: a part of one that nobody knows */
	MASTER_MAYBE =
		1024, /* joined midway: the client may be a master that writes to its replica */
	EXEC_CONFIRMS = 2048, /* an EXEC was sent for a transaction with a SUBSCRIBE inside */
	CONFIRMS = 4096,      /* the message is the answer to it */
	OF_MESSAGE = SERVER_LOST | PUSHING | ATTRIBUTES | ERRORED | SILENT | CONFIRMS,
};

/* The words with which confirmations and published messages begin. */
enum redis_word {
	WORD_NONE,
	WORD_SUBSCRIBE, /* RULE_SUBSCRIBE, and so on */
	WORD_PSUBSCRIBE,
	WORD_SSUBSCRIBE,
	WORD_UNSUBSCRIBE,
	WORD_PUNSUBSCRIBE,
	WORD_SUNSUBSCRIBE,
	WORD_MESSAGE, /* pmessage and smessage, too */
	WORD_MORE,    /* it is not whole */
};

/* A request's cookie: one of these or of redis_word up to SUNSUBSCRIBE, and above it how many channels. */
enum {
	COOKIE_PING = 8,
	COOKIE_SYNC,
	COOKIE_PSYNC,
	COOKIE_EXEC, /* above it `queued` */
	COOKIE_KIND = 15,
	COOKIE_SHIFT = 4
};
enum { CHANNELS_MAX = 1 << 26 }; /* of one command that are told apart */

/* All zero between messages, but for a mode the connection is in and answers that are still to come. */
struct redis {
	uint64_t next[2]; /* offset of the next byte we want, while a message is open */
	/* arguments, values still to come. START: bytes of an incomplete line that were looked at.
	 * RESYNC of the server, after a TURN: requests since then. */
	uint32_t left[2];
	/* requests whose answers are out; and of those, up to the last one whose answer may be an aggregate
	 * of scalars, or anything */
	uint16_t open, flat, any;
	uint16_t errors;             /* inside of this answer; or the confirmations it has had */
	uint32_t replies;            /* confirmations still to come, with this one */
	uint32_t outer[STREAMS_MAX]; /* values to come behind each open streamed aggregate */
	uint16_t channels, patterns; /* subscribed to, as confirmations said: both, and patterns */
	uint16_t flags[2];
	uint8_t at[2];
	uint8_t word;    /* of the confirmations this answer consists of; 0: it is another one */
	uint8_t counted; /* of the confirmation whose last number is to come, answer or push */
	uint8_t depth;   /* of outer */
	/* of the open request: what it is (enum redis_rule), the number of its key, of its next argument, what
	 * that one is (enum expect), the last one that matters, and which fields were said (enum said) */
	uint8_t rule, key, arg, expect, until, said;
	/* in the open transaction: 0 without any SUBSCRIBE and its kin, else 1 and their confirmations beyond
	 * the first of each */
	uint8_t queued;
};
_Static_assert(sizeof(struct redis) <= 64, "small enough to be given back between messages");

/* What the next argument is, when the one before told. */
enum expect {
	EXPECT_NOTHING,
	EXPECT_KEY,
	EXPECT_PASSWORD,
	EXPECT_USER, /* then a password */
	EXPECT_VALUE,
	EXPECT_TWO_VALUES,
	REPLY_SAYS_ON, /* in fact what CLIENT REPLY was told */
	REPLY_SAYS_OFF,
	REPLY_SAYS_SKIP,
	SAYS_ACK, /* REPLCONF ACK */
};

enum said { SAID_KEY = 1, SAID_USER = 2, SAID_PASSWORD = 4 };

enum redis_field {
	COMMAND,
	KEY,
	CHANNEL,
	ARGUMENT_COUNT,
	INLINE,
	USER,
	PASSWORD,
	TYPE,
	ERROR,
	MESSAGE,
	VALUE_BYTES,
	ELEMENTS,
	REPLIES,
	NESTED_ERRORS,
};
extern const struct field_def redis_fields[];

enum { FIELDS_A_CALL = 8 };

/* One call of feed. */
struct pass {
	struct redis *r;
	struct env *env;
	const struct input *in;
	enum side side;
	uint32_t used;
	struct fed fed; /* the answer; `used` is filled in at the end */
	/* a request's begin is said when there is something to say */
	bool begin;
	int cookie;
	uint64_t from;
	unsigned fields;
	struct field field[FIELDS_A_CALL];
	char name[NAME_MAX_KEPT + SUB_MAX_KEPT + 1]; /* the command, if it is not in the table */
};

static inline struct view left_of(const struct pass *p)
{
	return view_from(p->in->bytes, p->used);
}

static inline uint64_t offset_of(const struct pass *p)
{
	return p->in->offset + p->used;
}

/* Fields nobody will read are not put; the command alone may be wanted. */
static inline bool is_wanted(const struct pass *p, enum redis_field id)
{
	return p->env->wants & (id == COMMAND ? WANT_FIELDS | WANT_OPERATION : WANT_FIELDS);
}

static inline void put_text(struct pass *p, enum redis_field id, struct view text)
{
	if (!is_wanted(p, id))
		return;
	struct field *f = &p->field[p->fields++];
	f->id = id;
	f->mark = id == PASSWORD ? FIELD_SECRET : 0;
	f->text = text;
}

static inline void put_number(struct pass *p, enum redis_field id, uint64_t number)
{
	if (!is_wanted(p, id))
		return;
	struct field *f = &p->field[p->fields++];
	f->id = id;
	f->mark = 0;
	f->number = number;
}

/* The states return true to go on, or false through one of these. */
static inline bool stop(struct pass *p)
{
	p->fed = (struct fed){.is = FED_OK};
	return false;
}

static inline bool need(struct pass *p, uint32_t want)
{
	p->fed = (struct fed){.is = FED_MORE, .want = want};
	return false;
}

/* Passes `n` bytes, in hand or not; false when some are still to come. */
static inline bool pass_bytes(struct pass *p, uint64_t n)
{
	uint32_t there = p->in->bytes.size - p->used;
	if (n <= there) {
		p->used += (uint32_t)n;
		return true;
	}
	p->used += there;
	p->fed = (struct fed){.is = FED_OK, .skip = n - there};
	return false;
}

/* The rest of the connection is not looked at. */
static inline bool bypass(struct pass *p)
{
	p->fed = (struct fed){.is = FED_OK, .skip = UINT64_MAX};
	return false;
}

enum found { FOUND_NO, FOUND_MORE, FOUND_YES };

/* What is there makes no sense. We look for a boundary, from the next byte on if this one is `skipped`. */
bool redis_fail(struct pass *p, bool skipped, enum why why);

/* request.c: a request begins; its arguments go on. */
bool redis_on_request(struct pass *p);
bool redis_on_arguments(struct pass *p);
/* Says what is still to be said of the request. */
void redis_flush(struct pass *p);
/* It is over: whole, or with CUT. True: an acknowledgement of a replica. */
bool redis_end_request(struct env *env, struct redis *r, unsigned flags, uint64_t offset);

/* reply.c: an answer or a push begins; what it consists of goes on. */
bool redis_on_reply(struct pass *p);
bool redis_on_confirm(struct pass *p);
/* The value at the top is over. */
bool redis_end_value(struct pass *p);
void redis_end_reply(struct env *env, struct redis *r, unsigned flags, uint64_t offset);

/* values.c */
/* The number at the end of a confirmation: subscriptions that are left. */
void redis_take_count(struct redis *r, enum redis_word word, uint64_t count);
/* The connection is reset: no subscription is left. */
void redis_forget_subscriptions(struct redis *r);
bool redis_on_values(struct pass *p);
bool redis_on_line(struct pass *p);
bool redis_on_chunk(struct pass *p);
/* Ends the answer, which is wrong here; with no_end(): no line end behind a bulk of that size, framing included. That
 * is seen only when both are in hand: a bulk is skipped with its line end. */
bool redis_broken(struct pass *p, enum why why);
bool redis_no_end(struct pass *p, uint64_t size);

/* find.c: the word that is the first of these elements, if it is one of pub/sub. */
enum redis_word redis_word_of(struct view elements);
/* Does a confirmation, from its word on, name nothing? Then it is the only one of its request. */
enum found redis_names_nothing(struct view v);
/* Is this a line of MONITOR? */
enum found redis_is_monitor(struct view v);
/* Is this the beginning of a command, beyond doubt? */
enum found redis_is_request(struct view v);
/* Is this the beginning of something that is at no other place than between answers? */
enum found redis_is_push(struct view v);
/* Can a message begin here? `turn`: the first byte behind a new request. */
enum found redis_is_boundary(const struct redis *r, enum side side, struct view v, bool turn);
bool redis_on_resync(struct pass *p);
/* MASTER_MAYBE: what the other side says tells. True: it is a server; go on. */
bool redis_hear_replica(struct pass *p);
struct probed redis_probe(struct view a, struct view b);
