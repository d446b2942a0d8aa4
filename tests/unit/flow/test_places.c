/* SPDX-License-Identifier: Apache-2.0 */
/* What is seen twice or elsewhere, and what is not TCP. */
#include "segments.h"

TestSuite(places, .init = begin, .fini = done);

Test(places, copies_are_counted_once)
{
	struct flow *f = shake(100, 900);
	struct packet p = segment(0, TCP_ACK, 101, 901, 100);

	give(p, FLOW_COUNT);
	give(p, FLOW_COPY);
	p.place = 5;
	give(p, FLOW_COPY);
	cr_expect_eq(f->dir[0].packets, 3);
	cr_expect_eq(f->dir[0].bytes, 100);
	cr_expect_eq(counters.packets_copy, 2);
	cr_expect_eq(counters.packets, 6);
	cr_expect_eq(counters.retransmits, 0);
	p.place = 0;
	p.ip_id++;
	give(p, FLOW_COUNT);
	cr_expect_eq(counters.retransmits, 1, "another id: sent again");
	give(p, FLOW_COPY);
	cr_expect_eq(counters.retransmits, 1, "a copy of what was sent again");
}

Test(places, copies_without_id_must_be_near)
{
	shake(100, 900);
	struct packet p = segment(0, TCP_ACK, 101, 901, 100);

	p.ip_id = 0;
	give(p, FLOW_COUNT);
	p.now_ns = p.ts_ns += NS_PER_MS;
	give(p, FLOW_COPY);
	p.now_ns = p.ts_ns += NS_PER_MS;
	give(p, FLOW_COUNT);
	cr_expect_eq(counters.retransmits, 1);
}

Test(places, elsewhere_is_one_flow_counted_at_one_place)
{
	struct flow *f = shake(100, 900);

	for (uint32_t i = 0; i < 5; i++) {
		struct packet p = segment(0, TCP_ACK, 101 + i * 100, 901, 100), q;

		give(p, FLOW_COUNT);
		send(1, TCP_ACK, 901, 201 + i * 100, 0);
		q = segment(0, TCP_ACK, 101 + i * 100, 901, 100);
		q.place = 3;
		cr_expect_eq(give(q, FLOW_ELSEWHERE), f);
	}
	cr_expect_eq(f->dir[0].packets, 7);
	cr_expect_eq(f->dir[0].place, 0);
	cr_expect_eq(counters.flows, 1);
	cr_expect_eq(counters.retransmits, 0);
}

Test(places, a_place_far_ahead_takes_over)
{
	struct flow *f = shake(100, 900);

	for (uint32_t i = 0; i < 200; i++) {
		struct packet p = segment(0, TCP_ACK, 101 + i * 1000, 901, 1000);

		p.place = 2;
		give(p, i <= 131 ? FLOW_ELSEWHERE : FLOW_COUNT);
	}
	cr_expect_eq(f->dir[0].place, 2);
	cr_expect_eq(counters.flows, 1);
}

Test(places, each_direction_at_its_own_place)
{
	struct packet p = segment(0, TCP_SYN, 100, 0, 0);
	struct flow *f = give(p, FLOW_COUNT);

	p = segment(1, TCP_SYN | TCP_ACK, 900, 101, 0);
	p.place = 1;
	cr_expect_eq(give(p, FLOW_COUNT), f);
	cr_expect_eq(f->dir[0].place, 0);
	cr_expect_eq(f->dir[1].place, 1);
}

/* The same addresses and ports in two VLANs: two connections, whatever is interleaved. */
Test(places, other_numbers_in_another_place_are_another_flow)
{
	const uint32_t seq[2] = {100, 0x20000000}, ack[2] = {900, 0x70000000};
	struct flow *f[2];

	for (uint16_t place = 0; place < 2; place++) {
		struct packet p = segment(0, TCP_SYN, seq[place], 0, 0);

		p.place = place;
		f[place] = give(p, FLOW_COUNT);
	}
	cr_assert_neq(f[0], f[1]);
	for (unsigned i = 0; i < 20; i++) {
		for (uint16_t place = 0; place < 2; place++) {
			struct packet p = segment(0, TCP_ACK, seq[place] + 1 + i * 10,
						  ack[place] + 1 + i, 10);
			struct packet q = segment(1, TCP_ACK, ack[place] + 1 + i,
						  seq[place] + 11 + i * 10, 1);

			p.place = q.place = place;
			cr_assert_eq(give(p, FLOW_COUNT), f[place]);
			cr_assert_eq(give(q, FLOW_COUNT), f[place]);
		}
	}
	cr_expect_eq(counters.flows, 2);
	cr_expect_eq(counters.retransmits, 0);
}

/* The copy of a new SYN is read before the SYN itself: one new flow, not two. */
Test(places, new_syn_is_seen_elsewhere_first)
{
	shake(100, 900);
	struct packet p = segment(0, TCP_SYN, 0x30000000, 0, 0);

	p.place = 4;
	struct flow *f = give(p, FLOW_COUNT);
	p.place = 0;
	cr_expect_eq(give(p, FLOW_ANEW), f);
	cr_expect_eq(counters.flows, 2);
	cr_expect_eq(flow_count(t), 1);
}

/* --- not TCP --- */

static struct packet datagram(unsigned dir, uint16_t checksum, uint16_t place)
{
	struct packet p = talk_packet(PACKET_UDP, 1, dir);

	now_ns += 100 * NS_PER_US;
	p.ts_ns = p.now_ns = now_ns;
	p.payload_size = 50;
	p.checksum = checksum;
	p.ip_id = next_id++;
	p.place = place;
	return p;
}

Test(places, udp)
{
	struct flow *f = give(datagram(0, 1, 0), FLOW_COUNT);

	give(datagram(0, 1, 0), FLOW_COUNT);
	give(datagram(1, 2, 0), FLOW_COUNT);
	cr_expect_eq(f->dir[0].packets, 2);
	cr_expect_eq(f->dir[1].bytes, 50);
	give(datagram(0, 1, 7), FLOW_COPY);
	give(datagram(0, 9, 7), FLOW_ELSEWHERE);
	cr_expect_eq(f->dir[0].packets, 2);
	cr_expect_eq(counters.packets_udp, 5);
	cr_expect_eq(counters.packets_copy, 1);
	struct packet p = datagram(0, 3, 0);
	give(p, FLOW_COUNT);
	give(p, FLOW_COPY);
	now_ns += 119 * NS_PER_S;
	give(datagram(0, 1, 0), FLOW_COUNT);
	now_ns += 121 * NS_PER_S;
	give(datagram(0, 1, 0), FLOW_ANEW);
}

Test(places, udp_without_a_checksum_is_no_copy)
{
	give(datagram(0, 0, 0), FLOW_COUNT);
	give(datagram(0, 0, 7), FLOW_ELSEWHERE);
}

Test(places, icmp_errors_change_nothing)
{
	struct flow *f = shake(100, 900), before = *f;
	struct packet p = segment(0, 0, 0, 0, 28);

	p.kind = PACKET_ICMP_ERROR;
	cr_expect_eq(flow_find(t, &p), f);
	cr_expect_eq(flow_account(t, f, &p), FLOW_COUNT);
	cr_expect_eq(memcmp(f, &before, sizeof(before)), 0);
	flow_count_packet(t, &p);
	cr_expect_eq(counters.packets_icmp_error, 2);
}
