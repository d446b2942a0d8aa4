/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/talkers.h"

#include <stdlib.h>

#include "core/hash.h"

enum { SLOTS_FIRST = 64, NOBODY = UINT32_MAX };

void talkers_done(struct talkers *t)
{
	free(t->list);
	free(t->slots);
	*t = (struct talkers){0};
}

/* --- order --- */

static uint64_t bytes_of(const struct talker *t)
{
	return t->sent + t->received;
}

static uint64_t round_trips_of(const struct talker *t)
{
	return t->asked + t->answered;
}

/* Negative: x comes first. */
static int compare(uint64_t x_first, uint64_t y_first, uint64_t x_then, uint64_t y_then,
		   const struct talker *x, const struct talker *y)
{
	if (x_first != y_first)
		return x_first > y_first ? -1 : 1;
	if (x_then != y_then)
		return x_then > y_then ? -1 : 1;
	return memcmp(&x->address, &y->address, sizeof(x->address));
}

static int by_bytes(const void *a, const void *b)
{
	const struct talker *x = a, *y = b;

	return compare(bytes_of(x), bytes_of(y), round_trips_of(x), round_trips_of(y), x, y);
}

static int by_round_trips(const void *a, const void *b)
{
	const struct talker *x = a, *y = b;

	return compare(round_trips_of(x), round_trips_of(y), bytes_of(x), bytes_of(y), x, y);
}

/* --- the table --- */

static uint32_t *slot_of(struct talkers *t, const struct address *a)
{
	uint32_t at = (uint32_t)hash_bytes(a, sizeof(*a), HASH_FILE_SECRET);

	for (;; at++) {
		uint32_t *slot = &t->slots[at & (t->slot_count - 1)];

		if (!*slot || memcmp(&t->list[*slot - 1].address, a, sizeof(*a)) == 0)
			return slot;
	}
}

static void index_all(struct talkers *t)
{
	memset(t->slots, 0, t->slot_count * sizeof(*t->slots));
	memset(t->recent, 0, sizeof(t->recent));
	for (uint32_t i = 0; i < t->count; i++)
		*slot_of(t, &t->list[i].address) = i + 1;
}

static bool grow(struct talkers *t)
{
	uint32_t count = t->slot_count ? t->slot_count * 2 : SLOTS_FIRST;
	struct talker *list = realloc(t->list, count / 2 * sizeof(*list));

	if (!list)
		return false;
	t->list = list;
	t->room = count / 2;
	uint32_t *slots = realloc(t->slots, count * sizeof(*slots));

	if (!slots) {
		t->room = t->count;
		return false;
	}
	t->slots = slots;
	t->slot_count = count;
	index_all(t);
	return true;
}

static void add(struct talker *to, const struct talker *from)
{
	to->sent += from->sent;
	to->received += from->received;
	to->asked += from->asked;
	to->answered += from->answered;
}

/* Forgets all but the upper quarters, which come first in the list then. */
static void forget(struct talkers *t)
{
	uint32_t quarter = t->count / 4, keep = 2 * quarter;

	qsort(t->list, t->count, sizeof(*t->list), by_bytes);
	qsort(t->list + quarter, t->count - quarter, sizeof(*t->list), by_round_trips);
	for (uint32_t i = keep; i < t->count; i++)
		add(&t->rest, &t->list[i]);
	t->forgotten += t->count - keep;
	t->count = keep;
	index_all(t);
}

/* Room for one more host; it moves the others. */
static bool make_room(struct talkers *t)
{
	if (t->count == TALKERS_MAX)
		forget(t);
	return t->count < t->room || grow(t);
}

/* Index of the host, or NOBODY. */
static uint32_t find(struct talkers *t, const struct address *a)
{
	if (!t->slot_count && !grow(t))
		return NOBODY;
	uint32_t *slot = slot_of(t, a);

	if (*slot)
		return *slot - 1;
	if (t->count == t->room) {
		if (!make_room(t))
			return NOBODY;
		slot = slot_of(t, a);
	}
	t->list[t->count] = (struct talker){.address = *a};
	*slot = ++t->count;
	return t->count - 1;
}

/* --- counting --- */

static void add_traffic(struct talkers *t, const struct address *a, uint64_t sent,
			uint64_t received)
{
	uint32_t i = find(t, a);

	if (i == NOBODY) {
		t->missing++;
		return;
	}
	t->list[i].sent += sent;
	t->list[i].received += received;
}

void talkers_traffic(struct talkers *t, const struct address *a, const struct address *b,
		     uint64_t sent, uint64_t received)
{
	add_traffic(t, a, sent, received);
	add_traffic(t, b, received, sent);
}

/* Looks the two up, and remembers them; false: memory ran out. */
static bool new_recent(struct talkers *t, struct talker_pair *pair, const struct address *client,
		       const struct address *server)
{
	uint32_t c = find(t, client), s = find(t, server);

	/* The second one may have made room and moved the first. */
	c = find(t, client);
	if (c == NOBODY || s == NOBODY) {
		t->missing++;
		return false;
	}
	*pair = (struct talker_pair){*client, *server, c + 1, s + 1};
	return true;
}

static inline bool is_same(const struct address *x, const struct address *y)
{
	return memcmp(x, y, sizeof(*x)) == 0;
}

void talkers_roundtrip(struct talkers *t, const struct address *client,
		       const struct address *server)
{
	uint32_t c, s;

	memcpy(&c, client->b + 12, sizeof(c));
	memcpy(&s, server->b + 12, sizeof(s));
	struct talker_pair *pair =
		&t->recent[(c * 0x9e3779b1u ^ s * 0x85ebca6bu) >> 16 & (TALKERS_RECENT - 1)];

	if (__builtin_expect(!pair->client_at || !is_same(&pair->client, client) ||
				     !is_same(&pair->server, server),
			     0) &&
	    !new_recent(t, pair, client, server))
		return;
	t->list[pair->client_at - 1].asked++;
	t->list[pair->server_at - 1].answered++;
}

void talkers_merge(struct talkers *t, const struct talkers *from)
{
	for (uint32_t i = 0; i < from->count; i++) {
		uint32_t at = find(t, &from->list[i].address);

		if (at == NOBODY)
			t->missing++;
		else
			add(&t->list[at], &from->list[i]);
	}
	add(&t->rest, &from->rest);
	t->forgotten += from->forgotten;
	t->missing += from->missing;
}

unsigned talkers_top(const struct talkers *t, enum talker_order order, unsigned count,
		     struct talker *ret_top)
{
	int (*comes_before)(const void *, const void *) =
		order == TALKERS_BY_BYTES ? by_bytes : by_round_trips;
	uint64_t (*amount)(const struct talker *) =
		order == TALKERS_BY_BYTES ? bytes_of : round_trips_of;
	unsigned n = 0;

	for (uint32_t i = 0; i < t->count; i++) {
		const struct talker *host = &t->list[i];
		unsigned at = n;

		if (!amount(host))
			continue;
		while (at > 0 && comes_before(host, &ret_top[at - 1]) < 0)
			at--;
		if (at == count)
			continue;
		n += n < count;
		memmove(&ret_top[at + 1], &ret_top[at], (n - 1 - at) * sizeof(*host));
		ret_top[at] = *host;
	}
	return n;
}
