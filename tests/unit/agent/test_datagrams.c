/* SPDX-License-Identifier: Apache-2.0 */
/* Conversations of datagrams in a whole worker, with DNS: pairing, time, ICMP, groups, memory. */
#include <criterion/criterion.h>

#include "tests/unit/agent/datagrams.h"

Test(datagrams, answers_in_any_order)
{
	struct worker *w = dgram_start();

	dgram_ask(w, 1, "a");
	dgram_ask(w, 2, "a");
	dgram_ask(w, 1, "b");
	dgram_answer(w, 1, "B");
	dgram_answer(w, 2, "a");
	dgram_answer(w, 1, "a");
	cr_expect_eq(dgram_seen.count[STATUS_OK], 3);
	cr_expect_eq(dgram_seen.client.port, 40000);
	cr_expect_eq(dgram_seen.server.port, 53);
	dgram_answer(w, 1, "a");
	cr_expect_eq(dgram_seen.reason[REASON_UNASKED], 1);
	dgram_stop(w);
}

Test(datagrams, an_answer_sent_before_its_query_is_none)
{
	struct worker *w = dgram_start();
	struct packet early;

	dgram_ask(w, 1, "a");
	early = dgram_message(dgram_between(SERVER, 53, CLIENT, 40000), 1, 0x8180, "a", NULL);
	early.ts_ns--;
	dgram_give(w, early);
	cr_expect_eq(dgram_seen.reason[REASON_ORDER], 1);
	dgram_answer(w, 1, "a");
	cr_expect_eq(dgram_seen.count[STATUS_OK], 1);
	dgram_stop(w);
}

Test(datagrams, a_query_sent_again_is_one_query)
{
	struct worker *w = dgram_start();

	dgram_ask(w, 1, "a");
	dgram_pass(w, 2 * NS_PER_S);
	dgram_ask(w, 1, "a");
	dgram_answer(w, 1, "a");
	cr_expect_eq(dgram_seen.count[STATUS_OK], 1);
	cr_expect_eq(worker_counters(w)->requests, 1);
	dgram_stop(w);
}

Test(datagrams, an_answer_after_the_timeout_is_late_for_a_while)
{
	struct worker *w = dgram_start();

	dgram_ask(w, 1, "a");
	dgram_ask(w, 2, "b");
	dgram_pass(w, 9 * NS_PER_S);
	cr_expect_eq(dgram_seen.count[STATUS_UNANSWERED], 0);
	dgram_pass(w, 2 * NS_PER_S);
	cr_expect_eq(dgram_seen.reason[REASON_TIMEOUT], 2);
	dgram_answer(w, 1, "a");
	cr_expect_eq(dgram_seen.reason[REASON_LATE], 1);
	dgram_pass(w, 10 * NS_PER_S);
	dgram_answer(w, 2, "b");
	cr_expect_eq(dgram_seen.reason[REASON_LATE], 1);
	cr_expect_eq(dgram_seen.reason[REASON_UNASKED], 1);
	dgram_stop(w);
}

static struct packet icmp(unsigned id, const char *name, uint32_t quoted)
{
	static uint8_t quote[512];
	struct packet p =
		dgram_message(dgram_between(CLIENT, 40000, SERVER, 53), id, 0x0100, name, NULL);

	memcpy(quote + 8, dgram_bytes, p.payload_size);
	p.kind = PACKET_ICMP_ERROR;
	p.payload = quote;
	p.payload_size = quoted < p.payload_size + 8 ? quoted : p.payload_size + 8;
	return p;
}

