/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the decoder says of a message: the field table, and the calls that fill it. */
#include "protocols/http/head.h"

extern const struct field_def http_fields[];

/* Begins a request; adds the flaws of its target to `head`. */
void http_say_request(struct env *env, struct http_head *head, uint64_t offset);
void http_say_response(struct env *env, const struct http_head *head, bool final, uint64_t offset);

struct http_end {
	unsigned flags;      /* enum message_flag */
	unsigned flaws;      /* enum http_flaw, found since the head */
	bool sizes;          /* the next two are known */
	uint64_t body, wire; /* bytes: decoded, and on the wire */
	uint64_t offset;     /* just past the last byte */
};
void http_say_end(struct env *env, enum side side, const struct http_end *end);
