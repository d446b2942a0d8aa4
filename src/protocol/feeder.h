/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The feeder: the hold - gap - feed loop between a stream of bytes and a decoder. One object for
 * both directions of a conversation; `src/stream` pushes into it, and so does a decoder that
 * unwraps another stream. It owns the decoder's state and the held bytes, and reports every message
 * to a sink.
 *
 * Directions are 0 and 1 as the caller has them; `client_dir` tells which one is FROM_CLIENT. It is
 * set by detection (detect.c, itself a decoder: it answers MORE until a probe is sure, then
 * SWITCH).
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
struct registry;

/* What the feeder tells the world: src/roundtrip's keeper, or a test. `side` is the message's. */
struct message_sink {
	void (*begin)(struct feeder *, enum side, const struct message *, const struct origin *);
	/* `origin`: of the byte before the message's offset. */
	void (*add)(struct feeder *, enum side, const struct message *, const struct origin *);
	void (*end)(struct feeder *, enum side, const struct message *, const struct origin *);
	/* Begin and end at once; NULL: the two are called. False: an open request was sent again. */
	bool (*whole)(struct feeder *, enum side, const struct message *, uint64_t end,
		      const struct origin *);
	int (*ask)(struct feeder *, enum side, uint64_t key, const struct origin *);
	/* As env_ops.seek; NULL: never finds any. */
	bool (*seek)(struct feeder *, uint64_t mask, uint64_t *key);
	/* Messages of `side` may have been lost here (a gap that is not GOES_ON, junk, LIMIT,
	 * DEAD). Told every time, also when no message began since the last one. */
	void (*hole)(struct feeder *, enum side, enum why);
	/* Another decoder takes over (f->ops is the new one). `from` is the one before, NULL:
	 * detection chose the first; open requests end unless `keep_open`. */
	void (*switched)(struct feeder *, const struct protocol_ops *from, bool keep_open);
	/* The guess held (f->confirmed is set): records may go out; or it did not: they vanish. A
	 * switch to detection confirms what was, and begins a new guess. */
	void (*confirmed)(struct feeder *);
	void (*withdrawn)(struct feeder *);
};

/* What the feeders of one worker share. */
struct feeder_world {
	struct pool *pool;
	struct counters *counters;
	const struct message_sink *sink;
	const struct registry *registry;
	unsigned wants;               /* enum env_wants */
	struct protocol_stats *stats; /* one per registry entry; NULL: not counted */
	uint64_t datagram_cut;        /* bytes of the datagram being fed that the capture cut off */
	uint64_t stream_held;         /* src/stream's: bytes that all streams of the worker hold */
	struct spare_state
		*spare;  /* the feeders': small states for the next decoders at rest; NULL: none */
	unsigned spares; /* so many */
};

/* Counted per protocol. */
struct protocol_stats {
	uint64_t flows, bad[WHY_TRUNCATED + 1], gaps[WHY_TRUNCATED + 1], withdrawn;
};

/* What a direction is at, and so which of its numbers count. */
enum feeder_at {
	FEEDER_HOLDS, /* bytes up to `end`, or none */
	FEEDER_FEEDS, /* the same, and the decoder is at work on it */
	FEEDER_SKIPS, /* nothing is held */
};

struct feeder_dir {
	uint64_t end; /* next byte to come */
	union {
		struct hold *hold; /* NULL: nothing held (hold.h) */
		uint64_t skip;     /* SKIPS: bytes to pass */
	};
	struct origin last; /* packet of the newest byte */
	union {
		uint32_t want;      /* HOLDS: do not call before so many are held */
		uint32_t left;      /* FEEDS: bytes before `end` the decoder has not used */
		uint32_t skip_lost; /* SKIPS: of this skip, bytes that nobody saw (saturates) */
	};
	uint8_t at;           /* enum feeder_at */
	uint16_t waiting : 1; /* said WAIT: feed again once the other direction moved */
	uint16_t again : 1;   /* feed what is held: there is a new decoder */
	uint16_t moved : 1;   /* moved since the other direction began to wait */
	uint16_t dead : 1, ended : 1;
	uint16_t bad : 2;    /* BADs since the last message */
	uint16_t gapped : 4; /* detection: enum why of a gap the decoder to come must be told of */
	uint16_t tries : 3;  /* detection: times that no probe knew bytes from the middle */
	uint16_t cut : 1;    /* gaps since a message began: the capture cut packets ... */
	uint16_t lost : 1;   /* ... bytes are missing for another reason */
};

