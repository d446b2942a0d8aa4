/* SPDX-License-Identifier: Apache-2.0 */
/* What other threads may do with a table: copy the records that stand still. */
#include "core/rcu.h"
#include "flow/table.h"

enum { WALK_ROWS = 16 }; /* copied under one read lock */

static void load_words(void *to, const void *from, unsigned n)
{
	const flow_word *w = from;

	for (unsigned i = 0; i < n; i++) {
		uint64_t v = __atomic_load_n(&w[i], __ATOMIC_ACQUIRE);

		memcpy((char *)to + i * sizeof(v), &v, sizeof(v));
	}
}

enum copied { COPIED, COPY_FREE, COPY_CHANGED };

static enum copied copy_row(const struct flow_chunk *c, uint32_t slot, struct flow_row *ret_row)
{
	const struct flow *f = &c->record[slot];
	struct flow *to = &ret_row->flow;
	uint32_t generation = __atomic_load_n(&f->generation, __ATOMIC_ACQUIRE);

	if (generation & 1)
		return COPY_CHANGED;
	load_words(to, f, offsetof(struct flow, conversation) / 8);
	to->conversation = NULL;
	to->last_ns = __atomic_load_n(&f->last_ns, __ATOMIC_ACQUIRE);
	to->generation = generation;
	to->id = __atomic_load_n(&f->id, __ATOMIC_ACQUIRE);
	load_words(to->dir, f->dir, sizeof(f->dir) / 8);
	load_words(&ret_row->cold, &c->cold[slot], sizeof(c->cold[slot]) / 8);
	if (__atomic_load_n(&f->generation, __ATOMIC_RELAXED) != generation)
		return COPY_CHANGED;
	/* A record of a new chunk that was never used is all zero. */
	return to->id & FLOW_FREE || !generation ? COPY_FREE : COPIED;
}

uint64_t flow_walk(const struct flow_table *t, void (*each)(void *data, const struct flow_row *row),
		   void *data)
{
	uint32_t records = rcu_load(&t->chunks) * FLOW_CHUNK;
	uint64_t skipped = 0;
	struct flow_row row[WALK_ROWS];

	for (uint32_t id = 0; id < records; id += WALK_ROWS) {
		unsigned n = 0;

		rcu_enter();
		const struct flow_chunk *c = rcu_load(&t->chunk[id / FLOW_CHUNK]);
		for (uint32_t i = 0; i < WALK_ROWS; i++) {
			enum copied is = copy_row(c, (id + i) % FLOW_CHUNK, &row[n]);

			n += is == COPIED;
			skipped += is == COPY_CHANGED;
		}
		rcu_leave(t);
		for (unsigned i = 0; i < n; i++)
			each(data, &row[i]);
	}
	return skipped;
}
