/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Memory of a worker: blocks in size classes (16, 32, 48 ... 512, 768, 1024 ... 16 MiB), cut from big arenas,
 * recycled through free lists. After warm-up no packet costs a malloc. One thread only.
 *
 * A pool has a cap in bytes of live blocks; a full pool, or a failing system allocation, gives NULL and
 * the caller drops the flow. Arenas go back to the system only with the pool.
 */
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct pool;

/* `cap` in bytes of live blocks (SIZE_MAX: none). NULL when memory ran out. */
struct pool *pool_new(size_t cap);
void pool_free(struct pool *pool);

/* A block of at least `size` bytes (<= 16 MiB), 16-byte aligned, not zeroed; NULL: cap or memory. */
void *pool_get(struct pool *pool, size_t size);
/* Gives a block back; `size` is what was asked for (any value of the same class will do). */
void pool_put(struct pool *pool, void *block, size_t size);
/* The size a block asked for with `size` really has. */
size_t pool_block_size(size_t size);

/* Bytes of live blocks, and taken from the system. */
size_t pool_used(const struct pool *pool);
size_t pool_reserved(const struct pool *pool);

/* Tests: let the `nth` next pool_get fail (1 = the next one; 0 = none), then go on as before. */
void pool_fail_at(struct pool *pool, uint64_t nth);
