/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the two kinds of line, and --where, share; private to src/roundtrip. Values are worked out in one
 * place, so that a filter sees exactly what a line shows.
 */
#include "roundtrip/json.h"

/* `,"client":{"address":"<45>","port":65535}` twice. */
enum { FLOW_TEXT_MAX = 176, COMMUNITY_ID_SIZE = 30 };

/* Texts that are the same for every round trip of a flow. */
struct flow_texts {
	uint64_t flow_index;
	struct endpoint client, server;
	uint8_t proto;
	uint8_t size; /* of json; 0: nothing is remembered here */
	char id[COMMUNITY_ID_SIZE];
	char json[FLOW_TEXT_MAX]; /* the keys `client` and `server`, each after a comma */
};

/* Never NULL. Lives until the next call. */
const struct flow_texts *flow_texts_of(struct community_cache *cache, const struct roundtrip *rt);

/* `,"name":` of a field, so that a line copies it at once; size 0: the name is too long for that. */
struct field_key {
	char text[31];
	uint8_t size;
};

/* The keys of a field table, by id; NULL when memory ran out or there are too many tables. */
const struct field_key *field_keys_of(struct community_cache *cache, const struct field_def *defs);

/* A name and a text of a FIELD_PAIRS field, collected to join those of equal names. */
struct pair {
	struct view name, text;
	const struct pair *next; /* the next text of the same name */
	bool again;              /* not the first one of its name */
};

struct pairs {
	struct pair *pair;
	struct pair **order; /* room for sorting */
	unsigned count, room;
};

/* The thread's collection, emptied. */
struct pairs *shown_pairs(struct community_cache *cache);
/* False when memory ran out. */
bool pairs_add(struct pairs *p, struct view name, struct view text);
/* Links equal names in the order they came. */
void pairs_link(struct pairs *p);

/* First and last frame of a round trip (frame_ref); 0 when there are none. */
static inline uint64_t shown_first_frame(const struct roundtrip *rt)
{
	return rt->request    ? rt->request->first_frame
	       : rt->response ? rt->response->first_frame
			      : 0;
}

static inline uint64_t shown_last_frame(const struct roundtrip *rt)
{
	return rt->response ? rt->response->last_frame : rt->request ? rt->request->last_frame : 0;
}

static inline bool shown_times(const struct roundtrip *rt)
{
	return rt->request && rt->response;
}

/* Walks the fields of one message, or those of the round trip itself, which either message may carry. */
struct field_walk {
	struct field_iter it;
	struct view rest; /* the other message's, to be walked next */
	bool roundtrip;
	bool others; /* fields of the other kind were passed over */
};

static inline struct field_walk walk_message(const struct roundtrip *rt,
					     const struct message_part *part)
{
	return (struct field_walk){.it = field_iter_of(rt->defs, part->fields)};
}

static inline struct field_walk walk_roundtrip(const struct roundtrip *rt)
{
	struct view none = {0};

	return (struct field_walk){
		.it = field_iter_of(rt->defs, rt->request ? rt->request->fields : none),
		.rest = rt->response ? rt->response->fields : none,
		.roundtrip = true,
	};
}

static inline bool walk_next(struct field_walk *w, struct field *ret)
{
	for (;;) {
		if (!fields_next(&w->it, ret)) {
			if (!w->rest.size)
				return false;
			w->it = field_iter_of(w->it.defs, w->rest);
			w->rest.size = 0;
			continue;
		}
		if (!(w->it.defs[ret->id].sides & FIELD_ROUNDTRIP) == !w->roundtrip)
			return true;
		w->others = true;
	}
}
