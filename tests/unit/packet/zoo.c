/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/packet/rig.h"

enum { IP4 = 0x0800, IP6 = 0x86dd, VLAN = 0x8100, QINQ = 0x88a8, BRIDGED = 0x6558 };
enum { IPIP4 = 4, UDP = 17, IPIP6 = 41, GRE = 47 };

#define OUTER "192.0.2.1", "192.0.2.2"
#define OUTER6 "2001:db8::1", "2001:db8::2"

static const uint8_t ts_option[12] = {1, 1, 8, 10, 0, 0, 0, 7, 0, 0, 0, 5};

static void inner4(struct pkt *p)
{
	pkt_tcp(p, 40000, 80, ZOO_SEQ, 9, TCP_ACK | TCP_PSH, ts_option, sizeof(ts_option));
	pkt_ip(p, "10.1.1.1", "10.1.1.2", PROTO_TCP);
}

static void inner6(struct pkt *p)
{
	pkt_tcp(p, 40000, 80, ZOO_SEQ, 9, TCP_ACK | TCP_PSH, ts_option, sizeof(ts_option));
	pkt_ip(p, "fd00::1", "fd00::2", PROTO_TCP);
}

static void inner_eth(struct pkt *p)
{
	inner4(p);
	pkt_eth(p, IP4);
}

static void outer(struct pkt *p, uint8_t proto)
{
	pkt_ip(p, OUTER, proto);
	pkt_eth(p, IP4);
}

static void outer_udp(struct pkt *p, uint16_t port)
{
	pkt_udp(p, 50000, port);
	outer(p, UDP);
}

static void family(struct pkt *p, uint32_t family_be)
{
	pkt_be32(pkt_push(p, 4), family_be);
}

static void eth6(struct pkt *p)
{
	inner6(p);
	pkt_eth(p, IP6);
}

static void llc(struct pkt *p)
{
	inner4(p);
	pkt_llc_snap(p, IP4);
	pkt_eth(p, (uint16_t)p->size);
}

static void llc_ip(struct pkt *p)
{
	inner4(p);
	memcpy(pkt_push(p, 3), "\x06\x06\x03", 3);
	pkt_eth(p, (uint16_t)p->size);
}

static void sll(struct pkt *p)
{
	inner4(p);
	pkt_sll(p, IP4);
}

static void sll_vlan(struct pkt *p)
{
	inner4(p);
	pkt_vlan(p, 5, IP4);
	pkt_sll(p, VLAN);
}

static void sll2(struct pkt *p)
{
	inner6(p);
	pkt_sll2(p, IP6);
}

static void null_le(struct pkt *p)
{
	inner4(p);
	family(p, 2u << 24);
}

static void null_be(struct pkt *p)
{
	inner4(p);
	family(p, 2);
}

static void null6_le(struct pkt *p)
{
	inner6(p);
	family(p, 30u << 24);
}

static void null6_be(struct pkt *p)
{
	inner6(p);
	family(p, 24);
}

static void null_type(struct pkt *p)
{
	inner4(p);
	family(p, IP4);
}

static void ipoib(struct pkt *p)
{
	inner4(p);
	pkt_be16(pkt_push(p, 4), IP4);
	pkt_push(p, 20);
}

static void ppp(struct pkt *p)
{
	inner4(p);
	pkt_be16(pkt_push(p, 2), 0x0021);
}

static void ppp_short(struct pkt *p)
{
	inner6(p);
	*pkt_push(p, 1) = 0x57;
}

static void ppp_hdlc(struct pkt *p)
{
	ppp(p);
	pkt_be16(pkt_push(p, 2), 0xff03);
}

static void ppp_mpls(struct pkt *p)
{
	inner4(p);
	pkt_mpls(p, 77, true);
	pkt_be16(pkt_push(p, 2), 0x0281);
}

static void cisco_hdlc(struct pkt *p)
{
	inner4(p);
	pkt_be16(pkt_push(p, 2), IP4);
	pkt_be16(pkt_push(p, 2), 0x0f00);
}

static void ppp_pppd(struct pkt *p)
{
	ppp(p);
	pkt_be16(pkt_push(p, 2), 0x0103);
}

static void ppp_direction(struct pkt *p)
{
	ppp_hdlc(p);
	pkt_push(p, 1);
}

