/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pairing by key. A request is in the key table from its begin to its record, an answer from its begin to
 * its end.
 */
#include "roundtrip/record.h"

static inline uint32_t hash_of(const struct keeper *k, uint64_t key, enum message_kind kind)
{
	return keys_hash(&world_of(k)->keys, k, key, (uint8_t)kind);
}

static inline struct entry *find(const struct keeper *k, uint64_t key, enum message_kind kind,
				 uint32_t hash)
{
	struct key_link *link = keys_find(&world_of(k)->keys, hash, k, key, (uint8_t)kind);

	return link ? entry_of_link(link) : NULL;
}

struct entry *keyed_find(const struct keeper *k, uint64_t key, enum message_kind kind)
{
	return find(k, key, kind, hash_of(k, key, kind));
}

static void forget(struct keeper *k, struct entry *e)
{
	if (!(e->flags & ENTRY_KEYED))
		return;
	keys_remove(&world_of(k)->keys, &entry_key(e)->link);
	e->flags &= (uint16_t)~ENTRY_KEYED;
}

static void remember(struct keeper *k, struct entry *e, uint32_t hash)
{
	entry_key(e)->link.hash = hash;
	keys_insert(&world_of(k)->keys, &entry_key(e)->link);
	e->flags |= ENTRY_KEYED;
}

static void append(struct entry **first, struct entry **last, struct entry *e)
{
	entry_key(e)->prev = *last;
	e->next = NULL;
	*(*last ? &(*last)->next : first) = e;
	*last = e;
}

static void take_off(struct entry **first, struct entry **last, struct entry *e)
{
	struct entry *prev = entry_key(e)->prev;

	*(prev ? &prev->next : first) = e->next;
	*(e->next ? &entry_key(e->next)->prev : last) = prev;
}

void keyed_take(struct keeper *k, struct entry *q)
{
	forget(k, q);
	take_off(&k->head, &k->tail, q);
	k->open--;
}

static void end_request(struct keeper *k, struct entry *q, enum reason reason)
{
	struct entry *a = entry_take_answer(q);

	keyed_take(k, q);
	if (a) { /* answered while it was still being sent */
		q->partial |= PARTIAL_CUT;
		record_pair(k, q, a, 0);
	} else {
		record_unanswered(k, q, reason);
	}
}

/*
 * A request is whole. If the server's last segment acknowledges all of it already, each side waited for the other, and
 * its answer may have gone by: as in a server hole.
 */
static inline void note_late(struct keeper *k, struct entry *q)
{
	const struct feeder *f = &k->feeder;

	if (f->dir[feeder_dir_of(f, FROM_SERVER)].last.ack >= q->to && !f->datagram)
		q->flags |= ENTRY_HOLE_SERVER;
}

/* A request begins; `old` is open with the same key, whose hash is given. NULL: no memory, or too many are open. */
static struct entry *open_request(struct keeper *k, const struct message *m,
				  const struct origin *origin, struct entry *old, uint32_t hash)
{
	struct entry *q;

	if (old)
		end_request(k, old, REASON_REUSED);
	q = k->open < KEEPER_OPEN_MAX ? entry_new(k, m, origin) : NULL;
	if (!q) {
		counter_add(&counters_of(k)->cap_open, 1);
		counter_add(&counters_of(k)->messages_withdrawn, 1);
		return NULL;
	}
	if (k->after_hole)
		q->flags |= ENTRY_HOLE_SERVER;
	append(&k->head, &k->tail, q);
	k->open++;
	remember(k, q, hash);
	return q;
}

void keyed_request(struct keeper *k, const struct message *m, const struct origin *origin)
{
	uint32_t hash = hash_of(k, m->key, MESSAGE_REQUEST);

	open_request(k, m, origin, find(k, m->key, MESSAGE_REQUEST, hash), hash);
}

