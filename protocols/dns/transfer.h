/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Zone transfers: one answer of many messages, which ends where its records say so. */
#include "protocols/dns/say.h"

/* One that is being received; all zero when there is none. */
struct dns_transfer {
	uint64_t key, to; /* of the request; behind the last message */
	uint64_t records;
	uint32_t messages; /* not 0: in use */
	uint32_t serial;   /* of the first SOA: the zone's, once all is sent */
	uint32_t marks;    /* SOAs so far */
	uint16_t id;
	uint8_t side;
};

/* What an IXFR request has to remember: the serial of the zone it has, without its highest bit. 0 of other requests. */
int dns_transfer_cookie(const struct dns_message *d);
bool dns_is_transfer(const struct dns_message *d);
/* Does this answer to one, to a request with this cookie (negative: unknown), begin a transfer that takes more than one
 * message? Then `t` is filled, but for key, to and side. */
bool dns_transfer_begins(const struct dns_message *d, int cookie, struct dns_transfer *t);
/* Takes the records of one more message; true when it was the last one. */
bool dns_transfer_more(const struct dns_message *d, struct dns_transfer *t);
