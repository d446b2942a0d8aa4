/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/turn.h"

#include "protocol/hold.h"
#include "protocol/registry.h"

enum {
	BAD_MAX = 3,      /* in a row: decoding ends */
	SWITCHES_MAX = 8, /* in one call: decoders that hand over to each other for ever */
};

/* --- counting --- */

static struct protocol_stats *stats_of(const struct feeder *f)
{
	const struct feeder_world *w = f->world;
	if (!w->stats || !w->registry || !f->ops)
		return NULL;
	unsigned i = registry_index(w->registry, f->ops);
	return i < registry_count(w->registry) ? &w->stats[i] : NULL;
}

bool turn_detecting(const struct feeder *f)
{
	return f->ops == &detect_ops;
}

/* Where bytes go that are thrown away: before a protocol is known nobody missed a message in them.
 * */
uint64_t *turn_junk(struct feeder *f)
{
	struct counters *c = f->world->counters;
	return turn_detecting(f) ? &c->skipped_bytes : &c->junk_bytes;
}

/* --- decoders come and go --- */

struct hold *turn_hold(const struct feeder_dir *d)
{
	return d->at == FEEDER_SKIPS ? NULL : d->hold;
}

void turn_drop_hold(struct feeder *f, struct feeder_dir *d)
{
	if (d->at == FEEDER_SKIPS)
		return;
	if (d->hold)
		hold_free(f->world->pool, d->hold);
	d->hold = NULL;
	if (d->at == FEEDER_HOLDS)
		d->want = 0;
}

void turn_drop_skip(struct feeder_dir *d)
{
	if (d->at != FEEDER_SKIPS)
		return;
	d->at = FEEDER_HOLDS;
	d->hold = NULL;
	d->want = 0;
}

static void close_state(struct feeder *f, const struct protocol_ops *ops, void *state)
{
	if (ops->close)
		ops->close(state, &f->env);
	if (state)
		pool_put(f->world->pool, state, turn_state_room(ops));
}

void turn_close(struct feeder *f)
{
	if (f->opened)
		close_state(f, f->ops, f->state);
	f->state = NULL;
	f->opened = f->rests = 0;
}

/* Nothing more is decoded; what is held passes. (What is being fed passes at the end of its turn.) */
static void bypass(struct feeder *f)
{
	turn_close(f);
	f->ops = NULL;
	for (unsigned i = 0; i < 2; i++) {
		struct feeder_dir *d = &f->dir[i];
		if (d->at != FEEDER_FEEDS)
			counter_add(&f->world->counters->skipped_bytes, feeder_left(f, i));
		turn_drop_hold(f, d);
		turn_drop_skip(d);
		d->waiting = d->again = 0;
	}
}

void turn_refuse(struct feeder *f)
{
	counter_add(&f->world->counters->flows_nomem, 1);
	bypass(f);
}

/* The client when nobody told: who opened the connection, else who talks to a known port, else who
 * talks. */
static unsigned presumed_client(const struct feeder *f, unsigned dir)
{
	if (f->initiator < 2)
		return f->initiator;
	return f->port_side < 2 ? f->port_side : dir;
}

/* A decoder is about to be called: it has its state, and was opened. False: bypassed. */
static bool open_decoder(struct feeder *f, const struct handover *handover)
{
	const struct protocol_ops *ops = f->ops;
	f->rests = ops->state_bytes && !ops->open && !f->datagram &&
		   ops->state_bytes <= TURN_STATE_SMALL;
	f->state = f->rests ? turn_take_spare(f->world) : NULL;
	if (ops->state_bytes && !f->state) {
		f->state = pool_get(f->world->pool, turn_state_room(ops));
		if (!f->state) {
			turn_refuse(f);
			return false;
		}
		memset(f->state, 0, turn_state_room(ops));
	}
	f->opened = 1;
	if (ops->open)
		ops->open(f->state, &f->env, handover);
	return true;
}

bool turn_open(struct feeder *f, unsigned dir)
{
	if (!f->started) {
		f->started = 1;
		f->client_dir = (uint8_t)presumed_client(f, dir);
		struct protocol_stats *stats = stats_of(f);
		if (stats)
			stats->flows++;
	}
	return open_decoder(f, NULL);
}

/* Another decoder begins with this direction: a skip is dropped, held bytes are fed again. */
static void restart(struct feeder_dir *d)
{
	turn_drop_skip(d);
	if (d->at == FEEDER_HOLDS)
		d->want = 0;
	d->bad = 0;
	d->waiting = 0;
	d->again = d->hold && !d->dead;
}

