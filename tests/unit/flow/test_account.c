/* SPDX-License-Identifier: Apache-2.0 */
#include "segments.h"

TestSuite(account, .init = begin, .fini = done);

Test(account, handshake)
{
	struct flow *f = shake(100, 900);

	cr_expect_eq(f->state, FLOW_SEEN_0 | FLOW_SEEN_1 | FLOW_SYN | FLOW_SYNACK | FLOW_ACK_0 |
				       FLOW_ACK_1 | FLOW_RTT_DONE);
	cr_expect_eq(cold(f)->rtt_us, 200);
	cr_expect_eq(f->dir[0].next_seq, 101);
	cr_expect_eq(f->dir[1].next_seq, 901);
	cr_expect_eq(f->dir[0].ack, 901);
	cr_expect_eq(f->dir[0].packets, 2);
	cr_expect_eq(f->dir[1].packets, 1);
	cr_expect_eq(counters.flows_midstream, 0);
	cr_expect_eq(counters.packets_tcp, 3);
}

Test(account, server_has_the_lower_address)
{
	send(1, TCP_SYN, 5, 0, 0);
	struct flow *f = send(0, TCP_SYN | TCP_ACK, 70, 6, 0);
	send(1, TCP_ACK, 6, 71, 0);
	cr_expect(f->state & FLOW_SYN && f->state & FLOW_INITIATOR_1);
	cr_expect_eq(cold(f)->rtt_us, 200);
}

Test(account, data_and_bytes)
{
	struct flow *f = shake(100, 900);
	struct packet p = segment(0, TCP_ACK | TCP_PSH, 101, 901, 60);

	p.payload_cut = 40;
	give(p, FLOW_COUNT);
	for (unsigned i = 0; i < 10; i++)
		send(1, TCP_ACK, 901 + i * 1000, 201, 1000);
	cr_expect_eq(f->dir[0].bytes, 100, "bytes on the wire");
	cr_expect_eq(f->dir[1].bytes, 10000);
	cr_expect_eq(f->dir[1].next_seq, 10901);
	cr_expect_eq(f->dir[1].ack, 201);
	cr_expect(f->state & FLOW_DATA_0 && f->state & FLOW_DATA_1);
	cr_expect_eq(counters.packet_bytes, 10060, "bytes captured");
	cr_expect_eq(counters.retransmits + counters.out_of_order + counters.duplicate_acks, 0);
}

Test(account, sequence_numbers_wrap)
{
	struct flow *f = shake(UINT32_MAX - 50, UINT32_MAX - 1);

	for (uint32_t i = 0; i < 5; i++)
		send(0, TCP_ACK, UINT32_MAX - 49 + i * 30, UINT32_MAX, 30);
	cr_expect_eq(f->dir[0].next_seq, 100);
	send(0, TCP_ACK, UINT32_MAX - 49, UINT32_MAX, 30);
	cr_expect_eq(cold(f)->health[0].retransmits, 1);
	send(1, TCP_ACK, UINT32_MAX, 100, 10);
	cr_expect_eq(f->dir[1].next_seq, 9);
	cr_expect_eq(f->dir[1].ack, 100);
	send(0, TCP_ACK | TCP_FIN, 100, 9, 0);
	send(1, TCP_ACK | TCP_FIN, 9, 101, 0);
	send(0, TCP_ACK, 101, 10, 0);
	cr_expect(f->state & FLOW_CLOSED);
}

Test(account, syn_sent_again_is_no_measure)
{
	send(0, TCP_SYN, 100, 0, 0);
	now_ns += NS_PER_S;
	struct flow *f = send(0, TCP_SYN, 100, 0, 0);
	send(1, TCP_SYN | TCP_ACK, 900, 101, 0);
	send(0, TCP_ACK, 101, 901, 0);
	cr_expect_eq(cold(f)->rtt_us, 0);
	cr_expect_eq(cold(f)->health[0].retransmits, 1);
	cr_expect_eq(counters.flows, 1);
}

