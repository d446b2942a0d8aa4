/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "protocol/registry.h"
#include "tests/lib/toys.h"

static struct registry *r;

static void start(void)
{
	cr_assert_eq(registry_new(toys_all, &r), 0);
}

static void stop(void)
{
	registry_free(r);
	registry_free(NULL);
}

TestSuite(registry, .init = start, .fini = stop);

Test(registry, finds)
{
	cr_assert_eq(registry_count(r), 3);
	cr_assert_eq(registry_at(r, 1), &toy_keyed_ops);
	cr_assert_eq(registry_at(r, 3), NULL);
	cr_assert_eq(registry_index(r, &toy_unique_ops), 2);
	struct protocol_ops stranger = {.name = "stranger"};
	cr_assert_eq(registry_index(r, &stranger), 3);
	cr_assert_eq(registry_find(r, view_text("toy_fifo")), &toy_fifo_ops);
	cr_assert_eq(registry_find(r, view_text("toy")), NULL);
}

Test(registry, rules)
{
	bool second;
	cr_assert_eq(registry_rule_of(r, 80, 81, &second), NULL);
	cr_assert_eq(registry_port_rule(r, &toy_fifo_ops, 80), 0);
	cr_assert_eq(registry_port_rule(r, &toy_keyed_ops, 90), 0);
	cr_assert_eq(registry_rule_of(r, 80, 5000, &second), &toy_fifo_ops);
	cr_assert_not(second);
	cr_assert_eq(registry_rule_of(r, 5000, 80, &second), &toy_fifo_ops);
	cr_assert(second);
	cr_assert_eq(registry_port_rule(r, &toy_unique_ops, 80), 0, "a later rule replaces it");
	cr_assert_eq(registry_rule_of(r, 80, 1, &second), &toy_unique_ops);
	struct protocol_ops stranger = {.name = "stranger"};
	cr_assert_eq(registry_port_rule(r, &stranger, 1), ERR_INVALID);
}

Test(registry, too_many_rules)
{
	for (uint16_t port = 1; port <= 256; port++)
		cr_assert_eq(registry_port_rule(r, &toy_fifo_ops, port), 0);
	cr_assert_eq(registry_port_rule(r, &toy_fifo_ops, 257), ERR_LIMIT);
	cr_assert_eq(registry_port_rule(r, &toy_keyed_ops, 256), 0);
}

Test(registry, only)
{
	bool second;
	cr_assert_eq(registry_port_rule(r, &toy_fifo_ops, 80), 0);
	cr_assert(registry_enabled(r, 0, TRANSPORT_TCP));
	cr_assert_not(registry_enabled(r, 3, TRANSPORT_TCP));
	registry_only(r, &toy_keyed_ops);
	cr_assert_not(registry_enabled(r, 0, TRANSPORT_TCP));
	cr_assert(registry_enabled(r, 1, TRANSPORT_UDP));
	cr_assert_eq(registry_rule_of(r, 80, 1, &second), NULL);
	registry_only(r, &toy_fifo_ops);
	cr_assert(registry_enabled(r, 0, TRANSPORT_TCP));
	cr_assert_eq(registry_rule_of(r, 80, 1, &second), &toy_fifo_ops);
}

Test(registry, only_none)
{
	registry_only(r, NULL);
	for (unsigned i = 0; i < 3; i++)
		cr_assert_not(registry_enabled(r, i, TRANSPORT_TCP));
}

Test(registry, too_many_protocols)
{
	const struct protocol_ops *list[66];
	struct registry *other = NULL;
	for (unsigned i = 0; i < 65; i++)
		list[i] = &toy_fifo_ops;
	list[65] = NULL;
	cr_assert_eq(registry_new(list, &other), ERR_LIMIT);
	cr_assert_eq(other, NULL);
}
