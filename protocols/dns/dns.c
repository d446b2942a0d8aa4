/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS over UDP and TCP, multicast DNS, LLMNR.
 *
 * spec: RFC 1035 4 (messages; 4.2.2 TCP), RFC 7766 (pipelining), RFC 6891 (EDNS), RFC 5936 and 1995 (transfers), RFC
 *       2136 (UPDATE), RFC 1996 (NOTIFY), RFC 8490 (DSO), RFC 6762 (mDNS), RFC 4795 (LLMNR)
 *
 *   UDP  one message a datagram            TCP  *( size(2) message )
 *
 * message.c reads messages, probe.c knows them when it sees them, transfer.c where a zone transfer ends, say.c says fields;
 * here is what a message means.
 */
#include "protocols/dns/mdns.h"
#include "protocols/dns/probe.h"
#include "protocols/dns/transfer.h"

enum {
	PORT_MDNS = 5353,
	PORT_LLMNR = 5355,
	MESSAGE_MAX = DNS_STREAM_HEAD + UINT16_MAX,
	/* Answers of zone transfers that go on at once on one connection: more are answers of one message each. */
	TRANSFERS_MAX = 4,
	/* Resolvers ask again, or elsewhere, after 2 to 5 s, and clients give up after 10 s at most. */
	ANSWER_TIMEOUT_MS = 10000,
};

#define ID_SHIFT 48
#define HASH_MASK ((1ull << ID_SHIFT) - 1)

struct transfers {
	struct dns_transfer list[TRANSFERS_MAX];
};

/* All zero: at rest. */
struct dns {
	struct transfers *transfers; /* NULL: none goes on */
	struct mdns *mdns;           /* NULL: nothing was asked yet */
	bool resync[2];              /* we do not know where a message begins */
};

/* --- keys --- */

/* The id, and as much of the questions' hash as fits; the side that asks is part of it, for two servers may ask each
 * other by the same port. */
static uint64_t key_of(const struct dns_message *d, enum side side)
{
	bool answer = d->header.flags & DNS_QR;
	uint64_t hash = d->hash;

	if (d->variant == DNS_PLAIN && (side == FROM_SERVER) != answer)
		hash ^= 0x5deece66d;
	return (uint64_t)d->header.id << ID_SHIFT | (hash & HASH_MASK);
}

static bool is_open(struct env *env, enum side side, uint64_t key, uint64_t offset)
{
	return env->ops->ask(env, side, key, offset) != ASK_NONE;
}

/* The request that an answer belongs to. Some errors come without the question: then by the id, if only one request
 * has it. */
static uint64_t answered_key(struct env *env, enum side side, const struct dns_message *d,
			     uint64_t offset)
{
	uint64_t key = key_of(d, side);

	if (!d->header.count[DNS_QUESTION] && env->ops->seek && !is_open(env, side, key, offset))
		(void)env->ops->seek(env, ~HASH_MASK, &key);
	return key;
}

/* --- messages --- */

static inline bool is_error(const struct dns_message *d)
{
	return d->header.flags & 15 ||
	       (d->header.count[DNS_ADDITIONAL] && dns_edns_of(d).rcode_high);
}

/* A query to all; without a question it has more known answers of the one before. Apart, as its answer is, from what
 * every message pays for. */
static __attribute__((noinline)) void take_multicast_request(struct dns *dns, struct env *env,
							     enum side side,
							     const struct dns_message *d,
							     uint64_t offset, uint64_t end)
{
	struct message m = {.kind = MESSAGE_PUSH, .offset = offset};
	bool all = env->scope == SCOPE_ALL;

	if (!dns->mdns)
		dns->mdns = mdns_new(env, all ? MDNS_SLOTS_ALL : MDNS_SLOTS_ONE);
	if (dns->mdns && d->header.count[DNS_QUESTION]) {
		m.kind = MESSAGE_REQUEST;
		m.flags = MESSAGE_ONCE;
		m.key = all ? ++dns->mdns->last_key : key_of(d, side);
		mdns_remember(dns->mdns, d, m.key);
	}
	if (!dns_say_whole(env, side, &m, d, end))
		dns_say_again(env, side, m.key);
}

/* A querier that is not at the port has its id and question repeated (RFC 6762 6.7), or should have. */
static __attribute__((noinline)) void take_multicast_response(const struct dns *dns,
							      struct env *env, enum side side,
							      const struct dns_message *d,
							      uint64_t offset, uint64_t end)
{
	struct message m = {.kind = MESSAGE_RESPONSE,
			    .flags = MESSAGE_FINAL | MESSAGE_UNASKED,
			    .offset = offset};
	uint64_t key = key_of(d, side);

	if (is_error(d))
		m.flags |= MESSAGE_ERROR;
	if (env->scope == SCOPE_QUERIER && is_open(env, side, key, offset))
		m.key = key;
	else if (dns->mdns)
		m.key = mdns_answered(dns->mdns, env, side, d, offset);
	dns_say_whole(env, side, &m, d, end);
}

