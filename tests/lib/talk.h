/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * TCP conversations for tests of whole workers: packets as the packet room would make them, with sequence numbers and
 * acknowledgements kept right, and a clock and an index that are the test's.
 */
#include "core/hash.h"
#include "core/time.h"
#include "packet/packet.h"

struct talk_clock {
	uint64_t now_ns, index;
};

struct talk {
	struct talk_clock *clock;
	struct flow_key key;
	uint64_t hash;
	uint32_t seq[2]; /* next to send, by direction */
};

/* Client 2001:db8::n port 40000 + n (direction 0), server 2001:db8:1::1 port 80. */
static inline struct talk talk_begin(struct talk_clock *clock, uint32_t n)
{
	struct talk t = {.clock = clock, .seq = {1000 + n * 7919, 0xfffffff0u + n}};
	uint8_t client[16] = {0x20, 0x01, 0x0d, 0xb8}, server[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 1};

	client[12] = (uint8_t)(n >> 24);
	client[13] = (uint8_t)(n >> 16);
	client[14] = (uint8_t)(n >> 8);
	client[15] = (uint8_t)n;
	server[15] = 1;
	t.key.address[0] = address_v6(client);
	t.key.address[1] = address_v6(server);
	t.key.port[0] = (uint16_t)(40000 + n % 20000);
	t.key.port[1] = 80;
	t.key.proto = PROTO_TCP;
	t.hash = hash_bytes(&t.key, sizeof(t.key), HASH_FILE_SECRET);
	return t;
}

/* One packet of direction `dir`; it acknowledges all that was sent the other way. */
static inline struct packet talk_say(struct talk *t, unsigned dir, uint8_t flags, const void *data,
				     uint32_t size)
{
	struct packet p = {.key = t->key,
			   .hash = t->hash,
			   .payload = data,
			   .payload_size = size,
			   .ts_ns = t->clock->now_ns,
			   .now_ns = t->clock->now_ns,
			   .index = ++t->clock->index,
			   .frame = t->clock->index,
			   .owner = (uint32_t)(t->hash >> 32),
			   .seq = t->seq[dir],
			   .ack = flags & TCP_ACK ? t->seq[!dir] : 0,
			   .window = 65000,
			   .ip_id = (uint16_t)t->clock->index,
			   .kind = PACKET_TCP,
			   .dir = (uint8_t)dir,
			   .flags = flags,
			   .window_scale = flags & TCP_SYN ? 0 : 255};

	t->seq[dir] += size + (flags & (TCP_SYN | TCP_FIN) ? 1 : 0);
	return p;
}

static inline struct packet talk_text(struct talk *t, unsigned dir, const char *text)
{
	return talk_say(t, dir, TCP_ACK, text, (uint32_t)strlen(text));
}

static inline struct packet talk_tick(struct talk_clock *clock)
{
	return (struct packet){.kind = PACKET_TICK, .now_ns = clock->now_ns, .index = clock->index};
}
