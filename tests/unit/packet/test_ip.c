/* SPDX-License-Identifier: Apache-2.0 */
/* IP lengths, super-segments, jumbograms, extension headers, and ports that only look like tunnels. */
#include <criterion/criterion.h>

#include "tests/unit/packet/rig.h"

#define A "10.0.0.1"
#define B "10.0.0.2"
#define A6 "fd00::1"
#define B6 "fd00::2"

static struct pkt pkt;
static struct rig rig;

static void open_rig(void)
{
	rig_open(&rig, NULL);
}

static void close_rig(void)
{
	rig_close(&rig);
}

TestSuite(ip, .init = open_rig, .fini = close_rig);

static void tcp4(uint32_t payload)
{
	pkt_begin(&pkt, NULL, payload);
	pkt_tcp(&pkt, 1000, 80, 1, 1, TCP_ACK, NULL, 0);
	pkt_ip(&pkt, A, B, PROTO_TCP);
	pkt_eth(&pkt, 0x0800);
}

static void tcp6(uint32_t payload)
{
	pkt_begin(&pkt, NULL, payload);
	pkt_tcp(&pkt, 1000, 80, 1, 1, TCP_ACK, NULL, 0);
	pkt_ip(&pkt, A6, B6, PROTO_TCP);
	pkt_eth(&pkt, 0x86dd);
}

Test(ip, super_segments)
{
	static const uint32_t size[] = {1000, 65535 - 40, 65536, 70000, 150000};

	for (unsigned i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
		tcp4(size[i]);
		cr_assert_eq(rig_feed(&rig, &pkt), PACKET_READY);
		rig_expect_payload(&rig, size[i]);
		tcp6(size[i]);
		cr_assert_eq(rig_feed(&rig, &pkt), PACKET_READY);
		rig_expect_payload(&rig, size[i]);
	}
	/* Length 0 on a small one: not yet filled in by the hardware. */
	tcp4(100);
	pkt_be16(pkt.at + 16, 0);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_READY);
	rig_expect_payload(&rig, 100);
}

Test(ip, jumbograms)
{
	pkt_begin(&pkt, NULL, 100000);
	pkt_tcp(&pkt, 1000, 80, 1, 1, TCP_ACK, NULL, 0);
	pkt_jumbo(&pkt, PROTO_TCP);
	pkt_ip(&pkt, A6, B6, 0);
	pkt_eth(&pkt, 0x86dd);
	pkt_pad(&pkt, 20);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_READY);
	rig_expect_payload(&rig, 100000);

	/* UDP has 16 bits for its length, and says 0 (RFC 2675). */
	pkt_begin(&pkt, NULL, 70000);
	pkt_udp(&pkt, 1000, 53);
	pkt_jumbo(&pkt, PROTO_UDP);
	pkt_ip(&pkt, A6, B6, 0);
	pkt_eth(&pkt, 0x86dd);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_READY);
	rig_expect_payload(&rig, 70000);

	/* A jumbo length that ends inside its own header. */
	pkt_be32(pkt.at + 14 + 40 + 4, 3);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_MALFORMED);
}

/* More than the frame has: the capture lost it, and the payload is as long as the header says. */
Test(ip, length_beyond_the_frame)
{
	for (unsigned i = 0; i < 2; i++) {
		tcp4(100);
		pkt.size -= 30;
		cr_assert_eq(rig_feed(&rig, &pkt), PACKET_READY);
		cr_assert_eq(rig.packet.payload_size, 70);
		cr_assert_eq(rig.packet.payload_cut, 30);
		tcp6(100);
		pkt.size -= 30;
		cr_assert_eq(rig_feed(&rig, &pkt), PACKET_READY);
		cr_assert_eq(rig.packet.payload_size, 70);
		cr_assert_eq(rig.packet.payload_cut, 30);
	}
}

Test(ip, bad_headers)
{
	tcp4(10);
	pkt.at[14] = 0x44; /* 16 bytes of header */
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_MALFORMED);
	tcp4(10);
	pkt.at[14] = 0x55; /* version 5 */
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_MALFORMED);
	tcp4(10);
	pkt_be16(pkt.at + 16, 19); /* shorter than its header */
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_MALFORMED);
	tcp4(10);
	pkt_be16(pkt.at + 16, 39); /* shorter than the TCP header */
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_MALFORMED);
	tcp4(10);
	pkt.at[25] ^= 0xff; /* the checksum is nobody's business */
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_READY);
	/* IPv6 behind the EtherType of IPv4: the version decides. */
	tcp6(10);
	pkt_be16(pkt.at + 12, 0x0800);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_READY);
	cr_assert_eq(rig.counters.frames_malformed, 4);
}