/* Datagrams stand alone: a bad one says nothing about others. */
static void hole(struct feeder *f, unsigned dir, enum why why)
{
	if (!f->datagram)
		f->world->sink->hole(f, feeder_side(f, dir), why);
}

/* The answer to a gap: of the decoder, for so many bytes from the next unused one on. */
static void tell_gap(struct feeder *f, unsigned dir, uint64_t bytes, enum why why)
{
	struct feeder_dir *d = &f->dir[dir];
	struct protocol_stats *stats = stats_of(f);
	if (stats)
		stats->gaps[why]++;
	if (turn_detecting(f)) {
		d->gapped = why;
		return;
	}
	enum gap_answer answer = GAP_DEAD;
	if (f->ops->gap)
		answer = f->ops->gap(f->state, &f->env, feeder_side(f, dir), bytes, why);
	if (answer == GAP_DEAD) {
		d->dead = 1;
		counter_add(&f->world->counters->decode_ended, 1);
	}
	if (answer != GAP_GOES_ON)
		hole(f, dir, why);
}

void turn_lose(struct feeder *f, unsigned dir, uint32_t held, uint64_t missing, enum why why)
{
	struct feeder_dir *d = &f->dir[dir];
	counter_add(turn_junk(f), held);
	d->waiting = 0;
	d->moved = 1;
	uint8_t at = d->at;
	if (at == FEEDER_HOLDS) {
		d->at = FEEDER_FEEDS;
		d->left = 0;
	}
	tell_gap(f, dir, held + missing, why);
	d->at = at;
	turn_drop_hold(f, d); /* only now: a message that the gap ends has its last packet there */
}

/* The bytes in hand are more than may be held. */
void turn_limit(struct feeder *f, unsigned dir, uint32_t held)
{
	counter_add(&f->world->counters->decode_limits, 1);
	turn_lose(f, dir, held, 0, WHY_LIMIT);
}

/* The guess was wrong: as if the connection had been open before, the other probes see the next
 * bytes. */
static void withdraw(struct feeder *f, unsigned dir, unsigned index)
{
	struct protocol_stats *stats = stats_of(f);
	if (stats)
		stats->withdrawn++;
	counter_add(&f->world->counters->guesses_withdrawn, 1);
	f->tried |= 1u << index;
	f->world->sink->withdrawn(f);
	turn_close(f);
	f->ops = &detect_ops;
	f->opened = 1;
	f->certain = 0;
	for (unsigned i = 0; i < 2; i++) {
		struct feeder_dir *d = &f->dir[i];
		d->dead = 0;
		d->tries = 0;
		if (d->end != feeder_left(f, i))
			d->gapped = WHY_MIDSTREAM;
		restart(d);
	}
	f->dir[dir].again = 0; /* it is just being fed */
}

static bool keyed(const struct protocol_ops *ops)
{
	return ops->pairing == PAIR_KEY_UNIQUE || ops->pairing == PAIR_KEY_REUSED;
}

/* Too many BADs in a row. */
static void give_up(struct feeder *f, unsigned dir)
{
	const struct registry *r = f->world->registry;
	unsigned i = r ? registry_index(r, f->ops) : 0;
	if (r && !f->confirmed && i < registry_count(r)) {
		withdraw(f, dir, i);
		return;
	}
	if (f->datagram && f->confirmed) {
		f->dir[dir].bad = 0;
		return;
	}
	bool both = !keyed(f->ops) && !f->dir[!dir].dead && !f->dir[!dir].ended;
	counter_add(&f->world->counters->decode_ended, both ? 2 : 1);
	if (keyed(f->ops))
		f->dir[dir].dead = 1;
	else
		bypass(f);
}

/* --- the loop: what is done with each answer. False: nothing is left to feed now. --- */

struct turn {
	struct view rest; /* as many bytes as dir.left says */
	uint64_t lost;    /* of the skip that just ended */
	uint32_t want;    /* for dir.want, once it is over */
	bool empty;       /* feed even if there is nothing: a skip ended, or the other side moved */
};

static void advance(struct feeder_dir *d, struct turn *t, uint64_t n)
{
	t->rest = view_from(t->rest, (uint32_t)n);
	d->left = t->rest.size;
}

