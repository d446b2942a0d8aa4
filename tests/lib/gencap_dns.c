/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gencap's DNS: queries pipelined and answered out of order, ids used again, the same query sent twice, errors
 * without a question, zone transfers of many messages among other answers.
 */
#include "gencap_dns.h"

enum { PARTS_MAX = 5, ID_BASE = 0x1200 };

enum { TYPE_A = 1, TYPE_SOA = 6, TYPE_TXT = 16, TYPE_AAAA = 28, TYPE_OPT = 41 };
enum { TYPE_IXFR = 251, TYPE_AXFR = 252 };
enum { QR = 0x8000, RD = 0x0100, RA = 0x0080, NXDOMAIN = 3, REFUSED = 5 };

/* --- messages --- */

static void put16(struct dns_text *t, unsigned n)
{
	t->bytes[t->size++] = (uint8_t)(n >> 8);
	t->bytes[t->size++] = (uint8_t)n;
}

static void put32(struct dns_text *t, uint32_t n)
{
	put16(t, n >> 16);
	put16(t, n & 0xffff);
}

static void put_label(struct sim *s, struct dns_text *t, const char *label)
{
	unsigned n = (unsigned)strlen(label);
	t->bytes[t->size++] = (uint8_t)n;
	for (unsigned i = 0; i < n; i++)
		t->bytes[t->size++] =
			(uint8_t)(label[i] - (label[i] >= 'a' && sim_chance(s, 300) ? 32 : 0));
}

static void put_question(struct sim *s, struct dns_text *t, const struct ask *a)
{
	static const unsigned types[] = {TYPE_A, TYPE_AAAA, TYPE_TXT, TYPE_AXFR, TYPE_IXFR};
	char name[] = "host-a";
	name[5] = (char)('a' + a->key);
	put_label(s, t, name);
	put_label(s, t, a->key % 2 ? "example" : "a-much-longer-domain-of-an-example");
	put_label(s, t, "");
	put16(t, types[a->length]);
	put16(t, 1);
}

static void put_record(struct sim *s, struct dns_text *t, unsigned type, unsigned serial)
{
	static const unsigned sizes[] = {[TYPE_A] = 4, [TYPE_SOA] = 22, [TYPE_AAAA] = 16};
	unsigned size = type == TYPE_TXT ? 1 + (unsigned)sim_below(s, 100) : sizes[type];
	if (t->bytes[(t->framed ? 2 : 0) + 5]) /* the name of the question, else the root */
		put16(t, 0xc00c);
	else
		t->bytes[t->size++] = 0;
	put16(t, type);
	put16(t, 1);
	put32(t, 300);
	put16(t, size);
	if (type == TYPE_SOA) {
		put16(t, 0);
		put32(t, serial);
		size -= 6;
	} else if (type == TYPE_TXT) {
		t->bytes[t->size++] = (uint8_t)--size;
	}
	while (size--)
		t->bytes[t->size++] = (uint8_t)('a' + size % 26);
}

static void begin(struct dns_text *t, const struct ask *a, unsigned flags, bool question)
{
	t->size = 0;
	if (t->framed)
		put16(t, 0);
	put16(t, a->id);
	put16(t, flags);
	put16(t, question);
	put16(t, 0);
	put32(t, 0);
}

static void end(struct sim *s, struct dns_text *t, unsigned answers, bool edns)
{
	unsigned at = t->framed ? 2 : 0;
	if (edns && sim_chance(s, 400)) {
		t->bytes[at + 11] = 1;
		t->bytes[t->size++] = 0;
		put16(t, TYPE_OPT);
		put16(t, 1232);
		put32(t, 0);
		put16(t, 0);
	}
	t->bytes[at + 7] = (uint8_t)answers;
	if (!t->framed)
		return;
	t->bytes[0] = (uint8_t)((t->size - 2) >> 8);
	t->bytes[1] = (uint8_t)(t->size - 2);
}

void dns_query(struct sim *s, const struct ask *a, struct dns_text *t)
{
	begin(t, a, RD, true);
	put_question(s, t, a);
	end(s, t, 0, true);
}

