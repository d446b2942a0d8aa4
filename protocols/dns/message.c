/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a message.
 *
 * spec: RFC 1035 4.1 (format; 4.1.4 compression), RFC 4343 (case), RFC 6762 18 (mDNS)
 *
 *    0  id            2  QR opcode AA TC RD | RA Z AD CD rcode     4  questions    6  answers
 *    8  authorities  10  additional         12  the sections, one behind the other
 *
 *   question  name  type(2) class(2)
 *   record    name  type(2) class(2) ttl(4) size(2) data
 *   name      *( size(1, < 64) label ) then 0, or a pointer (2, its two highest bits set) to the rest
 */
#include "protocols/dns/message.h"

#include "protocols/dns/names.h"

enum {
	LABEL_MAX = 63,
	POINTER = 0xc0,
	QUESTION_TAIL = 4,
	RECORD_TAIL = 10,
};

/* Odd numbers with as many ones as zeros. */
#define MIX_A 0xa0761d6478bd642full
#define MIX_B 0xe7037ed1a0b428dbull

/* --- names --- */

/* The end of a name at `at`; 0: see dns_name_pass. */
static inline uint32_t name_end(struct view message, uint32_t at)
{
	uint32_t end = message.size - at > DNS_NAME_MAX ? at + DNS_NAME_MAX : message.size;

	while (at < end) {
		uint32_t n = message.data[at];

		if (n - 1 >= LABEL_MAX) { /* one test in each round: it ends here, or is none */
			if (!n)
				return at + 1;
			return n >= POINTER && message.size - at >= 2 ? at + 2 : 0;
		}
		at += n + 1;
	}
	return 0;
}

/* Why a name has no end. */
static enum dns_read name_fault(struct view message, uint32_t at)
{
	uint32_t from = at;

	while (at < message.size && at - from < DNS_NAME_MAX) {
		uint32_t n = message.data[at];

		if (n > LABEL_MAX)
			return n >= POINTER ? DNS_CUT : DNS_BROKEN;
		at += n + 1;
	}
	return at - from < DNS_NAME_MAX ? DNS_CUT : DNS_BROKEN;
}

enum dns_read dns_name_pass(struct view message, uint32_t *at)
{
	uint32_t end = name_end(message, *at);

	if (!end)
		return name_fault(message, *at);
	*at = end;
	return DNS_OK;
}

/* A walk over the labels of a name, along its pointers. */
struct labels {
	struct view message;
	uint32_t at;   /* next label */
	uint32_t low;  /* a pointer must lead before this */
	uint32_t size; /* bytes of the name so far, uncompressed */
	uint32_t end;  /* behind the name where it stands; 0: no pointer was met yet */
	bool broken;
};

static bool labels_next(struct labels *l, struct view *ret)
{
	while (l->at < l->message.size) {
		uint8_t n = l->message.data[l->at];

		if (n < POINTER) {
			l->size += n + 1u;
			l->broken = n > LABEL_MAX || l->size > DNS_NAME_MAX ||
				    n > l->message.size - l->at - 1;
			*ret = view_of(l->message.data + l->at + 1, n);
			l->at += n + 1u;
			if (!n && !l->end)
				l->end = l->at;
			return n && !l->broken;
		}
		if (l->message.size - l->at < 2)
			break;
		uint32_t to = load_be16(l->message.data + l->at) & 0x3fff;

		if (!l->end)
			l->end = l->at + 2;
		if (to >= l->low || to < DNS_HEADER)
			break;
		l->at = l->low = to;
	}
	l->broken = true;
	return false;
}

/* Sixteen bytes of a name, in the compiler's own vectors: SSE2, NEON, or plain words. */
typedef uint64_t words16 __attribute__((vector_size(16)));
typedef uint8_t bytes16 __attribute__((vector_size(16)));