/* Keeps the rest for a later call. */
static bool keep(struct feeder *f, struct feeder_dir *d, struct view rest)
{
	if (d->hold && rest.size) {
		hold_keep(d->hold, rest.size, d->end - rest.size);
		return true;
	}
	turn_drop_hold(f, d);
	if (!rest.size || hold_add(f->world->pool, &d->hold, rest, d->end - rest.size, &d->last))
		return true;
	turn_refuse(f);
	return false;
}

/* Whether to go on with the rest. What the other direction holds came before this packet, so when
 * there is a new decoder for it, or when it waited for us to move, it goes first. */
static bool goes_on(struct feeder *f, unsigned dir, struct turn *t)
{
	struct feeder_dir *d = &f->dir[dir];
	const struct feeder_dir *o = &f->dir[!dir];
	if (!t->rest.size || !f->ops || d->dead || dir != f->current)
		return t->rest.size;
	if (!o->again && (!o->waiting || !d->moved))
		return true;
	d->again = keep(f, d, t->rest);
	return false;
}

static bool on_bad(struct feeder *f, unsigned dir, struct turn *t, uint32_t junk, enum why why)
{
	struct feeder_dir *d = &f->dir[dir];
	struct counters *c = f->world->counters;
	struct protocol_stats *stats = stats_of(f);
	if (stats)
		stats->bad[why <= WHY_TRUNCATED ? why : WHY_MALFORMED]++;
	counter_add(&c->decode_errors, 1);
	if (!junk || junk > t->rest.size)
		junk = t->rest.size;
	counter_add(&c->junk_bytes, junk);
	advance(d, t, junk);
	if (junk)
		hole(f, dir, why);
	if (++d->bad >= BAD_MAX)
		give_up(f, dir);
	return goes_on(f, dir, t);
}

static bool on_ok(struct feeder *f, unsigned dir, struct turn *t, const struct fed *r)
{
	struct feeder_dir *d = &f->dir[dir];
	struct counters *c = f->world->counters;
	if (r->skip == UINT64_MAX) {
		if (!turn_detecting(f)) {
			feeder_confirm(f);
			if (strcmp(f->ops->name, "tls") == 0)
				counter_add(&c->flows_tls, 1);
		}
		bypass(f);
		return false;
	}
	if (r->skip) {
		uint32_t n = r->skip < t->rest.size ? (uint32_t)r->skip : t->rest.size;
		counter_add(&c->skipped_bytes, n);
		advance(d, t, n);
		d->moved = 1;
		t->empty = r->skip == n;
		if (!t->empty) {
			turn_drop_hold(f, d);
			d->at = FEEDER_SKIPS;
			d->skip = r->skip - n;
		}
		return t->empty;
	}
	if (r->junk) {
		uint32_t n = r->junk < t->rest.size ? r->junk : t->rest.size;
		counter_add(&c->junk_bytes, n);
		advance(d, t, n);
		hole(f, dir, r->why ? r->why : WHY_LOST);
		return goes_on(f, dir, t);
	}
	if (!r->used && t->rest.size) /* a decoder that would be called for ever */
		return on_bad(f, dir, t, 0, WHY_UNSUPPORTED);
	return goes_on(f, dir, t);
}

static bool on_more(struct feeder *f, unsigned dir, struct turn *t, const struct fed *r)
{
	struct feeder_dir *d = &f->dir[dir];
	if (f->datagram)
		return on_bad(f, dir, t, 0, WHY_TRUNCATED);
	if (r->is == FED_WAIT && t->rest.size <= f->ops->hold_max) {
		d->waiting = 1;
		f->dir[!dir].moved = 0;
		keep(f, d, t->rest);
		return false;
	}
	/* A want that can only be met by holding too much is refused at once: the answer must not
	 * depend on how the bytes are cut. */
	uint32_t want = r->want > t->rest.size ? r->want : t->rest.size + 1;
	if (r->is == FED_WAIT || want > f->ops->hold_max) {
		uint32_t held = t->rest.size;
		advance(d, t, held);
		turn_limit(f, dir, held);
		return false;
	}
	if (keep(f, d, t->rest))
		t->want = want;
	return false;
}

/* Detection begins anew. */
static void forget_guess(struct feeder *f)
{
	f->confirmed = f->certain = 0;
	f->tried = 0;
	for (unsigned i = 0; i < 2; i++) {
		f->dir[i].tries = 0;
		f->dir[i].gapped = 0;
	}
}

