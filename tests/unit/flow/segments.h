/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A table, a clock, and segments one after the other, for tests of the accounting. */
#include <criterion/criterion.h>

#include "talk.h"

static struct counters counters;
static struct flow_table *t;
static uint64_t now_ns;
static uint16_t next_id;

static inline void begin(void)
{
	struct flow_options options = {.counters = &counters};

	counters = (struct counters){0};
	now_ns = T0;
	next_id = 1;
	cr_assert_eq(flow_table_new(&options, &t), 0);
}

/* Whatever a test did: each packet is of one kind. */
static inline void done(void)
{
	cr_expect_eq(counters.packets, counters.packets_tcp + counters.packets_udp +
					       counters.packets_icmp_error +
					       counters.packets_other);
	flow_table_free(t);
}

/* A segment 100 us after the one before, with its own IP id. */
static inline struct packet segment(unsigned dir, uint8_t flags, uint32_t seq, uint32_t ack,
				    uint32_t size)
{
	struct packet p = talk_packet(PACKET_TCP, 1, dir);

	now_ns += 100 * NS_PER_US;
	p.ts_ns = p.now_ns = now_ns;
	p.flags = flags;
	p.seq = seq;
	p.ack = ack;
	p.payload_size = size;
	p.ip_id = next_id++;
	p.checksum = (uint16_t)(seq * 7 + ack * 3 + size);
	return p;
}

static inline struct flow *give(struct packet p, enum flow_verdict want)
{
	enum flow_verdict verdict = FLOW_ANEW;
	struct flow *f = talk_give(t, &p, &verdict);

	cr_assert(f);
	cr_expect_eq(verdict, want, "verdict %d, not %d", verdict, want);
	return f;
}

static inline struct flow *send(unsigned dir, uint8_t flags, uint32_t seq, uint32_t ack,
				uint32_t size)
{
	return give(segment(dir, flags, seq, ack, size), FLOW_COUNT);
}

/* A handshake of direction 0 with initial numbers c and s. */
static inline struct flow *shake(uint32_t c, uint32_t s)
{
	send(0, TCP_SYN, c, 0, 0);
	send(1, TCP_SYN | TCP_ACK, s, c + 1, 0);
	return send(0, TCP_ACK, c + 1, s + 1, 0);
}

static inline const struct flow_cold *cold(const struct flow *f)
{
	return flow_cold_of(t, f);
}
