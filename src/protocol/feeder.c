/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/feeder.h"

#include "protocol/hold.h"
#include "protocol/turn.h"

enum { DATAGRAM_SKIPS_MAX = 4 }; /* skips that reach beyond one datagram: a body, its trailer */

/* The packet of the byte at `offset`; see feeder_origin. */
static inline const struct origin *origin_of(const struct feeder *f, unsigned dir, uint64_t offset)
{
	const struct feeder_dir *d = &f->dir[dir];
	const struct hold *hold = turn_hold(d);
	return hold ? hold_at(hold, offset) : &d->last;
}

/* --- what the decoder calls --- */

static void *env_alloc(struct env *env, size_t size)
{
	return pool_get(feeder_of(env)->world->pool, size);
}

static void env_free(struct env *env, void *block, size_t size)
{
	pool_put(feeder_of(env)->world->pool, block, size);
}

static struct seen_at env_at(struct env *env, enum side side, uint64_t offset)
{
	struct feeder *f = feeder_of(env);
	const struct origin *o = origin_of(f, feeder_dir_of(f, side), offset);
	return (struct seen_at){o->ts_ns, o->frame};
}

static void env_begin(struct env *env, enum side side, const struct message *m)
{
	struct feeder *f = feeder_of(env);
	unsigned dir = feeder_dir_of(f, side);
	f->dir[dir].cut = f->dir[dir].lost = 0;
	f->world->sink->begin(f, side, m, origin_of(f, dir, m->offset));
}

static void env_add(struct env *env, enum side side, const struct message *m)
{
	struct feeder *f = feeder_of(env);
	unsigned dir = feeder_dir_of(f, side);
	f->world->sink->add(f, side, m, origin_of(f, dir, m->offset ? m->offset - 1 : 0));
}

/* A message that is whole tells that the decoder is right. */
static inline void message_over(struct feeder *f, struct feeder_dir *d)
{
	d->bad = 0;
	if (f->certain)
		feeder_confirm(f);
}

static void env_end(struct env *env, enum side side, const struct message *m)
{
	struct feeder *f = feeder_of(env);
	unsigned dir = feeder_dir_of(f, side);
	struct feeder_dir *d = &f->dir[dir];
	bool snaplen = m->flags & MESSAGE_GAP && d->cut && !d->lost;
	uint64_t end = d->end + (f->datagram ? f->world->datagram_cut : 0);
	struct message told;
	if (m->offset > end || snaplen) {
		told = *m;
		told.flags |= snaplen ? MESSAGE_SNAPLEN : 0;
		if (m->offset > end) /* its length was known, but not all of it came */
			told.offset = end;
		m = &told;
	}
	f->world->sink->end(f, side, m, origin_of(f, dir, m->offset ? m->offset - 1 : 0));
	if (!(m->flags & MESSAGE_CUT))
		message_over(f, d);
}

/* For sinks that know only begin and end. */
static __attribute__((noinline)) bool whole_in_two(struct env *env, enum side side,
						   const struct message *m, uint64_t end)
{
	struct message begun = *m, over = *m;
	bool open =
		m->flags & MESSAGE_ONCE && env->ops->ask(env, side, m->key, m->offset) != ASK_NONE;
	if (open)
		return false;
	begun.flags &= MESSAGE_FINAL | MESSAGE_ERROR | MESSAGE_ONEWAY | MESSAGE_UP_TO;
	env_begin(env, side, &begun);
	over.offset = end;
	over.field_count = 0;
	over.flags &= ~(unsigned)MESSAGE_ONCE;
	env_end(env, side, &over);
	return true;
}

static bool env_whole(struct env *env, enum side side, const struct message *m, uint64_t end)
{
	struct feeder *f = feeder_of(env);
	unsigned dir = feeder_dir_of(f, side);
	struct feeder_dir *d = &f->dir[dir];
	if (!f->world->sink->whole || d->hold)
		return whole_in_two(env, side, m, end);
	if (!f->world->sink->whole(f, side, m, end, &d->last))
		return false;
	d->cut = d->lost = 0;
	message_over(f, d);
	return true;
}

