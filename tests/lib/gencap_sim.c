/* SPDX-License-Identifier: Apache-2.0 */
#include "gencap_sim.h"

#include <stdlib.h>

#include "core/time.h"
#include "packet/key.h"

uint64_t gencap_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ull);
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

uint64_t sim_below(struct sim *s, uint64_t n)
{
	return n ? gencap_random(&s->rng) % n : 0;
}

void *sim_grown(void *block, size_t size)
{
	void *p = realloc(block, size);
	if (!p)
		abort();
	return p;
}

bool sim_chance(struct sim *s, unsigned per_mille)
{
	return sim_below(s, 1000) < per_mille;
}

static void post(struct sim *s, struct event e)
{
	e.order = s->posted++;
	if (s->event_count < EVENTS_MAX)
		s->events[s->event_count++] = e;
}

/* --- what goes into the file --- */

struct packet *sim_made(struct sim *s, int from, uint8_t proto)
{
	if (s->made_count == CAPTURED_MAX)
		return NULL;
	if (s->made_count == s->made_room) {
		s->made_room = 2 * s->made_room + 256;
		s->made = sim_grown(s->made, s->made_room * sizeof(*s->made));
	}
	struct made *m = &s->made[s->made_count];
	*m = (struct made){.order = (unsigned)s->made_count};
	s->made_count++;
	struct packet *p = &m->p;
	uint32_t client = 0x0a000001, server = s->client_dir ? 0x09000002 : 0x0a000002;
	key_set_v4(p, from == C ? client : server, from == C ? server : client,
		   from == C ? 40000 : GENCAP_SERVER_PORT, from == C ? GENCAP_SERVER_PORT : 40000,
		   proto, 0);
	p->owner = owner_of(&p->key, p->hash, 0, NULL);
	return p;
}

static void capture(struct sim *s, int from, const struct segment *g)
{
	struct end *e = &s->end[from], *o = &s->end[!from];
	struct packet *p = sim_made(s, from, PROTO_TCP);
	if (!p)
		return;
	p->kind = PACKET_TCP;
	p->flags = g->flags;
	p->seq = e->isn + !(g->flags & TCP_SYN) + (uint32_t)g->from;
	p->ack = g->flags & TCP_ACK ? o->isn + 1 + (uint32_t)g->ack : 0;
	p->payload = e->stream + g->from;
	p->payload_size = (uint32_t)g->len;
	p->window = (uint16_t)(g->flags & TCP_SYN ? 65535 : s->tcp_window);
	p->window_scale = g->flags & TCP_SYN ? 7 : 255;
	p->ip_id = ++e->ip_id ? e->ip_id : ++e->ip_id;
	p->ts_ns = s->now + (from == C ? s->place : s->latency - s->place);
	uint64_t sum = p->seq * 31ull + p->ack + p->flags * 7 + 1;
	for (uint64_t i = 0; i < g->len; i++)
		sum = sum * 131 + p->payload[i];
	p->checksum = (uint16_t)(sum ^ sum >> 16);
}

static void emit(struct sim *s, int from, struct segment g)
{
	struct end *e = &s->end[from];
	bool lost = sim_chance(s, s->net_loss_pm), seen = !lost || sim_chance(s, 500);
	g.ack = e->got;
	if (e->peer_fin != UINT64_MAX && e->got == e->peer_fin)
		g.ack = e->got + 1;
	if (seen)
		capture(s, from, &g);
	e->owed = 0;
	e->ack_at = 0;
	if (lost)
		return;
	uint64_t at = s->now + s->latency;
	if (sim_chance(s, s->reorder_net_pm))
		at += sim_below(s, 3 * NS_PER_MS);
	post(s, (struct event){.at = at, .kind = ARRIVES, .end = !from, .seg = g});
}

void sim_push_out(struct sim *s, int end)
{
	struct end *e = &s->end[end];
	while (!e->reset && e->next < e->written && e->next - e->una < 16384) {
		uint64_t mss = s->varied ? 1 + sim_below(s, e->mss) : e->mss;
		struct segment g = {e->next, e->written - e->next, 0, TCP_ACK};
		if (g.len > mss)
			g.len = mss;
		e->next += g.len;
		if (e->want_fin && e->next == e->written) {
			g.flags |= TCP_FIN;
			e->fin_sent = true;
		}
		emit(s, end, g);
	}
	if (!e->reset && e->want_fin && !e->fin_sent && e->next == e->written) {
		e->fin_sent = true;
		emit(s, end, (struct segment){e->written, 0, 0, TCP_ACK | TCP_FIN});
	}
	if (!e->rto_at && e->una < e->next + e->fin_sent)
		e->rto_at = s->now + 200 * NS_PER_MS;
}

