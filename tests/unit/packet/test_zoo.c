/* SPDX-License-Identifier: Apache-2.0 */
/* Every link type, encapsulation and header chain: whole, cut at every byte, padded, damaged. */
#include <criterion/criterion.h>

#include "tests/unit/packet/rig.h"

static struct pkt pkt, other;

static void expect_animal(const struct rig *r, const struct animal *a)
{
	const struct place *place = packet_place(r->parser, r->packet.place);

	rig_expect(r, PACKET_TCP, PROTO_TCP, a->v6 ? "fd00::1" : "10.1.1.1", 40000,
		   a->v6 ? "fd00::2" : "10.1.1.2", 80);
	cr_assert_eq(r->packet.seq, ZOO_SEQ);
	cr_assert_eq(r->packet.ip_id, a->v6 ? 0 : 0x1234);
	cr_assert_eq(place->depth, a->depth, "%s: depth %u", a->name, place->depth);
	for (unsigned i = 0; i < a->depth; i++) {
		cr_assert_eq(place->layer[i].kind, a->layer[i].kind, "%s, layer %u", a->name, i);
		cr_assert_eq(place->layer[i].id, a->layer[i].id, "%s, layer %u: id %u", a->name, i,
			     place->layer[i].id);
	}
}

Test(zoo, whole)
{
	struct rig r;

	rig_open(&r, NULL);
	for (unsigned i = 0; i < zoo_size; i++) {
		zoo_build(&zoo[i], &pkt);
		struct frame f = zoo_frame(&zoo[i], &pkt);

		cr_assert_eq(rig_parse(&r, &f), PACKET_READY, "%s", zoo[i].name);
		expect_animal(&r, &zoo[i]);
		rig_expect_payload(&r, ZOO_PAYLOAD);
	}
	rig_close(&r);
}

/* Both directions have one key, one hash and one owner. */
Test(zoo, same_key_and_hash)
{
	struct rig r;
	uint64_t hash[2] = {0};
	uint32_t owner[2] = {0};

	rig_open(&r, NULL);
	for (unsigned i = 0; i < zoo_size; i++) {
		bool v6 = zoo[i].v6;

		zoo_build(&zoo[i], &pkt);
		struct frame f = zoo_frame(&zoo[i], &pkt);
		rig_parse(&r, &f);
		if (!hash[v6]) {
			hash[v6] = r.packet.hash;
			owner[v6] = r.packet.owner;
		}
		cr_assert_eq(r.packet.hash, hash[v6], "%s", zoo[i].name);
		cr_assert_eq(r.packet.owner, owner[v6], "%s", zoo[i].name);
	}
	cr_assert_neq(hash[0], hash[1]);
	rig_close(&r);
}

/* Cut by the capture: truncated, or right, with the missing bytes counted. */
Test(zoo, captured_short)
{
	struct rig r;

	rig_open(&r, NULL);
	for (unsigned i = 0; i < zoo_size; i++) {
		zoo_build(&zoo[i], &pkt);
		struct frame f = zoo_frame(&zoo[i], &pkt);
		bool ready = false;

		for (f.captured = 0; f.captured < f.wire; f.captured++) {
			enum packet_verdict v = rig_parse(&r, &f);

			if (ready)
				cr_assert_eq(v, PACKET_READY, "%s at %u", zoo[i].name, f.captured);
			/* The heuristics for pseudowires need some bytes of the content. */
			if (v == PACKET_NOT_IP && strstr(zoo[i].name, "pseudowire"))
				continue;
			if (v == PACKET_MALFORMED && strstr(zoo[i].name, "looks like"))
				continue;
			if (v != PACKET_READY) {
				cr_assert_eq(v, PACKET_TRUNCATED, "%s at %u: %d", zoo[i].name,
					     f.captured, v);
				continue;
			}
			if (strstr(zoo[i].name, "looks like") && r.packet.kind != PACKET_TCP)
				continue;
			ready = true;
			expect_animal(&r, &zoo[i]);
			cr_assert_eq(r.packet.payload_size + r.packet.payload_cut, ZOO_PAYLOAD,
				     "%s at %u", zoo[i].name, f.captured);
		}
		cr_assert(ready, "%s", zoo[i].name);
	}
	rig_close(&r);
}

