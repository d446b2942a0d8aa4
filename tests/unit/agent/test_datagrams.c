/* SPDX-License-Identifier: Apache-2.0 */
/* Conversations of datagrams in a whole worker, with DNS: pairing, time, ICMP, groups, places, memory. */
#include <criterion/criterion.h>

#include "agent/worker.h"
#include "core/hash.h"
#include "protocol/registry.h"
#include "protocols/all.h"

enum { CLIENT, SERVER, OTHER, MULTICAST, HOSTS };

struct seen {
	unsigned count[STATUS_COUNT], reason[REASON_COUNT];
	unsigned partial, place;
	uint64_t bytes;
	struct endpoint client, server;
};

static struct seen seen;
static struct registry *registry;
static uint64_t now_ns, number;
static uint8_t memory[2048];

static void on_record(void *data, const struct roundtrip *rt)
{
	struct seen *s = data;

	s->count[rt->status]++;
	s->reason[rt->reason]++;
	s->partial |= rt->partial;
	s->client = rt->client;
	s->server = rt->server;
	s->place = rt->place;
	s->bytes = rt->request ? rt->request->to - rt->request->from : 0;
}

static struct worker *start(void)
{
	struct worker_options options = {.emit = on_record,
					 .data = &seen,
					 .decode = true,
					 .secret = 1,
					 .wants = WANT_FIELDS};
	struct worker *w;

	seen = (struct seen){0};
	now_ns = 1000 * NS_PER_S;
	number = 0;
	cr_assert_eq(registry_new(protocols_all, &registry), 0);
	options.registry = registry;
	cr_assert_eq(worker_new(&options, &w), 0);
	return w;
}

static void stop(struct worker *w)
{
	struct counters c;

	worker_finish(w, now_ns);
	c = *worker_counters(w);
	c.frames = c.frames_packet = c.packets; /* there was no reader */
	cr_expect_eq(counters_check(&c, NULL), 0);
	cr_expect_eq(pool_used(worker_pool(w)), 0);
	worker_free(w);
	registry_free(registry);
}

/* --- datagrams --- */

static struct address host(unsigned n)
{
	const uint8_t b[4] = {n == MULTICAST ? 224 : 192, 0, n == MULTICAST ? 0 : 2,
			      (uint8_t)(n == MULTICAST ? 251 : n + 1)};

	return address_v4(b);
}

static struct packet between(unsigned from, uint16_t sport, unsigned to, uint16_t dport)
{
	number++;

	struct packet p = {.ts_ns = now_ns,
			   .now_ns = now_ns,
			   .index = number,
			   .frame = number,
			   .kind = PACKET_UDP,
			   .ip_id = (uint16_t)number};
	bool swap = from > to || (from == to && sport > dport);

	p.key.address[swap] = host(from);
	p.key.address[!swap] = host(to);
	p.key.port[swap] = sport;
	p.key.port[!swap] = dport;
	p.key.proto = PROTO_UDP;
	p.dir = swap;
	p.hash = hash_bytes(&p.key, sizeof(p.key), 1);
	p.payload = memory;
	return p;
}

static uint32_t put16(uint32_t at, unsigned v)
{
	memory[at] = (uint8_t)(v >> 8);
	memory[at + 1] = (uint8_t)v;
	return at + 2;
}

static uint32_t put_name(uint32_t at, const char *name)
{
	uint32_t n = (uint32_t)strlen(name);

	memory[at] = (uint8_t)n;
	memcpy(memory + at + 1, name, n + 1);
	return at + n + 2;
}

/* A message with a question, or an answer of type A, of one label. */
static struct packet with_message(struct packet p, unsigned id, unsigned flags,
				  const char *question, const char *answer)
{
	uint32_t at = put16(put16(0, id), flags);

	at = put16(put16(at, question != NULL), answer != NULL);
	at = put16(put16(at, 0), 0);
	if (question)
		at = put16(put16(put_name(at, question), 1), 1);
	if (answer) {
		at = put16(put16(put_name(at, answer), 1), 1);
		at = put16(put16(put16(at, 0), 60), 4);
		at = put16(put16(at, 0xc000), 0x0201);
	}
	p.payload_size = at;
	p.checksum = (uint16_t)hash_bytes(memory, at, 2);
	return p;
}

