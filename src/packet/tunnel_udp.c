/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tunnels over UDP, known by destination port and believed only when their header is valid: the port may
 * be anybody's. What is not valid is a plain datagram.
 * spec: RFC 7348 (VXLAN), draft-ietf-nvo3-vxlan-gpe · RFC 8926 (GENEVE) · 3GPP TS 29.281 (GTP-U) ·
 * RFC 8086 (GRE) · RFC 7510 (MPLS)
 */
#include "packet/walk.h"

/* The capture may have cut what the sender had written: then nobody can tell. */
static int absent(const struct walk *w, uint32_t n)
{
	return w->wire >= n ? PACKET_TRUNCATED : NOT_TUNNEL;
}

/*   0       1               4           7
 *  | flags | reserved      | VNI       | reserved, or next protocol (GPE) | */
static int vxlan(struct walk *w, bool gpe)
{
	enum {
		VXLAN_HEADER = 8,
		SMALLEST = 14,
		HAS_VNI = 0x08,
		HAS_NEXT = 0x04,
		GPE_VERSION = 0x30
	};
	enum { NEXT_IPV4 = 1, NEXT_IPV6 = 2, NEXT_ETHERNET = 3 };
	const uint8_t *h = w->at;

	if (!walk_has(w, VXLAN_HEADER))
		return absent(w, VXLAN_HEADER);
	if (!(h[0] & HAS_VNI) || w->wire < VXLAN_HEADER + SMALLEST)
		return NOT_TUNNEL;

	uint8_t next = gpe && h[0] & HAS_NEXT ? h[7] : NEXT_ETHERNET;
	if (gpe && (h[0] & GPE_VERSION || next < NEXT_IPV4 || next > NEXT_ETHERNET))
		return NOT_TUNNEL;
	/* Reserved bits are ignored on receipt, but then the content has to look right. */
	bool clean = h[0] == HAS_VNI && !h[1] && !h[2] && !h[3] && !h[7];
	if (next == NEXT_ETHERNET && !clean && w->left == w->wire &&
	    !ethernet_plausible(w, VXLAN_HEADER))
		return NOT_TUNNEL;
	if (!walk_tunnel(w, TUNNEL_VXLAN, load_be32(h + 4) >> 8))
		return PACKET_UNSUPPORTED;
	walk_skip(w, VXLAN_HEADER);
	return walk_to(w, next == NEXT_ETHERNET ? LAYER_ETHERNET : LAYER_IP);
}

static bool carried(uint16_t type)
{
	return type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6 || type == ETHERTYPE_BRIDGED ||
	       type == ETHERTYPE_MPLS;
}

/*   0                        1                2              4           7
 *  | version, option words  | flags          | type         | VNI       | 0 | options */
static int geneve(struct walk *w)
{
	enum { GENEVE_HEADER = 8, WORDS = 0x3f };
	const uint8_t *h = w->at;

	if (!walk_has(w, GENEVE_HEADER))
		return absent(w, GENEVE_HEADER);

	uint32_t size = GENEVE_HEADER + (h[0] & WORDS) * 4u;
	uint16_t type = load_be16(h + 2);
	if (h[0] >> 6 || !carried(type))
		return NOT_TUNNEL;
	if (!walk_has(w, size))
		return absent(w, size);
	if (!walk_tunnel(w, TUNNEL_GENEVE, load_be32(h + 4) >> 8))
		return PACKET_UNSUPPORTED;
	walk_skip(w, size);
	return walk_to_type(w, type);
}

/* Extension headers: length in words, content, type of the next; `*ret_size` bytes of them. */
static bool gtpu_extensions(struct view v, uint32_t *ret_size)
{
	struct reader r = reader_of(v);
	uint8_t type;

	reader_skip(&r, 3); /* sequence number and N-PDU number */
	type = reader_u8(&r);
	while (type) {
		uint8_t words = reader_u8(&r);

		if (words == 0)
			return false;
		reader_skip(&r, words * 4u - 2);
		type = reader_u8(&r);
	}
	*ret_size = v.size - reader_left(&r);
	return !r.short_read;
}

/*   0       1       2        4      8
 *  | flags | type  | length | TEID | sequence, N-PDU, next extension (when a flag asks for them) */
static int gtpu(struct walk *w)
{
	enum {
		GTPU_HEADER = 8,
		VERSION_1_GTP = 0x30,
		VERSION = 0xf0,
		OPTIONAL = 0x07,
		G_PDU = 255
	};
	const uint8_t *h = w->at;

	if (!walk_has(w, GTPU_HEADER))
		return absent(w, GTPU_HEADER);
	if ((h[0] & VERSION) != VERSION_1_GTP || h[1] != G_PDU)
		return NOT_TUNNEL;

	struct walk in = *w;
	uint32_t size = load_be16(h + 2), extensions = 0;
	walk_skip(&in, GTPU_HEADER);
	if (size > in.wire)
		return NOT_TUNNEL;
	walk_limit(&in, size);
	if (h[0] & OPTIONAL && !gtpu_extensions(view_of(in.at, in.left), &extensions))
		return in.left < in.wire ? PACKET_TRUNCATED : NOT_TUNNEL;
	walk_skip(&in, extensions);
	if (!walk_has(&in, 1))
		return absent(&in, 1);
	if (in.at[0] >> 4 != 4 && in.at[0] >> 4 != 6)
		return NOT_TUNNEL;
	if (!walk_tunnel(&in, TUNNEL_GTPU, 0))
		return PACKET_UNSUPPORTED;
	*w = in;
	return walk_to(w, LAYER_IP);
}

static int gre(struct walk *w)
{
	enum { GRE_HEADER = 4, RESERVED_VERSION = 0x0fff };

	if (!walk_has(w, GRE_HEADER))
		return absent(w, GRE_HEADER);
	if (load_be16(w->at) & RESERVED_VERSION || !carried(load_be16(w->at + 2)))
		return NOT_TUNNEL;
	return walk_to(w, LAYER_GRE);
}

/* One label or more, then IP; anything else is not believed. */
static int mpls(struct walk *w)
{
	enum { LABEL = 4, BOTTOM = 1, LABELS_MAX = 16 };

	for (uint32_t at = 0; at < LABEL * LABELS_MAX; at += LABEL) {
		if (!walk_has(w, at + LABEL + 1))
			return absent(w, at + LABEL + 1);
		if (!(w->at[at + 2] & BOTTOM))
			continue;
		uint8_t nibble = w->at[at + LABEL] >> 4;

		return nibble == 4 || nibble == 6 ? walk_to(w, LAYER_MPLS) : NOT_TUNNEL;
	}
	return NOT_TUNNEL;
}

int udp_tunnel(struct walk *w, uint16_t port)
{
	switch (port) {
	case 4789:
	case 8472:
		return vxlan(w, false);
	case 4790:
		return vxlan(w, true);
	case 6081:
		return geneve(w);
	case 2152:
		return gtpu(w);
	case 4754:
		return gre(w);
	case 6635:
		return mpls(w);
	default:
		return NOT_TUNNEL;
	}
}
