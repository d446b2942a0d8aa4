/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which worker a live conversation belongs to, as a function that classic BPF can compute, too: the kernel
 * deals frames out by it (capture/fanout.c), and the agent corrects what the kernel could not know. It is
 * symmetric: both directions of a conversation give the same number.
 *
 *   side = mix(w0 * k0 + w1 * k1 + w2 * k2 + w3 * k3 + port * k4)       mix(a) = (a ^ a >> 16) * k5
 *   spread = s ^ s >> 15 with s = side of one end + side of the other
 *
 * w0..w3 are the address's words in network order; of an IPv4 address w3 alone counts. All in 32 bits. The
 * factors are odd and random per start, so that nobody outside can aim at one worker.
 */
#include "core/types.h"
#include "core/view.h"

enum { SPREAD_FACTORS = 6 };

struct spread {
	uint32_t k[SPREAD_FACTORS];
};

static inline uint32_t spread_mix(const struct spread *s, uint32_t a)
{
	return (a ^ a >> 16) * s->k[5];
}

static inline uint32_t spread_side(const struct spread *s, const struct address *a, uint16_t port)
{
	uint32_t sum = load_be32(a->b + 12) * s->k[3] + port * s->k[4];

	if (!address_is_v4(a))
		sum += load_be32(a->b) * s->k[0] + load_be32(a->b + 4) * s->k[1] +
		       load_be32(a->b + 8) * s->k[2];
	return spread_mix(s, sum);
}

static inline uint32_t spread_of(const struct spread *s, const struct address address[SIDES],
				 const uint16_t port[SIDES])
{
	uint32_t sum = spread_side(s, &address[0], port[0]) + spread_side(s, &address[1], port[1]);

	return sum ^ sum >> 15;
}
