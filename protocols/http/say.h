/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the decoder says of a message: the field table, and the calls that fill it. */
#include "protocols/http/head.h"

extern const struct field_def http_fields[];

/* Begin a message with all that its head says. */
void http_say_request(struct env *env, const struct http_head *head, uint64_t offset);
void http_say_response(struct env *env, const struct http_head *head, bool final, uint64_t offset);

/* The same in two steps: begin it with the start line, and add the header lines when they are there. */
void http_say_start(struct env *env, enum side side, const struct http_head *head, bool final,
		    uint64_t offset);
void http_say_rest(struct env *env, enum side side, const struct http_head *head);

struct http_end {
	unsigned flags;      /* enum message_flag */
	unsigned flaws;      /* enum http_flaw, found since the head */
	bool sizes;          /* the next two are known */
	uint64_t body, wire; /* bytes: decoded, and on the wire */
	uint64_t offset;     /* just past the last byte */
};
void http_say_end(struct env *env, enum side side, const struct http_end *end);
