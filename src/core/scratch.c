/* SPDX-License-Identifier: Apache-2.0 */
#include "core/scratch.h"

#include <stdint.h>
#include <stdlib.h>

struct scratch_chunk {
	struct scratch_chunk *next;
	size_t room;
	_Alignas(16) uint8_t data[];
};

enum {
	CHUNK_MIN = 128 << 10, /* two rebuilt packets of the largest size */
	ALIGN = 16,
};

void *scratch_get(struct scratch *s, size_t size)
{
	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);

	struct scratch_chunk *c = s->chunks;
	if (!c || c->room - s->used < size) {
		size_t room = size > CHUNK_MIN ? size : CHUNK_MIN;

		c = malloc(sizeof(*c) + room);
		if (!c)
			return NULL;
		c->next = s->chunks;
		c->room = room;
		s->chunks = c;
		s->used = 0;
	}
	void *p = c->data + s->used;
	s->used += size;
	return p;
}

static void free_chunks(struct scratch_chunk *c)
{
	while (c) {
		struct scratch_chunk *next = c->next;

		free(c);
		c = next;
	}
}

void scratch_reset(struct scratch *s)
{
	if (s->chunks) {
		free_chunks(s->chunks->next);
		s->chunks->next = NULL;
	}
	s->used = 0;
}

void scratch_done(struct scratch *s)
{
	free_chunks(s->chunks);
	*s = (struct scratch){0};
}
