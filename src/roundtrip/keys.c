/* SPDX-License-Identifier: Apache-2.0 */
/* See keys.h. */
#include "roundtrip/keys.h"

#include <stdlib.h>

#include "core/hash.h"

int keys_init(struct key_table *t, uint64_t secret)
{
	*t = (struct key_table){.mask = KEYS_FIRST - 1, .secret = secret};
	t->buckets = calloc(KEYS_FIRST, sizeof(struct key_link *));
	return t->buckets ? 0 : ERR_NOMEM;
}

void keys_done(struct key_table *t)
{
	free(t->buckets);
	free(t->old);
	*t = (struct key_table){0};
}

uint32_t keys_hash(const struct key_table *t, const void *owner, uint64_t key, uint8_t kind)
{
	const uint64_t words[2] = {(uint64_t)(uintptr_t)owner ^ kind, key};

	return (uint32_t)hash_bytes(words, sizeof(words), t->secret);
}

/* The bucket a key lives in now: in the old array until its turn to move comes. */
static struct key_link **bucket_of(const struct key_table *t, uint32_t hash)
{
	if (t->old && (hash & t->old_mask) >= t->moved)
		return &t->old[hash & t->old_mask];
	return &t->buckets[hash & t->mask];
}

static void move_some(struct key_table *t)
{
	for (unsigned i = 0; i < KEYS_MOVED && t->old; i++) {
		struct key_link *link = t->old[t->moved++];
		while (link) {
			struct key_link *next = link->next;
			link->next = t->buckets[link->hash & t->mask];
			t->buckets[link->hash & t->mask] = link;
			link = next;
		}
		if (t->moved > t->old_mask) {
			free(t->old);
			t->old = NULL;
		}
	}
}

static void grow(struct key_table *t)
{
	struct key_link **bigger = calloc((t->mask + 1) * 2, sizeof(*bigger));

	if (!bigger)
		return;
	t->old = t->buckets;
	t->old_mask = t->mask;
	t->moved = 0;
	t->buckets = bigger;
	t->mask = t->mask * 2 + 1;
}

void keys_insert(struct key_table *t, struct key_link *link)
{
	struct key_link **bucket;

	if (t->old)
		move_some(t);
	else if (t->count > t->mask)
		grow(t);
	bucket = bucket_of(t, link->hash);
	link->next = *bucket;
	*bucket = link;
	t->count++;
}

struct key_link *keys_find(const struct key_table *t, uint32_t hash, const void *owner,
			   uint64_t key, uint8_t kind)
{
	struct key_link *link = *bucket_of(t, hash);

	while (link && (link->key != key || link->owner != owner || link->kind != kind))
		link = link->next;
	return link;
}

void keys_remove(struct key_table *t, struct key_link *link)
{
	struct key_link **at = bucket_of(t, link->hash);

	while (*at && *at != link)
		at = &(*at)->next;
	if (*at) {
		*at = link->next;
		t->count--;
	}
}
