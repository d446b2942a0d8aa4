/* SPDX-License-Identifier: Apache-2.0 */
/* Fragments of both IP versions: order, copies, overlaps, time, caps, tunnels, cuts. */
#include <criterion/criterion.h>

#include "core/time.h"
#include "tests/unit/packet/rig.h"

#define A "10.0.0.1"
#define B "10.0.0.2"
#define A6 "fd00::1"
#define B6 "fd00::2"

enum { PIECES = 5, PIECE = 160, PAYLOAD = PIECES * PIECE - 8 };

static struct pkt pkt, whole;
static struct rig rig;

static void open_rig(void)
{
	rig_open(&rig, NULL);
}

static void close_rig(void)
{
	rig_close(&rig);
}

TestSuite(defrag, .init = open_rig, .fini = close_rig);

/* UDP with PAYLOAD bytes, as it is before it is cut. */
static void build_whole(void)
{
	pkt_begin(&whole, NULL, PAYLOAD);
	pkt_udp(&whole, 1000, 53);
}

static void fragment_of(bool v6, uint32_t id, uint32_t from, uint32_t size, bool more)
{
	pkt_begin(&pkt, whole.at + from, size);
	if (v6) {
		pkt_ipv6_fragment(&pkt, PROTO_UDP, id, from, more);
		pkt_ip(&pkt, A6, B6, 44);
		pkt_eth(&pkt, 0x86dd);
	} else {
		pkt_ipv4_fragment(&pkt, A, B, PROTO_UDP, (uint16_t)id, from, more);
		pkt_eth(&pkt, 0x0800);
	}
}

static enum packet_verdict piece_at(bool v6, uint32_t id, unsigned i, uint64_t ts_ns)
{
	fragment_of(v6, id, i * PIECE, PIECE, i != PIECES - 1);
	return rig_feed_at(&rig, &pkt, ts_ns);
}

static enum packet_verdict piece(bool v6, uint32_t id, unsigned i)
{
	return piece_at(v6, id, i, 0);
}

static void expect_whole(bool v6)
{
	rig_expect(&rig, PACKET_UDP, PROTO_UDP, v6 ? A6 : A, 1000, v6 ? B6 : B, 53);
	rig_expect_payload(&rig, PAYLOAD);
}

/* The n-th of the 120 orders of five. */
static void order_of(unsigned n, unsigned order[PIECES])
{
	unsigned left[PIECES] = {0, 1, 2, 3, 4}, count = PIECES;

	for (unsigned i = 0; i < PIECES; i++) {
		unsigned pick = n % count;

		n /= count;
		order[i] = left[pick];
		left[pick] = left[--count];
	}
}

Test(defrag, any_order)
{
	build_whole();
	for (unsigned n = 0; n < 240; n++) {
		bool v6 = n & 1;
		unsigned order[PIECES];

		order_of(n / 2, order);
		for (unsigned i = 0; i < PIECES; i++) {
			enum packet_verdict v = piece(v6, n, order[i]);

			cr_assert_eq(v, i == PIECES - 1 ? PACKET_READY : PACKET_KEPT);
		}
		expect_whole(v6);
		cr_assert_eq(rig.packet.ip_id, v6 ? 0 : n);
	}
	cr_assert_eq(rig.counters.fragments_reassembled, 240);
	cr_assert_eq(rig.counters.fragments_used, 240 * PIECES);
	cr_assert_eq(rig.counters.fragments_overlap, 0);
}

/* Every fragment twice, as when two interfaces of one machine are captured. */
Test(defrag, copies)
{
	build_whole();
	for (unsigned n = 0; n < 240; n++) {
		bool v6 = n & 1;
		unsigned order[PIECES], ready = 0;

		order_of(n / 2, order);
		for (unsigned i = 0; i < 2 * PIECES; i++) {
			enum packet_verdict v = piece(v6, n, order[i / 2]);

			if (v == PACKET_READY)
				expect_whole(v6);
			else
				cr_assert_eq(v, PACKET_KEPT);
			ready += v == PACKET_READY;
		}
		cr_assert_eq(ready, 1);
	}
	cr_assert_eq(rig.counters.fragments_dropped, 240 * PIECES);
	cr_assert_eq(rig.counters.fragments_overlap, 240 * PIECES);
}

