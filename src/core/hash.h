/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Keyed hashing with XXH3. The secret is fixed for files (the same bytes out, run after run) and random
 * per start when live, so that nobody outside can aim at one bucket.
 */
#include <stdint.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define HASH_FILE_SECRET 0x77697265737061eeull

static inline uint64_t hash_bytes(const void *data, size_t n, uint64_t secret)
{
	return XXH3_64bits_withSeed(data, n, secret);
}
