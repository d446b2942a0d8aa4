/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fragments to packets.
 * spec: RFC 791 3.2 · RFC 8200 4.5 · RFC 5722 (overlaps) · RFC 6946 (atomic fragments, in ip.c)
 *
 * A datagram is a sorted list of pieces that do not overlap. IPv4: the byte that came first wins; IPv6:
 * an overlap that is not an exact copy condemns the whole datagram. A piece may be shorter in the capture
 * than on the wire; the rebuilt payload then ends, captured, at the first such hole.
 *
 * The interface is no part of the key: fragments may take several ways, and copies of them seen at
 * several places are one datagram. A finished one stays for a moment to swallow further copies; were they
 * kept, they would wait for a packet that never comes, and spoil the next one with the same id.
 *
 * Every fragment ends in one counter: used, expired, evicted, dropped or held. A rebuilt packet may be a
 * fragment itself (inside a tunnel): it then stands for all the frames it was made of.
 */
#include <stdlib.h>

#include "core/time.h"
#include "packet/walk.h"

enum {
	DEFAULT_BYTES =
		4
		<< 20, /* of held fragments: 64 packets of the largest size, or 1,000 usual ones */
	DEFAULT_PACKETS = 1024,
	PIECES_MAX =
		1024, /* of one packet: 64 KiB in bits of 64 bytes; no real network cuts smaller */
	PAYLOAD_MAX = 65535, /* of IP: more cannot be written in a length field */
};

#define DEFAULT_PATIENCE_NS (30 * NS_PER_S)
/* Copies of one fragment come within a retire of the ring; an id does not come back so soon. */
#define LINGER_NS (20 * NS_PER_MS)

enum { UNKNOWN = UINT32_MAX };

struct piece {
	struct piece *next;
	uint32_t from, to; /* on the wire */
	uint32_t have;     /* bytes at `data`, <= to - from */
	uint8_t data[];
};

struct datagram_key {
	struct address src, dst;
	uint64_t tunnels; /* hash of the layers around it */
	uint32_t id;
	uint8_t version;
	uint8_t proto; /* IPv6: 0, only the first fragment tells it for sure */
	uint8_t zero[2];
};

enum state { OPEN, CONDEMNED, DONE };

struct datagram {
	struct datagram_key key;
	struct datagram *in_bucket;
	TAILQ_ENTRY(datagram) in_list;
	struct piece *first, *last;
	uint64_t deadline_ns;
	uint32_t bucket;
	uint32_t total;   /* bytes on the wire; UNKNOWN until the last fragment came */
	uint32_t covered; /* of them, by pieces */
	uint32_t frames;  /* fragments kept */
	uint16_t pieces;
	uint8_t state;
	uint8_t proto;  /* IPv6: what the first fragment says */
	bool congested; /* CE on any fragment (RFC 3168 5.3) */
};

int defrag_init(struct defrag *d, const struct packet_options *options)
{
	uint32_t buckets = 1;

	d->cap = options->fragment_packets ? options->fragment_packets : DEFAULT_PACKETS;
	d->patience_ns = options->fragment_ns ? options->fragment_ns : DEFAULT_PATIENCE_NS;
	d->next_ns = UINT64_MAX;
	while (buckets < UINT32_MAX / 4 && buckets < 2 * (uint64_t)d->cap)
		buckets *= 2;
	d->bucket_mask = buckets - 1;
	d->all = calloc(d->cap, sizeof(*d->all));
	d->bucket = calloc(buckets, sizeof(struct datagram *));
	d->pool = pool_new(options->fragment_bytes ? options->fragment_bytes : DEFAULT_BYTES);
	if (!d->all || !d->bucket || !d->pool)
		return ERR_NOMEM;
	TAILQ_INIT(&d->open);
	TAILQ_INIT(&d->done);
	TAILQ_INIT(&d->unused);
	for (uint32_t i = 0; i < d->cap; i++)
		TAILQ_INSERT_TAIL(&d->unused, &d->all[i], in_list);
	return 0;
}