bool keyed_request_whole(struct keeper *k, const struct message *m, uint64_t end,
			 const struct origin *origin)
{
	uint32_t hash = hash_of(k, m->key, MESSAGE_REQUEST);
	struct entry *q = find(k, m->key, MESSAGE_REQUEST, hash);

	if (q && m->flags & MESSAGE_ONCE) {
		counter_add(&counters_of(k)->requests_resent, 1);
		return false;
	}
	counter_add(&counters_of(k)->requests, 1);
	q = open_request(k, m, origin, q, hash);
	if (!q)
		return true;
	entry_end(q, end, origin);
	note_late(k, q);
	q->partial |= partial_of(m->flags);
	if (m->flags & MESSAGE_ONEWAY) {
		keyed_take(k, q);
		record_oneway(k, q);
	}
	return true;
}

void keyed_request_end(struct keeper *k, const struct message *m, const struct origin *origin)
{
	struct entry *q = keyed_find(k, m->key, MESSAGE_REQUEST);
	unsigned flags;

	if (!q)
		return;
	flags = m->flags | q->flags_begin;
	if (!(q->flags & ENTRY_ENDED)) {
		entry_end(q, m->offset, origin);
		note_late(k, q);
		entry_add(k, q, m);
	} else if (!(flags & MESSAGE_CANCEL)) {
		return;
	}
	q->partial |= partial_of(flags);
	if (flags & MESSAGE_CANCEL) {
		q->partial |= PARTIAL_CANCELLED;
		end_request(k, q, REASON_CANCELLED);
	} else if (q->flags & ENTRY_ANSWERED) { /* even if it says now that it wants no answer */
		keyed_take(k, q);
		record_pair(k, q, entry_take_answer(q), 0);
	} else if (flags & MESSAGE_ONEWAY) {
		keyed_take(k, q);
		record_oneway(k, q);
	} else if (flags & MESSAGE_REKEY) {
		forget(k, q);
		entry_key(q)->link.key = m->new_key;
		remember(k, q, hash_of(k, m->new_key, MESSAGE_REQUEST));
	}
}

/* Nobody answers what they asked themselves. */
static bool asked_by(const struct entry *q, const struct endpoint *who)
{
	const struct endpoint *from = &entry_peers(q)->from;

	return from->port == who->port &&
	       memcmp(&from->address, &who->address, sizeof(who->address)) == 0;
}

/* What tells where an answer belongs. */
struct sent {
	uint64_t from, ack, first_ns;
	const struct peers *peers; /* only of `many` */
};

static inline struct sent sent_of(const struct keeper *k, const struct entry *a)
{
	return (struct sent){a->from, a->ack, a->first_ns, k->many ? entry_peers(a) : NULL};
}

/* The client's bytes that an answer acknowledges went out before it, or else its request may be among the missing
 * ones, and this one, whose key it has, may have been answered where nobody saw it. (The end of a direction, too, is
 * acknowledged.) */
static inline bool may_be_anothers(const struct keeper *k, const struct entry *q, struct sent a)
{
	unsigned client = feeder_dir_of(&k->feeder, FROM_CLIENT);

	return q->flags & ENTRY_HOLE_SERVER && k->feeder.ops->pairing == PAIR_KEY_REUSED &&
	       a.ack > k->feeder.dir[client].end + 1;
}

/* May this answer belong to this request, which has none? It was sent with the request's first byte there, and was
 * not there itself when the request was sent. Datagrams have no acknowledgement to tell, but times. */
static inline bool follows(const struct keeper *k, const struct entry *q, struct sent a)
{
	if (!k->feeder.datagram)
		return a.ack > q->from && a.from >= q->ack && !may_be_anothers(k, q, a);
	return a.first_ns >= q->first_ns && !(k->many && asked_by(q, &a.peers->from));
}

