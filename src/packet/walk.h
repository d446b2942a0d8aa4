/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Inside src/packet: the walk over one frame's headers, and the parser that keeps what outlives a frame.
 *
 * A walk is a cursor. Each step reads the header at `at`, moves past it and names the layer that comes
 * next; parse.c runs the steps in a plain loop, so nesting costs no stack. `left` is what the capture
 * holds from `at` on, `wire` what the wire held there; every length field met on the way can only make
 * them smaller, but for an IPv4 total length that promises more than the frame has: that is a cut.
 */
#include <sys/queue.h>

#include "core/hash.h"
#include "core/pool.h"
#include "core/view.h"
#include "packet/packet.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

enum layer {
	LAYER_ETHERNET, /* a MAC header */
	LAYER_TYPE,     /* what the EtherType `type` says */
	LAYER_LLC,      /* IEEE 802.2 */
	LAYER_PPP,
	LAYER_MPLS,
	LAYER_GRE,
	LAYER_IP,    /* its version is in its first nibble */
	LAYER_PROTO, /* what the IP protocol number `ip.proto` says */
};

/* A step returns this, or the enum packet_verdict that ends the walk. */
enum { STEP_ON = -1 };

/* What the innermost IP header said. */
struct ip_info {
	struct address src, dst;
	uint16_t id;
	uint8_t proto;
	uint8_t ecn;
	uint8_t version;     /* 0: no IP header yet */
	uint8_t extensions;  /* headers between IPv6 and its transport */
	bool own_length;     /* the length is the frame's: TSO, jumbogram */
	bool rebuilt;        /* from fragments: a further fragment header is an error */
	bool later_fragment; /* of a quoted packet: there is no transport header */
};

struct walk {
	const uint8_t *at;
	uint32_t left, wire;
	enum layer next;
	uint16_t type;   /* for LAYER_TYPE */
	bool quoted;     /* inside an ICMP error: lengths lie, fragments are not kept */
	uint32_t frames; /* fragments that this walk stands for; 0: none */
	struct ip_info ip;
	struct place place;
	struct packet_parser *parser;
	struct scratch *scratch;
	uint64_t now_ns;
	struct packet *ret;
};

/* --- places (place.c) --- */

enum {
	PLACES_MAX = 65535, /* an id is 16 bits, and one value means none */
	PLACE_CHUNK = 1024, /* places never move: other threads look at them */
	PLACE_CHUNKS = (PLACES_MAX + PLACE_CHUNK - 1) / PLACE_CHUNK,
	PLACE_SLOTS = 1 << 17, /* twice PLACES_MAX */
	INTERFACES = 1 << 16,
};

struct place_table {
	struct place *chunk[PLACE_CHUNKS];
	uint32_t count;
	uint16_t recent; /* id + 1 of the last one with a tunnel: most likely the next one's too */
	uint16_t bare[INTERFACES];  /* id + 1 of the interface without a tunnel */
	uint16_t slot[PLACE_SLOTS]; /* id + 1, open addressing */
};

/* The id of a place, made when it is new. */
uint16_t place_id(struct packet_parser *p, const struct place *place);
void places_done(struct place_table *t);

/* --- fragments (defrag.c) --- */

struct datagram;
TAILQ_HEAD(datagram_list, datagram);

struct defrag {
	struct datagram *all;     /* `cap` of them */
	struct datagram **bucket; /* 2 * cap rounded up to a power of two */
	uint32_t cap, bucket_mask;
	uint64_t patience_ns;
	uint64_t next_ns; /* the next one expires; UINT64_MAX: none waits */
	struct pool *pool;
	struct datagram_list open, done, unused; /* oldest first */
};

/* One fragment, as its header tells. */
struct fragment {
	uint32_t id;
	uint32_t from; /* offset of its first byte in the packet */
	bool more;
};

int defrag_init(struct defrag *d, const struct packet_options *options);
void defrag_done(struct defrag *d);
/* Takes the fragment whose data the walk stands at. STEP_ON: the walk stands at the rebuilt payload. */
int defrag_put(struct walk *w, const struct fragment *f);
/* Drops what waited too long. */
void defrag_expire(struct packet_parser *p, uint64_t now_ns);
/* Drops everything and counts it as held. */
void defrag_finish(struct packet_parser *p);

