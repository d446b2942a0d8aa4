/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Units of time. All times in wirespan are packet times: uint64_t nanoseconds since 1970, UTC. */
#include <stdint.h>

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define NS_PER_S 1000000000ull

/* Timers fire only when packet time crosses a multiple of this. */
#define TICK_NS (10 * NS_PER_MS)