void dns_answer(struct sim *s, const struct ask *a, bool first, bool last, struct dns_text *t)
{
	bool transfer = a->length >= ASKS_TRANSFER;
	bool error = first && last && sim_chance(s, s->dns.error_pm);
	bool bare = error && sim_chance(s, s->dns.bare_pm);
	unsigned n = error ? 0 : 1 + (unsigned)sim_below(s, 3), answers = 0;
	unsigned serial = 7, code = sim_chance(s, 500) ? NXDOMAIN : REFUSED;
	begin(t, a, QR | RD | RA | (error ? code : 0),
	      !bare && (first || s->dns.shared_ids || sim_chance(s, 500)));
	if (t->bytes[(t->framed ? 2 : 0) + 5])
		put_question(s, t, a);
	if (transfer && first && !error) {
		put_record(s, t, TYPE_SOA, serial);
		answers++;
	}
	if (a->length == ASKS_CHANGES && first && !last) { /* from 5 on, deleted and added */
		put_record(s, t, TYPE_SOA, 5);
		put_record(s, t, TYPE_A, 0);
		put_record(s, t, TYPE_SOA, serial);
		answers += 3;
	}
	while (n-- && !(a->length == ASKS_CHANGES && first && last)) {
		put_record(s, t, a->length == ASKS_TXT ? TYPE_TXT : TYPE_A, 0);
		answers++;
	}
	if (transfer && last && !error && !(a->length == ASKS_CHANGES && first)) {
		put_record(s, t, TYPE_SOA, serial);
		answers++;
	}
	end(s, t, answers, first && last && !bare);
}

/* --- the two programs --- */

/* May a request with this id and question be sent? */
static bool key_free(const struct sim *s, const struct ask *a)
{
	for (unsigned i = 0; i < s->ask_count; i++) {
		const struct ask *b = &s->asks[i];
		bool same = b->key == a->key && b->length == a->length;
		if (!b->done && b->id == a->id && (same || !s->dns.shared_ids))
			return false;
	}
	return true;
}

/* One that waits for its answer, and is no transfer; NULL: none. */
static const struct ask *waiting(struct sim *s)
{
	unsigned n = s->ask_count ? (unsigned)sim_below(s, s->ask_count) : 0;
	for (unsigned i = n; i < s->ask_count; i++)
		if (!s->asks[i].done && s->asks[i].length < ASKS_TRANSFER)
			return &s->asks[i];
	return NULL;
}

static bool dns_ask(struct sim *s, struct ask *a)
{
	struct dns_text t = {.framed = true};
	const struct ask *old = sim_chance(s, s->dns.repeat_pm) ? waiting(s) : NULL;
	if (old) {
		a->same = old->same;
		a->id = old->id;
		a->key = old->key;
		a->length = old->length;
	} else {
		a->id = (uint16_t)(ID_BASE + sim_below(s, s->dns.shared_ids ? 3 : 14));
		a->key = (uint8_t)sim_below(s, s->dns.names);
		a->length = (uint8_t)sim_below(s, ASKS_TRANSFER);
		if (sim_chance(s, s->dns.transfer_pm))
			a->length = sim_chance(s, 700) ? ASKS_TRANSFER : ASKS_CHANGES;
		if (!key_free(s, a))
			return false;
	}
	a->flags = a->length >= ASKS_TRANSFER ? (uint8_t)(1 + sim_below(s, PARTS_MAX)) : 1;
	dns_query(s, a, &t);
	if (!sim_put(&s->end[C], t.bytes, t.size))
		return false;
	a->to = s->end[C].written;
	return true;
}

/* `flags` of an ask: parts of its answer that are still to come. */
static void dns_reply(struct sim *s, unsigned id)
{
	struct dns_text t = {.framed = true};
	struct ask *a = &s->asks[id];
	bool first = a->answer < 0, last = a->flags == 1;
	if (!a->flags || s->end[S].want_fin)
		return;
	dns_answer(s, a, first, last, &t);
	if (!sim_say(s, t.bytes, t.size, (int)id))
		return;
	a->flags--;
	s->answer_end[a->answer] = last ? s->end[S].written : UINT64_MAX;
	if (!last)
		sim_reply_again(s, id);
	sim_push_out(s, S);
}

static void dns_plan(struct sim *s)
{
	struct dns_talk *d = &s->dns;
	d->names = 1 + (unsigned)sim_below(s, 5);
	d->shared_ids = sim_chance(s, 200);
	d->error_pm = sim_chance(s, 500) ? 150 : 0;
	d->bare_pm = !d->shared_ids && sim_chance(s, 500) ? 400 : 0;
	d->repeat_pm = sim_chance(s, 200) ? 100 : 0;
	d->transfer_pm = sim_chance(s, 300) ? 150 : 0;
	for (int end = 0; end < 2;
	     end++) { /* of a message in more than 64 packets not each is known */
		if (s->end[end].mss >= 30)
			continue;
		s->end[end].mss = 8;
		s->varied = false;
	}
}

const struct language gencap_dns = {.plan = dns_plan, .ask = dns_ask, .reply = dns_reply};
