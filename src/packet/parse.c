/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frame to packet: the entry, the straight way for Ethernet with IPv4 and TCP or UDP, and the loop over
 * layers for everything else.
 */
#include <stdlib.h>

#include "packet/key.h"
#include "packet/transport.h"
#include "packet/walk.h"

int packet_parser_new(const struct packet_options *options, struct packet_parser **ret_parser)
{
	struct packet_parser *p = calloc(1, sizeof(*p));

	if (!p)
		return ERR_NOMEM;
	p->secret = options->secret;
	p->spread = options->spread;
	p->counters = options->counters;
	if (defrag_init(&p->defrag, options) < 0) {
		packet_parser_free(p);
		return ERR_NOMEM;
	}
	*ret_parser = p;
	return 0;
}

void packet_parser_free(struct packet_parser *p)
{
	if (!p)
		return;
	defrag_done(&p->defrag);
	places_done(&p->places);
	free(p);
}

void packet_parser_finish(struct packet_parser *p)
{
	defrag_finish(p);
}

/*
 * Most packets of most captures: an Ethernet frame, IPv4 without options, no fragment, TCP or UDP. False:
 * the walk has to look at it, nothing was decided.
 */
static inline bool parse_fast(struct packet_parser *p, const struct frame *f, struct packet *ret)
{
	enum { LINK_ETHERNET = 1, IP = 14, L4 = IP + 20, FRAGMENT = 0x3fff };
	const uint8_t *h = f->data;

	if (f->link_type != LINK_ETHERNET || f->captured < L4 + TCP_HEADER)
		return false;
	if (load_be16(h + 12) != ETHERTYPE_IPV4 || h[IP] != 0x45 ||
	    load_be16(h + IP + 6) & FRAGMENT)
		return false;

	uint32_t end = IP + load_be16(h + IP + 2), payload;
	uint16_t sport = load_be16(h + L4), dport = load_be16(h + L4 + 2);
	uint16_t bare = p->places.bare[f->interface];
	uint8_t proto = h[IP + 9];

	if (unlikely(!bare))
		return false;
	if (likely(proto == PROTO_TCP)) {
		payload = L4 + (h[L4 + 12] >> 4) * 4u;
		if (payload < L4 + TCP_HEADER || payload > end || payload > f->captured)
			return false;
		tcp_set(ret, h + L4, payload - L4);
	} else if (proto == PROTO_UDP) {
		uint32_t udp_end = L4 + load_be16(h + L4 + 4);

		payload = L4 + UDP_HEADER;
		if (udp_end < payload || udp_end > end || udp_tunnel_port(dport))
			return false;
		end = udp_end;
		tcp_clear(ret);
		ret->checksum = load_be16(h + L4 + 6);
	} else {
		return false;
	}

	uint32_t have = end < f->captured ? end : f->captured;
	key_set_v4(ret, load_be32(h + IP + 12), load_be32(h + IP + 16), sport, dport, proto,
		   p->secret);
	ret->owner = owner_of(&ret->key, ret->hash, p->secret, p->spread);
	ret->payload = h + payload;
	ret->payload_size = have - payload;
	ret->payload_cut = end - have;
	ret->ts_ns = f->ts_ns;
	ret->frame = frame_ref(f->file, f->number);
	ret->ip_id = load_be16(h + IP + 4);
	ret->place = (uint16_t)(bare - 1);
	ret->kind = proto == PROTO_TCP ? PACKET_TCP : PACKET_UDP;
	ret->ecn = h[IP + 1] & 3;
	ret->icmp_type = ret->icmp_code = ret->icmp_v6 = 0;
	return true;
}

static int step(struct walk *w)
{
	switch (w->next) {
	case LAYER_ETHERNET:
		return ethernet_step(w);
	case LAYER_TYPE:
		return type_step(w);
	case LAYER_LLC:
		return llc_step(w);
	case LAYER_PPP:
		return ppp_step(w);
	case LAYER_MPLS:
		return mpls_step(w);
	case LAYER_GRE:
		return gre_step(w);
	case LAYER_IP:
		return ip_step(w);
	case LAYER_PROTO:
		return proto_step(w);
	}
	return PACKET_UNSUPPORTED;
}

static void count(struct packet_parser *p, const struct walk *w, enum packet_verdict verdict)
{
	struct counters *c = p->counters;
	uint64_t *const counter[] = {
		[PACKET_READY] = &c->frames_packet,
		[PACKET_KEPT] = &c->frames_fragment,
		[PACKET_NOT_IP] = &c->frames_not_ip,
		[PACKET_TRUNCATED] = &c->frames_truncated,
		[PACKET_MALFORMED] = &c->frames_malformed,
		[PACKET_UNSUPPORTED] = &c->frames_unsupported,
	};

	if (w->frames == 0) {
		counter_add(counter[verdict], 1);
		return;
	}
	/* It rebuilt a packet, or was thrown away: what it stands for is no longer held. */
	counter_add(&c->frames_fragment, 1);
	if (verdict == PACKET_READY) {
		counter_add(&c->fragments_reassembled, 1);
		counter_add(&c->fragments_used, w->frames);
	} else {
		counter_add(&c->fragments_dropped, w->frames);
	}
}

static __attribute__((noinline)) enum packet_verdict parse_walk(struct packet_parser *p,
								const struct frame *f,
								uint64_t now_ns,
								struct scratch *scratch,
								struct packet *ret)
{
	struct walk w;
	int verdict;

	w.at = f->data;
	w.left = f->captured;
	w.wire = f->wire > f->captured ? f->wire : f->captured;
	w.quoted = false;
	w.frames = 0;
	w.ip.version = 0;
	w.place.interface = f->interface;
	w.place.depth = 0;
	w.parser = p;
	w.scratch = scratch;
	w.now_ns = now_ns;
	w.ret = ret;

	ret->ts_ns = f->ts_ns;
	ret->frame = frame_ref(f->file, f->number);
	ret->icmp_type = ret->icmp_code = ret->icmp_v6 = 0;
	tcp_clear(ret);
	/* Ends: every step moves forward, or into a packet rebuilt from fragments, and each of those is
	 * one tunnel deeper than the one before. */
	verdict = link_begin(&w, f->link_type);
	while (verdict == STEP_ON)
		verdict = step(&w);
	count(p, &w, (enum packet_verdict)verdict);
	return (enum packet_verdict)verdict;
}

enum packet_verdict packet_parse(struct packet_parser *p, const struct frame *frame,
				 uint64_t now_ns, struct scratch *scratch, struct packet *ret)
{
	if (unlikely(now_ns >= p->defrag.next_ns))
		defrag_expire(p, now_ns);
	if (likely(parse_fast(p, frame, ret))) {
		counter_add(&p->counters->frames_packet, 1);
		return PACKET_READY;
	}
	return parse_walk(p, frame, now_ns, scratch, ret);
}