static void give(struct worker *w, struct packet p)
{
	worker_packet(w, &p);
}

static void ask(struct worker *w, unsigned id, const char *name)
{
	give(w, with_message(between(CLIENT, 40000, SERVER, 53), id, 0x0100, name, NULL));
}

static void answer(struct worker *w, unsigned id, const char *name)
{
	give(w, with_message(between(SERVER, 53, CLIENT, 40000), id, 0x8180, name, NULL));
}

static void pass(struct worker *w, uint64_t ns)
{
	for (uint64_t end = now_ns + ns; now_ns < end;) {
		now_ns += TICK_NS;
		give(w, (struct packet){.kind = PACKET_TICK, .now_ns = now_ns, .index = number});
	}
}

/* --- tests --- */

Test(datagrams, answers_in_any_order)
{
	struct worker *w = start();

	ask(w, 1, "a");
	ask(w, 2, "a");
	ask(w, 1, "b");
	answer(w, 1, "B");
	answer(w, 2, "a");
	answer(w, 1, "a");
	cr_expect_eq(seen.count[STATUS_OK], 3);
	cr_expect_eq(seen.client.port, 40000);
	cr_expect_eq(seen.server.port, 53);
	answer(w, 1, "a");
	cr_expect_eq(seen.reason[REASON_UNASKED], 1);
	stop(w);
}

Test(datagrams, an_answer_sent_before_its_query_is_none)
{
	struct worker *w = start();
	struct packet early;

	ask(w, 1, "a");
	early = with_message(between(SERVER, 53, CLIENT, 40000), 1, 0x8180, "a", NULL);
	early.ts_ns--;
	give(w, early);
	cr_expect_eq(seen.reason[REASON_ORDER], 1);
	answer(w, 1, "a");
	cr_expect_eq(seen.count[STATUS_OK], 1);
	stop(w);
}

Test(datagrams, a_query_sent_again_is_one_query)
{
	struct worker *w = start();

	ask(w, 1, "a");
	pass(w, 2 * NS_PER_S);
	ask(w, 1, "a");
	answer(w, 1, "a");
	cr_expect_eq(seen.count[STATUS_OK], 1);
	cr_expect_eq(worker_counters(w)->requests, 1);
	stop(w);
}

Test(datagrams, an_answer_after_the_timeout_is_late_for_a_while)
{
	struct worker *w = start();

	ask(w, 1, "a");
	ask(w, 2, "b");
	pass(w, 9 * NS_PER_S);
	cr_expect_eq(seen.count[STATUS_UNANSWERED], 0);
	pass(w, 2 * NS_PER_S);
	cr_expect_eq(seen.reason[REASON_TIMEOUT], 2);
	answer(w, 1, "a");
	cr_expect_eq(seen.reason[REASON_LATE], 1);
	pass(w, 10 * NS_PER_S);
	answer(w, 2, "b");
	cr_expect_eq(seen.reason[REASON_LATE], 1);
	cr_expect_eq(seen.reason[REASON_UNASKED], 1);
	stop(w);
}

static struct packet icmp(unsigned id, const char *name, uint32_t quoted)
{
	static uint8_t quote[512];
	struct packet p = with_message(between(CLIENT, 40000, SERVER, 53), id, 0x0100, name, NULL);

	memcpy(quote + 8, memory, p.payload_size);
	p.kind = PACKET_ICMP_ERROR;
	p.payload = quote;
	p.payload_size = quoted < p.payload_size + 8 ? quoted : p.payload_size + 8;
	return p;
}