Test(ip, no_next_header)
{
	pkt_begin(&pkt, NULL, 0);
	pkt_ip(&pkt, A6, B6, 59);
	pkt_eth(&pkt, 0x86dd);
	pkt_pad(&pkt, 6);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_READY);
	rig_expect(&rig, PACKET_OTHER, 59, A6, 0, B6, 0);
	cr_assert_eq(rig.packet.payload_size, 0);

	/* Mobility, HIP and shim6 end with it too, and are named by their own number. */
	static const uint8_t last[] = {135, 139, 140};
	for (unsigned i = 0; i < sizeof(last); i++) {
		pkt_begin(&pkt, NULL, 0);
		pkt_extension(&pkt, 59, 16);
		pkt_ip(&pkt, A6, B6, last[i]);
		pkt_eth(&pkt, 0x86dd);
		cr_assert_eq(rig_feed(&rig, &pkt), PACKET_READY);
		rig_expect(&rig, PACKET_OTHER, last[i], A6, 0, B6, 0);
	}
}

/* `type` 0 and 2: the last address of the list; 4: the first. */
static void routed(uint8_t type, uint8_t left)
{
	pkt_begin(&pkt, NULL, 5);
	pkt_tcp(&pkt, 1000, 80, 1, 1, TCP_ACK, NULL, 0);
	uint8_t *h = pkt_push(&pkt, 8 + 32);
	h[0] = PROTO_TCP;
	h[1] = 4;
	h[2] = type;
	h[3] = left;
	h[8] = h[24] = 0xfd;
	h[23] = 0x11;
	h[39] = 0x22;
	pkt_ip(&pkt, A6, B6, 43);
	pkt_eth(&pkt, 0x86dd);
}

Test(ip, routing_headers)
{
	static const struct {
		uint8_t type, left;
		const char *dst;
	} row[] = {
		{0, 2, "fd00::22"}, {0, 0, B6}, {2, 1, "fd00::22"},
		{4, 1, "fd00::11"}, {4, 0, B6}, {3, 1, B6},
	};

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		routed(row[i].type, row[i].left);
		cr_assert_eq(rig_feed(&rig, &pkt), PACKET_READY);
		rig_expect(&rig, PACKET_TCP, PROTO_TCP, A6, 1000, row[i].dst, 80);
	}
}

Test(ip, home_address)
{
	pkt_begin(&pkt, NULL, 5);
	pkt_tcp(&pkt, 1000, 80, 1, 1, TCP_ACK, NULL, 0);
	uint8_t *h = pkt_push(&pkt, 24);
	h[0] = PROTO_TCP;
	h[1] = 2;
	h[2] = 1;
	h[3] = 2;
	h[6] = 0xc9;
	h[7] = 16;
	h[8] = 0xfd;
	h[23] = 0x77;
	pkt_ip(&pkt, A6, B6, 60);
	pkt_eth(&pkt, 0x86dd);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_READY);
	rig_expect(&rig, PACKET_TCP, PROTO_TCP, "fd00::77", 1000, B6, 80);
	/* An option of another length is not one. */
	pkt.at[14 + 40 + 7] = 15;
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_READY);
	rig_expect(&rig, PACKET_TCP, PROTO_TCP, A6, 1000, B6, 80);
}

Test(ip, endless_extensions)
{
	pkt_begin(&pkt, NULL, 5);
	for (unsigned i = 0; i < 1000; i++)
		pkt_extension(&pkt, 60, 8);
	pkt_ip(&pkt, A6, B6, 60);
	pkt_eth(&pkt, 0x86dd);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_UNSUPPORTED);

	pkt_begin(&pkt, NULL, 5);
	for (unsigned i = 0; i < 1000; i++)
		pkt_mpls(&pkt, i, false);
	pkt_eth(&pkt, 0x8847);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_UNSUPPORTED);
}

/* An extension header that is longer than its packet. */
Test(ip, extension_too_long)
{
	pkt_begin(&pkt, NULL, 5);
	pkt_extension(&pkt, PROTO_TCP, 8);
	pkt.at[1] = 200;
	pkt_ip(&pkt, A6, B6, 60);
	pkt_eth(&pkt, 0x86dd);
	pkt_pad(&pkt, 100);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_MALFORMED);
}

/* What goes to a tunnel's port and is no tunnel is a plain datagram. */
Test(ip, ports_of_tunnels)
{
	static const uint16_t port[] = {2152, 4754, 4789, 4790, 6081, 6635, 8472};
	static const char *const content[] = {
		"",
		"x",
		"hello, world",
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
		"GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n",
	};

	for (unsigned i = 0; i < sizeof(port) / sizeof(port[0]); i++) {
		for (unsigned j = 0; j < sizeof(content) / sizeof(content[0]); j++) {
			uint32_t size = (uint32_t)strlen(content[j]);

			pkt_begin(&pkt, content[j], size);
			pkt_udp(&pkt, 1000, port[i]);
			pkt_ip(&pkt, A, B, PROTO_UDP);
			pkt_eth(&pkt, 0x0800);
			cr_assert_eq(rig_feed(&rig, &pkt), PACKET_READY, "%u %u", port[i], j);
			rig_expect(&rig, PACKET_UDP, PROTO_UDP, A, 1000, B, port[i]);
			cr_assert_eq(rig.packet.payload_size, size);
		}
	}
}

