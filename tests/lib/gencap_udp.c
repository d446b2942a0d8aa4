/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gencap's DNS over UDP: a resolver that asks from one port, asks again when nothing comes, and uses ids again; a server
 * that answers whatever arrives, in its own time; a network that loses, copies and reorders; ICMP errors; and
 * sometimes a second place where the same packets are seen.
 */
#include <stdlib.h>

#include "core/time.h"
#include "gencap_dns.h"
#include "packet/key.h"

enum { UDP_HEADER = 8, TRIES_MAX = 3, ID_BASE = 0x1200, ARRIVALS_MAX = 2 };

struct datagram {
	const uint8_t *bytes;
	unsigned size;
	uint32_t what; /* id and question: what may answer what */
	uint16_t ip_id;
	uint8_t kind;
};

static uint32_t what_of(const struct ask *a)
{
	return (uint32_t)a->id << 16 | (uint32_t)a->key << 8 | a->length;
}

static void capture(struct sim *s, int from, uint64_t at, const struct datagram *d, uint16_t place)
{
	struct packet *p = sim_made(s, from, PROTO_UDP);
	if (!p)
		return;
	p->kind = d->kind;
	p->seq = d->what;
	p->payload = d->bytes;
	p->payload_size = d->size;
	p->ip_id = d->ip_id;
	p->place = place;
	p->ts_ns = at;
	uint32_t sum = 1;
	for (unsigned i = 0; i < d->size; i++)
		sum = sum * 131 + d->bytes[i];
	p->checksum = (uint16_t)(sum ^ sum >> 16) | 1;
}

/* Sends a datagram at `at`; tells when it arrives: so many times. */
static unsigned send(struct sim *s, int from, uint64_t at, struct datagram *d,
		     uint64_t arrives[ARRIVALS_MAX])
{
	struct end *e = &s->end[from];
	unsigned n = 1 + sim_chance(s, s->dns.copy_pm), arrived = 0;
	d->ip_id = ++e->ip_id ? e->ip_id : ++e->ip_id;
	for (unsigned i = 0; i < n; i++) {
		uint64_t seen = at + (from == C ? s->place : s->latency - s->place);
		uint64_t late = sim_chance(s, s->reorder_net_pm) ? sim_below(s, 3 * NS_PER_MS) : 0;
		bool lost = sim_chance(s, s->net_loss_pm);
		at += late;
		if (!lost || sim_chance(s, 500))
			capture(s, from, seen + late, d, 0);
		if (s->dns.second_pm && (!lost || sim_chance(s, 500)) &&
		    sim_chance(s, s->dns.second_pm))
			capture(s, from, seen + late + sim_below(s, NS_PER_MS) - s->dns.ahead, d,
				1);
		if (!lost)
			arrives[arrived++] = at + s->latency;
	}
	return arrived;
}

static bool keep(struct end *e, const uint8_t *bytes, unsigned size, struct datagram *ret)
{
	ret->bytes = e->stream + e->written;
	ret->size = size;
	return sim_put(e, bytes, size);
}

/* The server has a query; tells when the first answer arrives. */
static uint64_t answer(struct sim *s, const struct ask *a, uint64_t at)
{
	struct dns_text t = {.size = 0};
	struct datagram d = {.what = what_of(a), .kind = PACKET_UDP};
	uint64_t arrives[ARRIVALS_MAX];
	at += sim_chance(s, s->dns.slow_pm) ? sim_below(s, 25 * NS_PER_S)
					    : sim_below(s, s->delay_max);
	dns_answer(s, a, true, true, &t);
	if (!keep(&s->end[S], t.bytes, t.size, &d) || !send(s, S, at, &d, arrives))
		return UINT64_MAX;
	return arrives[0];
}

/* The network says that the server is not there, and quotes some of the query. */
static void refuse(struct sim *s, const struct datagram *query, uint64_t at)
{
	static const uint8_t header[UDP_HEADER];
	struct end *e = &s->end[S];
	struct datagram d = {.kind = PACKET_ICMP_ERROR}, rest;
	unsigned n = sim_chance(s, 500) ? query->size : (unsigned)sim_below(s, query->size);
	if (!keep(e, header, UDP_HEADER, &d) || !keep(e, query->bytes, n, &rest))
		return;
	d.size += n;
	capture(s, C, at, &d, 0);
}

/* Asks until an answer is there, or the patience is over. */
static void ask(struct sim *s, struct ask *a)
{
	struct dns_text t = {.size = 0};
	struct datagram d = {.what = what_of(a), .kind = PACKET_UDP};
	unsigned tries = sim_chance(s, 500) ? TRIES_MAX : 1;
	uint64_t at = s->now, answered = UINT64_MAX;
	dns_query(s, a, &t);
	if (!keep(&s->end[C], t.bytes, t.size, &d))
		return;
	for (unsigned i = 0; i < tries && at < answered; i++) {
		uint64_t arrives[ARRIVALS_MAX];
		unsigned n = send(s, C, at, &d, arrives);
		if (n && sim_chance(s, s->dns.refuse_pm)) {
			refuse(s, &d, arrives[0] + s->latency);
			answered = arrives[0] + s->latency;
		}
		for (unsigned k = 0; k < n && answered == UINT64_MAX; k++)
			answered = answer(s, a, arrives[k]);
		at += NS_PER_S + sim_below(s, 4 * NS_PER_S);
	}
	a->to = answered < at ? answered : at;
}

/* One id is for one question at a time, unless ids are shared; then only id and question are. */
static bool is_free(const struct sim *s, const struct ask *a)
{
	for (unsigned i = 0; i < s->ask_count; i++) {
		const struct ask *b = &s->asks[i];
		bool same = b->key == a->key && b->length == a->length;
		if (b->to > s->now && b->id == a->id && (same || !s->dns.shared_ids))
			return false;
	}
	return true;
}

void sim_datagrams(struct sim *s)
{
	struct dns_talk *d = &s->dns;
	d->copy_pm = sim_chance(s, 300) ? 100 : 0;
	d->slow_pm = sim_chance(s, 300) ? 150 : 0;
	d->refuse_pm = sim_chance(s, 200) ? 100 : 0;
	d->second_pm = sim_chance(s, 200) ? 900 : 0;
	d->ahead = sim_chance(s, 300) ? NS_PER_MS / 2 : 0;
	for (unsigned i = 0; i < s->total && s->ask_count < MESSAGES_MAX; i++) {
		struct ask *a = &s->asks[s->ask_count];
		*a = (struct ask){.id = (uint16_t)(ID_BASE + sim_below(s, d->shared_ids ? 3 : 14)),
				  .key = (uint8_t)sim_below(s, d->names),
				  .length = (uint8_t)sim_below(s, ASKS_TRANSFER)};
		s->now += sim_chance(s, 30) ? sim_below(s, 15 * NS_PER_S) : sim_below(s, s->think);
		if (!is_free(s, a))
			continue;
		ask(s, a);
		s->ask_count++;
	}
}
