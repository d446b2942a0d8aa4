/* SPDX-License-Identifier: Apache-2.0 */
/* Writes what became of a capture. */
#include <stdio.h>
#include <string.h>

#include "capfile.h"
#include "pktbuild.h"
#include "surgery.h"

enum {
	LINK_ETHERNET = 1,
	SNAPLEN = 262144,
	TYPE_IPV4 = 0x0800,
	TYPE_IPV6 = 0x86dd,
	TYPE_VLAN = 0x8100,
	TYPE_PROVIDER_VLAN = 0x88a8,
	TYPE_ETHERNET = 0x6558,
	ICMP_PORT = 3, /* of destination unreachable, by IPv4 ... */
	ICMPV6_PORT = 4,
	PORT_MASK = 0x2e5a, /* XOR: one to one, far from the well-known ones */
	PARTS = 3,          /* fragments of a datagram */
	OUTER_VLAN = 8,
	VLAN = 7,
	VNI = 77,
};

/* Who sends to whom, as text. */
struct way {
	char src[64], dst[64];
	bool v6;
};

static void address_text(const struct surgery *s, const struct address *a, char to[static 64])
{
	char plain[46];
	address_print(a, plain);
	bool map = s->to_ipv6 && address_is_v4(a), group = map && a->b[12] >> 4 == 14;
	snprintf(to, 64, "%s%s", group ? "ff02::" : map ? "fd00::" : "", plain);
}

static struct way way_of(const struct surgery *s, const struct packet *p)
{
	struct way w;
	address_text(s, &p->key.address[p->dir], w.src);
	address_text(s, &p->key.address[!p->dir], w.dst);
	w.v6 = strchr(w.src, ':') != NULL;
	return w;
}

static uint16_t port_of(const struct surgery *s, const struct packet *p, unsigned side)
{
	return p->key.port[side] ^ (s->other_ports ? PORT_MASK : 0);
}

static void push_ip(struct pkt *to, const struct way *w, uint8_t proto, uint16_t id)
{
	pkt_ip(to, w->src, w->dst, proto);
	if (!w->v6)
		pkt_be16(to->at + 4, id);
}

static void push_links(struct pkt *to, bool v6, enum surgery_wrap wrap)
{
	uint16_t type = v6 ? TYPE_IPV6 : TYPE_IPV4;
	bool tunnel = wrap == SURGERY_VXLAN || wrap == SURGERY_GENEVE;
	if (tunnel) {
		pkt_eth(to, type);
		if (wrap == SURGERY_VXLAN)
			pkt_vxlan(to, VNI);
		else
			pkt_geneve(to, VNI, TYPE_ETHERNET, 8);
		pkt_udp(to, 49152, wrap == SURGERY_VXLAN ? 4789 : 6081);
		pkt_ip(to, "192.0.2.1", "192.0.2.2", PROTO_UDP);
		type = TYPE_IPV4;
	}
	if (wrap != SURGERY_BARE) {
		pkt_vlan(to, VLAN, type);
		type = TYPE_VLAN;
	}
	if (wrap == SURGERY_QINQ) {
		pkt_vlan(to, OUTER_VLAN, type);
		type = TYPE_PROVIDER_VLAN;
	}
	pkt_eth(to, type);
}

static void build_tcp(const struct surgery *s, const struct packet *p, struct pkt *to)
{
	uint8_t options[16];
	uint32_t size = 0;
	if (p->flags & TCP_SYN && p->window_scale != 255) {
		const uint8_t scale[] = {1, 3, 3, p->window_scale};
		memcpy(options, scale, 4);
		size = 4;
	}
	if (p->has_timestamps) {
		const uint8_t head[] = {1, 1, 8, 10};
		memcpy(options + size, head, 4);
		pkt_be32(options + size + 4, p->ts_val);
		pkt_be32(options + size + 8, p->ts_ecr);
		size += 12;
	}
	uint32_t sum = p->seq + p->payload_size * 77 + p->checksum;
	pkt_begin(to, p->payload, p->payload_size);
	pkt_tcp(to, port_of(s, p, p->dir), port_of(s, p, !p->dir), p->seq, p->ack, p->flags,
		options, size);
	pkt_be16(to->at + 14, p->window);
	pkt_be16(to->at + 16, (uint16_t)(sum ^ sum >> 16));
}

static void build_udp(const struct surgery *s, const struct packet *p, struct pkt *to)
{
	pkt_begin(to, p->payload, p->payload_size);
	pkt_udp(to, port_of(s, p, p->dir), port_of(s, p, !p->dir));
	pkt_be16(to->at + 6, p->checksum);
}

