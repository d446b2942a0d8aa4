/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/operations.h"

#include <stdlib.h>

#include "core/hash.h"

enum { SLOTS_FIRST = 64, LIST_FIRST = 16 };

void operations_done(struct operations *o)
{
	for (uint32_t i = 0; i < o->count; i++) {
		histogram_done(&o->list[i]->duration);
		free(o->list[i]);
	}
	free(o->list);
	free(o->slots);
	*o = (struct operations){0};
}

/* --- the family: which field is the operation --- */

static int operation_field(const struct field_def *defs)
{
	for (int id = 0; defs && defs[id].name; id++) {
		if (defs[id].sides & FIELD_OPERATION)
			return id;
	}
	return -1;
}

static struct operation_family *family_find(struct operations *o, const char *protocol)
{
	uint32_t i = 0;

	while (i < o->family_count && strcmp(o->family[i].protocol, protocol) != 0)
		i++;
	if (i == OPERATION_FAMILIES_MAX)
		return NULL;
	if (i == o->family_count)
		o->family[o->family_count++] =
			(struct operation_family){.protocol = protocol, .field = -1};
	return &o->family[i];
}

static struct operation_family *family_of(struct operations *o, const struct roundtrip *rt)
{
	struct operation_family *f = o->last;

	if (__builtin_expect(!f || f->protocol != rt->protocol, 0)) {
		f = family_find(o, rt->protocol);
		if (!f)
			return NULL;
		o->last = f;
	}
	if (__builtin_expect(f->defs != rt->defs, 0)) {
		f->defs = rt->defs;
		f->field = operation_field(rt->defs);
	}
	return f;
}

static struct view name_of(const struct operation_family *family, const struct roundtrip *rt)
{
	const struct message_part *part = rt->request ? rt->request : rt->response;
	struct field f;

	if (family->field < 0 || !part)
		return (struct view){0};
	struct field_iter it = field_iter_of(rt->defs, part->fields);

	while (fields_next(&it, &f)) {
		if (f.id == family->field)
			return view_first(f.text, OPERATION_NAME_MAX);
	}
	return (struct view){0};
}

/* --- the table --- */

/* A name as it is looked for. */
struct wanted {
	struct view name;
	uint64_t key;
};

static inline struct wanted wanted_of(struct view name)
{
	const uint8_t *at = name.data;
	struct wanted w = {.name = name};
	uint32_t front, back;

	if (name.size >= 4) {
		memcpy(&front, at, 4);
		memcpy(&back, at + (name.size < 8 ? name.size : 8) - 4, 4);
		w.key = (uint64_t)back << 32 | front;
	} else if (name.size) {
		w.key = (uint64_t)at[name.size / 2] << 16 | (uint64_t)at[name.size - 1] << 8 |
			at[0];
	}
	return w;
}

static inline bool is_named(const struct operation *op, const struct operation_family *family,
			    const struct wanted *w)
{
	return op->key == w->key && op->size == w->name.size && op->family == family &&
	       (op->size <= 8 || memcmp(op->name, w->name.data, op->size) == 0);
}

/* Where it is, or where it belongs. */
static uint32_t *slot_of(struct operations *o, const struct operation_family *family,
			 const struct wanted *w)
{
	uint64_t seed = HASH_FILE_SECRET + (uint64_t)(family - o->family);
	const void *name = w->name.size ? (const void *)w->name.data : "";
	uint32_t at = (uint32_t)hash_bytes(name, w->name.size, seed);

	for (;; at++) {
		uint32_t *slot = &o->slots[at & (o->slot_count - 1)];

		if (!*slot || is_named(o->list[*slot - 1], family, w))
			return slot;
	}
}

static bool grow_slots(struct operations *o)
{
	uint32_t count = o->slot_count ? o->slot_count * 2 : SLOTS_FIRST;
	uint32_t *slots = calloc(count, sizeof(*slots));

	if (!slots)
		return false;
	free(o->slots);
	o->slots = slots;
	o->slot_count = count;
	for (uint32_t i = 0; i < o->count; i++) {
		const struct operation *op = o->list[i];
		struct wanted w = wanted_of(view_of(op->name, op->size));

		if (!op->other)
			*slot_of(o, op->family, &w) = i + 1;
	}
	return true;
}

static bool grow_list(struct operations *o)
{
	uint32_t room = o->room ? o->room * 2 : LIST_FIRST;
	struct operation **list = realloc(o->list, room * sizeof(*list));

	if (!list)
		return false;
	o->list = list;
	o->room = room;
	return true;
}

static struct operation *append(struct operations *o, struct operation_family *family)
{
	if (o->count == o->room && !grow_list(o))
		return NULL;
	struct operation *op = calloc(1, sizeof(*op));

