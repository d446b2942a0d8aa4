/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames into src/packet, fragments included. Input: the link type (2 bytes, big end first), then for
 * each frame 2 bytes of length, 1 byte: bits 0-3 milliseconds since the frame before (15: 31 s), bits
 * 4-7 how many times 8 bytes the capture cut off, and the frame. What comes out has to keep the promises
 * of packet.h, and every frame and fragment has to be in one counter.
 */
#include <stdlib.h>
#include <string.h>

#include "core/time.h"
#include "core/view.h"
#include "packet/packet.h"

enum { SLOW = 15, SLOW_SECONDS = 31 };

static void require(bool true_)
{
	if (!true_)
		abort();
}

static void check_packet(const struct packet_parser *parser, const struct packet *p)
{
	const struct place *place = packet_place(parser, p->place);
	int order = memcmp(&p->key.address[0], &p->key.address[1], sizeof(struct address));
	uint8_t sum = 0;

	require(p->kind >= PACKET_TCP && p->kind <= PACKET_OTHER);
	require(order < 0 || (order == 0 && p->key.port[0] <= p->key.port[1]));
	require(p->dir < SIDES && p->ecn < 4 && !(p->flags & 0xc0));
	require(p->window_scale <= 14 || p->window_scale == 255);
	require(place->depth <= TUNNEL_MAX);
	for (unsigned i = 0; i < place->depth; i++)
		require(place->layer[i].kind >= TUNNEL_VLAN &&
			place->layer[i].kind < TUNNEL_KIND_COUNT);
	for (uint32_t i = 0; i < p->payload_size; i++)
		sum ^= p->payload[i];
	__asm__ volatile("" : : "r"(sum));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(view_of(data, (uint32_t)size));
	struct counters c = {0};
	struct packet_options o = {
		.secret = 1, .counters = &c, .fragment_bytes = 16 << 10, .fragment_packets = 4};
	struct packet_parser *parser;
	struct scratch scratch = {0};
	struct packet p;
	struct frame f = {.link_type = reader_be16(&r)};
	uint64_t frames = 0;

	if (packet_parser_new(&o, &parser) < 0)
		abort();
	while (reader_left(&r)) {
		uint16_t bytes = reader_be16(&r);
		uint8_t how = reader_u8(&r);
		uint32_t cut = (how >> 4) * 8u;

		if (bytes > reader_left(&r))
			bytes = (uint16_t)reader_left(&r);
		/* A copy of its own, so that a read past the captured bytes is seen. */
		const uint8_t *frame = reader_take(&r, bytes);
		f.wire = bytes;
		f.captured = bytes > cut ? bytes - cut : 0;
		uint8_t *copy = malloc(f.captured ? f.captured : 1);
		if (!copy)
			abort();
		if (f.captured)
			memcpy(copy, frame, f.captured);
		f.data = copy;
		f.number = ++frames;
		f.ts_ns += (how & 15) == SLOW ? SLOW_SECONDS * NS_PER_S : (how & 15) * NS_PER_MS;
		if (packet_parse(parser, &f, f.ts_ns, &scratch, &p) == PACKET_READY)
			check_packet(parser, &p);
		scratch_reset(&scratch);
		free(copy);
	}
	packet_parser_finish(parser);
	require(frames == c.frames_packet + c.frames_fragment + c.frames_not_ip +
				  c.frames_truncated + c.frames_malformed + c.frames_unsupported);
	require(c.frames_fragment == c.fragments_used + c.fragments_expired + c.fragments_evicted +
					     c.fragments_dropped + c.fragments_held);
	packet_parser_free(parser);
	scratch_done(&scratch);
	return 0;
}