Test(datagrams, an_icmp_error_ends_the_query_it_quotes)
{
	struct worker *w = start();
	struct packet of_answer;

	ask(w, 1, "a");
	ask(w, 2, "b");
	ask(w, 3, "c");
	give(w, icmp(2, "b", 512));
	cr_expect_eq(seen.count[STATUS_ERROR], 1);
	cr_expect_eq(seen.reason[REASON_ICMP], 1);
	cr_expect_eq(worker_counters(w)->roundtrips_icmp, 1);
	give(w, icmp(1, "a", 8)); /* which one? */
	cr_expect_eq(seen.count[STATUS_ERROR], 1);
	give(w, icmp(1, "a", 8 + 10)); /* by the id alone */
	cr_expect_eq(seen.count[STATUS_ERROR], 2);
	of_answer = icmp(3, "c", 512);
	of_answer.dir = !of_answer.dir;
	((uint8_t *)(uintptr_t)of_answer.payload)[10] |= 0x80;
	give(w, of_answer);
	cr_expect_eq(seen.count[STATUS_ERROR], 2);
	give(w, icmp(3, "c", 8)); /* the only one */
	cr_expect_eq(seen.count[STATUS_ERROR], 3);
	stop(w);
}

Test(datagrams, an_icmp_redirect_ends_nothing)
{
	struct worker *w = start();
	struct packet p;

	ask(w, 1, "a");
	p = icmp(1, "a", 512);
	p.icmp_type = 5;
	give(w, p);
	cr_expect_eq(worker_counters(w)->roundtrips_icmp, 0);
	answer(w, 1, "a");
	cr_expect_eq(seen.count[STATUS_OK], 1);
	stop(w);
}

Test(datagrams, an_idle_flow_keeps_no_memory_and_goes_on)
{
	struct worker *w = start();

	ask(w, 1, "a");
	answer(w, 1, "a");
	pass(w, 2 * NS_PER_S);
	cr_expect_eq(pool_used(worker_pool(w)), 0);
	answer(w, 2, "b"); /* the direction is remembered */
	cr_expect_eq(seen.reason[REASON_UNASKED], 1);
	cr_expect_eq(seen.client.port, 40000);
	ask(w, 3, "c");
	answer(w, 3, "c");
	cr_expect_eq(seen.count[STATUS_OK], 2);
	stop(w);
}

Test(datagrams, what_the_capture_cut)
{
	struct worker *w = start();
	struct packet p = with_message(between(CLIENT, 40000, SERVER, 53), 1, 0x0100, "a", NULL);

	give(w, p);
	p = with_message(between(SERVER, 53, CLIENT, 40000), 1, 0x8180, "a", "a");
	p.payload_cut = 7;
	p.payload_size -= 7;
	give(w, p);
	cr_expect_eq(seen.count[STATUS_OK], 1);
	cr_expect_eq(seen.partial, PARTIAL_SNAPLEN);
	stop(w);
}

/* Headers and parts of names are all that there is: the answer goes by the id, if only one request has it. */
Test(datagrams, cut_within_the_question)
{
	static const char *const names[] = {"abcdefgh", "abcdefgh", "abcdefghi"};
	struct worker *w = start();
	struct packet p;

	for (unsigned i = 0; i < 3; i++) {
		p = with_message(between(CLIENT, 40000, SERVER, 53), i ? 2 : 1, 0x0100, names[i],
				 NULL);
		p.payload_cut = p.payload_size - 16;
		p.payload_size = 16;
		give(w, p);
	}
	for (unsigned id = 1; id <= 2; id++) {
		p = with_message(between(SERVER, 53, CLIENT, 40000), id, 0x8180, "abcdefgh", NULL);
		p.payload_cut = p.payload_size - 16;
		p.payload_size = 16;
		give(w, p);
	}
	cr_expect_eq(seen.count[STATUS_OK], 1);
	cr_expect_eq(seen.count[STATUS_ORPHAN], 1, "which of two?");
	cr_expect_eq(seen.partial, PARTIAL_SNAPLEN);
	stop(w);
}

