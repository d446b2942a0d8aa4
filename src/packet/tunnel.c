/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encapsulations below and beside IP.
 * spec: IEEE 802.1Q, 802.1ah (PBB) · RFC 3032 (MPLS), 4385, 4448 (pseudowires) · RFC 2516 (PPPoE) ·
 * RFC 2784, 2890, 1701 (GRE), 2637 (PPTP), 7637 (NVGRE), draft-foschiano-erspan
 */
#include "packet/walk.h"

int vlan_step(struct walk *w)
{
	enum { TAG = 4, VLAN_ID = 0x0fff };
	const uint8_t *h = w->at;

	if (!walk_has(w, TAG))
		return walk_short(w, TAG);

	/* VLAN 0 is a priority without a VLAN. */
	uint16_t id = load_be16(h) & VLAN_ID;
	if (id && !walk_tunnel(w, TUNNEL_VLAN, id))
		return PACKET_UNSUPPORTED;
	walk_skip(w, TAG);
	return walk_to_type(w, load_be16(h + 2));
}

int pbb_step(struct walk *w)
{
	enum { TAG = 4, ISID = 0xffffff };
	const uint8_t *h = w->at;

	if (!walk_has(w, TAG))
		return walk_short(w, TAG);
	if (!walk_tunnel(w, TUNNEL_PBB, load_be32(h) & ISID))
		return PACKET_UNSUPPORTED;
	walk_skip(w, TAG);
	return walk_to(w, LAYER_ETHERNET);
}

/*   0               1               2               4               6
 *  | version, type | code          | session       | length        | PPP */
int pppoe_step(struct walk *w)
{
	enum { PPPOE_HEADER = 6, VERSION_1_TYPE_1 = 0x11, SESSION_DATA = 0 };
	const uint8_t *h = w->at;

	if (!walk_has(w, PPPOE_HEADER))
		return walk_short(w, PPPOE_HEADER);
	if (h[0] != VERSION_1_TYPE_1)
		return PACKET_MALFORMED;
	if (h[1] != SESSION_DATA)
		return PACKET_NOT_IP;
	if (!walk_tunnel(w, TUNNEL_PPPOE, load_be16(h + 2)))
		return PACKET_UNSUPPORTED;
	walk_skip(w, PPPOE_HEADER);
	walk_limit(w, load_be16(h + 4));
	return walk_to(w, LAYER_PPP);
}

/* What a label stack carries is not written anywhere: the first nibble is the hint everybody uses. */
static int mpls_payload(struct walk *w)
{
	enum { CONTROL_WORD = 4 };

	if (!walk_has(w, 1))
		return walk_short(w, 1);

	uint8_t nibble = w->at[0] >> 4;
	/* A MAC address may begin like an IP header, but then the rest does not fit. */
	bool ip4 = nibble == 4 && (w->at[0] & 15) >= 5;
	if (ip4 || nibble == 6) {
		uint32_t header = ip4 ? 20 : 40;
		bool fits = w->wire >= header &&
			    (!walk_has(w, 6) || load_be16(w->at + (ip4 ? 2 : 4)) <=
							(ip4 ? w->wire : w->wire - header));

		if (fits || !ethernet_plausible(w, 0))
			return walk_to(w, LAYER_IP);
		return walk_to(w, LAYER_ETHERNET);
	}
	if (nibble == 0 && ethernet_plausible(w, CONTROL_WORD)) {
		walk_skip(w, CONTROL_WORD);
		return walk_to(w, LAYER_ETHERNET);
	}
	return ethernet_plausible(w, 0) ? walk_to(w, LAYER_ETHERNET) : PACKET_NOT_IP;
}

int mpls_step(struct walk *w)
{
	enum {
		LABEL = 4,
		BOTTOM = 0x100,
		LABELS_MAX = 16, /* networks use up to ten or so */
	};

	for (unsigned i = 0; i < LABELS_MAX; i++) {
		if (!walk_has(w, LABEL))
			return walk_short(w, LABEL);
		uint32_t word = load_be32(w->at);
		walk_skip(w, LABEL);
		if (!(word & BOTTOM))
			continue;
		if (!walk_tunnel(w, TUNNEL_MPLS, word >> 12))
			return PACKET_UNSUPPORTED;
		return mpls_payload(w);
	}
	return PACKET_UNSUPPORTED;
}

