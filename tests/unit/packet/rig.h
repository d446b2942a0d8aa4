/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A parser with its counters, and a zoo of packets, for the tests of src/packet. */
#include "packet/packet.h"
#include "tests/lib/pktbuild.h"

struct rig {
	struct packet_parser *parser;
	struct counters counters;
	struct scratch scratch;
	struct packet packet; /* of the last frame */
	uint64_t frames;
};

void rig_open(struct rig *r, const struct packet_options *options);
/* Also checks that every frame, and every fragment, is in exactly one counter. */
void rig_close(struct rig *r);
/* Parses a copy of the frame that ends where its memory ends, so that a read beyond it is seen. The
 * payload is only good until the next call. */
enum packet_verdict rig_parse(struct rig *r, const struct frame *frame);
enum packet_verdict rig_feed(struct rig *r, const struct pkt *p);
/* The same, at a time. */
enum packet_verdict rig_feed_at(struct rig *r, const struct pkt *p, uint64_t ts_ns);

/* The packet was sent from one endpoint to the other, as `kind` and `proto`. */
void rig_expect(const struct rig *r, enum packet_kind kind, uint8_t proto, const char *src,
		uint16_t sport, const char *dst, uint16_t dport);
/* The packet's payload is that of pkt_begin(NULL, size). */
void rig_expect_payload(const struct rig *r, uint32_t size);

/* --- the zoo: one packet for each link type, encapsulation and header chain --- */

struct animal {
	const char *name;
	void (*build)(struct pkt *p); /* around the payload that is there */
	uint16_t link_type;
	uint8_t depth;
	struct tunnel_layer layer[TUNNEL_MAX];
	bool v6; /* the inner packet */
};

/* Every animal is TCP from 10.1.1.1 or fd00::1, port 40000, to 10.1.1.2 or fd00::2, port 80. */
extern const struct animal zoo[];
extern const unsigned zoo_size;

enum { ZOO_SEQ = 0x11223344, ZOO_PAYLOAD = 100 };

void zoo_build(const struct animal *a, struct pkt *p);
struct frame zoo_frame(const struct animal *a, const struct pkt *p);
