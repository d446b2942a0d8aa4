/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Plain values that cross rooms: addresses, endpoints, tunnels, places, TCP health.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* An IPv6 address, or an IPv4 one in its mapped form (::ffff:a.b.c.d, RFC 4291 2.5.5.2). */
struct address {
	uint8_t b[16];
};

struct endpoint {
	struct address address;
	uint16_t port; /* host order; 0 when the protocol has none */
};

static inline bool address_is_v4(const struct address *a)
{
	static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	return memcmp(a->b, prefix, 12) == 0;
}

static inline struct address address_v4(const uint8_t b[4])
{
	struct address a = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, b[0], b[1], b[2], b[3]}};
	return a;
}

static inline struct address address_v6(const uint8_t b[16])
{
	struct address a;
	memcpy(a.b, b, 16);
	return a;
}

/* Text of an address (RFC 5952), at most 46 bytes with the final NUL; returns the length. */
unsigned address_print(const struct address *a, char to[static 46]);

enum { SIDES = 2 };

/* IANA protocol numbers used in code. */
enum ip_proto {
	PROTO_ICMP = 1,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_ICMPV6 = 58,
};

/* One layer of encapsulation, outermost first in a `struct place_name`. */
enum tunnel_kind {
	TUNNEL_VLAN = 1, /* id: VLAN id */
	TUNNEL_MPLS,     /* id: bottom label */
	TUNNEL_PPPOE,    /* id: session */
	TUNNEL_GRE,      /* id: key or 0 */
	TUNNEL_NVGRE,    /* id: VSID */
	TUNNEL_ERSPAN,   /* id: session */
	TUNNEL_IPIP,     /* id: 0 */
	TUNNEL_VXLAN,    /* id: VNI */
	TUNNEL_GENEVE,   /* id: VNI */
	TUNNEL_GTPU,     /* id: 0 (a TEID names one direction only) */
	TUNNEL_PBB,      /* id: I-SID */
	TUNNEL_KIND_COUNT,
};

const char *tunnel_kind_name(enum tunnel_kind kind);

enum { TUNNEL_MAX = 8 };

struct tunnel_layer {
	uint32_t id;
	uint8_t kind; /* enum tunnel_kind */
};

/*
 * Health of a TCP conversation, counted per direction of the data it concerns. Plain counters that
 * only grow; `src/flow` owns and writes them, others compare two copies.
 */
struct tcp_health {
	uint32_t retransmits;
	uint32_t out_of_order;
	uint32_t zero_windows; /* how often the window closed */
	uint32_t duplicate_acks;
};
