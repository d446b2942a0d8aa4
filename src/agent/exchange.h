/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Conversations of datagrams. Private to src/agent.
 *
 * An exchange belongs to a flow, or to a group of flows whose datagrams answer each other across 5-tuples: all of
 * mDNS at one place, and all that one querier asks by LLMNR from one port. Groups are the same sets that a packet's
 * owner (packet/key.h) keeps together in one worker, one for each place. The flow records of a group's packets count
 * them and have no conversation; who sent a message is kept with it (keeper.h: peers).
 *
 * With nothing open for a second an exchange is given back; its flow remembers the protocol in a parked word, as TCP's
 * do. What comes from another place is decoded once: see copies.
 */
#include "agent/conversation.h"

struct exchange {
	struct keeper keeper; /* first */
	struct timer timer;
	struct flow *flow;     /* NULL: a group's */
	uint64_t index;        /* of its first packet */
	uint64_t last_ns;      /* a group's last packet */
	uint64_t elsewhere_ns; /* when a packet first came from another place; 0: none did */
	uint16_t place;        /* a group's */
};

static inline struct exchange *exchange_live(const struct flow *f)
{
	return flow_is_parked(f) ? NULL : f->conversation;
}

/* A UDP packet of a flow that is accounted; `f` NULL: there was no memory for one. */
void exchange_packet(struct worker *w, struct flow *f, const struct packet *p,
		     enum flow_verdict verdict);
/* An ICMP error about a datagram. */
void exchange_icmp(struct worker *w, const struct packet *p);
/* Ends it: open requests are told `reason`. */
void exchange_end(struct worker *w, struct exchange *x, enum end_reason reason);
/* Frees it, silently. */
void exchange_free(struct worker *w, struct exchange *x);
/* The timer of an exchange fires. */
void exchange_timer(void *worker, struct timer *t);
/* The groups: at the end of the input, and when the worker goes. */
void exchange_end_groups(struct worker *w, enum end_reason reason);
void exchange_free_groups(struct worker *w);
/* Endpoints and place of a record. */
void exchange_fill(const struct exchange *x, struct roundtrip *rt);