/* An id that comes back at once with other bytes is another packet. */
Test(defrag, same_id_again)
{
	build_whole();
	for (unsigned round = 0; round < 5; round++) {
		whole.at[20] = (uint8_t)round;
		whole.at[PIECE * 2] = (uint8_t)round;
		for (unsigned i = 0; i < 3; i++) {
			fragment_of(false, 7, i * 264, i == 2 ? PAYLOAD + 8 - 528 : 264, i != 2);
			cr_assert_eq(rig_feed(&rig, &pkt), i == 2 ? PACKET_READY : PACKET_KEPT);
		}
	}
	cr_assert_eq(rig.counters.fragments_reassembled, 5);
}

/* After a moment even the same bytes are another packet. */
Test(defrag, linger)
{
	build_whole();
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < PIECES; i++)
			cr_assert_eq(piece_at(false, 7, i, round * 20 * NS_PER_MS),
				     i == PIECES - 1 ? PACKET_READY : PACKET_KEPT);
	}
}

Test(defrag, other_packets_do_not_mix)
{
	build_whole();
	for (unsigned i = 0; i < PIECES; i++) {
		for (uint32_t id = 0; id < 3; id++) {
			for (unsigned v6 = 0; v6 < 2; v6++)
				cr_assert_eq(piece(v6, id, i),
					     i == PIECES - 1 ? PACKET_READY : PACKET_KEPT);
		}
	}
	cr_assert_eq(rig.counters.fragments_reassembled, 6);
}

/* IPv4: the byte that came first wins. */
Test(defrag, overlap_v4)
{
	build_whole();
	piece(false, 1, 0);
	piece(false, 1, 2);
	piece(false, 1, 4);
	/* 0..800 with other bytes: only the two holes take them */
	static uint8_t other[PIECES * PIECE];
	memset(other, 0xaa, sizeof(other));
	memcpy(other + PIECE, whole.at + PIECE, PIECE);
	memcpy(other + 3 * PIECE, whole.at + 3 * PIECE, PIECE);
	pkt_begin(&pkt, other, 4 * PIECE + 80);
	pkt_ipv4_fragment(&pkt, A, B, PROTO_UDP, 1, 0, true);
	pkt_eth(&pkt, 0x0800);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_READY);
	expect_whole(false);
	cr_assert_eq(rig.counters.fragments_overlap, 1);
	cr_assert_eq(rig.counters.fragments_used, 4);
}

/* IPv6: an overlap condemns the packet, and what still comes of it (RFC 5722). */
Test(defrag, overlap_v6)
{
	build_whole();
	piece(true, 1, 0);
	piece(true, 1, 1);
	whole.at[PIECE + 40] ^= 1;
	fragment_of(true, 1, PIECE + 32, PIECE, true);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_KEPT);
	for (unsigned i = 0; i < PIECES; i++)
		cr_assert_eq(piece(true, 1, i), PACKET_KEPT);
	cr_assert_eq(rig.counters.fragments_dropped, 3 + PIECES);
	cr_assert_eq(rig.counters.fragments_overlap, 1);
	/* when it has expired, the id is free again */
	for (unsigned i = 0; i < PIECES; i++)
		cr_assert_eq(piece_at(true, 1, i, 31 * NS_PER_S),
			     i == PIECES - 1 ? PACKET_READY : PACKET_KEPT);
}

/* A packet in one fragment stands for itself, whatever else has its id (RFC 6946). */
Test(defrag, atomic_v6)
{
	build_whole();
	piece(true, 1, 1);
	fragment_of(true, 1, 0, PAYLOAD + 8, false);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_READY);
	expect_whole(true);
	cr_assert_eq(rig.counters.frames_packet, 1);
	cr_assert_eq(rig.counters.fragments_overlap, 0);
}