void defrag_done(struct defrag *d)
{
	free(d->all);
	free(d->bucket);
	pool_free(d->pool);
}

/* --- the table --- */

static void note_next(struct defrag *d)
{
	const struct datagram *open = TAILQ_FIRST(&d->open), *done = TAILQ_FIRST(&d->done);

	d->next_ns = open ? open->deadline_ns : UINT64_MAX;
	if (done && done->deadline_ns < d->next_ns)
		d->next_ns = done->deadline_ns;
}

static struct datagram_key make_key(const struct walk *w, const struct fragment *f)
{
	uint32_t layers[2 * TUNNEL_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < w->place.depth; i++) {
		layers[n++] = w->place.layer[i].id;
		layers[n++] = w->place.layer[i].kind;
	}
	return (struct datagram_key){
		.src = w->ip.src,
		.dst = w->ip.dst,
		.tunnels = n ? hash_bytes(layers, n * sizeof(layers[0]), w->parser->secret) : 0,
		.id = f->id,
		.version = w->ip.version,
		.proto = w->ip.version == 4 ? w->ip.proto : 0,
	};
}

static struct datagram *find(const struct defrag *d, const struct datagram_key *key,
			     uint32_t bucket)
{
	struct datagram *g = d->bucket[bucket];

	while (g && memcmp(&g->key, key, sizeof(*key)) != 0)
		g = g->in_bucket;
	return g;
}

static void free_pieces(struct defrag *d, struct datagram *g)
{
	while (g->first) {
		struct piece *next = g->first->next;

		pool_put(d->pool, g->first, sizeof(*g->first) + g->first->have);
		g->first = next;
	}
	g->last = NULL;
	g->pieces = 0;
	g->covered = 0;
}

static struct datagram_list *list_of(struct defrag *d, const struct datagram *g)
{
	return g->state == DONE ? &d->done : &d->open;
}

static void release(struct defrag *d, struct datagram *g)
{
	struct datagram **at = &d->bucket[g->bucket];

	while (*at != g)
		at = &(*at)->in_bucket;
	*at = g->in_bucket;
	TAILQ_REMOVE(list_of(d, g), g, in_list);
	free_pieces(d, g);
	TAILQ_INSERT_HEAD(&d->unused, g, in_list);
	note_next(d);
}

/* Gives up `g`, and counts its fragments in `counter`. */
static void give_up(struct defrag *d, struct datagram *g, uint64_t *counter)
{
	counter_add(counter, g->frames);
	release(d, g);
}

/* Makes room at the expense of what is finished, then of the oldest but `spare`; false: nothing left. */
static bool evict(struct packet_parser *p, const struct datagram *spare)
{
	struct defrag *d = &p->defrag;
	struct datagram *g = TAILQ_FIRST(&d->done);

	if (!g)
		g = TAILQ_FIRST(&d->open);
	if (g && g == spare)
		g = TAILQ_NEXT(g, in_list);
	if (!g)
		return false;
	give_up(d, g, &p->counters->fragments_evicted);
	return true;
}

static struct datagram *begin(struct walk *w, const struct datagram_key *key, uint32_t bucket)
{
	struct defrag *d = &w->parser->defrag;

	if (TAILQ_EMPTY(&d->unused) && !evict(w->parser, NULL))
		return NULL;

	struct datagram *g = TAILQ_FIRST(&d->unused);
	TAILQ_REMOVE(&d->unused, g, in_list);
	*g = (struct datagram){
		.key = *key,
		.in_bucket = d->bucket[bucket],
		.bucket = bucket,
		.deadline_ns = w->now_ns + d->patience_ns,
		.total = UNKNOWN,
	};
	d->bucket[bucket] = g;
	TAILQ_INSERT_TAIL(&d->open, g, in_list);
	note_next(d);
	return g;
}

/* --- pieces --- */

