/* SPDX-License-Identifier: Apache-2.0 */
/* A whole worker: what a flow costs, what is remembered of a parked conversation, what runs out of memory. */
#include <criterion/criterion.h>

#include "agent/worker.h"
#include "protocol/registry.h"
#include "protocols/all.h"
#include "tests/lib/talk.h"

#define REQUEST "GET /a/path?with=query HTTP/1.1\r\nHost: example.test\r\nUser-Agent: test\r\n\r\n"
#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

enum { FLOWS = 10000, IDLE_MAX = 192, ACTIVE_MAX = 640 };

struct seen {
	unsigned count[STATUS_COUNT];
	unsigned partial;
	uint64_t request_bytes;
};

static void on_record(void *data, const struct roundtrip *rt)
{
	struct seen *s = data;

	s->count[rt->status]++;
	s->partial |= rt->partial;
	if (rt->request)
		s->request_bytes += rt->request->to - rt->request->from;
}

static struct registry *registry;
static struct seen seen;
static struct talk_clock now;

static struct worker *start(void)
{
	struct worker_options options = {.emit = on_record,
					 .data = &seen,
					 .decode = true,
					 .wants = WANT_FIELDS,
					 .secret = 1};
	struct worker *w;

	seen = (struct seen){0};
	now = (struct talk_clock){.now_ns = 1000 * NS_PER_S};
	cr_assert_eq(registry_new(protocols_all, &registry), 0);
	options.registry = registry;
	cr_assert_eq(worker_new(&options, &w), 0);
	return w;
}

static void stop(struct worker *w)
{
	struct counters c = *worker_counters(w);

	c.frames = c.frames_packet = c.packets; /* there was no reader */
	cr_expect_eq(counters_check(&c, NULL), 0);
	worker_free(w);
	registry_free(registry);
}

static void give(struct worker *w, struct packet p)
{
	worker_packet(w, &p);
}

static void open_connection(struct worker *w, struct talk *t)
{
	give(w, talk_say(t, 0, TCP_SYN, NULL, 0));
	give(w, talk_say(t, 1, TCP_SYN | TCP_ACK, NULL, 0));
	give(w, talk_say(t, 0, TCP_ACK, NULL, 0));
}

static void pass(struct worker *w, uint64_t ns)
{
	for (uint64_t end = now.now_ns + ns; now.now_ns < end;) {
		now.now_ns += 10 * TICK_NS;
		give(w, talk_tick(&now));
	}
}

Test(worker, an_idle_connection_costs_little_and_goes_on)
{
	struct worker *w = start();
	struct talk *t = calloc(FLOWS, sizeof(*t));
	size_t active, idle;

	for (uint32_t i = 0; i < FLOWS; i++) {
		t[i] = talk_begin(&now, i);
		open_connection(w, &t[i]);
		give(w, talk_text(&t[i], 0, REQUEST));
	}
	active = worker_memory(w) / FLOWS;
	for (uint32_t i = 0; i < FLOWS; i++)
		give(w, talk_text(&t[i], 1, ANSWER));
	cr_expect_eq(seen.count[STATUS_OK], FLOWS);
	pass(w, 3 * NS_PER_S);
	idle = worker_memory(w) / FLOWS;
	fprintf(stderr, "a flow with an open request: %zu bytes; idle: %zu bytes\n", active, idle);
	cr_expect_leq(active, ACTIVE_MAX);
	cr_expect_leq(idle, IDLE_MAX);

	/* What was parked goes on where it was. */
	for (uint32_t i = 0; i < FLOWS; i++) {
		give(w, talk_text(&t[i], 0, REQUEST));
		give(w, talk_text(&t[i], 1, ANSWER));
	}
	cr_expect_eq(seen.count[STATUS_OK], 2 * FLOWS);
	cr_expect_eq(seen.partial, 0);
	cr_expect_eq(seen.request_bytes, 2ull * FLOWS * strlen(REQUEST));
	worker_finish(w, now.now_ns);
	free(t);
	stop(w);
}

