/* SPDX-License-Identifier: Apache-2.0 */
/* TCP and UDP headers, options, owners, ICMP errors. */
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

TestSuite(transport, .init = open_rig, .fini = close_rig);

static enum packet_verdict tcp_with(uint8_t flags, const void *options, uint32_t size)
{
	pkt_begin(&pkt, NULL, 10);
	pkt_tcp(&pkt, 1000, 80, 7, 8, flags, options, size);
	pkt_ip(&pkt, A, B, PROTO_TCP);
	pkt_eth(&pkt, 0x0800);
	return rig_feed(&rig, &pkt);
}

static enum packet_verdict udp_with(const char *src, uint16_t sport, const char *dst,
				    uint16_t dport)
{
	pkt_begin(&pkt, NULL, 20);
	pkt_udp(&pkt, sport, dport);
	pkt_ip(&pkt, src, dst, PROTO_UDP);
	pkt_eth(&pkt, strchr(src, ':') ? 0x86dd : 0x0800);
	return rig_feed(&rig, &pkt);
}

/* The first frame of an interface takes the long way, all others the short one: the same must come out. */
Test(transport, both_ways_agree)
{
	static const uint8_t options[12] = {1, 1, 8, 10, 0, 0, 1, 2, 0, 0, 3, 4};
	struct packet first;

	for (unsigned i = 0; i < 2; i++) {
		pkt_begin(&pkt, NULL, 30);
		pkt_tcp(&pkt, 1000, 80, 0xfffffff0, 0x12345678, 0x3f, options, sizeof(options));
		pkt_be16(pkt.at + 16, 0xbeef);
		pkt_ip(&pkt, B, A, PROTO_TCP);
		pkt.at[1] = 3;
		pkt_eth(&pkt, 0x0800);
		struct frame f = pkt_frame(&pkt);
		f.ts_ns = 55;
		f.file = 2;
		f.number = 9;
		f.interface = 3;
		f.captured -= 4;
		cr_assert_eq(rig_parse(&rig, &f), PACKET_READY);
		rig_expect(&rig, PACKET_TCP, PROTO_TCP, B, 1000, A, 80);
		cr_assert_eq(rig.packet.payload_size, 26);
		cr_assert_eq(rig.packet.payload_cut, 4);
		cr_assert_eq(rig.packet.checksum, 0xbeef);
		cr_assert_eq(rig.packet.window, 8192);
		cr_assert_eq(rig.packet.ts_val, 0x102);
		cr_assert_eq(rig.packet.ts_ecr, 0x304);
		cr_assert_eq(rig.packet.flags, 0x3f);
		cr_assert_eq(rig.packet.ecn, 3);
		cr_assert_eq(rig.packet.frame, frame_ref(2, 9));
		cr_assert_eq(rig.packet.ts_ns, 55);
		/* What the reader fills, and where the copy lay. */
		rig.packet.payload = NULL;
		rig.packet.index = rig.packet.now_ns = 0;
		if (i == 0)
			first = rig.packet;
	}
	cr_assert_eq(memcmp(&first, &rig.packet, offsetof(struct packet, icmp_v6) + 1), 0);
}

Test(transport, both_ways_agree_on_udp)
{
	struct packet first = {0};

	for (unsigned i = 0; i < 2; i++) {
		udp_with(B, 1000, A, 5355);
		pkt_pad(&pkt, 9);
		pkt_be16(pkt.at + 14 + 20 + 4, 8 + 17);
		pkt_be16(pkt.at + 14 + 20 + 6, 0xbeef);
		struct frame f = pkt_frame(&pkt);
		f.interface = 4;
		f.captured -= 9 + 3 + 2;
		cr_assert_eq(rig_parse(&rig, &f), PACKET_READY);
		rig_expect(&rig, PACKET_UDP, PROTO_UDP, B, 1000, A, 5355);
		cr_assert_eq(rig.packet.payload_size, 15);
		cr_assert_eq(rig.packet.payload_cut, 2);
		cr_assert_eq(rig.packet.checksum, 0xbeef);
		rig.packet.payload = NULL;
		rig.packet.index = rig.packet.now_ns = 0;
		if (i == 0)
			first = rig.packet;
	}
	cr_assert_eq(memcmp(&first, &rig.packet, offsetof(struct packet, icmp_v6) + 1), 0);
}

