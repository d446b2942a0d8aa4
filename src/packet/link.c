/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Link layers down to an EtherType.
 * spec: tcpdump.org/linktypes.html · IEEE 802.3, 802.2 · RFC 1042 (SNAP) · RFC 1661, 1662 (PPP) ·
 * RFC 4391 (IPoIB)
 */
#include "packet/walk.h"

/* LINKTYPE_ values. 12 and 14 are raw IP too, as some systems number it. */
enum link_type {
	LINK_NULL = 0,
	LINK_ETHERNET = 1,
	LINK_PPP = 9,
	LINK_RAW_12 = 12,
	LINK_RAW_14 = 14,
	LINK_PPP_HDLC = 50,
	LINK_PPPOE = 51,
	LINK_RAW = 101,
	LINK_CISCO_HDLC = 104,
	LINK_LOOP = 108,
	LINK_SLL = 113,
	LINK_PPP_PPPD = 166,
	LINK_PPP_WITH_DIR = 204,
	LINK_IPV4 = 228,
	LINK_IPV6 = 229,
	LINK_IPOIB = 242,
	LINK_SLL2 = 276,
};

enum {
	ETHERNET_HEADER = 14,
	SLL_HEADER = 16,
	SLL2_HEADER = 20,
	IPOIB_HEADER = 24, /* the destination's 20-byte address, then type and 2 reserved bytes */
	ARPHRD_NETLINK = 824,
	SLL_LLC = 4,
};

/* Linux cooked capture: `type` is an EtherType for everything that has one. */
static int sll_type(struct walk *w, uint16_t arphrd, uint16_t type)
{
	if (arphrd == ARPHRD_NETLINK)
		return PACKET_NOT_IP;
	if (type == SLL_LLC)
		return walk_to(w, LAYER_LLC);
	return type < ETHERTYPE_MIN ? PACKET_NOT_IP : walk_to_type(w, type);
}

static int sll_begin(struct walk *w)
{
	const uint8_t *h = w->at;

	if (!walk_has(w, SLL_HEADER))
		return walk_short(w, SLL_HEADER);
	walk_skip(w, SLL_HEADER);
	return sll_type(w, load_be16(h + 2), load_be16(h + 14));
}

static int sll2_begin(struct walk *w)
{
	const uint8_t *h = w->at;

	if (!walk_has(w, SLL2_HEADER))
		return walk_short(w, SLL2_HEADER);
	walk_skip(w, SLL2_HEADER);
	return sll_type(w, load_be16(h + 8), load_be16(h));
}

/* An address family in the byte order of the machine that captured: both are tried. */
static int null_begin(struct walk *w)
{
	enum { FAMILY_HEADER = 4 };
	const uint8_t *h = w->at;

	if (!walk_has(w, FAMILY_HEADER))
		return walk_short(w, FAMILY_HEADER);

	uint32_t family = load_be32(h);
	if (family > UINT16_MAX)
		family = load_le32(h);
	walk_skip(w, FAMILY_HEADER);
	switch (family) {
	case 2:  /* AF_INET everywhere */
	case 10: /* AF_INET6: Linux, */
	case 23: /* Windows, */
	case 24: /* NetBSD and OpenBSD, */
	case 28: /* FreeBSD, */
	case 30: /* macOS */
		return walk_to(w, LAYER_IP);
	default:
		/* Some devices put an EtherType there. */
		if (family >= ETHERTYPE_MIN && family <= UINT16_MAX)
			return walk_to_type(w, (uint16_t)family);
		return PACKET_NOT_IP;
	}
}

static int ipoib_begin(struct walk *w)
{
	const uint8_t *h = w->at;

	if (!walk_has(w, IPOIB_HEADER))
		return walk_short(w, IPOIB_HEADER);
	walk_skip(w, IPOIB_HEADER);
	return walk_to_type(w, load_be16(h + 20));
}

static int cisco_hdlc_begin(struct walk *w)
{
	enum { CISCO_HEADER = 4 };
	const uint8_t *h = w->at;

	if (!walk_has(w, CISCO_HEADER))
		return walk_short(w, CISCO_HEADER);
	walk_skip(w, CISCO_HEADER);
	return walk_to_type(w, load_be16(h + 2));
}

static int hdlc_begin(struct walk *w)
{
	enum { CISCO_UNICAST = 0x0f, CISCO_MULTICAST = 0x8f };

	if (walk_has(w, 1) && (w->at[0] == CISCO_UNICAST || w->at[0] == CISCO_MULTICAST))
		return cisco_hdlc_begin(w);
	return walk_to(w, LAYER_PPP);
}

/* A byte for the direction in front; pppd's own link type puts it in place of the 0xff. */
static int ppp_direction_begin(struct walk *w, bool pppd)
{
	if (!walk_has(w, 1))
		return walk_short(w, 1);
	walk_skip(w, 1);
	if (pppd && walk_has(w, 1) && w->at[0] == 0x03)
		walk_skip(w, 1);
	return walk_to(w, LAYER_PPP);
}