static void pppoe_link(struct pkt *p)
{
	inner4(p);
	pkt_pppoe(p, 7, 0x0021);
}

static void vlan(struct pkt *p)
{
	inner4(p);
	pkt_vlan(p, 100, IP4);
	pkt_eth(p, VLAN);
}

static void vlan_priority(struct pkt *p)
{
	inner4(p);
	pkt_vlan(p, 0xe000, IP4);
	pkt_eth(p, VLAN);
}

static void qinq(struct pkt *p)
{
	inner6(p);
	pkt_vlan(p, 200, IP6);
	pkt_vlan(p, 100, VLAN);
	pkt_eth(p, QINQ);
}

static void qinq_old(struct pkt *p)
{
	inner4(p);
	pkt_vlan(p, 200, IP4);
	pkt_vlan(p, 100, VLAN);
	pkt_eth(p, 0x9100);
}

static void mpls(struct pkt *p)
{
	inner4(p);
	pkt_mpls(p, 18, true);
	pkt_mpls(p, 16, false);
	pkt_eth(p, 0x8847);
}

static void mpls6(struct pkt *p)
{
	inner6(p);
	pkt_mpls(p, 18, true);
	pkt_eth(p, 0x8848);
}

static void pseudowire(struct pkt *p)
{
	inner_eth(p);
	pkt_mpls(p, 18, true);
	pkt_eth(p, 0x8847);
}

static void pseudowire_control(struct pkt *p)
{
	inner_eth(p);
	pkt_push(p, 4);
	pkt_mpls(p, 18, true);
	pkt_eth(p, 0x8847);
}

/* A destination MAC that begins like an IPv4 header. */
static void pseudowire_4(struct pkt *p)
{
	inner_eth(p);
	p->at[0] = 0x45;
	p->at[2] = 0xff;
	pkt_mpls(p, 18, true);
	pkt_eth(p, 0x8847);
}

static void pppoe(struct pkt *p)
{
	inner6(p);
	pkt_pppoe(p, 7, 0x0057);
	pkt_eth(p, 0x8864);
}

static void pbb(struct pkt *p)
{
	inner_eth(p);
	pkt_pbb(p, 4711);
	pkt_vlan(p, 9, 0x88e7);
	pkt_eth(p, QINQ);
}

static void gre(struct pkt *p)
{
	inner4(p);
	pkt_gre(p, 0, IP4, 0);
	outer(p, GRE);
}

static void gre_all(struct pkt *p)
{
	inner6(p);
	pkt_gre(p, 0xb000, IP6, 42);
	outer(p, GRE);
}

static void gre_routed(struct pkt *p)
{
	static const uint8_t routes[] = {
		0x40, 0, 8, 0, 0,  0, 0, 0, /* flags, type, checksum, offset */
		8,    0, 0, 4, 10, 9, 9, 9, 0, 0, 0, 0};

	inner4(p);
	memcpy(pkt_push(p, sizeof(routes)), routes, sizeof(routes));
	outer(p, GRE);
}

static void pptp(struct pkt *p)
{
	ppp_hdlc(p);
	uint16_t size = (uint16_t)p->size;
	uint8_t *h = pkt_push(p, 16);

	pkt_be16(h, 0x3081);
	pkt_be16(h + 2, 0x880b);
	pkt_be16(h + 4, size);
	pkt_be16(h + 6, 99); /* call id */
	outer(p, GRE);
}

static void gre_mpls(struct pkt *p)
{
	inner4(p);
	pkt_mpls(p, 33, true);
	pkt_gre(p, 0, 0x8847, 0);
	outer(p, GRE);
}

static void gretap(struct pkt *p)
{
	inner_eth(p);
	pkt_gre(p, 0, BRIDGED, 0);
	outer(p, GRE);
}

static void nvgre(struct pkt *p)
{
	inner_eth(p);
	pkt_gre(p, 0x2000, BRIDGED, 0xabcdefu << 8 | 0x77);
	outer(p, GRE);
}

static void erspan1(struct pkt *p)
{
	inner_eth(p);
	pkt_gre(p, 0, 0x88be, 0);
	outer(p, GRE);
}

static void erspan2(struct pkt *p)
{
	inner_eth(p);
	pkt_erspan2(p, 101);
	pkt_gre(p, 0x1000, 0x88be, 0);
	outer(p, GRE);
}

