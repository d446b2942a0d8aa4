/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Open messages by (conversation, key): one chained hash table per worker. It grows by moving at most
 * KEYS_MOVED buckets per insert, so no packet pays for the others; the links lie in the entries.
 */
#include <stdint.h>

#include "core/err.h"

struct key_link {
	struct key_link *next;
	const void *owner; /* the conversation */
	uint64_t key;
	uint32_t hash; /* of the three, by keys_hash() */
	uint8_t kind;
};

enum { KEYS_MOVED = 8, KEYS_FIRST = 1024 };

struct key_table {
	struct key_link **buckets, **old;
	uint64_t mask, old_mask, moved; /* old buckets below `moved` are empty */
	uint64_t count, secret;
};

must_check int keys_init(struct key_table *t, uint64_t secret);
void keys_done(struct key_table *t);
/* Once for what is looked up first and inserted then. */
uint32_t keys_hash(const struct key_table *t, const void *owner, uint64_t key, uint8_t kind);
/* Cannot fail: when memory for growing is short the chains get longer. */
void keys_insert(struct key_table *t, struct key_link *link);
struct key_link *keys_find(const struct key_table *t, uint32_t hash, const void *owner,
			   uint64_t key, uint8_t kind);
void keys_remove(struct key_table *t, struct key_link *link);
