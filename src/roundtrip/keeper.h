/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The keeper pairs requests with answers. It is the sink of a feeder (which it contains) and gives
 * every finished round trip, unanswered request and orphaned answer to its world's `emit`, once.
 *
 * Nothing is ever paired with what it may not belong to; losing a pair is counted, inventing one is a bug.
 *
 * By key: requests and answers find each other in the worker's key table. In line (FIFO): the head of
 * the line is next to be answered while the line is *anchored*. A hole raises a barrier; behind it requests
 * and answers *float* until the next quiet turn, at which the last answers belong to the last requests. A flow
 * that keeps requests in flight across turns is *sliding* and never anchored again. docs/MAP.md has a page
 * on pairing, with the rules (a) to (d) of a quiet turn.
 */
#include "protocol/feeder.h"
#include "roundtrip/keys.h"
#include "roundtrip/roundtrip.h"

enum {
	KEEPER_FLOAT_MAX = 256,    /* floating requests, and answers, of one flow: some 100 KiB */
	KEEPER_OPEN_MAX = 1 << 20, /* open requests of one flow: a DNS forwarder's, with room */
	KEEPER_PENDING_MAX = 16,   /* records of a guess: after so many whole messages it held */
	KEEPER_LATE_MAX = 1 << 16, /* timed-out keys remembered of one flow: 4 MiB */
	KEEPER_SEEK_MAX = 64,      /* open requests looked through for one without its key */
	KEEPER_FIELDS_MAX = 256 << 10, /* bytes of fields of one message, in a block of their own */
	KEEPER_ANSWER_MAX = 2048,      /* bytes of fields of an answer that is recorded at once */
	KEEPER_NAMES = 256,            /* slots for names: an entry's index is a byte ... */
	KEEPER_NAMES_MAX = 128,        /* ... half of them in use: every decoder has one or two */
};

struct keeper;

/* Who sent a message, and to whom, in a conversation of more than two (mDNS). */
struct peers {
	struct endpoint from, to;
} __attribute__((aligned(8))); /* an entry follows it in memory */

/* What a message calls itself: two pointers that entries keep as one byte. */
struct keeper_name {
	const char *protocol; /* NULL: a free slot */
	const struct field_def *defs;
};

/* What the keepers of one worker share. `feeder`, `emit` and its friends are the worker's to fill in. */
struct keeper_world {
	struct feeder_world feeder; /* first: a keeper finds its world through its feeder */
	struct key_table keys;
	struct keeper_name names[KEEPER_NAMES]; /* by a hash of the two */
	unsigned name_count;
	uint8_t last_name;                 /* of the newest entry */
	uint8_t answer[KEEPER_ANSWER_MAX]; /* packed fields of the answer being recorded */
	const struct peers *peers; /* for keepers of `many`: those of the packet being fed */
	/* One record; `rt` and all in it live until the call returns. Endpoints, place, protocol number
	 * and RTT are still empty: the worker knows them. */
	void (*emit)(void *data, struct keeper *k, struct roundtrip *rt);
	/* TCP health of the conversation so far, and bytes lost; false: nothing happened yet. May be NULL. */
	bool (*health)(void *data, const struct keeper *k, struct tcp_health *ret,
		       uint64_t *ret_lost);
	/* The end of the highest server byte that is captured and, as its segment's acknowledgement tells, was
	 * sent before the server had the client's byte `offset`; 0: none that did not go out. May be NULL. */
	uint64_t (*sent_before)(void *data, const struct keeper *k, uint64_t offset);
	void *data;
	uint64_t stuck_ns; /* a request that waits so long for its answer is told of; 0: never */
};

/* A conversation has one all its life: what is rarely needed is elsewhere. */
struct keeper {
	struct feeder feeder;      /* first: a feeder of ours is a keeper */
	struct entry *head, *tail; /* open requests, oldest first */
	union {
		struct {
			struct entry *request, *response; /* in line: begun and not ended */
		};
		struct {
			struct entry *answers, *answers_tail; /* by key: the same, oldest first */
		};
	};
	struct keeper_aside *aside; /* floating answers, records of a guess; NULL: none (aside.h) */
	union {
		uint64_t
			last_ack; /* in line: what the previous request's first segment acknowledged */
		struct late_key
			*late; /* by key: the newest of those that timed out lately; NULL: none */
	};
	uint32_t open; /* requests in line */
	/* Not anchored: of these, before the barrier. At most KEEPER_OPEN_MAX. */
	uint32_t ahead : 21;
	uint32_t keyed : 1;    /* pairs by key, else in line */
	uint32_t loose : 1;    /* not anchored */
	uint32_t sliding : 1;  /* keeps requests in flight across turns */
	uint32_t evidence : 1; /* a quiet turn with nothing open was seen */
	uint32_t trust : 1;    /* anchored again without evidence: pairs are `partial: order` */
	uint32_t asked : 1;    /* a request was seen: the first one is no turn */
	uint32_t
		after_hole : 1; /* no request since the client hole; by key: no answer since the server's */
	uint32_t midstream : 1; /* loose because the connection was open before we came */
	uint32_t dropping : 1;  /* the guess was withdrawn: records vanish */
	uint32_t many : 1;      /* set after init: messages have peers of their own */
};

extern const struct message_sink keeper_sink;

void keeper_init(struct keeper *k, struct keeper_world *world, const struct protocol_ops *forced);
/* The flow is over: everything open is unanswered, everything floating an orphan. Then keeper_done. */
void keeper_finish(struct keeper *k, enum end_reason reason);
/* Frees everything, silently; the feeder too. */
void keeper_done(struct keeper *k);

/* When keeper_tick has something to do; UINT64_MAX: never. */
uint64_t keeper_deadline(const struct keeper *k);
/* The same for requests that wait for stuck_ns. The first one is told of in time, those behind one that was
 * told already at most an eighth later: nothing is looked for at every packet. */
uint64_t keeper_stuck_deadline(const struct keeper *k, uint64_t now_ns);
/* At a tick: requests whose answer is late by their protocol's timeout are said unanswered, once; those that wait
 * for stuck_ns are told of as STATUS_OPEN, once, and go on waiting. */
void keeper_tick(struct keeper *k, uint64_t now_ns);
/* An ICMP error tells that the request whose key has these bits under `mask` got no answer: it ends as an error. False
 * when it is not known which one that is. */
bool keeper_fail(struct keeper *k, uint64_t key, uint64_t mask);
/* Nothing open, floating, half seen, or lately timed out. */
bool keeper_at_rest(const struct keeper *k);