Test(datagrams, an_icmp_error_ends_the_query_it_quotes)
{
	struct worker *w = dgram_start();
	struct packet of_answer;

	dgram_ask(w, 1, "a");
	dgram_ask(w, 2, "b");
	dgram_ask(w, 3, "c");
	dgram_give(w, icmp(2, "b", 512));
	cr_expect_eq(dgram_seen.count[STATUS_ERROR], 1);
	cr_expect_eq(dgram_seen.reason[REASON_ICMP], 1);
	cr_expect_eq(worker_counters(w)->roundtrips_icmp, 1);
	dgram_give(w, icmp(1, "a", 8)); /* which one? */
	cr_expect_eq(dgram_seen.count[STATUS_ERROR], 1);
	dgram_give(w, icmp(1, "a", 8 + 10)); /* by the id alone */
	cr_expect_eq(dgram_seen.count[STATUS_ERROR], 2);
	of_answer = icmp(3, "c", 512);
	of_answer.dir = !of_answer.dir;
	((uint8_t *)(uintptr_t)of_answer.payload)[10] |= 0x80;
	dgram_give(w, of_answer);
	cr_expect_eq(dgram_seen.count[STATUS_ERROR], 2);
	dgram_give(w, icmp(3, "c", 8)); /* the only one */
	cr_expect_eq(dgram_seen.count[STATUS_ERROR], 3);
	dgram_stop(w);
}

Test(datagrams, an_icmp_redirect_ends_nothing)
{
	struct worker *w = dgram_start();
	struct packet p;

	dgram_ask(w, 1, "a");
	p = icmp(1, "a", 512);
	p.icmp_type = 5;
	dgram_give(w, p);
	cr_expect_eq(worker_counters(w)->roundtrips_icmp, 0);
	dgram_answer(w, 1, "a");
	cr_expect_eq(dgram_seen.count[STATUS_OK], 1);
	dgram_stop(w);
}

Test(datagrams, an_idle_flow_keeps_no_memory_and_goes_on)
{
	struct worker *w = dgram_start();

	dgram_ask(w, 1, "a");
	dgram_answer(w, 1, "a");
	dgram_pass(w, 2 * NS_PER_S);
	cr_expect_eq(pool_used(worker_pool(w)), 0);
	dgram_answer(w, 2, "b"); /* the direction is remembered */
	cr_expect_eq(dgram_seen.reason[REASON_UNASKED], 1);
	cr_expect_eq(dgram_seen.client.port, 40000);
	dgram_ask(w, 3, "c");
	dgram_answer(w, 3, "c");
	cr_expect_eq(dgram_seen.count[STATUS_OK], 2);
	dgram_stop(w);
}

Test(datagrams, what_the_capture_cut)
{
	struct worker *w = dgram_start();
	struct packet p =
		dgram_message(dgram_between(CLIENT, 40000, SERVER, 53), 1, 0x0100, "a", NULL);

	dgram_give(w, p);
	p = dgram_message(dgram_between(SERVER, 53, CLIENT, 40000), 1, 0x8180, "a", "a");
	p.payload_cut = 7;
	p.payload_size -= 7;
	dgram_give(w, p);
	cr_expect_eq(dgram_seen.count[STATUS_OK], 1);
	cr_expect_eq(dgram_seen.partial, PARTIAL_SNAPLEN);
	dgram_stop(w);
}

/* Headers and parts of names are all that there is: the answer goes by the id, if only one request has it. */
Test(datagrams, cut_within_the_question)
{
	static const char *const names[] = {"abcdefgh", "abcdefgh", "abcdefghi"};
	struct worker *w = dgram_start();
	struct packet p;

	for (unsigned i = 0; i < 3; i++) {
		p = dgram_message(dgram_between(CLIENT, 40000, SERVER, 53), i ? 2 : 1, 0x0100,
				  names[i], NULL);
		p.payload_cut = p.payload_size - 16;
		p.payload_size = 16;
		dgram_give(w, p);
	}
	for (unsigned id = 1; id <= 2; id++) {
		p = dgram_message(dgram_between(SERVER, 53, CLIENT, 40000), id, 0x8180, "abcdefgh",
				  NULL);
		p.payload_cut = p.payload_size - 16;
		p.payload_size = 16;
		dgram_give(w, p);
	}
	cr_expect_eq(dgram_seen.count[STATUS_OK], 1);
	cr_expect_eq(dgram_seen.count[STATUS_ORPHAN], 1, "which of two?");
	cr_expect_eq(dgram_seen.partial, PARTIAL_SNAPLEN);
	dgram_stop(w);
}

