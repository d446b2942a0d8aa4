/* SPDX-License-Identifier: Apache-2.0 */
/* See entry.h. */
#include "roundtrip/entry.h"

_Static_assert(offsetof(struct entry, inline_fields) == sizeof(struct entry),
	       "fields begin behind the struct");
_Static_assert(STATUS_COUNT <= 8 && REASON_COUNT <= 32, "bit fields of a pending record");
_Static_assert(ENTRY_MAX / ENTRY_STEP <= UINT8_MAX, "a block's size is one byte");

/* --- names --- */

/* The index of a protocol's name and field table; negative: too many. */
static int look_up_name(struct keeper_world *w, const char *protocol, const struct field_def *defs)
{
	uint64_t bits = ((uint64_t)(uintptr_t)protocol ^ (uint64_t)(uintptr_t)defs << 7) *
			0x9e3779b97f4a7c15;
	uint8_t i = (uint8_t)(bits >> 56);

	for (; w->names[i].protocol; i++) {
		if (w->names[i].protocol == protocol && w->names[i].defs == defs)
			return i;
	}
	if (w->name_count >= KEEPER_NAMES_MAX)
		return -1;
	w->name_count++;
	w->names[i] = (struct keeper_name){protocol, defs};
	return i;
}

/* The same; most messages are of the protocol of the one before. */
static inline int name_of(struct keeper_world *w, const char *protocol,
			  const struct field_def *defs)
{
	const struct keeper_name *last = &w->names[w->last_name];
	int i;

	if (last->protocol == protocol && last->defs == defs)
		return w->last_name;
	i = look_up_name(w, protocol, defs);
	if (i >= 0)
		w->last_name = (uint8_t)i;
	return i;
}

/* --- blocks --- */

/* Bytes of the parts in front. */
static inline uint32_t front_of(unsigned flags)
{
	static const uint8_t bytes[] = {
		[ENTRY_HEALTH] = sizeof(struct entry_health),
		[ENTRY_KEY] = sizeof(struct entry_key),
		[ENTRY_HEALTH | ENTRY_KEY] = sizeof(struct entry_health) + sizeof(struct entry_key),
	};

	return bytes[flags & (ENTRY_HEALTH | ENTRY_KEY)] +
	       (flags & ENTRY_PEERS ? (uint32_t)sizeof(struct peers) : 0);
}

/* A block with the parts of `flags`, and room for so many bytes of fields if they are not too many; else *room is
 * less. */
static struct entry *get_block(struct keeper *k, unsigned flags, uint32_t *room, uint8_t *ret_block)
{
	uint32_t front = front_of(flags), size = front + (uint32_t)sizeof(struct entry);
	uint8_t *block;

	if (*room < sizeof(struct entry_fields *) || *room > ENTRY_MAX - size)
		*room = sizeof(struct entry_fields *);
	size = (uint32_t)pool_block_size(size + *room);
	block = pool_get(k->feeder.world->pool, size);
	if (!block)
		return NULL;
	*ret_block = (uint8_t)(size / ENTRY_STEP);
	return (struct entry *)(block + front);
}

static uint32_t grown_size(uint32_t room)
{
	return (uint32_t)sizeof(struct entry_fields) + room;
}

static inline uint32_t room_of(const struct entry *e)
{
	if (e->flags & ENTRY_GROWN)
		return entry_grown(e)->room;
	return e->block * ENTRY_STEP - (uint32_t)sizeof(*e) - front_of(e->flags);
}

static inline uint8_t *fields_end(struct entry *e)
{
	return (e->flags & ENTRY_GROWN ? entry_grown(e)->bytes : e->inline_fields) + e->fields_size;
}

/* Room for `more` bytes of fields; false when memory or the cap is exhausted. */
static bool make_room(struct keeper *k, struct entry *e, uint32_t more)
{
	struct pool *pool = k->feeder.world->pool;
	uint32_t need = e->fields_size + more, size = grown_size(need + need / 2);
	struct entry_fields *bigger;

	if (need <= room_of(e))
		return true;
	if (grown_size(need) > KEEPER_FIELDS_MAX)
		return false;
	size = size < KEEPER_FIELDS_MAX ? (uint32_t)pool_block_size(size) : KEEPER_FIELDS_MAX;
	bigger = pool_get(pool, size);
	if (!bigger)
		return false;
	bigger->room = size - grown_size(0);
	memcpy(bigger->bytes, entry_fields(e).data, e->fields_size);
	if (e->flags & ENTRY_GROWN)
		pool_put(pool, entry_grown(e), grown_size(entry_grown(e)->room));
	e->flags |= ENTRY_GROWN;
	memcpy(e->inline_fields, &bigger, sizeof(bigger));
	return true;
}

void entry_free(struct keeper *k, struct entry *e)
{
	struct pool *pool = k->feeder.world->pool;

	if (!e)
		return;
	if (e->flags & ENTRY_GROWN)
		pool_put(pool, entry_grown(e), grown_size(entry_grown(e)->room));
	pool_put(pool, (uint8_t *)e - front_of(e->flags), (size_t)e->block * ENTRY_STEP);
}

