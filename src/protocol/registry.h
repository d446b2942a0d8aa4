/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The decoders there are, and the user's port rules. Built once at start by src/agent from the list
 * in protocols/all.c; read-only afterwards. At most 64 protocols.
 */
#include "core/err.h"
#include "protocol/decoder.h"

struct registry;

/* `list` ends with NULL and must outlive the registry. */
must_check int registry_new(const struct protocol_ops *const *list, struct registry **ret_registry);
void registry_free(struct registry *r);

unsigned registry_count(const struct registry *r);
const struct protocol_ops *registry_at(const struct registry *r, unsigned i);
/* Index of a decoder; registry_count() when it is not in the list. */
unsigned registry_index(const struct registry *r, const struct protocol_ops *ops);
const struct protocol_ops *registry_find(const struct registry *r, struct view name);

/* Only these protocols are probed and decoded from now on (--only); names come one at a time;
 * NULL: none of them. */
void registry_only(struct registry *r, const struct protocol_ops *ops);
/* A port rule: conversations with this port are this protocol, whatever their content. */
must_check int registry_port_rule(struct registry *r, const struct protocol_ops *ops,
				  uint16_t port);
/* The rule for either port, NULL when there is none; `ret_second` is true when `b` matched. */
const struct protocol_ops *registry_rule_of(const struct registry *r, uint16_t a, uint16_t b,
					    bool *ret_second);
/* Enabled for this transport and not excluded by --only. */
bool registry_enabled(const struct registry *r, unsigned i, enum transport transport);
/* Is this among the port hints of a protocol that is enabled for this transport? */
bool registry_hints(const struct registry *r, uint16_t port, enum transport transport);