Test(datagrams, mdns_first_answer_pairs_others_announce)
{
	struct worker *w = dgram_start();

	dgram_give(w, dgram_message(dgram_between(CLIENT, 5353, MULTICAST, 5353), 0, 0, "x", NULL));
	dgram_give(w, dgram_message(dgram_between(CLIENT, 5353, MULTICAST, 5353), 0, 0x8400, NULL,
				    "x"));
	cr_expect_eq(dgram_seen.reason[REASON_ANNOUNCEMENT], 1, "nobody answers themselves");
	dgram_give(w, dgram_message(dgram_between(SERVER, 5353, MULTICAST, 5353), 0, 0x8400, NULL,
				    "x"));
	cr_expect_eq(dgram_seen.count[STATUS_OK], 1);
	cr_expect(memcmp(&dgram_seen.client.address, &(struct address[1]){dgram_host(CLIENT)},
			 16) == 0);
	cr_expect(memcmp(&dgram_seen.server.address, &(struct address[1]){dgram_host(SERVER)},
			 16) == 0);
	dgram_give(w, dgram_message(dgram_between(OTHER, 5353, MULTICAST, 5353), 0, 0x8400, NULL,
				    "x"));
	dgram_give(w, dgram_message(dgram_between(SERVER, 5353, MULTICAST, 5353), 0, 0x8400, NULL,
				    "y"));
	cr_expect_eq(dgram_seen.reason[REASON_ANNOUNCEMENT], 3);
	dgram_stop(w);
}

/* What the group's first datagram looks like does not matter to the others. */
Test(datagrams, mdns_asked_from_a_low_port)
{
	struct worker *w = dgram_start();

	dgram_give(w, dgram_message(dgram_between(OTHER, 3000, MULTICAST, 5353), 9, 0, "x", NULL));
	dgram_give(w, dgram_message(dgram_between(SERVER, 5353, OTHER, 3000), 9, 0x8400, "x", "x"));
	cr_expect_eq(dgram_seen.count[STATUS_OK], 1);
	dgram_give(w, dgram_message(dgram_between(CLIENT, 5353, MULTICAST, 5353), 0, 0, "x", NULL));
	dgram_give(w, dgram_message(dgram_between(SERVER, 5353, MULTICAST, 5353), 0, 0x8400, NULL,
				    "x"));
	cr_expect_eq(dgram_seen.count[STATUS_OK], 2);
	dgram_give(w, dgram_message(dgram_between(SERVER, 5353, MULTICAST, 5353), 0, 0x8400, NULL,
				    "x"));
	cr_expect_eq(dgram_seen.reason[REASON_ANNOUNCEMENT], 1);
	dgram_stop(w);
}

Test(datagrams, mdns_that_was_quiet_times_out_too)
{
	struct worker *w = dgram_start();

	dgram_give(w, dgram_message(dgram_between(CLIENT, 5353, MULTICAST, 5353), 0, 0, "x", NULL));
	dgram_give(w, dgram_message(dgram_between(SERVER, 5353, MULTICAST, 5353), 0, 0x8400, NULL,
				    "x"));
	dgram_pass(w, 3 * NS_PER_S);
	dgram_give(w, dgram_message(dgram_between(CLIENT, 5353, MULTICAST, 5353), 0, 0, "y", NULL));
	dgram_pass(w, 11 * NS_PER_S);
	cr_expect_eq(dgram_seen.reason[REASON_TIMEOUT], 1);
	dgram_stop(w);
}