static int env_ask(struct env *env, enum side side, uint64_t key, uint64_t offset)
{
	struct feeder *f = feeder_of(env);
	return f->world->sink->ask(f, side, key, origin_of(f, feeder_dir_of(f, side), offset));
}

static bool env_seek(struct env *env, uint64_t mask, uint64_t *key)
{
	struct feeder *f = feeder_of(env);
	const struct message_sink *sink = f->world->sink;
	return sink->seek && sink->seek(f, mask, key);
}

static const struct env_ops env_ops = {
	.alloc = env_alloc,
	.free = env_free,
	.at = env_at,
	.begin = env_begin,
	.add = env_add,
	.end = env_end,
	.whole = env_whole,
	.ask = env_ask,
	.seek = env_seek,
};

/* --- what the caller pushes --- */

/* `n` bytes of the skip went by, `lost` of them unseen; at its end the decoder is told. */
static void pass_skip(struct feeder *f, unsigned dir, uint64_t n, bool unseen, struct view rest)
{
	struct feeder_dir *d = &f->dir[dir];
	d->skip -= n;
	if (unseen)
		d->skip_lost =
			n < UINT32_MAX - d->skip_lost ? d->skip_lost + (uint32_t)n : UINT32_MAX;
	else
		counter_add(&f->world->counters->skipped_bytes, n);
	if (d->skip)
		return;
	uint32_t lost = d->skip_lost;
	turn_drop_skip(d);
	d->moved = 1;
	turn_run(f, dir, rest, true, lost);
}

/* A gap for the decoder; what was held becomes junk first. */
static void lose(struct feeder *f, unsigned dir, uint64_t bytes, enum why why)
{
	uint32_t held = feeder_left(f, dir);
	f->dir[dir].end += bytes;
	turn_lose(f, dir, held, bytes, why);
}

/* Bytes that are held together with what is there. */
static void hold_more(struct feeder *f, unsigned dir, struct view bytes)
{
	struct feeder_dir *d = &f->dir[dir];
	if (!hold_add(f->world->pool, &d->hold, bytes, d->end - bytes.size, &d->last)) {
		counter_add(&f->world->counters->skipped_bytes, bytes.size);
		turn_refuse(f);
		return;
	}
	if (d->waiting) {
		if (d->hold->size > f->ops->hold_max)
			turn_limit(f, dir, d->hold->size);
	} else if (d->hold->size >= d->want) {
		turn_run(f, dir, hold_view(d->hold), false, 0);
	}
}

static void take(struct feeder *f, unsigned dir, struct view bytes)
{
	struct feeder_dir *d = &f->dir[dir];
	if (d->at == FEEDER_SKIPS) {
		uint32_t n = d->skip < bytes.size ? (uint32_t)d->skip : bytes.size;
		pass_skip(f, dir, n, false, view_from(bytes, n));
		return;
	}
	if (d->hold || d->waiting || bytes.size < d->want)
		hold_more(f, dir, bytes);
	else
		turn_run(f, dir, bytes, false, 0);
}

/* Bytes that nobody kept because they seemed to be skipped. */
static void take_unkept(struct feeder *f, unsigned dir, uint32_t size)
{
	struct feeder_dir *d = &f->dir[dir];
	uint32_t n = d->at != FEEDER_SKIPS ? 0 : d->skip < size ? (uint32_t)d->skip : size;
	d->end += n;
	if (n)
		pass_skip(f, dir, n, false, view_of(NULL, 0));
	size -= n;
	if (!size)
		return;
	counter_add(&f->world->counters->junk_bytes, size);
	if (f->ops && !d->dead)
		lose(f, dir, size, WHY_LIMIT);
	else
		d->end += size;
}

/* A datagram is over: a skip does not reach into the next one. */
static __attribute__((noinline)) void end_datagram(struct feeder *f, unsigned dir)
{
	struct feeder_dir *d = &f->dir[dir];
	for (unsigned i = 0; f->ops && d->at == FEEDER_SKIPS && i < DATAGRAM_SKIPS_MAX; i++) {
		uint64_t lost = d->skip;
		turn_drop_skip(d);
		turn_run(f, dir, view_of(NULL, 0), true, lost);
	}
	turn_drop_skip(d);
}

