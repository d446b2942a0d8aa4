/* SPDX-License-Identifier: Apache-2.0 */
/* The programs that the kernel runs: who gets a frame, and what a socket lets through. */
#include <criterion/criterion.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/capture/bpf_run.h"

static const struct spread spread = {
	{0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f, 0x165667b1, 0xcc9e2d51}};
static struct bpf_code code;

static uint8_t bytes[256];
static uint32_t size;

static void put(const void *data, uint32_t n)
{
	memcpy(bytes + size, data, n);
	size += n;
}

static void put_16(unsigned v)
{
	put((uint8_t[]){(uint8_t)(v >> 8), (uint8_t)v}, 2);
}

static const uint8_t a4[4] = {10, 0, 0, 1}, b4[4] = {192, 168, 7, 9};
static const uint8_t a6[16] = {0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
static const uint8_t b6[16] = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2};

static void put_v4(bool swap, uint8_t proto, unsigned fragment, unsigned options)
{
	put((uint8_t[]){(uint8_t)(0x45 + options), 0, 0, 0, 0x12, 0x34}, 6);
	put_16(fragment);
	put((uint8_t[]){64, proto, 0, 0}, 4);
	put(swap ? b4 : a4, 4);
	put(swap ? a4 : b4, 4);
	for (unsigned i = 0; i < options; i++)
		put("\1\1\1\1", 4);
}

static void put_v6(bool swap, uint8_t next)
{
	put((uint8_t[]){0x60, 0, 0, 0, 0, 0, next, 64}, 8);
	put(swap ? b6 : a6, 16);
	put(swap ? a6 : b6, 16);
}

static void put_ports(bool swap)
{
	put_16(swap ? 443 : 51234);
	put_16(swap ? 51234 : 443);
	put("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
}

static uint32_t run(uint32_t protocol)
{
	struct bpf_packet p = {.data = bytes, .size = size, .protocol = protocol};

	return bpf_run(&code, &p);
}

static uint32_t expected(bool v6, bool ports)
{
	struct address address[2] = {v6 ? address_v6(a6) : address_v4(a4),
				     v6 ? address_v6(b6) : address_v4(b4)};
	uint16_t port[2] = {ports ? 51234 : 0, ports ? 443 : 0};

	return spread_of(&spread, address, port);
}

static void setup(void)
{
	size = 0;
	cr_assert_eq(bpf_fanout(&code, &spread), 0);
}

TestSuite(fanout, .init = setup);

Test(fanout, both_directions_are_the_spread)
{
	for (int swap = 0; swap < 2; swap++) {
		for (unsigned proto = 6; proto <= 17; proto += 11) {
			size = 0;
			put_v4(swap, (uint8_t)proto, 0x4000, 0);
			put_ports(swap);
			cr_expect_eq(run(0x0800), expected(false, true));
			size = 0;
			put_v4(swap, (uint8_t)proto, 0, 3);
			put_ports(swap);
			cr_expect_eq(run(0x0800), expected(false, true), "with options");
			size = 0;
			put_v6(swap, (uint8_t)proto);
			put_ports(swap);
			cr_expect_eq(run(0x86dd), expected(true, true));
		}
	}
}

Test(fanout, tags)
{
	put_16(7);
	put_16(0x0800);
	put_v4(false, 6, 0, 0);
	put_ports(false);
	cr_expect_eq(run(0x8100), expected(false, true));
	size = 0;
	put_16(7);
	put_16(0x8100);
	put_16(8);
	put_16(0x86dd);
	put_v6(true, 17);
	put_ports(true);
	cr_expect_eq(run(0x88a8), expected(true, true));
}

static void put_tunnel(unsigned port, bool geneve, unsigned words)
{
	static const uint8_t outer[8] = {172, 16, 0, 1, 172, 16, 0, 2};

	put_v4(false, 17, 0, 0);
	memcpy(bytes + size - 8, outer, 8);
	put_16(40000);
	put_16(port);
	put("\0\0\0\0", 4);
	if (geneve) {
		put((uint8_t[]){(uint8_t)words, 0, 0x65, 0x58, 0, 0, 9, 0}, 8);
		for (unsigned i = 0; i < words; i++)
			put("optn", 4);
	} else {
		put("\10\0\0\0\0\0\11\0", 8);
	}
	put("\2\0\0\0\0\1\2\0\0\0\0\2", 12);
}

Test(fanout, tunnels)
{
	static const struct {
		unsigned port, words;
	} tunnel[] = {{4789, 0}, {8472, 0}, {6081, 0}, {6081, 5}};

	for (unsigned i = 0; i < 4; i++) {
		size = 0;
		put_tunnel(tunnel[i].port, tunnel[i].port == 6081, tunnel[i].words);
		put_16(0x0800);
		put_v4(true, 6, 0, 0);
		put_ports(true);
		cr_expect_eq(run(0x0800), expected(false, true), "%u", i);
		size = 0;
		put_tunnel(tunnel[i].port, tunnel[i].port == 6081, tunnel[i].words);
		put_16(0x86dd);
		put_v6(false, 17);
		put_ports(false);
		cr_expect_eq(run(0x0800), expected(true, true), "%u", i);
	}
}

Test(fanout, fragments_of_a_packet_meet)
{
	uint32_t first, later;

	put_v4(false, 17, 0x2000, 0);
	put_ports(false);
	first = run(0x0800);
	size = 0;
	put_v4(false, 17, 0x2003, 0);
	put("anything, of whatever length", 28);
	later = run(0x0800);
	cr_expect_eq(first, later);
	size = 0;
	put_v6(false, 44);
	put((uint8_t[]){17, 0, 0, 1, 1, 2, 3, 4}, 8);
	put_ports(false);
	first = run(0x86dd);
	size = 0;
	put_v6(false, 44);
	put((uint8_t[]){17, 0, 0x12, 0, 1, 2, 3, 4}, 8);
	cr_expect_eq(first, run(0x86dd));
}

Test(fanout, the_rest_goes_by_address_or_to_the_first)
{
	put_v4(false, 1, 0, 0);
	cr_expect_eq(run(0x0800), expected(false, false));
	size = 0;
	put("\0\1\10\0\6\4\0\1", 8);
	cr_expect_eq(run(0x0806), 0);
	size = 0;
	put_v4(false, 6, 0, 0);
	size -= 3; /* cut */
	cr_expect_eq(run(0x0800), 0);
}

Test(fanout, spreads_evenly)
{
	unsigned seen[4] = {0};
	struct address address[2] = {address_v4(a4), address_v4(b4)};

	for (unsigned i = 0; i < 4096; i++)
		seen[spread_of(&spread, address, (uint16_t[]){(uint16_t)(32768 + i), 443}) % 4]++;
	for (unsigned i = 0; i < 4; i++)
		cr_expect(seen[i] > 900 && seen[i] < 1150, "%u: %u", i, seen[i]);
}

/* The kernel checks a program when it is attached; any socket will do. */
static void attach(const struct bpf_code *c)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct sock_fprog program = {(unsigned short)c->count, (struct sock_filter *)c->insn};

	cr_assert_geq(fd, 0);
	cr_expect_eq(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)), 0,
		     "%u instructions: %m", c->count);
	close(fd);
}

