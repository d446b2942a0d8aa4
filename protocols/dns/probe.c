/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detection: what is a message, and where one begins.
 *
 * spec: RFC 1035 4.1, 4.2.2; RFC 8490 5.4 (stateful operations); RFC 1002 4.2 (NetBIOS)
 */
#include "protocols/dns/probe.h"

/* What tells whether a message begins: size, header, the longest name, type and class. */
enum { BOUNDARY_MAX = DNS_STREAM_HEAD + DNS_HEADER + DNS_NAME_MAX + 4 };

/* Header and questions of a message. */
struct message_head {
	struct dns_header header;
	uint32_t records; /* offset of what follows them */
};

/* False: they cannot be read. */
static bool read_head(struct view message, struct message_head *ret)
{
	uint64_t hash;

	if (message.size < DNS_HEADER)
		return false;
	ret->header = dns_header_of(message);
	return dns_questions(message, &ret->header, &ret->records, &hash) == DNS_OK;
}

enum dns_read dns_boundary(struct view v)
{
	uint32_t size = v.size < DNS_STREAM_HEAD ? DNS_HEADER : load_be16(v.data);
	struct view message = view_first(view_from(v, DNS_STREAM_HEAD), size);
	enum dns_read is;

	if (size < DNS_HEADER)
		return DNS_BROKEN;
	is = dns_plausible(message, true);
	return is == DNS_CUT && (message.size == size || v.size >= BOUNDARY_MAX) ? DNS_BROKEN : is;
}

static struct probed found(struct view v, uint32_t at, uint8_t confidence, bool other)
{
	bool answer = v.data[at + 2] & 0x80;

	return (struct probed){
		.is = PROBE_YES, .confidence = confidence, .client = answer != other};
}

/* Every record is there, and nothing else. */
static bool is_exact(struct view v, const struct message_head *head)
{
	const uint16_t *count = head->header.count;
	uint32_t records =
		(uint32_t)count[DNS_ANSWER] + count[DNS_AUTHORITY] + count[DNS_ADDITIONAL];
	uint32_t at = head->records;
	struct dns_record r;

	while (dns_opcode(&head->header) == DNS_STATEFUL &&
	       v.size - at >= 4 && /* types, sizes, values (RFC 8490 5.4) */
	       v.size - at - 4 >= load_be16(v.data + at + 2))
		at += 4 + load_be16(v.data + at + 2);
	while (records && dns_record_read(v, &at, &r) == DNS_OK)
		records--;
	return !records && at == v.size;
}

/* Is the first message of a stream there, and whatever it says, whole? */
static bool is_first(struct view v)
{
	struct view message = view_from(v, DNS_STREAM_HEAD);
	struct message_head h;
	uint32_t size = v.size > DNS_STREAM_HEAD ? load_be16(v.data) : UINT16_MAX;

	message = view_first(message, size);
	return message.size == size && size > DNS_HEADER && read_head(message, &h) &&
	       (h.header.count[DNS_QUESTION] || dns_plausible(message, false) == DNS_OK) &&
	       is_exact(message, &h);
}

/* As in `v`: a request of side a, or an answer to it. */
static struct probed probe_stream(struct view v, bool other)
{
	if (!v.size)
		return (struct probed){.is = PROBE_NO};
	if (is_first(v))
		return found(v, DNS_STREAM_HEAD, 92, other);
	switch (dns_boundary(v)) {
	case DNS_OK:
		return found(v, DNS_STREAM_HEAD, 92, other);
	case DNS_CUT:
		return (struct probed){.is = PROBE_NEED, .need = v.size + 1};
	case DNS_BROKEN:
		break;
	}
	return (struct probed){.is = PROBE_NO};
}

struct probed dns_probe(struct view a, struct view b)
{
	struct probed of_a = probe_stream(a, false), of_b = probe_stream(b, true);

	if (of_a.is == PROBE_YES || of_b.is == PROBE_NO)
		return of_a;
	return of_b.is == PROBE_YES || of_a.is == PROBE_NO ? of_b : of_a;
}

/* NetBIOS asks in messages of the same format (RFC 1002 4.2) for names of 32 letters, A to P. */
static bool is_netbios(struct view v)
{
	enum { LETTERS = 32, TYPE_NB = 32, TYPE_NBSTAT = 33 };
	struct dns_question q;
	uint32_t at = DNS_HEADER;

	if (dns_question_read(v, &at, &q) != DNS_OK ||
	    (q.type != TYPE_NB && q.type != TYPE_NBSTAT) || v.data[DNS_HEADER] != LETTERS)
		return false;
	for (unsigned i = 1; i <= LETTERS; i++) {
		uint8_t c = v.data[DNS_HEADER + i];

		if (c < 'A' || c > 'P')
			return false;
	}
	return true;
}

struct probed dns_probe_datagram(struct view a, struct view b)
{
	struct view v = a.size ? a : b;
	struct message_head h;

	/* What the capture cut may still be one: then a pair must prove it. */
	if (v.size > DNS_HEADER && dns_plausible(v, true) == DNS_CUT)
		return found(v, 0, 50, !a.size);
	if (!read_head(v, &h) || is_netbios(v))
		return (struct probed){.is = PROBE_NO};
	/* A name, a type and a class are much to get right by chance, whatever they are; the header alone is little. */
	if (v.size > DNS_HEADER && is_exact(v, &h) &&
	    (h.header.count[DNS_QUESTION] || dns_plausible(v, false) == DNS_OK))
		return found(v, 0, 95, !a.size);
	if (h.header.count[DNS_QUESTION] == 1 && dns_plausible(v, true) == DNS_OK)
		return found(v, 0, 70, !a.size);
	return (struct probed){.is = PROBE_NO};
}