Test(account, syn_ack_sent_again_is_no_measure)
{
	send(0, TCP_SYN, 100, 0, 0);
	struct flow *f = send(1, TCP_SYN | TCP_ACK, 900, 101, 0);
	send(1, TCP_SYN | TCP_ACK, 900, 101, 0);
	send(0, TCP_ACK, 101, 901, 0);
	cr_expect_eq(cold(f)->rtt_us, 0);
	cr_expect_eq(cold(f)->health[1].retransmits, 1);
}

Test(account, lost_ack_is_no_measure)
{
	send(0, TCP_SYN, 100, 0, 0);
	struct flow *f = send(1, TCP_SYN | TCP_ACK, 900, 101, 0);
	send(0, TCP_ACK, 601, 901, 100);
	cr_expect_eq(cold(f)->rtt_us, 0);
	send(0, TCP_ACK, 701, 901, 100);
	cr_expect_eq(cold(f)->rtt_us, 0);
}

/* The answer is read first: two rings, or one direction shifted. */
Test(account, syn_ack_before_syn)
{
	struct packet syn = segment(0, TCP_SYN, 100, 0, 0);
	struct packet answer = segment(1, TCP_SYN | TCP_ACK, 900, 101, 0);
	struct flow *f = give(answer, FLOW_COUNT);

	cr_expect(f->state & FLOW_SYN);
	cr_expect_not(f->state & FLOW_INITIATOR_1);
	syn.now_ns = answer.now_ns;
	give(syn, FLOW_COUNT);
	send(0, TCP_ACK, 101, 901, 0);
	cr_expect_eq(cold(f)->rtt_us, 200);
	cr_expect_eq(counters.flows, 1);
	cr_expect_eq(counters.flows_midstream, 0);
}

Test(account, late_syn_after_data)
{
	send(0, TCP_ACK, 101, 901, 500);
	struct flow *f = send(0, TCP_ACK, 601, 901, 500);
	send(0, TCP_SYN, 100, 0, 0);
	cr_expect_eq(counters.flows, 1);
	cr_expect_eq(counters.flows_midstream, 1);
	cr_expect_eq(f->dir[0].next_seq, 1101);
}

Test(account, both_begin_at_once)
{
	send(0, TCP_SYN, 100, 0, 0);
	struct flow *f = send(1, TCP_SYN, 900, 0, 0);
	send(0, TCP_SYN | TCP_ACK, 100, 901, 0);
	send(1, TCP_SYN | TCP_ACK, 900, 101, 0);
	send(0, TCP_ACK, 101, 901, 10);
	cr_expect_eq(counters.flows, 1);
	cr_expect_not(f->state & FLOW_INITIATOR_1);
	cr_expect_eq(cold(f)->rtt_us, 0);
	cr_expect_eq(f->dir[0].next_seq, 111);
}

Test(account, syn_with_data)
{
	struct flow *f = send(0, TCP_SYN, 100, 0, 50);

	cr_expect_eq(f->dir[0].next_seq, 151);
	cr_expect(f->state & FLOW_DATA_0);
	now_ns += NS_PER_S;
	send(0, TCP_SYN, 100, 0, 50);
	cr_expect_eq(counters.flows, 1);
	cr_expect_eq(counters.retransmits, 1);
	send(1, TCP_SYN | TCP_ACK, 900, 101, 0);
	send(0, TCP_ACK, 151, 901, 10);
	cr_expect_eq(counters.flows, 1);
}

Test(account, window_scale)
{
	struct packet syn = segment(0, TCP_SYN, 100, 0, 0);
	struct packet answer = segment(1, TCP_SYN | TCP_ACK, 900, 101, 0);

	syn.window_scale = 7;
	struct flow *f = give(syn, FLOW_COUNT);
	cr_expect_eq(cold(f)->window_scale[0], 7);
	cr_expect_eq(cold(f)->window_scale[1], 255);
	answer.window_scale = 9;
	give(answer, FLOW_COUNT);
	cr_expect_eq(cold(f)->window_scale[1], 9);
}

Test(account, one_side_alone_does_not_scale)
{
	struct packet syn = segment(0, TCP_SYN, 100, 0, 0);

	syn.window_scale = 7;
	struct flow *f = give(syn, FLOW_COUNT);
	send(1, TCP_SYN | TCP_ACK, 900, 101, 0);
	cr_expect_eq(cold(f)->window_scale[0], 0);
	cr_expect_eq(cold(f)->window_scale[1], 0);
}

