/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of the records: chunks that never move, and a free list that gives the last freed first. */
#include <sys/mman.h>

#include "core/rcu.h"
#include "flow/table.h"

enum { PAGE_BYTES = 4096, HUGE_BYTES = 2 << 20 };

#define ARENA_BYTES (CHUNKS_ARENA * sizeof(struct flow_chunk))

_Static_assert(ARENA_BYTES % HUGE_BYTES == 0, "an arena is whole huge pages");

static void *map_bytes(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void *map_arena(void)
{
	char *p = map_bytes(ARENA_BYTES + HUGE_BYTES);

	if (!p)
		return NULL;
	size_t front = -(uintptr_t)p & (HUGE_BYTES - 1);
	if (front)
		munmap(p, front);
	p += front;
	if (front < HUGE_BYTES)
		munmap(p + ARENA_BYTES, HUGE_BYTES - front);
	/* Advice: without huge pages it works as well, a little slower. */
	(void)madvise(p, ARENA_BYTES, MADV_HUGEPAGE);
	return p;
}

/* Memory for the next chunk; fresh pages are zero. */
static struct flow_chunk *take_chunk(struct flow_table *t)
{
	if (t->chunks < CHUNKS_SINGLE) {
		struct flow_chunk *c = map_bytes(sizeof(*c));

		/* Advice: a kernel that does not know it gives page by page. */
		if (c && t->chunks >= CHUNKS_LAZY)
			(void)madvise(c, sizeof(*c), MADV_POPULATE_WRITE);
		return c;
	}

	uint32_t nth = t->chunks - CHUNKS_SINGLE;
	if (nth / CHUNKS_ARENA == t->arenas) {
		void *arena = map_arena();

		if (!arena)
			return NULL;
		t->arena[t->arenas++] = arena;
	}
	return (struct flow_chunk *)t->arena[nth / CHUNKS_ARENA] + nth % CHUNKS_ARENA;
}

static bool add_chunk(struct flow_table *t)
{
	struct flow_chunk *c = t->chunks < CHUNKS_MAX ? take_chunk(t) : NULL;

	if (!c)
		return false;
	rcu_publish(&t->chunk[t->chunks], c);
	rcu_publish(&t->chunks, t->chunks + 1);
	return true;
}

struct flow *record_take(struct flow_table *t)
{
	struct flow *f = t->free;

	if (f) {
		t->free = f->conversation;
		return f;
	}
	if (t->fresh == t->chunks * FLOW_CHUNK && !add_chunk(t))
		return NULL;

	uint32_t id = t->fresh++;
	f = record_of(t, id);
	flow_store(&f->id, id | FLOW_FREE);
	return f;
}

void record_give(struct flow_table *t, struct flow *f)
{
	f->conversation = t->free;
	t->free = f;
}

void records_free(struct flow_table *t)
{
	for (uint32_t i = 0; i < t->chunks && i < CHUNKS_SINGLE; i++)
		munmap(t->chunk[i], sizeof(struct flow_chunk));
	for (unsigned i = 0; i < t->arenas; i++)
		munmap(t->arena[i], ARENA_BYTES);
}

static size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

size_t records_memory(const struct flow_table *t)
{
	uint32_t single = t->chunks < CHUNKS_SINGLE ? t->chunks : CHUNKS_SINGLE;
	size_t in_arenas = (t->chunks - single) * sizeof(struct flow_chunk);

	if (t->chunks && t->chunks <= CHUNKS_LAZY) {
		/* Of the last chunk only some pages were ever touched. */
		uint32_t used = t->fresh - (t->chunks - 1) * FLOW_CHUNK;

		return (t->chunks - 1) * sizeof(struct flow_chunk) +
		       round_up(used * sizeof(struct flow), PAGE_BYTES) +
		       round_up(used * sizeof(struct flow_cold), PAGE_BYTES);
	}
	return single * sizeof(struct flow_chunk) + round_up(in_arenas, HUGE_BYTES);
}
