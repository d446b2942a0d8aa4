/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A DNS message as bytes: header, names, questions, records. Reading it costs no memory, and nothing here is
 * kept.
 *
 * A name is followed through compression pointers only where its text or its hash is wanted; passing it needs no
 * pointer. Pointers must lead back (RFC 1035 4.1.4: to a prior occurrence), each further than the one before, so
 * there is no loop to guard against.
 */
#include "core/view.h"

enum {
	DNS_HEADER = 12,
	DNS_NAME_MAX = 255,       /* bytes on the wire, uncompressed (RFC 1035 2.3.4) */
	DNS_NAME_TEXT_MAX = 1024, /* each byte may become \DDD */
	DNS_QUESTIONS_MAX = 64, /* of a message; more are malformed: nobody asks so much at once */
};

enum dns_flag {
	DNS_QR = 0x8000,
	DNS_AA = 0x0400,
	DNS_TC = 0x0200,
	DNS_RD = 0x0100,
	DNS_RA = 0x0080,
	DNS_Z = 0x0040,
	DNS_AD = 0x0020,
	DNS_CD = 0x0010,
};

enum dns_section { DNS_QUESTION, DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL, DNS_SECTIONS };

enum dns_opcode { DNS_QUERY = 0, DNS_NOTIFY = 4, DNS_UPDATE = 5, DNS_STATEFUL = 6 };

enum dns_type {
	DNS_A = 1,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_PTR = 12,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_OPT = 41,
	DNS_NSEC = 47,
	DNS_HTTPS = 65,
	DNS_IXFR = 251,
	DNS_AXFR = 252,
	DNS_ANY = 255,
};

struct dns_header {
	uint16_t id, flags, count[DNS_SECTIONS];
};

static inline unsigned dns_opcode(const struct dns_header *h)
{
	return h->flags >> 11 & 15;
}

/* `message` has DNS_HEADER bytes. */
static inline struct dns_header dns_header_of(struct view message)
{
	const uint8_t *p = message.data;

	return (struct dns_header){
		load_be16(p),
		load_be16(p + 2),
		{load_be16(p + 4), load_be16(p + 6), load_be16(p + 8), load_be16(p + 10)}};
}

/* What a place in a message is. CUT: the bytes end before it does. */
enum dns_read { DNS_OK, DNS_CUT, DNS_BROKEN };

struct dns_question {
	uint32_t name; /* offset of its name */
	uint16_t type, class;
};

struct dns_record {
	uint32_t name, data; /* offsets */
	uint32_t ttl;
	uint16_t type, class, size; /* of the data */
};

/* Passes a name at `*at`. */
enum dns_read dns_name_pass(struct view message, uint32_t *at);
/* Its text, with a dot at the end only if it is the root, to `to` (room: DNS_NAME_TEXT_MAX). `*at` is moved
 * behind it. False: broken. */
bool dns_name_text(struct view message, uint32_t *at, char *to, uint32_t *ret_size);

/* What stands at `*at`, which is moved behind it. */
enum dns_read dns_question_read(struct view message, uint32_t *at, struct dns_question *ret);
enum dns_read dns_record_read(struct view message, uint32_t *at, struct dns_record *ret);

/* All questions: where the answers begin, and their hash, in which the case of letters does not count. Zero
 * questions have the hash 0. */
enum dns_read dns_questions(struct view message, const struct dns_header *h, uint32_t *ret_end,
			    uint64_t *ret_hash);
/* The hash of one question, or of what a record answers: name, type and class; 0: the name is broken. */
uint64_t dns_hash(struct view message, uint32_t name, uint16_t type, uint16_t class);

/* Could this be the beginning of a DNS message? CUT: so far. Header, questions, and nothing else are looked at. */
enum dns_read dns_plausible(struct view message, bool strict);
