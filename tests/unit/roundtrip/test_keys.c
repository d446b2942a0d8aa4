/* SPDX-License-Identifier: Apache-2.0 */
/* The table of open messages by conversation and key. */
#include <criterion/criterion.h>

#include "roundtrip/keys.h"

enum { MANY = 5000 };

static struct key_table table;
static struct key_link links[MANY];
static const int owners[2];

static void start(void)
{
	cr_assert_eq(keys_init(&table, 42), 0);
	for (unsigned i = 0; i < MANY; i++)
		links[i] = (struct key_link){.owner = &owners[0], .key = i * 3, .kind = 0};
}

static void stop(void)
{
	keys_done(&table);
}

TestSuite(keys, .init = start, .fini = stop);

static void insert(unsigned i)
{
	struct key_link *l = &links[i];

	l->hash = keys_hash(&table, l->owner, l->key, l->kind);
	keys_insert(&table, l);
}

static struct key_link *find(unsigned i)
{
	const struct key_link *l = &links[i];

	return keys_find(&table, keys_hash(&table, l->owner, l->key, l->kind), l->owner, l->key,
			 l->kind);
}

Test(keys, what_was_inserted_is_found_until_it_is_removed)
{
	cr_expect_null(find(7));
	insert(7);
	cr_expect_eq(find(7), &links[7]);
	cr_expect_eq(table.count, 1);
	keys_remove(&table, &links[7]);
	cr_expect_null(find(7));
	cr_expect_eq(table.count, 0);
}

Test(keys, removing_what_is_not_there_does_nothing)
{
	insert(1);
	keys_remove(&table, &links[2]);
	cr_expect_eq(table.count, 1);
	cr_expect_eq(find(1), &links[1]);
}

Test(keys, conversations_and_kinds_do_not_meet)
{
	links[1] = links[2] = links[0];
	links[1].owner = &owners[1];
	links[2].kind = 1;
	for (unsigned i = 0; i < 3; i++)
		insert(i);
	for (unsigned i = 0; i < 3; i++)
		cr_expect_eq(find(i), &links[i]);
	keys_remove(&table, &links[0]);
	cr_expect_null(find(0));
	cr_expect_eq(find(1), &links[1]);
	cr_expect_eq(find(2), &links[2]);
}

Test(keys, of_equal_keys_the_newest_is_found)
{
	links[1] = links[0];
	insert(0);
	insert(1);
	cr_expect_eq(find(0), &links[1]);
	keys_remove(&table, &links[1]);
	cr_expect_eq(find(0), &links[0]);
}

Test(keys, growing_moves_a_few_buckets_with_each_insert)
{
	unsigned growths = 0, moves = 0;

	for (unsigned i = 0; i < MANY; i++) {
		uint64_t mask = table.mask, moved = table.old ? table.moved : 0;
		bool old = table.old;

		insert(i);
		if (table.mask != mask) {
			cr_assert_eq(table.mask, 2 * mask + 1);
			cr_assert_eq(table.moved, 0, "nothing moves in the insert that grows");
			growths++;
		} else if (old) {
			cr_assert_leq((table.old ? table.moved : table.old_mask + 1) - moved,
				      KEYS_MOVED);
			moves++;
		}
	}
	cr_expect_eq(growths, 3);
	cr_expect_eq(moves, (1024 + 2048 + 4096) / KEYS_MOVED);
	cr_expect_null(table.old);
	cr_expect_eq(table.count, MANY);
}

Test(keys, all_are_found_at_every_step_of_growing)
{
	for (unsigned i = 0; i < 1200; i++) {
		insert(i);
		for (unsigned k = 0; k <= i; k++)
			cr_assert_eq(find(k), &links[k], "%u of %u", k, i);
	}
}

Test(keys, removing_works_at_every_step_of_growing)
{
	/* One in, and every third time an old one out. */
	for (unsigned i = 0; i < MANY; i++) {
		insert(i);
		if (i % 3 == 2) {
			keys_remove(&table, &links[i / 3]);
			cr_assert_null(find(i / 3));
		}
		cr_assert_eq(find(i), &links[i]);
	}
	for (unsigned i = 0; i < MANY; i++)
		cr_assert_eq(find(i), i < MANY / 3 ? NULL : &links[i]);
	for (unsigned i = MANY / 3; i < MANY; i++)
		keys_remove(&table, &links[i]);
	cr_expect_eq(table.count, 0);
}