Test(datagrams, llmnr_is_answered_from_elsewhere)
{
	struct worker *w = dgram_start();

	dgram_give(w,
		   dgram_message(dgram_between(CLIENT, 50000, MULTICAST, 5355), 7, 0, "pc", NULL));
	dgram_give(w,
		   dgram_message(dgram_between(CLIENT, 50000, MULTICAST, 5355), 7, 0, "pc", NULL));
	dgram_give(w, dgram_message(dgram_between(SERVER, 5355, CLIENT, 50000), 7, 0x8000, "pc",
				    "pc"));
	cr_expect_eq(dgram_seen.count[STATUS_OK], 1);
	cr_expect(memcmp(&dgram_seen.server.address, &(struct address[1]){dgram_host(SERVER)},
			 16) == 0);
	dgram_give(w,
		   dgram_message(dgram_between(SERVER, 5355, OTHER, 50000), 7, 0x8000, "pc", "pc"));
	cr_expect_eq(dgram_seen.count[STATUS_ORPHAN], 1);
	dgram_pass(w, 3 * NS_PER_S);
	cr_expect_eq(pool_used(worker_pool(w)), 0);
	dgram_stop(w);
}

/* A port of multicast may be a server's or, by chance, a client's. */
Test(datagrams, what_two_hosts_say_by_a_multicast_port_is_theirs)
{
	struct worker *w = dgram_start();

	dgram_give(w, dgram_message(dgram_between(CLIENT, 5353, SERVER, 53), 1, 0x0100, "a", NULL));
	dgram_give(w, dgram_message(dgram_between(SERVER, 53, CLIENT, 5353), 1, 0x8183, "a", NULL));
	dgram_give(w,
		   dgram_message(dgram_between(CLIENT, 40000, SERVER, 5353), 2, 0x0100, "b", NULL));
	dgram_give(w,
		   dgram_message(dgram_between(OTHER, 40000, SERVER, 5353), 3, 0x0100, "b", NULL));
	dgram_give(w,
		   dgram_message(dgram_between(SERVER, 5353, CLIENT, 40000), 2, 0x8183, "b", NULL));
	cr_expect_eq(dgram_seen.count[STATUS_ERROR], 2);
	cr_expect(memcmp(&dgram_seen.client.address, &(struct address[1]){dgram_host(CLIENT)},
			 16) == 0);
	dgram_give(w,
		   dgram_message(dgram_between(SERVER, 5353, OTHER, 40000), 3, 0x8183, "b", NULL));
	cr_expect_eq(dgram_seen.count[STATUS_ERROR], 3);
	cr_expect(memcmp(&dgram_seen.client.address, &(struct address[1]){dgram_host(OTHER)}, 16) ==
		  0);
	dgram_stop(w);
}

Test(datagrams, mdns_answers_a_port_of_its_own)
{
	struct worker *w = dgram_start();

	dgram_give(w, dgram_message(dgram_between(CLIENT, 2000, MULTICAST, 5353), 7, 0, "x", NULL));
	dgram_give(w, dgram_message(dgram_between(OTHER, 2000, MULTICAST, 5353), 8, 0, "x", NULL));
	dgram_give(w, dgram_message(dgram_between(CLIENT, 2000, MULTICAST, 5353), 7, 0, "x", NULL));
	dgram_give(w,
		   dgram_message(dgram_between(SERVER, 5353, CLIENT, 2000), 7, 0x8400, "x", NULL));
	cr_expect_eq(dgram_seen.count[STATUS_OK], 1, "by its id");
	cr_expect(memcmp(&dgram_seen.client.address, &(struct address[1]){dgram_host(CLIENT)},
			 16) == 0);
	dgram_give(w,
		   dgram_message(dgram_between(SERVER, 5353, OTHER, 2000), 0, 0x8400, NULL, "x"));
	cr_expect_eq(dgram_seen.count[STATUS_OK], 2, "by its name");
	cr_expect(memcmp(&dgram_seen.client.address, &(struct address[1]){dgram_host(OTHER)}, 16) ==
		  0);
	dgram_give(w,
		   dgram_message(dgram_between(SERVER, 5353, OTHER, 2000), 0, 0x8400, NULL, "x"));
	cr_expect_eq(dgram_seen.reason[REASON_ANNOUNCEMENT], 1);
	dgram_stop(w);
}

Test(datagrams, one_bad_datagram_does_not_condemn_a_known_port)
{
	struct worker *w = dgram_start();
	struct packet p = dgram_between(CLIENT, 40000, SERVER, 53);

	memset(dgram_bytes, 0xff, 19);
	p.payload_size = 19;
	dgram_give(w, p);
	dgram_ask(w, 1, "a");
	dgram_answer(w, 1, "a");
	cr_expect_eq(dgram_seen.count[STATUS_OK], 1);
	dgram_stop(w);
}