/* ERSPAN type I has no header, II has 8 bytes, III has 12 and perhaps 8 more. */
static int erspan_step(struct walk *w, bool type_3, bool has_header)
{
	enum {
		HEADER_2 = 8,
		HEADER_3 = 12,
		SUBHEADER = 8,
		SUBHEADER_FOLLOWS = 1,
		SESSION = 0x3ff,
		FRAME_ETHERNET = 0,
		FRAME_IP = 2,
	};
	const uint8_t *h = w->at;
	uint32_t size = type_3 ? HEADER_3 : has_header ? HEADER_2 : 0;

	if (!walk_has(w, size))
		return walk_short(w, size);

	uint32_t session = size ? load_be16(h + 2) & SESSION : 0;
	unsigned frame = type_3 ? h[10] >> 2 & 0x1f : FRAME_ETHERNET;
	if (frame != FRAME_ETHERNET && frame != FRAME_IP)
		return PACKET_NOT_IP; /* clock markers and the like */
	if (type_3 && h[11] & SUBHEADER_FOLLOWS)
		size += SUBHEADER;
	if (!walk_has(w, size))
		return walk_short(w, size);
	if (!walk_tunnel(w, TUNNEL_ERSPAN, session))
		return PACKET_UNSUPPORTED;
	walk_skip(w, size);
	return walk_to(w, frame == FRAME_IP ? LAYER_IP : LAYER_ETHERNET);
}

enum gre_bit {
	GRE_CHECKSUM = 0x8000,
	GRE_ROUTING = 0x4000,
	GRE_KEY = 0x2000,
	GRE_SEQUENCE = 0x1000,
	GRE_ACK = 0x0080, /* version 1 */
	GRE_VERSION = 0x0007,
};

enum gre_type {
	GRE_ERSPAN = 0x88be, /* I and II */
	GRE_ERSPAN_3 = 0x22eb,
};

/* Source routes of RFC 1701: family, offset, length, bytes; the last one is empty. */
static void skip_routes(struct reader *r)
{
	for (;;) {
		uint16_t family = reader_be16(r);
		uint8_t size;

		reader_skip(r, 1);
		size = reader_u8(r);
		if (r->short_read || (family == 0 && size == 0))
			return;
		reader_skip(r, size);
	}
}

/* What a GRE header holds besides its type: `*ret_size` bytes in all; false: they are not there. */
static bool gre_options(const struct walk *w, uint16_t bits, uint32_t *ret_key, uint32_t *ret_size)
{
	enum { GRE_HEADER = 4 };
	struct reader r = reader_of(view_of(w->at, w->left));

	*ret_key = 0;
	reader_skip(&r, GRE_HEADER);
	if (bits & (GRE_CHECKSUM | GRE_ROUTING))
		reader_skip(&r, 4);
	if (bits & GRE_KEY)
		*ret_key = reader_be32(&r);
	if (bits & GRE_SEQUENCE)
		reader_skip(&r, 4);
	if (bits & GRE_VERSION && bits & GRE_ACK)
		reader_skip(&r, 4);
	if (bits & GRE_ROUTING)
		skip_routes(&r);
	*ret_size = w->left - reader_left(&r);
	return !r.short_read;
}

int gre_step(struct walk *w)
{
	const uint8_t *h = w->at;
	uint32_t key, size;

	if (!walk_has(w, 4))
		return walk_short(w, 4);

	uint16_t bits = load_be16(h), type = load_be16(h + 2);
	unsigned version = bits & GRE_VERSION;
	if (version > 1 || (version == 1 && type != ETHERTYPE_PPP))
		return PACKET_UNSUPPORTED;
	if (!gre_options(w, bits, &key, &size))
		return walk_short(w, w->left + 1);
	walk_skip(w, size);
	if (type == GRE_ERSPAN || type == GRE_ERSPAN_3)
		return erspan_step(w, type == GRE_ERSPAN_3, bits & GRE_SEQUENCE);

	enum tunnel_kind kind = TUNNEL_GRE;
	if (version == 1) {
		/* Half of this key is the length of the payload, the other half names one direction;
		 * an acknowledgement carries nothing. */
		if (!(bits & GRE_KEY) || key >> 16 == 0)
			return PACKET_NOT_IP;
		walk_limit(w, key >> 16);
		key = 0;
	} else if (type == ETHERTYPE_BRIDGED && bits & GRE_KEY) {
		kind = TUNNEL_NVGRE;
		key >>= 8; /* the rest of it spreads flows over paths */
	}
	if (!walk_tunnel(w, kind, key))
		return PACKET_UNSUPPORTED;
	return type < ETHERTYPE_MIN ? PACKET_NOT_IP : walk_to_type(w, type);
}