static void retransmit(struct sim *s, int end)
{
	struct end *e = &s->end[end];
	if (e->reset || e->una >= e->next + e->fin_sent)
		return;
	struct segment g = {e->una, e->next > e->una ? e->next - e->una : 0, 0, TCP_ACK};
	uint64_t back = sim_chance(s, s->overlap_pm) ? sim_below(s, 20) : 0;
	g.from -= back < g.from ? back : g.from;
	g.len = e->next - g.from;
	uint64_t mss = s->varied ? 1 + sim_below(s, 2 * e->mss) : e->mss;
	mss += e->una - g.from;
	if (g.len > mss)
		g.len = mss;
	if (e->fin_sent && g.from + g.len == e->written)
		g.flags |= TCP_FIN;
	emit(s, end, g);
	e->rto_at = s->now + 200 * NS_PER_MS;
	e->duplicates = 0;
}

/* --- the two programs --- */

bool sim_put(struct end *e, const void *bytes, size_t n)
{
	if (e->written + n > STREAM_MAX - 1024)
		return false;
	memcpy(e->stream + e->written, bytes, n);
	e->written += n;
	return true;
}

bool sim_say(struct sim *s, const void *bytes, size_t n, int id)
{
	struct end *e = &s->end[S];
	unsigned i = s->answers;
	uint64_t from = e->written;
	if (i >= MESSAGES_MAX * 3 || !sim_put(e, bytes, n))
		return false;
	s->answer_end[i] = e->written;
	s->answers++;
	if (id >= 0 && s->asks[id].answer < 0)
		s->asks[id].answer = (int)i;
	s->answer_at[i] =
		(struct gencap_message){.from = from, .answer = id < 0 ? -1 : s->asks[id].answer};
	return true;
}

void sim_reply_again(struct sim *s, unsigned id)
{
	post(s, (struct event){.at = s->now + 1 + sim_below(s, s->delay_max),
			       .kind = REPLY,
			       .end = S,
			       .arg = (int)id});
}

static void ask_one(struct sim *s)
{
	if (s->ask_count >= s->total)
		return;
	struct ask *a = &s->asks[s->ask_count];
	*a = (struct ask){.answer = -1, .from = s->end[C].written, .same = (int)s->ask_count};
	if (!s->language->ask(s, a))
		return;
	a->done |= a->oneway;
	s->finished += a->done;
	s->ask_count++;
}

static void ask_more(struct sim *s)
{
	unsigned open = s->ask_count - s->finished, n = 0;
	if (s->closing || s->end[C].want_fin)
		return;
	if (s->mode == SEQUENTIAL || s->ask_count < s->ramp)
		n = open ? 0 : 1;
	else if (s->mode == BATCHES)
		n = open ? 0 : 1 + (unsigned)sim_below(s, s->window);
	else
		n = open < s->window ? s->window - open : 0;
	while (n--)
		ask_one(s);
	sim_push_out(s, C);
	if (s->ask_count < s->total && s->ask_count == s->finished)
		post(s, (struct event){.at = s->now + 1 + sim_below(s, s->think), .kind = ASK});
	if (s->ask_count >= s->total && s->finished == s->ask_count)
		s->closing = true;
}

/* New bytes arrived in order: the program at this end looks. */
static void read_in(struct sim *s, int end)
{
	struct end *e = &s->end[end];
	if (end == S) {
		for (; s->processed < s->ask_count && s->asks[s->processed].to <= e->got;
		     s->processed++) {
			uint64_t at = s->now + sim_below(s, s->delay_max);
			if (s->asks[s->processed].oneway)
				continue;
			if (!s->keyed && at < s->last_reply)
				at = s->last_reply;
			s->last_reply = at;
			post(s,
			     (struct event){
				     .at = at, .kind = REPLY, .end = S, .arg = (int)s->processed});
		}
		return;
	}
	unsigned before = s->finished;
	for (unsigned i = 0; i < s->ask_count; i++) {
		struct ask *a = &s->asks[i];
		if (!a->done && a->answer >= 0 && s->answer_end[a->answer] <= e->got) {
			a->done = true;
			s->finished++;
		}
	}
	if (s->finished > before && (s->mode == WINDOW || s->finished == s->ask_count)) {
		uint64_t at =
			s->now + (s->mode == WINDOW ? sim_below(s, 20000) : sim_below(s, s->think));
		post(s, (struct event){.at = at + 1, .kind = ASK});
	}
}