Test(datagrams, mdns_first_answer_pairs_others_announce)
{
	struct worker *w = start();

	give(w, with_message(between(CLIENT, 5353, MULTICAST, 5353), 0, 0, "x", NULL));
	give(w, with_message(between(CLIENT, 5353, MULTICAST, 5353), 0, 0x8400, NULL, "x"));
	cr_expect_eq(seen.reason[REASON_ANNOUNCEMENT], 1, "nobody answers themselves");
	give(w, with_message(between(SERVER, 5353, MULTICAST, 5353), 0, 0x8400, NULL, "x"));
	cr_expect_eq(seen.count[STATUS_OK], 1);
	cr_expect(memcmp(&seen.client.address, &(struct address[1]){host(CLIENT)}, 16) == 0);
	cr_expect(memcmp(&seen.server.address, &(struct address[1]){host(SERVER)}, 16) == 0);
	give(w, with_message(between(OTHER, 5353, MULTICAST, 5353), 0, 0x8400, NULL, "x"));
	give(w, with_message(between(SERVER, 5353, MULTICAST, 5353), 0, 0x8400, NULL, "y"));
	cr_expect_eq(seen.reason[REASON_ANNOUNCEMENT], 3);
	stop(w);
}

/* What the group's first datagram looks like does not matter to the others. */
Test(datagrams, mdns_asked_from_a_low_port)
{
	struct worker *w = start();

	give(w, with_message(between(OTHER, 3000, MULTICAST, 5353), 9, 0, "x", NULL));
	give(w, with_message(between(SERVER, 5353, OTHER, 3000), 9, 0x8400, "x", "x"));
	cr_expect_eq(seen.count[STATUS_OK], 1);
	give(w, with_message(between(CLIENT, 5353, MULTICAST, 5353), 0, 0, "x", NULL));
	give(w, with_message(between(SERVER, 5353, MULTICAST, 5353), 0, 0x8400, NULL, "x"));
	cr_expect_eq(seen.count[STATUS_OK], 2);
	give(w, with_message(between(SERVER, 5353, MULTICAST, 5353), 0, 0x8400, NULL, "x"));
	cr_expect_eq(seen.reason[REASON_ANNOUNCEMENT], 1);
	stop(w);
}

Test(datagrams, mdns_that_was_quiet_times_out_too)
{
	struct worker *w = start();

	give(w, with_message(between(CLIENT, 5353, MULTICAST, 5353), 0, 0, "x", NULL));
	give(w, with_message(between(SERVER, 5353, MULTICAST, 5353), 0, 0x8400, NULL, "x"));
	pass(w, 3 * NS_PER_S);
	give(w, with_message(between(CLIENT, 5353, MULTICAST, 5353), 0, 0, "y", NULL));
	pass(w, 11 * NS_PER_S);
	cr_expect_eq(seen.reason[REASON_TIMEOUT], 1);
	stop(w);
}

Test(datagrams, mdns_of_two_places_is_apart)
{
	struct worker *w = start();
	struct packet p =
		with_message(between(SERVER, 5353, MULTICAST, 5353), 0, 0x8400, NULL, "x");

	give(w, with_message(between(CLIENT, 5353, MULTICAST, 5353), 0, 0, "x", NULL));
	p = with_message(between(SERVER, 5353, MULTICAST, 5353), 0, 0x8400, NULL, "x");
	p.place = 1;
	give(w, p);
	cr_expect_eq(seen.reason[REASON_ANNOUNCEMENT], 1);
	cr_expect_eq(seen.place, 1);
	stop(w);
}

Test(datagrams, llmnr_is_answered_from_elsewhere)
{
	struct worker *w = start();

	give(w, with_message(between(CLIENT, 50000, MULTICAST, 5355), 7, 0, "pc", NULL));
	give(w, with_message(between(CLIENT, 50000, MULTICAST, 5355), 7, 0, "pc", NULL));
	give(w, with_message(between(SERVER, 5355, CLIENT, 50000), 7, 0x8000, "pc", "pc"));
	cr_expect_eq(seen.count[STATUS_OK], 1);
	cr_expect(memcmp(&seen.server.address, &(struct address[1]){host(SERVER)}, 16) == 0);
	give(w, with_message(between(SERVER, 5355, OTHER, 50000), 7, 0x8000, "pc", "pc"));
	cr_expect_eq(seen.count[STATUS_ORPHAN], 1);
	pass(w, 3 * NS_PER_S);
	cr_expect_eq(pool_used(worker_pool(w)), 0);
	stop(w);
}

