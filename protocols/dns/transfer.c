/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a zone transfer ends.
 *
 * spec: RFC 5936 2.2 (AXFR: the SOA is the first and the last record), RFC 1995 4 (IXFR)
 *
 *   AXFR  SOA(new) records SOA(new)
 *   IXFR  SOA(new) *( SOA(old) deleted SOA(next) added ) SOA(new); or as AXFR; or one SOA: nothing is newer. Some
 *         servers send each record in a message of its own: then only the serial of the first SOA tells.
 *
 * In all of them the transfer ends with the first SOA of the new serial that is second, fourth, sixth ... of all.
 */
#include "protocols/dns/transfer.h"

enum { SOA_NUMBERS = 20, SOA_MIN = 22 }; /* serial, refresh, retry, expire, minimum; two names */

#define COOKIE_MASK 0x7fffffffu

static bool soa_serial(const struct dns_message *d, const struct dns_record *r, uint32_t *ret)
{
	if (r->type != DNS_SOA || r->size < SOA_MIN)
		return false;
	*ret = load_be32(d->bytes.data + r->data + r->size - SOA_NUMBERS);
	return true;
}

static uint16_t only_type(const struct dns_message *d)
{
	uint32_t at = DNS_HEADER;
	struct dns_question q;

	return d->header.count[DNS_QUESTION] == 1 && dns_question_read(d->bytes, &at, &q) == DNS_OK
		       ? q.type
		       : 0;
}

int dns_transfer_cookie(const struct dns_message *d)
{
	uint32_t at = d->records, serial = 0;
	struct dns_record r;

	if (only_type(d) == DNS_IXFR && !d->header.count[DNS_ANSWER] &&
	    d->header.count[DNS_AUTHORITY] && dns_record_read(d->bytes, &at, &r) == DNS_OK)
		(void)soa_serial(d, &r, &serial);
	return (int)(serial & COOKIE_MASK);
}

/* Is this the serial of a newer zone (RFC 1982), as far as the cookie tells? */
static bool is_newer(uint32_t serial, int cookie)
{
	uint32_t ahead = (serial - (uint32_t)cookie) & COOKIE_MASK;

	return cookie >= 0 && ahead && ahead <= COOKIE_MASK / 2;
}

/* One SOA passes; true when it is the last. */
static bool take_soa(const struct dns_message *d, const struct dns_record *r,
		     struct dns_transfer *t)
{
	uint32_t serial;

	if (!soa_serial(d, r, &serial))
		return true;
	if (!t->marks)
		t->serial = serial;
	return t->marks++ % 2 && serial == t->serial;
}

bool dns_transfer_more(const struct dns_message *d, struct dns_transfer *t)
{
	uint32_t at = d->records;
	struct dns_record r;

	t->messages++;
	t->records += d->header.count[DNS_ANSWER];
	if (d->header.flags & 15 || !d->header.count[DNS_ANSWER])
		return true;
	for (unsigned i = 0; i < d->header.count[DNS_ANSWER]; i++) {
		if (dns_record_read(d->bytes, &at, &r) != DNS_OK)
			return true;
		if (r.type == DNS_SOA && take_soa(d, &r, t))
			return true;
	}
	return false;
}

bool dns_is_transfer(const struct dns_message *d)
{
	uint16_t type = only_type(d);

	return type == DNS_AXFR || type == DNS_IXFR;
}

bool dns_transfer_begins(const struct dns_message *d, int cookie, struct dns_transfer *t)
{
	uint32_t at = d->records, serial;
	struct dns_record r;

	if (!d->header.count[DNS_ANSWER] || dns_record_read(d->bytes, &at, &r) != DNS_OK ||
	    !soa_serial(d, &r, &serial) ||
	    (only_type(d) == DNS_IXFR && d->header.count[DNS_ANSWER] == 1 &&
	     !is_newer(serial, cookie)))
		return false;
	*t = (struct dns_transfer){.id = d->header.id};
	return !dns_transfer_more(d, t);
}
