/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/index.h"

#include <string.h>
#include <sys/mman.h>

enum {
	HUGE_BYTES = 2 << 20,
	RELEASE_BYTES = 64 << 10, /* of an array too small for huge pages */
};

static size_t array_slots(const struct flow_array *a)
{
	return (size_t)a->size + INDEX_TAIL;
}

static size_t page_bytes(const struct flow_array *a)
{
	return array_slots(a) * sizeof(uint64_t) >= 2 * HUGE_BYTES ? HUGE_BYTES : 4096;
}

/* What is mapped for an array, whole pages. */
static size_t array_bytes(const struct flow_array *a)
{
	size_t page = page_bytes(a);

	return (array_slots(a) * sizeof(uint64_t) + page - 1) / page * page;
}

static int array_new(uint32_t size, struct flow_array *ret_array)
{
	struct flow_array a = {.size = size};
	size_t bytes = array_bytes(&a), page = page_bytes(&a);
	size_t slack = page == HUGE_BYTES ? HUGE_BYTES : 0;
	char *p = mmap(NULL, bytes + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);

	if (p == MAP_FAILED)
		return ERR_NOMEM;
	if (slack) {
		size_t front = -(uintptr_t)p & (HUGE_BYTES - 1);

		if (front)
			munmap(p, front);
		p += front;
		if (slack - front)
			munmap(p + bytes, slack - front);
		/* Advice: without huge pages it works as well, a little slower. */
		(void)madvise(p, bytes, MADV_HUGEPAGE);
	}
	a.slot = (uint64_t *)p;
	*ret_array = a;
	return 0;
}

static void array_free(struct flow_array *a)
{
	if (a->slot)
		munmap((char *)a->slot + a->released, array_bytes(a) - a->released);
	*a = (struct flow_array){0};
}

/* Gives the pages in front of `first` back. */
static void array_release(struct flow_array *a)
{
	size_t step = page_bytes(a) == HUGE_BYTES ? HUGE_BYTES : RELEASE_BYTES;
	size_t done = (size_t)a->first * sizeof(uint64_t) / step * step;

	if (done <= a->released)
		return;
	munmap((char *)a->slot + a->released, done - a->released);
	a->released = done;
}

/* Puts an entry behind all that are not greater; the run behind it moves up one slot. */
static int array_insert(struct flow_array *a, uint64_t entry)
{
	uint64_t *at = index_start(a, entry & ~INDEX_ID_MASK), *end;

	while (*at && *at < entry)
		at++;
	for (end = at; *end; end++)
		;
	if (end == a->slot + array_slots(a) - INDEX_SPARE)
		return ERR_LIMIT;
	memmove(at + 1, at, (size_t)(end - at) * sizeof(*at));
	*at = entry;
	if (end - a->slot >= a->top)
		a->top = (uint32_t)(end - a->slot) + 1;
	return 0;
}

static void array_remove(struct flow_array *a, uint64_t *at)
{
	/* What is not at home moves one slot nearer to it. */
	for (; at[1] && a->slot + index_home(a, at[1]) <= at; at++)
		at[0] = at[1];
	*at = 0;
}

/* The slot of `id`, whose tag lies between `low` and `high`; NULL: not in this array. */
static uint64_t *array_find_id(const struct flow_array *a, uint64_t low, uint64_t high, uint32_t id)
{
	const uint64_t *last = a->slot + index_home(a, high);

	for (uint64_t *at = index_start(a, low); *at <= high && (*at || at <= last); at++) {
		if ((*at & INDEX_ID_MASK) == id + 1)
			return at;
	}
	return NULL;
}

/* Moves some entries, in the order of their tags, to the new array. */
static void move_some(struct flow_index *x)
{
	struct flow_array *old = &x->old;
	uint32_t moved = 0;

	for (unsigned i = 0; i < INDEX_STEPS && moved < INDEX_MOVES && old->first < old->top; i++) {
		uint64_t entry = old->slot[old->first];

		if (entry) {
			if (array_insert(&x->now, entry) < 0)
				break;
			x->moved = index_tag(entry);
			moved++;
		}
		old->first++;
	}
	if (moved > x->most_moved)
		x->most_moved = moved;
	array_release(old);
	if (old->first == old->top) {
		array_free(old);
		x->moved = UINT64_MAX;
	}
}

/* Begins to grow at 72 % full: the old array is 81 % full at most when its last entry moves. */
static int make_room(struct flow_index *x)
{
	struct flow_array bigger;

	if (x->moved == UINT64_MAX && x->count >= x->now.size / 32 * 23 &&
	    array_new(x->now.size / 2 * 3, &bigger) == 0) {
		x->old = x->now;
		x->now = bigger;
		x->moved = 0;
	}
	if (x->moved != UINT64_MAX)
		move_some(x);
	return x->count < x->now.size / 10 * 9 ? 0 : ERR_NOMEM;
}

int index_init(struct flow_index *x)
{
	*x = (struct flow_index){.moved = UINT64_MAX};
	return array_new(INDEX_FIRST, &x->now);
}

void index_done(struct flow_index *x)
{
	array_free(&x->now);
	array_free(&x->old);
}

int index_insert(struct flow_index *x, uint64_t hash, uint32_t id)
{
	uint64_t tag = index_tag(hash);
	int err = make_room(x);

	if (err == 0)
		err = array_insert(tag <= x->moved ? &x->now : &x->old, tag | (id + 1));
	if (err == 0)
		x->count++;
	return err;
}

void index_remove(struct flow_index *x, uint16_t hash_top, uint32_t id)
{
	uint64_t low = (uint64_t)hash_top << 48, high = low | 0xffffffffffffull;
	struct flow_array *a = &x->now;
	uint64_t *at = low <= x->moved ? array_find_id(a, low, high, id) : NULL;

	if (!at && x->moved != UINT64_MAX) {
		a = &x->old;
		at = array_find_id(a, low, high, id);
	}
	if (!at)
		return;
	array_remove(a, at);
	x->count--;
}

size_t index_memory(const struct flow_index *x)
{
	const struct flow_array *now = &x->now, *old = &x->old;
	size_t bytes = array_bytes(now);

	if (x->moved != UINT64_MAX) {
		/* Of the new array only the front was ever touched. */
		size_t page = page_bytes(now);

		bytes = ((size_t)now->top * sizeof(uint64_t) + page - 1) / page * page;
		bytes += array_bytes(old) - old->released;
	}
	return bytes;
}
