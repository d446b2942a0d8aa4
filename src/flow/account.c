/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one packet means for its flow.
 * spec: RFC 9293 (TCP), RFC 7323 (window scale), RFC 5961 3 (blind resets)
 */
#include "flow/table.h"

#define RESYNC_BYTES (16 << 20)    /* further back than any window: another sequence */
#define UNSEEN_BYTES (64 << 10)    /* sent, but lost by the capture: a burst of it */
#define TAKEOVER_BYTES (128 << 10) /* a place that only lags is never this far ahead */
#define LATE_NS (3 * NS_PER_MS)    /* reordering on a path is shorter, a retransmission longer */

enum {
	JUMP_SHIFT = 18, /* 262 us, wraps after 17 s */
	SCALE_UNKNOWN = 255,
	SCALE_GUESS = 7, /* of a connection joined midway */
	RTT_US_MAX = (1 << 24) - 1,
};

/* a - b on the circle of sequence numbers. */
static inline int32_t seq_diff(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

static inline uint64_t since_last(const struct flow *f, const struct packet *p)
{
	return p->now_ns > f->last_ns ? p->now_ns - f->last_ns : 0;
}

static inline void add_health(uint32_t *to)
{
	flow_store(to, *to + 1);
}

static inline void add_health_16(uint16_t *to)
{
	if (*to < UINT16_MAX)
		flow_store(to, (uint16_t)(*to + 1));
}

/* `kind` is p->kind, where it is known a constant. */
static inline void count_kind(struct flow_table *t, const struct packet *p, uint8_t kind)
{
	struct counters *c = t->counters;

	counter_add(&c->packets, 1);
	counter_add(&c->packet_bytes, p->payload_size);
	switch (kind) {
	case PACKET_TCP:
		counter_add(&c->packets_tcp, 1);
		break;
	case PACKET_UDP:
		counter_add(&c->packets_udp, 1);
		break;
	case PACKET_ICMP_ERROR:
		counter_add(&c->packets_icmp_error, 1);
		break;
	default:
		counter_add(&c->packets_other, 1);
	}
}

static inline void count_packet(struct flow_table *t, const struct packet *p)
{
	count_kind(t, p, p->kind);
}

void flow_count_packet(struct flow_table *t, const struct packet *p)
{
	count_packet(t, p);
}

/* --- another flow? --- */

static bool syn_was_seen(const struct flow *f, unsigned dir)
{
	unsigned initiator = f->state & FLOW_INITIATOR_1 ? 1 : 0;

	return f->state & FLOW_SYN && (dir == initiator || f->state & FLOW_SYNACK);
}

/* True for a SYN that cannot be the beginning of what this record has seen. */
static bool is_another_syn(const struct flow *f, const struct packet *p)
{
	const struct flow_dir *own = &f->dir[p->dir], *other = &f->dir[!p->dir];
	uint32_t start = p->seq + 1;

	if (f->state & FLOW_SEEN_0 << p->dir) {
		/* The SYN is as far back as what was sent since, and a FIN; a late one perhaps further. */
		uint64_t unseen = syn_was_seen(f, p->dir) ? 1 : UNSEEN_BYTES;

		return own->next_seq - start > own->bytes + unseen;
	}
	if (!(f->state & FLOW_SEEN_0 << !p->dir))
		return false;
	if (p->flags & TCP_ACK)
		return other->next_seq - p->ack > RESYNC_BYTES;
	/* A late SYN is acknowledged already; without an acknowledgement both sides begin at once. */
	return f->state & FLOW_ACK_0 << !p->dir && other->ack - start > RESYNC_BYTES;
}

static inline bool is_anew(const struct flow_table *t, const struct flow *f, const struct packet *p)
{
	if (flow_is_over(t, f, p->now_ns))
		return true;
	return p->kind == PACKET_TCP && (p->flags & (TCP_SYN | TCP_RST)) == TCP_SYN &&
	       is_another_syn(f, p);
}

/* --- seen twice --- */

static inline uint16_t print_of(const struct packet *p, uint32_t wire)
{
	uint32_t x = p->checksum + wire * 0xc2b2ae3du;

	if (p->kind == PACKET_TCP)
		x += p->seq * 0x9e3779b1u + p->ack * 0x85ebca77u + p->flags * 0x27d4eb2fu;
	return (uint16_t)(x >> 16 ^ x);
}

static bool is_copy(const struct flow *f, const struct flow_dir *own, const struct packet *p,
		    uint16_t print)
{
	if (own->print != print)
		return false;
	bool same_id = own->ip_id == p->ip_id;
	if (p->kind == PACKET_TCP)
		return same_id && since_last(f, p) <= (p->ip_id ? NS_PER_S : NS_PER_MS);
	if (own->place != p->place)
		return p->checksum && since_last(f, p) <= NS_PER_S;
	return same_id && p->ip_id && since_last(f, p) <= NS_PER_S;
}

/* --- TCP --- */

static uint64_t window_of(const struct flow *f, unsigned dir)
{
	uint8_t scale = cold_of(f)->window_scale[dir];

	return (uint64_t)f->dir[dir].window << (scale == SCALE_UNKNOWN ? SCALE_GUESS : scale);
}

/* True when the receiver would believe this reset: it lies in its window. */
static bool reset_fits(const struct flow *f, const struct packet *p, const struct flow_dir *own)
{
	const struct flow_dir *other = &f->dir[!p->dir];
	bool seen = f->state & FLOW_SEEN_0 << p->dir;
	bool acked = f->state & FLOW_ACK_0 << !p->dir;

	if (!seen && p->flags & TCP_ACK)
		return !(f->state & FLOW_SEEN_0 << !p->dir) ||
		       (uint32_t)(p->ack - other->next_seq + RESYNC_BYTES) <= 2 * RESYNC_BYTES;
	if (!seen && !acked)
		return true;

	uint32_t low = acked ? other->ack : own->next_seq, high = low;
	if (seen && seq_diff(own->next_seq, low) < 0)
		low = own->next_seq;
	if (acked)
		high += (uint32_t)window_of(f, !p->dir);
	if (seen && seq_diff(own->next_seq, high) > 0)
		high = own->next_seq;
	return seq_diff(p->seq, low) >= 0 && seq_diff(p->seq, high) <= 0;
}

static uint32_t account_reset(struct flow_table *t, struct flow *f, const struct packet *p,
			      struct flow_dir *own, uint32_t state)
{
	counter_add(&t->counters->resets, 1);
	if (!reset_fits(f, p, own))
		return state;
	if (!(state & FLOW_SEEN_0 << p->dir))
		own->next_seq = p->seq;
	return state | FLOW_SEEN_0 << p->dir | FLOW_CLOSED;
}

static uint32_t account_syn(struct flow *f, const struct packet *p, uint32_t state)
{
	struct flow_cold *cold = cold_of(f);
	bool answer = p->flags & TCP_ACK, again = state & FLOW_SEEN_0 << p->dir;
	unsigned initiator = answer ? !p->dir : p->dir;

	if (again) /* a time measured now might belong to either SYN (Karn) */
		return state | FLOW_RTT_DONE;
	if (!answer && state & FLOW_SEEN_0 << !p->dir) {
		/* Its answer came first: read too late, or both sides begin at once. */
		if (p->ts_ns < cold->first_ns)
			flow_store(&cold->first_ns, p->ts_ns);
		else
			state |= FLOW_RTT_DONE;
	}
	if (!(state & FLOW_SYN))
		state |= FLOW_SYN | (initiator ? FLOW_INITIATOR_1 : 0);
	if (answer)
		state |= FLOW_SYNACK;

	/* Only both sides together may scale. */
	bool scales = p->window_scale != SCALE_UNKNOWN;
	flow_store(&cold->window_scale[p->dir], scales ? p->window_scale : 0);
	if (answer && !scales)
		flow_store(&cold->window_scale[!p->dir], 0);
	return state;
}

/* The first packet of the initiator after its SYN ends the measurement, well or not. */
static uint32_t account_rtt(struct flow *f, const struct packet *p, const struct flow_dir *own,
			    uint32_t state)
{
	struct flow_cold *cold = cold_of(f), now = *cold;
	unsigned initiator = state & FLOW_INITIATOR_1 ? 1 : 0;

	if (p->dir != initiator || p->flags & TCP_SYN)
		return state;
	if (state & FLOW_SEEN_0 << p->dir && p->flags & TCP_ACK && p->seq == own->next_seq &&
	    p->ts_ns >= now.first_ns) {
		uint64_t us = (p->ts_ns - now.first_ns) / NS_PER_US;

		now.rtt_us = us < 1 ? 1 : us < RTT_US_MAX ? (uint32_t)us : RTT_US_MAX;
		flow_store_words(cold, &now, sizeof(now) / 8);
	}
	return state | FLOW_RTT_DONE;
}

/* True when a segment came early so lately that this one is out of order, and not sent again. */
static bool is_reordered(const struct flow *f, const struct packet *p)
{
	const struct flow_cold *cold = cold_of(f);
	uint64_t limit = (uint64_t)cold->rtt_us * NS_PER_US / 2;
	uint16_t passed = (uint16_t)((uint16_t)(p->now_ns >> JUMP_SHIFT) - cold->jump);

	return passed <= (limit > LATE_NS ? limit : LATE_NS) >> JUMP_SHIFT;
}

/* One byte or none before the next one, acknowledged already: only asks whether the peer is there. */
static bool is_keepalive(const struct flow *f, const struct packet *p, const struct flow_dir *own,
			 uint32_t wire)
{
	return wire <= 1 && !(p->flags & (TCP_SYN | TCP_FIN)) && p->seq + 1 == own->next_seq &&
	       f->state & FLOW_ACK_0 << !p->dir && f->dir[!p->dir].ack == own->next_seq;
}

/* A segment that does not begin where the one before ended. */
static uint32_t account_gap(struct flow_table *t, struct flow *f, const struct packet *p,
			    struct flow_dir *own, uint32_t size, uint32_t state)
{
	uint32_t end = p->seq + size, jumped = FLOW_JUMPED_0 << p->dir;
	struct flow_cold *cold = cold_of(f);

	if (seq_diff(p->seq, own->next_seq) > 0) {
		flow_store(&cold->jump, (uint16_t)(p->now_ns >> JUMP_SHIFT));
		own->next_seq = end;
		return state | jumped;
	}
	if (seq_diff(p->seq, own->next_seq) < -RESYNC_BYTES && !(p->flags & TCP_SYN)) {
		own->next_seq = end;
		return state;
	}
	if (seq_diff(end, own->next_seq) > 0)
		own->next_seq = end;
	/* When both sides begin at once, the first answer repeats the SYN. */
	bool both_begin =
		p->flags & TCP_SYN && p->flags & TCP_ACK && !(state & FLOW_ACK_0 << p->dir);
	if (both_begin && !(state & FLOW_SYNACK))
		return state;
	if (state & jumped && is_reordered(f, p)) {
		add_health(&cold->health[p->dir].out_of_order);
		counter_add(&t->counters->out_of_order, 1);
		return state;
	}
	add_health(&cold->health[p->dir].retransmits);
	counter_add(&t->counters->retransmits, 1);
	return state & ~jumped;
}

/* Every announcement is counted, but of the flow only how often its window closed: probes repeat it. */
static inline void count_zero_window(struct flow_table *t, struct flow *f, const struct packet *p,
				     bool was_open)
{
	if (was_open)
		add_health_16(&cold_of(f)->health[!p->dir].zero_windows);
	counter_add(&t->counters->zero_windows, 1);
}

/* The acknowledgement and the window: about the data of the other direction. */
static uint32_t account_ack(struct flow_table *t, struct flow *f, const struct packet *p,
			    struct flow_dir *own, uint32_t size, uint32_t state)
{
	const struct flow_dir *other = &f->dir[!p->dir];
	bool known = state & FLOW_ACK_0 << p->dir, other_seen = state & FLOW_SEEN_0 << !p->dir;

	if (!p->window && !(p->flags & (TCP_SYN | TCP_FIN)))
		count_zero_window(t, f, p, !known || own->window);
	if (known && p->ack == own->ack && !size && p->window == own->window && other_seen &&
	    seq_diff(other->next_seq, p->ack) > 0 && p->seq + 1 != own->next_seq) {
		add_health_16(&cold_of(f)->health[!p->dir].duplicate_acks);
		counter_add(&t->counters->duplicate_acks, 1);
	}
	/* What acknowledges bytes far beyond all that were seen is damaged, or means another flow. */
	if (other_seen && seq_diff(p->ack, other->next_seq) > RESYNC_BYTES)
		return state;
	if (!known || seq_diff(p->ack, own->ack) > 0)
		own->ack = p->ack;
	return state | FLOW_ACK_0 << p->dir;
}

/* Both FINs are acknowledged. */
static bool is_closed(const struct flow *f, const struct packet *p, uint32_t ack, uint32_t next_seq,
		      uint32_t state)
{
	const struct flow_dir *other = &f->dir[!p->dir];
	uint32_t all = FLOW_FIN_0 | FLOW_FIN_1 | FLOW_ACK_0 | FLOW_ACK_1;

	return (state & all) == all && seq_diff(ack, other->next_seq) >= 0 &&
	       seq_diff(other->ack, next_seq) >= 0;
}

static uint32_t account_tcp(struct flow_table *t, struct flow *f, const struct packet *p,
			    struct flow_dir *own, uint32_t wire, uint32_t state)
{
	uint32_t size = wire + !!(p->flags & TCP_SYN) + !!(p->flags & TCP_FIN);

	if (p->flags & TCP_RST)
		return account_reset(t, f, p, own, state);
	if ((state & (FLOW_SYN | FLOW_RTT_DONE)) == FLOW_SYN)
		state = account_rtt(f, p, own, state);

	bool seen = state & FLOW_SEEN_0 << p->dir;
	if (!seen)
		own->next_seq = p->seq + size;
	else if (size && p->seq == own->next_seq)
		own->next_seq += size;
	else if (size && !is_keepalive(f, p, own, wire))
		state = account_gap(t, f, p, own, size, state);
	if (p->flags & TCP_SYN)
		state = account_syn(f, p, state);
	state |= FLOW_SEEN_0 << p->dir;
	if (p->flags & TCP_ACK)
		state = account_ack(t, f, p, own, size, state);
	if (wire)
		state |= FLOW_DATA_0 << p->dir;
	if (p->flags & TCP_FIN)
		state |= FLOW_FIN_0 << p->dir;
	if (state & FLOW_FIN_0 && is_closed(f, p, own->ack, own->next_seq, state))
		state |= FLOW_CLOSED;
	own->window = p->window;
	return state;
}

/* --- */

/* The flow lives; a closed one does not get younger. */
static inline void touch(struct flow *f, const struct packet *p)
{
	if (!(f->state & FLOW_CLOSED))
		flow_store(&f->last_ns, flow_time(p));
}

/* True for a packet of a place that does not count here. */
static bool is_elsewhere(const struct flow_dir *own, const struct packet *p)
{
	if (own->place == p->place)
		return false;
	return p->kind != PACKET_TCP || seq_diff(p->seq, own->next_seq) <= TAKEOVER_BYTES ||
	       p->flags & TCP_RST;
}

/*
 * Counts a packet in its direction. Word by word, made in registers: reading a word that was just written in
 * parts, and be it a local variable, would stall.
 */
static inline void store_dir(struct flow_dir *to, const struct packet *p, uint32_t wire,
			     uint64_t next_seq, uint64_t ack, uint64_t print, uint64_t window)
{
	flow_word *w = (flow_word *)to;

	flow_store(&w[0], to->packets + 1);
	flow_store(&w[1], to->bytes + wire);
	flow_store(&w[2], next_seq | ack << 32);
	flow_store(&w[3], p->ip_id | print << 16 | window << 32 | (uint64_t)p->place << 48);
}

/*
 * True for what nearly every packet is: the next segment, its FIN too, or a new acknowledgement, of an open
 * connection at the place that counts, and so not identical to the one before.
 */
static inline bool is_next(const struct flow *f, const struct packet *p, uint32_t size)
{
	const struct flow_dir *own = &f->dir[p->dir], *other = &f->dir[!p->dir];
	uint32_t know = FLOW_SEEN_0 << p->dir | FLOW_ACK_0 << p->dir;

	return p->kind == PACKET_TCP && (p->flags & (TCP_SYN | TCP_RST | TCP_ACK)) == TCP_ACK &&
	       (f->state & (know | FLOW_CLOSED)) == know &&
	       (f->state & (FLOW_SYN | FLOW_RTT_DONE)) != FLOW_SYN && p->seq == own->next_seq &&
	       p->place == own->place && (size || p->ack != own->ack) &&
	       seq_diff(p->ack, own->ack) >= 0 &&
	       (seq_diff(other->next_seq, p->ack) >= 0 || !(f->state & FLOW_SEEN_0 << !p->dir));
}

static inline void account_next(struct flow *f, const struct packet *p, uint32_t wire,
				uint32_t size, uint16_t print)
{
	uint32_t state = f->state, next_seq = p->seq + size;

	if (flow_time(p) != f->last_ns)
		flow_store(&f->last_ns, flow_time(p));
	if (wire)
		state |= FLOW_DATA_0 << p->dir;
	if (p->flags & TCP_FIN)
		state |= FLOW_FIN_0 << p->dir;
	if (state & FLOW_FIN_0 && is_closed(f, p, p->ack, next_seq, state))
		state |= FLOW_CLOSED;
	store_dir(&f->dir[p->dir], p, wire, next_seq, p->ack, print, p->window);
	if (state != f->state)
		flow_store(&f->state, (uint16_t)state);
}

static __attribute__((noinline)) enum flow_verdict account_special(struct flow_table *t,
								   struct flow *f,
								   const struct packet *p,
								   uint32_t wire, uint16_t print)
{
	if (p->kind == PACKET_ICMP_ERROR) {
		count_packet(t, p);
		return FLOW_COUNT;
	}
	if (is_anew(t, f, p))
		return FLOW_ANEW;
	count_packet(t, p);

	struct flow_dir own = f->dir[p->dir];
	uint32_t state = f->state;

	if (state & FLOW_SEEN_0 << p->dir) {
		if (is_copy(f, &own, p, print)) {
			counter_add(&t->counters->packets_copy, 1);
			return FLOW_COPY;
		}
		if (is_elsewhere(&own, p)) {
			touch(f, p);
			return FLOW_ELSEWHERE;
		}
	}
	touch(f, p);
	if (p->kind == PACKET_TCP)
		state = account_tcp(t, f, p, &own, wire, state);
	else
		state |= FLOW_SEEN_0 << p->dir | (wire ? FLOW_DATA_0 << p->dir : 0);
	store_dir(&f->dir[p->dir], p, wire, own.next_seq, own.ack, print, own.window);
	flow_store(&f->state, (uint16_t)state);
	return FLOW_COUNT;
}

/* True for a datagram behind others with data, at the place that counts, and not like the one before it. */
static inline bool is_next_datagram(const struct flow *f, const struct packet *p, uint16_t print)
{
	const struct flow_dir *own = &f->dir[p->dir];
	uint32_t know = (FLOW_SEEN_0 | FLOW_DATA_0) << p->dir;

	return p->kind == PACKET_UDP && (f->state & know) == know && own->place == p->place &&
	       (own->print != print || own->ip_id != p->ip_id || !p->ip_id);
}

static inline void account_next_datagram(struct flow *f, const struct packet *p, uint32_t wire,
					 uint16_t print)
{
	struct flow_dir *own = &f->dir[p->dir];

	if (flow_time(p) != f->last_ns)
		flow_store(&f->last_ns, flow_time(p));
	store_dir(own, p, wire, own->next_seq, own->ack, print, own->window);
}

enum flow_verdict flow_account(struct flow_table *t, struct flow *f, const struct packet *p)
{
	uint32_t wire = p->payload_size + p->payload_cut;
	uint32_t size = wire + !!(p->flags & TCP_FIN);
	uint16_t print = print_of(p, wire);

	if (is_next_datagram(f, p, print) && !flow_is_over(t, f, p->now_ns)) {
		count_kind(t, p, PACKET_UDP);
		account_next_datagram(f, p, wire, print);
		return FLOW_COUNT;
	}
	if (__builtin_expect(!is_next(f, p, size) || flow_is_over(t, f, p->now_ns), 0))
		return account_special(t, f, p, wire, print);
	count_kind(t, p, PACKET_TCP);
	if (__builtin_expect(!p->window, 0) && size == wire)
		count_zero_window(t, f, p, f->dir[p->dir].window);
	account_next(f, p, wire, size, print);
	return FLOW_COUNT;
}