Test(transport, options)
{
	static const uint8_t syn[] = {2, 4, 5, 180, 4, 2, 8, 10, 0, 0,
				      0, 9, 0, 0,   0, 0, 1, 3,  3, 7};
	static const uint8_t wide[] = {3, 3, 200, 1};

	cr_assert_eq(tcp_with(TCP_SYN, syn, sizeof(syn)), PACKET_READY);
	cr_assert_eq(rig.packet.window_scale, 7);
	cr_assert(rig.packet.has_timestamps);
	cr_assert_eq(rig.packet.ts_val, 9);
	/* The scale counts in a SYN only, and 14 is the largest. */
	cr_assert_eq(tcp_with(TCP_ACK, syn, sizeof(syn)), PACKET_READY);
	cr_assert_eq(rig.packet.window_scale, 255);
	cr_assert_eq(tcp_with(TCP_SYN | TCP_ACK, wide, sizeof(wide)), PACKET_READY);
	cr_assert_eq(rig.packet.window_scale, 14);
	cr_assert_not(rig.packet.has_timestamps);
	cr_assert_eq(tcp_with(TCP_SYN, NULL, 0), PACKET_READY);
	cr_assert_eq(rig.packet.window_scale, 255);
}

Test(transport, broken_options_lose_nothing)
{
	static const uint8_t broken[][8] = {
		{8, 10, 0, 0, 0, 1, 0, 0},  /* ends inside the timestamps */
		{1, 3, 0, 7, 1, 1, 1, 1},   /* length 0 */
		{3, 1, 7, 1, 1, 1, 1, 1},   /* length 1 */
		{254, 255, 0, 0, 0, 0, 0},  /* far too long */
		{0, 3, 3, 7, 1, 1, 1, 1},   /* after the end */
		{1, 1, 1, 1, 1, 1, 1, 253}, /* a kind and no length */
		{8, 4, 1, 1, 3, 4, 7, 7},   /* wrong lengths */
	};

	for (unsigned i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		cr_assert_eq(tcp_with(TCP_SYN, broken[i], 8), PACKET_READY);
		cr_assert_eq(rig.packet.window_scale, 255, "%u", i);
		cr_assert_not(rig.packet.has_timestamps, "%u", i);
		rig_expect_payload(&rig, 10);
	}
}

/* A capture of 68 bytes ends among the options of a SYN. */
Test(transport, cut_among_options)
{
	static const uint8_t syn[] = {2, 4, 5, 180, 4, 2, 8, 10, 0, 0,
				      0, 9, 0, 0,   0, 0, 1, 3,  3, 7};

	pkt_begin(&pkt, NULL, 3);
	pkt_tcp(&pkt, 1000, 80, 7, 8, TCP_SYN, syn, sizeof(syn));
	pkt_ip(&pkt, A, B, PROTO_TCP);
	pkt_eth(&pkt, 0x0800);
	struct frame f = pkt_frame(&pkt);
	f.captured = 68;
	cr_assert_eq(rig_parse(&rig, &f), PACKET_READY);
	cr_assert_eq(rig.packet.seq, 7);
	cr_assert_eq(rig.packet.payload_size, 0);
	cr_assert_eq(rig.packet.payload_cut, 3);
}

Test(transport, tcp_header_length)
{
	for (unsigned words = 0; words < 16; words++) {
		for (unsigned twice = 0; twice < 2; twice++) {
			pkt_begin(&pkt, NULL, 10);
			pkt_tcp(&pkt, 1000, 80, 7, 8, TCP_ACK, NULL, 0);
			pkt.at[12] = (uint8_t)(words << 4);
			pkt_ip(&pkt, A, B, PROTO_TCP);
			pkt_eth(&pkt, 0x0800);
			bool good = words >= 5 && words * 4 <= 30;
			cr_assert_eq(rig_feed(&rig, &pkt), good ? PACKET_READY : PACKET_MALFORMED,
				     "%u", words);
		}
	}
}