/* Of mDNS, what is not between two hosts. */
static inline bool is_multicast(const struct dns_message *d, const struct env *env)
{
	return d->variant == DNS_MDNS && env->scope != SCOPE_TWO;
}

static void take_request(struct dns *dns, struct env *env, enum side side,
			 const struct dns_message *d, uint64_t offset, uint64_t end)
{
	struct message m = {.kind = MESSAGE_REQUEST, .flags = MESSAGE_ONCE, .offset = offset};

	if (is_multicast(d, env)) {
		take_multicast_request(dns, env, side, d, offset, end);
		return;
	}
	m.key = key_of(d, side);
	if (!dns_say_whole(env, side, &m, d, end))
		dns_say_again(env, side, m.key);
}

/* One that came by a stream: nobody sends it again, but it may want no answer, or one of many messages. */
static void take_framed_request(struct env *env, enum side side, const struct dns_message *d,
				uint64_t offset, uint64_t end)
{
	struct message m = {.kind = MESSAGE_REQUEST,
			    .offset = offset,
			    .key = key_of(d, side),
			    .cookie = dns_transfer_cookie(d)};

	if (dns_opcode(&d->header) == DNS_STATEFUL && !d->header.id)
		m.flags = MESSAGE_ONEWAY;
	dns_say_whole(env, side, &m, d, end);
}

static void take_response(struct dns *dns, struct env *env, enum side side,
			  const struct dns_message *d, uint64_t offset, uint64_t end)
{
	struct message m = {.kind = MESSAGE_RESPONSE, .flags = MESSAGE_FINAL, .offset = offset};

	if (is_multicast(d, env)) {
		take_multicast_response(dns, env, side, d, offset, end);
		return;
	}
	if (is_error(d))
		m.flags |= MESSAGE_ERROR;
	m.key = answered_key(env, side, d, offset);
	dns_say_whole(env, side, &m, d, end);
}

/* --- zone transfers --- */

static void end_transfer(struct env *env, struct dns_transfer *t, unsigned flags)
{
	const struct message m = {
		.kind = MESSAGE_RESPONSE, .key = t->key, .offset = t->to, .flags = flags};

	dns_say_transfer(env, (enum side)t->side, m, t->records, t->messages);
	*t = (struct dns_transfer){0};
}

/* One that is over makes room; without any the state is at rest. */
static void drop_transfers(struct dns *dns, struct env *env)
{
	for (unsigned i = 0; i < TRANSFERS_MAX; i++) {
		if (dns->transfers->list[i].messages)
			return;
	}
	env->ops->free(env, dns->transfers, sizeof(*dns->transfers));
	dns->transfers = NULL;
}

static void end_transfers(struct dns *dns, struct env *env, enum side side, unsigned flags)
{
	if (!dns->transfers)
		return;
	for (unsigned i = 0; i < TRANSFERS_MAX; i++) {
		struct dns_transfer *t = &dns->transfers->list[i];

		if (t->messages && t->side == side)
			end_transfer(env, t, flags);
	}
	drop_transfers(dns, env);
}

/* The transfer that this answer goes on with; NULL: none. */
static struct dns_transfer *transfer_of(const struct dns *dns, enum side side,
					const struct dns_message *d)
{
	for (unsigned i = 0; dns->transfers && i < TRANSFERS_MAX; i++) {
		struct dns_transfer *t = &dns->transfers->list[i];

		if (t->messages && t->id == d->header.id && t->side == side &&
		    (!d->header.count[DNS_QUESTION] || t->key == key_of(d, side)))
			return t;
	}
	return NULL;
}

static struct dns_transfer *free_transfer(struct dns *dns, struct env *env)
{
	if (!dns->transfers) {
		dns->transfers = env->ops->alloc(env, sizeof(*dns->transfers));
		if (dns->transfers)
			*dns->transfers = (struct transfers){0};
	}
	for (unsigned i = 0; dns->transfers && i < TRANSFERS_MAX; i++) {
		if (!dns->transfers->list[i].messages)
			return &dns->transfers->list[i];
	}
	return NULL;
}

/* Should the rest never come, it ended here. */
static void reach(struct env *env, const struct dns_transfer *t)
{
	const struct message m = {.kind = MESSAGE_RESPONSE, .key = t->key, .offset = t->to};

	env->ops->add(env, (enum side)t->side, &m);
}