static void arrives(struct sim *s, int end, const struct segment *g)
{
	struct end *e = &s->end[end];
	if (e->reset)
		return;
	if (g->flags & TCP_RST) {
		e->reset = true;
		return;
	}
	if (g->flags & TCP_ACK && g->ack > e->una) {
		e->una = g->ack;
		e->duplicates = 0;
		e->rto_at = e->una < e->next + e->fin_sent ? s->now + 200 * NS_PER_MS : 0;
	} else if (!g->len && !(g->flags & TCP_FIN) && e->una < e->next && ++e->duplicates == 3) {
		retransmit(s, end);
	}
	if (!g->len && !(g->flags & TCP_FIN))
		return;
	uint64_t before = e->got;
	for (uint64_t i = 0; i < g->len; i++)
		e->seen[g->from + i] = 1;
	if (g->flags & TCP_FIN)
		e->peer_fin = g->from + g->len;
	while (e->got < STREAM_MAX && e->seen[e->got])
		e->got++;
	if (e->got > before)
		read_in(s, end);
	bool fin = e->peer_fin == e->got;
	if (fin && !e->want_fin) {
		e->want_fin = true;
		sim_push_out(s, end);
	}
	sim_push_out(s, end);
	if (fin || e->got == before || ++e->owed == 2)
		emit(s, end, (struct segment){e->next + e->fin_sent, 0, 0, TCP_ACK});
	else if (e->owed && !e->ack_at)
		e->ack_at = s->now + 40 * NS_PER_MS;
}

static void handshake(struct sim *s)
{
	struct segment syn = {0, 0, 0, TCP_SYN}, synack = {0, 0, 0, TCP_SYN | TCP_ACK};
	capture(s, C, &syn);
	s->now += s->latency;
	capture(s, S, &synack);
	s->now += s->latency;
	capture(s, C, &(struct segment){0, 0, 0, TCP_ACK});
	post(s, (struct event){.at = s->now + sim_below(s, NS_PER_MS), .kind = ASK});
}

static void finish(struct sim *s)
{
	int end = s->close == 1 || s->close == 3 ? C : S;
	struct end *e = &s->end[end];
	if (s->close == 1 || s->close == 2) {
		e->want_fin = true;
		sim_push_out(s, end);
	} else if (s->close) {
		e->reset = true;
		emit(s, end, (struct segment){e->next, 0, 0, TCP_RST | TCP_ACK});
	}
	s->close = 0;
}

static void keepalive(struct sim *s)
{
	for (int end = 0; end < 2; end++) {
		struct end *e = &s->end[end];
		if (e->next && e->una == e->next && !e->fin_sent && !e->reset)
			emit(s, end, (struct segment){e->next - 1, sim_below(s, 2), 0, TCP_ACK});
	}
}

/* The time of the next thing to happen, and what it is. */
static bool step(struct sim *s)
{
	uint64_t at = UINT64_MAX;
	int which = -1;
	for (unsigned i = 0; i < s->event_count; i++)
		if (s->events[i].at < at ||
		    (s->events[i].at == at && s->events[i].order < s->events[which].order))
			at = s->events[i].at, which = (int)i;
	struct event e = which >= 0 ? s->events[which] : (struct event){0};
	for (int end = 0; end < 2; end++) {
		struct end *x = &s->end[end];
		if (x->ack_at && x->ack_at < at)
			at = x->ack_at, which = -2,
			e = (struct event){.kind = ACK_TIMER, .end = end};
		if (x->rto_at && x->rto_at < at)
			at = x->rto_at, which = -2, e = (struct event){.kind = RTO, .end = end};
	}
	if (which == -1)
		return false;
	if (which >= 0)
		s->events[which] = s->events[--s->event_count];
	s->now = at > s->now ? at : s->now;
	struct end *x = &s->end[e.end];
	if (e.kind == ARRIVES)
		arrives(s, e.end, &e.seg);
	else if (e.kind == ACK_TIMER)
		emit(s, e.end, (struct segment){x->next + x->fin_sent, 0, 0, TCP_ACK});
	else if (e.kind == RTO)
		x->rto_at = 0, retransmit(s, e.end);
	else if (e.kind == REPLY)
		s->language->reply(s, (unsigned)e.arg);
	else if (e.kind == ASK)
		ask_more(s);
	if (sim_chance(s, s->keepalive_pm))
		keepalive(s);
	return true;
}

void sim_converse(struct sim *s)
{
	for (int end = 0; end < 2; end++)
		s->end[end].peer_fin = UINT64_MAX;
	handshake(s);
	uint64_t stop =
		s->now + (sim_chance(s, 100) ? sim_below(s, 100) * NS_PER_MS : 60 * NS_PER_S);
	for (unsigned i = 0; i < 20000; i++) {
		bool more = step(s);
		if ((!more || s->closing || s->now > stop) && s->close)
			finish(s);
		else if (!more || s->now > stop + NS_PER_S)
			break;
	}
}
