/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The flow table of one worker: who talks to whom, how much, and how well TCP is doing.
 *
 * A record is two hot cache lines and 40 cold bytes. Records live in chunks of 1,024 that never move; the
 * index (open addressing of hash tag and id) belongs to the worker alone, grows by moving at most 8 old
 * entries per insert, and never shrinks. Readers (API, exporters, tests) never see the index: they walk
 * the chunk directory and copy records, guarded by the generation. The directory is as long as it can
 * ever get (32 KiB, touched as it fills) and chunks live as long as the table, so only the table itself
 * waits for a grace period: unpublish it, rcu_wait(), flow_table_free().
 *
 * Writer: generation odd (relaxed), words (release), generation even (release). Reader: generation
 * (acquire), words (acquire), generation again (relaxed); a record that changed or is odd is skipped.
 * Only creation and removal change the generation; counters are single words that grow. The worker
 * writes `conversation` as it likes (readers leave it out) and `state` with flow_mark(); the rest is
 * written by this room.
 *
 * Which record a packet belongs to, when several have its 5-tuple: the one whose place in this direction is
 * the packet's; else (TCP) one where the sequence number fits (within 1 MiB of what came before in that
 * direction or, when nothing came, an acknowledgement that fits the other direction): the same
 * conversation seen elsewhere; else one where nothing came in this direction, and the other direction is
 * counted at the packet's place; else none: a conversation of its own. UDP and others: any.
 */
#include "core/counters.h"
#include "core/err.h"
#include "core/types.h"
#include "packet/packet.h"

/* One direction, hot. 32 bytes. */
struct flow_dir {
	uint64_t packets, bytes; /* payload bytes on the wire; copies are not counted */
	uint32_t next_seq;       /* TCP: highest sequence number seen, plus one */
	uint32_t ack;            /* TCP: highest acknowledgement sent in this direction */
	uint16_t ip_id, print; /* of the last packet, to know a copy; print mixes the rest of it */
	uint16_t window;       /* last window, unscaled */
	uint16_t place;        /* where this direction is counted */
};

enum flow_state {
	FLOW_SEEN_0 = 1, /* a packet of direction 0 was seen; next_seq and place are valid */
	FLOW_SEEN_1 = 2,
	FLOW_SYN = 4,         /* the SYN or its answer was seen: we know who began */
	FLOW_INITIATOR_1 = 8, /* with SYN: direction 1 sent it */
	FLOW_FIN_0 = 16,
	FLOW_FIN_1 = 32,
	FLOW_CLOSED = 64,    /* both FINs were acknowledged, or reset: lingers for 1 s */
	FLOW_BYPASSED = 128, /* nobody decodes it */
	FLOW_JUMPED_0 = 256, /* a segment came early: one that comes late is out of order */
	FLOW_JUMPED_1 = 512,
	FLOW_ACK_0 = 1024, /* ack of direction 0 is valid */
	FLOW_ACK_1 = 2048,
	FLOW_SYNACK = 4096, /* the SYN-ACK was seen */
	FLOW_DATA_0 = 8192, /* payload was seen */
	FLOW_DATA_1 = 16384,
	FLOW_RTT_DONE = 32768, /* the handshake RTT is measured, or never will be */
};

struct flow {
	struct address address[SIDES];
	uint16_t port[SIDES];
	uint8_t proto;
	uint8_t hash_high;   /* bits 56 to 63 of the packets' hash, to find the index entry */
	uint16_t state;      /* enum flow_state; set with flow_mark() */
	void *conversation;  /* the worker's; NULL: accounting only; odd: a word, not a pointer */
	uint64_t last_ns;    /* of the last packet: now, or later when the clock did not follow yet;
			      * stands still once it is closed */
	uint32_t generation; /* even: in use or free; odd: being written */
	uint32_t id;         /* chunk * 1024 + slot; FLOW_FREE: nobody's */
	struct flow_dir dir[SIDES];
} __attribute__((aligned(64)));

struct flow_health {
	uint32_t retransmits, out_of_order;
	uint16_t duplicate_acks;
	uint16_t zero_windows; /* how often the window closed; both saturate */
};

struct flow_cold {
	uint64_t first_ns;                /* ts_ns of the first packet */
	struct flow_health health[SIDES]; /* by direction of the data */
	uint32_t rtt_us : 24;  /* of the handshake: SYN to ACK, at most 16.7 s; 0: not known */
	uint32_t hash_low : 8; /* bits 48 to 55 of the hash */
	uint8_t window_scale[SIDES]; /* 255: not known; 0 when a side does not scale */
	uint16_t jump;               /* when a segment last came early, in units of 2^18 ns */
};

_Static_assert(sizeof(struct flow) == 128, "two cache lines");
_Static_assert(sizeof(struct flow_cold) == 40, "cold part");

/* Nothing was counted in its health. */
static inline bool flow_is_well(const struct flow_cold *c)
{
	uint64_t word[3];

	_Static_assert(sizeof(word) == sizeof(c->health), "all of it");
	memcpy(word, c->health, sizeof(word));
	return !(word[0] | word[1] | word[2]);
}

enum {
	FLOW_CHUNK = 1024,
	FLOW_MAX = 4 << 20, /* records a worker may have: 800 MiB of them */
	FLOW_SAME_MAX =
		64, /* records of one 5-tuple (in VLANs, VNIs): each find looks at all of them */
};

/* In `id`: the record is free. */
#define FLOW_FREE 0x80000000u

struct flow_table;

