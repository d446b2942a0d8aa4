/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Packets that came to another worker than their own: a bounded queue from one worker to one other, the only
 * thing that workers share. A packet is copied with its payload and its place, since the giver's ring and its
 * table of places are its own. One thread puts, one takes; neither waits.
 */
#include "packet/packet.h"

struct handoff;

enum {
	/* Some hundred full-sized packets, or three of the largest. Memory is used only as far as a queue
	 * fills. */
	HANDOFF_SIZE = 256 << 10,
};

/* NULL: memory ran out. */
struct handoff *handoff_new(void);
void handoff_free(struct handoff *h);

/* False: it is full, and the packet not taken. */
bool handoff_put(struct handoff *h, const struct packet *p, const struct place *place);
/* The oldest packet, which borrows its payload until handoff_taken(); false: there is none. */
bool handoff_take(struct handoff *h, struct packet *ret, struct place *ret_place);
void handoff_taken(struct handoff *h);
bool handoff_empty(const struct handoff *h);
/* It is half full: who waits with taking from it should not. The taker's side. */
bool handoff_presses(const struct handoff *h);
