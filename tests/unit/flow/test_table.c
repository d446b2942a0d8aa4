/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "talk.h"

static struct counters counters;
static struct flow_table *t;

static struct flow_table *new_table(struct flow_options options)
{
	options.counters = &counters;
	cr_assert_eq(flow_table_new(&options, &t), 0);
	return t;
}

static void begin(void)
{
	counters = (struct counters){0};
	new_table((struct flow_options){0});
}

static void done(void)
{
	flow_table_free(t);
}

TestSuite(table, .init = begin, .fini = done);

static struct packet udp(uint32_t n)
{
	return talk_packet(PACKET_UDP, n, 0);
}

/* A packet of a tuple of its own whose hash the test chose. */
static struct packet with_hash(uint32_t n, uint64_t hash)
{
	struct packet p = udp(n);

	p.hash = hash;
	return p;
}

Test(table, finds_what_was_added)
{
	enum { N = 60000 };

	for (uint32_t n = 0; n < N; n++) {
		struct packet p = udp(n);

		cr_assert_null(flow_find(t, &p));
		struct flow *f = flow_add(t, &p);
		cr_assert(f);
		cr_assert_eq(f->id, n);
		cr_assert_eq(f->generation & 1, 0);
		cr_assert_eq(flow_find(t, &p), f);
	}
	cr_assert_eq(flow_count(t), N);
	cr_assert_eq(counters.flows, N);
	for (uint32_t n = 0; n < N; n++) {
		struct packet p = udp(n);
		struct flow *f = flow_find(t, &p);

		cr_assert(f);
		cr_assert_eq(f->id, n);
		cr_assert_eq(flow_cold_of(t, f)->first_ns, T0);
	}
	cr_assert_leq(flow_most_moved(t), 8);
	cr_assert_gt(flow_most_moved(t), 0);
}

static void check_memory(uint32_t flows)
{
	for (uint32_t n = flow_count(t); n < flows; n++) {
		struct packet p = udp(n);

		cr_assert(flow_add(t, &p));
	}
	cr_expect_leq(flow_memory(t), (size_t)flows * 192, "%u flows: %zu", flows,
		      flow_memory(t) / flows);
}

Test(table, memory_per_flow)
{
	for (uint32_t n = 10000; n < 400000; n += n / 29)
		check_memory(n);
	cr_expect_leq(flow_most_moved(t), 8);
}

Test(table, starts_small)
{
	struct packet p = udp(1);

	cr_assert(flow_add(t, &p));
	cr_expect_leq(flow_memory(t), 200 << 10);
}

Test(table, removes_and_reuses)
{
	struct packet a = udp(1), b = udp(2), c = udp(3);
	struct flow *f = flow_add(t, &a), *g = flow_add(t, &b);
	uint32_t generation = f->generation;

	flow_remove(t, f);
	cr_expect_null(flow_find(t, &a));
	cr_expect_eq(flow_find(t, &b), g);
	struct flow *h = flow_add(t, &c);
	cr_expect_eq(h, f, "the slot is reused at once");
	cr_expect_eq(h->generation, generation + 4);
	cr_expect_eq(flow_count(t), 2);
}

/* Random adding and removing agrees with an array, through several growths. */
Test(table, agrees_with_a_plain_set)
{
	enum { N = 20000, STEPS = 400000 };
	static struct flow *have[N];
	uint32_t live = 0;

	srand(3);
	for (unsigned i = 0; i < STEPS; i++) {
		uint32_t n = (uint32_t)rand() % (i < STEPS / 2 ? i / 10 + 1 : N);
		struct packet p = udp(n);
		struct flow *f = flow_find(t, &p);

		cr_assert_eq(f, have[n]);
		if (f && rand() % 3 == 0) {
			flow_remove(t, f);
			have[n] = NULL;
			live--;
		} else if (!f) {
			have[n] = flow_add(t, &p);
			live++;
		}
		cr_assert_eq(flow_count(t), live);
	}
	cr_assert_leq(flow_most_moved(t), 8);
}

