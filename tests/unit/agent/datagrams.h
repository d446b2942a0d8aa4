/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A whole worker that is given datagrams with DNS messages, one after the other, by a clock of the test's.
 */
#include "agent/worker.h"

enum { CLIENT, SERVER, OTHER, MULTICAST, HOSTS };
enum { DGRAM_MAX = 2048 };

/* What the worker said: how many records, and the last of them. */
struct dgram_seen {
	unsigned count[STATUS_COUNT], reason[REASON_COUNT];
	unsigned partial, place;
	uint64_t bytes;
	struct endpoint client, server;
};

extern struct dgram_seen dgram_seen;
extern uint64_t dgram_now_ns;
extern uint8_t dgram_bytes[DGRAM_MAX]; /* of the newest message */

struct worker *dgram_start(void);
/* Ends it; checks the accounting, and that no memory is left. */
void dgram_stop(struct worker *w);

struct address dgram_host(unsigned n);
/* An empty datagram between two of CLIENT ... HOSTS, sent now. */
struct packet dgram_between(unsigned from, uint16_t sport, unsigned to, uint16_t dport);
/* The same with a question, an answer of type A, or both, of one label each; valid until the next one. */
struct packet dgram_message(struct packet p, unsigned id, unsigned flags, const char *question,
			    const char *answer);

void dgram_give(struct worker *w, struct packet p);
/* A query by the usual ports, and its answer. */
void dgram_ask(struct worker *w, unsigned id, const char *name);
void dgram_answer(struct worker *w, unsigned id, const char *name);
/* Time goes by. */
void dgram_pass(struct worker *w, uint64_t ns);
