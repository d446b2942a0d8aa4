/* SPDX-License-Identifier: Apache-2.0 */
/* The queue between two live workers, from two threads: everything arrives once, whole and in order. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/handoff.h"

enum { PACKETS = 200000, PAYLOAD_MAX = 3000 };

static struct handoff *queue;
static uint64_t refused;
static bool over;

static uint32_t size_of(uint64_t index)
{
	return (uint32_t)(index * 2654435761u % PAYLOAD_MAX);
}

static void *give(void *data)
{
	uint8_t payload[PAYLOAD_MAX];
	struct place place = {.interface = 3, .depth = 1, .layer = {{.id = 77, .kind = 1}}};

	(void)data;
	for (uint64_t i = 1; i <= PACKETS; i++) {
		struct packet p = {.index = i, .payload = payload, .payload_size = size_of(i)};

		memset(payload, (int)(i & 255), sizeof(payload));
		if (!handoff_put(queue, &p, &place))
			refused++;
	}
	__atomic_store_n(&over, true, __ATOMIC_SEQ_CST);
	return NULL;
}

static bool right(const struct packet *p, const struct place *place, uint64_t before)
{
	if (p->index <= before || p->payload_size != size_of(p->index) || place->interface != 3 ||
	    place->layer[0].id != 77)
		return false;
	for (uint32_t i = 0; i < p->payload_size; i++)
		if (p->payload[i] != (p->index & 255))
			return false;
	return true;
}

static unsigned two_threads(void)
{
	pthread_t giver;
	uint64_t taken = 0, before = 0;
	struct packet p;
	struct place place;
	unsigned wrong = 0;

	if (pthread_create(&giver, NULL, give, NULL))
		return 1;
	for (;;) {
		bool last = __atomic_load_n(&over, __ATOMIC_SEQ_CST);

		while (handoff_take(queue, &p, &place)) {
			wrong += !right(&p, &place, before);
			before = p.index;
			handoff_taken(queue);
			taken++;
		}
		if (last)
			break;
	}
	pthread_join(giver, NULL);
	if (taken + refused != PACKETS || wrong || !taken) {
		printf("FAIL: %llu taken, %llu refused, %u wrong\n", (unsigned long long)taken,
		       (unsigned long long)refused, wrong);
		return 1;
	}
	return 0;
}

/* What does not fit is refused, and nothing else is hurt. */
static unsigned full(void)
{
	static uint8_t payload[HANDOFF_SIZE];
	struct packet p = {.payload = payload, .payload_size = sizeof(payload)}, got;
	struct place place = {0};
	unsigned put = 0, taken = 0;

	if (handoff_put(queue, &p, &place))
		return 1;
	p.payload_size = 60000;
	while (handoff_put(queue, &p, &place))
		put++;
	while (handoff_take(queue, &got, &place)) {
		handoff_taken(queue);
		taken++;
	}
	if (put != taken || put < 2 || !handoff_empty(queue)) {
		printf("FAIL: %u put, %u taken\n", put, taken);
		return 1;
	}
	return 0;
}

int main(void)
{
	unsigned failed;

	queue = handoff_new();
	if (!queue)
		return 1;
	failed = full();
	failed += two_threads();
	handoff_free(queue);
	printf("%u passed, %u failed, 0 skipped\n", 2 - failed, failed);
	return failed != 0;
}
