/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Packets for tests, built from the inside out: begin with the payload, then put one header after the
 * other in front, so that every length is known when it is written.
 *
 *	struct pkt p;
 *	pkt_begin(&p, "hello", 5);
 *	pkt_tcp(&p, 1000, 80, seq, ack, TCP_ACK, NULL, 0);
 *	pkt_ip(&p, "10.0.0.1", "10.0.0.2", PROTO_TCP);
 *	pkt_eth(&p, 0x0800);
 *
 * Checksums of IPv4 headers are right, those of transports are 0 unless a test writes one.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/frame.h"
#include "core/types.h"

enum { PKT_ROOM = 160 << 10 }; /* the largest jumbogram of a test, with headers */

struct pkt {
	uint8_t *at; /* first byte */
	uint32_t size;
	uint8_t room[PKT_ROOM];
};

/* Payload; NULL: bytes that count 0, 1, 2 ... 250 and begin again. */
void pkt_begin(struct pkt *p, const void *payload, uint32_t size);
/* `n` zero bytes in front. */
uint8_t *pkt_push(struct pkt *p, uint32_t n);
/* `n` bytes behind: padding, trailers. */
void pkt_pad(struct pkt *p, uint32_t n);
void pkt_copy(struct pkt *to, const struct pkt *from);
/* The frame it makes: complete, Ethernet, number 1, time 0. */
struct frame pkt_frame(const struct pkt *p);

void pkt_be16(uint8_t *to, uint16_t v);
void pkt_be32(uint8_t *to, uint32_t v);

/* --- links --- */

void pkt_eth(struct pkt *p, uint16_t type);
/* The tag and what comes after it; the type in front of it (0x8100 ...) is the caller's. */
void pkt_vlan(struct pkt *p, uint16_t id, uint16_t type);
void pkt_llc_snap(struct pkt *p, uint16_t type);
void pkt_sll(struct pkt *p, uint16_t type);
void pkt_sll2(struct pkt *p, uint16_t type);

/* --- tunnels --- */

void pkt_pbb(struct pkt *p, uint32_t isid);
void pkt_mpls(struct pkt *p, uint32_t label, bool bottom);
void pkt_pppoe(struct pkt *p, uint16_t session, uint16_t proto);
/* Which fields there are is in `flags` (0x8000 checksum, 0x2000 key, 0x1000 sequence). */
void pkt_gre(struct pkt *p, uint16_t flags, uint16_t type, uint32_t key);
void pkt_erspan2(struct pkt *p, uint16_t session);
void pkt_erspan3(struct pkt *p, uint16_t session, bool subheader);
void pkt_vxlan(struct pkt *p, uint32_t vni);
/* `option_bytes`: a multiple of 4. */
void pkt_geneve(struct pkt *p, uint32_t vni, uint16_t type, uint32_t option_bytes);
/* `extensions` headers of 4 bytes each. */
void pkt_gtpu(struct pkt *p, uint32_t teid, bool sequence, unsigned extensions);

/* --- IP and transports; addresses as text, IPv4 or IPv6 --- */

void pkt_ip(struct pkt *p, const char *src, const char *dst, uint8_t proto);
void pkt_ipv4_options(struct pkt *p, const char *src, const char *dst, uint8_t proto,
		      uint32_t option_bytes);
/* One fragment: `offset` in bytes. */
void pkt_ipv4_fragment(struct pkt *p, const char *src, const char *dst, uint8_t proto, uint16_t id,
		       uint32_t offset, bool more);
/* An IPv6 extension header of `size` bytes (a multiple of 8) with options that pad; `next` follows. */
void pkt_extension(struct pkt *p, uint8_t next, uint32_t size);
void pkt_ipv6_fragment(struct pkt *p, uint8_t next, uint32_t id, uint32_t offset, bool more);
/* Hop-by-hop header with the jumbo payload option; pkt_ip() afterwards writes length 0. */
void pkt_jumbo(struct pkt *p, uint8_t next);
void pkt_tcp(struct pkt *p, uint16_t sport, uint16_t dport, uint32_t seq, uint32_t ack,
	     uint8_t flags, const void *options, uint32_t option_bytes);
void pkt_udp(struct pkt *p, uint16_t sport, uint16_t dport);
void pkt_icmp(struct pkt *p, uint8_t type, uint8_t code);

/* Mapped to IPv6 when it is IPv4, as in packets. */
struct address pkt_address(const char *text);
