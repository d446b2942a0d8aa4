/* SPDX-License-Identifier: Apache-2.0 */
/* See outbox.h. */
#include "agent/outbox.h"

enum { KEPT_MAX = 1 << 20 }; /* of an output's memory, when it is used again */

static size_t size_of(const struct output *o)
{
	return o->text.size + o->count * sizeof(*o->lines);
}

struct output *outbox_output(struct outbox *o)
{
	struct output *current = &o->slot[o->put % OUTBOX_SLOTS];
	uint64_t waits = o->put_bytes - __atomic_load_n(&o->taken_bytes, __ATOMIC_ACQUIRE);

	current->cap = waits < OUTBOX_BYTES ? OUTBOX_BYTES - (size_t)waits : 1;
	return current;
}

bool outbox_publish(struct outbox *o)
{
	struct output *current = &o->slot[o->put % OUTBOX_SLOTS];
	uint64_t room = current->seal_count ? OUTBOX_SEALS : OUTBOX_SLOTS;

	if (!current->count && !current->seal_count)
		return true;
	if (o->put + 1 - __atomic_load_n(&o->taken, __ATOMIC_ACQUIRE) >= room)
		return false;
	current->given = size_of(current);
	o->put_bytes += current->given;
	__atomic_store_n(&o->put, o->put + 1, __ATOMIC_SEQ_CST);
	bell_ring(o->bell);
	return true;
}

struct output *outbox_take(struct outbox *o)
{
	if (__atomic_load_n(&o->put, __ATOMIC_SEQ_CST) == o->taken)
		return NULL;
	return &o->slot[o->taken % OUTBOX_SLOTS];
}

void outbox_taken(struct outbox *o)
{
	struct output *out = &o->slot[o->taken % OUTBOX_SLOTS];

	__atomic_store_n(&o->taken_bytes, o->taken_bytes + out->given, __ATOMIC_RELEASE);
	if (out->given > KEPT_MAX)
		output_done(out);
	__atomic_store_n(&o->taken, o->taken + 1, __ATOMIC_RELEASE);
}

void outbox_done(struct outbox *o)
{
	for (unsigned i = 0; i < OUTBOX_SLOTS; i++)
		output_done(&o->slot[i]);
}
