/* SPDX-License-Identifier: Apache-2.0 */
/* See keeper.h. Pairing itself is in line.c and keyed.c, records in record.c. */
#include "core/time.h"
#include "roundtrip/record.h"

void keeper_init(struct keeper *k, struct keeper_world *world, const struct protocol_ops *forced)
{
	memset(k, 0, sizeof(*k));
	k->keyed = forced && forced->pairing >= PAIR_KEY_UNIQUE;
	feeder_init(&k->feeder, &world->feeder, forced);
}

static enum reason reason_of(enum end_reason reason)
{
	switch (reason) {
	case END_FIN:
		return REASON_CLOSED;
	case END_RST:
		return REASON_RESET;
	case END_IDLE:
		return REASON_IDLE;
	case END_EVICTED:
		return REASON_EVICTED;
	default:
		return REASON_END;
	}
}

void keeper_flush(struct keeper *k, enum reason reason)
{
	if (k->keyed)
		keyed_flush(k, reason);
	else
		line_flush(k, reason);
}

void keeper_finish(struct keeper *k, enum end_reason reason)
{
	k->feeder.confirmed = 1; /* nothing contradicted the guess */
	keeper_release(k);
	keeper_flush(k, reason_of(reason));
}

/* Frees an entry, and the answer kept with it. */
static void free_whole(struct keeper *k, struct entry *e)
{
	if (e->flags & ENTRY_KEYED)
		keys_remove(&world_of(k)->keys, &entry_key(e)->link);
	entry_free(k, entry_take_answer(e));
	entry_free(k, e);
}

static void free_list(struct keeper *k, struct entry *e)
{
	while (e) {
		struct entry *next = e->next;

		free_whole(k, e);
		e = next;
	}
}

void keeper_done(struct keeper *k)
{
	struct entry *e;

	if (!k->keyed) {
		if (k->request && k->request->flags & ENTRY_ANSWERED) /* off the line */
			free_whole(k, k->request);
		entry_free(k, k->response);
	} else {
		late_forget(k, UINT64_MAX);
		free_list(k, k->answers);
	}
	free_list(k, k->head);
	while ((e = aside_take(k, ASIDE_FLOATS)))
		free_whole(k, e);
	while ((e = aside_take(k, ASIDE_PENDING)))
		free_whole(k, e);
	feeder_done(&k->feeder);
}

static uint64_t timeout_ns(const struct keeper *k)
{
	const struct protocol_ops *ops = k->feeder.ops;
	unsigned transport = k->feeder.datagram ? TRANSPORT_UDP : TRANSPORT_TCP;
	bool timed = ops && (!ops->timed || ops->timed & transport);

	return timed ? ops->answer_timeout_ms * NS_PER_MS : 0;
}

/* The oldest request not yet said unanswered. They begin in the order of time, near enough. */
static struct entry *oldest_waiting(const struct keeper *k)
{
	struct entry *q = k->head;

	while (q && q->flags & ENTRY_TIMED_OUT)
		q = q->next;
	return q;
}

uint64_t keeper_deadline(const struct keeper *k)
{
	uint64_t timeout = timeout_ns(k);
	const struct entry *q = timeout ? oldest_waiting(k) : NULL;

	uint64_t waits = q ? q->first_ns + timeout : UINT64_MAX;
	uint64_t late = k->keyed ? late_deadline(k) : UINT64_MAX;

	return late < waits ? late : waits;
}

/* What is told of a guess cannot be taken back: it is not told. */
static bool tells(const struct keeper *k)
{
	return world_of(k)->stuck_ns && k->head && k->feeder.confirmed;
}

uint64_t keeper_stuck_deadline(const struct keeper *k, uint64_t now_ns)
{
	uint64_t stuck = world_of(k)->stuck_ns;

	if (!tells(k))
		return UINT64_MAX;
	return k->head->flags & ENTRY_TOLD ? now_ns + stuck / 8 : k->head->first_ns + stuck;
}

static void tell_stuck(struct keeper *k, uint64_t now_ns)
{
	uint64_t stuck = world_of(k)->stuck_ns;

	for (struct entry *q = k->head; q && q->first_ns + stuck <= now_ns; q = q->next) {
		if (!(q->flags & (ENTRY_TOLD | ENTRY_TIMED_OUT | ENTRY_ANSWERED)))
			record_open(k, q);
		q->flags |= ENTRY_TOLD;
	}
}

void keeper_tick(struct keeper *k, uint64_t now_ns)
{
	uint64_t timeout = timeout_ns(k);
	struct entry *q;

	if (tells(k))
		tell_stuck(k, now_ns);
	while (timeout && (q = oldest_waiting(k)) && q->first_ns + timeout <= now_ns) {
		if (k->keyed)
			keyed_timeout(k, q, q->first_ns + 2 * timeout);
		else
			line_timeout(k, q);
	}
	if (k->keyed)
		late_forget(k, now_ns);
}

bool keeper_fail(struct keeper *k, uint64_t key, uint64_t mask)
{
	struct entry *q = k->keyed ? keyed_seek(k, key, mask) : NULL;

	if (!q || q->flags & ENTRY_ANSWERED)
		return false;
	keyed_take(k, q);
	record_failed(k, q);
	return true;
}

bool keeper_at_rest(const struct keeper *k)
{
	return !k->head && !k->request && !k->response && !k->aside && !(k->keyed && k->late);
}
