/* SPDX-License-Identifier: Apache-2.0 */
/* See copies.h. */
#include "agent/copies.h"

#include <stdlib.h>

#include "core/hash.h"
#include "core/time.h"

struct seen {
	uint64_t hash, when_ns;
	uint16_t place;
};

struct copies {
	struct seen set[COPIES_SETS][COPIES_WAYS];
};

struct copies *copies_new(void)
{
	return calloc(1, sizeof(struct copies));
}

void copies_free(struct copies *c)
{
	free(c);
}

bool copies_seen(struct copies *c, const struct packet *p, uint64_t secret)
{
	uint64_t seed = secret + p->hash + p->dir + 2ull * p->payload_cut; /* its size tells, too */
	uint64_t hash = hash_bytes(p->payload, p->payload_size, seed);
	struct seen *set = c->set[hash % COPIES_SETS], *to = set;

	for (unsigned i = 0; i < COPIES_WAYS; i++) {
		struct seen *s = &set[i];

		if (s->hash == hash && s->when_ns + NS_PER_S >= p->now_ns) {
			if (s->place != p->place)
				return true;
			to = s;
			break;
		}
		if (s->when_ns < to->when_ns)
			to = s;
	}
	*to = (struct seen){hash, p->now_ns, p->place};
	return false;
}