static bool begin_transfer(struct dns *dns, struct env *env, enum side side, struct dns_message *d,
			   uint64_t offset, uint64_t end)
{
	struct message m = {.kind = MESSAGE_RESPONSE, .flags = MESSAGE_FINAL, .offset = offset};
	struct dns_transfer begun, *t;

	if (!dns_is_transfer(d))
		return false;
	m.key = key_of(d, side);
	if (!dns_transfer_begins(d, env->ops->ask(env, side, m.key, offset), &begun) ||
	    !(t = free_transfer(dns, env)))
		return false;
	begun.key = m.key;
	begun.to = end;
	begun.side = (uint8_t)side;
	*t = begun;
	d->part = true;
	dns_say_begin(env, side, m, d);
	reach(env, t);
	return true;
}

/* True when this answer begins a transfer, or is a part of one. */
static bool take_transfer(struct dns *dns, struct env *env, enum side side, struct dns_message *d,
			  uint64_t offset, uint64_t end)
{
	struct dns_transfer *t = transfer_of(dns, side, d);

	if (!t)
		return begin_transfer(dns, env, side, d, offset, end);
	bool over = dns_transfer_more(d, t);

	t->to = end;
	reach(env, t);
	if (over) {
		end_transfer(env, t, is_error(d) ? MESSAGE_ERROR : 0);
		drop_transfers(dns, env);
	}
	return true;
}

/* --- bytes --- */

static enum dns_variant variant_of(const struct env *env, const struct input *in)
{
	if (!in->datagram)
		return DNS_PLAIN;
	return env->service_port == PORT_MDNS    ? DNS_MDNS
	       : env->service_port == PORT_LLMNR ? DNS_LLMNR
						 : DNS_PLAIN;
}

/* Reads the header and the questions; the rest can be read when somebody wants it. */
static enum dns_read message_of(struct view bytes, struct dns_message *ret)
{
	if (bytes.size < DNS_HEADER)
		return DNS_CUT;
	ret->bytes = bytes;
	ret->header = dns_header_of(bytes);
	return dns_questions(bytes, &ret->header, &ret->records, &ret->hash);
}

/* The capture cut a question. An answer then goes by its id; requests of one id are told apart by their size. */
static __attribute__((noinline)) void read_cut(struct dns_message *d, uint64_t size)
{
	unsigned all = d->header.count[DNS_QUESTION], whole = 0;
	struct dns_question q;

	d->hash = d->header.flags & DNS_QR ? 0 : size;
	for (uint32_t at = d->records = DNS_HEADER; whole < all; whole++) {
		if (dns_question_read(d->bytes, &at, &q) != DNS_OK)
			break;
		d->records = at;
	}
	d->header.count[DNS_QUESTION] = (uint16_t)whole;
}

static struct fed feed_datagram(struct dns *dns, struct env *env, enum side side,
				const struct input *in)
{
	uint64_t end = in->offset + in->bytes.size + in->lost;
	struct dns_message d = {.variant = variant_of(env, in), .cut = in->lost, .datagram = true};

	switch (message_of(in->bytes, &d)) {
	case DNS_OK:
		break;
	case DNS_CUT:
		if (!in->lost || in->bytes.size < DNS_HEADER)
			return (struct fed){.is = FED_BAD,
					    .why = in->lost ? WHY_TRUNCATED : WHY_MALFORMED};
		read_cut(&d, end - in->offset);
		break;
	case DNS_BROKEN:
		return (struct fed){.is = FED_BAD, .why = WHY_MALFORMED};
	}
	if (d.header.flags & DNS_QR)
		take_response(dns, env, side, &d, in->offset, end);
	else
		take_request(dns, env, side, &d, in->offset, end);
	return (struct fed){.is = FED_OK, .used = in->bytes.size};
}

/* Bytes before the next place where a message begins, or may begin. */
static uint32_t to_boundary(struct view v, uint32_t from, bool *ret_sure)
{
	enum dns_read is = DNS_BROKEN;

	while (from < v.size && (is = dns_boundary(view_from(v, from))) == DNS_BROKEN)
		from++;
	*ret_sure = is == DNS_OK;
	return from;
}

/* A whole message of a stream, with its size in front. */
static enum dns_read take_framed(struct dns *dns, struct env *env, enum side side,
				 struct view framed, uint64_t offset)
{
	uint64_t end = offset + framed.size;
	struct dns_message d = {.variant = env->service_port == PORT_LLMNR ? DNS_LLMNR : DNS_PLAIN};
	enum dns_read is = message_of(view_from(framed, DNS_STREAM_HEAD), &d);

