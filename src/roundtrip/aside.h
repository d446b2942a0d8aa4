/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Entries set aside: answers that float, and records of a guess that is not confirmed. Most conversations
 * never have any, so the two queues are in a block that is there only while something is in them. Private to
 * src/roundtrip.
 */
#include "roundtrip/entry.h"

enum aside { ASIDE_FLOATS, ASIDE_PENDING, ASIDE_QUEUES };

struct aside_queue {
	struct entry *head, *tail; /* linked by `next` */
	uint32_t count;
};

struct keeper_aside {
	struct aside_queue queue[ASIDE_QUEUES];
};

/* Puts an entry at the end; false: no memory, and the entry is still the caller's. */
must_check bool aside_put(struct keeper *k, enum aside which, struct entry *e);
/* Takes the oldest one; NULL: there is none. */
struct entry *aside_take(struct keeper *k, enum aside which);

static inline uint32_t aside_count(const struct keeper *k, enum aside which)
{
	return k->aside ? k->aside->queue[which].count : 0;
}
