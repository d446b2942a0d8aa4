/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Text in the style of zone files, into memory of the caller's. What does not fit is left out, and the text ends
 * with "...". */
#include "protocols/dns/message.h"

struct dns_text {
	char *to;
	uint32_t size, room;
	bool full; /* something did not fit */
};

void dns_put(struct dns_text *t, const char *text);
void dns_put_number(struct dns_text *t, uint64_t n);
void dns_put_hex(struct dns_text *t, struct view bytes);
/* Printable bytes as they are, others as \DDD. */
void dns_put_bytes(struct dns_text *t, struct view bytes);
/* "TYPE65280" (RFC 3597 5) when there is no name; classes, opcodes and rcodes in the same manner. */
void dns_put_named(struct dns_text *t, const char *name, const char *otherwise, unsigned number);
void dns_put_address(struct dns_text *t, const uint8_t *bytes, uint32_t size);
/* False when the name at `*at` is broken. */
bool dns_put_name(struct dns_text *t, struct view message, uint32_t *at);

/* "name TTL TYPE data"; data that is not what its type says as \# size hex (RFC 3597 5). False: the name is broken. */
bool dns_put_record(struct dns_text *t, struct view message, const struct dns_record *r);
