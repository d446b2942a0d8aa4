/* SPDX-License-Identifier: Apache-2.0 */
/* gencap's toys: every flag of toys.h now and then. */
#include "gencap_sim.h"
#include "toys.h"

enum { TOY_MAX = 4 + 128 };

static unsigned put_message(struct sim *s, uint8_t *m, uint8_t flags, uint8_t key, uint8_t length,
			    bool body, unsigned id)
{
	unsigned n = 0;
	m[n++] = TOY_MAGIC;
	m[n++] = flags;
	if (s->keyed)
		m[n++] = key;
	m[n++] = length;
	for (unsigned i = 0; body && i < length; i++)
		m[n++] = (uint8_t)(i == 0   ? id & 0x7f
				   : i == 1 ? id >> 7 & 0x7f
					    : 'a' + (id + i) % 26);
	return n;
}

static uint8_t random_length(struct sim *s)
{
	static const uint8_t max[] = {2, 10, 16, 40, 127};
	return (uint8_t)sim_below(s, max[sim_below(s, 5)] + 1);
}

static bool key_free(const struct sim *s, uint8_t key)
{
	for (unsigned i = 0; i < s->ask_count; i++)
		if (s->asks[i].key == key && !s->asks[i].oneway &&
		    (!s->asks[i].done || s->asks[i].cancelled))
			return false;
	return true;
}

static bool toys_ask(struct sim *s, struct ask *a)
{
	uint8_t m[TOY_MAX];
	struct end *e = &s->end[C];
	a->length = random_length(s);
	a->key = (uint8_t)(s->ask_count & 0x7f);
	if (s->keyed && !s->unique) {
		a->key = (uint8_t)sim_below(s, 12);
		if (!key_free(s, a->key))
			return false;
	}
	if (sim_chance(s, s->oneway_pm))
		a->flags |= TOY_ONEWAY;
	else if (sim_chance(s, s->quiet_pm))
		a->flags |= TOY_QUIET;
	if (!sim_put(e, m, put_message(s, m, a->flags, a->key, a->length, true, s->ask_count)))
		return false;
	a->to = e->written;
	a->oneway = a->flags & TOY_ONEWAY;
	if (s->keyed && !a->oneway && sim_chance(s, s->cancel_pm))
		a->cancelled = a->done =
			sim_put(e, m, put_message(s, m, TOY_CANCEL, a->key, 0, false, 0));
	return true;
}

static void answer_one(struct sim *s, unsigned id, uint8_t flags)
{
	uint8_t m[TOY_MAX];
	const struct ask *a = &s->asks[id];
	uint8_t length = random_length(s);
	bool body = flags & TOY_PUSH || !(a->flags & TOY_QUIET);
	bool final = !(flags & (TOY_INTERIM | TOY_PUSH));
	sim_say(s, m, put_message(s, m, flags, a->key, length, body, id), final ? (int)id : -1);
}

static void toys_reply(struct sim *s, unsigned id)
{
	struct ask *a = &s->asks[id];
	if (a->answer >= 0 || (a->cancelled && sim_chance(s, 800)) || s->end[S].want_fin)
		return;
	if (sim_chance(s, s->push_pm))
		answer_one(s, id, TOY_PUSH);
	if (!(a->flags & TOY_QUIET) && sim_chance(s, s->interim_pm))
		answer_one(s, id, TOY_INTERIM);
	uint8_t flags = sim_chance(s, 50) ? TOY_ERROR : 0;
	bool all = s->unique && sim_chance(s, s->up_to_pm);
	answer_one(s, id, flags | (all ? TOY_UP_TO : 0));
	for (unsigned i = 0; all && i < id; i++)
		if (s->asks[i].answer < 0 && !s->asks[i].oneway && !s->asks[i].cancelled)
			s->asks[i].answer = a->answer;
	sim_push_out(s, S);
}

const struct language gencap_toys = {.ask = toys_ask, .reply = toys_reply};