Test(transport, udp_lengths)
{
	static const struct {
		uint16_t says;
		int verdict;
		uint32_t payload;
	} row[] = {
		{28, PACKET_READY, 20},   {20, PACKET_READY, 12},   {8, PACKET_READY, 0},
		{7, PACKET_MALFORMED, 0}, {0, PACKET_MALFORMED, 0}, {29, PACKET_MALFORMED, 0},
	};

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		pkt_begin(&pkt, NULL, 20);
		pkt_udp(&pkt, 1000, 53);
		pkt_be16(pkt.at + 4, row[i].says);
		pkt_ip(&pkt, A, B, PROTO_UDP);
		pkt_eth(&pkt, 0x0800);
		cr_assert_eq((int)rig_feed(&rig, &pkt), row[i].verdict, "length %u", row[i].says);
		if (row[i].verdict == PACKET_READY)
			rig_expect_payload(&rig, row[i].payload);
	}
}

Test(transport, order_of_keys)
{
	udp_with(A, 9, B, 1);
	cr_assert_eq(rig.packet.dir, 0);
	udp_with(B, 1, A, 9);
	cr_assert_eq(rig.packet.dir, 1);
	udp_with(A, 9, A, 1);
	cr_assert_eq(rig.packet.dir, 1);
	udp_with(A, 1, A, 1);
	cr_assert_eq(rig.packet.dir, 0);
	udp_with(A6, 9, A6, 1);
	cr_assert_eq(rig.packet.dir, 1);
	rig_expect(&rig, PACKET_UDP, PROTO_UDP, A6, 9, A6, 1);
	/* 127.0.0.1 < 128.0.0.1 as bytes are compared. */
	udp_with("128.0.0.1", 1, "127.0.0.1", 1);
	cr_assert_eq(rig.packet.dir, 1);
}

/* IPv4 addresses on the wire of IPv6, mapped: the same key, so the same hash. */
Test(transport, mapped_addresses)
{
	udp_with(A, 1000, B, 53);
	struct packet v4 = rig.packet;
	udp_with("::ffff:" A, 1000, "::ffff:" B, 53);
	cr_assert_eq(memcmp(&v4.key, &rig.packet.key, sizeof(v4.key)), 0);
	cr_assert_eq(v4.hash, rig.packet.hash);
	cr_assert_eq(v4.owner, rig.packet.owner);
}

Test(transport, hash_depends_on_all_of_the_key_and_the_secret)
{
	struct packet_options o = {.secret = 2};
	struct rig secret;
	uint64_t hash[6];
	unsigned n = 0;

	udp_with(A, 1000, B, 53);
	hash[n++] = rig.packet.hash;
	udp_with(A, 1001, B, 53);
	hash[n++] = rig.packet.hash;
	udp_with("10.0.0.3", 1000, B, 53);
	hash[n++] = rig.packet.hash;
	tcp_with(TCP_ACK, NULL, 0);
	hash[n++] = rig.packet.hash;
	udp_with(A6, 1000, B6, 53);
	hash[n++] = rig.packet.hash;
	udp_with(A, 1000, B, 53);
	rig_open(&secret, &o);
	rig_feed(&secret, &pkt);
	hash[n++] = secret.packet.hash;
	packet_parser_free(secret.parser);
	for (unsigned i = 0; i < n; i++) {
		for (unsigned j = 0; j < i; j++)
			cr_assert_neq(hash[i], hash[j], "%u and %u", i, j);
	}
}

static uint32_t owner(const char *src, uint16_t sport, const char *dst, uint16_t dport)
{
	cr_assert_eq(udp_with(src, sport, dst, dport), PACKET_READY);
	return rig.packet.owner;
}

Test(transport, owners)
{
	/* mDNS: everybody's */
	uint32_t mdns = owner(A, 5353, "224.0.0.251", 5353);
	cr_assert_eq(owner(B6, 5353, "ff02::fb", 5353), mdns);
	cr_assert_eq(owner(B, 40000, "224.0.0.251", 5353), mdns);
	/* LLMNR: the querier's */
	uint32_t llmnr = owner(A, 50000, "224.0.0.252", 5355);
	cr_assert_eq(owner(B, 5355, A, 50000), llmnr);
	cr_assert_neq(owner(B, 5355, A, 50001), llmnr);
	cr_assert_neq(owner(B, 50000, "224.0.0.252", 5355), llmnr);
	/* RoCE: the pair's */
	uint32_t roce = owner(A, 49152, B, 4791);
	cr_assert_eq(owner(B, 50001, A, 4791), roce);
	cr_assert_neq(owner(A, 49152, "10.0.0.3", 4791), roce);
	/* anything else: the 5-tuple's */
	uint32_t dns = owner(A, 50000, B, 53);
	cr_assert_eq(owner(B, 53, A, 50000), dns);
	cr_assert_neq(owner(A, 50001, B, 53), dns);
}