/* --- messages --- */

/* Packs what may be too much, field by field. */
static void add_slowly(struct keeper *k, struct entry *e, const struct field_def *defs,
		       const struct message *m)
{
	for (unsigned i = 0; i < m->field_count; i++) {
		const struct field *f = &m->fields[i];

		if (!make_room(k, e, fields_size(defs, f))) {
			e->partial |= PARTIAL_LIMIT;
			return;
		}
		e->fields_size += fields_pack(defs, f, fields_end(e));
	}
}

void entry_add(struct keeper *k, struct entry *e, const struct message *m)
{
	const struct field_def *defs = world_of(k)->names[e->name].defs;

	if (!m->field_count)
		return;
	if (fields_bound(defs, m->fields, m->field_count) <= room_of(e) - e->fields_size)
		e->fields_size += fields_pack_all(defs, m->fields, m->field_count, fields_end(e));
	else
		add_slowly(k, e, defs, m);
}

/* The health of the flow now; false: nothing happened yet. */
static bool look_at_health(const struct keeper *k, struct entry_health *ret)
{
	const struct keeper_world *w = world_of(k);
	struct tcp_health h;
	uint64_t lost;

	if (!w->health || k->feeder.datagram || !w->health(w->data, k, &h, &lost))
		return false;
	*ret = (struct entry_health){(uint32_t)lost, h.retransmits, h.out_of_order, h.zero_windows};
	return ret->lost | ret->retransmits | ret->out_of_order | ret->zero_windows;
}

struct entry *entry_new(struct keeper *k, const struct message *m, const struct origin *origin)
{
	const struct protocol_ops *ops = k->feeder.ops;
	const struct field_def *defs = m->defs ? m->defs : ops->fields;
	int name = name_of(world_of(k), m->protocol ? m->protocol : ops->name, defs);
	uint32_t bound = fields_bound(defs, m->fields, m->field_count), room;
	unsigned flags = (k->keyed ? ENTRY_KEY : 0) | (k->many ? ENTRY_PEERS : 0);
	struct entry_health health;
	struct entry *e;
	uint8_t block;

	room = bound + (m->kind == MESSAGE_REQUEST ? ENTRY_SPARE_REQUEST : ENTRY_SPARE_ANSWER);
	if (m->kind == MESSAGE_REQUEST && look_at_health(k, &health))
		flags |= ENTRY_HEALTH;
	e = name < 0 ? NULL : get_block(k, flags, &room, &block);
	if (!e)
		return NULL;
	*e = (struct entry){.from = m->offset,
			    .to = m->offset,
			    .first_ns = origin->ts_ns,
			    .last_ns = origin->ts_ns,
			    .first_frame = origin->frame,
			    .last_frame = origin->frame,
			    .cookie = m->cookie,
			    .flags = (uint16_t)flags,
			    .flags_begin = (uint8_t)m->flags,
			    .name = (uint8_t)name,
			    .block = block};
	if (m->kind == MESSAGE_RESPONSE || flags & ENTRY_KEY)
		e->ack = origin->ack;
	if (flags & ENTRY_KEY)
		entry_key(e)->link =
			(struct key_link){.owner = k, .key = m->key, .kind = (uint8_t)m->kind};
	if (flags & ENTRY_HEALTH)
		*entry_health(e) = health;
	if (flags & ENTRY_PEERS)
		*entry_peers(e) = *world_of(k)->peers;
	if (bound <= room)
		e->fields_size = fields_pack_all(defs, m->fields, m->field_count, e->inline_fields);
	else
		add_slowly(k, e, defs, m);
	return e;
}

struct entry *entry_copy(struct keeper *k, const struct entry *e)
{
	unsigned flags =
		e->flags & ~(unsigned)(ENTRY_KEY | ENTRY_KEYED | ENTRY_GROWN | ENTRY_ANSWERED);
	struct view fields = entry_fields(e);
	uint32_t room = fields.size;
	uint8_t block;
	struct entry *copy = get_block(k, flags, &room, &block);

	if (!copy)
		return NULL;
	*copy = *e;
	copy->flags = (uint16_t)flags;
	copy->block = block;
	copy->fields_size = 0;
	if (flags & ENTRY_HEALTH)
		*entry_health(copy) = *entry_health(e);
	if (flags & ENTRY_PEERS)
		*entry_peers(copy) = *entry_peers(e);
	if (make_room(k, copy, fields.size)) {
		memcpy(fields_end(copy), fields.data, fields.size);
		copy->fields_size = fields.size;
	} else {
		copy->partial |= PARTIAL_LIMIT;
	}
	return copy;
}

void entry_end(struct entry *e, uint64_t end, const struct origin *origin)
{
	if (end != e->to)
		entry_reach(e, end, origin);
	e->flags |= ENTRY_ENDED;
}
