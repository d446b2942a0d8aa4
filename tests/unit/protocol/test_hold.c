/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "protocol/hold.h"

static struct pool *pool;

static void start(void)
{
	pool = pool_new(SIZE_MAX);
}

static void stop(void)
{
	cr_assert_eq(pool_used(pool), 0);
	pool_free(pool);
}

TestSuite(hold, .init = start, .fini = stop);

static void add(struct hold **h, uint64_t offset, const char *text, uint64_t frame)
{
	struct origin o = {frame, frame, 0};
	cr_assert(hold_add(pool, h, view_text(text), offset, &o));
}

Test(hold, keeps_bytes_and_packets)
{
	struct hold *h = NULL;
	add(&h, 10, "abc", 1);
	add(&h, 13, "de", 2);
	add(&h, 15, "f", 3);
	cr_assert(view_equal(hold_view(h), view_text("abcdef")));
	cr_assert_eq(hold_at(h, 12)->frame, 1);
	cr_assert_eq(hold_at(h, 13)->frame, 2);
	cr_assert_eq(hold_at(h, 99)->frame, 3);
	cr_assert_eq(hold_at(h, 1)->frame, 1, "the oldest that is known");
	hold_keep(h, 2, 14);
	cr_assert(view_equal(hold_view(h), view_text("ef")));
	cr_assert_eq(hold_at(h, 14)->frame, 2);
	cr_assert_eq(hold_at(h, 10)->frame, 2);
	hold_free(pool, h);
	hold_free(pool, NULL);
}

Test(hold, sixty_four_packets_then_they_merge)
{
	struct hold *h = NULL;
	for (uint64_t i = 0; i < 100; i++)
		add(&h, i, "x", i);
	for (uint64_t i = 0; i < 63; i++)
		cr_assert_eq(hold_at(h, i)->frame, i);
	for (uint64_t i = 63; i < 99; i++)
		cr_assert_eq(hold_at(h, i)->frame, 62, "never a later packet");
	cr_assert_eq(hold_at(h, 99)->frame, 99, "the newest is exact");
	hold_free(pool, h);
}

Test(hold, without_memory_for_marks_they_merge)
{
	struct hold *h = NULL;
	add(&h, 0, "x", 0);
	add(&h, 1, "x", 1);
	pool_fail_at(pool, 1);
	add(&h, 2, "x", 2);
	cr_assert_eq(hold_at(h, 0)->frame, 0);
	cr_assert_eq(hold_at(h, 1)->frame, 0);
	cr_assert_eq(hold_at(h, 2)->frame, 2);
	hold_free(pool, h);
}

Test(hold, without_memory_it_stays_as_it_was)
{
	static char big[5000];
	struct hold *h = NULL;
	struct origin o = {0};
	pool_fail_at(pool, 1);
	cr_assert_not(hold_add(pool, &h, view_text("abc"), 0, &o));
	cr_assert_eq(h, NULL);
	add(&h, 0, "abc", 1);
	pool_fail_at(pool, 1);
	cr_assert_not(hold_add(pool, &h, view_of(big, sizeof big), 3, &o));
	cr_assert(view_equal(hold_view(h), view_text("abc")));
	hold_free(pool, h);
}

/* A window that slides on for ever stays small, and what it holds is right. */
Test(hold, slides)
{
	struct hold *h = NULL;
	for (uint64_t i = 0; i < 100000; i++) {
		char text[2] = {(char)('a' + i % 26)};
		add(&h, i, text, i);
		if (h->size > 300)
			hold_keep(h, 300, i - 299);
	}
	cr_assert(h->room < 2048);
	struct view v = hold_view(h);
	for (uint32_t i = 0; i < 300; i++)
		cr_assert_eq(v.data[i], 'a' + (99700 + i) % 26);
	hold_free(pool, h);
}
