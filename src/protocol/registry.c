/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/registry.h"

#include <stdlib.h>

enum {
	PROTOCOLS_MAX = 32, /* one bit each in feeder.tried */
	RULES_MAX = 256,    /* looked through once per conversation */
};

struct rule {
	uint16_t port;
	uint8_t index;
};

struct registry {
	const struct protocol_ops *const *list;
	unsigned count, rules;
	uint64_t only; /* bits of the protocols that are wanted */
	bool restricted;
	struct rule rule[RULES_MAX];
};

int registry_new(const struct protocol_ops *const *list, struct registry **ret_registry)
{
	unsigned count = 0;
	while (list[count])
		count++;
	if (count > PROTOCOLS_MAX)
		return ERR_LIMIT;
	struct registry *r = calloc(1, sizeof *r);
	if (!r)
		return ERR_NOMEM;
	r->list = list;
	r->count = count;
	r->only = UINT64_MAX;
	*ret_registry = r;
	return 0;
}

void registry_free(struct registry *r)
{
	free(r);
}

unsigned registry_count(const struct registry *r)
{
	return r->count;
}

const struct protocol_ops *registry_at(const struct registry *r, unsigned i)
{
	return i < r->count ? r->list[i] : NULL;
}

unsigned registry_index(const struct registry *r, const struct protocol_ops *ops)
{
	unsigned i = 0;
	while (i < r->count && r->list[i] != ops)
		i++;
	return i;
}

const struct protocol_ops *registry_find(const struct registry *r, struct view name)
{
	for (unsigned i = 0; i < r->count; i++) {
		if (view_equal(name, view_text(r->list[i]->name)))
			return r->list[i];
	}
	return NULL;
}

void registry_only(struct registry *r, const struct protocol_ops *ops)
{
	if (!r->restricted)
		r->only = 0;
	r->restricted = true;
	unsigned i = registry_index(r, ops);
	if (i < r->count)
		r->only |= 1ull << i;
}

int registry_port_rule(struct registry *r, const struct protocol_ops *ops, uint16_t port)
{
	unsigned index = registry_index(r, ops), i = 0;
	if (index == r->count)
		return ERR_INVALID;
	while (i < r->rules && r->rule[i].port != port)
		i++;
	if (i == RULES_MAX)
		return ERR_LIMIT;
	r->rule[i] = (struct rule){port, (uint8_t)index};
	if (i == r->rules)
		r->rules++;
	return 0;
}

static const struct protocol_ops *rule_for(const struct registry *r, uint16_t port)
{
	for (unsigned i = 0; i < r->rules; i++) {
		if (r->rule[i].port == port && r->only >> r->rule[i].index & 1)
			return r->list[r->rule[i].index];
	}
	return NULL;
}

const struct protocol_ops *registry_rule_of(const struct registry *r, uint16_t a, uint16_t b,
					    bool *ret_second)
{
	const struct protocol_ops *ops = rule_for(r, b);
	bool second = ops != NULL;
	if (!ops)
		ops = rule_for(r, a);
	if (ops)
		*ret_second = second;
	return ops;
}

bool registry_enabled(const struct registry *r, unsigned i, enum transport transport)
{
	return i < r->count && r->only >> i & 1 && r->list[i]->transports & (unsigned)transport;
}

bool registry_hints(const struct registry *r, uint16_t port, enum transport transport)
{
	for (unsigned i = 0; i < r->count; i++) {
		const uint16_t *hint = r->list[i]->port_hints;
		if (!hint || !registry_enabled(r, i, transport))
			continue;
		while (*hint && *hint != port)
			hint++;
		if (*hint)
			return true;
	}
	return false;
}
