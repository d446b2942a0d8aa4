/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The --where language: comparisons on the fields of a round trip.
 *
 *   expr  = and { "or" and } .  and = not { "and" not } .  not = [ "not" ] ( "(" expr ")" | cmp ) .
 *   cmp   = field [ ( "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" ) value ] .
 *   value = "string" | 'string' | bare word, such as 500, 100ms, 10KiB, ok, 10.0.0.0/8, /index.html .
 *
 * A field is a JSON path as printed (response.status_code, client.address, duration, tcp.retransmits,
 * partial, request.headers.host ...); tunnel.vlan and its like are short for the `id` of such a layer. The
 * value is what the line shows: a masked secret is "***". A missing field makes the comparison false, also
 * for "!="; a bare field is true when it is present. "~" is a POSIX extended regular expression (regex.h) with
 * few repetitions, which cost memory; it is compiled once. On a list any element may match. Addresses take
 * CIDR ranges, durations and sizes units, and texts are ordered by their bytes.
 *
 * An expression becomes a flat program with forward jumps: nothing recurses, and "and" and "or" look no
 * further than they must. Nesting is capped at 64.
 */
#include "roundtrip/json.h"

struct where;

/* What is wrong and where. `at` is a 0-based byte offset into the expression. */
struct where_error {
	char text[160];
	unsigned at;
};

/* Compiles; fields are looked up in the built-in ones and in those of these protocols (NULL-terminated).
 * ERR_INVALID: `ret_error` says why (an unknown field names the nearest known one). */
must_check int where_new(const char *expression, const struct protocol_ops *const *protocols,
			 struct where_error *ret_error, struct where **ret_where);
void where_free(struct where *w);
/* Pure: any number of threads may use one `w` at once, each with a context of its own. NULL is true. */
bool where_true(const struct where *w, const struct roundtrip *rt, const struct line_context *c);
/* Writes the fields of a protocol (NULL: the built-in ones) with type and text, one a line, for
 * `wirespan protocols`. */
void where_fields(struct buf *b, const struct protocol_ops *protocol);