static void erspan3(struct pkt *p)
{
	inner_eth(p);
	pkt_erspan3(p, 102, false);
	pkt_gre(p, 0x1000, 0x22eb, 0);
	outer(p, GRE);
}

static void erspan3_sub(struct pkt *p)
{
	inner_eth(p);
	pkt_erspan3(p, 103, true);
	pkt_gre(p, 0x1000, 0x22eb, 0);
	outer(p, GRE);
}

static void gre_udp(struct pkt *p)
{
	inner4(p);
	pkt_gre(p, 0x2000, IP4, 8);
	outer_udp(p, 4754);
}

static void mpls_udp(struct pkt *p)
{
	inner4(p);
	pkt_mpls(p, 34, true);
	outer_udp(p, 6635);
}

static void ip4_in_4(struct pkt *p)
{
	inner4(p);
	outer(p, IPIP4);
}

static void ip6_in_4(struct pkt *p)
{
	inner6(p);
	outer(p, IPIP6);
}

static void ip4_in_6(struct pkt *p)
{
	inner4(p);
	pkt_ip(p, OUTER6, IPIP4);
	pkt_eth(p, IP6);
}

static void ip6_in_6(struct pkt *p)
{
	inner6(p);
	pkt_extension(p, IPIP6, 8);
	pkt_ip(p, OUTER6, 60);
	pkt_eth(p, IP6);
}

static void mpls_in_ip(struct pkt *p)
{
	inner4(p);
	pkt_mpls(p, 35, true);
	outer(p, 137);
}

static void vxlan(struct pkt *p)
{
	inner_eth(p);
	pkt_vxlan(p, 0x123456);
	outer_udp(p, 4789);
}

static void vxlan_linux(struct pkt *p)
{
	eth6(p);
	pkt_vxlan(p, 1);
	pkt_udp(p, 50000, 8472);
	pkt_ip(p, OUTER6, UDP);
	pkt_eth(p, IP6);
}

/* Reserved bits set: they are ignored on receipt. */
static void vxlan_reserved(struct pkt *p)
{
	inner_eth(p);
	pkt_vxlan(p, 2);
	p->at[0] = 0x88;
	p->at[2] = 0x42;
	outer_udp(p, 4789);
}

static void vxlan_gpe(struct pkt *p)
{
	inner6(p);
	pkt_vxlan(p, 3);
	p->at[0] = 0x0c;
	p->at[7] = 2;
	outer_udp(p, 4790);
}

static void geneve(struct pkt *p)
{
	inner_eth(p);
	pkt_geneve(p, 10, BRIDGED, 0);
	outer_udp(p, 6081);
}

static void geneve_options(struct pkt *p)
{
	inner6(p);
	pkt_geneve(p, 11, IP6, 40);
	outer_udp(p, 6081);
}

static void gtpu(struct pkt *p)
{
	inner4(p);
	pkt_gtpu(p, 1234, false, 0);
	outer_udp(p, 2152);
}

static void gtpu_extended(struct pkt *p)
{
	inner6(p);
	pkt_gtpu(p, 1234, true, 2);
	outer_udp(p, 2152);
}

/* As many layers as there may be. */
static void nested(struct pkt *p)
{
	inner_eth(p);
	pkt_vxlan(p, 8);
	pkt_udp(p, 50000, 4789);
	pkt_ip(p, OUTER, UDP);
	pkt_gre(p, 0x2000, IP4, 7);
	pkt_ip(p, OUTER, GRE);
	pkt_ip(p, OUTER, IPIP4);
	pkt_mpls(p, 5, true);
	pkt_vlan(p, 4, 0x8847);
	pkt_eth(p, VLAN);
	pkt_geneve(p, 3, BRIDGED, 8);
	pkt_udp(p, 50000, 6081);
	pkt_ip(p, OUTER6, UDP);
	pkt_vlan(p, 2, IP6);
	pkt_vlan(p, 1, VLAN);
	pkt_eth(p, QINQ);
}

static void ip4_options(struct pkt *p)
{
	pkt_tcp(p, 40000, 80, ZOO_SEQ, 9, TCP_ACK, NULL, 0);
	pkt_ipv4_options(p, "10.1.1.1", "10.1.1.2", PROTO_TCP, 40);
	pkt_eth(p, IP4);
}