/* Sizes of labels are below 'A', so names are folded with them. */
static inline words16 lower16(uint64_t low, uint64_t high)
{
	bytes16 v = (bytes16)(words16){low, high};
	bytes16 upper = (bytes16)(v - 'A' < 26) & 0x20;

	return (words16)(v | upper);
}

/* The name at `at` without pointers to `to` (room: DNS_NAME_MAX); its size, 0: broken. */
static uint32_t name_expand(struct view message, uint32_t at, uint8_t *to)
{
	struct labels l = {.message = message, .at = at, .low = at};
	struct view label;
	uint32_t n = 0;

	while (labels_next(&l, &label)) {
		to[n++] = (uint8_t)label.size;
		memcpy(to + n, label.data, label.size);
		n += label.size;
	}
	if (l.broken)
		return 0;
	to[n++] = 0;
	return n;
}

static uint32_t put_label(char *to, struct view label)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < label.size; i++) {
		uint8_t c = label.data[i];

		if (c > ' ' && c < 0x7f && c != '.' && c != '\\') {
			to[n++] = (char)c;
		} else if (c == '.' || c == '\\') {
			to[n++] = '\\';
			to[n++] = (char)c;
		} else {
			to[n++] = '\\';
			to[n++] = (char)('0' + c / 100);
			to[n++] = (char)('0' + c / 10 % 10);
			to[n++] = (char)('0' + c % 10);
		}
	}
	return n;
}

bool dns_name_text(struct view message, uint32_t *at, char *to, uint32_t *ret_size)
{
	struct labels l = {.message = message, .at = *at, .low = *at};
	struct view label;
	uint32_t n = 0;

	while (labels_next(&l, &label)) {
		if (n)
			to[n++] = '.';
		n += put_label(to + n, label);
	}
	if (l.broken)
		return false;
	if (!n)
		to[n++] = '.';
	*at = l.end;
	*ret_size = n;
	return true;
}

/* --- questions and records --- */

enum dns_read dns_question_read(struct view message, uint32_t *at, struct dns_question *ret)
{
	uint32_t name = *at;
	enum dns_read r = dns_name_pass(message, at);

	if (r != DNS_OK)
		return r;
	if (message.size - *at < QUESTION_TAIL)
		return DNS_CUT;
	const uint8_t *p = message.data + *at;

	*ret = (struct dns_question){name, load_be16(p), load_be16(p + 2)};
	*at += QUESTION_TAIL;
	return DNS_OK;
}

enum dns_read dns_record_read(struct view message, uint32_t *at, struct dns_record *ret)
{
	uint32_t name = *at;
	enum dns_read r = dns_name_pass(message, at);

	if (r != DNS_OK)
		return r;
	if (message.size - *at < RECORD_TAIL)
		return DNS_CUT;
	const uint8_t *p = message.data + *at;

	*ret = (struct dns_record){
		.name = name,
		.data = *at + RECORD_TAIL,
		.ttl = load_be32(p + 4),
		.type = load_be16(p),
		.class = load_be16(p + 2),
		.size = load_be16(p + 8),
	};
	*at = ret->data;
	if (message.size - *at < ret->size)
		return DNS_CUT;
	*at += ret->size;
	return DNS_OK;
}

/* --- hashes --- */

static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Of a name on the wire, case folded, with type and class. Eight bytes in front of `name` may be read: a message's
 * header, or any room there. */
static inline uint64_t hash_name(const uint8_t *name, uint32_t size, uint16_t type, uint16_t class)
{
	uint64_t hash = ((uint64_t)type << 16 | class) * MIX_B ^ size, last;
	const uint8_t *end = name + size;
	words16 v;

	for (; end - name > 16; name += 16) {
		v = lower16(load_le64(name), load_le64(name + 8));
		hash = mix(v[0] ^ MIX_A, v[1] ^ hash);
	}
	/* 1 to 16 are left */
	last = load_le64(end - 8) >> 8 * (-(end - name) & 7);
	if (end - name <= 8)
		return mix(lower16(last, 0)[0] ^ MIX_A, hash);
	v = lower16(load_le64(name), last);
	return mix(v[0] ^ MIX_A, v[1] ^ hash);
}

