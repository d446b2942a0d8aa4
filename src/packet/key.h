/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Inside src/packet: the flow key, its hash, and the owner. Inline, since every packet pays for it.
 *
 * Two IPv4 endpoints are hashed as 16 packed bytes, which is half the price; IPv6 addresses that are
 * mapped IPv4 ones make the same key, so they take the same way.
 */
#include "core/hash.h"
#include "core/view.h"
#include "packet/packet.h"

enum { PORT_MDNS = 5353, PORT_LLMNR = 5355, PORT_ROCE = 4791 };

/* Another multiplier than the hash's own: the owner must not be a slice of the bits the table uses. */
static inline uint32_t owner_mix(uint64_t hash)
{
	return (uint32_t)(hash * 0x9e3779b97f4a7c15ull >> 32);
}

static inline uint64_t pair_hash(const struct flow_key *key, uint64_t secret)
{
	return hash_bytes(key->address, sizeof(key->address), secret);
}

/* A first look: the ports whose conversations are wider than a 5-tuple lie close together. */
static inline bool ports_are_plain(uint16_t a, uint16_t b)
{
	return (uint16_t)(a - PORT_ROCE) > PORT_LLMNR - PORT_ROCE &&
	       (uint16_t)(b - PORT_ROCE) > PORT_LLMNR - PORT_ROCE;
}

/* The conversations that are wider than a 5-tuple; see DESIGN.md section 5. */
static inline uint32_t owner_of(const struct flow_key *key, uint64_t hash, uint64_t secret,
				const struct spread *spread)
{
	uint16_t a = key->port[0], b = key->port[1];

	if (key->proto != PROTO_UDP || ports_are_plain(a, b))
		return spread ? spread_of(spread, key->address, key->port) : owner_mix(hash);
	if (a == PORT_MDNS || b == PORT_MDNS)
		return owner_mix(secret + PORT_MDNS);
	if (a == PORT_ROCE || b == PORT_ROCE)
		return owner_mix(pair_hash(key, secret));
	if (a == PORT_LLMNR && b == PORT_LLMNR)
		return owner_mix(secret + PORT_LLMNR);
	if (a == PORT_LLMNR || b == PORT_LLMNR) {
		unsigned asks = a == PORT_LLMNR;

		return owner_mix(hash_bytes(&key->address[asks], sizeof(struct address),
					    secret ^ key->port[asks]));
	}
	return spread ? spread_of(spread, key->address, key->port) : owner_mix(hash);
}

/* Datagrams that answer each other across 5-tuples. */
static inline bool key_in_group(const struct flow_key *key)
{
	uint16_t a = key->port[0], b = key->port[1];

	return key->proto == PROTO_UDP && !ports_are_plain(a, b) &&
	       (a == PORT_MDNS || b == PORT_MDNS || a == PORT_LLMNR || b == PORT_LLMNR);
}

static inline void address_set_v4(struct address *to, uint32_t v4)
{
	uint64_t high = 0, low = 0xffff0000u | (uint64_t)__builtin_bswap32(v4) << 32;

	memcpy(to->b, &high, 8);
	memcpy(to->b + 8, &low, 8);
}

/* `src`, `dst` and the ports in host order. */
static inline void key_set_v4(struct packet *ret, uint32_t src, uint32_t dst, uint16_t sport,
			      uint16_t dport, uint8_t proto, uint64_t secret)
{
	uint64_t from = (uint64_t)src << 16 | sport, to = (uint64_t)dst << 16 | dport;
	bool swap = from > to;
	uint64_t low = swap ? to : from, high = swap ? from : to;
	uint64_t packed[2] = {low | (uint64_t)proto << 56, high};

	address_set_v4(&ret->key.address[0], (uint32_t)(low >> 16));
	address_set_v4(&ret->key.address[1], (uint32_t)(high >> 16));
	ret->key.port[0] = (uint16_t)low;
	ret->key.port[1] = (uint16_t)high;
	ret->key.proto = proto;
	memset(ret->key.zero, 0, sizeof(ret->key.zero));
	ret->dir = swap;
	ret->hash = hash_bytes(packed, sizeof(packed), secret);
}

/* memcmp(a, b, 16) > 0, or equal and the port is larger; a call of memcmp costs more than all of it. */
static inline bool endpoint_after(const struct address *a, uint16_t a_port, const struct address *b,
				  uint16_t b_port)
{
	uint64_t a_high = load_be64(a->b), b_high = load_be64(b->b);
	uint64_t a_low = load_be64(a->b + 8), b_low = load_be64(b->b + 8);

	if (a_high != b_high)
		return a_high > b_high;
	return a_low != b_low ? a_low > b_low : a_port > b_port;
}

static inline void key_set(struct packet *ret, const struct address *src, const struct address *dst,
			   uint16_t sport, uint16_t dport, uint8_t proto, uint64_t secret)
{
	if (address_is_v4(src) && address_is_v4(dst)) {
		key_set_v4(ret, load_be32(src->b + 12), load_be32(dst->b + 12), sport, dport, proto,
			   secret);
		return;
	}

	bool swap = endpoint_after(src, sport, dst, dport);

	ret->key.address[swap] = *src;
	ret->key.address[!swap] = *dst;
	ret->key.port[swap] = sport;
	ret->key.port[!swap] = dport;
	ret->key.proto = proto;
	memset(ret->key.zero, 0, sizeof(ret->key.zero));
	ret->dir = swap;
	ret->hash = hash_bytes(&ret->key, sizeof(ret->key), secret);
}