Test(fanout, kernel_takes_it)
{
	attach(&code);
}

static uint32_t let_through(uint32_t interface, uint32_t hatype, uint32_t pkttype, uint32_t n)
{
	struct bpf_packet p = {.data = bytes,
			       .size = n,
			       .interface = interface,
			       .hatype = hatype,
			       .pkttype = pkttype};

	return bpf_run(&code, &p);
}

Test(bpf_wanted, interfaces_and_loopback)
{
	int interfaces[] = {2, 300, 7};
	struct bpf_wanted w = {.interfaces = interfaces, .interface_count = 3, .snaplen = 4000};

	cr_assert_eq(bpf_wanted(&code, &w), 0);
	attach(&code);
	cr_expect_eq(let_through(2, ARPHRD_ETHER, PACKET_HOST, 60), 4000);
	cr_expect_eq(let_through(300, ARPHRD_ETHER, PACKET_OUTGOING, 60), 4000);
	cr_expect_eq(let_through(7, ARPHRD_LOOPBACK, PACKET_HOST, 60), 4000);
	cr_expect_eq(let_through(7, ARPHRD_LOOPBACK, PACKET_OUTGOING, 60), 0);
	cr_expect_eq(let_through(3, ARPHRD_ETHER, PACKET_HOST, 60), 0);
	w.interface_count = 0; /* nothing is there yet */
	cr_assert_eq(bpf_wanted(&code, &w), 0);
	cr_expect_eq(let_through(2, ARPHRD_ETHER, PACKET_HOST, 60), 0);
	w.interfaces = NULL;
	cr_assert_eq(bpf_wanted(&code, &w), 0);
	cr_expect_eq(let_through(99, ARPHRD_ETHER, PACKET_HOST, 60), 4000);
}

Test(bpf_wanted, too_many)
{
	static int interfaces[5000];
	struct bpf_wanted w = {.interfaces = interfaces, .interface_count = 5000, .snaplen = 1};

	cr_expect_eq(bpf_wanted(&code, &w), ERR_LIMIT);
}

Test(bpf_wanted, filter)
{
	struct filter_insn insn[256];
	struct filter *filter;
	char error[256];
	struct bpf_wanted w = {.snaplen = 96, .filter = insn};

	cr_assert_eq(filter_new("ether[0] == 5", error, &filter), 0);
	w.filter_count = filter_program(filter, insn, 256);
	cr_assert_gt(w.filter_count, 0);
	cr_assert_eq(filter_program(filter, insn, 1), 0);
	filter_free(filter);
	cr_assert_eq(bpf_wanted(&code, &w), 0);
	attach(&code);
}

Test(bpf_wanted, tags_are_not_the_kernels)
{
	struct filter_insn insn[256];
	struct filter *filter;
	char error[256];

	cr_assert_eq(filter_new("vlan 7 and tcp", error, &filter), 0);
	cr_expect_eq(filter_program(filter, insn, 256), 0);
	filter_free(filter);
	cr_assert_eq(filter_new("host 10.0.0.1", error, &filter), 0);
	cr_expect_gt(filter_program(filter, insn, 256), 0);
	filter_free(filter);
}