Test(transport, other_protocols)
{
	static const uint8_t proto[] = {2, 50, 89, 132, 112};

	for (unsigned i = 0; i < sizeof(proto); i++) {
		pkt_begin(&pkt, NULL, 20);
		pkt_ip(&pkt, B, A, proto[i]);
		pkt_eth(&pkt, 0x0800);
		cr_assert_eq(rig_feed(&rig, &pkt), PACKET_READY);
		rig_expect(&rig, PACKET_OTHER, proto[i], B, 0, A, 0);
		rig_expect_payload(&rig, 20);
	}
}

/* --- ICMP errors --- */

struct quote {
	const char *src, *dst;
	bool v6;
	uint8_t proto;
	uint32_t l4_bytes; /* of the transport header, quoted */
};

static enum packet_verdict error_with(const struct quote *q, uint8_t type)
{
	pkt_begin(&pkt, NULL, 40);
	if (q->proto == PROTO_TCP)
		pkt_tcp(&pkt, 1000, 80, 0x01020304, 0, TCP_SYN, NULL, 0);
	else
		pkt_udp(&pkt, 1000, 80);
	pkt_ip(&pkt, q->src, q->dst, q->proto);
	pkt.size = (q->v6 ? 40 : 20) + q->l4_bytes; /* the lengths still say more */
	pkt_icmp(&pkt, type, 3);
	if (q->v6)
		pkt_ip(&pkt, "fd00::99", q->src, PROTO_ICMPV6);
	else
		pkt_ip(&pkt, "10.9.9.9", q->src, PROTO_ICMP);
	pkt_eth(&pkt, q->v6 ? 0x86dd : 0x0800);
	return rig_feed(&rig, &pkt);
}

Test(transport, icmp_errors)
{
	static const uint8_t types4[] = {3, 4, 5, 11, 12}, types6[] = {1, 2, 3, 4};

	for (unsigned i = 0; i < sizeof(types4); i++) {
		struct quote q = {B, A, false, PROTO_TCP, 8};

		cr_assert_eq(error_with(&q, types4[i]), PACKET_READY);
		rig_expect(&rig, PACKET_ICMP_ERROR, PROTO_TCP, B, 1000, A, 80);
		cr_assert_eq(rig.packet.icmp_type, types4[i]);
		cr_assert_eq(rig.packet.icmp_code, 3);
		cr_assert_eq(rig.packet.icmp_v6, 0);
		cr_assert_eq(rig.packet.seq, 0x01020304);
		cr_assert_eq(rig.packet.payload_size, 8);
	}
	for (unsigned i = 0; i < sizeof(types6); i++) {
		struct quote q = {A6, B6, true, PROTO_UDP, 20};

		cr_assert_eq(error_with(&q, types6[i]), PACKET_READY);
		rig_expect(&rig, PACKET_ICMP_ERROR, PROTO_UDP, A6, 1000, B6, 80);
		cr_assert_eq(rig.packet.icmp_v6, 1);
		cr_assert_eq(rig.packet.payload_size, 20);
	}
}

/* It goes where the quoted packet goes. */
Test(transport, icmp_error_owner)
{
	struct quote q = {A, B, false, PROTO_UDP, 8};

	udp_with(A, 1000, B, 80);
	struct packet udp = rig.packet;
	error_with(&q, 3);
	cr_assert_eq(rig.packet.hash, udp.hash);
	cr_assert_eq(rig.packet.owner, udp.owner);
	cr_assert_eq(rig.packet.dir, udp.dir);
}

