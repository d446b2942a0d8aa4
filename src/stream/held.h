/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Held segments of a stream: per direction a list sorted by offset and, through it, one by arrival. Private
 * to src/stream. The queues exist only while something is held.
 */
#include "stream/stream.h"

struct segment {
	struct segment *next, *prev;   /* by offset; equal offsets by arrival */
	struct segment *newer, *older; /* by arrival */
	uint64_t offset, ack;
	uint64_t ts_ns, now_ns, frame, index;
	uint32_t size, cut;
	uint8_t flags;  /* FIN, RST */
	uint8_t copied; /* data holds the bytes; else they lie inside a skip */
	uint8_t data[];
};

struct segment_queue {
	struct segment *head, *tail, *oldest, *newest;
};

struct stream_queues {
	struct segment_queue dir[2];
	uint64_t bytes;
	uint32_t count;
};

/* The part of a packet to hold. */
struct held_part {
	const uint8_t *data;
	uint64_t offset, ack;
	uint32_t size, cut;
};

/* Copies a part in; ERR_NOMEM when that is impossible. What a held segment has already is counted a
 * duplicate. */
must_check int held_insert(struct stream *s, const struct packet *p, const struct held_part *part);
/* Takes a segment out of its direction; held_free() it. */
void held_take(struct stream *s, unsigned d, struct segment *g);
void held_free(struct stream *s, struct segment *g);
/* Frees everything that is held, counted refused_bytes. */
void held_drop(struct stream *s);
/* Bytes to stand for those inside a skip: 64 KiB of zeros (never looked at). */
const uint8_t *held_nothing(void);

static inline struct segment *held_head(const struct stream *s, unsigned d)
{
	return s->held ? s->held->dir[d].head : NULL;
}

/* The segment that waits longest. */
static inline const struct segment *held_oldest(const struct stream *s, unsigned d)
{
	return s->held->dir[d].oldest;
}

static inline uint64_t held_bytes(const struct stream *s)
{
	return s->held->bytes;
}

static inline uint32_t held_count(const struct stream *s)
{
	return s->held->count;
}
