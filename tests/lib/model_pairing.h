/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The model's pairing: requests in line or by key, floating answers, quiet turns. It is told of messages by the
 * decoder (it is the decoder's env) and of holes by the plain feeder, which is its first member.
 */
#include "model.h"
#include "plain_feeder.h"

enum {
	MODEL_MESSAGES_MAX = 1536, /* of a side; more than gencap makes */
	MODEL_ANSWERS_MAX = 8,     /* at once; more than a decoder has */
};

struct part { /* one message */
	const struct packet *first;
	int64_t from, to;
	int64_t reached; /* as the decoder said before its end; 0: it did not */
	uint64_t last_ns, key;
	unsigned flags;
	int cookie;
	bool endless; /* its end was never told */
};

struct request {
	struct part q, a;
	int state;
	bool ended, floats, after_hole, hole[SIDES];
	unsigned partial;
};

struct answer {
	struct part a;
	struct request *of; /* in line: whose it is */
	bool active, floats;
};

struct model_pairing {
	struct plain_feeder feeder; /* first */
	void (*emit)(void *data, const struct model_record *r);
	void *data;
	uint64_t at, now_ns;     /* of the packet or tick being looked at */
	unsigned client, server; /* dirs */
	bool keyed, barrier, sliding, evidence, trust, has_previous;
	bool hole[SIDES]; /* messages may have been lost since the last one began */
	int64_t previous_ack;
	struct request requests[MODEL_MESSAGES_MAX], *end; /* all of them, answered or not */
	size_t floating_count;
	struct answer
		answers[MODEL_ANSWERS_MAX]; /* being received: by key several, else the first */
	struct part floating[MODEL_MESSAGES_MAX];
};

/* `p` is zero but for emit, data, at and now_ns. */
void model_pairing_init(struct model_pairing *p, const struct protocol_ops *ops, unsigned client);
/* The flow is over. */
void model_pairing_close(struct model_pairing *p, enum reason reason);

/* model.c: what a packet acknowledges, as an offset of the other direction; -1: nothing, or not to be known. */
int64_t model_ack(const struct model_pairing *p, const struct packet *packet);
/* model.c: the end of the server's held bytes that were sent before it had the client's `offset`. */
int64_t model_sent_before(const struct model_pairing *p, int64_t offset);
