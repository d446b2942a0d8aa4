/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Transforms captures: what the program says about a conversation must not depend on how its bytes were cut into
 * segments or fragments, on addresses, ports and wrappings, on small skews, or on how often it was seen; and what is
 * lost must only be missed.
 *
 * TCP, UDP and ICMP errors are kept, datagrams whole. What a transformation changes is rebuilt (Ethernet, IP, TCP with
 * its timestamps and window scale); others keep their frame. Memory running out aborts: these are tests.
 */
#include "core/err.h"
#include "packet/packet.h"

struct surgery_packet {
	struct packet p; /* payload belongs to this */
	uint8_t *frame;
	uint32_t captured, wire;
	uint64_t number;     /* of the frame in the original, from 1 */
	unsigned connection; /* from 0 */
	uint8_t interface;
	bool from_server, rebuilt, removed;
	bool copy; /* of another packet of the list */
};

/* What is around every packet. */
enum surgery_wrap { SURGERY_BARE, SURGERY_VLAN, SURGERY_QINQ, SURGERY_VXLAN, SURGERY_GENEVE };

/* Of two interfaces: which sees a packet first. The one that is nearer to its sender, or now this, now that. */
enum surgery_first { SURGERY_FIRST, SURGERY_NEARER, SURGERY_ANY };

/* Several interfaces need PCAPNG. */
enum surgery_format { SURGERY_PCAP_NS, SURGERY_PCAP_US, SURGERY_PCAPNG };

struct surgery {
	struct surgery_packet *packets;
	size_t count, room;
	unsigned connections;
	uint16_t link_type;
	unsigned interfaces; /* 0: one */
	enum surgery_wrap wrap;
	enum surgery_format format;
	bool to_ipv6, other_ports;
	bool fragmented, reversed;
	uint64_t seed;
};

enum surgery_size { SURGERY_ONE_BYTE, SURGERY_RANDOM, SURGERY_64K };

/* Reads a capture file of one link type. */
must_check int surgery_load(const char *path, uint64_t seed, struct surgery *ret);
void surgery_free(struct surgery *s);

/* Cuts the payloads of TCP anew. 64K joins what follows in the same direction with no packet of the other between. */
void surgery_segment(struct surgery *s, enum surgery_size size);
/* IPv4 addresses become fd00::a.b.c.d, those of groups ff02::a.b.c.d; ports are exchanged for others, one to one; every
 * packet goes into VLAN 7, that one into VLAN 8, or into VXLAN or GENEVE 77 in VLAN 7. */
void surgery_move(struct surgery *s, bool to_ipv6, bool other_ports, enum surgery_wrap wrap);
/* Datagrams come in up to three fragments, the last one first when `reversed`. */
void surgery_fragment(struct surgery *s, bool reversed);
/* A datagram comes twice, with the same IP id; not by IPv6, where no id tells it from one that is sent again. */
void surgery_repeat(struct surgery *s);
/* Every packet is seen `ns` later on another interface, too. */
void surgery_elsewhere(struct surgery *s, uint64_t ns, enum surgery_first first);
/* Neighbours of different conversations, at most `ns` apart, change places in the file. */
void surgery_cross(struct surgery *s, uint64_t ns);
/* A server's packet that follows its client's by at most `ns` comes before it in the file. */
void surgery_answer_first(struct surgery *s, uint64_t ns);
/* The first two bytes of all datagrams become the same, in ICMP errors, too: one id for all of DNS. */
void surgery_one_id(struct surgery *s);
/* Everything is `ns` later. */
void surgery_delay(struct surgery *s, uint64_t ns);
/* The packets of one side are `ns` later. */
void surgery_skew(struct surgery *s, bool of_server, uint64_t ns);
/* The same, and the file is sorted anew. */
void surgery_shift(struct surgery *s, bool of_server, uint64_t ns);
/* Removes `percent` % of the packets, `burst` at a time on average. Returns how many. */
size_t surgery_drop(struct surgery *s, double percent, unsigned burst);
/* Writes a capture file of that format. */
must_check int surgery_save(struct surgery *s, const char *path);
/*
 * Writes DIR/packets (a line for each packet with payload: frame, connection, 1 for the server's, offset of its
 * first byte and past its last, 1 when removed) and DIR/CONNECTION.SIDE, the bytes of each direction. Offset 0
 * is the first byte of the first packet. Lost bytes are zero.
 */
must_check int surgery_map(const struct surgery *s, const char *directory);
/*
 * Writes a line for each packet that is no copy, in the order of the file: its frame there (0: removed), its frame in
 * the original, its time in ns, "tcp", "udp" or "icmp", the sender's address and port and the receiver's as they were
 * (those of the quoted datagram), and, but for TCP, the payload (what is quoted, from the UDP header on) in hex.
 */
must_check int surgery_list(const struct surgery *s, const char *path);
