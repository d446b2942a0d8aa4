/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What is measured of a stretch of traffic: operations, talkers, round-trip times of TCP. A worker fills one
 * for each interval; those of all workers, and of all intervals, are merged by adding, so any number of
 * workers gives the same one (until a cap of operations.h or talkers.h is reached). One thread.
 */
#include "metrics/operations.h"
#include "metrics/talkers.h"

struct metrics {
	struct operations operations;
	struct talkers talkers;
	struct histogram
		rtt; /* ns, of handshakes: one for each connection whose handshake was seen */
};

/* NULL when memory ran out. */
struct metrics *metrics_new(void);
void metrics_free(struct metrics *m);

static inline void metrics_add(struct metrics *m, const struct roundtrip *rt)
{
	operations_add(&m->operations, rt);
	talkers_roundtrip(&m->talkers, &rt->client.address, &rt->server.address);
}

void metrics_merge(struct metrics *to, const struct metrics *from);
/* Counts of records, packets or hosts that are missing because memory ran out. */
uint64_t metrics_missing(const struct metrics *m);
