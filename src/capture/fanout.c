/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program by which the kernel deals frames out. It computes spread_of() (core/spread.h).
 *
 * Bytes are addressed from the network header (SKF_NET_OFF): at this point the packet data of the kernel
 * begin at the MAC header of what is sent, but behind it of what is received. A byte that is not there ends the
 * program with 0; so does a tunnel in a tunnel or a tag inside of one, in effect: the worker who gets the frame
 * knows better and passes the packet on.
 */
#include <linux/if_ether.h>

#include "capture/bpf.h"

/* The program's memory. */
enum {
	IP_AT = 0,    /* where the IP header begins, from the network header */
	L4_AT = 1,    /* where the transport header begins */
	SOURCE = 2,   /* the sum of the source's words */
	TARGET = 3,   /* and of the destination's */
	FRAGMENT = 4, /* the id of a fragment; 0 */
};

enum {
	VXLAN_PORT = 4789,
	VXLAN_PORT_LINUX = 8472,
	GENEVE_PORT = 6081,
	UDP_SIZE = 8,
	TUNNEL_SIZE = 8
};
enum { IPV4_SIZE = 20, IPV6_SIZE = 40, TAG_SIZE = 4, TAGS_MAX = 2 };
enum { PROTO_FRAGMENT = 44 };

struct maker {
	struct bpf_code *c;
	const struct spread *s;
	unsigned ports, no_ports; /* where both levels go on */
};

static void store(struct maker *m, uint32_t cell)
{
	bpf_emit(m->c, BPF_ST, cell);
}

/* A = the 1, 2 or 4 bytes (BPF_B, BPF_H, BPF_W) at `offset` behind what the cell says. */
static void load(struct maker *m, uint16_t size, uint32_t cell, uint32_t offset)
{
	bpf_emit(m->c, BPF_LDX | BPF_W | BPF_MEM, cell);
	bpf_emit(m->c, BPF_LD | size | BPF_IND, (uint32_t)SKF_NET_OFF + offset);
}

/* A, times a factor, is added to the cell. */
static void add_times(struct maker *m, unsigned factor, uint32_t cell)
{
	bpf_emit(m->c, BPF_ALU | BPF_MUL | BPF_K, m->s->k[factor]);
	bpf_emit(m->c, BPF_LDX | BPF_W | BPF_MEM, cell);
	bpf_emit(m->c, BPF_ALU | BPF_ADD | BPF_X, 0);
	store(m, cell);
}

/* A += the cell. */
static void add_cell(struct maker *m, uint32_t cell)
{
	bpf_emit(m->c, BPF_LDX | BPF_W | BPF_MEM, cell);
	bpf_emit(m->c, BPF_ALU | BPF_ADD | BPF_X, 0);
}

static void clear(struct maker *m)
{
	bpf_emit(m->c, BPF_LD | BPF_IMM, 0);
	store(m, SOURCE);
	store(m, TARGET);
	store(m, FRAGMENT);
}

/* A = (A ^ A >> shift) */
static void fold(struct maker *m, uint32_t shift)
{
	bpf_emit(m->c, BPF_MISC | BPF_TAX, 0);
	bpf_emit(m->c, BPF_ALU | BPF_RSH | BPF_K, shift);
	bpf_emit(m->c, BPF_ALU | BPF_XOR | BPF_X, 0);
}

static void words_v6(struct maker *m, uint32_t offset, uint32_t cell)
{
	for (unsigned i = 0; i < 4; i++) {
		load(m, BPF_W, IP_AT, offset + 4 * i);
		add_times(m, i, cell);
	}
}

