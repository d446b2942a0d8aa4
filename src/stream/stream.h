/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One decoded TCP conversation: segments in, bytes in causal order out, to a feeder.
 *
 * - In order: a byte goes out when every byte before it went out, or was declared lost.
 * - Causal: bytes, FIN and RST of a segment that acknowledges `a` go out when the other direction went
 *   out up to `a`. When both heads are contiguous and wait for each other, the earlier packet goes.
 * - What cannot go out yet is held: 50 ms of packet time for a hole the peer acknowledged (the capture lost
 *   it), 5 s for one it did not (the network did). A hole is declared lost only at a tick, and only up to the
 *   lowest acknowledgement that a contiguous segment of the other direction waits for.
 * - One direction only: after the first expired wait for a direction that was never seen, nothing waits
 *   for it until it is.
 * Offsets are 64 bits, 0 is the first byte after the SYN, or the first one seen. In-order bytes go to the
 * feeder straight from the packet; only what is held is copied, and not even that inside a skip.
 *
 * Accounting: seen = delivered + duplicate + stray + refused + held; range = delivered + lost.
 * One thread. docs/MAP.md has a page on causal order.
 */
#include "core/timer.h"
#include "packet/packet.h"
#include "protocol/feeder.h"

#define STREAM_WAIT_CAPTURE_NS (50 * NS_PER_MS) /* two ring retires of 10 ms, with room */
#define STREAM_WAIT_NETWORK_NS (5 * NS_PER_S)   /* a few retransmission timeouts */

enum {
	STREAM_HOLD_MAX = 2 << 20,  /* bytes one flow may hold: a large window */
	STREAM_SEGMENTS_MAX = 4096, /* segments one flow may hold: bounds the insertion scan */
	STREAM_WORKER_HOLD_MAX = 64 << 20, /* bytes all flows of a worker may hold */
};

/*
 * All before stream_next(), which is the feeder's `end`, went out or is lost. The other offsets lie within 2 GiB of
 * it, so 32 bits tell them: stream_near().
 */
struct stream_dir {
	uint32_t
		acked; /* highest acknowledgement of these bytes by the peer; an older one moves along */
	uint32_t top;          /* end of the highest byte seen */
	uint32_t fin;          /* has_fin: offset of the FIN */
	uint32_t isn;          /* sequence number of offset 0 */
	uint16_t has_fin : 1;  /* a FIN was seen */
	uint16_t known : 1;    /* isn is valid */
	uint16_t start : 1;    /* offset 0 is the connection's first byte */
	uint16_t seen : 1;     /* a segment of this direction was seen */
	uint16_t begun : 1;    /* bytes, or the midstream gap, went out */
	uint16_t ended : 1;    /* the end went out */
	uint16_t relied : 1;   /* not seen yet, but something went out that acknowledged it */
	uint16_t unwaited : 1; /* never seen, and a wait for it expired: nothing waits for it */
	uint16_t
		fin_lost : 1; /* one acknowledged byte after the next was taken for a FIN nobody saw */
	uint16_t
		scale : 4; /* of the windows this side offers; 14, the largest, until it is known */
};

struct stream {
	struct feeder *feeder;      /* its world is the stream's too */
	struct stream_queues *held; /* NULL: nothing is held */
	struct stream_dir dir[2];
	uint32_t lost; /* bytes declared lost, or cut by the capture; wraps: two are compared */
	bool reset;    /* an RST went out, or came behind a FIN */
};

_Static_assert(sizeof(struct stream) <= 64, "one for each open connection");

enum stream_state {
	STREAM_ON,
	STREAM_OVER,     /* both directions have ended: finish is not needed, stream_done is */
	STREAM_BYPASSED, /* the feeder wants no more: the same */
};

void stream_init(struct stream *s, struct feeder *feeder);
/* Gives back what is held (counted refused_bytes); the feeder is not told. */
void stream_done(struct stream *s);

/* A direction of a conversation that went on before: `seq` is the sequence number of offset `at`, and all before
 * it went out and was acknowledged. `scale` may be 255: not known. The feeder is resumed at `at`, too. */
void stream_resume(struct stream *s, unsigned dir, uint32_t seq, uint64_t at, uint8_t scale);

/* The next offset that is to go out. */
static inline uint64_t stream_next(const struct stream *s, unsigned dir)
{
	return s->feeder->dir[dir].end;
}

/* The offset with these low bits within 2 GiB of `next`. */
static inline uint64_t stream_near(uint64_t next, uint32_t low)
{
	return next + (uint64_t)(int64_t)(int32_t)(low - (uint32_t)next);
}

/* One TCP packet of this conversation. `elsewhere`: seen at another place than the direction's own, so bytes
 * that went out before make it a copy. */
enum stream_state stream_segment(struct stream *s, const struct packet *p, bool elsewhere);

/* The end of the highest held byte of direction `dir` whose segment does not acknowledge the other direction's
 * byte `offset`: it was sent before that byte arrived. 0: nothing such is held. */
uint64_t stream_sent_before(const struct stream *s, unsigned dir, uint64_t offset);

/* The time at which stream_tick has something to do; UINT64_MAX: nothing is waited for. */
uint64_t stream_deadline(const struct stream *s);
/* At a tick: declares holes lost whose time is over. */
enum stream_state stream_tick(struct stream *s, uint64_t now_ns);

/* The end of the flow: declares every hole, gives out what is held, ends both directions. */
void stream_finish(struct stream *s, enum end_reason reason, uint64_t now_ns);