/* Some senders number all their packets alike. */
Test(datagrams, the_same_a_second_later_was_sent_again)
{
	struct worker *w = dgram_start();
	struct packet p =
		dgram_message(dgram_between(CLIENT, 40000, SERVER, 53), 1, 0x0100, "a", NULL);

	dgram_give(w, p);
	dgram_give(w, p);
	cr_expect_eq(worker_counters(w)->packets_copy, 1);
	dgram_pass(w, 2 * NS_PER_S);
	p.ts_ns = p.now_ns = dgram_now_ns;
	dgram_give(w, p);
	cr_expect_eq(worker_counters(w)->requests_resent, 1);
	dgram_stop(w);
}

Test(datagrams, two_servers_ask_each_other_by_one_port)
{
	struct worker *w = dgram_start();

	dgram_give(w, dgram_message(dgram_between(CLIENT, 53, SERVER, 53), 1, 0x0100, "a", NULL));
	dgram_give(w, dgram_message(dgram_between(SERVER, 53, CLIENT, 53), 1, 0x0100, "a", NULL));
	dgram_give(w, dgram_message(dgram_between(CLIENT, 53, SERVER, 53), 1, 0x8180, "a", NULL));
	cr_expect_eq(dgram_seen.count[STATUS_OK], 1);
	cr_expect(memcmp(&dgram_seen.client.address, &(struct address[1]){dgram_host(SERVER)},
			 16) == 0);
	dgram_give(w, dgram_message(dgram_between(SERVER, 53, CLIENT, 53), 1, 0x8180, "a", NULL));
	cr_expect_eq(dgram_seen.count[STATUS_OK], 2);
	cr_expect(memcmp(&dgram_seen.client.address, &(struct address[1]){dgram_host(CLIENT)},
			 16) == 0);
	dgram_stop(w);
}

Test(datagrams, what_nobody_knows_is_passed)
{
	struct worker *w = dgram_start();
	struct packet p = dgram_between(CLIENT, 40001, SERVER, 9999);

	memcpy(dgram_bytes, "hello, hello, hello", 19);
	p.payload_size = 19;
	dgram_give(w, p);
	dgram_give(w, p);
	cr_expect_eq(pool_used(worker_pool(w)), 0);
	cr_expect_eq(worker_counters(w)->flows_undetected, 1);
	dgram_stop(w);
}

Test(datagrams, a_million_open_on_one_socket)
{
	enum { MANY = 1 << 20 };
	struct worker *w = dgram_start();
	char name[9];

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "%08x", i);
		dgram_ask(w, i & 0xffff, name);
	}
	for (unsigned i = 0; i < MANY; i += 2) {
		snprintf(name, sizeof(name), "%08x", i * 7 % MANY);
		dgram_answer(w, i * 7 % MANY & 0xffff, name);
	}
	cr_expect_eq(dgram_seen.count[STATUS_OK], MANY / 2);
	dgram_pass(w, 11 * NS_PER_S);
	cr_expect_eq(dgram_seen.reason[REASON_TIMEOUT], MANY / 2);
	dgram_stop(w);
}

Test(datagrams, a_failing_allocation_drops_one_flow_at_most)
{
	for (uint64_t nth = 1; nth < 30; nth++) {
		struct worker *w = dgram_start();

		pool_fail_at(worker_pool(w), nth);
		dgram_ask(w, 1, "a");
		dgram_give(w, dgram_message(dgram_between(CLIENT, 5353, MULTICAST, 5353), 0, 0, "x",
					    NULL));
		dgram_answer(w, 1, "a");
		dgram_give(w, dgram_message(dgram_between(SERVER, 5353, MULTICAST, 5353), 0, 0x8400,
					    NULL, "x"));
		dgram_ask(w, 2, "a");
		dgram_pass(w, 12 * NS_PER_S);
		dgram_stop(w);
	}
}
