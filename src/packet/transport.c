/* SPDX-License-Identifier: Apache-2.0 */
/* TCP, UDP, ICMP errors, and everything else: the end of a walk. */
#include "packet/transport.h"

#include "packet/key.h"
#include "packet/walk.h"

/* TCP options (RFC 9293 3.1, RFC 7323) */
enum { OPTION_END = 0, OPTION_NOP = 1, OPTION_SCALE = 3, OPTION_TIMESTAMPS = 8 };
enum { SCALE_MAX = 14 }; /* RFC 7323 2.3: a larger one counts as 14 */

void tcp_options(struct packet *ret, const uint8_t *options, uint32_t size)
{
	struct reader r = reader_of(view_of(options, size));

	while (reader_left(&r)) {
		uint8_t kind = reader_u8(&r);

		if (kind == OPTION_END)
			return;
		if (kind == OPTION_NOP)
			continue;
		uint8_t length = reader_u8(&r);
		if (length < 2)
			return;
		struct view value = reader_view(&r, length - 2u);
		if (r.short_read)
			return;
		if (kind == OPTION_TIMESTAMPS && value.size == 8) {
			ret->has_timestamps = 1;
			ret->ts_val = load_be32(value.data);
			ret->ts_ecr = load_be32(value.data + 4);
		} else if (kind == OPTION_SCALE && value.size == 1 && ret->flags & TCP_SYN) {
			ret->window_scale = value.data[0] < SCALE_MAX ? value.data[0] : SCALE_MAX;
		}
	}
}

/* Everything that does not depend on the transport. The walk stands at the payload. */
static int finish(struct walk *w, enum packet_kind kind, const struct ip_info *ip, uint16_t sport,
		  uint16_t dport)
{
	struct packet *ret = w->ret;
	uint64_t secret = w->parser->secret;

	key_set(ret, &ip->src, &ip->dst, sport, dport, ip->proto, secret);
	ret->owner = owner_of(&ret->key, ret->hash, secret, w->parser->spread);
	ret->payload = w->at;
	ret->payload_size = w->left;
	ret->payload_cut = w->wire - w->left;
	ret->kind = (uint8_t)kind;
	ret->ip_id = w->ip.id;
	ret->ecn = w->ip.ecn;
	ret->place = place_id(w->parser, &w->place);
	return PACKET_READY;
}

int tcp_finish(struct walk *w)
{
	const uint8_t *h = w->at;

	if (!walk_has(w, TCP_HEADER))
		return walk_short(w, TCP_HEADER);

	uint32_t size = (h[12] >> 4) * 4u;
	if (size < TCP_HEADER || size > w->wire)
		return PACKET_MALFORMED;
	/* A capture that ends among the options (68 bytes were usual once) has all that matters. */
	uint32_t have = size < w->left ? size : w->left;
	tcp_set(w->ret, h, have);
	walk_skip(w, have);
	w->wire -= size - have;
	return finish(w, PACKET_TCP, &w->ip, load_be16(h), load_be16(h + 2));
}

int udp_step(struct walk *w)
{
	const uint8_t *h = w->at;

	if (!walk_has(w, UDP_HEADER))
		return walk_short(w, UDP_HEADER);

	uint16_t sport = load_be16(h), dport = load_be16(h + 2), size = load_be16(h + 4);
	/* Length 0 is a jumbogram's (RFC 2675 4), or that of a super-segment not yet split. */
	if (size > w->wire || (size < UDP_HEADER && !(size == 0 && w->ip.own_length)))
		return PACKET_MALFORMED;
	if (size)
		walk_limit(w, size);
	walk_skip(w, UDP_HEADER);
	if (udp_tunnel_port(dport)) {
		int step = udp_tunnel(w, dport);

		if (step != NOT_TUNNEL)
			return step;
	}
	w->ret->checksum = load_be16(h + 6);
	return finish(w, PACKET_UDP, &w->ip, sport, dport);
}

int other_finish(struct walk *w)
{
	return finish(w, PACKET_OTHER, &w->ip, 0, 0);
}

static bool icmp_is_error(bool v6, uint8_t type)
{
	if (v6)
		return type >= 1 && type <= 4;
	return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

/* RFC 4884: how much of the packet is quoted, when something follows it; 0: all that is there. */
static uint32_t quoted_size(bool v6, const uint8_t *h)
{
	if (v6)
		return h[0] == 1 || h[0] == 3 ? h[4] * 8u : 0;
	return h[0] == 3 || h[0] == 11 || h[0] == 12 ? h[5] * 4u : 0;
}

/*
 * Reads the headers of a quoted packet. True when `q` stands at its transport header; otherwise
 * `*ret_verdict` tells whether the capture cut it, or the sender quoted too little or nonsense.
 */
static bool quoted_read(struct walk *q, int *ret_verdict)
{
	int step = ip_step(q);

	while (step == STEP_ON && q->next == LAYER_PROTO && !q->ip.later_fragment) {
		uint8_t proto = q->ip.proto;

		if (proto == PROTO_TCP || proto == PROTO_UDP || proto == PROTO_ICMP ||
		    proto == PROTO_ICMPV6)
			return true;
		step = proto_step(q);
	}
	*ret_verdict = step;
	/* Another protocol, IP in IP, ESP or a later fragment: a pair of addresses is all there is. */
	return step == STEP_ON || step == PACKET_READY;
}

int icmp_step(struct walk *w)
{
	enum { ICMP_HEADER = 8, PORTS = 4, PORTS_AND_SEQ = 8 };
	const uint8_t *h = w->at;
	bool v6 = w->ip.proto == PROTO_ICMPV6;

	if (!walk_has(w, 1))
		return walk_short(w, 1);
	if (!icmp_is_error(v6, h[0]))
		return other_finish(w);
	if (!walk_has(w, ICMP_HEADER))
		return walk_short(w, ICMP_HEADER);

	struct walk q = *w;
	int verdict = PACKET_READY;

	walk_skip(&q, ICMP_HEADER);
	if (quoted_size(v6, h))
		walk_limit(&q, quoted_size(v6, h));
	q.quoted = true;
	if (!quoted_read(&q, &verdict))
		return verdict == PACKET_TRUNCATED ? PACKET_TRUNCATED : other_finish(w);

	uint16_t sport = 0, dport = 0;
	bool ports = !q.ip.later_fragment && (q.ip.proto == PROTO_TCP || q.ip.proto == PROTO_UDP);
	if (ports && !walk_has(&q, PORTS))
		return walk_short(&q, PORTS) == PACKET_TRUNCATED ? PACKET_TRUNCATED
								 : other_finish(w);
	if (ports) {
		sport = load_be16(q.at);
		dport = load_be16(q.at + 2);
	}
	if (ports && q.ip.proto == PROTO_TCP && walk_has(&q, PORTS_AND_SEQ))
		w->ret->seq = load_be32(q.at + 4);
	w->ret->icmp_type = h[0];
	w->ret->icmp_code = h[1];
	w->ret->icmp_v6 = v6;
	w->at = q.at;
	w->left = q.left;
	w->wire = q.wire;
	return finish(w, PACKET_ICMP_ERROR, &q.ip, sport, dport);
}