/* --- health --- */

Test(account, retransmission_and_reordering)
{
	struct flow *f = shake(100, 900);

	send(0, TCP_ACK, 101, 901, 100);
	send(0, TCP_ACK, 301, 901, 100);
	send(0, TCP_ACK, 201, 901, 100);
	cr_expect_eq(cold(f)->health[0].out_of_order, 1, "late by 100 us");
	cr_expect_eq(cold(f)->health[0].retransmits, 0);
	send(0, TCP_ACK, 501, 901, 100);
	now_ns += 200 * NS_PER_MS;
	send(0, TCP_ACK, 401, 901, 100);
	cr_expect_eq(cold(f)->health[0].out_of_order, 1);
	cr_expect_eq(cold(f)->health[0].retransmits, 1, "late by 200 ms");
	send(0, TCP_ACK, 551, 901, 100);
	cr_expect_eq(cold(f)->health[0].retransmits, 2, "a part is new");
	cr_expect_eq(f->dir[0].next_seq, 651);
	cr_expect_eq(counters.retransmits, 2);
	cr_expect_eq(counters.out_of_order, 1);
	cr_expect_eq(cold(f)->health[1].retransmits, 0);
}

Test(account, reordering_may_take_half_a_round_trip)
{
	send(0, TCP_SYN, 100, 0, 0);
	now_ns += 100 * NS_PER_MS;
	send(1, TCP_SYN | TCP_ACK, 900, 101, 0);
	struct flow *f = send(0, TCP_ACK, 101, 901, 0);
	send(0, TCP_ACK, 201, 901, 100);
	now_ns += 40 * NS_PER_MS;
	send(0, TCP_ACK, 101, 901, 100);
	cr_expect_eq(cold(f)->health[0].out_of_order, 1);
	send(0, TCP_ACK, 401, 901, 100);
	now_ns += 60 * NS_PER_MS;
	send(0, TCP_ACK, 301, 901, 100);
	cr_expect_eq(cold(f)->health[0].retransmits, 1);
}

Test(account, keepalives_are_no_retransmissions)
{
	struct flow *f = shake(100, 900);

	send(0, TCP_ACK, 101, 901, 100);
	send(1, TCP_ACK, 901, 201, 0);
	now_ns += 60 * NS_PER_S;
	send(0, TCP_ACK, 200, 901, 0);
	send(1, TCP_ACK, 901, 201, 0);
	now_ns += 60 * NS_PER_S;
	send(0, TCP_ACK, 200, 901, 1);
	send(1, TCP_ACK, 901, 201, 0);
	cr_expect_eq(counters.retransmits + counters.duplicate_acks, 0);
	cr_expect_eq(f->dir[0].next_seq, 201);
}

Test(account, one_byte_not_acknowledged_is_a_retransmission)
{
	shake(100, 900);
	send(0, TCP_ACK, 101, 901, 1);
	now_ns += NS_PER_S;
	send(0, TCP_ACK, 101, 901, 1);
	cr_expect_eq(counters.retransmits, 1);
}

Test(account, duplicate_acks)
{
	struct flow *f = shake(100, 900);

	send(0, TCP_ACK, 101, 901, 100);
	send(0, TCP_ACK, 201, 901, 100);
	send(1, TCP_ACK, 901, 201, 0);
	cr_expect_eq(counters.duplicate_acks, 0);
	send(1, TCP_ACK, 901, 201, 0);
	send(1, TCP_ACK, 901, 201, 0);
	cr_expect_eq(cold(f)->health[0].duplicate_acks, 2, "about the data of direction 0");
	struct packet update = segment(1, TCP_ACK, 901, 201, 0);
	update.window = 2000;
	give(update, FLOW_COUNT);
	send(1, TCP_ACK, 901, 201, 50);
	cr_expect_eq(counters.duplicate_acks, 2, "not a window update, not data");
	send(1, TCP_ACK, 951, 301, 0);
	send(1, TCP_ACK, 951, 301, 0);
	cr_expect_eq(counters.duplicate_acks, 2, "nothing is on its way");
}

