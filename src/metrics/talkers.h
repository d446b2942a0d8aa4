/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which hosts talk most: payload bytes sent and received, round trips asked and answered, by address.
 *
 * Memory is bounded. Up to TALKERS_MAX hosts everything is exact. When there are more, those that are in the upper
 * quarter neither by bytes nor by round trips are forgotten, and what they had is kept as one sum (`rest`): a host
 * that comes again starts at nothing, so that the numbers of a host are then lower bounds, but no bytes vanish
 * from the whole. One thread. All zero is empty.
 */
#include "core/types.h"

enum {
	TALKERS_MAX = 65536,  /* hosts: 4 MiB */
	TALKERS_RECENT = 128, /* pairs of hosts that need no look-up: 5 KiB */
};

struct talker {
	struct address address;
	uint64_t sent, received;  /* payload bytes */
	uint64_t asked, answered; /* round trips as client, as server */
};

/* A client and its server, and where they are in the list. */
struct talker_pair {
	struct address client, server;
	uint32_t client_at, server_at; /* + 1; 0: unused */
};

struct talkers {
	struct talker *list;
	uint32_t count, room;
	uint32_t *slots; /* open addressing: index in list + 1; 0: empty */
	uint32_t slot_count;
	struct talker rest; /* of those that were forgotten */
	uint64_t forgotten; /* hosts, again each time one came again; 0: everything is exact */
	uint64_t missing;   /* packets' and round trips' hosts not counted because memory ran out */
	struct talker_pair recent[TALKERS_RECENT];
};

void talkers_done(struct talkers *t);
/* Bytes that `a` sent to `b`, and those that came back. */
void talkers_traffic(struct talkers *t, const struct address *a, const struct address *b,
		     uint64_t sent, uint64_t received);
/* One round trip. */
void talkers_roundtrip(struct talkers *t, const struct address *client,
		       const struct address *server);
void talkers_merge(struct talkers *t, const struct talkers *from);

enum talker_order { TALKERS_BY_BYTES, TALKERS_BY_ROUND_TRIPS };

/* The first `count` at most in this order (then by the other number, then by address), none with nothing; returns how
 * many. */
unsigned talkers_top(const struct talkers *t, enum talker_order order, unsigned count,
		     struct talker *ret_top);
