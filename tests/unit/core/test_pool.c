/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "core/pool.h"

Test(pool, classes)
{
	size_t last = 0;

	for (size_t size = 16; size <= 2048; size += size < 512          ? 16
						     : size & (size - 1) ? size / 3
									 : size / 2) {
		cr_expect_eq(pool_block_size(size), size);
		cr_expect_eq(pool_block_size(last + 1), size);
		last = size;
	}
	cr_expect_eq(last, 2048);
	cr_expect_eq(pool_block_size(0), 16);
	cr_expect_eq(pool_block_size(16 << 20), 16 << 20);
	cr_expect_eq(pool_block_size((12 << 20) + 1), 16 << 20);
	for (size_t size = 1; size <= 16 << 20; size += size / 7 + 1) {
		cr_assert_geq(pool_block_size(size), size);
		cr_assert_eq(pool_block_size(pool_block_size(size)), pool_block_size(size));
	}
}

Test(pool, blocks_are_apart_and_aligned)
{
	enum { N = 400 };
	struct pool *pool = pool_new(SIZE_MAX);
	char *block[N];
	size_t size[N];

	for (unsigned i = 0; i < N; i++) {
		size[i] = (size_t)i * i * 3 % 90000 + 1;
		block[i] = pool_get(pool, size[i]);
		cr_assert(block[i]);
		cr_assert_eq((uintptr_t)block[i] % 16, 0);
		memset(block[i], (int)i, pool_block_size(size[i]));
	}
	for (unsigned i = 0; i < N; i++) {
		for (size_t j = 0; j < pool_block_size(size[i]); j += 13)
			cr_assert_eq(block[i][j], (char)i);
		pool_put(pool, block[i], size[i]);
	}
	cr_assert_eq(pool_used(pool), 0);
	pool_free(pool);
	pool_free(NULL);
}

Test(pool, recycles)
{
	struct pool *pool = pool_new(SIZE_MAX);
	size_t reserved = 0;

	for (unsigned round = 0; round < 100; round++) {
		void *a = pool_get(pool, 100), *b = pool_get(pool, 5000),
		     *c = pool_get(pool, 1 << 20);

		cr_assert(a && b && c);
		cr_assert_eq(pool_used(pool), 112 + 6144 + (1 << 20));
		pool_put(pool, b, 5000);
		pool_put(pool, a, 100);
		pool_put(pool, c, 1 << 20);
		if (!round)
			reserved = pool_reserved(pool);
	}
	cr_assert_eq(pool_reserved(pool), reserved);
	pool_put(pool, NULL, 100);
	cr_assert_eq(pool_used(pool), 0);
	pool_free(pool);
}

Test(pool, first_block_costs_little)
{
	struct pool *pool = pool_new(SIZE_MAX);

	cr_assert(pool_get(pool, 64));
	cr_assert_leq(pool_reserved(pool), 64 << 10);
	pool_free(pool);
}

Test(pool, cap)
{
	struct pool *pool = pool_new(1024);
	void *a = pool_get(pool, 512), *b = pool_get(pool, 500);

	cr_assert(a && b);
	cr_assert_null(pool_get(pool, 1));
	pool_put(pool, a, 512);
	cr_assert_null(pool_get(pool, 513));
	cr_assert(pool_get(pool, 512));
	cr_assert_null(pool_get(pool, (16 << 20) + 1));
	cr_assert_null(pool_get(pool, SIZE_MAX));
	pool_free(pool);
}

Test(pool, fails_on_demand)
{
	struct pool *pool = pool_new(SIZE_MAX);

	pool_fail_at(pool, 2);
	cr_assert(pool_get(pool, 64));
	cr_assert_null(pool_get(pool, 64));
	cr_assert(pool_get(pool, 64));
	cr_assert_eq(pool_used(pool), 128);
	pool_free(pool);
}
