/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of requests that timed out lately, so that their answers are known to be late. */
#include "roundtrip/record.h"

enum { KIND_LATE = 255 }; /* in the key table: no enum message_kind */

struct late_key {
	struct key_link link;  /* first */
	struct late_key *next; /* the next newer one; of the newest: the oldest */
	uint64_t until_ns;
	uint32_t count; /* of the newest: how many there are */
};

static void drop_oldest(struct keeper *k)
{
	struct late_key *oldest = k->late->next;

	keys_remove(&world_of(k)->keys, &oldest->link);
	k->late->next = oldest->next;
	k->late->count--;
	if (oldest == k->late)
		k->late = NULL;
	pool_put(world_of(k)->feeder.pool, oldest, sizeof(*oldest));
}

void late_remember(struct keeper *k, uint64_t key, uint64_t until_ns)
{
	uint32_t hash = keys_hash(&world_of(k)->keys, k, key, KIND_LATE);
	struct late_key *l;

	if (k->late && k->late->count == KEEPER_LATE_MAX)
		drop_oldest(k);
	l = pool_get(world_of(k)->feeder.pool, sizeof(*l));
	if (!l) /* its answer will be called unasked */
		return;
	l->link = (struct key_link){.owner = k, .key = key, .hash = hash, .kind = KIND_LATE};
	l->until_ns = until_ns;
	l->next = k->late ? k->late->next : l;
	l->count = k->late ? k->late->count + 1 : 1;
	if (k->late)
		k->late->next = l;
	k->late = l;
	keys_insert(&world_of(k)->keys, &l->link);
}

bool late_has(const struct keeper *k, uint64_t key)
{
	const struct key_table *t = &world_of(k)->keys;

	return k->late && keys_find(t, keys_hash(t, k, key, KIND_LATE), k, key, KIND_LATE);
}

void late_forget(struct keeper *k, uint64_t now_ns)
{
	while (k->late && k->late->next->until_ns <= now_ns)
		drop_oldest(k);
}

uint64_t late_deadline(const struct keeper *k)
{
	return k->late ? k->late->next->until_ns : UINT64_MAX;
}