static void ah4(struct pkt *p)
{
	pkt_tcp(p, 40000, 80, ZOO_SEQ, 9, TCP_ACK, NULL, 0);
	uint8_t *h = pkt_push(p, 24);

	h[0] = PROTO_TCP;
	h[1] = 4;
	pkt_ip(p, "10.1.1.1", "10.1.1.2", 51);
	pkt_eth(p, IP4);
}

static void extensions(struct pkt *p)
{
	pkt_tcp(p, 40000, 80, ZOO_SEQ, 9, TCP_ACK, NULL, 0);
	pkt_extension(p, PROTO_TCP, 16); /* destination options */
	pkt_ipv6_fragment(p, 60, 1, 0, false);
	uint8_t *h = pkt_push(p, 24);
	h[0] = 44;
	h[1] = 4; /* authentication: 24 bytes */
	h = pkt_push(p, 24);
	h[0] = 51;
	h[1] = 2; /* routing, no segment left */
	pkt_extension(p, 43, 8);
	pkt_extension(p, 60, 8);
	pkt_ip(p, "fd00::1", "fd00::2", 0);
	pkt_eth(p, IP6);
}

#define DEPTH(...)                                                                                 \
	.depth = sizeof((struct tunnel_layer[]){__VA_ARGS__}) / sizeof(struct tunnel_layer),       \
	.layer = {__VA_ARGS__}

