/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a zone transfer ends.
 *
 * spec: RFC 5936 2.2 (AXFR: the SOA is the first and the last record), RFC 1995 4 (IXFR)
 *
 *   AXFR  SOA(new) records SOA(new)
 *   IXFR  SOA(new) *( SOA(old) deleted SOA(next) added ) SOA(new); or as AXFR; or one SOA: nothing is newer
 *
 * In all of them the transfer ends with the first SOA of the new serial that is second, fourth, sixth ... of all.
 */
#include "protocols/dns/transfer.h"

enum { SOA_NUMBERS = 20, SOA_MIN = 22 }; /* serial, refresh, retry, expire, minimum; two names */

/* One SOA passes; true when it is the last. */
static bool take_soa(const struct dns_message *d, const struct dns_record *r,
		     struct dns_transfer *t)
{
	uint32_t serial;

	if (r->size < SOA_MIN)
		return true;
	serial = load_be32(d->bytes.data + r->data + r->size - SOA_NUMBERS);
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

bool dns_transfer_begins(const struct dns_message *d, struct dns_transfer *t)
{
	uint32_t at = DNS_HEADER;
	struct dns_question q;
	struct dns_record r;

	if (d->header.count[DNS_QUESTION] != 1 || dns_question_read(d->bytes, &at, &q) != DNS_OK ||
	    (q.type != DNS_AXFR && q.type != DNS_IXFR) ||
	    dns_record_read(d->bytes, &at, &r) != DNS_OK || r.type != DNS_SOA ||
	    (q.type == DNS_IXFR && d->header.count[DNS_ANSWER] == 1))
		return false;
	*t = (struct dns_transfer){.id = d->header.id};
	return !dns_transfer_more(d, t);
}
