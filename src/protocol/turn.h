/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The inner half of the feeder: calls the decoder and does what it answers. Nothing but feeder.c
 * includes this.
 *
 * The invariant from which the accounting follows: of each direction the last feeder_left() bytes are
 * in hand. Between calls they are exactly the held ones; within turn_run() they are what is still
 * to be fed.
 */
#include "protocol/detect.h"
#include "protocol/feeder.h"

/* A state up to this size has this size, and is looked at behind every call: at rest it goes back. To look at more
 * is dear. */
enum { TURN_STATE_SMALL = 64 };

enum { TURN_SPARES_MAX = 64 }; /* connections that talk at once; more go through the pool */

/* A small state that nobody has: all zero but for this. */
struct spare_state {
	struct spare_state *next;
};

static inline uint32_t turn_state_room(const struct protocol_ops *ops)
{
	return ops->state_bytes > TURN_STATE_SMALL ? ops->state_bytes : TURN_STATE_SMALL;
}

/* NULL: there is none. */
static inline void *turn_take_spare(struct feeder_world *w)
{
	struct spare_state *s = w->spare;
	if (s) {
		w->spare = s->next;
		w->spares--;
		s->next = NULL;
	}
	return s;
}

/* Takes the state, and opens the decoder; `dir` talks first. False: no memory, bypassed. */
bool turn_open(struct feeder *f, unsigned dir);
/* The same unless it was done. */
static inline bool turn_ready(struct feeder *f, unsigned dir)
{
	if (f->opened)
		return true;
	f->state = f->rests ? turn_take_spare(f->world) : NULL;
	if (!f->state)
		return turn_open(f, dir);
	f->opened = 1;
	return true;
}

/* What is held, if anything; and without it from now on. */
struct hold *turn_hold(const struct feeder_dir *d);
void turn_drop_hold(struct feeder *f, struct feeder_dir *d);

/* Feeds `bytes`, all that a direction has in hand, until it is used, held or passed. `empty`: also
 * when there are none. `lost`: of the skip that just ended, or cut off the datagram. */
void turn_run(struct feeder *f, unsigned dir, struct view bytes, bool empty, uint64_t lost);
/* Goes on behind the first answer, or ends at once when there was none. */
void turn_go_on(struct feeder *f, unsigned dir, struct view bytes, uint64_t lost,
		const struct fed *first);

/* One call of the decoder. */
static inline struct fed turn_feed(struct feeder *f, unsigned dir, struct view rest, uint64_t lost)
{
	struct feeder_dir *d = &f->dir[dir];
	struct input in = {
		.bytes = rest,
		.offset = d->end - rest.size,
		.ts_ns = d->last.ts_ns,
		.lost = lost,
		.datagram = f->datagram,
	};
	return f->ops->feed(f->state, &f->env, feeder_side(f, dir), &in);
}

/* Feeds who waits for a direction that moved, and who has a new decoder. */
void turn_feed_waiting(struct feeder *f);
static inline void turn_settle(struct feeder *f)
{
	const struct feeder_dir *a = &f->dir[0], *b = &f->dir[1];
	if (a->again | a->waiting | b->again | b->waiting)
		turn_feed_waiting(f);
}

/* turn_run for a decoder that is there, and is to be called. True: it used all, and nothing else happened. */
static inline bool turn_begin(struct feeder *f, unsigned dir, struct view bytes, uint64_t lost)
{
	struct feeder_dir *d = &f->dir[dir];
	d->at = FEEDER_FEEDS;
	d->left = bytes.size;
	struct fed r = turn_feed(f, dir, bytes, lost);
	if (r.is != FED_OK || r.used != bytes.size || r.skip || r.junk) {
		turn_go_on(f, dir, bytes, lost, &r);
		return false;
	}
	/* as nearly always */
	counter_add(&f->world->counters->decoded_bytes, bytes.size);
	if (bytes.size)
		d->moved = 1;
	d->at = FEEDER_HOLDS;
	if (d->hold)
		turn_drop_hold(f, d);
	d->want = 0;
	return true;
}

/* Gives away `held` bytes, all that a direction has in hand, and tells the decoder that these and `missing` more
 * will not come. */
void turn_lose(struct feeder *f, unsigned dir, uint32_t held, uint64_t missing, enum why why);
/* The bytes in hand are more than may be held. */
void turn_limit(struct feeder *f, unsigned dir, uint32_t held);
/* No memory: the conversation is bypassed. */
void turn_refuse(struct feeder *f);
void turn_close(struct feeder *f);

/* Where bytes go that are thrown away: before a protocol is known nobody missed a message in them.
 * */
uint64_t *turn_junk(struct feeder *f);
bool turn_detecting(const struct feeder *f);
/* Without the skip from now on. */
void turn_drop_skip(struct feeder_dir *d);
