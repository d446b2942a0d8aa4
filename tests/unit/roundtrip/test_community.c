/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the specification's own test baseline. */
#include <arpa/inet.h>
#include <criterion/criterion.h>

#include "roundtrip/json.h"

static struct endpoint endpoint_of(const char *address, uint16_t port)
{
	struct endpoint e = {.port = port};
	uint8_t raw[16];

	if (inet_pton(AF_INET, address, raw) == 1) {
		e.address = address_v4(raw);
	} else {
		cr_assert_eq(inet_pton(AF_INET6, address, raw), 1);
		e.address = address_v6(raw);
	}
	return e;
}

static void check(uint8_t proto, const char *client, uint16_t client_port, const char *server,
		  uint16_t server_port, const char *expected)
{
	struct community_cache *cache = community_cache_new();
	struct roundtrip rt = {
		.proto = proto,
		.client = endpoint_of(client, client_port),
		.server = endpoint_of(server, server_port),
	};

	cr_assert_not_null(cache);
	for (unsigned i = 0; i < 3; i++) {
		struct view id = community_id(cache, &rt);
		struct endpoint swap = rt.client;

		cr_assert(view_equal(id, view_text(expected)), "%.*s is not %s", (int)id.size,
			  id.data, expected);
		rt.client = rt.server;
		rt.server = swap;
	}
	community_cache_free(cache);
}

Test(community, known_values)
{
	check(PROTO_TCP, "128.232.110.120", 34855, "66.35.250.204", 80,
	      "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
	check(PROTO_UDP, "192.168.1.52", 54585, "8.8.8.8", 53, "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
	check(PROTO_TCP, "2001:470:e5bf:dead:4957:2174:e82c:4887", 63943, "2607:f8b0:400c:c03::1a",
	      25, "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=");
	check(132, "192.168.170.8", 7, "192.168.170.56", 7, "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs=");
}
