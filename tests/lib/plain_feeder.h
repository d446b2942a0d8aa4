/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The model's own feeder: every byte of both directions stays in memory, with the packet it came from, so
 * that "which packet was this byte in" is an array access. Not modelled are WAIT, SWITCH, and what is longer
 * than hold_max.
 */
#include "packet/packet.h"
#include "protocol/decoder.h"

struct plain_way {
	uint8_t *data;
	const struct packet **of; /* the packet each byte was delivered from; NULL: lost */
	int64_t end, room;
	int64_t off;  /* next byte the decoder has not used */
	int64_t held; /* of those that a gap or an end takes away: the first; -1: none */
	uint64_t skip, skip_lost;
	int64_t want;
	unsigned bad;
	bool dead;
};

struct plain_feeder {
	struct env env; /* first: the decoder's env; its ops are the owner's */
	const struct protocol_ops *ops;
	void *state;
	unsigned client; /* dir of the client */
	bool bypassed;
	const struct packet *now; /* the packet being delivered */
	struct plain_way way[2];
	void (*hole)(struct plain_feeder *f, unsigned dir); /* messages may have been lost here */
};

/* The env ops of memory and time, which are the same for everybody. */
void *plain_env_alloc(struct env *env, size_t size);
void plain_env_free(struct env *env, void *block, size_t size);
struct seen_at plain_env_at(struct env *env, enum side side, uint64_t offset);

void plain_feeder_init(struct plain_feeder *f, const struct protocol_ops *ops, unsigned client);
void plain_feeder_done(struct plain_feeder *f);
void plain_feeder_push(struct plain_feeder *f, unsigned dir, const uint8_t *data, int64_t size);
void plain_feeder_gap(struct plain_feeder *f, unsigned dir, int64_t size, enum why why);
void plain_feeder_end(struct plain_feeder *f, unsigned dir, enum end_reason reason);

/* realloc() that does not fail. */
void *plain_grown(void *block, size_t size);

/* The packet of a byte; of one that is lost or still to come, the packet being delivered. */
const struct packet *plain_packet_at(const struct plain_feeder *f, enum side side, uint64_t offset);

static inline unsigned plain_dir(const struct plain_feeder *f, enum side side)
{
	return side == FROM_CLIENT ? f->client : !f->client;
}

static inline enum side plain_side(const struct plain_feeder *f, unsigned dir)
{
	return dir == f->client ? FROM_CLIENT : FROM_SERVER;
}