struct feeder {
	struct env env; /* first: the decoder's env is the feeder */
	struct feeder_world *world;
	const struct protocol_ops *ops; /* NULL: bypassed for good */
	void *state;                    /* NULL: at rest (all zero), or state_bytes is 0 */
	struct feeder_dir dir[2];
	uint32_t tried;         /* probes tried and withdrawn, by registry index */
	uint8_t client_dir;     /* valid from the first message or hole on */
	uint8_t current;        /* dir of this call */
	uint16_t switches : 4;  /* within this call */
	uint16_t port_side : 2; /* dir whose destination port is the service's; 2: unknown */
	uint16_t initiator : 2; /* dir that sent the SYN; 2: unknown */
	uint16_t opened : 1;    /* the decoder's open was called */
	uint16_t started : 1, confirmed : 1, certain : 1, datagram : 1;
	/* The state is small and needs no open: given back when all zero. For datagrams that is not worth looking. */
	uint16_t rests : 1;
};

_Static_assert(sizeof(struct feeder) <= 144, "one for each open connection");

/* Begins with detection, or with `forced` (a port rule). Cannot fail; memory is taken when needed.
 * The caller may then set port_side, initiator, datagram and env.service_port, before the first call
 * below. */
void feeder_init(struct feeder *f, struct feeder_world *world, const struct protocol_ops *forced);
/* Frees state and held bytes. The sink is not called. */
void feeder_done(struct feeder *f);

/*
 * In-order bytes of a direction. `data` may be NULL for bytes of which feeder_skips() said that
 * nobody will look at them; should somebody have to by now, they are junk and a gap (LIMIT).
 */
void feeder_push(struct feeder *f, unsigned dir, struct view bytes, const struct origin *origin);
/* A whole datagram, of which the capture cut off `cut` bytes; only on a feeder that is `datagram`. Each stands alone:
 * a bad one is no hole for the others, and once the guess is confirmed any number may be bad. */
void feeder_datagram(struct feeder *f, unsigned dir, struct view bytes, uint64_t cut,
		     const struct origin *origin);
/* `bytes` that will never come. Within a skip they pass silently. A direction without SYN begins
 * with (0, WHY_MIDSTREAM). */
void feeder_gap(struct feeder *f, unsigned dir, uint64_t bytes, enum why why,
		const struct origin *);
/* The direction is over: once; held bytes become junk first. */
void feeder_end(struct feeder *f, unsigned dir, enum end_reason reason);

/* The keeper made a pair: the guess is right. Calls sink->confirmed, once. */
void feeder_confirm(struct feeder *f);

/* The packet of the byte at `offset`: exact for the first held byte, the 63 packets after it and
 * the newest packet; between them, and for bytes long gone, the nearest one known, never a later
 * one if it can be helped. The newest packet stays known when everything is used. */
struct origin feeder_origin(const struct feeder *f, unsigned dir, uint64_t offset);

/* Nothing more will be decoded: the conversation can go. */
bool feeder_bypassed(const struct feeder *f);
/* All of [from, to) would be skipped without being looked at: no need to copy it. */
bool feeder_skips(const struct feeder *f, unsigned dir, uint64_t from, uint64_t to);
/* Bytes of a direction that came and are not used yet: held, or at the decoder. */
uint32_t feeder_left(const struct feeder *f, unsigned dir);
/* Bytes held (MORE, WAIT) in both directions. */
uint32_t feeder_held(const struct feeder *f);
/* Nothing held, nothing to skip, the decoder's state all zero. */
bool feeder_at_rest(const struct feeder *f);
/* After feeder_init with the decoder as `forced`: a conversation that was at rest goes on, both
 * directions at this offset. */
void feeder_resume(struct feeder *f, unsigned client_dir, uint64_t offset);
/* What is held of a direction; valid until the next call. */
struct view feeder_held_bytes(const struct feeder *f, unsigned dir);

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