/* The addresses of the header at IP_AT; A is left the protocol, and L4_AT is where it begins. */
static void ipv6(struct maker *m, unsigned transport)
{
	struct bpf_code *c = m->c;
	unsigned whole = bpf_label(c);

	clear(m);
	words_v6(m, 8, SOURCE);
	words_v6(m, 24, TARGET);
	bpf_emit(c, BPF_LD | BPF_MEM, IP_AT);
	bpf_emit(c, BPF_ALU | BPF_ADD | BPF_K, IPV6_SIZE);
	store(m, L4_AT);
	load(m, BPF_B, IP_AT, 6);
	bpf_unless(c, BPF_JEQ, PROTO_FRAGMENT, whole);
	load(m, BPF_W, L4_AT, 4);
	store(m, FRAGMENT);
	bpf_goto(c, m->no_ports);
	bpf_here(c, whole);
	bpf_goto(c, transport);
}

static void ipv4(struct maker *m, unsigned transport)
{
	enum { FRAGMENT_BITS = 0x3fff };
	struct bpf_code *c = m->c;
	unsigned whole = bpf_label(c);

	clear(m);
	load(m, BPF_W, IP_AT, 12);
	add_times(m, 3, SOURCE);
	load(m, BPF_W, IP_AT, 16);
	add_times(m, 3, TARGET);
	load(m, BPF_B, IP_AT, 0);
	bpf_emit(c, BPF_ALU | BPF_AND | BPF_K, 15);
	bpf_emit(c, BPF_ALU | BPF_LSH | BPF_K, 2);
	add_cell(m, IP_AT);
	store(m, L4_AT);
	load(m, BPF_H, IP_AT, 6);
	bpf_unless(c, BPF_JSET, FRAGMENT_BITS, whole);
	load(m, BPF_H, IP_AT, 4);
	store(m, FRAGMENT);
	bpf_goto(c, m->no_ports);
	bpf_here(c, whole);
	load(m, BPF_B, IP_AT, 9);
	bpf_goto(c, transport);
}

/* A is an EtherType, and IP_AT where its content begins: on to `transport`, or to `other`. */
static void network(struct maker *m, unsigned transport, unsigned other)
{
	struct bpf_code *c = m->c;
	unsigned no_v4 = bpf_label(c);

	bpf_unless(c, BPF_JEQ, ETH_P_IP, no_v4);
	ipv4(m, transport);
	bpf_here(c, no_v4);
	bpf_unless(c, BPF_JEQ, ETH_P_IPV6, other);
	ipv6(m, transport);
}

/* IP_AT = where the frame in a tunnel has its IP header; A = its EtherType. */
static void inner_frame(struct maker *m, bool geneve, unsigned other)
{
	struct bpf_code *c = m->c;

	if (geneve) {
		load(m, BPF_H, L4_AT, UDP_SIZE + 2);
		bpf_unless(c, BPF_JEQ, ETH_P_TEB, other);
		load(m, BPF_B, L4_AT, UDP_SIZE);
		bpf_emit(c, BPF_ALU | BPF_AND | BPF_K, 0x3f);
		bpf_emit(c, BPF_ALU | BPF_LSH | BPF_K, 2);
	} else {
		bpf_emit(c, BPF_LD | BPF_IMM, 0);
	}
	add_cell(m, L4_AT);
	bpf_emit(c, BPF_ALU | BPF_ADD | BPF_K, UDP_SIZE + TUNNEL_SIZE + ETH_HLEN);
	store(m, IP_AT);
	bpf_emit(c, BPF_ALU | BPF_SUB | BPF_K, 2);
	bpf_emit(c, BPF_MISC | BPF_TAX, 0);
	bpf_emit(c, BPF_LD | BPF_H | BPF_IND, (uint32_t)SKF_NET_OFF);
}

/* A is the protocol of the outer packet. */
static void outer_transport(struct maker *m, unsigned inner)
{
	struct bpf_code *c = m->c;
	unsigned no_tcp = bpf_label(c), vxlan = bpf_label(c), geneve = bpf_label(c);
	unsigned network_inside = bpf_label(c);

	bpf_unless(c, BPF_JEQ, PROTO_TCP, no_tcp);
	bpf_goto(c, m->ports);
	bpf_here(c, no_tcp);
	bpf_unless(c, BPF_JEQ, PROTO_UDP, m->no_ports);
	load(m, BPF_H, L4_AT, 2);
	bpf_if(c, BPF_JEQ, VXLAN_PORT, vxlan);
	bpf_if(c, BPF_JEQ, VXLAN_PORT_LINUX, vxlan);
	bpf_if(c, BPF_JEQ, GENEVE_PORT, geneve);
	bpf_goto(c, m->ports);
	bpf_here(c, geneve);
	inner_frame(m, true, m->ports);
	bpf_goto(c, network_inside);
	bpf_here(c, vxlan);
	inner_frame(m, false, m->ports);
	bpf_here(c, network_inside);
	network(m, inner, m->no_ports);
}