Test(account, zero_windows)
{
	struct flow *f = shake(100, 900);

	for (unsigned i = 0; i < 3; i++) {
		struct packet p = segment(1, TCP_ACK, 901, 101, 0);

		p.window = 0;
		give(p, FLOW_COUNT);
	}
	cr_expect_eq(cold(f)->health[0].zero_windows, 1, "it closed once: direction 0 must wait");
	struct packet reset = segment(1, TCP_RST | TCP_ACK, 901, 101, 0);
	reset.window = 0;
	give(reset, FLOW_COUNT);
	cr_expect_eq(counters.zero_windows, 3);
	cr_expect_eq(cold(f)->health[1].zero_windows, 0);
}

Test(account, health_saturates)
{
	struct flow *f = shake(100, 900);

	for (unsigned i = 0; i < 70000; i++) {
		struct packet p = segment(1, TCP_ACK, 901, 101, 0);

		p.window = 0;
		give(p, FLOW_COUNT);
		p = segment(1, TCP_ACK, 901, 101, 0);
		give(p, FLOW_COUNT);
		if (next_id < 2)
			next_id = 2;
	}
	cr_expect_eq(cold(f)->health[0].zero_windows, UINT16_MAX);
	cr_expect_eq(counters.zero_windows, 70000);
}

/* A segment with a damaged number does not spoil the rest of the connection. */
Test(account, heals_after_a_wild_sequence_number)
{
	struct flow *f = shake(100, 900);

	send(0, TCP_ACK, 101, 901, 100);
	send(0, TCP_ACK, 0x40000000, 901, 100);
	for (uint32_t i = 0; i < 20; i++)
		send(0, TCP_ACK, 201 + i * 100, 901, 100);
	cr_expect_eq(counters.retransmits, 0);
	cr_expect_eq(f->dir[0].next_seq, 2201);
	send(1, TCP_ACK, 901, 0x50000000, 0);
	cr_expect_eq(f->dir[1].ack, 101, "such an acknowledgement is not taken");
}

/* --- the end --- */

Test(account, closes_when_both_fins_are_acknowledged)
{
	struct flow *f = shake(100, 900);

	send(0, TCP_ACK | TCP_FIN, 101, 901, 10);
	cr_expect(f->state & FLOW_FIN_0);
	send(1, TCP_ACK, 901, 112, 5000);
	cr_expect_not(f->state & FLOW_CLOSED, "half closed");
	send(0, TCP_ACK, 112, 5901, 0);
	send(1, TCP_ACK | TCP_FIN, 5901, 112, 0);
	cr_expect_not(f->state & FLOW_CLOSED);
	send(0, TCP_ACK, 112, 5902, 0);
	cr_expect(f->state & FLOW_CLOSED);
	cr_expect_eq(counters.retransmits + counters.duplicate_acks, 0);
}

Test(account, lingers_for_a_second)
{
	struct flow *f = shake(100, 900);

	send(0, TCP_RST, 101, 0, 0);
	cr_expect(f->state & FLOW_CLOSED);
	uint64_t closed_ns = now_ns;
	now_ns = closed_ns + NS_PER_S - 200 * NS_PER_US;
	send(1, TCP_ACK, 901, 101, 100);
	cr_expect_eq(f->last_ns, closed_ns, "it does not get younger");
	now_ns = closed_ns + NS_PER_S;
	give(segment(1, TCP_ACK, 1001, 101, 100), FLOW_ANEW);
	cr_expect_eq(counters.flows, 2);
	cr_expect_eq(counters.packets, 6, "FLOW_ANEW counts nothing");
}

/* The clock follows a jump with the second packet; the first one must not be idle by then. */
Test(account, begins_with_a_jump_of_time)
{
	struct packet p = segment(0, TCP_SYN, 100, 0, 0);

	p.ts_ns += 86400 * NS_PER_S;
	give(p, FLOW_COUNT);
	now_ns += 86400 * NS_PER_S;
	give(segment(1, TCP_SYN | TCP_ACK, 900, 101, 0), FLOW_COUNT);
	cr_expect_eq(counters.flows, 1);
	now_ns += 86400 * NS_PER_S;
	give(segment(0, TCP_ACK, 101, 901, 0), FLOW_ANEW);
}