const struct animal zoo[] = {
	{"Ethernet", inner_eth, 1, 0, {{0}}, false},
	{"Ethernet, IPv6", eth6, 1, 0, {{0}}, true},
	{"802.3 with SNAP", llc, 1, 0, {{0}}, false},
	{"802.3 with IP in LLC", llc_ip, 1, 0, {{0}}, false},
	{"cooked", sll, 113, 0, {{0}}, false},
	{"cooked, VLAN", sll_vlan, 113, DEPTH({5, TUNNEL_VLAN}), .v6 = false},
	{"cooked 2", sll2, 276, 0, {{0}}, true},
	{"null, little end first", null_le, 0, 0, {{0}}, false},
	{"null, big end first", null_be, 0, 0, {{0}}, false},
	{"loop, little end first", null6_le, 108, 0, {{0}}, true},
	{"loop, big end first", null6_be, 108, 0, {{0}}, true},
	{"null, EtherType", null_type, 0, 0, {{0}}, false},
	{"raw", inner4, 101, 0, {{0}}, false},
	{"raw, IPv6", inner6, 101, 0, {{0}}, true},
	{"raw 12", inner4, 12, 0, {{0}}, false},
	{"raw 14", inner6, 14, 0, {{0}}, true},
	{"IPv4", inner4, 228, 0, {{0}}, false},
	{"IPv6", inner6, 229, 0, {{0}}, true},
	{"IPoIB", ipoib, 242, 0, {{0}}, false},
	{"PPP", ppp, 9, 0, {{0}}, false},
	{"PPP, compressed protocol", ppp_short, 9, 0, {{0}}, true},
	{"PPP, HDLC in front", ppp_hdlc, 9, 0, {{0}}, false},
	{"PPP, MPLS", ppp_mpls, 9, DEPTH({77, TUNNEL_MPLS})},
	{"PPP in HDLC", ppp_hdlc, 50, 0, {{0}}, false},
	{"Cisco in HDLC", cisco_hdlc, 50, 0, {{0}}, false},
	{"Cisco HDLC", cisco_hdlc, 104, 0, {{0}}, false},
	{"PPP of pppd", ppp_pppd, 166, 0, {{0}}, false},
	{"PPP with direction", ppp_direction, 204, 0, {{0}}, false},
	{"PPPoE as link", pppoe_link, 51, DEPTH({7, TUNNEL_PPPOE})},
	{"VLAN", vlan, 1, DEPTH({100, TUNNEL_VLAN})},
	{"VLAN 0", vlan_priority, 1, 0, {{0}}, false},
	{"QinQ", qinq, 1, DEPTH({100, TUNNEL_VLAN}, {200, TUNNEL_VLAN}), .v6 = true},
	{"QinQ 0x9100", qinq_old, 1, DEPTH({100, TUNNEL_VLAN}, {200, TUNNEL_VLAN})},
	{"MPLS", mpls, 1, DEPTH({18, TUNNEL_MPLS})},
	{"MPLS, IPv6", mpls6, 1, DEPTH({18, TUNNEL_MPLS}), .v6 = true},
	{"pseudowire", pseudowire, 1, DEPTH({18, TUNNEL_MPLS})},
	{"pseudowire with control word", pseudowire_control, 1, DEPTH({18, TUNNEL_MPLS})},
	{"pseudowire that looks like IPv4", pseudowire_4, 1, DEPTH({18, TUNNEL_MPLS})},
	{"PPPoE", pppoe, 1, DEPTH({7, TUNNEL_PPPOE}), .v6 = true},
	{"PBB", pbb, 1, DEPTH({9, TUNNEL_VLAN}, {4711, TUNNEL_PBB})},
	{"GRE", gre, 1, DEPTH({0, TUNNEL_GRE})},
	{"GRE with checksum, key, sequence", gre_all, 1, DEPTH({42, TUNNEL_GRE}), .v6 = true},
	{"GRE with routes", gre_routed, 1, DEPTH({0, TUNNEL_GRE})},
	{"GRE of PPTP", pptp, 1, DEPTH({0, TUNNEL_GRE})},
	{"GRE, MPLS", gre_mpls, 1, DEPTH({0, TUNNEL_GRE}, {33, TUNNEL_MPLS})},
	{"GRE, Ethernet", gretap, 1, DEPTH({0, TUNNEL_GRE})},
	{"NVGRE", nvgre, 1, DEPTH({0xabcdef, TUNNEL_NVGRE})},
	{"ERSPAN I", erspan1, 1, DEPTH({0, TUNNEL_ERSPAN})},
	{"ERSPAN II", erspan2, 1, DEPTH({101, TUNNEL_ERSPAN})},
	{"ERSPAN III", erspan3, 1, DEPTH({102, TUNNEL_ERSPAN})},
	{"ERSPAN III with subheader", erspan3_sub, 1, DEPTH({103, TUNNEL_ERSPAN})},
	{"GRE in UDP", gre_udp, 1, DEPTH({8, TUNNEL_GRE})},
	{"MPLS in UDP", mpls_udp, 1, DEPTH({34, TUNNEL_MPLS})},
	{"4 in 4", ip4_in_4, 1, DEPTH({0, TUNNEL_IPIP})},
	{"6 in 4", ip6_in_4, 1, DEPTH({0, TUNNEL_IPIP}), .v6 = true},
	{"4 in 6", ip4_in_6, 1, DEPTH({0, TUNNEL_IPIP})},
	{"6 in 6", ip6_in_6, 1, DEPTH({0, TUNNEL_IPIP}), .v6 = true},
	{"MPLS in IP", mpls_in_ip, 1, DEPTH({35, TUNNEL_MPLS})},
	{"VXLAN", vxlan, 1, DEPTH({0x123456, TUNNEL_VXLAN})},
	{"VXLAN 8472", vxlan_linux, 1, DEPTH({1, TUNNEL_VXLAN}), .v6 = true},
	{"VXLAN, reserved bits", vxlan_reserved, 1, DEPTH({2, TUNNEL_VXLAN})},
	{"VXLAN-GPE", vxlan_gpe, 1, DEPTH({3, TUNNEL_VXLAN}), .v6 = true},
	{"GENEVE", geneve, 1, DEPTH({10, TUNNEL_GENEVE})},
	{"GENEVE with options", geneve_options, 1, DEPTH({11, TUNNEL_GENEVE}), .v6 = true},
	{"GTP-U", gtpu, 1, DEPTH({0, TUNNEL_GTPU})},
	{"GTP-U with extensions", gtpu_extended, 1, DEPTH({0, TUNNEL_GTPU}), .v6 = true},
	{"eight layers", nested, 1,
	 DEPTH({1, TUNNEL_VLAN}, {2, TUNNEL_VLAN}, {3, TUNNEL_GENEVE}, {4, TUNNEL_VLAN},
	       {5, TUNNEL_MPLS}, {0, TUNNEL_IPIP}, {7, TUNNEL_GRE}, {8, TUNNEL_VXLAN})},
	{"IPv4 options", ip4_options, 1, 0, {{0}}, false},
	{"IPv4 authentication", ah4, 1, 0, {{0}}, false},
	{"IPv6 extensions", extensions, 1, 0, {{0}}, true},
};
const unsigned zoo_size = sizeof(zoo) / sizeof(zoo[0]);