/* A piece [from, to) of the fragment the walk stands at, which begins at `start`, behind `after`. */
static bool add_piece(struct walk *w, struct datagram *g, struct piece *after, uint32_t start,
		      uint32_t from, uint32_t to)
{
	struct defrag *d = &w->parser->defrag;
	uint32_t skip = from - start;
	uint32_t have = w->left > skip ? w->left - skip : 0;
	struct piece *piece;

	if (g->pieces == PIECES_MAX)
		return false;
	if (have > to - from)
		have = to - from;
	do {
		piece = pool_get(d->pool, sizeof(*piece) + have);
	} while (!piece && evict(w->parser, g));
	if (!piece)
		return false;

	piece->from = from;
	piece->to = to;
	piece->have = have;
	memcpy(piece->data, w->at + (have ? skip : 0), have);
	piece->next = after ? after->next : g->first;
	*(after ? &after->next : &g->first) = piece;
	if (!piece->next)
		g->last = piece;
	g->pieces++;
	g->covered += to - from;
	return true;
}

/* Adds what of [from, to) no piece covers yet. */
static bool add_missing(struct walk *w, struct datagram *g, uint32_t from, uint32_t to)
{
	uint32_t at = from;
	struct piece *after = NULL;

	if (g->last && g->last->to <= from)
		return add_piece(w, g, g->last, from, from, to);
	for (struct piece *p = g->first; p && at < to; p = p->next) {
		uint32_t until = p->from < to ? p->from : to;

		if (until > at && !add_piece(w, g, after, from, at, until))
			return false;
		if (p->to > at)
			at = p->to;
		after = p;
	}
	return at >= to || add_piece(w, g, after, from, at, to);
}

static bool overlaps(const struct datagram *g, uint32_t from, uint32_t to)
{
	if (!g->last || g->last->to <= from)
		return false;

	const struct piece *p = g->first;
	while (p && p->to <= from)
		p = p->next;
	return p && p->from < to;
}

/* True when every byte of [from, to) is there already, with the same value as far as captured. */
static bool is_copy(const struct walk *w, const struct datagram *g, uint32_t from, uint32_t to)
{
	uint32_t at = from;

	for (const struct piece *p = g->first; p && at < to; p = p->next) {
		if (p->to <= at)
			continue;
		if (p->from > at)
			return false;
		uint32_t end = p->to < to ? p->to : to;
		uint32_t size = end - at, in_piece = at - p->from, in_walk = at - from;
		uint32_t have = p->have > in_piece ? p->have - in_piece : 0;
		uint32_t left = w->left > in_walk ? w->left - in_walk : 0;

		if (size > have)
			size = have;
		if (size > left)
			size = left;
		if (size && memcmp(p->data + in_piece, w->at + in_walk, size) != 0)
			return false;
		at = end;
	}
	return at >= to;
}

/* --- a fragment --- */

static int drop(struct walk *w, uint32_t frames)
{
	counter_add(&w->parser->counters->fragments_dropped, frames);
	w->frames = 0;
	return PACKET_KEPT;
}

/* Puts the walk at the rebuilt payload. */
static int finish(struct walk *w, struct datagram *g)
{
	struct defrag *d = &w->parser->defrag;
	uint32_t have = 0;

	/* A hole in what was captured ends the payload. */
	for (const struct piece *p = g->first; p; p = p->next) {
		have += p->have;
		if (p->have < p->to - p->from)
			break;
	}

	uint8_t *data = scratch_get(w->scratch, have ? have : 1);
	if (!data) {
		give_up(d, g, &w->parser->counters->fragments_evicted);
		w->frames = 0;
		return PACKET_KEPT;
	}
	for (const struct piece *p = g->first; p && p->from < have; p = p->next)
		memcpy(data + p->from, p->data, p->have);

	w->at = data;
	w->left = have;
	w->wire = g->total;
	w->frames = g->frames;
	w->ip.rebuilt = true;
	if (g->congested)
		w->ip.ecn = 3;
	if (w->ip.version == 6)
		w->ip.proto = g->proto;

	TAILQ_REMOVE(&d->open, g, in_list);
	g->state = DONE;
	g->frames = 0;
	g->deadline_ns = w->now_ns + LINGER_NS;
	TAILQ_INSERT_TAIL(&d->done, g, in_list);
	note_next(d);
	return STEP_ON;
}

