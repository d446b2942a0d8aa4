/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Memory that lives exactly as long as a block of frames (rebuilt fragments): taken in bits, given back
 * at once. Owned by one thread at a time; the pipeline hands it over with the block.
 */
#include <stddef.h>
#include <stdint.h>

struct scratch {
	struct scratch_chunk *chunks; /* newest first */
	size_t used;                  /* of the newest */
};

/* `size` bytes, 16-byte aligned, valid until scratch_reset; NULL when memory ran out. */
void *scratch_get(struct scratch *s, size_t size);
/* Everything taken becomes invalid; one chunk is kept for the next time. */
void scratch_reset(struct scratch *s);
void scratch_done(struct scratch *s);