static void enter(struct feeder *f, unsigned dir)
{
	f->current = (uint8_t)dir;
	f->switches = 0;
}

static bool all_zero(const void *state, uint32_t size)
{
	const uint8_t *p = state;
	uint64_t any = 0;
	for (; size >= 8; size -= 8, p += 8)
		any |= load_le64(p);
	while (size)
		any |= p[--size];
	return !any;
}

/* The state of a decoder at rest is not kept; the world has some small ones for whoever needs them next. */
static void give_back(struct feeder *f)
{
	struct feeder_world *w = f->world;
	if (w->spares < TURN_SPARES_MAX) {
		struct spare_state *s = f->state;
		s->next = w->spare;
		w->spare = s;
		w->spares++;
	} else {
		pool_put(w->pool, f->state, turn_state_room(f->ops));
	}
	f->state = NULL;
	f->opened = 0;
}

static inline void leave(struct feeder *f)
{
	turn_settle(f);
	if (f->rests && f->state && all_zero(f->state, TURN_STATE_SMALL))
		give_back(f);
}

void feeder_datagram(struct feeder *f, unsigned dir, struct view bytes, uint64_t cut,
		     const struct origin *origin)
{
	struct feeder_dir *d = &f->dir[dir];
	struct counters *c = f->world->counters;
	d->last = *origin;
	if (!f->ops || d->dead || d->ended) {
		d->end += bytes.size + cut;
		counter_add(f->ops ? &c->junk_bytes : &c->skipped_bytes, bytes.size);
		return;
	}
	enter(f, dir);
	d->end += bytes.size;
	f->world->datagram_cut = cut;
	if (!turn_ready(f, dir)) {
		counter_add(&c->skipped_bytes, bytes.size);
	} else if (turn_begin(f, dir, bytes, cut)) {
		d->end += cut;
		return;
	} else if (d->at == FEEDER_SKIPS) {
		end_datagram(f, dir);
	}
	d->end += cut;
	leave(f);
}

void feeder_push(struct feeder *f, unsigned dir, struct view bytes, const struct origin *origin)
{
	struct feeder_dir *d = &f->dir[dir];
	struct counters *c = f->world->counters;
	if (!bytes.size)
		return;
	if (f->datagram) {
		feeder_datagram(f, dir, bytes, 0, origin);
		return;
	}
	d->last = *origin;
	if (!f->ops || d->dead || d->ended) {
		d->end += bytes.size;
		counter_add(f->ops ? &c->junk_bytes : &c->skipped_bytes, bytes.size);
		return;
	}
	enter(f, dir);
	if (!turn_ready(f, dir)) {
		d->end += bytes.size;
		counter_add(&c->skipped_bytes, bytes.size);
	} else if (!bytes.data) {
		take_unkept(f, dir, bytes.size);
	} else {
		d->end += bytes.size;
		take(f, dir, bytes);
	}
	leave(f);
}

void feeder_gap(struct feeder *f, unsigned dir, uint64_t bytes, enum why why,
		const struct origin *origin)
{
	struct feeder_dir *d = &f->dir[dir];
	if (!d->end)
		d->last = *origin;
	if (why == WHY_SNAPLEN)
		d->cut = 1;
	else
		d->lost = 1;
	if (!f->ops || d->dead || d->ended || !turn_ready(f, dir)) {
		d->end += bytes;
		return;
	}
	enter(f, dir);
	bool skipped = d->at == FEEDER_SKIPS;
	while (d->at == FEEDER_SKIPS && bytes) {
		uint64_t n = d->skip < bytes ? d->skip : bytes;
		bytes -= n;
		d->end += n;
		pass_skip(f, dir, n, true, view_of(NULL, 0));
	}
	if (!f->ops || d->dead)
		d->end += bytes;
	else if (bytes || !skipped)
		lose(f, dir, bytes, why);
	leave(f);
}

