/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See conversation.h. A parked word, from bit 0: 1 · protocol (6 bits) · client_dir · certain · the keeper's sliding,
 * evidence, trust, loose, midstream, after_hole · the conversation's index (48 bits).
 */
#include "agent/conversation.h"
#include "protocol/registry.h"

enum { INDEX_SHIFT = 16, PROTOCOL_SHIFT = 1 };

/* Where offsets begin again: not 0, which is the first byte of a connection. */
#define PARKED_BASE 1

/* Did everything the flow saw of a direction go out, and does the peer have it? */
static bool all_out(const struct conversation *c, unsigned d)
{
	const struct stream_dir *h = &c->stream.dir[d];
	const struct flow *f = c->flow;
	uint32_t next = (uint32_t)stream_next(&c->stream, d);

	return h->known && h->seen && h->begun && !h->ended && !h->unwaited && !h->fin_lost &&
	       !h->has_fin && h->isn + next == f->dir[d].next_seq && h->top == next &&
	       (int32_t)(h->acked - next) <= 0;
}

bool conversation_park(struct worker *w, struct conversation *c, uintptr_t *ret_parked)
{
	const struct keeper *k = &c->keeper;
	const struct feeder *f = &k->feeder;
	unsigned protocol = f->ops ? registry_index(w->options.registry, f->ops) : 64;
	uintptr_t bits = 0, i = 1 + 6;

	if (c->stream.held || c->stream.reset || !f->confirmed || protocol >= 64 ||
	    protocol >= registry_count(w->options.registry) || !keeper_at_rest(k) ||
	    !feeder_at_rest(f) || f->ops->open || f->dir[0].dead || f->dir[1].dead ||
	    !all_out(c, 0) || !all_out(c, 1) || c->index >> (64 - INDEX_SHIFT))
		return false;
	bits |= (uintptr_t)f->client_dir << i++;
	bits |= (uintptr_t)f->certain << i++;
	bits |= (uintptr_t)k->sliding << i++;
	bits |= (uintptr_t)k->evidence << i++;
	bits |= (uintptr_t)k->trust << i++;
	bits |= (uintptr_t)k->loose << i++;
	bits |= (uintptr_t)k->midstream << i++;
	bits |= (uintptr_t)k->after_hole << i++;
	*ret_parked = 1 | (uintptr_t)protocol << PROTOCOL_SHIFT | bits | c->index << INDEX_SHIFT;
	return true;
}

void conversation_unpark(struct worker *w, struct conversation *c, uintptr_t parked)
{
	const struct flow_cold *cold = flow_cold_of(w->flows, c->flow);
	struct keeper *k = &c->keeper;
	uintptr_t bits = parked >> 7;
	const struct protocol_ops *ops =
		registry_at(w->options.registry, parked >> PROTOCOL_SHIFT & 63);

	keeper_init(k, &w->keepers, ops);
	feeder_resume(&k->feeder, bits & 1, PARKED_BASE);
	k->feeder.certain = bits >> 1 & 1;
	k->sliding = bits >> 2 & 1;
	k->evidence = bits >> 3 & 1;
	k->trust = bits >> 4 & 1;
	k->loose = bits >> 5 & 1;
	k->midstream = bits >> 6 & 1;
	k->after_hole = bits >> 7 & 1;
	k->last_ack = PARKED_BASE - 1;
	k->asked = 1;
	stream_init(&c->stream, &k->feeder);
	for (unsigned d = 0; d < 2; d++)
		stream_resume(&c->stream, d, c->flow->dir[d].next_seq, PARKED_BASE,
			      cold->window_scale[d]);
	c->index = parked >> INDEX_SHIFT;
}