	if (!op)
		return NULL;
	op->family = family;
	op->protocol = family->protocol;
	o->list[o->count++] = op;
	return op;
}

static struct operation *other_of(struct operations *o, struct operation_family *family)
{
	if (!family->other) {
		family->other = append(o, family);
		if (family->other)
			family->other->other = true;
	}
	return family->other;
}

static struct operation *new_operation(struct operations *o, struct operation_family *family,
				       const struct wanted *w)
{
	if (family->count == OPERATIONS_MAX)
		return other_of(o, family);
	struct operation *op = append(o, family);

	if (!op)
		return NULL;
	op->key = w->key;
	op->size = (uint8_t)w->name.size;
	if (op->size)
		memcpy(op->name, w->name.data, op->size);
	family->count++;
	return op;
}

/* NULL: memory ran out. */
static struct operation *look_up(struct operations *o, struct operation_family *family,
				 const struct wanted *w)
{
	if (o->count * 2 >= o->slot_count && !grow_slots(o))
		return NULL;
	uint32_t *slot = slot_of(o, family, w);

	if (*slot)
		return o->list[*slot - 1];
	struct operation *op = new_operation(o, family, w);

	if (op && !op->other)
		*slot = o->count;
	return op;
}

static inline struct operation *find(struct operations *o, struct operation_family *family,
				     struct view name)
{
	struct wanted w = wanted_of(name);
	struct operation **recent = &family->recent[(w.key + name.size) % OPERATION_RECENT];

	if (__builtin_expect(!*recent || !is_named(*recent, family, &w), 0)) {
		struct operation *op = look_up(o, family, &w);

		if (!op || op->other)
			return op;
		*recent = op;
	}
	return *recent;
}

/* --- counting --- */

void operations_add(struct operations *o, const struct roundtrip *rt)
{
	struct operation_family *family = family_of(o, rt);
	struct operation *op = family ? find(o, family, name_of(family, rt)) : NULL;

	if (__builtin_expect(!op, 0)) {
		o->missing++;
		return;
	}
	op->by_status[rt->status]++;
	if (rt->request)
		op->request_bytes += rt->request->to - rt->request->from;
	if (rt->response)
		op->response_bytes += rt->response->to - rt->response->from;
	if (rt->request && rt->response)
		histogram_add(&op->duration, rt->duration_ns);
}

static uint64_t total_of(const struct operation *op)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < STATUS_COUNT; i++)
		n += op->by_status[i];
	return n;
}

uint64_t operation_requests(const struct operation *op)
{
	return total_of(op) - op->by_status[STATUS_ORPHAN] - op->by_status[STATUS_OPEN];
}

void operation_sum(struct operation *to, const struct operation *from)
{
	for (unsigned i = 0; i < STATUS_COUNT; i++)
		to->by_status[i] += from->by_status[i];
	to->request_bytes += from->request_bytes;
	to->response_bytes += from->response_bytes;
	histogram_merge(&to->duration, &from->duration);
}

void operations_merge(struct operations *o, const struct operations *from)
{
	for (uint32_t i = 0; i < from->count; i++) {
		const struct operation *add = from->list[i];
		struct operation_family *family = family_find(o, add->protocol);
		struct operation *op = !family ? NULL
				       : add->other
					       ? other_of(o, family)
					       : find(o, family, view_of(add->name, add->size));

		if (!op) {
			o->missing += total_of(add);
			continue;
		}
		operation_sum(op, add);
	}
	o->missing += from->missing;
}

static int compare_names(const struct operation *x, const struct operation *y)
{
	uint8_t least = x->size < y->size ? x->size : y->size;
	int order = memcmp(x->name, y->name, least);

	return order ? order : x->size - y->size;
}

static int compare(const void *a, const void *b)
{
	const struct operation *x = *(struct operation *const *)a;
	const struct operation *y = *(struct operation *const *)b;
	uint64_t of_x = operation_requests(x), of_y = operation_requests(y);
	int order = strcmp(x->protocol, y->protocol);

	if (order)
		return order;
	if (x->other != y->other)
		return x->other ? 1 : -1;
	if (!x->size != !y->size)
		return x->size ? -1 : 1;
	if (of_x != of_y)
		return of_x > of_y ? -1 : 1;
	return compare_names(x, y);
}

struct operation **operations_sorted(const struct operations *o)
{
	struct operation **sorted = o->count ? malloc(o->count * sizeof(*sorted)) : NULL;

	if (!sorted)
		return NULL;
	memcpy(sorted, o->list, o->count * sizeof(*sorted));
	qsort(sorted, o->count, sizeof(*sorted), compare);
	return sorted;
}