/* Millions of short connections, a few thousand at a time, leave nothing behind. */
Test(table, churn_does_not_grow)
{
	enum { LIVE = 15000, ALL = 1500000 };
	size_t memory = 0;

	for (uint32_t n = 0; n < ALL; n++) {
		struct packet p = udp(n);

		cr_assert(flow_add(t, &p));
		if (n >= LIVE) {
			struct packet old = udp(n - LIVE);

			flow_remove(t, flow_find(t, &old));
		}
		if (n == 2 * LIVE)
			memory = flow_memory(t);
	}
	cr_expect_eq(flow_count(t), LIVE);
	cr_expect_eq(flow_memory(t), memory);
}

/* Equal hashes of different tuples, all in one run, while the index grows around them. */
Test(table, equal_hashes)
{
	enum { SAME = 500, OTHERS = 20000 };
	struct flow *f[SAME];

	for (uint32_t n = 0; n < SAME; n++) {
		struct packet p = with_hash(n, 0x8000000000000000ull);

		f[n] = flow_add(t, &p);
		cr_assert(f[n]);
	}
	for (uint32_t n = SAME; n < OTHERS; n++) {
		struct packet p = udp(n);

		cr_assert(flow_add(t, &p));
		struct packet q = with_hash(n % SAME, 0x8000000000000000ull);
		cr_assert_eq(flow_find(t, &q), f[n % SAME]);
	}
	for (uint32_t n = 0; n < SAME; n++) {
		struct packet p = with_hash(n, 0x8000000000000000ull);

		flow_remove(t, f[n]);
		cr_assert_null(flow_find(t, &p));
	}
	cr_assert_leq(flow_most_moved(t), 8);
}

/* The lowest and the highest hashes; past the tail a flow is refused and nothing breaks. */
Test(table, extreme_hashes)
{
	uint32_t n, refused = 0;

	for (n = 0; n < 3000; n++) {
		struct packet p = with_hash(n, UINT64_MAX - n % 2);
		struct packet q = with_hash(n + 3000, n % 3);

		refused += !flow_add(t, &p);
		cr_assert(flow_add(t, &q));
	}
	cr_expect_gt(refused, 0);
	cr_expect_eq(counters.flows_nomem, refused);
	cr_expect_eq(flow_count(t), 6000 - refused);
	for (n = 0; n < 3000; n++) {
		struct packet q = with_hash(n + 3000, n % 3);
		struct flow *f = flow_find(t, &q);

		cr_assert(f);
		flow_remove(t, f);
	}
	for (n = 0; n < 3000; n++) {
		struct packet p = with_hash(n, UINT64_MAX - n % 2);
		struct flow *f = flow_find(t, &p);

		if (f)
			flow_remove(t, f);
	}
	cr_expect_eq(flow_count(t), 0);
}

static unsigned removed;

static void on_remove(void *data, struct flow *f, bool evicted)
{
	cr_assert_eq(data, &removed);
	cr_assert(evicted);
	cr_assert(f->conversation);
	removed++;
}

Test(table, evicts_the_idlest_of_a_sample)
{
	flow_table_free(t);
	new_table((struct flow_options){.max_flows = 10, .remove = on_remove, .data = &removed});
	for (uint32_t n = 0; n < 10; n++) {
		struct packet p = udp(n);

		p.now_ns = T0 + (n == 7 ? 0 : n + 1);
		struct flow *f = flow_add(t, &p);
		if (n != 0)
			f->conversation = &removed;
	}
	struct packet p = udp(100), idlest = udp(7), next = udp(0);
	p.now_ns = T0 + 100;
	cr_assert(flow_add(t, &p));
	cr_expect_eq(flow_count(t), 10);
	cr_expect_null(flow_find(t, &idlest));
	cr_expect_eq(removed, 1);
	p = udp(101);
	p.now_ns = T0 + 100;
	cr_assert(flow_add(t, &p));
	cr_expect_null(flow_find(t, &next));
	cr_expect_eq(removed, 1, "no conversation, no call");
	cr_expect_eq(counters.flows_evicted, 2);
}

