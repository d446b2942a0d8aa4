/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multicast DNS: which question an answer belongs to.
 *
 * spec: RFC 6762 6 (answers), 6.1 (NSEC: no such record), 6.7 (one-shot queriers)
 */
#include "protocols/dns/mdns.h"

enum { ANSWERS_MAX = 64 }; /* of a message, that are looked at to find their question */

static size_t size_of(uint32_t slots)
{
	return sizeof(struct mdns) + slots * sizeof(struct mdns_asked);
}

struct mdns *mdns_new(struct env *env, uint32_t slots)
{
	struct mdns *m = env->ops->alloc(env, size_of(slots));

	if (m) {
		memset(m, 0, size_of(slots));
		m->slots = slots;
	}
	return m;
}

void mdns_free(struct mdns *m, struct env *env)
{
	env->ops->free(env, m, size_of(m->slots));
}

/* The highest bit of the class is another thing here (RFC 6762 18.12). */
static uint64_t hash_of(const struct dns_message *d, uint32_t name, uint16_t type, uint16_t class)
{
	return dns_hash(d->bytes, name, type, class & 0x7fff);
}

void mdns_remember(struct mdns *m, const struct dns_message *d, uint64_t key)
{
	uint32_t at = DNS_HEADER;
	struct dns_question q;

	for (unsigned i = 0; i < d->header.count[DNS_QUESTION]; i++) {
		if (dns_question_read(d->bytes, &at, &q) != DNS_OK)
			break;
		uint64_t hash = hash_of(d, q.name, q.type, q.class);

		m->asked[hash % m->slots] = (struct mdns_asked){hash, key};
	}
}

/* An answer that is looked at. */
struct look {
	const struct mdns *m;
	struct env *env;
	enum side side;
	const struct dns_message *d;
	uint64_t offset;
};

/* The key of the request that asked this, and still waits; 0: none. */
static uint64_t who_asked(const struct look *l, uint32_t name, uint16_t type, uint16_t class)
{
	uint64_t hash = hash_of(l->d, name, type, class);
	const struct mdns_asked *a = &l->m->asked[hash % l->m->slots];
	bool open = a->hash == hash && a->key &&
		    l->env->ops->ask(l->env, l->side, a->key, l->offset) != ASK_NONE;

	return open ? a->key : 0;
}

/* Does an NSEC record say that there is this type? Only the first 256 types are asked for (RFC 6762 6.1). */
static bool nsec_has(const struct dns_message *d, const struct dns_record *r, uint16_t type)
{
	struct view message = view_first(d->bytes, r->data + r->size), bits;
	uint32_t at = r->data;

	if (dns_name_pass(message, &at) != DNS_OK)
		return true;
	struct reader in = reader_of(view_from(message, at));
	unsigned window = reader_u8(&in);

	bits = reader_view(&in, reader_u8(&in));
	return in.short_read || window ||
	       (type / 8u < bits.size && bits.data[type / 8] & 0x80 >> type % 8);
}

/* Another name, or that there is no such record, answers other types than its own. */
static uint64_t other_type(const struct look *l, const struct dns_record *r)
{
	static const uint16_t types[] = {DNS_A, DNS_AAAA, DNS_PTR, DNS_SRV, DNS_TXT, DNS_HTTPS};
	uint64_t key = 0;

	if (r->type != DNS_CNAME && r->type != DNS_NSEC)
		return 0;
	for (unsigned i = 0; !key && i < sizeof(types) / sizeof(types[0]); i++) {
		if (r->type == DNS_CNAME || !nsec_has(l->d, r, types[i]))
			key = who_asked(l, r->name, types[i], r->class);
	}
	return key;
}

static uint64_t by_questions(const struct look *l)
{
	uint32_t at = DNS_HEADER;
	uint64_t key = 0;
	struct dns_question q;

	for (unsigned i = 0; !key && i < l->d->header.count[DNS_QUESTION]; i++) {
		if (dns_question_read(l->d->bytes, &at, &q) != DNS_OK)
			break;
		key = who_asked(l, q.name, q.type, q.class);
	}
	return key;
}

uint64_t mdns_answered(const struct mdns *m, struct env *env, enum side side,
		       const struct dns_message *d, uint64_t offset)
{
	const struct look l = {m, env, side, d, offset};
	uint64_t key = by_questions(&l);
	uint32_t at = d->records;
	struct dns_record r;

	for (unsigned i = 0; !key && i < d->header.count[DNS_ANSWER] && i < ANSWERS_MAX; i++) {
		if (dns_record_read(d->bytes, &at, &r) != DNS_OK)
			break;
		if (!r.ttl && env->scope == SCOPE_ALL) /* a goodbye (RFC 6762 10.1) */
			continue;
		key = who_asked(&l, r.name, r.type, r.class);
		if (!key)
			key = who_asked(&l, r.name, DNS_ANY, r.class);
		if (!key)
			key = other_type(&l, &r);
	}
	return key;
}