/* A time that is wrong keeps a flow no longer than until its next packet. */
Test(account, a_wrong_time_in_between)
{
	struct flow *f = shake(100, 900);
	struct packet p = segment(0, TCP_ACK, 101, 901, 10);

	p.ts_ns += 86400 * NS_PER_S;
	give(p, FLOW_COUNT);
	cr_expect_eq(f->last_ns, p.ts_ns);
	give(segment(0, TCP_ACK, 111, 901, 10), FLOW_COUNT);
	cr_expect_eq(f->last_ns, now_ns);
}

Test(account, reset_in_answer_to_a_syn)
{
	send(0, TCP_SYN, 100, 0, 0);
	struct flow *f = send(1, TCP_RST | TCP_ACK, 0, 101, 0);

	cr_expect(f->state & FLOW_CLOSED);
	cr_expect_eq(counters.resets, 1);
}

Test(account, blind_resets_do_not_close)
{
	struct flow *f = shake(100, 900);

	send(0, TCP_ACK, 101, 901, 100);
	send(0, TCP_RST, 0x12345678, 0, 0);
	send(1, TCP_RST, 900 - 70000, 0, 0);
	send(1, TCP_RST, 901 + 10000000, 0, 0);
	cr_expect_not(f->state & FLOW_CLOSED);
	cr_expect_eq(counters.resets, 3);
	cr_expect_eq(f->dir[0].next_seq, 201);
	send(1, TCP_RST, 901, 0, 0);
	cr_expect(f->state & FLOW_CLOSED);
}

Test(account, blind_reset_of_a_silent_side)
{
	struct flow *f = send(0, TCP_ACK, 101, 901, 100);

	send(1, TCP_RST, 0x80000000, 0, 0);
	cr_expect_not(f->state & FLOW_CLOSED);
	cr_expect_not(f->state & FLOW_SEEN_1, "its number says nothing");
	send(1, TCP_RST, 901, 0, 0);
	cr_expect(f->state & FLOW_CLOSED);
}

/* --- another flow on the same tuple --- */

Test(account, new_syn_is_a_new_flow)
{
	shake(100, 900);
	send(0, TCP_ACK, 101, 901, 1000);
	give(segment(0, TCP_SYN, 70000, 0, 0), FLOW_ANEW);
	cr_expect_eq(counters.flows, 2);
	cr_expect_eq(flow_count(t), 1);
}

Test(account, new_syn_while_it_lingers)
{
	struct flow *f = shake(100, 900);

	send(0, TCP_RST, 101, 0, 0);
	f = give(segment(0, TCP_SYN, 150, 0, 0), FLOW_ANEW);
	cr_expect_eq(counters.flows, 2);
	cr_expect_not(f->state & FLOW_CLOSED);
}

Test(account, new_syn_behind_the_old_numbers)
{
	shake(100000, 900);
	send(0, TCP_ACK, 100001, 901, 1000);
	give(segment(0, TCP_SYN, 90000, 0, 0), FLOW_ANEW);
	cr_expect_eq(counters.flows, 2);
}

Test(account, new_syn_of_a_side_never_seen)
{
	send(1, TCP_ACK, 901, 101, 1000);
	give(segment(0, TCP_SYN, 101 + (32 << 20), 0, 0), FLOW_ANEW);
	cr_expect_eq(counters.flows, 2);
}

Test(account, new_connection_whose_syn_was_lost)
{
	shake(100, 900);
	send(0, TCP_ACK, 101, 901, 1000);
	give(segment(1, TCP_SYN | TCP_ACK, 500000, 70001, 0), FLOW_ANEW);
	cr_expect_eq(counters.flows, 2);
}

Test(account, idle_for_too_long)
{
	shake(100, 900);
	now_ns += 899 * NS_PER_S;
	send(0, TCP_ACK, 101, 901, 1000);
	now_ns += 901 * NS_PER_S;
	give(segment(0, TCP_ACK, 1101, 901, 10), FLOW_ANEW);
	cr_expect_eq(counters.flows, 2);
	cr_expect_eq(counters.flows_midstream, 1);
}