/* Cut by the sender: any verdict, no crash, and still one counter each. */
Test(zoo, sent_short)
{
	struct rig r;

	rig_open(&r, NULL);
	for (unsigned i = 0; i < zoo_size; i++) {
		zoo_build(&zoo[i], &pkt);
		struct frame f = zoo_frame(&zoo[i], &pkt);

		for (uint32_t size = f.wire; size-- > 0;) {
			f.captured = f.wire = size;
			rig_parse(&r, &f);
		}
	}
	rig_close(&r);
}

Test(zoo, padding_is_no_payload)
{
	struct rig r;

	rig_open(&r, NULL);
	for (unsigned i = 0; i < zoo_size; i++) {
		zoo_build(&zoo[i], &pkt);
		pkt_pad(&pkt, 30);
		struct frame f = zoo_frame(&zoo[i], &pkt);

		cr_assert_eq(rig_parse(&r, &f), PACKET_READY, "%s", zoo[i].name);
		expect_animal(&r, &zoo[i]);
		rig_expect_payload(&r, ZOO_PAYLOAD);
	}
	rig_close(&r);
}

/* Every bit of every header, flipped alone. */
Test(zoo, bits_flipped)
{
	struct rig r;

	rig_open(&r, NULL);
	for (unsigned i = 0; i < zoo_size; i++) {
		zoo_build(&zoo[i], &pkt);
		uint32_t headers = pkt.size - ZOO_PAYLOAD;

		for (uint32_t bit = 0; bit < headers * 8; bit++) {
			pkt_copy(&other, &pkt);
			other.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
			struct frame f = zoo_frame(&zoo[i], &other);
			rig_parse(&r, &f);
			scratch_reset(&r.scratch);
		}
	}
	rig_close(&r);
}

Test(zoo, one_layer_too_many)
{
	struct rig r;
	const struct animal *deepest = zoo;

	for (unsigned i = 0; i < zoo_size; i++) {
		if (zoo[i].depth == TUNNEL_MAX)
			deepest = &zoo[i];
	}
	rig_open(&r, NULL);
	zoo_build(deepest, &pkt);
	pkt_gre(&pkt, 0, 0x6558, 0);
	pkt_ip(&pkt, "192.0.2.1", "192.0.2.2", 47);
	pkt_eth(&pkt, 0x0800);
	cr_assert_eq(rig_feed(&r, &pkt), PACKET_UNSUPPORTED);
	cr_assert_eq(r.counters.frames_unsupported, 1);
	rig_close(&r);
}

Test(zoo, other_link_types)
{
	static const uint16_t unsupported[] = {105, 127, 197, 247, 10, 6, 65535};
	struct rig r;

	rig_open(&r, NULL);
	zoo_build(&zoo[0], &pkt);
	for (unsigned i = 0; i < sizeof(unsupported) / sizeof(unsupported[0]); i++) {
		struct frame f = pkt_frame(&pkt);

		f.link_type = unsupported[i];
		cr_assert_eq(rig_parse(&r, &f), PACKET_UNSUPPORTED);
	}
	rig_close(&r);
}

Test(zoo, not_ip)
{
	static const uint16_t type[] = {0x0806, 0x88cc, 0x8863, 0x8915, 0x0000, 0x0026};
	struct rig r;

	rig_open(&r, NULL);
	for (unsigned i = 0; i < sizeof(type) / sizeof(type[0]); i++) {
		pkt_begin(&pkt, NULL, 46);
		pkt_eth(&pkt, type[i]);
		cr_assert_eq(rig_feed(&r, &pkt), PACKET_NOT_IP, "0x%x", type[i]);
	}
	cr_assert_eq(r.counters.frames_not_ip, r.frames);
	rig_close(&r);
}
