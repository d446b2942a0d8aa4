/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Inside src/packet: the TCP header, inline for the fast path. */
#include "core/view.h"
#include "packet/packet.h"

enum {
	TCP_HEADER = 20,
	UDP_HEADER = 8,
	NO_WINDOW_SCALE = 255,
	TCP_FLAGS = 0x3f,
	TS_LAYOUT =
		0x0101080a, /* NOP, NOP, timestamps (RFC 7323 appendix A): nearly every segment */
	TS_LAYOUT_SIZE = 12,
};

/* Any other layout of options; broken ones end the search and lose nothing else. */
void tcp_options(struct packet *ret, const uint8_t *options, uint32_t size);

/* What only TCP has; the checksum is set by who has one. */
static inline void tcp_clear(struct packet *ret)
{
	ret->seq = ret->ack = 0;
	ret->ts_val = ret->ts_ecr = 0;
	ret->window = ret->checksum = 0;
	ret->flags = ret->has_timestamps = 0;
	ret->window_scale = NO_WINDOW_SCALE;
}

/* The header is `size` bytes long, all of them there. */
static inline void tcp_set(struct packet *ret, const uint8_t *h, uint32_t size)
{
	const uint8_t *options = h + TCP_HEADER;
	uint32_t option_bytes = size - TCP_HEADER;

	ret->seq = load_be32(h + 4);
	ret->ack = load_be32(h + 8);
	ret->flags = h[13] & TCP_FLAGS;
	ret->window = load_be16(h + 14);
	ret->checksum = load_be16(h + 16);
	ret->window_scale = NO_WINDOW_SCALE;
	ret->has_timestamps = 0;
	ret->ts_val = ret->ts_ecr = 0;
	if (option_bytes == TS_LAYOUT_SIZE && load_be32(options) == TS_LAYOUT) {
		ret->has_timestamps = 1;
		ret->ts_val = load_be32(options + 4);
		ret->ts_ecr = load_be32(options + 8);
	} else if (option_bytes) {
		tcp_options(ret, options, option_bytes);
	}
}
