/* SPDX-License-Identifier: Apache-2.0 */
/* See aside.h. */
#include "roundtrip/aside.h"

bool aside_put(struct keeper *k, enum aside which, struct entry *e)
{
	struct aside_queue *queue;

	if (!k->aside) {
		k->aside = pool_get(k->feeder.world->pool, sizeof(*k->aside));
		if (!k->aside)
			return false;
		*k->aside = (struct keeper_aside){0};
	}
	queue = &k->aside->queue[which];
	e->next = NULL;
	*(queue->tail ? &queue->tail->next : &queue->head) = e;
	queue->tail = e;
	queue->count++;
	return true;
}

struct entry *aside_take(struct keeper *k, enum aside which)
{
	struct aside_queue *queue;
	struct entry *e;

	if (!aside_count(k, which))
		return NULL;
	queue = &k->aside->queue[which];
	e = queue->head;
	queue->head = e->next;
	if (!--queue->count)
		queue->tail = NULL;
	if (!k->aside->queue[ASIDE_FLOATS].count && !k->aside->queue[ASIDE_PENDING].count) {
		pool_put(k->feeder.world->pool, k->aside, sizeof(*k->aside));
		k->aside = NULL;
	}
	return e;
}