struct packet_parser {
	uint64_t secret;
	const struct spread *spread;
	struct counters *counters;
	struct defrag defrag;
	struct place_table places;
};

/* --- the cursor --- */

static inline bool walk_has(const struct walk *w, uint32_t n)
{
	return w->left >= n;
}

/* The verdict when a header of `n` bytes is not all there. */
static inline int walk_short(const struct walk *w, uint32_t n)
{
	return w->wire >= n ? PACKET_TRUNCATED : PACKET_MALFORMED;
}

/* The caller has checked walk_has(w, n). */
static inline void walk_skip(struct walk *w, uint32_t n)
{
	w->at += n;
	w->left -= n;
	w->wire -= n;
}

/* What follows is `size` bytes long at most: the rest is padding. */
static inline void walk_limit(struct walk *w, uint32_t size)
{
	if (w->wire > size)
		w->wire = size;
	if (w->left > size)
		w->left = size;
}

static inline int walk_to(struct walk *w, enum layer next)
{
	w->next = next;
	return STEP_ON;
}

static inline int walk_to_type(struct walk *w, uint16_t type)
{
	w->type = type;
	return walk_to(w, LAYER_TYPE);
}

/* Notes one more encapsulation; false: TUNNEL_MAX is reached, the frame is unsupported. */
static inline bool walk_tunnel(struct walk *w, enum tunnel_kind kind, uint32_t id)
{
	if (w->place.depth == TUNNEL_MAX)
		return false;
	w->place.layer[w->place.depth++] = (struct tunnel_layer){.id = id, .kind = (uint8_t)kind};
	return true;
}

/* --- steps --- */

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_PPP = 0x880b,
	ETHERTYPE_MPLS = 0x8847,
	ETHERTYPE_MPLS_UPPER = 0x8848,
	ETHERTYPE_PPPOE = 0x8864,
	ETHERTYPE_QINQ = 0x88a8,
	ETHERTYPE_PBB = 0x88e7,
	ETHERTYPE_QINQ_OLD = 0x9100,
	ETHERTYPE_BRIDGED = 0x6558, /* a whole Ethernet frame */
	ETHERTYPE_MIN = 0x0600,     /* below: a length, LLC follows */
};

/* link.c */
int link_begin(struct walk *w, uint16_t link_type);
int ethernet_step(struct walk *w);
int type_step(struct walk *w);
int llc_step(struct walk *w);
int ppp_step(struct walk *w);
/* True when an Ethernet frame whose EtherType is one of ours, or ARP, may begin `at` bytes further on. */
bool ethernet_plausible(const struct walk *w, uint32_t at);

/* tunnel.c */
int vlan_step(struct walk *w);
int pbb_step(struct walk *w);
int pppoe_step(struct walk *w);
int mpls_step(struct walk *w);
int gre_step(struct walk *w);

/* tunnel_udp.c: the walk stands at the payload of a UDP datagram to `port`. NOT_TUNNEL leaves it alone. */
enum { NOT_TUNNEL = -2 };
int udp_tunnel(struct walk *w, uint16_t port);
/* True for the destination ports that udp_tunnel() looks at. */
static inline bool udp_tunnel_port(uint16_t port)
{
	switch (port) {
	case 2152: /* GTP-U */
	case 4754: /* GRE in UDP */
	case 4789: /* VXLAN */
	case 4790: /* VXLAN-GPE */
	case 6081: /* GENEVE */
	case 6635: /* MPLS in UDP */
	case 8472: /* VXLAN, as Linux knew it first */
		return true;
	default:
		return false;
	}
}

/* ip.c */
int ip_step(struct walk *w);
int proto_step(struct walk *w);

/* transport.c: they end the walk and fill w->ret. */
int tcp_finish(struct walk *w);
int udp_step(struct walk *w);
int icmp_step(struct walk *w);
int other_finish(struct walk *w);
