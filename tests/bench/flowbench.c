/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the flow table costs per packet: random packets over so many flows.
 * flowbench FLOWS PACKETS; the first line includes the beginning of every flow, the second does not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "core/hash.h"
#include "core/time.h"
#include "flow/flow.h"

enum { AHEAD = 32, MARK = AHEAD / 2, RING = 512 };

static uint64_t random_state = 1;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static uint32_t *seqs; /* next sequence number of each flow */

static void fill(struct packet *p, uint32_t n, uint64_t now_ns)
{
	uint8_t b[4] = {10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n},
		server[4] = {10, 255, 0, 1};

	*p = (struct packet){.kind = PACKET_TCP,
			     .flags = TCP_ACK,
			     .window = 1000,
			     .payload_size = 6,
			     .seq = seqs[n],
			     .ts_ns = now_ns,
			     .now_ns = now_ns,
			     .ip_id = (uint16_t)now_ns};
	p->key.address[0] = address_v4(b);
	p->key.address[1] = address_v4(server);
	p->key.port[0] = (uint16_t)(n | 1024);
	p->key.port[1] = 80;
	p->key.proto = PROTO_TCP;
	seqs[n] += p->payload_size;
	p->hash = hash_bytes(&p->key, sizeof(p->key), HASH_FILE_SECRET);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void count(struct flow_table *t, const struct packet *p, struct flow *guess)
{
	struct flow *f = flow_find_guessed(t, p, guess);

	if (!f)
		f = flow_add(t, p);
	if (f && flow_account(t, f, p) == FLOW_ANEW) {
		flow_remove(t, f);
		f = flow_add(t, p);
		if (f)
			(void)flow_account(t, f, p);
	}
}

/* Runs `packets` packets; returns the seconds, without those of making them. */
static double run(struct flow_table *t, uint32_t flows, uint32_t packets, uint64_t *now_ns)
{
	static struct packet ring[RING + AHEAD];
	static struct flow *guess[AHEAD];
	double took = 0;

	for (uint32_t done = 0; done < packets; done += RING) {
		memcpy(ring, ring + RING, sizeof(ring[0]) * AHEAD);
		for (unsigned i = done ? AHEAD : 0; i < RING + AHEAD; i++) {
			*now_ns += 10 * NS_PER_US;
			fill(&ring[i], (uint32_t)(next_random() % flows), *now_ns);
		}
		double start = seconds();
		for (unsigned i = 0; i < RING; i++) {
			flow_prefetch_index(t, ring[i + AHEAD].hash);
			guess[(i + MARK) % AHEAD] = flow_guess(t, &ring[i + MARK]);
			count(t, &ring[i], guess[i % AHEAD]);
		}
		flow_tick(t, *now_ns);
		took += seconds() - start;
	}
	return took;
}

int main(int argc, char **argv)
{
	uint32_t flows = argc > 1 ? (uint32_t)atol(argv[1]) : 1000000;
	uint32_t packets = argc > 2 ? (uint32_t)atol(argv[2]) : 3000000;
	struct counters counters = {0};
	struct flow_options options = {.counters = &counters};
	struct flow_table *t;
	uint64_t now_ns = 1000 * NS_PER_S;

	seqs = calloc(flows, sizeof(*seqs));
	if (!flows || !seqs || flow_table_new(&options, &t) < 0)
		return 1;
	for (unsigned round = 0; round < 2; round++) {
		double took = run(t, flows, packets, &now_ns);

		printf("%s %.1f ns/packet, %u flows, %.1f bytes/flow\n", round ? "known" : "first",
		       took * 1e9 / packets, flow_count(t), (double)flow_memory(t) / flow_count(t));
	}
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	printf("%ld KiB, %llu packets\n", u.ru_maxrss, (unsigned long long)counters.packets);
	flow_table_free(t);
	free(seqs);
	return 0;
}