/* A port of multicast may be a server's or, by chance, a client's. */
Test(datagrams, what_two_hosts_say_by_a_multicast_port_is_theirs)
{
	struct worker *w = start();

	give(w, with_message(between(CLIENT, 5353, SERVER, 53), 1, 0x0100, "a", NULL));
	give(w, with_message(between(SERVER, 53, CLIENT, 5353), 1, 0x8183, "a", NULL));
	give(w, with_message(between(CLIENT, 40000, SERVER, 5353), 2, 0x0100, "b", NULL));
	give(w, with_message(between(OTHER, 40000, SERVER, 5353), 3, 0x0100, "b", NULL));
	give(w, with_message(between(SERVER, 5353, CLIENT, 40000), 2, 0x8183, "b", NULL));
	cr_expect_eq(seen.count[STATUS_ERROR], 2);
	cr_expect(memcmp(&seen.client.address, &(struct address[1]){host(CLIENT)}, 16) == 0);
	give(w, with_message(between(SERVER, 5353, OTHER, 40000), 3, 0x8183, "b", NULL));
	cr_expect_eq(seen.count[STATUS_ERROR], 3);
	cr_expect(memcmp(&seen.client.address, &(struct address[1]){host(OTHER)}, 16) == 0);
	stop(w);
}

Test(datagrams, mdns_answers_a_port_of_its_own)
{
	struct worker *w = start();

	give(w, with_message(between(CLIENT, 2000, MULTICAST, 5353), 7, 0, "x", NULL));
	give(w, with_message(between(OTHER, 2000, MULTICAST, 5353), 8, 0, "x", NULL));
	give(w, with_message(between(CLIENT, 2000, MULTICAST, 5353), 7, 0, "x", NULL));
	give(w, with_message(between(SERVER, 5353, CLIENT, 2000), 7, 0x8400, "x", NULL));
	cr_expect_eq(seen.count[STATUS_OK], 1, "by its id");
	cr_expect(memcmp(&seen.client.address, &(struct address[1]){host(CLIENT)}, 16) == 0);
	give(w, with_message(between(SERVER, 5353, OTHER, 2000), 0, 0x8400, NULL, "x"));
	cr_expect_eq(seen.count[STATUS_OK], 2, "by its name");
	cr_expect(memcmp(&seen.client.address, &(struct address[1]){host(OTHER)}, 16) == 0);
	give(w, with_message(between(SERVER, 5353, OTHER, 2000), 0, 0x8400, NULL, "x"));
	cr_expect_eq(seen.reason[REASON_ANNOUNCEMENT], 1);
	stop(w);
}

Test(datagrams, one_bad_datagram_does_not_condemn_a_known_port)
{
	struct worker *w = start();
	struct packet p = between(CLIENT, 40000, SERVER, 53);

	memset(memory, 0xff, 19);
	p.payload_size = 19;
	give(w, p);
	ask(w, 1, "a");
	answer(w, 1, "a");
	cr_expect_eq(seen.count[STATUS_OK], 1);
	stop(w);
}

/* Some senders number all their packets alike. */
Test(datagrams, the_same_a_second_later_was_sent_again)
{
	struct worker *w = start();
	struct packet p = with_message(between(CLIENT, 40000, SERVER, 53), 1, 0x0100, "a", NULL);

	give(w, p);
	give(w, p);
	cr_expect_eq(worker_counters(w)->packets_copy, 1);
	pass(w, 2 * NS_PER_S);
	p.ts_ns = p.now_ns = now_ns;
	give(w, p);
	cr_expect_eq(worker_counters(w)->requests_resent, 1);
	stop(w);
}

