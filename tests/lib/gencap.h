/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Random captures of one conversation by a toy protocol, Redis or DNS (sometimes two, one after the other, on the same
 * 5-tuple), made by two simulated TCP endpoints with delayed acknowledgements and retransmissions, a path that loses, and a
 * capture that loses, copies and reorders. A seed makes the same capture for ever.
 *
 * Conversations of datagrams (GENCAP_UDP) are in gencap_udp.c.
 *
 * The generator knows the truth: which answer belongs to which request. gencap_pair_true() tells, for a
 * record's offsets, whether a pair is right; it needs no model.
 */
#include "packet/packet.h"
#include "protocol/decoder.h"

struct gencap_message {
	uint64_t from; /* offset in its stream */
	int answer; /* index of the answer to this request, or of the one that this is a part of; -1: none */
	int same; /* request: of those that say the same, so that an answer may be to any, the first */
};

struct gencap_conversation {
	struct gencap_message *requests, *answers;
	unsigned request_count, answer_count;
	uint8_t *stream[2]; /* client's, server's */
	uint64_t start_ns;  /* first captured packet */
	/* Stream offset that is offset 0 of a record, client's and server's: the first that the capture tells of,
	 * or 0 when a SYN came late (model.c, 1). */
	int64_t base[2][2];
};

struct gencap {
	const struct protocol_ops *ops;
	bool datagrams;
	unsigned client; /* dir of the client */
	struct packet *
		packets; /* in order of capture: index, ts_ns and now_ns set; payloads belong to this */
	size_t count;
	struct gencap_conversation conversation[2];
	unsigned conversations;
	char text[512]; /* what was done, for people */
};

enum { GENCAP_SERVER_PORT = 7000 };

/* What they talk. */
enum gencap_talk { GENCAP_TOYS, GENCAP_REDIS, GENCAP_DNS, GENCAP_UDP /* DNS, too */ };

void gencap_make(enum gencap_talk talk, uint64_t seed, struct gencap *ret);
void gencap_free(struct gencap *g);

enum gencap_verdict {
	GENCAP_RIGHT,
	GENCAP_WRONG, /* the answer belongs to another request */
	GENCAP_GUESSED, /* the same, but it does not say to which: a known limit of UDP (protocols/dns/README.md) */
	GENCAP_BOGUS, /* no message begins at one of the offsets */
};

/* `request` and `response`: offsets as a record tells them; of datagrams, numbers of frames. `time_ns`: of the record, to know which
 * conversation it is from. */
enum gencap_verdict gencap_pair_true(const struct gencap *g, uint64_t time_ns, uint64_t request,
				     uint64_t response);

/* A small random generator, for tests. */
uint64_t gencap_random(uint64_t *state);
