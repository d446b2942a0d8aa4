/* SPDX-License-Identifier: Apache-2.0 */
/* What the keeper keeps of a message: its fields, its size, and what happens when memory runs out. */
#include "tests/unit/roundtrip/brackets.h"

static void start(void)
{
	brackets_start(&fifo_ops);
}

TestSuite(entry, .init = start, .fini = brackets_stop);

static void with(const struct protocol_ops *ops)
{
	brackets_drop();
	brackets_start(ops);
}

/* --- fields --- */

/* Packed: id, mark, length, bytes. */
enum { PACKED = 4 };

static void add_fields(unsigned count, uint32_t size)
{
	static char text[UINT16_MAX];

	memset(text, 'x', sizeof(text));
	brackets.added = (struct field){.id = 1, .text = view_of(text, size)};
	client("(a");
	for (unsigned i = 0; i < count; i++)
		client("@");
	client(")");
	server("(A)");
}

Test(entry, fields_may_be_added_while_a_message_goes_on)
{
	add_fields(2, 10);
	said_is("a=A");
	cr_expect_eq(brackets.last_fields, PACKED + 1 + 2 * (PACKED + 10));
}

Test(entry, fields_may_outgrow_their_first_room)
{
	add_fields(100, 1000);
	said_is("a=A");
	cr_expect_eq(brackets.last_fields, PACKED + 1 + 100 * (PACKED + 1000));
}

Test(entry, the_fields_of_one_message_have_a_cap)
{
	add_fields(300, 1000);
	said_is("a=A+limit");
	cr_expect_leq(brackets.last_fields, KEEPER_FIELDS_MAX);
	cr_expect_gt(brackets.last_fields, KEEPER_FIELDS_MAX - PACKED - 1000);
}

Test(entry, big_fields_survive_a_timeout_and_an_answer_for_many)
{
	with(&timed_keyed_ops);
	brackets.added = (struct field){.id = 1, .text = view_of("0123456789", 10)};
	client("(1a)(2b)");
	server("(^2X");
	for (unsigned i = 0; i < 1000; i++)
		server("@");
	server(")");
	said_is("a=X b=X");
	with(&timed_ops);
	add_fields(100, 1000);
	said_is("a=A");
	brackets.added = (struct field){.id = 1, .text = view_of("0123456789", 10)};
	client("(a");
	for (unsigned i = 0; i < 1000; i++)
		client("@");
	client(")");
	tick_after_ms(2000);
	said_is("a?timeout");
	cr_expect_eq(brackets.last_fields, PACKED + 1 + 1000 * (PACKED + 10));
}

/* --- memory --- */

static void talk(void)
{
	client("(1a)(2b)");
	server("(1A)");
	client("(3c..");
	server("(^2B)");
	hole(FROM_SERVER, 3);
	server("(3C)");
	client(")(4d)");
	server("(4D)");
	client("(5e)");
	tick_after_ms(1000);
	finish(END_FIN);
}

Test(entry, any_allocation_may_fail)
{
	static const struct protocol_ops *const every[] = {&timed_ops, &timed_keyed_ops};

	for (unsigned i = 0; i < 2; i++) {
		for (uint64_t nth = 1; nth < 16; nth++) {
			with(every[i]);
			pool_fail_at(brackets.world.feeder.pool, nth);
			talk();
			pool_fail_at(brackets.world.feeder.pool, 0);
			brackets_stop();
			brackets_start(every[i]);
		}
	}
}

Test(entry, what_is_open_is_small)
{
	struct pool *pool = brackets.world.feeder.pool;

	cr_expect_leq(sizeof(struct keeper) - sizeof(struct feeder), 56);
	client("(abcdef)");
	cr_expect_leq(pool_used(pool), pool_block_size(80 + PACKED + 6 + 8));
}

Test(entry, a_float_without_memory_is_an_orphan)
{
	earn();
	client("(a)(b)");
	hole(FROM_SERVER, 3);
	pool_fail_at(brackets.world.feeder.pool, 2); /* its entry, then the queue */
	server("(A)");
	said_is("-A:limit");
	server("(B)");
	client("(c)");
	server("(C)");
	said_is("a?gap b=B c=C");
}

Test(entry, a_record_of_a_guess_without_memory_is_withdrawn)
{
	for (uint64_t nth = 1; nth < 8; nth++) {
		brackets_stop();
		brackets_guess(&fifo_ops);
		pool_fail_at(brackets.world.feeder.pool, nth);
		client("(a~)(b~)");
		server("(A)(B)");
		pool_fail_at(brackets.world.feeder.pool, 0);
		client("(c)");
		finish(END_FIN);
	}
}

Test(entry, keys_are_forgotten_when_memory_for_the_decoder_runs_out)
{
	with(&unique_ops);
	client("(1a)");
	pool_fail_at(brackets.world.feeder.pool, 1);
	client("_"); /* cannot be held */
	cr_expect(feeder_bypassed(&brackets.keeper.feeder));
	finish(END_FIN);
	said_is("a?closed");
	cr_expect_eq(brackets.world.keys.count, 0);
}

Test(entry, a_decoder_that_makes_names_up_is_stopped)
{
	static struct protocol_ops ops[KEEPER_NAMES_MAX + 2];
	static char names[KEEPER_NAMES_MAX + 2][8];
	const unsigned count = sizeof(ops) / sizeof(*ops);

	for (unsigned i = 0; i < count; i++) {
		snprintf(names[i], sizeof(names[i]), "p%u", i);
		ops[i] = fifo_ops;
		ops[i].name = names[i];
		brackets.to = &ops[i];
		server("$");
		client("(a)");
		server("(A)");
		if (i < KEEPER_NAMES_MAX) {
			said_is("a=A");
			cr_assert_str_eq(brackets.last.protocol, names[i]);
		}
	}
	said_is("");
	cr_expect_eq(counted(messages_withdrawn), 2);
}

Test(entry, a_request_without_memory_is_a_hole)
{
	client("(a)");
	pool_fail_at(brackets.world.feeder.pool, 1);
	client("(b)");
	client("(c)");
	server("(A)(B)(C)");
	cr_expect_eq(counted(messages_withdrawn), 1);
	cr_expect_eq(counted(cap_open), 1);
	client("(d)");
	said_is("a=A -B:gap c=C+order");
}
