/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Transforms captures: what the program says about a conversation must not depend on how its bytes were cut into
 * segments, on addresses, ports and wrappings, or on small skews; and what is lost must only be missed.
 *
 * Only TCP packets are kept. Those that a transformation changes are rebuilt (Ethernet, IP, TCP with its
 * timestamps and window scale); others keep their frame. Memory running out aborts: these are tests.
 */
#include "core/err.h"
#include "packet/packet.h"

struct surgery_packet {
	struct packet p; /* payload belongs to this */
	uint8_t *frame;
	uint32_t captured, wire;
	uint64_t number;     /* of the frame in the original, from 1 */
	unsigned connection; /* from 0 */
	bool from_server, rebuilt, removed;
};

struct surgery {
	struct surgery_packet *packets;
	size_t count, room;
	unsigned connections;
	uint16_t link_type;
	bool to_ipv6, other_ports, wrapped;
	uint64_t seed;
};

enum surgery_size { SURGERY_ONE_BYTE, SURGERY_RANDOM, SURGERY_64K };

/* Reads a capture file of one link type. */
must_check int surgery_load(const char *path, uint64_t seed, struct surgery *ret);
void surgery_free(struct surgery *s);

/* Cuts the payloads anew. 64K joins what follows in the same direction with no packet of the other between. */
void surgery_segment(struct surgery *s, enum surgery_size size);
/* IPv4 addresses become fd00::a.b.c.d; ports are exchanged for others, one to one; every packet goes into VLAN 7
 * and VXLAN 77. */
void surgery_move(struct surgery *s, bool to_ipv6, bool other_ports, bool wrapped);
/* The packets of one side are `ns` later, and the file is sorted anew. */
void surgery_shift(struct surgery *s, bool of_server, uint64_t ns);
/* Removes `percent` % of the packets, `burst` at a time on average. Returns how many. */
size_t surgery_drop(struct surgery *s, double percent, unsigned burst);
/* Writes a pcap (ns). */
must_check int surgery_save(struct surgery *s, const char *path);
/*
 * Writes DIR/packets (a line for each packet with payload: frame, connection, 1 for the server's, offset of its
 * first byte and past its last, 1 when removed) and DIR/CONNECTION.SIDE, the bytes of each direction. Offset 0
 * is the first byte of the first packet. Lost bytes are zero.
 */
must_check int surgery_map(const struct surgery *s, const char *directory);
