/* SPDX-License-Identifier: Apache-2.0 */
/* The plan, what the capture does to the packets, and the truth; the conversation is gencap_sim.c. */
#include "gencap.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/time.h"
#include "gencap_sim.h"
#include "toys.h"

extern const struct protocol_ops redis_ops, dns_ops;

static int by_key(const void *a, const void *b)
{
	const struct made *x = a, *y = b;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

struct damage {
	unsigned loss_pm, burst, copy_pm, swap_pm;
	uint64_t skew[2];
	uint32_t snaplen;
	uint64_t midstream; /* ns after the start */
	int only;           /* end whose packets are seen; -1: both */
	bool shift_times;
};

static size_t lose(struct sim *s, const struct damage *d, const struct gencap *g, uint64_t start)
{
	size_t kept = 0;
	unsigned burst = 0;
	for (size_t i = 0; i < s->made_count; i++) {
		struct made m = s->made[i];
		int from = (m.p.dir == s->client_dir) ? C : S;
		if (!burst && sim_chance(s, d->loss_pm))
			burst = 1 + (unsigned)sim_below(s, d->burst);
		bool kept_syn =
			g->conversations && m.p.flags & TCP_SYN; /* else two streams would be one */
		if (burst && !kept_syn) {
			burst--;
			continue;
		}
		if ((d->only >= 0 && from != d->only && !kept_syn) ||
		    m.p.ts_ns < start + d->midstream)
			continue;
		if (d->snaplen && m.p.payload_size > d->snaplen) {
			m.p.payload_cut = m.p.payload_size - d->snaplen;
			m.p.payload_size = d->snaplen;
		}
		m.key = m.p.ts_ns + d->skew[from];
		if (d->shift_times)
			m.p.ts_ns = m.key;
		s->made[kept++] = m;
	}
	return kept;
}

/* Sorted as the file has them, swapped and copied, appended to g. */
static void write_out(struct sim *s, const struct damage *d, struct gencap *g)
{
	uint64_t start = s->made_count ? s->made[0].p.ts_ns : 0;
	qsort(s->made, s->made_count, sizeof(s->made[0]), by_key);
	size_t n = lose(s, d, g, start);
	qsort(s->made, n, sizeof(s->made[0]), by_key);
	for (size_t i = 0; i + 1 < n; i++) {
		uint64_t apart = s->made[i + 1].key - s->made[i].key;
		if (!sim_chance(s, d->swap_pm) ||
		    (s->made[i].p.flags | s->made[i + 1].p.flags) & TCP_SYN ||
		    (g->datagrams && apart > NS_PER_MS))
			continue;
		struct made m = s->made[i];
		s->made[i] = s->made[i + 1];
		s->made[i + 1] = m;
	}
	g->packets = sim_grown(g->packets, (g->count + 2 * n + 1) * sizeof(*g->packets));
	struct gencap_conversation *c = &g->conversation[g->conversations];
	bool based[2] = {false, false}, begun = false;
	c->start_ns = n ? s->made[0].p.ts_ns : 0;
	for (size_t i = 0; i < n; i++) {
		struct packet p = s->made[i].p;
		int from = p.dir == s->client_dir ? C : S;
		begun |= p.flags & TCP_SYN || p.payload_size || p.payload_cut;
		if (begun && !based[from])
			c->base[from][0] =
				(int32_t)(p.seq + !!(p.flags & TCP_SYN) - s->end[from].isn - 1);
		if (begun && p.flags & TCP_ACK && !based[!from])
			c->base[!from][0] = (int32_t)(p.ack - s->end[!from].isn - 1);
		based[from] |= begun;
		based[!from] |= begun && p.flags & TCP_ACK;
		c->start_ns = p.ts_ns < c->start_ns ? p.ts_ns : c->start_ns;
		unsigned copies = 1 + sim_chance(s, d->copy_pm);
		while (copies--)
			g->packets[g->count++] = p;
	}
}

static void choose(struct sim *s, struct gencap *g, enum gencap_talk talk)
{
	const struct protocol_ops *const toys[] = {&toy_fifo_ops, &toy_fifo_ops, &toy_fifo_ops,
						   &toy_keyed_ops, &toy_unique_ops};
	if (talk == GENCAP_TOYS)
		g->ops = toys[sim_below(s, 5)];
	else
		g->ops = talk == GENCAP_REDIS ? &redis_ops : &dns_ops;
	s->language = talk == GENCAP_TOYS    ? &gencap_toys
		      : talk == GENCAP_REDIS ? &gencap_redis
					     : &gencap_dns;
	g->datagrams = talk == GENCAP_UDP;
	s->unique = g->ops->pairing == PAIR_KEY_UNIQUE;
	s->keyed = g->ops->pairing != PAIR_FIFO;
}

static void plan(struct sim *s, struct gencap *g)
{
	static const unsigned mss[] = {1, 3, 8, 30, 60, 200, 1460};
	s->client_dir = g->client = (unsigned)sim_below(s, 2);
	s->mode = (enum mode)sim_below(s, 3);
	s->window = 1 + (unsigned)sim_below(s, sim_chance(s, 300) ? 20 : 5);
	s->ramp = sim_chance(s, 300) ? (unsigned)sim_below(s, 5) : 0;
	s->total = 1 + (unsigned)sim_below(s, sim_chance(s, 100) ? 120 : 30);
	s->latency = 20000 + sim_below(s, sim_chance(s, 500) ? 200000 : 10 * NS_PER_MS);
	s->place = sim_below(s, s->latency);
	s->think = sim_chance(s, 300) ? 400 * NS_PER_MS : 1 + sim_below(s, 5 * NS_PER_MS);
	s->delay_max = 1 + sim_below(s, sim_chance(s, 500) ? 100000 : 30 * NS_PER_MS);
	s->net_loss_pm = sim_chance(s, 300) ? (unsigned)sim_below(s, 60) : 0;
	s->reorder_net_pm = sim_chance(s, 200) ? (unsigned)sim_below(s, 60) : 0;
	s->overlap_pm = sim_chance(s, 500) ? 500 : 0;
	s->keepalive_pm = sim_chance(s, 200) ? 10 : 0;
	s->interim_pm = sim_chance(s, 200) ? 200 : 0;
	s->oneway_pm = sim_chance(s, 200) ? 100 : 0;
	s->quiet_pm = !s->keyed && sim_chance(s, 300) ? 200 : 0;
	s->push_pm = sim_chance(s, 150) ? 100 : 0;
	s->cancel_pm = s->keyed && sim_chance(s, 200) ? 100 : 0;
	s->up_to_pm = s->unique && sim_chance(s, 200) ? 200 : 0;
	s->varied = sim_chance(s, 500);
	s->tcp_window = 4096;
	s->end[C].mss = mss[sim_below(s, 7)];
	s->end[S].mss = mss[sim_below(s, 7)];
	if (s->end[C].mss < 8 || s->end[S].mss < 8)
		s->total = 1 + s->total % 12;
	s->close = (unsigned)sim_below(s, 5);
	if (s->language->plan)
		s->language->plan(s);
}

static struct damage damage_of(struct sim *s)
{
	struct damage d = {.only = -1};
	d.loss_pm = sim_chance(s, 600) ? (unsigned)sim_below(s, 100) : 0;
	d.burst = sim_chance(s, 500) ? 1 : 6;
	d.copy_pm = sim_chance(s, 200) ? (unsigned)sim_below(s, 300) : 0;
	d.swap_pm = sim_chance(s, 300) ? (unsigned)sim_below(s, 200) : 0;
	if (sim_chance(s, 400))
		d.skew[sim_below(s, 2)] = sim_below(s, 20 * NS_PER_MS);
	d.shift_times = sim_chance(s, 500);
	d.snaplen = sim_chance(s, 60) ? 1 + (uint32_t)sim_below(s, 60) : 0;
	d.midstream = sim_chance(s, 200) ? sim_below(s, 100 * NS_PER_MS) : 0;
	d.only = sim_chance(s, 60) ? (int)sim_below(s, 2) : -1;
	return d;
}

static void one_conversation(struct sim *s, struct gencap *g, const struct damage *d)
{
	struct gencap_conversation *c = &g->conversation[g->conversations];
	for (int end = 0; end < 2; end++) {
		struct end *e = &s->end[end];
		*e = (struct end){.mss = e->mss};
		e->isn = sim_chance(s, 200) ? 0xffffff00u + (uint32_t)sim_below(s, 250)
					    : (uint32_t)gencap_random(&s->rng);
		/* The numbers of a new connection are far from the old one's (RFC 6528). */
		e->isn += g->conversations << 30;
		e->stream = calloc(1, STREAM_MAX);
		e->seen = calloc(1, STREAM_MAX + 1);
		if (!e->stream || !e->seen)
			abort();
		c->stream[end] = e->stream;
	}
	s->event_count = s->ask_count = s->processed = s->finished = s->answers = 0;
	s->made_count = 0;
	s->closing = false;
	s->last_reply = 0;
	s->redis.said = (struct redis_said){0};
	if (g->datagrams)
		sim_datagrams(s);
	else
		sim_converse(s);
	write_out(s, d, g);
	c->requests = calloc(s->ask_count + 1, sizeof(*c->requests));
	c->answers = calloc(s->answers + 1, sizeof(*c->answers));
	if (!c->requests || !c->answers)
		abort();
	for (unsigned i = 0; i < s->ask_count; i++)
		c->requests[i] = (struct gencap_message){s->asks[i].from, s->asks[i].answer,
							 s->asks[i].same};
	memcpy(c->answers, s->answer_at, s->answers * sizeof(*c->answers));
	c->request_count = s->ask_count;
	c->answer_count = s->answers;
	g->conversations++;
	free(s->end[C].seen);
	free(s->end[S].seen);
}

void gencap_make(enum gencap_talk talk, uint64_t seed, struct gencap *ret)
{
	struct sim *s = calloc(1, sizeof(*s));
	*ret = (struct gencap){0};
	if (!s)
		abort();
	s->rng = seed;
	s->now = 1700000000 * NS_PER_S + sim_below(s, NS_PER_S);
	choose(s, ret, talk);
	plan(s, ret);
	struct damage d = damage_of(s);
	bool again = s->close && sim_chance(s, 50) && !ret->datagrams;
	one_conversation(s, ret, &d);
	if (again) {
		s->now += (2 + sim_below(s, 3)) * NS_PER_S;
		s->close = 1;
		d.midstream = 0;
		one_conversation(s, ret, &d);
	}
	uint64_t now = 0;
	for (size_t i = 0; i < ret->count; i++) {
		struct packet *p = &ret->packets[i];
		now = p->ts_ns > now ? p->ts_ns : now;
		p->index = p->frame = i + 1;
		p->now_ns = now;
	}
	snprintf(ret->text, sizeof(ret->text),
		 "%s, %s of up to %u, ramp %u, %u requests, mss %u and %u%s, latency %.3f ms, "
		 "network loss %u, "
		 "network reordering %u; capture: loss %u in bursts up to %u, copies %u, swaps %u "
		 "(per mille), skew "
		 "%.1f and %.1f ms%s, snaplen %u, from %.1f ms on%s%s",
		 ret->ops->name,
		 s->mode == WINDOW    ? "window"
		 : s->mode == BATCHES ? "batches"
				      : "one at a time",
		 s->window, s->ramp, s->total, s->end[C].mss, s->end[S].mss,
		 s->varied ? " varied" : "", (double)s->latency / 1e6, s->net_loss_pm,
		 s->reorder_net_pm, d.loss_pm, d.burst, d.copy_pm, d.swap_pm,
		 (double)d.skew[C] / 1e6, (double)d.skew[S] / 1e6,
		 d.shift_times ? " in the times" : "", d.snaplen, (double)d.midstream / 1e6,
		 d.only < 0    ? ""
		 : d.only == C ? ", client only"
			       : ", server only",
		 again ? ", twice" : "");
	free(s->made);
	free(s);
}

void gencap_free(struct gencap *g)
{
	for (unsigned i = 0; i < g->conversations; i++) {
		struct gencap_conversation *c = &g->conversation[i];
		free(c->requests);
		free(c->answers);
		free(c->stream[0]);
		free(c->stream[1]);
	}
	free(g->packets);
	*g = (struct gencap){0};
}

static int index_of(const struct gencap_message *m, unsigned count, uint64_t offset)
{
	for (unsigned i = 0; i < count; i++)
		if (m[i].from == offset)
			return (int)i;
	return -1;
}

/* Is answer `a` one to request `q`, or to one that says the same? */
static bool belongs(const struct gencap_conversation *c, int q, int a)
{
	for (unsigned i = 0; i < c->request_count; i++)
		if (c->requests[i].answer >= 0 && c->requests[i].answer == c->answers[a].answer &&
		    c->requests[i].same == c->requests[q].same)
			return true;
	return false;
}

/* gencap_udp.c: seq says what a packet is about. */
static enum gencap_verdict datagrams_true(const struct packet *q, const struct packet *a)
{
	enum { DNS_HEADER = 12 };
	if (q->seq == a->seq)
		return GENCAP_RIGHT;
	bool bare =
		a->payload_size + a->payload_cut == DNS_HEADER; /* or its question may be cut off */
	return (bare || a->payload_cut || q->payload_cut) && q->seq >> 16 == a->seq >> 16
		       ? GENCAP_GUESSED
		       : GENCAP_WRONG;
}

enum gencap_verdict gencap_pair_true(const struct gencap *g, uint64_t time_ns, uint64_t request,
				     uint64_t response)
{
	if (g->datagrams)
		return datagrams_true(&g->packets[request - 1], &g->packets[response - 1]);
	unsigned n = g->conversations > 1 && time_ns >= g->conversation[1].start_ns;
	const struct gencap_conversation *c = &g->conversation[n];
	enum gencap_verdict found = GENCAP_BOGUS;
	for (unsigned i = 0; i < 4 && found != GENCAP_RIGHT; i++) {
		int q = index_of(c->requests, c->request_count,
				 request + (uint64_t)c->base[C][i & 1]);
		int a = index_of(c->answers, c->answer_count,
				 response + (uint64_t)c->base[S][i >> 1]);
		if (q >= 0 && a >= 0)
			found = belongs(c, q, a) ? GENCAP_RIGHT : GENCAP_WRONG;
	}
	return found;
}