/* [from, to) fits what is known about the end of the packet. */
static bool consistent(const struct datagram *g, bool more, uint32_t to)
{
	if (g->total != UNKNOWN)
		return more ? to <= g->total : to == g->total;
	return more || !g->last || g->last->to <= to;
}

static int put(struct walk *w, struct datagram *g, const struct fragment *f, uint32_t to)
{
	struct defrag *d = &w->parser->defrag;
	struct counters *c = w->parser->counters;
	uint32_t frames = w->frames;

	if (g->state == CONDEMNED)
		return drop(w, frames);
	if (!consistent(g, f->more, to))
		return PACKET_MALFORMED;
	if (overlaps(g, f->from, to)) {
		counter_add(&c->fragments_overlap, 1);
		if (is_copy(w, g, f->from, to))
			return drop(w, frames);
		if (g->key.version == 6) {
			counter_add(&c->fragments_dropped, g->frames);
			g->frames = 0;
			free_pieces(d, g);
			g->state = CONDEMNED;
			return drop(w, frames);
		}
	}

	uint32_t covered = g->covered;
	g->frames += frames;
	w->frames = 0;
	if (!add_missing(w, g, f->from, to)) {
		give_up(d, g, &c->fragments_evicted);
		return PACKET_KEPT;
	}
	if (g->covered == covered) {
		/* All of it was there with other bytes: the first ones stay. */
		g->frames -= frames;
		return drop(w, frames);
	}
	if (!f->more)
		g->total = to;
	if (f->from == 0)
		g->proto = w->ip.proto;
	g->congested |= w->ip.ecn == 3;
	return g->covered == g->total ? finish(w, g) : PACKET_KEPT;
}

int defrag_put(struct walk *w, const struct fragment *f)
{
	struct defrag *d = &w->parser->defrag;
	uint32_t size = w->wire;

	if (w->frames == 0)
		w->frames = 1;
	/* All but the last are cut at 8 bytes. IPv4 stacks forgive the sender, IPv6 ones must not. */
	if (f->more && size % 8) {
		if (w->ip.version == 6)
			return PACKET_MALFORMED;
		size -= size % 8;
		walk_limit(w, size);
	}
	if (size == 0 || size > PAYLOAD_MAX || f->from + size > PAYLOAD_MAX)
		return PACKET_MALFORMED;

	struct datagram_key key = make_key(w, f);
	uint32_t bucket =
		(uint32_t)hash_bytes(&key, sizeof(key), w->parser->secret) & d->bucket_mask;
	struct datagram *g = find(d, &key, bucket);

	if (g && g->state == DONE) {
		if (is_copy(w, g, f->from, f->from + size)) {
			counter_add(&w->parser->counters->fragments_overlap, 1);
			return drop(w, w->frames);
		}
		release(d, g);
		g = NULL;
	}
	if (!g)
		g = begin(w, &key, bucket);
	if (!g) {
		counter_add(&w->parser->counters->fragments_evicted, w->frames);
		w->frames = 0;
		return PACKET_KEPT;
	}
	return put(w, g, f, f->from + size);
}

void defrag_expire(struct packet_parser *p, uint64_t now_ns)
{
	struct defrag *d = &p->defrag;
	struct datagram *g;

	while ((g = TAILQ_FIRST(&d->open)) && g->deadline_ns <= now_ns)
		give_up(d, g, &p->counters->fragments_expired);
	while ((g = TAILQ_FIRST(&d->done)) && g->deadline_ns <= now_ns)
		release(d, g);
}

void defrag_finish(struct packet_parser *p)
{
	struct defrag *d = &p->defrag;
	struct datagram *g;

	while ((g = TAILQ_FIRST(&d->open)))
		give_up(d, g, &p->counters->fragments_held);
	while ((g = TAILQ_FIRST(&d->done)))
		release(d, g);
}
