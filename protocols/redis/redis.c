/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redis: RESP2, RESP3 and inline commands.
 *
 * spec: https://redis.io/docs/latest/develop/reference/protocol-spec,
 *       https://github.com/redis/redis-specifications/blob/master/protocol/RESP3.md
 *
 *   request   *3\r\n $3\r\nSET\r\n $1\r\nk\r\n $5\r\nhello\r\n     arrays of bulks
 *   answer    +OK\r\n                                              one value of any type
 *   push      >3\r\n $7\r\nmessage\r\n ...                         asked for by nobody
 *
 * limits: redis.h, each with its reason. Bulks are skipped.
 */
#include "protocols/redis/redis.h"

extern const struct protocol_ops redis_ops;

/* A message that was begun did not end. */
static bool is_open(const struct redis *r, enum side side)
{
	return r->at[side] != AT_START && r->at[side] != AT_RESYNC;
}

static void end_message(struct env *env, struct redis *r, enum side side, unsigned flags)
{
	if (!is_open(r, side))
		return;
	/* what is left of an aggregate looks like answers */
	if (side == FROM_SERVER && flags & MESSAGE_CUT && (r->left[side] || r->depth))
		r->flags[side] |= UNSURE;
	if (side == FROM_CLIENT)
		(void)redis_end_request(env, r, flags, r->next[side]);
	else
		redis_end_reply(env, r, flags, r->next[side]);
}

bool redis_fail(struct pass *p, bool skipped, enum why why)
{
	struct redis *r = p->r;
	r->next[p->side] = offset_of(p);
	end_message(p->env, r, p->side, MESSAGE_CUT);
	r->at[p->side] = AT_RESYNC;
	r->left[p->side] = 0;
	if (p->side == FROM_SERVER) {
		r->flags[FROM_SERVER] |= DRIFT;
	} else {
		r->flags[FROM_SERVER] |= UNSURE;
		r->flags[FROM_CLIENT] &= (uint16_t)~OFF_SURE;
	}
	/* what is there may be the next message, and its forerunner too short */
	if (!skipped && (p->used == p->in->bytes.size ||
			 redis_is_boundary(r, p->side, left_of(p), false) != FOUND_NO))
		return true;
	if (p->used < p->in->bytes.size && p->in->bytes.data[p->used] != '\n')
		r->flags[p->side] |= MIDLINE;
	p->fed = (struct fed){.is = FED_BAD, .junk = 1, .why = why};
	return false;
}

static bool step_client(struct pass *p)
{
	switch (p->r->at[FROM_CLIENT]) {
	case AT_VALUES:
		return redis_on_arguments(p);
	case AT_RESYNC:
		return redis_on_resync(p);
	default:
		return redis_on_request(p);
	}
}

static bool step_server(struct pass *p)
{
	switch (p->r->at[FROM_SERVER]) {
	case AT_VALUES:
		return redis_on_values(p);
	case AT_LINE:
		return redis_on_line(p);
	case AT_CHUNK:
		return redis_on_chunk(p);
	case AT_CONFIRM:
		return redis_on_confirm(p);
	case AT_RESYNC:
		return redis_on_resync(p);
	default: /* ATTRIBUTED, too */
		return redis_on_reply(p);
	}
}

static struct fed redis_feed(void *state, struct env *env, enum side side, const struct input *in)
{
	struct redis *r = state;
	struct pass p;
	p.r = r;
	p.env = env;
	p.in = in;
	p.side = side;
	p.used = 0;
	p.begin = false;
	p.cookie = 0;
	p.fields = 0;
	p.fed = (struct fed){.is = FED_OK};
	if (in->lost)
		r->flags[side] |= side == FROM_CLIENT ? CLIENT_LOST : SERVER_LOST;
	bool (*step)(struct pass *) = side == FROM_CLIENT ? step_client : step_server;
	while (step(&p) && !(r->at[side] == AT_START && p.used == in->bytes.size))
		continue;
	if (r->at[side] != AT_START)
		r->next[side] = offset_of(&p) + p.fed.skip;
	p.fed.used = p.used;
	return p.fed;
}

static enum gap_answer redis_gap(void *state, struct env *env, enum side side, uint64_t bytes,
				 enum why why)
{
	struct redis *r = state;
	(void)bytes;
	/* nothing was lost of what is too long */
	end_message(env, r, side, MESSAGE_CUT | (why == WHY_LIMIT ? 0 : MESSAGE_GAP));
	r->at[side] = AT_RESYNC;
	r->left[side] = 0;
	r->next[side] = 0;
	r->flags[side] &= (uint16_t)~MIDLINE;
	if (side == FROM_CLIENT) {
		r->flags[FROM_CLIENT] &= (uint16_t) ~(IN_MULTI | REPLY_SKIP | OFF_SURE);
		r->queued = 0;
		r->flags[FROM_SERVER] |= UNSURE;
		if (why == WHY_MIDSTREAM && env->against_ports)
			r->flags[FROM_SERVER] |= MASTER_MAYBE;
	} else {
		r->flags[FROM_SERVER] &= (uint16_t)~TURN;
		r->flags[FROM_SERVER] |= DRIFT;
		if (why == WHY_MIDSTREAM) { /* nothing of the server was seen, perhaps a request */
			r->flags[FROM_SERVER] |= UNSURE | (r->open ? TURN : 0);
			r->left[FROM_SERVER] = r->open;
		}
	}
	return GAP_RESYNC;
}

static void redis_end(void *state, struct env *env, enum side side, enum end_reason reason)
{
	struct redis *r = state;
	(void)reason;
	/* confirmations of a number nobody knew: all that came were whole */
	bool whole = side == FROM_SERVER && r->at[side] == AT_CONFIRM && r->replies == REPLIES_ALL;
	end_message(env, r, side, whole ? 0 : MESSAGE_CUT);
	r->flags[side] &= (uint16_t)~MIDLINE;
	r->at[side] = AT_START;
	r->left[side] = 0;
	r->next[side] = 0;
}

static const uint16_t ports[] = {6379, 6380, 26379, 0};

const struct protocol_ops redis_ops = {
	.name = "redis",
	.transports = TRANSPORT_TCP,
	.port_hints = ports,
	.pairing = PAIR_FIFO,
	.state_bytes = sizeof(struct redis),
	.hold_max = INLINE_MAX, /* a command in a line; all else that is held is shorter */
	.fields = redis_fields,
	.probe = redis_probe,
	.feed = redis_feed,
	.gap = redis_gap,
	.end = redis_end,
};
