/* SPDX-License-Identifier: Apache-2.0 */
/* The table of places: an id for each (interface, tunnels) ever seen. */
#include <stdlib.h>

#include "packet/walk.h"

static struct place *place_at(const struct place_table *t, uint32_t id)
{
	return &t->chunk[id / PLACE_CHUNK][id % PLACE_CHUNK];
}

static bool place_equal(const struct place *a, const struct place *b)
{
	if (a->interface != b->interface || a->depth != b->depth)
		return false;
	for (unsigned i = 0; i < a->depth; i++) {
		if (a->layer[i].id != b->layer[i].id || a->layer[i].kind != b->layer[i].kind)
			return false;
	}
	return true;
}

static uint64_t place_hash(const struct place *place, uint64_t secret)
{
	uint32_t word[1 + 2 * TUNNEL_MAX];
	unsigned n = 0;

	word[n++] = place->interface;
	for (unsigned i = 0; i < place->depth; i++) {
		word[n++] = place->layer[i].id;
		word[n++] = place->layer[i].kind;
	}
	return hash_bytes(word, n * sizeof(word[0]), secret);
}

/* A new place; its id, or that of the last one when there is no room or no memory. */
static uint16_t place_add(struct place_table *t, const struct place *place)
{
	struct place **chunk = &t->chunk[t->count / PLACE_CHUNK];
	uint16_t last = (uint16_t)(t->count ? t->count - 1 : 0);

	if (t->count == PLACES_MAX)
		return last;
	if (!*chunk)
		*chunk = calloc(PLACE_CHUNK, sizeof(**chunk));
	if (!*chunk)
		return last;

	struct place *to = place_at(t, t->count);
	to->interface = place->interface;
	to->depth = place->depth;
	memcpy(to->layer, place->layer, place->depth * sizeof(place->layer[0]));
	return (uint16_t)t->count++;
}

uint16_t place_id(struct packet_parser *p, const struct place *place)
{
	struct place_table *t = &p->places;
	uint16_t *slot = &t->bare[place->interface];

	if (place->depth) {
		if (t->recent && place_equal(place_at(t, t->recent - 1u), place))
			return (uint16_t)(t->recent - 1);
		uint32_t at = (uint32_t)place_hash(place, p->secret) % PLACE_SLOTS;

		while (t->slot[at] && !place_equal(place_at(t, t->slot[at] - 1u), place))
			at = (at + 1) % PLACE_SLOTS;
		slot = &t->slot[at];
	}
	if (!*slot) {
		uint32_t before = t->count;
		uint16_t id = place_add(t, place);

		/* Where it was refused nothing is noted, or the slots would fill with wrong answers. */
		if (t->count == before)
			return id;
		*slot = (uint16_t)(id + 1);
	}
	if (place->depth)
		t->recent = *slot;
	return (uint16_t)(*slot - 1);
}

void places_done(struct place_table *t)
{
	for (unsigned i = 0; i < PLACE_CHUNKS; i++)
		free(t->chunk[i]);
}

const struct place *packet_place(const struct packet_parser *p, uint16_t id)
{
	static const struct place nowhere;

	/* Not `count`: another thread may ask, and it was handed the id after the place was made. */
	return p->places.chunk[id / PLACE_CHUNK] ? place_at(&p->places, id) : &nowhere;
}

uint16_t packet_place_id(struct packet_parser *p, const struct place *place)
{
	return place_id(p, place);
}