/* From a tunnel's port is not to it; GTP-U control messages are no tunnel. */
Test(ip, not_tunnels)
{
	pkt_begin(&pkt, NULL, 40);
	pkt_eth(&pkt, 0x0800);
	pkt_vxlan(&pkt, 5);
	pkt_udp(&pkt, 4789, 1000);
	pkt_ip(&pkt, A, B, PROTO_UDP);
	pkt_eth(&pkt, 0x0800);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_READY);
	rig_expect(&rig, PACKET_UDP, PROTO_UDP, A, 4789, B, 1000);

	pkt_begin(&pkt, NULL, 4);
	pkt_gtpu(&pkt, 0, true, 0);
	pkt.at[1] = 1; /* echo request */
	pkt_udp(&pkt, 2152, 2152);
	pkt_ip(&pkt, A, B, PROTO_UDP);
	pkt_eth(&pkt, 0x0800);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_READY);
	rig_expect(&rig, PACKET_UDP, PROTO_UDP, A, 2152, B, 2152);
}

Test(ip, tunnels_without_ip)
{
	/* ARP in VXLAN */
	pkt_begin(&pkt, NULL, 28);
	pkt_eth(&pkt, 0x0806);
	pkt_vxlan(&pkt, 5);
	pkt_udp(&pkt, 1000, 4789);
	pkt_ip(&pkt, A, B, PROTO_UDP);
	pkt_eth(&pkt, 0x0800);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_NOT_IP);
	/* a GRE keepalive */
	pkt_begin(&pkt, NULL, 0);
	pkt_gre(&pkt, 0, 0, 0);
	pkt_ip(&pkt, A, B, 47);
	pkt_eth(&pkt, 0x0800);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_NOT_IP);
	/* LCP in PPPoE, and a discovery code */
	pkt_begin(&pkt, NULL, 10);
	pkt_pppoe(&pkt, 1, 0xc021);
	pkt_eth(&pkt, 0x8864);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_NOT_IP);
	pkt.at[15] = 9;
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_NOT_IP);
	/* compressed PPP: legal, and not ours */
	pkt_begin(&pkt, NULL, 10);
	pkt_pppoe(&pkt, 1, 0x00fd);
	pkt_eth(&pkt, 0x8864);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_UNSUPPORTED);
}

Test(ip, places)
{
	uint16_t first = 0;

	for (unsigned round = 0; round < 2; round++) {
		for (uint16_t interface = 0; interface < 3; interface++) {
			tcp4(1);
			struct frame f = pkt_frame(&pkt);
			f.interface = interface;
			rig_parse(&rig, &f);
			cr_assert_eq(rig.packet.place, interface);
			cr_assert_eq(packet_place(rig.parser, interface)->interface, interface);
		}
	}
	for (unsigned id = 1; id < 3000; id++) {
		pkt_begin(&pkt, NULL, 1);
		pkt_tcp(&pkt, 1000, 80, 1, 1, TCP_ACK, NULL, 0);
		pkt_ip(&pkt, A, B, PROTO_TCP);
		pkt_vlan(&pkt, (uint16_t)id, 0x0800);
		pkt_eth(&pkt, 0x8100);
		rig_feed(&rig, &pkt);
		cr_assert_eq(rig.packet.place, 2 + id);
		first = rig.packet.place;
		rig_feed(&rig, &pkt);
		cr_assert_eq(rig.packet.place, first);
		cr_assert_eq(packet_place(rig.parser, first)->layer[0].id, id);
	}
}

/* 65,535 places; everything after them is in the last one. */
Test(ip, place_cap)
{
	for (uint32_t vni = 0; vni < 65540; vni++) {
		pkt_begin(&pkt, NULL, 1);
		pkt_udp(&pkt, 1000, 80);
		pkt_ip(&pkt, A, B, PROTO_UDP);
		pkt_gre(&pkt, 0x2000, 0x0800, vni);
		pkt_ip(&pkt, A, B, 47);
		pkt_eth(&pkt, 0x0800);
		cr_assert_eq(rig_feed(&rig, &pkt), PACKET_READY);
		cr_assert_eq(rig.packet.place, vni < 65535 ? vni : 65534, "%u", vni);
	}
	tcp4(1);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_READY);
	cr_assert_eq(rig.packet.place, 65534);
}
