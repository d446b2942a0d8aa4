/* SPDX-License-Identifier: Apache-2.0 */
/* One writer that adds, accounts and removes; two readers that walk. Meant for ThreadSanitizer, too. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>

#include "core/rcu.h"
#include "talk.h"

enum { FLOWS = 4000, STEPS = 120000 };

static struct counters counters;
static struct flow_table *t;
static bool stop;

struct walker {
	pthread_t thread;
	uint64_t walks, rows, skipped, wrong;
};

/* The writer keeps ports, packets and places of a record in step: a mixture of two records shows. */
static void check_row(void *data, const struct flow_row *row)
{
	struct walker *w = data;
	const struct flow *f = &row->flow;
	uint32_t n = (uint32_t)f->address[0].b[13] << 16 | (uint32_t)f->address[0].b[14] << 8 |
		     f->address[0].b[15];

	w->rows++;
	w->wrong += f->port[0] != (uint16_t)(n ^ 0x5555) || f->conversation || f->id & FLOW_FREE ||
		    f->generation & 1 || row->cold.first_ns != T0 + n;
}

static void *walk(void *arg)
{
	struct walker *w = arg;

	rcu_thread_begin();
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		w->skipped += flow_walk(t, check_row, w);
		w->walks++;
	}
	rcu_thread_end();
	return NULL;
}

static struct packet packet_of(uint32_t n)
{
	struct packet p = talk_packet(PACKET_TCP, n, 0);

	p.key.port[0] = (uint16_t)(n ^ 0x5555);
	p.hash = hash_bytes(&p.key, sizeof(p.key), HASH_FILE_SECRET);
	p.ts_ns = T0 + n;
	p.flags = TCP_ACK;
	p.payload_size = 1;
	return p;
}

Test(walk, readers_see_whole_records)
{
	struct flow_options options = {.counters = &counters};
	struct walker walker[2] = {0};

	cr_assert_eq(flow_table_new(&options, &t), 0);
	for (unsigned i = 0; i < 2; i++)
		pthread_create(&walker[i].thread, NULL, walk, &walker[i]);
	srand(5);
	for (unsigned i = 0; i < STEPS; i++) {
		struct packet p = packet_of((uint32_t)rand() % FLOWS);
		struct flow *f = flow_find(t, &p);

		if (f && rand() % 4 == 0) {
			flow_remove(t, f);
			continue;
		}
		p.seq = i;
		if (!f)
			f = flow_add(t, &p);
		f->conversation = rand() % 2 ? &walker : NULL;
		(void)flow_account(t, f, &p);
		flow_mark(f, FLOW_BYPASSED);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(walker[i].thread, NULL);
		cr_expect_eq(walker[i].wrong, 0);
		cr_expect_gt(walker[i].walks, 0);
	}

	struct walker quiet = {0};
	rcu_thread_begin();
	cr_expect_eq(flow_walk(t, check_row, &quiet), 0, "nothing changes, nothing is skipped");
	rcu_thread_end();
	cr_expect_eq(quiet.rows, flow_count(t));
	cr_expect_eq(quiet.wrong, 0);
	flow_table_free(t);
}
