/* SPDX-License-Identifier: Apache-2.0 */
#include "plain_feeder.h"

#include <stdlib.h>

enum { BAD_MAX = 3 };

void *plain_grown(void *block, size_t size)
{
	void *p = realloc(block, size);
	if (!p)
		abort();
	return p;
}

void *plain_env_alloc(struct env *env, size_t size)
{
	(void)env;
	return plain_grown(NULL, size);
}

void plain_env_free(struct env *env, void *block, size_t size)
{
	(void)env, (void)size;
	free(block);
}

const struct packet *plain_packet_at(const struct plain_feeder *f, enum side side, uint64_t offset)
{
	const struct plain_way *w = &f->way[plain_dir(f, side)];
	return offset < (uint64_t)w->end && w->of[offset] ? w->of[offset] : f->now;
}

struct seen_at plain_env_at(struct env *env, enum side side, uint64_t offset)
{
	const struct packet *p = plain_packet_at((struct plain_feeder *)env, side, offset);
	return (struct seen_at){p->ts_ns, p->frame};
}

void plain_feeder_init(struct plain_feeder *f, const struct protocol_ops *ops, unsigned client)
{
	f->ops = ops;
	f->client = client;
	f->state = plain_grown(NULL, ops->state_bytes + 1);
	memset(f->state, 0, ops->state_bytes);
}

void plain_feeder_done(struct plain_feeder *f)
{
	if (f->ops->close)
		f->ops->close(f->state, &f->env);
	free(f->state);
	for (unsigned d = 0; d < 2; d++) {
		free(f->way[d].data);
		free(f->way[d].of);
	}
}

/* The direction, or with FIFO pairing the connection, is decoded no more. */
static void give_up(struct plain_feeder *f, unsigned dir)
{
	f->way[dir].dead = true;
	if (f->ops->pairing == PAIR_FIFO || f->ops->pairing == PAIR_FIFO_LOCKSTEP)
		f->bypassed = true;
}

static void tell_gap(struct plain_feeder *f, unsigned dir, uint64_t size, enum why why)
{
	struct plain_way *w = &f->way[dir];
	if (w->dead || f->bypassed)
		return;
	if (f->ops->gap(f->state, &f->env, plain_side(f, dir), size, why) != GAP_RESYNC)
		abort(); /* these decoders always look for a message */
	f->hole(f, dir);
}

/* One call of the decoder; false when it has nothing more to do for now. */
static bool feed_once(struct plain_feeder *f, unsigned dir)
{
	struct plain_way *w = &f->way[dir];
	struct input in = {
		.bytes = view_of(w->data + w->off, (uint32_t)(w->end - w->off)),
		.offset = (uint64_t)w->off,
		.ts_ns = f->now->ts_ns,
		.lost = w->skip_lost,
	};
	w->want = 0;
	w->skip_lost = 0;
	struct fed fed = f->ops->feed(f->state, &f->env, plain_side(f, dir), &in);
	w->off += fed.used;
	int64_t left = w->end - w->off;
	switch (fed.is) {
	case FED_OK:
		w->off += fed.junk;
		w->skip = fed.skip;
		f->bypassed = fed.skip == UINT64_MAX;
		if (fed.junk)
			f->hole(f, dir);
		return fed.used || fed.junk || fed.skip;
	case FED_MORE:
		if (fed.want > f->ops->hold_max || left > f->ops->hold_max)
			abort(); /* gencap's streams are too short */
		w->want = fed.want;
		return false;
	case FED_BAD:
		w->off += fed.junk && fed.junk < left ? fed.junk : left;
		f->hole(f, dir);
		if (++w->bad == BAD_MAX)
			give_up(f, dir);
		return true;
	default:
		abort(); /* none of these decoders does */
	}
}

static void run(struct plain_feeder *f, unsigned dir)
{
	struct plain_way *w = &f->way[dir];
	bool go = true;
	while (go && !w->dead && !f->bypassed) {
		if (w->skip) {
			while (w->skip && w->off < w->end) {
				w->skip_lost += !w->of[w->off++];
				w->skip--;
			}
			if (w->skip)
				break;
		} else if (w->off == w->end || w->end - w->off < w->want) {
			break;
		}
		go = feed_once(f, dir);
	}
}

static void append(struct plain_feeder *f, unsigned dir, const uint8_t *data, int64_t size)
{
	struct plain_way *w = &f->way[dir];
	if (w->end + size > w->room) {
		w->room = 2 * (w->end + size);
		w->data = plain_grown(w->data, (size_t)w->room);
		w->of = plain_grown(w->of, (size_t)w->room * sizeof(*w->of));
	}
	for (int64_t i = 0; i < size; i++) {
		w->data[w->end] = data ? data[i] : 0;
		w->of[w->end++] = data ? f->now : NULL;
	}
}

void plain_feeder_push(struct plain_feeder *f, unsigned dir, const uint8_t *data, int64_t size)
{
	f->way[dir].held = -1;
	append(f, dir, data, size);
	run(f, dir);
}

/* What is held now belongs to nobody; a message that ends with it has its last packet there. */
static void give_away(struct plain_way *w)
{
	w->held = w->off < w->end && !w->skip ? w->off : -1;
}

void plain_feeder_gap(struct plain_feeder *f, unsigned dir, int64_t size, enum why why)
{
	struct plain_way *w = &f->way[dir];
	if (w->skip && !w->dead && !f->bypassed) {
		int64_t part = (uint64_t)size < w->skip ? size : (int64_t)w->skip;
		append(f, dir, NULL, part);
		run(f, dir);
		size -= part;
		if (!size)
			return;
	}
	give_away(w);
	append(f, dir, NULL, size);
	w->off = w->end;
	w->want = 0;
	tell_gap(f, dir, (uint64_t)size, why);
}

void plain_feeder_end(struct plain_feeder *f, unsigned dir, enum end_reason reason)
{
	struct plain_way *w = &f->way[dir];
	give_away(w);
	w->off = w->end;
	if (!w->dead && !f->bypassed)
		f->ops->end(f->state, &f->env, plain_side(f, dir), reason);
	w->dead = true;
}
