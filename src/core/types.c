/* SPDX-License-Identifier: Apache-2.0 */
/* spec: RFC 5952 (text form of IPv6 addresses), RFC 4291 2.5.5.2 (mapped IPv4) */
#include "core/types.h"

#include "core/view.h"

static char *print_decimal(char *to, unsigned v)
{
	if (v >= 100)
		*to++ = (char)('0' + v / 100);
	if (v >= 10)
		*to++ = (char)('0' + v / 10 % 10);
	*to++ = (char)('0' + v % 10);
	return to;
}

static char *print_hex(char *to, unsigned v)
{
	static const char digits[] = "0123456789abcdef";
	int shift = v > 0xfff ? 12 : v > 0xff ? 8 : v > 0xf ? 4 : 0;

	for (; shift >= 0; shift -= 4)
		*to++ = digits[v >> shift & 15];
	return to;
}

/* The longest run of two or more zero groups, the first one among equals (RFC 5952 4.2). */
static unsigned find_zero_run(const uint16_t group[8], unsigned *ret_size)
{
	unsigned best = 8, best_size = 1;

	for (unsigned i = 0; i < 8; i++) {
		unsigned n = 0;

		while (i + n < 8 && !group[i + n])
			n++;
		if (n > best_size) {
			best = i;
			best_size = n;
		}
		i += n;
	}
	*ret_size = best_size;
	return best;
}

unsigned address_print(const struct address *a, char to[static 46])
{
	char *at = to;

	if (address_is_v4(a)) {
		for (unsigned i = 12; i < 16; i++) {
			at = print_decimal(at, a->b[i]);
			*at++ = '.';
		}
		*--at = 0;
		return (unsigned)(at - to);
	}

	uint16_t group[8];
	for (unsigned i = 0; i < 8; i++)
		group[i] = load_be16(a->b + 2 * i);
	unsigned run_size, run = find_zero_run(group, &run_size);

	for (unsigned i = 0; i < 8; i++) {
		if (i == run) {
			*at++ = ':';
			if (run + run_size == 8)
				*at++ = ':';
			i += run_size - 1;
			continue;
		}
		if (i)
			*at++ = ':';
		at = print_hex(at, group[i]);
	}
	*at = 0;
	return (unsigned)(at - to);
}

const char *tunnel_kind_name(enum tunnel_kind kind)
{
	static const char *const name[TUNNEL_KIND_COUNT] = {
		[TUNNEL_VLAN] = "vlan", [TUNNEL_MPLS] = "mpls",   [TUNNEL_PPPOE] = "pppoe",
		[TUNNEL_GRE] = "gre",   [TUNNEL_NVGRE] = "nvgre", [TUNNEL_ERSPAN] = "erspan",
		[TUNNEL_IPIP] = "ipip", [TUNNEL_VXLAN] = "vxlan", [TUNNEL_GENEVE] = "geneve",
		[TUNNEL_GTPU] = "gtpu", [TUNNEL_PBB] = "pbb",
	};

	if ((unsigned)kind >= TUNNEL_KIND_COUNT || !name[kind])
		return "unknown";
	return name[kind];
}