/* The rest of a fragment's cousins tell another protocol: the first one's counts (RFC 8200 4.5). */
Test(defrag, next_header_of_the_first)
{
	build_whole();
	for (unsigned i = PIECES; i-- > 0;) {
		fragment_of(true, 1, i * PIECE, PIECE, i != PIECES - 1);
		if (i)
			pkt.at[14 + 40] = PROTO_TCP;
		cr_assert_eq(rig_feed(&rig, &pkt), i ? PACKET_KEPT : PACKET_READY);
	}
	expect_whole(true);
}

Test(defrag, expiry)
{
	build_whole();
	for (unsigned i = 0; i < PIECES - 1; i++)
		piece_at(false, 1, i, i * NS_PER_S);
	piece_at(false, 2, 0, 29 * NS_PER_S);
	cr_assert_eq(rig.counters.fragments_expired, 0);
	/* any frame moves the clock */
	pkt_begin(&pkt, NULL, 46);
	pkt_eth(&pkt, 0x0806);
	rig_feed_at(&rig, &pkt, 30 * NS_PER_S);
	cr_assert_eq(rig.counters.fragments_expired, PIECES - 1);
	cr_assert_eq(piece_at(false, 1, PIECES - 1, 30 * NS_PER_S), PACKET_KEPT);
	packet_parser_finish(rig.parser);
	cr_assert_eq(rig.counters.fragments_held, 2);
}

Test(defrag, contradictions)
{
	build_whole();
	/* an end before what is there */
	piece(false, 1, 3);
	fragment_of(false, 1, PIECE, PIECE, false);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_MALFORMED);
	/* something after the end, another end */
	piece(false, 1, 4);
	fragment_of(false, 1, 5 * PIECE, 8, true);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_MALFORMED);
	fragment_of(false, 1, 4 * PIECE, 80, false);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_MALFORMED);
	cr_assert_eq(rig.counters.fragments_dropped, 3);
	/* the packet itself is unharmed */
	piece(false, 1, 0);
	piece(false, 1, 1);
	cr_assert_eq(piece(false, 1, 2), PACKET_READY);
	expect_whole(false);
}

Test(defrag, bad_sizes)
{
	build_whole();
	/* beyond 65,535 bytes: the ping of death */
	pkt_begin(&pkt, NULL, 400);
	pkt_ipv4_fragment(&pkt, A, B, PROTO_ICMP, 1, 65528, false);
	pkt_eth(&pkt, 0x0800);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_MALFORMED);
	/* nothing in it */
	pkt_begin(&pkt, NULL, 0);
	pkt_ipv4_fragment(&pkt, A, B, PROTO_UDP, 1, 8, true);
	pkt_eth(&pkt, 0x0800);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_MALFORMED);
	/* not cut at 8 bytes: IPv6 must refuse it, IPv4 takes what fits */
	fragment_of(true, 1, 0, PIECE + 3, true);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_MALFORMED);
	fragment_of(false, 1, 0, PIECE + 3, true);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_KEPT);
	for (unsigned i = 1; i < PIECES; i++)
		cr_assert_eq(piece(false, 1, i), i == PIECES - 1 ? PACKET_READY : PACKET_KEPT);
	expect_whole(false);
	cr_assert_eq(rig.counters.fragments_overlap, 0);
}

/* The last fragment of a small packet has Ethernet padding behind it. */
Test(defrag, padding)
{
	pkt_begin(&whole, NULL, PIECE + 2 - 8);
	pkt_udp(&whole, 1000, 53);
	fragment_of(false, 1, 0, PIECE, true);
	rig_feed(&rig, &pkt);
	fragment_of(false, 1, PIECE, 2, false);
	pkt_pad(&pkt, 24);
	cr_assert_eq(rig_feed(&rig, &pkt), PACKET_READY);
	rig_expect_payload(&rig, PIECE + 2 - 8);
}

