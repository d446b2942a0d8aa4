/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/packet/rig.h"

#include <criterion/criterion.h>
#include <stdlib.h>

/* Of the last frame; kept until the next, since the packet borrows from it. */
static uint8_t *frame_copy;

void rig_open(struct rig *r, const struct packet_options *options)
{
	struct packet_options o = options ? *options : (struct packet_options){.secret = 1};

	*r = (struct rig){0};
	o.counters = &r->counters;
	cr_assert_eq(packet_parser_new(&o, &r->parser), 0);
}

static void check_counters(const struct counters *c, uint64_t frames)
{
	uint64_t ends = c->frames_packet + c->frames_fragment + c->frames_not_ip +
			c->frames_truncated + c->frames_malformed + c->frames_unsupported;
	uint64_t fragments = c->fragments_used + c->fragments_expired + c->fragments_evicted +
			     c->fragments_dropped + c->fragments_held;

	cr_assert_eq(ends, frames, "%lu frames end in %lu counters", frames, ends);
	cr_assert_eq(c->frames_fragment, fragments, "%lu fragments end in %lu counters",
		     c->frames_fragment, fragments);
}

void rig_close(struct rig *r)
{
	packet_parser_finish(r->parser);
	check_counters(&r->counters, r->frames);
	packet_parser_free(r->parser);
	scratch_done(&r->scratch);
	free(frame_copy);
	frame_copy = NULL;
}

enum packet_verdict rig_parse(struct rig *r, const struct frame *frame)
{
	struct frame f = *frame;
	enum packet_verdict verdict;

	free(frame_copy);
	frame_copy = malloc(f.captured ? f.captured : 1);
	cr_assert_not_null(frame_copy);
	memcpy(frame_copy, f.data, f.captured);
	f.data = frame_copy;
	memset(&r->packet, 0xee, sizeof(r->packet));
	verdict = packet_parse(r->parser, &f, f.ts_ns, &r->scratch, &r->packet);
	r->frames++;
	return verdict;
}

enum packet_verdict rig_feed(struct rig *r, const struct pkt *p)
{
	return rig_feed_at(r, p, 0);
}

enum packet_verdict rig_feed_at(struct rig *r, const struct pkt *p, uint64_t ts_ns)
{
	struct frame f = pkt_frame(p);

	f.ts_ns = ts_ns;
	return rig_parse(r, &f);
}

void rig_expect(const struct rig *r, enum packet_kind kind, uint8_t proto, const char *src,
		uint16_t sport, const char *dst, uint16_t dport)
{
	const struct packet *p = &r->packet;
	const struct flow_key *key = &p->key;
	struct address from = pkt_address(src), to = pkt_address(dst);
	int order = memcmp(&key->address[0], &key->address[1], sizeof(from));

	cr_assert_eq(p->kind, kind, "kind %u", p->kind);
	cr_assert_eq(key->proto, proto, "protocol %u", key->proto);
	cr_assert(p->dir < SIDES);
	cr_assert(order < 0 || (order == 0 && key->port[0] <= key->port[1]), "key out of order");
	cr_assert_eq(memcmp(&key->address[p->dir], &from, sizeof(from)), 0, "source address");
	cr_assert_eq(memcmp(&key->address[!p->dir], &to, sizeof(to)), 0, "destination address");
	cr_assert_eq(key->port[p->dir], sport, "source port %u", key->port[p->dir]);
	cr_assert_eq(key->port[!p->dir], dport, "destination port %u", key->port[!p->dir]);
	cr_assert_eq(key->zero[0] | key->zero[1] | key->zero[2], 0);
}

void rig_expect_payload(const struct rig *r, uint32_t size)
{
	static struct pkt want;

	pkt_begin(&want, NULL, size);
	cr_assert_eq(r->packet.payload_size, size, "%u bytes of payload", r->packet.payload_size);
	cr_assert_eq(r->packet.payload_cut, 0, "%u bytes are cut", r->packet.payload_cut);
	cr_assert_eq(memcmp(r->packet.payload, want.at, size), 0, "the payload differs");
}

void zoo_build(const struct animal *a, struct pkt *p)
{
	pkt_begin(p, NULL, ZOO_PAYLOAD);
	a->build(p);
}

struct frame zoo_frame(const struct animal *a, const struct pkt *p)
{
	struct frame f = pkt_frame(p);

	f.link_type = a->link_type;
	return f;
}