/* One answer for every open request with a key up to its own. */
static void answer_up_to(struct keeper *k, const struct message *m, struct entry *a)
{
	const unsigned holed = ENTRY_HOLE_SERVER | ENTRY_HOLE_CLIENT;
	struct entry *q = k->head, *next;
	bool any = false;

	for (; q; q = next) {
		struct entry *copy;

		next = q->next;
		if (entry_key(q)->link.key > m->key || q->flags & ENTRY_ANSWERED ||
		    !follows(k, q, sent_of(k, a)))
			continue;
		copy = entry_copy(k, a);
		if (!copy)
			break;
		any = true;
		/* Its own answer, or what cancelled it, may be what was lost. */
		if (entry_key(q)->link.key != m->key && q->flags & holed)
			q->partial |= PARTIAL_ORDER;
		if (!(q->flags & ENTRY_ENDED)) { /* early: wait for the request's end */
			entry_put_answer(q, copy);
			continue;
		}
		keyed_take(k, q);
		record_pair(k, q, copy, 0);
	}
	if (any)
		entry_free(k, a);
	else
		record_orphan(k, a, REASON_UNASKED);
}

/* Why an answer belongs to no request; `q`: not to this one, whose key it has. */
static enum reason why_alone(const struct keeper *k, const struct message *m, const struct entry *q)
{
	if (m->flags & MESSAGE_UNASKED)
		return REASON_ANNOUNCEMENT;
	if (q)
		return REASON_ORDER;
	return late_has(k, m->key) ? REASON_LATE : REASON_UNASKED;
}

static void answer_one(struct keeper *k, const struct message *m, struct entry *a)
{
	struct entry *q = keyed_find(k, m->key, MESSAGE_REQUEST);

	if (!q || q->flags & ENTRY_ANSWERED || !follows(k, q, sent_of(k, a))) {
		record_orphan(k, a, why_alone(k, m, q));
	} else if (q->flags & ENTRY_ENDED) {
		keyed_take(k, q);
		record_pair(k, q, a, 0);
	} else {
		entry_put_answer(q, a);
	}
}

/* Its key may have been answered, and used again, where nobody saw it. */
static bool is_doubtful(const struct keeper *k, const struct entry *q)
{
	return k->feeder.ops->pairing == PAIR_KEY_REUSED && q->flags & ENTRY_HOLE_CLIENT &&
	       q->flags & ENTRY_HOLE_SERVER && !(q->flags & ENTRY_ANSWERED);
}

/* An answer that was not the last one leaves a doubtful request with nothing to hope for. */
static void finish_interim(struct keeper *k, struct entry *a)
{
	struct entry *q = keyed_find(k, entry_key(a)->link.key, MESSAGE_REQUEST);

	counter_add(&counters_of(k)->interim_responses, 1);
	if (q && is_doubtful(k, q))
		end_request(k, q, REASON_GAP);
	entry_free(k, a);
}

/* An answer is whole, or as much of it as will come; it is in no list. */
static void pair_answer(struct keeper *k, struct entry *a, const struct message *m, unsigned flags)
{
	if (!(flags & MESSAGE_FINAL)) {
		finish_interim(k, a);
		return;
	}
	a->flags |= flags & MESSAGE_ERROR ? ENTRY_ERROR : 0;
	a->partial |= partial_of(flags);
	if (flags & MESSAGE_UP_TO)
		answer_up_to(k, m, a);
	else
		answer_one(k, m, a);
}

static void finish_answer(struct keeper *k, struct entry *a, const struct message *m,
			  unsigned flags)
{
	forget(k, a);
	take_off(&k->answers, &k->answers_tail, a);
	pair_answer(k, a, m, flags);
}

/* One whose end will not come. */
static void cut_answer(struct keeper *k, struct entry *a)
{
	const struct message m = {.key = entry_key(a)->link.key};

	finish_answer(k, a, &m, a->flags_begin | MESSAGE_CUT);
}

void keyed_response(struct keeper *k, const struct message *m, const struct origin *origin)
{
	uint32_t hash = hash_of(k, m->key, MESSAGE_RESPONSE);
	struct entry *old = find(k, m->key, MESSAGE_RESPONSE, hash), *a;

	if (old)
		cut_answer(k, old);
	a = entry_new(k, m, origin);
	if (!a)
		return;
	append(&k->answers, &k->answers_tail, a); /* so that the end of the flow finds it */
	remember(k, a, hash);
}