/* Cut by the capture: the payload ends at the first hole, the rest is counted as cut. */
Test(defrag, captured_short)
{
	build_whole();
	for (unsigned i = 0; i < PIECES; i++) {
		fragment_of(false, 1, i * PIECE, PIECE, i != PIECES - 1);
		struct frame f = pkt_frame(&pkt);
		if (i == 2)
			f.captured -= 60;
		if (i == 3)
			f.captured -= PIECE;
		cr_assert_eq(rig_parse(&rig, &f), i == PIECES - 1 ? PACKET_READY : PACKET_KEPT);
	}
	cr_assert_eq(rig.packet.payload_size, 3 * PIECE - 60 - 8);
	cr_assert_eq(rig.packet.payload_cut, PAYLOAD - rig.packet.payload_size);
	cr_assert_eq(memcmp(rig.packet.payload, whole.at + 8, rig.packet.payload_size), 0);
}

/* The cap of packets: the oldest goes. */
Test(defrag, packet_cap)
{
	struct packet_options o = {.secret = 1, .fragment_packets = 4};

	packet_parser_free(rig.parser);
	rig_open(&rig, &o);
	build_whole();
	for (uint32_t id = 0; id < 10; id++)
		piece_at(false, id, 0, id);
	cr_assert_eq(rig.counters.fragments_evicted, 6);
	for (unsigned i = 1; i < PIECES; i++)
		cr_assert_eq(piece(false, 9, i), i == PIECES - 1 ? PACKET_READY : PACKET_KEPT);
	expect_whole(false);
}

/* The cap of bytes: what is finished goes first, then the oldest. */
Test(defrag, byte_cap)
{
	struct packet_options o = {.secret = 1, .fragment_bytes = 4096};

	packet_parser_free(rig.parser);
	rig_open(&rig, &o);
	build_whole();
	for (unsigned i = 0; i < PIECES; i++)
		piece(false, 100, i);
	for (uint32_t id = 0; id < 50; id++)
		piece(id & 1, id, id % 4);
	cr_assert_gt(rig.counters.fragments_evicted, 20);
	cr_assert_eq(rig.counters.fragments_reassembled, 1);
	/* one packet that is larger than the cap alone */
	pkt_begin(&whole, NULL, 9000);
	pkt_udp(&whole, 1, 2);
	for (uint32_t at = 0; at < 9008; at += 1024) {
		fragment_of(false, 77, at, at + 1024 < 9008 ? 1024 : 9008 - at, at + 1024 < 9008);
		cr_assert_eq(rig_feed(&rig, &pkt), PACKET_KEPT);
	}
}

/* 8,000 fragments of 8 bytes each: more than one packet may have. */
Test(defrag, piece_cap)
{
	pkt_begin(&whole, NULL, 64000);
	pkt_udp(&whole, 1, 2);
	for (uint32_t at = 0; at < 64008; at += 8) {
		fragment_of(false, 1, at, 8, at + 8 < 64008);
		cr_assert_eq(rig_feed(&rig, &pkt), PACKET_KEPT);
	}
	cr_assert_gt(rig.counters.fragments_evicted, 7000);
}

Test(defrag, largest_packet)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		pkt_begin(&whole, NULL, 65000);
		pkt_udp(&whole, 1000, 53);
		for (uint32_t at = 0; at < 65008; at += 1480) {
			bool more = at + 1480 < 65008;

			fragment_of(v6, 1, at, more ? 1480 : 65008 - at, more);
			cr_assert_eq(rig_feed(&rig, &pkt), more ? PACKET_KEPT : PACKET_READY);
		}
		rig_expect_payload(&rig, 65000);
	}
}

