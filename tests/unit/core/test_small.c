/* SPDX-License-Identifier: Apache-2.0 */
/* Errors, addresses, counters, scratch memory, the reader. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdlib.h>

#include "core/counters.h"
#include "core/err.h"
#include "core/scratch.h"
#include "core/types.h"
#include "core/view.h"

Test(err, every_code_has_a_text)
{
	cr_expect_str_eq(err_text(ERR_NOMEM), "out of memory");
	cr_expect_str_eq(err_text(ERR_LIMIT), "a limit is reached");
	cr_expect_str_eq(err_text(0), "no error");
	cr_expect_str_eq(err_text(-1000), "unknown error");
	cr_expect_str_eq(err_text(3), "unknown error");
	cr_expect_eq(ERR_NOMEM, -1);
}

static struct address parse(const char *text)
{
	struct address a;

	cr_assert_eq(inet_pton(AF_INET6, text, a.b), 1);
	return a;
}

Test(types, address_print)
{
	static const char *const same[] = {
		"::",
		"::1",
		"1::",
		"2001:db8::1",
		"2001:db8:0:1:1:1:1:1",
		"2001:db8::1:0:0:1",
		"fe80::1234:5678:9abc:def0",
		"1:2:3:4:5:6:7:8",
		"0:1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:0",
		"::2:3:4:5:6:7",
		"1:0:3:4:5:6:7:8",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		"2001:0:0:1::",
		"::abcd:0:0:1",
	};

	for (unsigned i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		struct address a = parse(same[i]);
		char text[46];

		cr_expect_eq(address_print(&a, text), strlen(text));
		cr_expect_str_eq(text, same[i]);
	}
	struct address a = parse("2001:0:0:1:0:0:0:1");
	char text[46];
	address_print(&a, text);
	cr_expect_str_eq(text, "2001:0:0:1::1", "the longest run");
	a = parse("2001:db8:0:0:1:0:0:1");
	address_print(&a, text);
	cr_expect_str_eq(text, "2001:db8::1:0:0:1", "the first of two");
}

Test(types, address_print_v4)
{
	static const char *const texts[] = {"0.0.0.0", "1.22.199.255", "10.0.0.1",
					    "255.255.255.255"};

	for (unsigned i = 0; i < 4; i++) {
		uint8_t b[4];
		char text[46];

		inet_pton(AF_INET, texts[i], b);
		struct address a = address_v4(b);
		cr_expect(address_is_v4(&a));
		cr_expect_eq(address_print(&a, text), strlen(texts[i]));
		cr_expect_str_eq(text, texts[i]);
	}
}

Test(types, tunnel_names)
{
	cr_expect_str_eq(tunnel_kind_name(TUNNEL_VLAN), "vlan");
	cr_expect_str_eq(tunnel_kind_name(TUNNEL_PBB), "pbb");
	for (unsigned i = 1; i < TUNNEL_KIND_COUNT; i++)
		cr_expect_str_neq(tunnel_kind_name(i), "unknown");
	cr_expect_str_eq(tunnel_kind_name(0), "unknown");
	cr_expect_str_eq(tunnel_kind_name(TUNNEL_KIND_COUNT), "unknown");
}

Test(counters, names_and_sum)
{
	struct counters a = {.frames = 1, .cap_open = 2}, b = {.frames = 10, .cap_open = 20};
	unsigned n = 0;

	counters_sum(&a, &b);
	cr_expect_eq(a.frames, 11);
	cr_expect_eq(a.cap_open, 22);
	cr_expect_str_eq(counters_name(0), "frames");
	cr_expect_eq(counters_value(&a, 0), 11);
	while (counters_name(n))
		cr_expect(counters_text(n++));
	cr_expect_eq(n * sizeof(uint64_t), sizeof(a));
	cr_expect_null(counters_text(n));
	cr_expect_eq(counters_value(&a, n), 0);
	cr_expect_eq(counters_value(&a, n - 1), 22);
}

Test(counters, equations)
{
	struct counters c = {
		.frames = 10,
		.frames_packet = 5,
		.frames_fragment = 3,
		.frames_not_ip = 1,
		.frames_malformed = 1,
		.fragments_used = 2,
		.fragments_held = 1,
		.fragments_reassembled = 1,
		.packets = 6,
		.packets_tcp = 4,
		.packets_udp = 1,
		.packets_icmp_error = 1,
		.seen_bytes = 100,
		.delivered_bytes = 90,
		.duplicate_bytes = 4,
		.copy_bytes = 6,
		.range_bytes = 95,
		.lost_bytes = 5,
		.decoded_bytes = 60,
		.skipped_bytes = 25,
		.junk_bytes = 5,
		.requests = 6,
		.responses = 4,
		.roundtrips_ok = 2,
		.roundtrips_error = 2,
		.roundtrips_icmp = 1,
		.roundtrips_unanswered = 1,
		.roundtrips_oneway = 1,
		.roundtrips_orphan = 1,
	};

	cr_expect_eq(counters_check(&c, NULL), 0);
	c.roundtrips_orphan++;
	c.junk_bytes++;

	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	cr_expect_eq(counters_check(&c, to), 2);
	fclose(to);
	cr_expect(strstr(text, "90 != 91"));
	cr_expect(strstr(text, "10 = 10"));
	free(text);
}

Test(scratch, gives_and_resets)
{
	struct scratch s = {0};

	for (unsigned round = 0; round < 3; round++) {
		uint8_t *block[300];

		for (unsigned i = 0; i < 300; i++) {
			block[i] = scratch_get(&s, i * 10 + 1);
			cr_assert_eq((uintptr_t)block[i] % 16, 0);
			memset(block[i], (int)i, i * 10 + 1);
		}
		uint8_t *big = scratch_get(&s, 1 << 20);
		memset(big, 7, 1 << 20);
		for (unsigned i = 0; i < 300; i++)
			cr_assert(block[i][0] == (uint8_t)i && block[i][i * 10] == (uint8_t)i);
		scratch_reset(&s);
	}
	cr_assert(s.chunks);
	cr_assert_null(scratch_get(&s, SIZE_MAX));
	scratch_done(&s);
	cr_assert_null(s.chunks);
}

Test(view, reader_is_sticky)
{
	static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7};
	struct reader r = reader_of(view_of(bytes, sizeof(bytes)));

	cr_expect_eq(reader_u8(&r), 1);
	cr_expect_eq(reader_be16(&r), 0x203);
	cr_expect_eq(reader_be32(&r), 0x4050607);
	cr_expect_not(r.short_read);
	cr_expect_eq(reader_left(&r), 0);
	cr_expect_eq(reader_u8(&r), 0);
	cr_expect(r.short_read);

	r = reader_of(view_of(bytes, sizeof(bytes)));
	cr_expect_eq(reader_be64(&r), 0);
	cr_expect(r.short_read);
	cr_expect_eq(reader_u8(&r), 0, "nothing after a short read");

	r = reader_of(view_of(NULL, 0));
	cr_expect_eq(reader_view(&r, 0).size, 0);
	cr_expect_not(r.short_read);
	cr_expect_eq(reader_view(&r, 1).size, 0);
	cr_expect(r.short_read);
}

Test(view, parts)
{
	struct view v = view_text("hello");

	cr_expect(view_equal(view_from(v, 3), view_text("lo")));
	cr_expect_eq(view_from(v, 5).size, 0);
	cr_expect_eq(view_from(v, 500).size, 0);
	cr_expect(view_equal(view_first(v, 2), view_text("he")));
	cr_expect_eq(view_first(v, 9).size, 5);
	cr_expect(view_starts(v, "hell"));
	cr_expect_not(view_starts(v, "hello!"));
}