/* The last direction ended without contradiction. */
static void finish(struct feeder *f)
{
	if (!f->ops)
		return;
	if (!turn_detecting(f))
		feeder_confirm(f);
	else if (f->dir[0].end || f->dir[1].end)
		counter_add(&f->world->counters->flows_undetected, 1);
}

void feeder_end(struct feeder *f, unsigned dir, enum end_reason reason)
{
	struct feeder_dir *d = &f->dir[dir];
	if (d->ended)
		return;
	enter(f, dir);
	if (f->ops && f->opened && f->ops->end)
		f->ops->end(f->state, &f->env, feeder_side(f, dir), reason);
	if (f->ops)
		counter_add(turn_junk(f), feeder_left(f, dir));
	turn_drop_hold(f, d);
	turn_drop_skip(d);
	d->ended = d->moved = 1;
	d->waiting = 0;
	turn_settle(f);
	if (f->dir[!dir].ended)
		finish(f);
}

/* --- life --- */

void feeder_init(struct feeder *f, struct feeder_world *world, const struct protocol_ops *forced)
{
	*f = (struct feeder){
		.env = {.ops = &env_ops, .wants = world->wants},
		.world = world,
		.ops = forced ? forced : &detect_ops,
		.port_side = 2,
		.initiator = 2,
		.confirmed = forced != NULL,
	};
}

static void drop_spares(struct feeder_world *w)
{
	struct spare_state *s;
	while ((s = w->spare)) {
		w->spare = s->next;
		pool_put(w->pool, s, TURN_STATE_SMALL);
	}
	w->spares = 0;
}

void feeder_done(struct feeder *f)
{
	for (unsigned i = 0; i < 2; i++)
		turn_drop_hold(f, &f->dir[i]);
	if (f->ops)
		turn_close(f);
	f->ops = NULL;
	drop_spares(f->world);
}

void feeder_confirm(struct feeder *f)
{
	if (f->confirmed || !f->ops || turn_detecting(f))
		return;
	f->confirmed = 1;
	f->world->sink->confirmed(f);
}

bool feeder_at_rest(const struct feeder *f)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct feeder_dir *d = &f->dir[i];
		if (d->at == FEEDER_SKIPS || d->hold || d->waiting || d->want)
			return false;
	}
	return !f->state || all_zero(f->state, f->ops->state_bytes);
}

void feeder_resume(struct feeder *f, unsigned client_dir, uint64_t offset)
{
	f->client_dir = (uint8_t)client_dir;
	f->started = 1;
	for (unsigned i = 0; i < 2; i++) {
		f->dir[i].end = offset;
		f->dir[i].last.ack = offset;
	}
}

/* --- questions --- */

struct origin feeder_origin(const struct feeder *f, unsigned dir, uint64_t offset)
{
	return *origin_of(f, dir, offset);
}

static bool dir_is_over(const struct feeder_dir *d)
{
	return d->dead || d->ended;
}

bool feeder_bypassed(const struct feeder *f)
{
	return !f->ops || (dir_is_over(&f->dir[0]) && dir_is_over(&f->dir[1]));
}

bool feeder_skips(const struct feeder *f, unsigned dir, uint64_t from, uint64_t to)
{
	const struct feeder_dir *d = &f->dir[dir];
	if (!f->ops || dir_is_over(d))
		return true;
	return d->at == FEEDER_SKIPS && from >= d->end && to - d->end <= d->skip;
}

uint32_t feeder_left(const struct feeder *f, unsigned dir)
{
	const struct feeder_dir *d = &f->dir[dir];
	return d->at == FEEDER_FEEDS ? d->left : hold_view(turn_hold(d)).size;
}

uint32_t feeder_held(const struct feeder *f)
{
	return feeder_held_bytes(f, 0).size + feeder_held_bytes(f, 1).size;
}

struct view feeder_held_bytes(const struct feeder *f, unsigned dir)
{
	return hold_view(turn_hold(&f->dir[dir]));
}
