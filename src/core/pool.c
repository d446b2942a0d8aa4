/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pool.h"

#include <stdint.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define POOL_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_ASAN 1
#endif
#endif

/* Blocks nobody has are poisoned, so that AddressSanitizer sees a use after pool_put. */
#ifdef POOL_ASAN
#include <sanitizer/asan_interface.h>
#define hide_block(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define show_block(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define hide_block(p, n) ((void)(p), (void)(n))
#define show_block(p, n) ((void)(p), (void)(n))
#endif

enum {
	STEP = 16,          /* of the small classes, and what every block is aligned to */
	SMALL_MAX = 512,    /* up to here one class per step: most blocks are a flow's */
	OWN_MIN = 32 << 10, /* blocks from here on come one by one from malloc */
	BLOCK_MAX = 16 << 20,
	ARENA_MIN = 64 << 10, /* the first arena; each later one is twice as big, */
	ARENA_MAX = 1 << 20,  /* up to here */
	LINE = 64,            /* an arena begins at a cache line */
};

/* 16, 32, 48 ... 512, then two per power of two: 768, 1024, 1536 ... 16 MiB. */
enum { SMALL = SMALL_MAX / STEP, CLASSES = SMALL + 2 * 15 };

struct free_block {
	struct free_block *next;
};

/* In front of an arena, or of a block that is big enough to be one. */
struct arena {
	_Alignas(LINE) struct arena *next;
};

struct pool {
	struct free_block *free[CLASSES];
	uint8_t *at, *end; /* the uncut rest of the newest arena */
	size_t used, cap, reserved, next_arena;
	uint64_t fail_at;
	struct arena *arenas;
};

static inline unsigned class_of(size_t size)
{
	if (size <= SMALL_MAX)
		return (unsigned)(size - (size > 0)) / STEP;

	/* size - 1 is in [2^k, 2^(k+1)): the class is 1.5 or 2 times 2^k. */
	unsigned k = 63 - (unsigned)__builtin_clzll(size - 1);
	unsigned upper = (size - 1) >> (k - 1) & 1;

	return SMALL + 2 * (k - 9) + upper;
}

static inline size_t class_size(unsigned class)
{
	if (class < SMALL)
		return (size_t)(class + 1) * STEP;
	class -= SMALL;
	return (size_t)(class & 1 ? 1024 : 768) << class / 2;
}

size_t pool_block_size(size_t size)
{
	return class_size(class_of(size));
}

struct pool *pool_new(size_t cap)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return NULL;
	pool->cap = cap;
	pool->next_arena = ARENA_MIN;
	return pool;
}

void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	while (pool->arenas) {
		struct arena *next = pool->arenas->next;

		free(pool->arenas);
		pool->arenas = next;
	}
	free(pool);
}

static void push_block(struct pool *pool, unsigned class, void *block)
{
	struct free_block *f = block;

	f->next = pool->free[class];
	pool->free[class] = f;
	hide_block(block, class_size(class));
}

/* `size` bytes from the system that live as long as the pool; NULL: out of memory. */
static uint8_t *take_arena(struct pool *pool, size_t size)
{
	struct arena *a = aligned_alloc(LINE, sizeof(*a) + size);

	if (!a)
		return NULL;
	a->next = pool->arenas;
	pool->arenas = a;
	pool->reserved += sizeof(*a) + size;
	return (uint8_t *)(a + 1);
}

/* The rest of an arena that is too small for what is wanted becomes smaller blocks. */
static void cut_rest(struct pool *pool)
{
	for (unsigned class = CLASSES; class -- > 0;) {
		size_t size = class_size(class);

		while ((size_t)(pool->end - pool->at) >= size) {
			show_block(pool->at, size);
			push_block(pool, class, pool->at);
			pool->at += size;
		}
	}
}

static __attribute__((noinline)) void *cut_block(struct pool *pool, size_t size)
{
	if (size >= OWN_MIN)
		return take_arena(pool, size);
	if ((size_t)(pool->end - pool->at) < size) {
		size_t room = pool->next_arena - sizeof(struct arena);
		uint8_t *data = take_arena(pool, room);

		if (!data)
			return NULL;
		cut_rest(pool);
		pool->at = data;
		pool->end = data + room;
		hide_block(data, room);
		if (pool->next_arena < ARENA_MAX)
			pool->next_arena *= 2;
	}
	void *block = pool->at;
	pool->at += size;
	show_block(block, size);
	return block;
}

void *pool_get(struct pool *pool, size_t size)
{
	if (size > BLOCK_MAX)
		return NULL;

	unsigned class = class_of(size);
	size_t real = class_size(class);

	if (__builtin_expect(pool->fail_at != 0, 0) && --pool->fail_at == 0)
		return NULL;
	if (real > pool->cap - pool->used)
		return NULL;

	struct free_block *f = pool->free[class];
	if (f) {
		show_block(f, real);
		pool->free[class] = f->next;
	} else {
		f = cut_block(pool, real);
		if (!f)
			return NULL;
	}
	pool->used += real;
	return f;
}

void pool_put(struct pool *pool, void *block, size_t size)
{
	unsigned class = class_of(size);

	if (!block)
		return;
	pool->used -= class_size(class);
	push_block(pool, class, block);
}

size_t pool_used(const struct pool *pool)
{
	return pool->used;
}

size_t pool_reserved(const struct pool *pool)
{
	return pool->reserved;
}

void pool_fail_at(struct pool *pool, uint64_t nth)
{
	pool->fail_at = nth;
}