uint64_t dns_hash(struct view message, uint32_t name, uint16_t type, uint16_t class)
{
	uint8_t plain[8 + DNS_NAME_MAX];
	uint32_t size = name_expand(message, name, plain + 8);

	return size ? hash_name(plain + 8, size, type, class) | 1 : 0;
}

/* Several, or a bad one. */
static __attribute__((noinline)) enum dns_read many_questions(struct view message, unsigned count,
							      uint32_t *ret_end, uint64_t *ret_hash)
{
	uint64_t hash = 0;
	uint32_t at = DNS_HEADER;

	if (count > DNS_QUESTIONS_MAX)
		return DNS_BROKEN;
	for (unsigned i = 0; i < count; i++) {
		struct dns_question q;
		enum dns_read r = dns_question_read(message, &at, &q);

		if (r != DNS_OK)
			return r;
		uint64_t one = dns_hash(message, q.name, q.type, q.class);

		if (!one) /* its name leads nowhere */
			return DNS_BROKEN;
		hash = mix(hash ^ MIX_B, one);
	}
	*ret_end = at;
	*ret_hash = hash;
	return DNS_OK;
}

enum dns_read dns_questions(struct view message, const struct dns_header *h, uint32_t *ret_end,
			    uint64_t *ret_hash)
{
	unsigned count = h->count[DNS_QUESTION];
	uint32_t end = count == 1 ? name_end(message, DNS_HEADER) : 0;

	/* Nearly always there is one, and its name stands there in one piece. */
	if (!end || message.data[end - 1] || message.size - end < QUESTION_TAIL)
		return many_questions(message, count, ret_end, ret_hash);
	*ret_hash = hash_name(message.data + DNS_HEADER, end - DNS_HEADER,
			      load_be16(message.data + end), load_be16(message.data + end + 2));
	*ret_end = end + QUESTION_TAIL;
	return DNS_OK;
}

/* --- could it be one? --- */

/* Opcodes and counts that somebody would send. */
static bool plausible_header(const struct dns_header *h, bool strict)
{
	unsigned opcode = dns_opcode(h), questions = h->count[DNS_QUESTION];
	bool answer = h->flags & DNS_QR;

	if (opcode > DNS_STATEFUL || opcode == 3 || h->flags & DNS_Z)
		return false;
	if (!answer && h->flags & (DNS_AA | DNS_RA | 15) && opcode == DNS_QUERY && strict)
		return false;
	if (strict)
		return questions == 1 && (h->flags & 15) <= 11;
	return questions <= DNS_QUESTIONS_MAX;
}

/* The first name can point to nothing: there is none before it. */
static bool is_in_one_piece(struct view message)
{
	uint32_t at = DNS_HEADER;

	while (at < message.size && message.data[at] && message.data[at] <= LABEL_MAX)
		at += message.data[at] + 1u;
	return at < message.size && !message.data[at];
}

enum dns_read dns_plausible(struct view message, bool strict)
{
	uint32_t at = DNS_HEADER;

	if (message.size < DNS_HEADER)
		return DNS_CUT;
	struct dns_header h = dns_header_of(message);

	if (!plausible_header(&h, strict))
		return DNS_BROKEN;
	for (unsigned i = 0; i < h.count[DNS_QUESTION]; i++) {
		struct dns_question q;
		enum dns_read r = dns_question_read(message, &at, &q);

		if (r != DNS_OK)
			return r;
		if (!dns_class_known(q.class & 0x7fff) || (strict && !dns_type_known(q.type)))
			return DNS_BROKEN;
		if (strict && !is_in_one_piece(message))
			return DNS_BROKEN;
	}
	return DNS_OK;
}
