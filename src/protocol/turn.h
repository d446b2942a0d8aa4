/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The inner half of the feeder: calls the decoder and does what it answers. Nothing but feeder.c
 * includes this.
 *
 * The invariant from which the accounting follows: of each direction the bytes off..end are in
 * hand. Between calls they are exactly the held ones; within turn_run() they are what is still to
 * be fed.
 */
#include "protocol/detect.h"
#include "protocol/feeder.h"

/* A state up to this size has this size, and is looked at behind every call: at rest it goes back. To look at more
 * is dear. */
enum { TURN_STATE_SMALL = 64 };

static inline uint32_t turn_state_room(const struct protocol_ops *ops)
{
	return ops->state_bytes > TURN_STATE_SMALL ? ops->state_bytes : TURN_STATE_SMALL;
}

/* The decoder has its state and was opened; `dir` talks first. False: no memory, bypassed. */
bool turn_ready(struct feeder *f, unsigned dir);
/* Feeds `bytes`, all that a direction has in hand, until it is used, held or passed. `empty`: also
 * when there are none. `lost`: of the skip that just ended. */
void turn_run(struct feeder *f, unsigned dir, struct view bytes, bool empty, uint64_t lost);
/* Feeds who waits for a direction that moved, and who has a new decoder. */
void turn_settle(struct feeder *f);
/* Tells the decoder that bytes off..off+bytes will not come. */
void turn_gap(struct feeder *f, unsigned dir, uint64_t bytes, enum why why);
/* The bytes in hand are more than may be held. */
void turn_limit(struct feeder *f, unsigned dir);
/* No memory: the conversation is bypassed. */
void turn_refuse(struct feeder *f);
void turn_close(struct feeder *f);

/* Bytes in hand will not be decoded. */
void turn_give_away(struct feeder_dir *d, uint64_t *counter);
/* Where bytes go that are thrown away: before a protocol is known nobody missed a message in them.
 * */
uint64_t *turn_junk(struct feeder *f);
bool turn_detecting(const struct feeder *f);
void turn_drop_hold(struct feeder *f, struct feeder_dir *d);
