/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Numbers as people write them: "100ms", "1.5s", "10KiB", "10.0.0.0/8", "2026-01-31T12:00". Used by --where
 * and by the flags. Each returns 0 or ERR_INVALID and leaves its output alone then.
 */
#include "core/err.h"
#include "core/types.h"
#include "core/view.h"

/* Nanoseconds of a decimal number with ns, us, ms, s, m or h behind it; without a unit: seconds. */
must_check int units_duration(struct view text, uint64_t *ret_ns);
/* A decimal number, with B, KB, MB, GB (powers of 1000), KiB, MiB or GiB (of 1024) behind it or without. A
 * fraction needs a unit and is rounded down. */
must_check int units_size(struct view text, uint64_t *ret_n);
/* A time of the kind of RFC 3339 in UTC, cut anywhere after the day ("2026-01-31", "2026-01-31T12:00:05.25Z"). */
must_check int units_time(struct view text, uint64_t *ret_ns);

struct address_range {
	struct address address;
	uint8_t bits; /* of the 128 of the mapped form */
	bool v4;
};

/* An IPv4 or IPv6 address, or a range of them in CIDR notation. */
must_check int units_address(struct view text, struct address_range *ret_range);
bool address_in(const struct address_range *range, const struct address *a);

/* Slips between two words: a letter too much, too few, another one, or two swapped. 255: over 63 letters. */
unsigned word_distance(struct view a, struct view b);
/* Whether a word at this distance is worth being suggested for a word so long. */
static inline bool word_is_near(unsigned distance, uint32_t size)
{
	return distance <= 1 + size / 4 && distance < size;
}
