/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The feeder: the hold - gap - feed loop between a stream of bytes and a decoder. One object for both
 * directions of a conversation; `src/stream` pushes into it, and so does a decoder that unwraps another
 * stream. It owns the decoder's state and the held bytes, and reports every message to a sink.
 *
 * Directions are 0 and 1 as the caller has them; `client_dir` tells which one is FROM_CLIENT. It is set by
 * detection (detect.c, itself a decoder: it answers MORE until a probe is sure, then SWITCH).
 *
 * Accounting: pushed bytes = decoded + skipped + junk + held (counters of the same names).
 */
#include "core/counters.h"
#include "core/pool.h"
#include "protocol/decoder.h"

/* The packet a byte came in. `ack` is the offset, in the other direction, up to which that packet
 * acknowledges: what its sender had seen. */
struct origin {
	uint64_t ts_ns, frame, ack;
};

struct feeder;

/* What the feeder tells the world: src/roundtrip's keeper, or a test. `side` is the message's. */
struct message_sink {
	void (*begin)(struct feeder *, enum side, const struct message *, const struct origin *);
	void (*add)(struct feeder *, enum side, const struct message *);
	void (*end)(struct feeder *, enum side, const struct message *, const struct origin *);
	int (*ask)(struct feeder *, enum side, uint64_t key, const struct origin *);
	/* Messages of `side` may have been lost here (a gap that is not GOES_ON, junk, LIMIT, DEAD). */
	void (*hole)(struct feeder *, enum side, enum why);
	/* Another decoder took over. `from` is the one before; open requests end unless `keep_open`. */
	void (*switched)(struct feeder *, const struct protocol_ops *from, bool keep_open);
	/* The guess held: records may go out; or it did not: they vanish. */
	void (*confirmed)(struct feeder *);
	void (*withdrawn)(struct feeder *);
};

/* What the feeders of one worker share. */
struct feeder_world {
	struct pool *pool;
	struct counters *counters;
	const struct message_sink *sink;
	const struct registry *registry;
	unsigned wants;             /* enum env_wants */
	struct protocol_stats *stats; /* one per registry entry; counted by reason */
	struct spare_holds *spare;    /* free hold blocks, see feeder.c */
};

/* Counted per protocol. */
struct protocol_stats {
	uint64_t flows, bad[WHY_TRUNCATED + 1], gaps[WHY_TRUNCATED + 1], withdrawn;
};

struct feeder_dir {
	uint64_t off;        /* next byte the decoder has not used */
	uint64_t end;        /* next byte to come */
	uint64_t skip;       /* bytes to pass; UINT64_MAX: bypassed */
	struct hold *hold;   /* NULL: nothing held */
	uint64_t ack;        /* origin.ack of the newest byte */
	uint32_t want;       /* do not call before so many are held */
	uint32_t skip_lost;  /* bytes of this skip nobody saw (saturates) */
	uint8_t waiting : 1, dead : 1, ended : 1, running : 1, bad : 2, skipping : 1;
};

struct feeder {
	struct env env;                 /* first: the decoder's env is the feeder */
	struct feeder_world *world;
	const struct protocol_ops *ops; /* NULL: bypassed for good */
	void *state;                    /* NULL: at rest (all zero), or state_bytes is 0 */
	struct feeder_dir dir[2];
	const struct origin *now;       /* the packet being pushed; NULL outside of a call */
	uint64_t tried;                 /* probes that were tried and withdrawn, by registry index */
	uint8_t client_dir;
	uint8_t port_side;              /* dir whose destination port is the service's, 2: not known */
	uint8_t initiator;              /* dir that sent the SYN; 2: not known */
	uint8_t confirmed : 1, certain : 1, datagram : 1, closing : 1;
	uint16_t service_port;          /* host order */
};

/* Begins with detection, or with `forced` (a port rule). Cannot fail; memory is taken when needed. */
void feeder_init(struct feeder *f, struct feeder_world *world, const struct protocol_ops *forced);
/* Frees state and held bytes. The sink is not called. */
void feeder_done(struct feeder *f);

/* In-order bytes of a direction. */
void feeder_push(struct feeder *f, unsigned dir, struct view bytes, const struct origin *origin);
/* `bytes` that will never come. Within a skip they pass silently. */
void feeder_gap(struct feeder *f, unsigned dir, uint64_t bytes, enum why why, const struct origin *);
/* The direction is over: once; held bytes become junk first. */
void feeder_end(struct feeder *f, unsigned dir, enum end_reason reason, const struct origin *);

/* Nothing more will be decoded: the conversation can go. */
bool feeder_bypassed(const struct feeder *f);
/* All of [from, to) would be skipped without being looked at: no need to copy it. */
bool feeder_skips(const struct feeder *f, unsigned dir, uint64_t from, uint64_t to);
/* Bytes held (MORE, WAIT) in both directions. */
uint32_t feeder_held(const struct feeder *f);
/* No message begun and not ended, nothing held, state at rest. */
bool feeder_at_rest(const struct feeder *f);

static inline struct feeder *feeder_of(struct env *env)
{
	return (struct feeder *)env;
}

static inline enum side feeder_side(const struct feeder *f, unsigned dir)
{
	return dir == f->client_dir ? FROM_CLIENT : FROM_SERVER;
}

static inline unsigned feeder_dir_of(const struct feeder *f, enum side side)
{
	return side == FROM_CLIENT ? f->client_dir : !f->client_dir;
}