/* A is the protocol of the packet in a tunnel, which is looked into no further. */
static void inner_transport(struct maker *m)
{
	bpf_if(m->c, BPF_JEQ, PROTO_TCP, m->ports);
	bpf_if(m->c, BPF_JEQ, PROTO_UDP, m->ports);
	bpf_goto(m->c, m->no_ports);
}

/* Adds the ports, if there are any; then both sides are mixed, and that is the answer. */
static void answer(struct maker *m)
{
	struct bpf_code *c = m->c;

	bpf_here(c, m->ports);
	load(m, BPF_H, L4_AT, 0);
	add_times(m, 4, SOURCE);
	load(m, BPF_H, L4_AT, 2);
	add_times(m, 4, TARGET);
	bpf_here(c, m->no_ports);
	bpf_emit(c, BPF_LD | BPF_MEM, SOURCE);
	fold(m, 16);
	bpf_emit(c, BPF_ALU | BPF_MUL | BPF_K, m->s->k[5]);
	store(m, SOURCE);
	bpf_emit(c, BPF_LD | BPF_MEM, TARGET);
	fold(m, 16);
	bpf_emit(c, BPF_ALU | BPF_MUL | BPF_K, m->s->k[5]);
	add_cell(m, SOURCE);
	add_cell(m, FRAGMENT);
	fold(m, 15);
	bpf_emit(c, BPF_RET | BPF_A, 0);
}

int bpf_fanout(struct bpf_code *c, const struct spread *spread)
{
	struct maker m = {.c = c, .s = spread};

	bpf_code_init(c);
	unsigned outer = bpf_label(c), inner = bpf_label(c), no_ip = bpf_label(c);
	unsigned tagged = bpf_label(c), untagged = bpf_label(c);

	m.ports = bpf_label(c);
	m.no_ports = bpf_label(c);
	clear(&m);
	store(&m, IP_AT);
	bpf_emit(c, BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_AD_OFF + SKF_AD_PROTOCOL);
	bpf_if(c, BPF_JEQ, ETH_P_8021Q, tagged);
	bpf_if(c, BPF_JEQ, ETH_P_8021AD, tagged);
	bpf_goto(c, untagged);
	/* The kernel took the outer tag off; of more, each is two bytes and the EtherType behind them. */
	bpf_here(c, tagged);
	for (unsigned i = 0; i < TAGS_MAX; i++) {
		unsigned again = bpf_label(c);

		bpf_emit(c, BPF_LD | BPF_IMM, TAG_SIZE * (i + 1));
		store(&m, IP_AT);
		bpf_emit(c, BPF_LD | BPF_H | BPF_ABS, (uint32_t)SKF_NET_OFF + TAG_SIZE * i + 2);
		bpf_if(c, BPF_JEQ, ETH_P_8021Q, again);
		bpf_if(c, BPF_JEQ, ETH_P_8021AD, again);
		bpf_goto(c, untagged);
		bpf_here(c, again);
	}
	bpf_goto(c, m.no_ports);
	bpf_here(c, untagged);
	network(&m, outer, no_ip);
	bpf_here(c, outer);
	outer_transport(&m, inner);
	bpf_here(c, inner);
	inner_transport(&m);
	answer(&m);
	/* Last: the kernel's check takes what follows a return for reachable from it. */
	bpf_here(c, no_ip);
	bpf_emit(c, BPF_RET | BPF_K, 0);
	return bpf_finish(c);
}