Test(transport, icmp_quotes_too_little)
{
	for (uint32_t bytes = 0; bytes < 8; bytes++) {
		struct quote q = {A, B, false, PROTO_TCP, bytes};

		cr_assert_eq(error_with(&q, 3), PACKET_READY);
		if (bytes < 4)
			rig_expect(&rig, PACKET_OTHER, PROTO_ICMP, "10.9.9.9", 0, A, 0);
		else
			rig_expect(&rig, PACKET_ICMP_ERROR, PROTO_TCP, A, 1000, B, 80);
	}
}

/* RFC 4884: what follows the quoted packet is no part of it. */
Test(transport, icmp_with_extension)
{
	struct quote q = {A, B, false, PROTO_UDP, 40};

	error_with(&q, 11);
	pkt.at[14 + 20 + 5] = 8; /* 32 bytes: the header, and 12 of the 40 */
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_READY);
	cr_assert_eq(rig.packet.payload_size, 12);
}

Test(transport, icmp_captured_short)
{
	struct quote q = {A, B, false, PROTO_TCP, 8};

	error_with(&q, 3);
	struct frame f = pkt_frame(&pkt);
	for (f.captured = 34; f.captured < f.wire; f.captured++) {
		enum packet_verdict v = rig_parse(&rig, &f);

		cr_assert_eq(v, f.captured < 34 + 8 + 20 + 4 ? PACKET_TRUNCATED : PACKET_READY,
			     "%u", f.captured);
	}
}

/* A quoted later fragment has no ports; quoted extension headers are skipped. */
Test(transport, icmp_quotes_odd_packets)
{
	pkt_begin(&pkt, NULL, 16);
	pkt_ipv4_fragment(&pkt, A, B, PROTO_UDP, 5, 1480, false);
	pkt_icmp(&pkt, 11, 1);
	pkt_ip(&pkt, B, A, PROTO_ICMP);
	pkt_eth(&pkt, 0x0800);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_READY);
	rig_expect(&rig, PACKET_ICMP_ERROR, PROTO_UDP, A, 0, B, 0);

	pkt_begin(&pkt, NULL, 16);
	pkt_udp(&pkt, 1000, 53);
	pkt_ipv6_fragment(&pkt, PROTO_UDP, 5, 0, true);
	pkt_extension(&pkt, 44, 16);
	pkt_ip(&pkt, A6, B6, 60);
	pkt_icmp(&pkt, 3, 1);
	pkt_ip(&pkt, B6, A6, PROTO_ICMPV6);
	pkt_eth(&pkt, 0x86dd);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_READY);
	rig_expect(&rig, PACKET_ICMP_ERROR, PROTO_UDP, A6, 1000, B6, 53);
	cr_assert_eq(rig.counters.frames_fragment, 0);
}

Test(transport, icmp_quotes_tunnels_and_nonsense)
{
	/* IP in IP: the outer packet is what the error is about. */
	pkt_begin(&pkt, NULL, 16);
	pkt_ip(&pkt, A, B, PROTO_UDP);
	pkt_ip(&pkt, "192.0.2.1", "192.0.2.2", 4);
	pkt_icmp(&pkt, 3, 1);
	pkt_ip(&pkt, "10.9.9.9", "192.0.2.1", PROTO_ICMP);
	pkt_eth(&pkt, 0x0800);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_READY);
	rig_expect(&rig, PACKET_ICMP_ERROR, 4, "192.0.2.1", 0, "192.0.2.2", 0);
	cr_assert_eq(packet_place(rig.parser, rig.packet.place)->depth, 0);

	pkt_begin(&pkt, NULL, 16);
	pkt_icmp(&pkt, 3, 1);
	pkt_ip(&pkt, B, A, PROTO_ICMP);
	pkt_eth(&pkt, 0x0800);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_READY);
	rig_expect(&rig, PACKET_OTHER, PROTO_ICMP, B, 0, A, 0);
}

Test(transport, echo_is_no_error)
{
	pkt_begin(&pkt, NULL, 16);
	pkt_icmp(&pkt, 8, 0);
	pkt_ip(&pkt, A, B, PROTO_ICMP);
	pkt_eth(&pkt, 0x0800);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_READY);
	rig_expect(&rig, PACKET_OTHER, PROTO_ICMP, A, 0, B, 0);
}
