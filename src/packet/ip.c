/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPv4 and IPv6 headers, extension headers, and what follows them.
 * spec: RFC 791 · RFC 8200 · RFC 2675 (jumbograms) · RFC 4302 (AH) · RFC 6275, 8754 (routing) ·
 * RFC 7401 (HIP) · RFC 5533 (shim6)
 *
 * A total length beyond the frame is a cut, as Wireshark has it: a capture with a snaplen that does not
 * tell it looks the same. Length 0 is an offloaded super-segment: the frame's length counts.
 */
#include "packet/walk.h"

enum {
	IPV4_HEADER = 20,
	IPV6_HEADER = 40,
	MORE_FRAGMENTS = 0x2000,
	OFFSET_MASK = 0x1fff,
	/* RFC 8200 knows seven headers and lets one of them come twice; this many are two thirds of the
	 * largest Ethernet frame, and made to keep somebody busy. */
	EXTENSIONS_MAX = 128,
};

enum extension {
	NEXT_HOP_BY_HOP = 0,
	NEXT_IPV4 = 4,
	NEXT_IPV6 = 41,
	NEXT_ROUTING = 43,
	NEXT_FRAGMENT = 44,
	NEXT_GRE = 47,
	NEXT_AH = 51,
	NEXT_NONE = 59,
	NEXT_DESTINATION = 60,
	NEXT_MOBILITY = 135,
	NEXT_MPLS = 137,
	NEXT_HIP = 139,
	NEXT_SHIM6 = 140,
};

/* The IP header says that `size` bytes follow. */
static void set_length(struct walk *w, uint32_t size)
{
	if (size > w->wire && !w->quoted)
		w->wire = size;
	walk_limit(w, size);
}

static int ipv4_step(struct walk *w)
{
	const uint8_t *h = w->at;

	if (!walk_has(w, IPV4_HEADER))
		return walk_short(w, IPV4_HEADER);

	uint32_t head = (h[0] & 15) * 4u, total = load_be16(h + 2), offset = load_be16(h + 6);
	if (head < IPV4_HEADER || (total && total < head && !w->quoted))
		return PACKET_MALFORMED;
	if (!walk_has(w, head))
		return walk_short(w, head);

	bool own_length = total < head;
	if (!own_length)
		set_length(w, total);
	walk_skip(w, head);
	w->ip = (struct ip_info){
		.src = address_v4(h + 12),
		.dst = address_v4(h + 16),
		.id = load_be16(h + 4),
		.proto = h[9],
		.ecn = h[1] & 3,
		.version = 4,
		.own_length = own_length,
		.later_fragment = w->quoted && offset & OFFSET_MASK,
	};
	w->next = LAYER_PROTO;
	if (!w->quoted && offset & (MORE_FRAGMENTS | OFFSET_MASK)) {
		struct fragment f = {
			.id = w->ip.id,
			.from = (offset & OFFSET_MASK) * 8,
			.more = offset & MORE_FRAGMENTS,
		};
		return defrag_put(w, &f);
	}
	return STEP_ON;
}

static int ipv6_step(struct walk *w)
{
	const uint8_t *h = w->at;

	if (!walk_has(w, IPV6_HEADER))
		return walk_short(w, IPV6_HEADER);

	uint32_t size = load_be16(h + 4);
	walk_skip(w, IPV6_HEADER);
	if (size || h[6] == NEXT_NONE)
		set_length(w, size);
	w->ip = (struct ip_info){
		.src = address_v6(h + 8),
		.dst = address_v6(h + 24),
		.proto = h[6],
		.ecn = h[1] >> 4 & 3,
		.version = 6,
		.own_length = !size,
	};
	return walk_to(w, LAYER_PROTO);
}

int ip_step(struct walk *w)
{
	if (!walk_has(w, 1))
		return walk_short(w, 1);
	if (w->at[0] >> 4 == 4)
		return ipv4_step(w);
	if (w->at[0] >> 4 == 6)
		return ipv6_step(w);
	return PACKET_MALFORMED;
}

