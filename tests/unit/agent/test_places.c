/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams that are seen at two places. */
#include <criterion/criterion.h>

#include "tests/unit/agent/datagrams.h"

Test(places, mdns_of_two_places_is_apart)
{
	struct worker *w = dgram_start();
	struct packet p =
		dgram_message(dgram_between(SERVER, 5353, MULTICAST, 5353), 0, 0x8400, NULL, "x");

	dgram_give(w, dgram_message(dgram_between(CLIENT, 5353, MULTICAST, 5353), 0, 0, "x", NULL));
	p = dgram_message(dgram_between(SERVER, 5353, MULTICAST, 5353), 0, 0x8400, NULL, "x");
	p.place = 1;
	dgram_give(w, p);
	cr_expect_eq(dgram_seen.reason[REASON_ANNOUNCEMENT], 1);
	cr_expect_eq(dgram_seen.place, 1);
	dgram_stop(w);
}

/* Everything twice: a burst at one place, then the same at the other. */
static void burst(struct worker *w, unsigned from, uint16_t place)
{
	for (unsigned i = 0; i < 8; i++) {
		struct packet p = dgram_message(dgram_between(CLIENT, 40000, SERVER, 53), from + i,
						0x0100, "a", NULL);

		p.place = place;
		dgram_give(w, p);
	}
	for (unsigned i = 0; i < 8; i++) {
		struct packet p = dgram_message(dgram_between(SERVER, 53, CLIENT, 40000), from + i,
						0x8180, "a", NULL);

		p.place = place;
		dgram_give(w, p);
	}
}

Test(places, seen_at_two_places_counted_once)
{
	struct worker *w = dgram_start();

	for (unsigned i = 0; i < 5; i++) {
		burst(w, 100 * i, 0);
		burst(w, 100 * i, 1);
		dgram_pass(w, NS_PER_S / 2);
	}
	cr_expect_eq(dgram_seen.count[STATUS_OK], 40);
	cr_expect_eq(dgram_seen.count[STATUS_ORPHAN], 0);
	/* What only the other place saw is no copy. */
	burst(w, 900, 1);
	cr_expect_eq(dgram_seen.count[STATUS_OK], 48);
	dgram_stop(w);
}

/* Without a checksum, by which copies that follow each other at once are known. */
static void seen_from(struct worker *w, struct packet p, unsigned first, unsigned second)
{
	p.checksum = 0;
	p.place = (uint16_t)first;
	dgram_give(w, p);
	p.place = (uint16_t)second;
	dgram_give(w, p);
}

/* Which place sees a datagram first may change at any time. */
Test(places, the_other_place_first_counted_once)
{
	struct worker *w = dgram_start();

	for (unsigned i = 0; i < 16; i++) {
		unsigned other = i % 3 == 1;

		seen_from(w,
			  dgram_message(dgram_between(CLIENT, 40000, SERVER, 53), i, 0x0100, "a",
					NULL),
			  other, !other);
		seen_from(w,
			  dgram_message(dgram_between(SERVER, 53, CLIENT, 40000), i, 0x8180, "a",
					NULL),
			  !other, other);
		dgram_pass(w, NS_PER_S / 4);
	}
	cr_expect_eq(dgram_seen.count[STATUS_OK], 16);
	cr_expect_eq(dgram_seen.count[STATUS_ORPHAN], 0);
	dgram_stop(w);
}

/* The same datagram at both places, first where the others were not seen first. */
static void ask_and_answer(struct worker *w, unsigned id, unsigned first_place)
{
	for (unsigned i = 0; i < 4; i++) {
		struct packet p = i < 2 ? dgram_between(CLIENT, 40000, SERVER, 53)
					: dgram_between(SERVER, 53, CLIENT, 40000);

		p = dgram_message(p, id, i < 2 ? 0x0100 : 0x8180, "a", NULL);
		p.place = (uint16_t)(first_place ^ (i & 1));
		dgram_give(w, p);
	}
}

Test(places, the_second_place_may_be_the_first_to_see_it)
{
	struct worker *w = dgram_start();

	dgram_ask(w, 1, "a");
	dgram_answer(w, 1, "a");
	ask_and_answer(w, 2, 1);
	ask_and_answer(w, 3, 0);
	cr_expect_eq(dgram_seen.count[STATUS_OK], 3);
	dgram_pass(w,
		   3 * NS_PER_S); /* the conversation is given back, its places are not forgotten */
	ask_and_answer(w, 4, 1);
	cr_expect_eq(dgram_seen.count[STATUS_OK], 4);
	cr_expect_eq(dgram_seen.count[STATUS_ORPHAN], 0);
	dgram_stop(w);
}

/* The same bytes twice within a second: the checksum makes each sighting look like a copy of the first. */
Test(places, sent_again_seen_at_the_other_place_first)
{
	struct worker *w = dgram_start();
	unsigned queries = 0;

	for (unsigned i = 0; i < 8; i++) {
		for (unsigned k = 0; k < 2; k++) {
			struct packet p = dgram_message(dgram_between(CLIENT, 40000, SERVER, 53), i,
							0x0100, "a", NULL);

			p.place = i > 0; /* after the first, always the other one */
			dgram_give(w, p);
			p.place = !p.place;
			dgram_give(w, p);
			queries++;
			dgram_pass(w, NS_PER_S / 4);
		}
	}
	cr_expect_eq(worker_counters(w)->requests, 8);
	cr_expect_eq(worker_counters(w)->requests + worker_counters(w)->requests_resent, queries);
	dgram_stop(w);
}

static struct packet mdns(unsigned from, bool answers)
{
	return dgram_message(dgram_between(from, 5353, MULTICAST, 5353), 0, answers ? 0x8400 : 0,
			     answers ? NULL : "x", answers ? "x" : NULL);
}

Test(places, mdns_seen_at_two_places_counted_once)
{
	struct worker *w = dgram_start();

	for (unsigned i = 0; i < 16; i++) {
		seen_from(w, mdns(CLIENT, false), 0, 1);
		seen_from(w, mdns(SERVER, true), 0, 1);
		dgram_pass(w, NS_PER_S / 4);
		if (i == 7)
			dgram_pass(w, 3 * NS_PER_S);
	}
	cr_expect_eq(dgram_seen.count[STATUS_OK], 16);
	cr_expect_eq(dgram_seen.count[STATUS_ORPHAN], 0);
	cr_expect_eq(dgram_seen.place, 0);
	/* Now here, now there: pairs may be lost, but nothing is counted twice. */
	for (unsigned i = 0; i < 16; i++) {
		seen_from(w, mdns(CLIENT, false), i % 3 == 1, i % 3 != 1);
		seen_from(w, mdns(SERVER, true), i % 3 == 2, i % 3 != 2);
		dgram_pass(w, (i % 4 + 1) * NS_PER_S / 4);
	}
	cr_expect_eq(worker_counters(w)->requests, 32);
	cr_expect_eq(worker_counters(w)->responses, 32);
	dgram_stop(w);
}
