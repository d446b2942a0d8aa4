/* SPDX-License-Identifier: Apache-2.0 */
/* See entry.h. */
#include "roundtrip/entry.h"

/* Room for what comes at a message's end: two numbers, the sizes of its body. */
enum { ENTRY_SPARE = 20 };

/* Room for `more` bytes of fields; false when memory or the cap is exhausted. */
static bool make_room(struct keeper *k, struct entry *e, uint32_t more)
{
	struct pool *pool = k->world->pool;
	uint32_t need = e->fields_size + more, room;
	uint8_t *bigger;

	if (need <= e->fields_room)
		return true;
	if (need > KEEPER_FIELDS_MAX)
		return false;
	room = (uint32_t)pool_block_size(need + need / 2);
	room = room < KEEPER_FIELDS_MAX ? room : KEEPER_FIELDS_MAX;
	bigger = pool_get(pool, room);
	if (!bigger)
		return false;
	memcpy(bigger, e->fields, e->fields_size);
	if (e->fields != e->inline_fields)
		pool_put(pool, e->fields, e->fields_room);
	e->fields = bigger;
	e->fields_room = room;
	return true;
}

void entry_add(struct keeper *k, struct entry *e, const struct message *m)
{
	if (fields_bound(e->defs, m->fields, m->field_count) <= e->fields_room - e->fields_size) {
		e->fields_size += fields_pack_all(e->defs, m->fields, m->field_count,
						  e->fields + e->fields_size);
		return;
	}
	for (unsigned i = 0; i < m->field_count; i++) {
		const struct field *f = &m->fields[i];
		uint32_t size = fields_size(e->defs, f);

		if (!make_room(k, e, size)) {
			e->partial |= PARTIAL_LIMIT;
			return;
		}
		e->fields_size += fields_pack(e->defs, f, e->fields + e->fields_size);
	}
}

struct entry *entry_new(struct keeper *k, const struct message *m, const struct origin *origin)
{
	const struct protocol_ops *ops = k->feeder.ops;
	const struct field_def *defs = m->defs ? m->defs : ops->fields;
	uint32_t size = fields_bound(defs, m->fields, m->field_count);
	uint32_t room = ENTRY_SPARE + (size < 4096 ? size : 0);
	uint32_t block = (uint32_t)pool_block_size(sizeof(struct entry) + room);
	struct entry *e = pool_get(k->world->pool, block);

	if (!e)
		return NULL;
	*e = (struct entry){.protocol = m->protocol ? m->protocol : ops->name,
			    .defs = defs,
			    .from = m->offset,
			    .to = m->offset,
			    .ack = origin->ack,
			    .first_ns = origin->ts_ns,
			    .last_ns = origin->ts_ns,
			    .first_frame = origin->frame,
			    .last_frame = origin->frame,
			    .cookie = m->cookie,
			    .block_size = block,
			    .kind = (uint8_t)m->kind,
			    .flags_begin = (uint8_t)m->flags};
	e->link.key = m->key;
	e->link.owner = k;
	e->link.kind = e->kind;
	e->fields = e->inline_fields;
	e->fields_room = block - (uint32_t)sizeof(*e);
	entry_add(k, e, m);
	if (m->kind == MESSAGE_REQUEST && k->world->health) {
		struct tcp_health h;
		uint64_t lost;

		k->world->health(k->world->data, k, &h, &lost);
		e->retransmits = h.retransmits;
		e->out_of_order = h.out_of_order;
		e->zero_windows = h.zero_windows;
		e->lost = (uint32_t)lost;
	}
	return e;
}

void entry_free(struct keeper *k, struct entry *e)
{
	if (!e)
		return;
	if (e->fields != e->inline_fields)
		pool_put(k->world->pool, e->fields, e->fields_room);
	pool_put(k->world->pool, e, e->block_size);
}

struct entry *entry_copy(struct keeper *k, const struct entry *e)
{
	struct entry *copy = pool_get(k->world->pool, e->block_size);

	if (!copy)
		return NULL;
	memcpy(copy, e, e->block_size);
	copy->next = copy->prev = copy->partner = NULL;
	copy->flags &= (uint8_t)~ENTRY_KEYED;
	copy->fields = copy->inline_fields;
	copy->fields_room = e->block_size - (uint32_t)sizeof(*copy);
	copy->fields_size = 0;
	if (e->fields == e->inline_fields) {
		copy->fields_size = e->fields_size;
	} else if (make_room(k, copy, e->fields_size)) {
		memcpy(copy->fields, e->fields, e->fields_size);
		copy->fields_size = e->fields_size;
	} else {
		copy->partial |= PARTIAL_LIMIT;
	}
	return copy;
}

void entry_end(struct entry *e, const struct message *m, const struct origin *origin)
{
	e->to = m->offset;
	e->last_ns = origin->ts_ns;
	e->last_frame = origin->frame;
	e->flags |= ENTRY_ENDED;
}
