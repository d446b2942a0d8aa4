/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A message the keeper keeps: an open request, an answer being received or set aside. Private to src/roundtrip.
 *
 * A flow with a request open is mostly this, so it is one pool block with only what its message needs:
 *
 *   [peers] [health: what the flow had suffered before a request] [key: by key] entry, packed fields
 *
 * The parts in front are there when a flag says so. Fields that outgrow the block move to one of their own.
 */
#include "roundtrip/keeper.h"

enum entry_flag {
	ENTRY_HEALTH = 1, /* has a part for the health in front */
	ENTRY_KEY = 2,    /* has a part for its key in front */
	ENTRY_GROWN = 4,  /* the fields have a block of their own */
	ENTRY_ENDED = 8,
	ENTRY_ERROR = 16,
	ENTRY_PAIRED = 32,       /* an answer that began as the head's */
	ENTRY_TIMED_OUT = 64,    /* a request already said unanswered */
	ENTRY_KEYED = 128,       /* in the key table */
	ENTRY_ANSWERED = 256,    /* a request with its answer: `answer` is valid */
	ENTRY_HOLE_CLIENT = 512, /* a client hole was seen since it began */
	ENTRY_HOLE_SERVER = 1024,
	ENTRY_PEERS = 2048,  /* has a part for its peers in front */
	ENTRY_TOLD = 4096,   /* a request already told of as open */
	ENTRY_FLOATS = 8192, /* an answer that began behind a barrier */
};

struct entry {
	struct entry *next;
	union {
		struct entry *prev;   /* a request in line */
		struct entry *answer; /* a request kept with its answer; then it is not in line */
		uint64_t ack;         /* an answer, or a request by key that has none */
	};
	uint64_t from, to;
	uint64_t first_ns, last_ns, first_frame, last_frame;
	int cookie;
	uint32_t fields_size;
	uint16_t flags; /* enum entry_flag */
	uint16_t partial;
	uint8_t flags_begin; /* enum message_flag, as given at begin */
	uint8_t name;        /* protocol and field table: index into keeper_world.names */
	uint8_t block;       /* size of the block, in steps of ENTRY_STEP */
	uint8_t status : 3, reason : 5; /* of a pending record */
	uint8_t inline_fields[];        /* GROWN: a pointer to struct entry_fields */
};

/* Of the flow, when the request began; left out when all is zero, as it mostly is. */
struct entry_health {
	uint32_t lost, retransmits, out_of_order, zero_windows;
};

struct entry_key {
	struct key_link link; /* first */
	struct entry *prev;   /* requests and answers by key may go from the middle of their list */
};

/* The fields of a message that outgrew its entry. */
struct entry_fields {
	uint32_t room;
	uint8_t bytes[];
};

enum {
	ENTRY_STEP = 16,  /* every pool block is a multiple of it */
	ENTRY_MAX = 3072, /* the biggest pool block whose steps fit in a byte */
	/* For what comes at a message's end: two numbers, the sizes of its body. A request's are small ... */
	ENTRY_SPARE_REQUEST = 8,
	ENTRY_SPARE_ANSWER = 20, /* ... and an answer is not kept for long */
};

static inline struct keeper_world *world_of(const struct keeper *k)
{
	return (struct keeper_world *)k->feeder.world;
}

static inline struct counters *counters_of(const struct keeper *k)
{
	return k->feeder.world->counters;
}

static inline struct entry_key *entry_key(const struct entry *e)
{
	return (struct entry_key *)(void *)e - 1;
}

static inline struct entry *entry_of_link(struct key_link *link)
{
	return (struct entry *)((struct entry_key *)link + 1);
}

static inline struct entry_health *entry_health(const struct entry *e)
{
	void *behind = e->flags & ENTRY_KEY ? (void *)entry_key(e) : (void *)e;

	return (struct entry_health *)behind - 1;
}

/* Of an entry with PEERS, which has no health. */
static inline struct peers *entry_peers(const struct entry *e)
{
	void *behind = e->flags & ENTRY_KEY ? (void *)entry_key(e) : (void *)e;

	return (struct peers *)behind - 1;
}

static inline struct entry_fields *entry_grown(const struct entry *e)
{
	struct entry_fields *grown;

	memcpy(&grown, e->inline_fields, sizeof(grown));
	return grown;
}

static inline struct view entry_fields(const struct entry *e)
{
	const uint8_t *bytes = e->flags & ENTRY_GROWN ? entry_grown(e)->bytes : e->inline_fields;

	return view_of(bytes, e->fields_size);
}

/* A new entry for a message that begins, with a key part if the keeper pairs by key; NULL when memory ran out. */
struct entry *entry_new(struct keeper *k, const struct message *m, const struct origin *origin);
/* `e` may be NULL. An answer kept with it stays. */
void entry_free(struct keeper *k, struct entry *e);
/* A copy outside of every list and without a key; NULL when memory ran out. */
struct entry *entry_copy(struct keeper *k, const struct entry *e);
/* Packs more fields; those that do not fit in the cap are dropped and the entry is `partial: limit`. */
void entry_add(struct keeper *k, struct entry *e, const struct message *m);
/* Notes how far a message came. */
static inline void entry_reach(struct entry *e, uint64_t to, const struct origin *origin)
{
	e->to = to;
	e->last_ns = origin->ts_ns;
	e->last_frame = origin->frame;
}

/* Notes the end of a message; if it was seen to reach there before, that was when. */
void entry_end(struct entry *e, uint64_t end, const struct origin *origin);

/* An answer waits with its request, which is in no line any more. */
static inline void entry_put_answer(struct entry *request, struct entry *answer)
{
	request->answer = answer;
	request->flags |= ENTRY_ANSWERED;
}

/* NULL: it has none. */
static inline struct entry *entry_take_answer(struct entry *e)
{
	if (!(e->flags & ENTRY_ANSWERED))
		return NULL;
	e->flags &= (uint16_t)~ENTRY_ANSWERED;
	return e->answer;
}

/* What the flags of a message say could not be known of it: enum partial. */
static inline uint16_t partial_of(unsigned flags)
{
	unsigned partial = flags & MESSAGE_CUT ? PARTIAL_CUT : 0;

	if (flags & MESSAGE_GAP)
		partial |= flags & MESSAGE_SNAPLEN ? PARTIAL_SNAPLEN : PARTIAL_GAP;
	return (uint16_t)partial;
}