/* One 5-tuple in many places stays bounded. */
Test(table, records_of_one_tuple_are_limited)
{
	for (uint32_t place = 0; place < 3 * FLOW_SAME_MAX; place++) {
		struct packet p = talk_packet(PACKET_TCP, 1, 0);

		p.place = (uint16_t)place;
		p.seq = place * (4u << 20);
		p.payload_size = 10;
		p.now_ns = T0 + place;
		cr_assert_null(flow_find(t, &p));
		talk_give(t, &p, NULL);
	}
	cr_expect_eq(flow_count(t), FLOW_SAME_MAX);
	cr_expect_eq(counters.flows_evicted, 2 * FLOW_SAME_MAX);
}

Test(table, ticks_remove_the_idle_within_ten_seconds)
{
	struct flow *with = NULL;

	for (uint32_t n = 0; n < 5000; n++) {
		struct packet p = n & 1 ? udp(n) : talk_packet(PACKET_TCP, n, 0);
		struct flow *f = talk_give(t, &p, NULL);

		if (n == 1) {
			with = f;
			f->conversation = &removed;
		}
	}
	uint64_t now_ns = T0;
	for (; now_ns < T0 + 119 * NS_PER_S; now_ns += TICK_NS)
		flow_tick(t, now_ns);
	cr_expect_eq(flow_count(t), 5000);
	for (; now_ns < T0 + 131 * NS_PER_S; now_ns += TICK_NS)
		flow_tick(t, now_ns);
	cr_expect_eq(flow_count(t), 2501, "TCP stays, and what has a conversation");
	cr_expect_eq(with->id & FLOW_FREE, 0);
	for (; now_ns < T0 + 911 * NS_PER_S; now_ns += TICK_NS)
		flow_tick(t, now_ns);
	cr_expect_eq(flow_count(t), 1);
}

static void count_and_remove(void *data, struct flow *f)
{
	uint32_t *seen = data;

	cr_assert_geq(f->id, *seen);
	*seen = f->id + 1;
	if (f->id % 2)
		flow_remove(t, f);
}

Test(table, each_in_order_of_id)
{
	uint32_t seen = 0;

	for (uint32_t n = 0; n < 3000; n++) {
		struct packet p = udp(n);

		flow_add(t, &p);
	}
	flow_each(t, count_and_remove, &seen);
	cr_expect_eq(seen, 3000);
	cr_expect_eq(flow_count(t), 1500);
}

Test(table, a_guess_outlives_its_record)
{
	struct packet first = udp(1), other = udp(2);

	other.hash = first.hash;
	cr_expect_null(flow_guess(t, &first));
	struct flow *f = flow_add(t, &first);
	cr_expect_eq(flow_account(t, f, &first), FLOW_COUNT);

	struct flow *guess = flow_guess(t, &first);
	cr_expect_eq(guess, f);
	cr_expect_eq(flow_find_guessed(t, &first, guess), f);
	cr_expect_null(flow_find_guessed(t, &other, guess), "another tuple");

	flow_remove(t, f);
	cr_expect_null(flow_find_guessed(t, &first, guess), "free");
	cr_assert_eq(flow_add(t, &other), f);
	cr_expect_eq(flow_account(t, f, &other), FLOW_COUNT);
	cr_expect_null(flow_find_guessed(t, &first, guess), "used again");
	cr_expect_eq(flow_find_guessed(t, &other, NULL), f);
}

Test(table, prefetch_changes_nothing)
{
	for (uint32_t n = 0; n < 30000; n++) {
		struct packet p = udp(n), later = udp(n / 2);

		flow_prefetch_index(t, p.hash);
		(void)flow_guess(t, &later);
		flow_add(t, &p);
	}
	cr_expect_eq(flow_count(t), 30000);
}