void keyed_response_end(struct keeper *k, const struct message *m, const struct origin *origin)
{
	struct entry *a = keyed_find(k, m->key, MESSAGE_RESPONSE);

	if (!a)
		return;
	entry_end(a, m->offset, origin);
	entry_add(k, a, m);
	finish_answer(k, a, m, m->flags | a->flags_begin);
}

void keyed_response_whole(struct keeper *k, const struct message *m, uint64_t end,
			  const struct origin *origin)
{
	struct entry *a = k->answers ? keyed_find(k, m->key, MESSAGE_RESPONSE) : NULL, *q;
	struct sent sent = {m->offset, origin->ack, origin->ts_ns, world_of(k)->peers};

	if (a)
		cut_answer(k, a);
	q = keyed_find(k, m->key, MESSAGE_REQUEST);
	/* nearly always: nothing special about either */
	if (q && (q->flags & (ENTRY_ENDED | ENTRY_ANSWERED)) == ENTRY_ENDED &&
	    !(m->flags & MESSAGE_UP_TO) && follows(k, q, sent) && record_takes(k, m)) {
		keyed_take(k, q);
		record_answer(k, q, m, end, origin, 0);
		return;
	}
	a = entry_new(k, m, origin);
	if (!a)
		return;
	entry_end(a, end, origin);
	pair_answer(k, a, m, m->flags);
}

int keyed_ask(const struct keeper *k, uint64_t key, const struct origin *origin)
{
	const struct entry *q = keyed_find(k, key, MESSAGE_REQUEST);

	if (!q)
		return ASK_NONE;
	return k->feeder.datagram || origin->ack > q->from ? q->cookie : ASK_NONE;
}

/* A request saw a hole. An answer that began before it was doubtful is its own. */
static void see_hole(struct keeper *k, struct entry *q, uint16_t bit)
{
	struct entry *a;

	q->flags |= bit;
	if (!is_doubtful(k, q))
		return;
	a = keyed_find(k, entry_key(q)->link.key, MESSAGE_RESPONSE);
	if (!a || !follows(k, q, sent_of(k, a)))
		end_request(k, q, REASON_GAP);
}

void keyed_hole(struct keeper *k, enum side side)
{
	uint16_t bit = side == FROM_CLIENT ? ENTRY_HOLE_CLIENT : ENTRY_HOLE_SERVER;
	struct entry *next;

	if (side == FROM_SERVER)
		k->after_hole = 1;
	for (struct entry *q = k->head; q; q = next) {
		next = q->next;
		see_hole(k, q, bit);
	}
}

void keyed_flush(struct keeper *k, enum reason reason)
{
	while (k->answers)
		cut_answer(k, k->answers);
	while (k->head)
		end_request(k, k->head, reason);
	late_forget(k, UINT64_MAX);
	k->after_hole = 0;
}

void keyed_timeout(struct keeper *k, struct entry *q, uint64_t until_ns)
{
	late_remember(k, entry_key(q)->link.key, until_ns);
	end_request(k, q, REASON_TIMEOUT);
}

struct entry *keyed_seek(const struct keeper *k, uint64_t key, uint64_t mask)
{
	struct entry *found = NULL;

	if (mask == UINT64_MAX)
		return keyed_find(k, key, MESSAGE_REQUEST);
	if (k->open > KEEPER_SEEK_MAX)
		return NULL;
	for (struct entry *q = k->head; q; q = q->next) {
		if ((entry_key(q)->link.key ^ key) & mask)
			continue;
		if (found)
			return NULL;
		found = q;
	}
	/* Behind a hole it may be another request's, which nobody saw: its key was not said. */
	return found && found->flags & (ENTRY_HOLE_CLIENT | ENTRY_HOLE_SERVER) ? NULL : found;
}

void keyed_doubt(struct keeper *k, uint64_t key, uint64_t mask)
{
	struct entry *next;

	for (struct entry *q = k->open > KEEPER_SEEK_MAX ? NULL : k->head; q; q = next) {
		next = q->next;
		if (!((entry_key(q)->link.key ^ key) & mask))
			see_hole(k, q, ENTRY_HOLE_SERVER);
	}
}