Test(datagrams, two_servers_ask_each_other_by_one_port)
{
	struct worker *w = start();

	give(w, with_message(between(CLIENT, 53, SERVER, 53), 1, 0x0100, "a", NULL));
	give(w, with_message(between(SERVER, 53, CLIENT, 53), 1, 0x0100, "a", NULL));
	give(w, with_message(between(CLIENT, 53, SERVER, 53), 1, 0x8180, "a", NULL));
	cr_expect_eq(seen.count[STATUS_OK], 1);
	cr_expect(memcmp(&seen.client.address, &(struct address[1]){host(SERVER)}, 16) == 0);
	give(w, with_message(between(SERVER, 53, CLIENT, 53), 1, 0x8180, "a", NULL));
	cr_expect_eq(seen.count[STATUS_OK], 2);
	cr_expect(memcmp(&seen.client.address, &(struct address[1]){host(CLIENT)}, 16) == 0);
	stop(w);
}

/* Everything twice: a burst at one place, then the same at the other. */
static void burst(struct worker *w, unsigned from, uint16_t place)
{
	for (unsigned i = 0; i < 8; i++) {
		struct packet p = with_message(between(CLIENT, 40000, SERVER, 53), from + i, 0x0100,
					       "a", NULL);

		p.place = place;
		give(w, p);
	}
	for (unsigned i = 0; i < 8; i++) {
		struct packet p = with_message(between(SERVER, 53, CLIENT, 40000), from + i, 0x8180,
					       "a", NULL);

		p.place = place;
		give(w, p);
	}
}

Test(datagrams, seen_at_two_places_counted_once)
{
	struct worker *w = start();

	for (unsigned i = 0; i < 5; i++) {
		burst(w, 100 * i, 0);
		burst(w, 100 * i, 1);
		pass(w, NS_PER_S / 2);
	}
	cr_expect_eq(seen.count[STATUS_OK], 40);
	cr_expect_eq(seen.count[STATUS_ORPHAN], 0);
	/* What only the other place saw is no copy. */
	burst(w, 900, 1);
	cr_expect_eq(seen.count[STATUS_OK], 48);
	stop(w);
}

/* Without a checksum, by which copies that follow each other at once are known. */
static void seen_from(struct worker *w, struct packet p, unsigned first, unsigned second)
{
	p.checksum = 0;
	p.place = (uint16_t)first;
	give(w, p);
	p.place = (uint16_t)second;
	give(w, p);
}

/* Which place sees a datagram first may change at any time. */
Test(datagrams, the_other_place_first_counted_once)
{
	struct worker *w = start();

	for (unsigned i = 0; i < 16; i++) {
		unsigned other = i % 3 == 1;

		seen_from(w, with_message(between(CLIENT, 40000, SERVER, 53), i, 0x0100, "a", NULL),
			  other, !other);
		seen_from(w, with_message(between(SERVER, 53, CLIENT, 40000), i, 0x8180, "a", NULL),
			  !other, other);
		pass(w, NS_PER_S / 4);
	}
	cr_expect_eq(seen.count[STATUS_OK], 16);
	cr_expect_eq(seen.count[STATUS_ORPHAN], 0);
	stop(w);
}

/* The same datagram at both places, first where the others were not seen first. */
static void ask_and_answer(struct worker *w, unsigned id, unsigned first_place)
{
	for (unsigned i = 0; i < 4; i++) {
		struct packet p = i < 2 ? between(CLIENT, 40000, SERVER, 53)
					: between(SERVER, 53, CLIENT, 40000);

		p = with_message(p, id, i < 2 ? 0x0100 : 0x8180, "a", NULL);
		p.place = (uint16_t)(first_place ^ (i & 1));
		give(w, p);
	}
}

Test(datagrams, the_second_place_may_be_the_first_to_see_it)
{
	struct worker *w = start();

	ask(w, 1, "a");
	answer(w, 1, "a");
	ask_and_answer(w, 2, 1);
	ask_and_answer(w, 3, 0);
	cr_expect_eq(seen.count[STATUS_OK], 3);
	pass(w, 3 * NS_PER_S); /* the conversation is given back, its places are not forgotten */
	ask_and_answer(w, 4, 1);
	cr_expect_eq(seen.count[STATUS_OK], 4);
	cr_expect_eq(seen.count[STATUS_ORPHAN], 0);
	stop(w);
}

