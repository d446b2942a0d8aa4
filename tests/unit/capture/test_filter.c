/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "capture/source.h"

enum { ETHERNET = 1, RAW = 101, SLL = 113, PPP = 9, WLAN = 105, UNKNOWN = 60000 };

/* An IPv4 TCP SYN, 10.0.0.1:1234 to 10.0.0.2:80, behind an Ethernet header. */
static const uint8_t syn[] = {
	2, 0,  0, 0, 0,  2, 2, 0, 0,  0, 0,    1, 8,    0,    0x45, 0, 0, 40,
	0, 1,  0, 0, 64, 6, 0, 0, 10, 0, 0,    1, 10,   0,    0,    2, 4, 210,
	0, 80, 0, 0, 0,  1, 0, 0, 0,  0, 0x50, 2, 0xff, 0xff, 0,    0, 0, 0,
};

static struct frame frame_of(uint16_t link_type)
{
	unsigned skip = link_type == ETHERNET ? 0 : 14;

	return (struct frame){
		.data = syn + skip,
		.captured = sizeof(syn) - skip,
		.wire = sizeof(syn) - skip,
		.link_type = link_type,
	};
}

static struct filter *compiled(const char *text)
{
	char error[256] = "";
	struct filter *f;

	cr_assert_eq(filter_new(text, error, &f), 0, "%s: %s", text, error);
	return f;
}

static bool wants(const char *text, uint16_t link_type)
{
	struct filter *f = compiled(text);
	struct frame frame = frame_of(link_type);
	bool wanted = filter_wants(f, &frame);

	cr_assert_eq(filter_wants(f, &frame), wanted);
	filter_free(f);
	return wanted;
}

Test(filter, everything)
{
	cr_assert(wants(NULL, ETHERNET));
	cr_assert(wants("", UNKNOWN));
	cr_assert(wants(" \n", RAW));
	filter_free(NULL);
}

Test(filter, by_link_type)
{
	for (unsigned i = 0; i < 2; i++) {
		uint16_t link_type = i ? RAW : ETHERNET;
		cr_assert(wants("tcp dst port 80", link_type));
		cr_assert(wants("src host 10.0.0.1 and tcp[tcpflags] & tcp-syn != 0", link_type));
		cr_assert_not(wants("udp", link_type));
		cr_assert_not(wants("tcp port 81", link_type));
		cr_assert_not(wants("ip6", link_type));
		cr_assert_not(wants("greater 200", link_type));
	}
	cr_assert(wants("ether host 02:00:00:00:00:01", ETHERNET));
}

Test(filter, several_link_types_in_turn)
{
	struct filter *f = compiled("tcp port 80");

	for (unsigned i = 0; i < 6; i++) {
		struct frame frame = frame_of(i % 2 ? RAW : ETHERNET);
		cr_assert(filter_wants(f, &frame));
	}
	cr_assert_str_eq(filter_error(f), "");
	filter_free(f);
}

Test(filter, bad_expressions)
{
	static const char *const bad[] = {"tcp port", "frobnicate", "port 99999", "(tcp",
					  "host 1.2.3.4.5"};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char error[256] = "";
		struct filter *f = NULL;
		cr_assert_eq(filter_new(bad[i], error, &f), ERR_INVALID, "%s", bad[i]);
		cr_assert_null(f);
		cr_assert(error[0]);
	}
}

/* Good for some links: no error at first, but for the others when they come. */
Test(filter, not_for_every_link)
{
	struct filter *f = compiled("wlan type mgt");
	struct frame frame = frame_of(ETHERNET);

	cr_assert_not(filter_wants(f, &frame));
	cr_assert_eq(memcmp(filter_error(f), "link type 1: ", 13), 0, "%s", filter_error(f));
	filter_free(f);
	/* Makes sense while capturing, and in SLL files. */
	f = compiled("inbound");
	cr_assert_not(filter_wants(f, &frame));
	cr_assert(filter_error(f)[0]);
	filter_free(f);
}

Test(filter, hostile_link_types)
{
	struct filter *f = compiled("tcp port 80");

	for (unsigned i = 0; i < 1000; i++) {
		struct frame frame = frame_of((uint16_t)(i * 61));
		(void)filter_wants(f, &frame);
	}
	cr_assert(strstr(filter_error(f), "link type"));
	filter_free(f);
}

Test(filter, short_frames)
{
	struct filter *f = compiled("tcp port 80");

	for (uint32_t n = 0; n < sizeof(syn); n++) {
		struct frame frame = frame_of(ETHERNET);
		frame.captured = n;
		cr_assert_eq(filter_wants(f, &frame), n >= 38, "%u", n);
	}
	filter_free(f);
}