struct flow_options {
	struct counters *counters;
	uint32_t max_flows;   /* 0: FLOW_MAX */
	uint64_t tcp_idle_ns; /* 0: 15 min. A flow idle for longer is another flow when it wakes */
	uint64_t other_idle_ns; /* 0: 2 min */
	/* The table is about to remove this record to make room: end its conversation, and do not
	 * remove it. Called for flows with a conversation only. */
	void (*remove)(void *data, struct flow *flow, bool evicted);
	/* A record is given back now, for whatever reason: the last chance to look at it. NULL: nobody does. */
	void (*gone)(void *data, const struct flow *flow, const struct flow_cold *cold);
	void *data;
};

must_check int flow_table_new(const struct flow_options *options, struct flow_table **ret_table);
void flow_table_free(struct flow_table *t); /* `remove` is not called */

/*
 * Finding is two steps for a batch of packets: first, for all of them, the index line comes nearer, then, for all
 * of them, the record is guessed by hash alone and its lines come nearer. Lookups of different packets do not wait for
 * each other, but what follows a find waits for it. A guess stays good while records come and go.
 */
void flow_prefetch_index(const struct flow_table *t, uint64_t hash);
/* The record of most packets with this packet's hash; NULL: there is none yet. */
struct flow *flow_guess(const struct flow_table *t, const struct packet *p);
/* flow_find() of a packet whose flow was guessed. */
struct flow *flow_find_guessed(struct flow_table *t, const struct packet *p, struct flow *guess);

/* The record this packet belongs to, NULL when there is none. */
struct flow *flow_find(struct flow_table *t, const struct packet *p);
/* A new record for this packet; addresses, first_ns, last_ns set, the rest zero: flow_account comes next.
 * May remove the idlest of a sample when the table is full, or the idlest of its 5-tuple when there are
 * FLOW_SAME_MAX. NULL (counted flows_nomem): memory ran out. */
struct flow *flow_add(struct flow_table *t, const struct packet *p);
/* Removes a record at once; `remove` is not called. */
void flow_remove(struct flow_table *t, struct flow *f);
/* Adds bits (FLOW_BYPASSED) to the state. */
static inline void flow_mark(struct flow *f, uint16_t state)
{
	__atomic_store_n(&f->state, f->state | state, __ATOMIC_RELEASE);
}
struct flow_cold *flow_cold_of(struct flow_table *t, const struct flow *f);

enum flow_verdict {
	FLOW_COUNT, /* counted; go on */
	FLOW_COPY, /* identical to the packet before it in its direction: counted as a copy, nothing else */
	FLOW_ELSEWHERE, /* from another place than this direction is counted at: not counted, but its
			 * bytes may fill a hole; the stream decides whether it is a copy */
	FLOW_ANEW, /* a SYN with another sequence number on a tuple in use, or any packet on a record closed
		      * for more than 1 s or idle for too long: end this flow and remove it, find again
		      * (it may be known from elsewhere), add a new one if there is none, account */
};

/*
 * Accounts one packet to its flow: packets, bytes, TCP state, health, handshake RTT. FLOW_ANEW changes nothing;
 * every other verdict adds to `packets`, `packet_bytes` and the kinds, FLOW_COPY to packets_copy too. The byte
 * counters of stream (copy_bytes, ...) and acks_ignored belong to stream. An ICMP error is counted and leaves the
 * flow as it is (FLOW_COUNT).
 *
 * A segment below next_seq is a retransmission, unless the direction had JUMPED within the last 3 ms (or
 * half the RTT if longer): then it is out of order. Keep-alive probes (one byte or none below next_seq,
 * already acknowledged) are neither. Identical packets: equal id, seq, ack, size, checksum within 1 s, or 1 ms
 * without an id (IPv6, id 0). Without TCP: other place within 1 s and equal checksum (not 0) and size, or the same
 * place and an equal id other than 0.
 *
 * A direction is counted at the place of its first packet; a place that is 128 KiB ahead of it takes over. A
 * segment 16 MiB behind is no retransmission: the sequence begins again there. A RST closes only inside the window.
 */
enum flow_verdict flow_account(struct flow_table *t, struct flow *f, const struct packet *p);

/* Counts a packet that has no flow (an ICMP error about nothing we know, no memory); not after flow_account. */
void flow_count_packet(struct flow_table *t, const struct packet *p);

/* At a tick: looks at a share of the records (all of them within 10 s of ticks) and removes the idle and
 * the closed. What is visible never depends on when: flow_account says FLOW_ANEW by the times alone.
 * Flows whose conversation is a pointer are left to its timer. */
void flow_tick(struct flow_table *t, uint64_t now_ns);

uint32_t flow_count(const struct flow_table *t);
/* Every live record, in order of id (for the end of the input); `each` may remove the one it was given. */
void flow_each(struct flow_table *t, void (*each)(void *data, struct flow *f), void *data);
/* Bytes of records, index and directory. */
size_t flow_memory(const struct flow_table *t);
/* Most old index entries any insert moved (a test asserts <= 8). */
unsigned flow_most_moved(const struct flow_table *t);

/* --- readers: any thread --- */

struct flow_row {
	struct flow flow;
	struct flow_cold cold;
};

/* Copies every consistent record to `each`; returns how many were skipped because they changed. The caller
 * is an RCU-registered thread (core/rcu.h) and holds no read lock. */
uint64_t flow_walk(const struct flow_table *t, void (*each)(void *data, const struct flow_row *row),
		   void *data);
