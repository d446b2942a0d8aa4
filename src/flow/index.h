/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Inside src/flow: from a hash to the ids of records.
 *
 * An entry is one word: the tag, which is the top 40 bits of the hash and a 1, so that it is never 0, and
 * id + 1; 0 is empty. The home of a tag is
 * tag * size / 2^64, so entries sorted by tag are sorted by home: linear probing that keeps each run sorted
 * finds, or misses, after a slot or two, and needs no tombstones. There is no wrap: a tail behind the last
 * home takes what spills.
 *
 * Growth goes from the lowest tag to the highest. Tags up to `moved` live in the new array, the others in
 * the old one, so one comparison says where to look; only a tag equal to `moved` can be in both. What is
 * moved always goes behind everything in the new array. The emptied front of the old array goes back to the
 * system on the way, so both together stay near the size of the new one.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

enum {
	INDEX_FIRST = 1024, /* homes of the first array; each later one has half as many again */
	INDEX_TAIL =
		1024, /* slots behind the last home: at 81 % full, a spill this long has odds of e-20 */
	INDEX_SPARE = 4,  /* slots at the end that stay empty: a search reads so many at once */
	INDEX_MOVES = 8,  /* old entries an insert moves */
	INDEX_STEPS = 32, /* old slots an insert looks at for them */
};

#define INDEX_ID_BITS 23 /* FLOW_MAX is 2^22, and id + 1 */
#define INDEX_ID_MASK ((1ull << INDEX_ID_BITS) - 1)

struct flow_array {
	uint64_t *slot;  /* size + INDEX_TAIL */
	uint32_t size;   /* homes */
	uint32_t first;  /* slots before this one are moved away */
	uint32_t top;    /* no slot from here on was ever written */
	size_t released; /* bytes at the front that are back at the system */
};

struct flow_index {
	struct flow_array now, old;
	uint64_t moved; /* UINT64_MAX: not growing */
	uint32_t count;
	uint32_t most_moved;
};

must_check int index_init(struct flow_index *x);
void index_done(struct flow_index *x);
/* ERR_NOMEM: cannot grow. ERR_LIMIT: too many hashes side by side. */
must_check int index_insert(struct flow_index *x, uint64_t hash, uint32_t id);
/* Removes the entry of `id`, given the top 16 bits of its hash. */
void index_remove(struct flow_index *x, uint16_t hash_top, uint32_t id);
size_t index_memory(const struct flow_index *x);

static inline uint64_t index_tag(uint64_t hash)
{
	return (hash | (INDEX_ID_MASK + 1)) & ~INDEX_ID_MASK;
}

static inline uint32_t index_home(const struct flow_array *a, uint64_t tag)
{
	return (uint32_t)((unsigned __int128)tag * a->size >> 64);
}

/* The first slot that may hold `tag`. */
static inline uint64_t *index_start(const struct flow_array *a, uint64_t tag)
{
	uint32_t home = index_home(a, tag);

	return a->slot + (home > a->first ? home : a->first);
}

static inline const struct flow_array *index_array(const struct flow_index *x, uint64_t tag)
{
	return __builtin_expect(tag <= x->moved, 1) ? &x->now : &x->old;
}

/* A walk over the ids of one tag. */
struct index_walk {
	const uint64_t *at;
	uint64_t tag;
};

static inline struct index_walk index_walk_begin(const struct flow_array *a, uint64_t tag)
{
	const uint64_t *at = index_start(a, tag);
	unsigned less;

	/* Four at a time without a branch, which would be a coin toss. Behind an empty slot there is
	 * nothing less than `tag`: it would not be at home. There is room to read: see INDEX_SPARE. */
	do {
		less = 0;
		for (unsigned i = 0; i < INDEX_SPARE; i++)
			less += at[i] - 1 < tag - 1;
		at += less;
	} while (__builtin_expect(less == INDEX_SPARE, 0));
	return (struct index_walk){at, tag};
}

static inline bool index_walk_next(struct index_walk *w, uint32_t *ret_id)
{
	uint64_t entry = *w->at;

	if (!entry || (entry ^ w->tag) > INDEX_ID_MASK)
		return false;
	*ret_id = (uint32_t)(entry & INDEX_ID_MASK) - 1;
	w->at++;
	return true;
}