static bool on_switch(struct feeder *f, unsigned dir, struct turn *t, const struct fed *r)
{
	const struct protocol_ops *from = f->ops;
	void *state = f->state;
	bool guessed = turn_detecting(f), keep_open = r->handover && r->handover->keep_open;
	if (++f->switches > SWITCHES_MAX) {
		bypass(f);
		return false;
	}
	if (!guessed)
		feeder_confirm(f);
	f->ops = r->to ? r->to : &detect_ops;
	f->state = NULL;
	f->opened = f->rests = 0;
	struct protocol_stats *stats = stats_of(f);
	if (stats)
		stats->flows++;
	f->world->sink->switched(f, guessed ? NULL : from, keep_open);
	if (!guessed && !r->to)
		forget_guess(f);
	bool ok = open_decoder(f, r->handover);
	close_state(f, from, state);
	if (!ok)
		return false;
	struct feeder_dir *d = &f->dir[dir];
	restart(&f->dir[!dir]);
	d->bad = 0;
	d->moved = 1;
	for (unsigned i = 0; guessed && i < 2; i++) {
		if (f->dir[i].gapped)
			tell_gap(f, i, 0, (enum why)f->dir[i].gapped);
	}
	return goes_on(f, dir, t);
}

static bool take_answer(struct feeder *f, unsigned dir, struct turn *t, const struct fed *r)
{
	struct feeder_dir *d = &f->dir[dir];
	if (r->is != FED_SWITCH || !f->datagram) /* the next decoder gets the same datagram */
		t->lost = 0;
	if (r->used) {
		uint32_t used = r->used < t->rest.size ? r->used : t->rest.size;
		counter_add(&f->world->counters->decoded_bytes, used);
		advance(d, t, used);
		d->moved = 1;
	}
	switch (r->is) {
	case FED_OK:
		return on_ok(f, dir, t, r);
	case FED_MORE:
	case FED_WAIT:
		return on_more(f, dir, t, r);
	case FED_SWITCH:
		return on_switch(f, dir, t, r);
	case FED_BAD:
		break;
	}
	return on_bad(f, dir, t, r->junk, r->why);
}

static bool is_fed(const struct feeder *f, const struct feeder_dir *d, uint32_t size, bool empty)
{
	return f->ops && !d->dead && (size || empty);
}

/* What remains in hand after the last answer. */
static void end_run(struct feeder *f, struct feeder_dir *d, struct turn *t)
{
	if (d->at == FEEDER_FEEDS)
		d->at = FEEDER_HOLDS;
	if (!f->ops || d->dead) {
		struct counters *c = f->world->counters;
		counter_add(f->ops ? &c->junk_bytes : &c->skipped_bytes, t->rest.size);
		t->rest.size = 0;
	}
	if (!t->rest.size)
		turn_drop_hold(f, d);
	d->want = t->want;
}

__attribute__((noinline)) void turn_go_on(struct feeder *f, unsigned dir, struct view bytes,
					  uint64_t lost, const struct fed *first)
{
	struct feeder_dir *d = &f->dir[dir];
	struct turn t = {.rest = bytes, .lost = lost};
	bool more = first && take_answer(f, dir, &t, first);
	while (more && is_fed(f, d, t.rest.size, t.empty)) {
		t.empty = false;
		struct fed r = turn_feed(f, dir, t.rest, t.lost);
		more = take_answer(f, dir, &t, &r);
	}
	end_run(f, d, &t);
}

void turn_run(struct feeder *f, unsigned dir, struct view bytes, bool empty, uint64_t lost)
{
	if (is_fed(f, &f->dir[dir], bytes.size, empty)) {
		turn_begin(f, dir, bytes, lost);
		return;
	}
	f->dir[dir].at = FEEDER_FEEDS;
	f->dir[dir].left = bytes.size;
	turn_go_on(f, dir, bytes, lost, NULL);
}

/* Who waited is fed again once the other direction moved; a loop, so that no decoder can make it
 * deep. */
void turn_feed_waiting(struct feeder *f)
{
	for (unsigned i = !f->current, calm = 0; f->ops && calm < 2; i = !i) {
		struct feeder_dir *d = &f->dir[i];
		calm++;
		if (!d->again && (!d->waiting || !f->dir[!i].moved))
			continue;
		calm = 0;
		d->again = d->waiting = 0;
		f->dir[!i].moved = 0;
		turn_run(f, i, hold_view(turn_hold(d)), true, 0);
	}
}
