/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Who asked what by multicast. Answers there have no id and seldom a question, so the questions that wait are remembered,
 * each in a place of its own; a second one on the same place takes it.
 */
#include "protocols/dns/say.h"

enum {
	MDNS_SLOTS_ALL =
		1024, /* a busy network asks some hundred in the seconds that an answer may take */
	MDNS_SLOTS_ONE = 64, /* of one querier's port */
};

/* A question, and the key of the request that asked it. */
struct mdns_asked {
	uint64_t hash, key;
};

struct mdns {
	uint64_t last_key; /* that was given to a request without one */
	uint32_t slots;
	struct mdns_asked asked[];
};

/* NULL: no memory. */
struct mdns *mdns_new(struct env *env, uint32_t slots);
void mdns_free(struct mdns *m, struct env *env);
/* The request with this key asked these questions. */
void mdns_remember(struct mdns *m, const struct dns_message *d, uint64_t key);
/* The key of the request, still open, that the answer belongs to; 0: none, it is an announcement. */
uint64_t mdns_answered(const struct mdns *m, struct env *env, enum side side,
		       const struct dns_message *d, uint64_t offset);