/* The same bytes twice within a second: the checksum makes each sighting look like a copy of the first. */
Test(datagrams, sent_again_seen_at_the_other_place_first)
{
	struct worker *w = start();
	unsigned queries = 0;

	for (unsigned i = 0; i < 8; i++) {
		for (unsigned k = 0; k < 2; k++) {
			struct packet p = with_message(between(CLIENT, 40000, SERVER, 53), i,
						       0x0100, "a", NULL);

			p.place = i > 0; /* after the first, always the other one */
			give(w, p);
			p.place = !p.place;
			give(w, p);
			queries++;
			pass(w, NS_PER_S / 4);
		}
	}
	cr_expect_eq(worker_counters(w)->requests, 8);
	cr_expect_eq(worker_counters(w)->requests + worker_counters(w)->requests_resent, queries);
	stop(w);
}

static struct packet mdns(unsigned from, bool answers)
{
	return with_message(between(from, 5353, MULTICAST, 5353), 0, answers ? 0x8400 : 0,
			    answers ? NULL : "x", answers ? "x" : NULL);
}

Test(datagrams, mdns_seen_at_two_places_counted_once)
{
	struct worker *w = start();

	for (unsigned i = 0; i < 16; i++) {
		seen_from(w, mdns(CLIENT, false), 0, 1);
		seen_from(w, mdns(SERVER, true), 0, 1);
		pass(w, NS_PER_S / 4);
		if (i == 7)
			pass(w, 3 * NS_PER_S);
	}
	cr_expect_eq(seen.count[STATUS_OK], 16);
	cr_expect_eq(seen.count[STATUS_ORPHAN], 0);
	cr_expect_eq(seen.place, 0);
	/* Now here, now there: pairs may be lost, but nothing is counted twice. */
	for (unsigned i = 0; i < 16; i++) {
		seen_from(w, mdns(CLIENT, false), i % 3 == 1, i % 3 != 1);
		seen_from(w, mdns(SERVER, true), i % 3 == 2, i % 3 != 2);
		pass(w, (i % 4 + 1) * NS_PER_S / 4);
	}
	cr_expect_eq(worker_counters(w)->requests, 32);
	cr_expect_eq(worker_counters(w)->responses, 32);
	stop(w);
}

Test(datagrams, what_nobody_knows_is_passed)
{
	struct worker *w = start();
	struct packet p = between(CLIENT, 40001, SERVER, 9999);

	memcpy(memory, "hello, hello, hello", 19);
	p.payload_size = 19;
	give(w, p);
	give(w, p);
	cr_expect_eq(pool_used(worker_pool(w)), 0);
	cr_expect_eq(worker_counters(w)->flows_undetected, 1);
	stop(w);
}

Test(datagrams, a_million_open_on_one_socket)
{
	enum { MANY = 1 << 20 };
	struct worker *w = start();
	char name[9];

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "%08x", i);
		ask(w, i & 0xffff, name);
	}
	for (unsigned i = 0; i < MANY; i += 2) {
		snprintf(name, sizeof(name), "%08x", i * 7 % MANY);
		answer(w, i * 7 % MANY & 0xffff, name);
	}
	cr_expect_eq(seen.count[STATUS_OK], MANY / 2);
	pass(w, 11 * NS_PER_S);
	cr_expect_eq(seen.reason[REASON_TIMEOUT], MANY / 2);
	stop(w);
}

Test(datagrams, a_failing_allocation_drops_one_flow_at_most)
{
	for (uint64_t nth = 1; nth < 30; nth++) {
		struct worker *w = start();

		pool_fail_at(worker_pool(w), nth);
		ask(w, 1, "a");
		give(w, with_message(between(CLIENT, 5353, MULTICAST, 5353), 0, 0, "x", NULL));
		answer(w, 1, "a");
		give(w, with_message(between(SERVER, 5353, MULTICAST, 5353), 0, 0x8400, NULL, "x"));
		ask(w, 2, "a");
		pass(w, 12 * NS_PER_S);
		stop(w);
	}
}
