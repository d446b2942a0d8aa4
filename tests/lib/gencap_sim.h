/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Inside gencap: two programs that talk over two TCP endpoints, event by event. What is seen at the place of
 * capture is appended to `made`, before the capture itself does damage.
 */
#include "gencap.h"

enum {
	STREAM_MAX = 64 << 10,
	MESSAGES_MAX = 400,
	EVENTS_MAX = 4096,
	CAPTURED_MAX = 20000,
};
enum { C, S }; /* the two ends */
enum mode { SEQUENTIAL, BATCHES, WINDOW };

struct sim;

struct segment {
	uint64_t from, len, ack;
	uint8_t flags;
};

struct event {
	uint64_t at;
	enum { ARRIVES, ACK_TIMER, RTO, ASK, REPLY, KEEPALIVE } kind;
	int end, arg;
	unsigned order; /* of those with the same time */
	struct segment seg;
};

struct end {
	uint8_t *stream;
	uint64_t written, next, una; /* una: acknowledged by the peer */
	uint64_t got;                /* contiguous bytes of the peer, its FIN included */
	uint8_t *seen;               /* of the peer's stream */
	uint64_t peer_fin;           /* offset of the peer's FIN, UINT64_MAX: not seen */
	uint64_t ack_at, rto_at;
	uint32_t isn;
	unsigned owed, duplicates, mss;
	uint16_t ip_id;
	bool want_fin, reset, fin_sent;
};

struct ask {
	uint64_t from, to;
	int answer;
	uint8_t flags, key, length; /* the language's */
	uint16_t id;                /* the same */
	int same;                   /* the first request that said the same; else its own number */
	bool oneway, done, cancelled;
};

/* What the two programs say: one for each protocol. Both write with sim_put() and sim_say(). */
struct language {
	/* What this conversation is like; NULL: nothing to decide. */
	void (*plan)(struct sim *s);
	/* Writes the client's next request, sets `to`, and `oneway` or `done`. False: there is none now. */
	bool (*ask)(struct sim *s, struct ask *a);
	/* Writes what the server has to say to request `id`. */
	void (*reply)(struct sim *s, unsigned id);
};
extern const struct language gencap_toys, gencap_redis, gencap_dns;

/* What a Redis client has told its server, and how often it does what. */
struct redis_said {
	unsigned channels, patterns, queued;
	bool resp3, multi, monitor, off, skip;
};

struct redis_talk {
	unsigned inline_pm, error_pm, big_pm, special_pm, push_pm;
	struct redis_said said;
};

struct dns_talk {
	unsigned names, bare_pm, repeat_pm, transfer_pm, error_pm;
	bool shared_ids;
	unsigned copy_pm, slow_pm, refuse_pm, second_pm; /* by UDP */
	uint64_t ahead;                                  /* ns: the second place may be the first */
};

struct made {
	uint64_t key; /* order in the file */
	unsigned order;
	struct packet p;
};

struct sim {
	uint64_t rng, now, latency, think;
	const struct language *language;
	struct redis_talk redis;
	struct dns_talk dns;
	bool keyed, unique, varied;
	enum mode mode;
	unsigned window, total, net_loss_pm, interim_pm, oneway_pm, quiet_pm, push_pm, cancel_pm;
	unsigned up_to_pm, reorder_net_pm, overlap_pm, keepalive_pm, ramp;
	uint64_t delay_max, tcp_window, place;
	struct end end[2];
	struct event events[EVENTS_MAX];
	unsigned event_count, posted;
	struct ask asks[MESSAGES_MAX];
	unsigned ask_count, processed, finished, answers;
	struct gencap_message answer_at[MESSAGES_MAX * 3];
	uint64_t answer_end[MESSAGES_MAX * 3];
	uint64_t last_reply;
	struct made *made;
	size_t made_count, made_room;
	unsigned client_dir;
	unsigned
		close; /* 0: nothing, 1: client's FIN, 2: server's FIN, 3: client's RST, 4: server's */
	bool closing;
};

uint64_t sim_below(struct sim *s, uint64_t n); /* 0 .. n - 1; 0 when n is 0 */
bool sim_chance(struct sim *s, unsigned per_mille);
void *sim_grown(void *block, size_t size);
/* A packet more for the file, from that end; the newest of s->made. NULL: there are enough. */
struct packet *sim_made(struct sim *s, int from, uint8_t proto);
/* Appends to what an end says; false: its stream is full, and nothing happened. */
bool sim_put(struct end *e, const void *bytes, size_t n);
/* The server says a message: the answer to request `id`, one more part of it, or (-1) nobody's answer. */
bool sim_say(struct sim *s, const void *bytes, size_t n, int id);
/* The language's reply() is called for request `id` again, in a while. */
void sim_reply_again(struct sim *s, unsigned id);
/* Sends what an end said. */
void sim_push_out(struct sim *s, int end);
/* From the handshake to the end. */
void sim_converse(struct sim *s);
/* The same by UDP (gencap_udp.c). */
void sim_datagrams(struct sim *s);