/* Options that change what the packet is; a broken option ends the search, and nothing else. */
static void options_read(struct walk *w, struct view options)
{
	enum { PAD1 = 0, JUMBO = 0xc2, HOME_ADDRESS = 0xc9 };
	struct reader r = reader_of(options);

	while (reader_left(&r)) {
		uint8_t type = reader_u8(&r);

		if (type == PAD1)
			continue;
		struct view value = reader_view(&r, reader_u8(&r));
		if (r.short_read)
			return;
		/* The length of a packet whose IPv6 header says 0. */
		if (type == JUMBO && value.size == 4 && w->ip.own_length)
			walk_limit(w, load_be32(value.data));
		/* Where a mobile node is at home: the endpoint its peers know. */
		else if (type == HOME_ADDRESS && value.size == sizeof(struct address))
			w->ip.src = address_v6(value.data);
	}
}

/* While segments are left, the header's destination is only the next stop. */
static void routing_read(struct walk *w, const uint8_t *h, uint32_t size)
{
	enum { SOURCE_ROUTE = 0, HOME_ADDRESS = 2, SEGMENTS = 4 };
	uint32_t addresses = (size - 8) / 16;

	if (h[3] == 0 || addresses == 0)
		return;
	if (h[2] == SOURCE_ROUTE || h[2] == HOME_ADDRESS)
		w->ip.dst = address_v6(h + 8 + (size_t)16 * (addresses - 1));
	else if (h[2] == SEGMENTS)
		w->ip.dst = address_v6(h + 8); /* the list is written backward */
}

static int fragment_step(struct walk *w)
{
	enum { FRAGMENT_HEADER = 8 };
	const uint8_t *h = w->at;

	if (!walk_has(w, FRAGMENT_HEADER))
		return walk_short(w, FRAGMENT_HEADER);
	if (w->ip.rebuilt)
		return PACKET_MALFORMED;

	uint16_t word = load_be16(h + 2);
	struct fragment f = {.id = load_be32(h + 4), .from = word & 0xfff8, .more = word & 1};
	walk_skip(w, FRAGMENT_HEADER);
	w->ip.proto = h[0];
	if (w->quoted)
		w->ip.later_fragment = f.from != 0;
	/* A packet in one fragment stands for itself, whatever else has its id (RFC 6946). */
	if (w->quoted || (f.from == 0 && !f.more))
		return STEP_ON;
	return defrag_put(w, &f);
}

static int extension_step(struct walk *w)
{
	enum { UNIT = 8 };
	const uint8_t *h = w->at;
	uint8_t proto = w->ip.proto;

	if (w->ip.extensions++ == EXTENSIONS_MAX)
		return PACKET_UNSUPPORTED;
	if (proto == NEXT_FRAGMENT)
		return fragment_step(w);
	if (!walk_has(w, UNIT))
		return walk_short(w, UNIT);

	uint32_t size = proto == NEXT_AH ? (h[1] + 2u) * 4 : (h[1] + 1u) * UNIT;
	if (!walk_has(w, size))
		return walk_short(w, size);
	if (proto == NEXT_HOP_BY_HOP || proto == NEXT_DESTINATION)
		options_read(w, view_of(h + 2, size - 2));
	if (!walk_has(w, size))
		return PACKET_MALFORMED; /* a jumbo length within the header */
	if (proto == NEXT_ROUTING)
		routing_read(w, h, size);
	walk_skip(w, size);
	/* Mobility, HIP and shim6 messages are nobody's header: keep their number. */
	if (h[0] == NEXT_NONE && proto >= NEXT_MOBILITY)
		return other_finish(w);
	w->ip.proto = h[0];
	return STEP_ON;
}

int proto_step(struct walk *w)
{
	switch (w->ip.proto) {
	case PROTO_TCP:
		return tcp_finish(w);
	case PROTO_UDP:
		return udp_step(w);
	case PROTO_ICMP:
	case PROTO_ICMPV6:
		return icmp_step(w);
	case NEXT_IPV4:
	case NEXT_IPV6:
		return walk_tunnel(w, TUNNEL_IPIP, 0) ? walk_to(w, LAYER_IP) : PACKET_UNSUPPORTED;
	case NEXT_GRE:
		return walk_to(w, LAYER_GRE);
	case NEXT_MPLS:
		return walk_to(w, LAYER_MPLS);
	case NEXT_AH:
		return extension_step(w);
	case NEXT_HOP_BY_HOP:
	case NEXT_ROUTING:
	case NEXT_FRAGMENT:
	case NEXT_DESTINATION:
	case NEXT_MOBILITY:
	case NEXT_HIP:
	case NEXT_SHIM6:
		return w->ip.version == 6 ? extension_step(w) : other_finish(w);
	default:
		return other_finish(w);
	}
}