int link_begin(struct walk *w, uint16_t link_type)
{
	switch (link_type) {
	case LINK_ETHERNET:
		return walk_to(w, LAYER_ETHERNET);
	case LINK_SLL:
		return sll_begin(w);
	case LINK_SLL2:
		return sll2_begin(w);
	case LINK_NULL:
	case LINK_LOOP:
		return null_begin(w);
	case LINK_RAW_12:
	case LINK_RAW_14:
	case LINK_RAW:
	case LINK_IPV4:
	case LINK_IPV6:
		return walk_to(w, LAYER_IP);
	case LINK_IPOIB:
		return ipoib_begin(w);
	case LINK_PPP:
		return walk_to(w, LAYER_PPP);
	case LINK_PPP_HDLC:
		return hdlc_begin(w);
	case LINK_CISCO_HDLC:
		return cisco_hdlc_begin(w);
	case LINK_PPPOE:
		return pppoe_step(w);
	case LINK_PPP_PPPD:
		return ppp_direction_begin(w, true);
	case LINK_PPP_WITH_DIR:
		return ppp_direction_begin(w, false);
	default:
		return PACKET_UNSUPPORTED;
	}
}

int ethernet_step(struct walk *w)
{
	const uint8_t *h = w->at;

	if (!walk_has(w, ETHERNET_HEADER))
		return walk_short(w, ETHERNET_HEADER);
	walk_skip(w, ETHERNET_HEADER);
	return walk_to_type(w, load_be16(h + 12));
}

bool ethernet_plausible(const struct walk *w, uint32_t at)
{
	enum { ARP = 0x0806 };

	if (w->left < at + ETHERNET_HEADER)
		return false;
	switch (load_be16(w->at + at + 12)) {
	case ETHERTYPE_IPV4:
	case ETHERTYPE_IPV6:
	case ETHERTYPE_VLAN:
	case ETHERTYPE_QINQ:
	case ETHERTYPE_MPLS:
	case ETHERTYPE_PPPOE:
	case ARP:
		return true;
	default:
		return false;
	}
}

int type_step(struct walk *w)
{
	switch (w->type) {
	case ETHERTYPE_IPV4:
	case ETHERTYPE_IPV6:
		return walk_to(w, LAYER_IP);
	case ETHERTYPE_VLAN:
	case ETHERTYPE_QINQ:
	case ETHERTYPE_QINQ_OLD:
		return vlan_step(w);
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_UPPER:
		return walk_to(w, LAYER_MPLS);
	case ETHERTYPE_PPPOE:
		return pppoe_step(w);
	case ETHERTYPE_PBB:
		return pbb_step(w);
	case ETHERTYPE_PPP:
		return walk_to(w, LAYER_PPP);
	case ETHERTYPE_BRIDGED:
		return walk_to(w, LAYER_ETHERNET);
	case 0x22f3: /* TRILL */
	case 0x8903: /* FabricPath */
	case 0x8909: /* Cisco metadata */
	case 0x8926: /* VN-Tag */
	case 0x88e5: /* MACsec */
	case 0x893f: /* 802.1BR */
	case 0x894f: /* NSH */
		return PACKET_UNSUPPORTED;
	default:
		if (w->type >= ETHERTYPE_MIN)
			return PACKET_NOT_IP;
		walk_limit(w, w->type);
		return walk_to(w, LAYER_LLC);
	}
}

int llc_step(struct walk *w)
{
	enum { LLC_HEADER = 3, SNAP_HEADER = 8, SAP_IP = 0x06, SAP_SNAP = 0xaa, UNNUMBERED = 0x03 };
	const uint8_t *h = w->at;

	if (!walk_has(w, LLC_HEADER)) /* a length of 0 comes with odd devices, and means no IP */
		return w->wire >= LLC_HEADER ? PACKET_TRUNCATED : PACKET_NOT_IP;
	if (h[2] != UNNUMBERED)
		return PACKET_NOT_IP;
	if (h[0] == SAP_IP && h[1] == SAP_IP) {
		walk_skip(w, LLC_HEADER);
		return walk_to(w, LAYER_IP);
	}
	if (h[0] != SAP_SNAP || h[1] != SAP_SNAP)
		return PACKET_NOT_IP;
	if (!walk_has(w, SNAP_HEADER))
		return walk_short(w, SNAP_HEADER);
	/* Organisation 0: an EtherType follows; any other has numbers of its own. */
	if (h[3] || h[4] || h[5] || load_be16(h + 6) < ETHERTYPE_MIN)
		return PACKET_NOT_IP;
	walk_skip(w, SNAP_HEADER);
	return walk_to_type(w, load_be16(h + 6));
}

int ppp_step(struct walk *w)
{
	enum { ADDRESS = 0xff, CONTROL = 0x03 };

	if (!walk_has(w, 2))
		return walk_short(w, 2);
	if (w->at[0] == ADDRESS && w->at[1] == CONTROL)
		walk_skip(w, 2);
	if (!walk_has(w, 2))
		return walk_short(w, 2);

	/* Protocol numbers end in an odd byte; a first odd byte is a compressed one (RFC 1661 6.5). */
	uint32_t size = w->at[0] & 1 ? 1 : 2;
	uint16_t proto = size == 1 ? w->at[0] : load_be16(w->at);

	walk_skip(w, size);
	switch (proto) {
	case 0x0021: /* IPv4 */
	case 0x0057: /* IPv6 */
		return walk_to(w, LAYER_IP);
	case 0x0281: /* MPLS unicast */
	case 0x0283: /* and multicast */
		return walk_to(w, LAYER_MPLS);
	case 0x002d: /* Van Jacobson compressed TCP */
	case 0x002f: /* and not compressed */
	case 0x003d: /* multilink */
	case 0x00fd: /* compressed */
		return PACKET_UNSUPPORTED;
	default:
		return PACKET_NOT_IP;
	}
}