Test(worker, a_parked_connection_remembers_that_it_is_sliding)
{
	struct worker *w = start();
	struct talk t = talk_begin(&now, 1);

	open_connection(w, &t);
	give(w, talk_text(&t, 0, REQUEST REQUEST));
	give(w, talk_text(&t, 1, ANSWER));
	give(w, talk_text(&t, 0, REQUEST)); /* a window of two */
	give(w, talk_text(&t, 1, ANSWER ANSWER));
	pass(w, 3 * NS_PER_S);
	cr_expect_eq(seen.count[STATUS_OK], 3);

	/* A lost answer: nothing is paired any more, for it could not be known with what. */
	give(w, talk_text(&t, 0, REQUEST));
	(void)talk_text(&t, 1, ANSWER);
	give(w, talk_text(&t, 0, REQUEST));
	give(w, talk_text(&t, 1, ANSWER));
	pass(w, NS_PER_S);
	give(w, talk_text(&t, 0, REQUEST));
	give(w, talk_text(&t, 1, ANSWER));
	worker_finish(w, now.now_ns);
	cr_expect_eq(seen.count[STATUS_OK], 3);
	cr_expect_eq(seen.count[STATUS_UNANSWERED], 3);
	cr_expect_eq(seen.count[STATUS_ORPHAN], 2);
	stop(w);
}

Test(worker, a_failing_allocation_drops_one_flow_at_most)
{
	for (uint64_t nth = 1; nth < 40; nth++) {
		struct worker *w = start();
		struct talk a = talk_begin(&now, 1), b = talk_begin(&now, 2);

		pool_fail_at(worker_pool(w), nth);
		open_connection(w, &a);
		give(w, talk_text(&a, 0, REQUEST REQUEST));
		give(w, talk_text(&a, 1, "HTTP/1.1 200 OK\r\nContent-Le"));
		give(w, talk_text(&a, 1, "ngth: 2\r\n\r\nok"));
		give(w, talk_text(&a, 1, ANSWER));
		pool_fail_at(worker_pool(w), 0);
		open_connection(w, &b);
		give(w, talk_text(&b, 0, REQUEST));
		give(w, talk_text(&b, 1, ANSWER));
		cr_expect_geq(seen.count[STATUS_OK], 1, "allocation %lu", (unsigned long)nth);
		worker_finish(w, now.now_ns);
		stop(w);
	}
}

Test(worker, a_reused_tuple_is_another_conversation)
{
	struct worker *w = start();
	struct talk t = talk_begin(&now, 1);

	open_connection(w, &t);
	give(w, talk_text(&t, 0, REQUEST));
	t.seq[0] += 1 << 20;
	t.seq[1] += 1 << 21;
	open_connection(w, &t);
	give(w, talk_text(&t, 0, REQUEST));
	give(w, talk_text(&t, 1, ANSWER));
	cr_expect_eq(seen.count[STATUS_UNANSWERED], 1);
	cr_expect_eq(seen.count[STATUS_OK], 1);
	worker_finish(w, now.now_ns);
	stop(w);
}

Test(worker, a_reset_behind_a_hole_closes_the_flow_when_it_goes_out)
{
	struct worker *w = start();
	struct talk t = talk_begin(&now, 1);

	open_connection(w, &t);
	give(w, talk_text(&t, 0, REQUEST));
	t.seq[0] += 100 << 20; /* far beyond the window */
	give(w, talk_say(&t, 0, TCP_RST | TCP_ACK, NULL, 0));
	pass(w, 4 * NS_PER_S);
	cr_expect_eq(seen.count[STATUS_UNANSWERED], 0);
	pass(w, 2 * NS_PER_S);
	cr_expect_eq(seen.count[STATUS_UNANSWERED], 1);
	pass(w, 10 * NS_PER_S);
	cr_expect_eq(flow_count(worker_flows(w)), 0, "nobody needs its record");
	worker_finish(w, now.now_ns);
	stop(w);
}

Test(worker, a_reset_ends_what_is_open)
{
	struct worker *w = start();
	struct talk t = talk_begin(&now, 1);

	open_connection(w, &t);
	give(w, talk_text(&t, 0, REQUEST));
	give(w, talk_say(&t, 1, TCP_RST | TCP_ACK, NULL, 0));
	pass(w, NS_PER_S / 2); /* it lingers for what is on its way */
	cr_expect_eq(seen.count[STATUS_UNANSWERED], 0);
	pass(w, NS_PER_S);
	cr_expect_eq(seen.count[STATUS_UNANSWERED], 1);
	worker_finish(w, now.now_ns);
	stop(w);
}
