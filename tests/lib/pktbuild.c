/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/pktbuild.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum { TAIL = 256 }; /* room behind the payload, for padding */

void pkt_begin(struct pkt *p, const void *payload, uint32_t size)
{
	enum { PERIOD = 251 };

	if (size > PKT_ROOM - TAIL)
		abort();
	p->at = p->room + PKT_ROOM - TAIL - size;
	p->size = size;
	if (payload)
		memcpy(p->at, payload, size);
	for (uint32_t i = 0; !payload && i < size; i++)
		p->at[i] = (uint8_t)(i % PERIOD);
}

uint8_t *pkt_push(struct pkt *p, uint32_t n)
{
	if (n > (size_t)(p->at - p->room))
		abort();
	p->at -= n;
	p->size += n;
	return memset(p->at, 0, n);
}

void pkt_pad(struct pkt *p, uint32_t n)
{
	if (p->at + p->size + n > p->room + PKT_ROOM)
		abort();
	memset(p->at + p->size, 0, n);
	p->size += n;
}

void pkt_copy(struct pkt *to, const struct pkt *from)
{
	to->at = to->room + (from->at - from->room);
	to->size = from->size;
	memcpy(to->at, from->at, from->size);
}

struct frame pkt_frame(const struct pkt *p)
{
	return (struct frame){
		.data = p->at, .captured = p->size, .wire = p->size, .link_type = 1, .number = 1};
}

void pkt_be16(uint8_t *to, uint16_t v)
{
	to[0] = (uint8_t)(v >> 8);
	to[1] = (uint8_t)v;
}

void pkt_be32(uint8_t *to, uint32_t v)
{
	pkt_be16(to, (uint16_t)(v >> 16));
	pkt_be16(to + 2, (uint16_t)v);
}

