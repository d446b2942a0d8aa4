/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --where: any text either compiles and then runs, or is refused with a place inside it. The last byte of the input
 * chooses which parts the round trip has.
 */
#include <stdio.h>
#include <stdlib.h>

#include "roundtrip/where.h"

static const struct field_def defs[] = {
	{"method", FIELD_TEXT, FIELD_REQUEST, ""},
	{"size", FIELD_NUMBER, FIELD_REQUEST | FIELD_RESPONSE, ""},
	{"headers", FIELD_PAIRS, FIELD_REQUEST | FIELD_RESPONSE, ""},
	{"last", FIELD_FLAG, FIELD_RESPONSE, ""},
	{"anomalies", FIELD_LIST, FIELD_ROUNDTRIP, ""},
	{0},
};

static const struct field_def other_defs[] = {{"size", FIELD_TEXT, FIELD_REQUEST, ""}, {0}};

static const struct protocol_ops first = {.name = "first", .fields = defs};
static const struct protocol_ops other = {.name = "other", .fields = other_defs};
static const struct protocol_ops *const protocols[] = {&first, &other, NULL};

static const char *name_of(void *data, uint16_t id)
{
	(void)data;
	(void)id;
	return "eth0";
}

static unsigned tunnels(void *data, uint16_t place, const struct tunnel_layer **ret_layers)
{
	static const struct tunnel_layer layer[2] = {{7, TUNNEL_VLAN}, {9, TUNNEL_VXLAN}};

	(void)data;
	(void)place;
	*ret_layers = layer;
	return 2;
}

static struct community_cache *cache;

static void run(const struct where *w, unsigned parts)
{
	static uint8_t packed[256];
	const struct field fields[] = {
		{.id = 0, .text = view_text("GET")},
		{.id = 1, .number = 5},
		{.id = 2, .name = view_text("host"), .text = view_text("a")},
		{.id = 4, .text = view_text("odd")},
	};
	uint32_t size = 0;

	for (unsigned i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		size += fields_pack(defs, &fields[i], packed + size);
	struct message_part part = {.to = 5, .first_frame = 1, .fields = view_of(packed, size)};
	struct roundtrip rt = {
		.protocol = "first",
		.defs = defs,
		.request = parts & 1 ? &part : NULL,
		.response = parts & 2 ? &part : NULL,
		.partial = parts >> 2 & 7,
		.reason = parts & 32 ? REASON_LATE : REASON_NONE,
		.early = parts & 64,
		.rtt_ns = parts & 128,
		.proto = PROTO_TCP,
	};
	struct line_context context = {
		.interface = name_of,
		.tunnels = tunnels,
		.file = name_of,
		.communities = cache,
	};
	bool now = where_true(w, &rt, &context);

	if (now != where_true(w, &rt, &context))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct where_error error;
	struct where *w = NULL;

	if (!cache)
		cache = community_cache_new();
	if (!cache || !size || size > 2048)
		return 0;
	char *text = malloc(size);

	if (!text)
		return 0;
	memcpy(text, data, size - 1);
	text[size - 1] = 0;
	int err = where_new(text, protocols, &error, &w);

	if (err == ERR_INVALID && (error.at > strlen(text) || !error.text[0]))
		abort();
	if (!err)
		run(w, data[size - 1]);
	where_free(w);
	free(text);
	return 0;
}