	if (is != DNS_OK)
		return is;
	if (!(d.header.flags & DNS_QR))
		take_framed_request(env, side, &d, offset, end);
	else if (!take_transfer(dns, env, side, &d, offset, end))
		take_response(dns, env, side, &d, offset, end);
	return DNS_OK;
}

/* What stands here is no message. */
static struct fed bad(struct dns *dns, enum side side, struct view left, uint32_t used)
{
	bool sure;

	dns->resync[side] = true;
	return (struct fed){.is = FED_BAD,
			    .used = used,
			    .junk = to_boundary(left, 1, &sure),
			    .why = WHY_MALFORMED};
}

static __attribute__((noinline)) struct fed feed_stream(struct dns *dns, struct env *env,
							enum side side, const struct input *in)
{
	struct view left = in->bytes;
	uint32_t used = 0;

	while (left.size) {
		bool sure = true;
		uint32_t junk = dns->resync[side] ? to_boundary(left, 0, &sure) : 0;

		if (junk)
			return (struct fed){.used = used, .junk = junk, .why = WHY_LOST};
		if (!sure)
			return (struct fed){.is = FED_MORE, .used = used};
		dns->resync[side] = false;
		if (left.size < DNS_STREAM_HEAD)
			return (struct fed){.is = FED_MORE, .used = used, .want = DNS_STREAM_HEAD};
		uint32_t size = DNS_STREAM_HEAD + load_be16(left.data);

		if (size < DNS_STREAM_HEAD + DNS_HEADER)
			return bad(dns, side, left, used);
		if (left.size < size)
			return (struct fed){.is = FED_MORE, .used = used, .want = size};
		if (take_framed(dns, env, side, view_first(left, size), in->offset + used) !=
		    DNS_OK)
			return bad(dns, side, left, used);
		used += size;
		left = view_from(left, size);
	}
	return (struct fed){.is = FED_OK, .used = used};
}

/* --- the decoder --- */

static struct fed dns_feed(void *state, struct env *env, enum side side, const struct input *in)
{
	if (in->datagram)
		return feed_datagram(state, env, side, in);
	return feed_stream(state, env, side, in);
}

static enum gap_answer dns_gap(void *state, struct env *env, enum side side, uint64_t bytes,
			       enum why why)
{
	struct dns *dns = state;

	(void)bytes;
	end_transfers(dns, env, side, why == WHY_LIMIT ? MESSAGE_CUT : MESSAGE_CUT | MESSAGE_GAP);
	dns->resync[side] = true;
	return GAP_RESYNC;
}

static void dns_end(void *state, struct env *env, enum side side, enum end_reason reason)
{
	struct dns *dns = state;

	(void)reason;
	end_transfers(dns, env, side, MESSAGE_CUT);
	dns->resync[side] = false;
}

static void dns_close(void *state, struct env *env)
{
	struct dns *dns = state;

	if (dns && dns->mdns)
		mdns_free(dns->mdns, env);
	if (dns && dns->transfers)
		env->ops->free(env, dns->transfers, sizeof(*dns->transfers));
}

/* For ICMP errors, which quote the beginning of the datagram. */
static bool dns_quoted(struct view datagram, enum side side, uint64_t *ret_key, uint64_t *ret_mask)
{
	struct dns_message d = {.variant = DNS_PLAIN};
	bool whole = message_of(datagram, &d) == DNS_OK;

	if (datagram.size > 2 ? datagram.data[2] & 0x80 : side == FROM_SERVER)
		return false;
	*ret_key = whole                ? key_of(&d, side)
		   : datagram.size >= 2 ? (uint64_t)load_be16(datagram.data) << ID_SHIFT
					: 0;
	*ret_mask = whole ? UINT64_MAX : datagram.size >= 2 ? ~HASH_MASK : 0;
	return true;
}

static const uint16_t ports[] = {53, PORT_MDNS, PORT_LLMNR, 0};

const struct protocol_ops dns_ops = {
	.name = "dns",
	.transports = TRANSPORT_TCP | TRANSPORT_UDP,
	.port_hints = ports,
	.pairing = PAIR_KEY_REUSED,
	.state_bytes = sizeof(struct dns),
	.hold_max = MESSAGE_MAX, /* names of a message point into all of it */
	.answer_timeout_ms = ANSWER_TIMEOUT_MS,
	.timed = TRANSPORT_UDP, /* by a connection an answer may take its time */
	.fields = dns_fields,
	.probe = dns_probe,
	.probe_datagram = dns_probe_datagram,
	.quoted = dns_quoted,
	.feed = dns_feed,
	.gap = dns_gap,
	.end = dns_end,
	.close = dns_close,
};