void pkt_eth(struct pkt *p, uint16_t type)
{
	static const uint8_t macs[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	uint8_t *h = pkt_push(p, 14);

	memcpy(h, macs, sizeof(macs));
	pkt_be16(h + 12, type);
}

void pkt_vlan(struct pkt *p, uint16_t id, uint16_t type)
{
	uint8_t *h = pkt_push(p, 4);

	pkt_be16(h, id);
	pkt_be16(h + 2, type);
}

void pkt_llc_snap(struct pkt *p, uint16_t type)
{
	uint8_t *h = pkt_push(p, 8);

	memcpy(h, "\xaa\xaa\x03", 3);
	pkt_be16(h + 6, type);
}

void pkt_sll(struct pkt *p, uint16_t type)
{
	uint8_t *h = pkt_push(p, 16);

	pkt_be16(h + 2, 1);
	pkt_be16(h + 4, 6);
	pkt_be16(h + 14, type);
}

void pkt_sll2(struct pkt *p, uint16_t type)
{
	uint8_t *h = pkt_push(p, 20);

	pkt_be16(h, type);
	pkt_be32(h + 4, 3);
	pkt_be16(h + 8, 1);
	h[11] = 6;
}

void pkt_pbb(struct pkt *p, uint32_t isid)
{
	pkt_be32(pkt_push(p, 4), isid);
}

void pkt_mpls(struct pkt *p, uint32_t label, bool bottom)
{
	pkt_be32(pkt_push(p, 4), label << 12 | (uint32_t)bottom << 8 | 64);
}

void pkt_pppoe(struct pkt *p, uint16_t session, uint16_t proto)
{
	uint8_t *h;

	pkt_be16(pkt_push(p, 2), proto);
	h = pkt_push(p, 6);
	h[0] = 0x11;
	pkt_be16(h + 2, session);
	pkt_be16(h + 4, (uint16_t)(p->size - 6));
}

void pkt_gre(struct pkt *p, uint16_t flags, uint16_t type, uint32_t key)
{
	uint32_t size =
		4 + (flags & 0x8000 ? 4 : 0) + (flags & 0x2000 ? 4 : 0) + (flags & 0x1000 ? 4 : 0);
	uint8_t *h = pkt_push(p, size);

	pkt_be16(h, flags);
	pkt_be16(h + 2, type);
	if (flags & 0x2000)
		pkt_be32(h + (flags & 0x8000 ? 8 : 4), key);
}

void pkt_erspan2(struct pkt *p, uint16_t session)
{
	uint8_t *h = pkt_push(p, 8);

	h[0] = 0x10;
	pkt_be16(h + 2, session);
}

void pkt_erspan3(struct pkt *p, uint16_t session, bool subheader)
{
	uint8_t *h;

	if (subheader)
		pkt_push(p, 8);
	h = pkt_push(p, 12);
	h[0] = 0x20;
	pkt_be16(h + 2, session);
	h[11] = subheader;
}

void pkt_vxlan(struct pkt *p, uint32_t vni)
{
	uint8_t *h = pkt_push(p, 8);

	h[0] = 0x08;
	pkt_be32(h + 4, vni << 8);
}

void pkt_geneve(struct pkt *p, uint32_t vni, uint16_t type, uint32_t option_bytes)
{
	uint8_t *h = pkt_push(p, 8 + option_bytes);

	h[0] = (uint8_t)(option_bytes / 4);
	pkt_be16(h + 2, type);
	pkt_be32(h + 4, vni << 8);
}

void pkt_gtpu(struct pkt *p, uint32_t teid, bool sequence, unsigned extensions)
{
	uint32_t optional = sequence || extensions ? 4 + 4 * extensions : 0;
	uint32_t size = p->size + optional;
	uint8_t *h = pkt_push(p, 8 + optional);

	h[0] = (uint8_t)(0x30 | (sequence ? 2 : 0) | (extensions ? 4 : 0));
	h[1] = 255;
	pkt_be16(h + 2, (uint16_t)size);
	pkt_be32(h + 4, teid);
	/* The type of the first is in the byte before it, that of the next in its own last byte. */
	for (unsigned i = 0; i < extensions; i++) {
		h[11 + 4 * i] = 0x85;
		h[12 + 4 * i] = 1;
	}
}

static uint16_t ip_checksum(const uint8_t *h, uint32_t size)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < size; i += 2)
		sum += (uint32_t)(h[i] << 8 | h[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void push_ipv4(struct pkt *p, const char *src, const char *dst, uint8_t proto, uint16_t id,
		      uint16_t fragment, uint32_t option_bytes)
{
	uint32_t size = 20 + option_bytes;
	uint8_t *h = pkt_push(p, size);

	h[0] = (uint8_t)(0x40 | size / 4);
	/* What does not fit is a super-segment, and says 0. */
	pkt_be16(h + 2, p->size > UINT16_MAX ? 0 : (uint16_t)p->size);
	pkt_be16(h + 4, id);
	pkt_be16(h + 6, fragment);
	h[8] = 64;
	h[9] = proto;
	if (inet_pton(AF_INET, src, h + 12) != 1 || inet_pton(AF_INET, dst, h + 16) != 1)
		abort();
	memset(h + 20, 1, option_bytes); /* no operation */
	pkt_be16(h + 10, ip_checksum(h, size));
}

static void push_ipv6(struct pkt *p, const char *src, const char *dst, uint8_t next)
{
	uint32_t size = p->size;
	uint8_t *h = pkt_push(p, 40);

	h[0] = 0x60;
	pkt_be16(h + 4, size > UINT16_MAX ? 0 : (uint16_t)size);
	h[6] = next;
	h[7] = 64;
	if (inet_pton(AF_INET6, src, h + 8) != 1 || inet_pton(AF_INET6, dst, h + 24) != 1)
		abort();
}

void pkt_ip(struct pkt *p, const char *src, const char *dst, uint8_t proto)
{
	if (strchr(src, ':'))
		push_ipv6(p, src, dst, proto);
	else
		push_ipv4(p, src, dst, proto, 0x1234, 0x4000, 0);
}

void pkt_ipv4_options(struct pkt *p, const char *src, const char *dst, uint8_t proto,
		      uint32_t option_bytes)
{
	push_ipv4(p, src, dst, proto, 0x1234, 0x4000, option_bytes);
}

void pkt_ipv4_fragment(struct pkt *p, const char *src, const char *dst, uint8_t proto, uint16_t id,
		       uint32_t offset, bool more)
{
	push_ipv4(p, src, dst, proto, id, (uint16_t)(offset / 8 | (more ? 0x2000 : 0)), 0);
}

void pkt_extension(struct pkt *p, uint8_t next, uint32_t size)
{
	uint8_t *h = pkt_push(p, size);

	h[0] = next;
	h[1] = (uint8_t)(size / 8 - 1);
	h[2] = 1; /* PadN */
	h[3] = (uint8_t)(size - 4);
}

void pkt_ipv6_fragment(struct pkt *p, uint8_t next, uint32_t id, uint32_t offset, bool more)
{
	uint8_t *h = pkt_push(p, 8);

	h[0] = next;
	pkt_be16(h + 2, (uint16_t)(offset | more));
	pkt_be32(h + 4, id);
}

void pkt_jumbo(struct pkt *p, uint8_t next)
{
	uint8_t *h = pkt_push(p, 8);

	h[0] = next;
	h[2] = 0xc2;
	h[3] = 4;
	pkt_be32(h + 4, p->size);
}

void pkt_tcp(struct pkt *p, uint16_t sport, uint16_t dport, uint32_t seq, uint32_t ack,
	     uint8_t flags, const void *options, uint32_t option_bytes)
{
	uint8_t *h = pkt_push(p, 20 + option_bytes);

	pkt_be16(h, sport);
	pkt_be16(h + 2, dport);
	pkt_be32(h + 4, seq);
	pkt_be32(h + 8, ack);
	h[12] = (uint8_t)((20 + option_bytes) / 4 << 4);
	h[13] = flags;
	pkt_be16(h + 14, 8192);
	if (option_bytes)
		memcpy(h + 20, options, option_bytes);
}

void pkt_udp(struct pkt *p, uint16_t sport, uint16_t dport)
{
	uint8_t *h = pkt_push(p, 8);

	pkt_be16(h, sport);
	pkt_be16(h + 2, dport);
	pkt_be16(h + 4, p->size > UINT16_MAX ? 0 : (uint16_t)p->size);
}

void pkt_icmp(struct pkt *p, uint8_t type, uint8_t code)
{
	uint8_t *h = pkt_push(p, 8);

	h[0] = type;
	h[1] = code;
}

struct address pkt_address(const char *text)
{
	uint8_t b[16];

	if (inet_pton(AF_INET6, text, b) == 1)
		return address_v6(b);
	if (inet_pton(AF_INET, text, b) != 1)
		abort();
	return address_v4(b);
}