/* In a tunnel; equal ids in two VLANs are two packets. */
Test(defrag, in_tunnels)
{
	build_whole();
	for (unsigned i = 0; i < PIECES; i++) {
		for (uint16_t id = 1; id < 4; id++) {
			fragment_of(true, 1, i * PIECE, PIECE, i != PIECES - 1);
			pkt_vxlan(&pkt, id);
			pkt_udp(&pkt, 50000, 4789);
			pkt_ip(&pkt, "192.0.2.1", "192.0.2.2", PROTO_UDP);
			pkt_vlan(&pkt, id, 0x0800);
			pkt_eth(&pkt, 0x8100);
			cr_assert_eq(rig_feed(&rig, &pkt),
				     i == PIECES - 1 ? PACKET_READY : PACKET_KEPT);
		}
	}
	expect_whole(true);
	const struct place *place = packet_place(rig.parser, rig.packet.place);
	cr_assert_eq(place->depth, 2);
	cr_assert_eq(place->layer[1].id, 3);
	cr_assert_eq(rig.counters.fragments_reassembled, 3);
}

/* The tunnel's own packets are cut, and hold fragments: each frame still counts once. */
Test(defrag, fragments_of_fragments)
{
	static struct pkt outer;
	uint16_t id = 0;

	build_whole();
	for (unsigned i = 0; i < PIECES; i++) {
		fragment_of(true, 1, i * PIECE, PIECE, i != PIECES - 1);
		pkt_gre(&pkt, 0, 0x6558, 0);
		pkt_copy(&outer, &pkt);
		id++;
		for (uint32_t at = 0; at < outer.size; at += 80) {
			bool more = at + 80 < outer.size;

			pkt_begin(&pkt, outer.at + at, more ? 80 : outer.size - at);
			pkt_ipv4_fragment(&pkt, A, B, 47, id, at, more);
			pkt_eth(&pkt, 0x0800);
			cr_assert_eq(rig_feed(&rig, &pkt),
				     !more && i == PIECES - 1 ? PACKET_READY : PACKET_KEPT);
		}
	}
	expect_whole(true);
	cr_assert_eq(rig.counters.fragments_used, rig.frames);
	cr_assert_eq(rig.counters.fragments_reassembled, 1);
	cr_assert_eq(rig.counters.frames_fragment, rig.frames);
}

/* Rebuilt, and then no good: its fragments are dropped, not lost. */
Test(defrag, rebuilt_but_malformed)
{
	build_whole();
	pkt_be16(whole.at + 4, 5);
	for (unsigned i = 0; i < PIECES; i++)
		cr_assert_eq(piece(false, 1, i), i == PIECES - 1 ? PACKET_MALFORMED : PACKET_KEPT);
	cr_assert_eq(rig.counters.fragments_dropped, PIECES);
	cr_assert_eq(rig.counters.fragments_reassembled, 0);
	cr_assert_eq(rig.counters.frames_malformed, 0);
}

/* A fragment header behind a fragment header. */
Test(defrag, header_twice)
{
	pkt_begin(&whole, NULL, 100);
	pkt_ipv6_fragment(&whole, PROTO_UDP, 9, 8, true);
	for (unsigned i = 0; i < 2; i++) {
		pkt_begin(&pkt, whole.at + i * 56, i ? 52 : 56);
		pkt_ipv6_fragment(&pkt, 44, 1, i * 56, !i);
		pkt_ip(&pkt, A6, B6, 44);
		pkt_eth(&pkt, 0x86dd);
		cr_assert_eq(rig_feed(&rig, &pkt), i ? PACKET_MALFORMED : PACKET_KEPT);
	}
}

/* Congestion experienced by one fragment is the packet's (RFC 3168). */
Test(defrag, congestion)
{
	build_whole();
	for (unsigned i = 0; i < PIECES; i++) {
		fragment_of(false, 1, i * PIECE, PIECE, i != PIECES - 1);
		pkt.at[15] = i == 1 ? 3 : 2;
		rig_feed(&rig, &pkt);
	}
	expect_whole(false);
	cr_assert_eq(rig.packet.ecn, 3);
}