/* The quoted datagram, and the error in front of it; it goes the other way. */
static void build_icmp(const struct surgery *s, const struct packet *p, struct way *w,
		       struct pkt *to)
{
	struct way back = {.v6 = w->v6};
	bool moved = w->v6 && !p->icmp_v6;
	pkt_begin(to, p->payload, p->payload_size);
	if (p->payload_size >= 4) {
		pkt_be16(to->at, port_of(s, p, p->dir));
		pkt_be16(to->at + 2, port_of(s, p, !p->dir));
	}
	push_ip(to, w, p->key.proto, p->ip_id);
	pkt_icmp(to, moved ? 1 : p->icmp_type,
		 !moved                      ? p->icmp_code
		 : p->icmp_code == ICMP_PORT ? ICMPV6_PORT
					     : 0);
	memcpy(back.src, w->dst, sizeof(back.src));
	memcpy(back.dst, w->src, sizeof(back.dst));
	*w = back;
}

static void add(const struct surgery *s, struct capfile *c, const struct surgery_packet *p,
		const void *data, uint32_t captured, uint32_t wire)
{
	if (s->format == SURGERY_PCAPNG)
		capfile_packet(c, CAPFILE_ENHANCED, p->interface, p->p.ts_ns, data, captured, wire);
	else
		capfile_record(c, p->p.ts_ns, data, captured, wire);
}

/* A fragment of what was built; `at` and `size` in bytes. */
static void add_fragment(const struct surgery *s, struct capfile *c, const struct surgery_packet *p,
			 const struct pkt *whole, uint32_t at, uint32_t size)
{
	static struct pkt part;
	struct way w = way_of(s, &p->p);
	bool more = at + size < whole->size;
	pkt_begin(&part, whole->at + at, size);
	if (w.v6) {
		pkt_ipv6_fragment(&part, PROTO_UDP, p->p.ip_id, at, more);
		pkt_ip(&part, w.src, w.dst, 44);
	} else {
		pkt_ipv4_fragment(&part, w.src, w.dst, PROTO_UDP, p->p.ip_id, at, more);
	}
	push_links(&part, w.v6, s->wrap);
	add(s, c, p, part.at, part.size, part.size);
}

static void add_fragments(const struct surgery *s, struct capfile *c,
			  const struct surgery_packet *p, const struct pkt *whole)
{
	uint32_t size = (whole->size / PARTS + 7) / 8 * 8, count;
	size = size ? size : 8;
	count = (whole->size + size - 1) / size;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = (s->reversed ? count - 1 - i : i) * size;
		uint32_t left = whole->size - at;
		add_fragment(s, c, p, whole, at, left < size ? left : size);
	}
}

static void add_rebuilt(const struct surgery *s, struct capfile *c, const struct surgery_packet *p)
{
	static struct pkt pkt;
	struct way w = way_of(s, &p->p);
	uint8_t proto = p->p.key.proto;
	if (p->p.kind == PACKET_TCP) {
		build_tcp(s, &p->p, &pkt);
	} else if (p->p.kind == PACKET_UDP) {
		build_udp(s, &p->p, &pkt);
	} else {
		build_icmp(s, &p->p, &w, &pkt);
		proto = w.v6 ? PROTO_ICMPV6 : PROTO_ICMP;
	}
	if (s->fragmented && p->p.kind == PACKET_UDP) {
		add_fragments(s, c, p, &pkt);
		return;
	}
	push_ip(&pkt, &w, proto, p->p.ip_id);
	push_links(&pkt, w.v6, s->wrap);
	add(s, c, p, pkt.at, pkt.size, pkt.size + p->p.payload_cut);
}

int surgery_save(struct surgery *s, const char *path)
{
	enum { NANOSECONDS = 9 };
	struct capfile c;
	bool rebuilt = false;
	uint16_t link;
	for (size_t i = 0; i < s->count; i++)
		rebuilt |= s->packets[i].rebuilt;
	link = rebuilt ? LINK_ETHERNET : s->link_type;
	capfile_init(&c);
	if (s->format == SURGERY_PCAPNG) {
		capfile_section(&c, false, -1);
		for (unsigned i = 0; i < s->interfaces || !i; i++)
			capfile_interface(&c, link, SNAPLEN, i ? "other" : "one", NANOSECONDS, 0);
	} else {
		bool us = s->format == SURGERY_PCAP_US;
		capfile_pcap(&c, us ? CAPFILE_PCAP_US : CAPFILE_PCAP_NS, false, SNAPLEN, link);
	}
	for (size_t i = 0; i < s->count; i++) {
		const struct surgery_packet *p = &s->packets[i];
		if (p->removed)
			continue;
		if (rebuilt)
			add_rebuilt(s, &c, p);
		else
			add(s, &c, p, p->frame, p->captured, p->wire);
	}
	capfile_save(&c, path);
	capfile_done(&c);
	return 0;
}
