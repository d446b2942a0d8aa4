/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Community ID: one name for a conversation, whatever tool saw it and in whichever direction.
 *
 * spec: Community ID Flow Hashing, version 1 (https://github.com/corelight/community-id-spec)
 *
 *   SHA-1 of | seed 16 | smaller address 32/128 | other address | proto 8 | 0 8 | ports 16 16 |
 *   all big-endian; the ports are absent for protocols without ports. Printed as "1:" and base64.
 */
#include <nettle/base64.h>
#include <nettle/sha1.h>
#include <stdlib.h>

#include "roundtrip/shown.h"

enum {
	/* Flows remembered. Round trips of busy flows follow each other closely; beyond this many busy
	 * ones each line costs one hash more. 256 KiB. */
	CACHE_FLOWS = 1024,
	CACHE_TABLES = 64, /* field tables: as many as a registry may have protocols */
	PROTO_SCTP = 132,
};

struct key_table {
	const struct field_def *defs;
	struct field_key *key;
};

struct community_cache {
	struct flow_texts flow[CACHE_FLOWS];
	struct key_table table[CACHE_TABLES];
	unsigned tables;
	struct pairs pairs;
};

struct community_cache *community_cache_new(void)
{
	return calloc(1, sizeof(struct community_cache));
}

void community_cache_free(struct community_cache *cache)
{
	if (!cache)
		return;
	for (unsigned i = 0; i < cache->tables; i++)
		free(cache->table[i].key);
	free(cache->pairs.pair);
	free(cache->pairs.order);
	free(cache);
}

static void hash_endpoint(struct sha1_ctx *hash, const struct endpoint *e)
{
	if (address_is_v4(&e->address))
		sha1_update(hash, 4, e->address.b + 12);
	else
		sha1_update(hash, 16, e->address.b);
}

static void hash_port(struct sha1_ctx *hash, uint16_t port)
{
	const uint8_t be[2] = {(uint8_t)(port >> 8), (uint8_t)port};

	sha1_update(hash, 2, be);
}

static void print_id(char to[static COMMUNITY_ID_SIZE], const struct roundtrip *rt)
{
	const struct endpoint *a = &rt->client, *b = &rt->server;
	int order = memcmp(a->address.b, b->address.b, 16);
	const uint8_t seed[2] = {0}, proto[2] = {rt->proto, 0};
	uint8_t digest[SHA1_DIGEST_SIZE];
	struct sha1_ctx hash;

	if (order > 0 || (order == 0 && a->port > b->port)) {
		const struct endpoint *swap = a;

		a = b;
		b = swap;
	}
	sha1_init(&hash);
	sha1_update(&hash, sizeof(seed), seed);
	hash_endpoint(&hash, a);
	hash_endpoint(&hash, b);
	sha1_update(&hash, sizeof(proto), proto);
	if (rt->proto == PROTO_TCP || rt->proto == PROTO_UDP || rt->proto == PROTO_SCTP) {
		hash_port(&hash, a->port);
		hash_port(&hash, b->port);
	}
	sha1_digest(&hash, sizeof(digest), digest);

	_Static_assert(COMMUNITY_ID_SIZE == 2 + BASE64_ENCODE_RAW_LENGTH(SHA1_DIGEST_SIZE), "id");
	memcpy(to, "1:", 2);
	base64_encode_raw(to + 2, sizeof(digest), digest);
}

static char *print_text(char *at, const char *text)
{
	size_t n = strlen(text);

	memcpy(at, text, n);
	return at + n;
}

static char *print_endpoint(char *at, const char *key, const struct endpoint *e)
{
	char address[46], digits[5], *digit = digits + sizeof(digits);
	unsigned port = e->port;

	address_print(&e->address, address);
	at = print_text(at, key);
	at = print_text(at, "{\"address\":\"");
	at = print_text(at, address);
	*at++ = '"';
	if (port) {
		at = print_text(at, ",\"port\":");
		for (; port; port /= 10)
			*--digit = (char)('0' + port % 10);
		memcpy(at, digit, (size_t)(digits + sizeof(digits) - digit));
		at += digits + sizeof(digits) - digit;
	}
	*at++ = '}';
	return at;
}

static bool remembered(const struct flow_texts *t, const struct roundtrip *rt)
{
	return t->size && t->flow_index == rt->flow_index && t->proto == rt->proto &&
	       memcmp(&t->client, &rt->client, sizeof(t->client)) == 0 &&
	       memcmp(&t->server, &rt->server, sizeof(t->server)) == 0;
}

const struct flow_texts *flow_texts_of(struct community_cache *cache, const struct roundtrip *rt)
{
	/* Fibonacci hashing: indexes of flows come in bursts of neighbours and in strides. */
	uint64_t mixed = rt->flow_index * 0x9e3779b97f4a7c15ull;
	struct flow_texts *t = &cache->flow[(mixed >> 32) % CACHE_FLOWS];

	if (remembered(t, rt))
		return t;
	t->flow_index = rt->flow_index;
	t->proto = rt->proto;
	t->client = rt->client;
	t->server = rt->server;
	print_id(t->id, rt);
	char *end = print_endpoint(t->json, ",\"client\":", &rt->client);
	end = print_endpoint(end, ",\"server\":", &rt->server);
	t->size = (uint8_t)(end - t->json);
	return t;
}

struct view community_id(struct community_cache *cache, const struct roundtrip *rt)
{
	return view_of(flow_texts_of(cache, rt)->id, COMMUNITY_ID_SIZE);
}

static struct field_key *keys_new(const struct field_def *defs)
{
	struct field_key *key;
	unsigned count = 0;

	while (defs[count].name)
		count++;
	key = calloc(count + 1, sizeof(*key));
	for (unsigned i = 0; key && i < count; i++) {
		size_t n = strlen(defs[i].name);

		if (n + 4 > sizeof(key->text))
			continue;
		key[i].size = (uint8_t)(n + 4);
		memcpy(key[i].text, ",\"", 2);
		memcpy(key[i].text + 2, defs[i].name, n);
		memcpy(key[i].text + 2 + n, "\":", 2);
	}
	return key;
}

const struct field_key *field_keys_of(struct community_cache *cache, const struct field_def *defs)
{
	unsigned i = 0;

	while (i < cache->tables && cache->table[i].defs != defs)
		i++;
	if (i < cache->tables)
		return cache->table[i].key;
	struct field_key *key = i < CACHE_TABLES && defs ? keys_new(defs) : NULL;

	if (!key)
		return NULL;
	cache->table[cache->tables++] = (struct key_table){defs, key};
	return key;
}

struct pairs *shown_pairs(struct community_cache *cache)
{
	cache->pairs.count = 0;
	return &cache->pairs;
}

bool pairs_add(struct pairs *p, struct view name, struct view text)
{
	if (p->count == p->room) {
		unsigned room = p->room ? p->room * 2 : 64;
		struct pair *pair = realloc(p->pair, room * sizeof(*pair));

		if (!pair)
			return false;
		p->pair = pair;
		struct pair **order = realloc(p->order, room * sizeof(*order));

		if (!order)
			return false;
		p->order = order;
		p->room = room;
	}
	p->pair[p->count++] = (struct pair){name, text, NULL, false};
	return true;
}

static int compare_pairs(const void *left, const void *right)
{
	const struct pair *a = *(struct pair *const *)left, *b = *(struct pair *const *)right;
	uint32_t n = a->name.size < b->name.size ? a->name.size : b->name.size;
	int order = n ? memcmp(a->name.data, b->name.data, n) : 0;

	if (order)
		return order;
	if (a->name.size != b->name.size)
		return a->name.size < b->name.size ? -1 : 1;
	return a < b ? -1 : a > b;
}

void pairs_link(struct pairs *p)
{
	for (unsigned i = 0; i < p->count; i++)
		p->order[i] = &p->pair[i];
	if (p->count)
		qsort(p->order, p->count, sizeof(*p->order), compare_pairs);
	for (unsigned i = 1; i < p->count; i++) {
		struct pair *before = p->order[i - 1], *now = p->order[i];

		if (view_equal(before->name, now->name)) {
			before->next = now;
			now->again = true;
		}
	}
}
