/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See handoff.h. A ring of bytes: items lie whole in it, and what is too small for one at its end is skipped. Both
 * positions only grow; each is written by one side.
 */
#include "agent/handoff.h"

#include <stdlib.h>

struct item {
	uint32_t size; /* of all of it; 0: the rest of the ring is skipped */
	struct packet packet;
	struct place place;
	uint8_t payload[];
};

struct handoff {
	_Alignas(64) uint64_t put; /* the giver's */
	uint64_t taken_seen;       /* what the giver knows of `taken` */
	_Alignas(64) uint64_t taken;
	uint64_t next; /* behind the item that was handed out */
	_Alignas(64) uint8_t bytes[HANDOFF_SIZE];
};

enum { ITEM_ALIGN = 16 };

struct handoff *handoff_new(void)
{
	struct handoff *h = aligned_alloc(64, sizeof(*h));

	if (h)
		h->put = h->taken = h->taken_seen = h->next = 0;
	return h;
}

void handoff_free(struct handoff *h)
{
	free(h);
}

static uint64_t room(struct handoff *h, uint64_t need)
{
	if (h->taken_seen + HANDOFF_SIZE - h->put < need)
		h->taken_seen = __atomic_load_n(&h->taken, __ATOMIC_ACQUIRE);
	return h->taken_seen + HANDOFF_SIZE - h->put;
}

bool handoff_put(struct handoff *h, const struct packet *p, const struct place *place)
{
	uint64_t size = (sizeof(struct item) + p->payload_size + ITEM_ALIGN - 1) &
			~(uint64_t)(ITEM_ALIGN - 1);
	uint64_t at = h->put % HANDOFF_SIZE, rest = HANDOFF_SIZE - at;
	uint64_t skip = rest < size ? rest : 0;
	struct item *item;

	if (size > HANDOFF_SIZE || room(h, skip + size) < skip + size)
		return false;
	if (skip)
		((struct item *)(h->bytes + at))->size = 0;
	item = (struct item *)(h->bytes + (at + skip) % HANDOFF_SIZE);
	item->size = (uint32_t)size;
	item->packet = *p;
	item->place = *place;
	if (p->payload_size)
		memcpy(item->payload, p->payload, p->payload_size);
	__atomic_store_n(&h->put, h->put + skip + size, __ATOMIC_SEQ_CST);
	return true;
}

bool handoff_take(struct handoff *h, struct packet *ret, struct place *ret_place)
{
	uint64_t at = h->taken % HANDOFF_SIZE, skip = 0;
	const struct item *item = (const struct item *)(h->bytes + at);

	if (handoff_empty(h))
		return false;
	if (!item->size) {
		skip = HANDOFF_SIZE - at;
		item = (const struct item *)h->bytes;
	}
	*ret = item->packet;
	*ret_place = item->place;
	ret->payload = item->payload;
	h->next = h->taken + skip + item->size;
	return true;
}

void handoff_taken(struct handoff *h)
{
	__atomic_store_n(&h->taken, h->next, __ATOMIC_RELEASE);
}

bool handoff_empty(const struct handoff *h)
{
	return __atomic_load_n(&h->put, __ATOMIC_SEQ_CST) == h->taken;
}

bool handoff_presses(const struct handoff *h)
{
	return __atomic_load_n(&h->put, __ATOMIC_ACQUIRE) - h->taken > HANDOFF_SIZE / 2;
}
