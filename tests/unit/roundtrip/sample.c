/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

#include <criterion/criterion.h>

const struct field_def sample_defs[] = {
	[SAMPLE_METHOD] = {"method", FIELD_TEXT, 1, "what is asked for"},
	[SAMPLE_PATH] = {"path", FIELD_TEXT, 1, "of \"what\""},
	[SAMPLE_SIZE] = {"size", FIELD_NUMBER, 3, "bytes"},
	[SAMPLE_HEADERS] = {"headers", FIELD_PAIRS, 3, "names and values"},
	[SAMPLE_LAST] = {"last", FIELD_FLAG, 3, "nothing follows"},
	[SAMPLE_TAGS] = {"tags", FIELD_LIST, 3, "words"},
	[SAMPLE_CODE] = {"status_code", FIELD_NUMBER, 2, "how it went"},
	[SAMPLE_REASON] = {"reason", FIELD_TEXT, 2, "the same in words"},
	[SAMPLE_ANOMALIES] = {"anomalies", FIELD_LIST, 4, "what is odd"},
	[SAMPLE_RETRY] = {"retry", FIELD_FLAG, 4, "not the first"},
	{0},
};

const struct protocol_ops sample_ops = {
	.name = "sample",
	.transports = TRANSPORT_TCP,
	.fields = sample_defs,
};

const struct protocol_ops *const sample_protocols[] = {&sample_ops, NULL};

static const char *interface_name(void *data, uint16_t place)
{
	(void)place;
	return ((struct sample *)data)->interface;
}

static unsigned tunnels(void *data, uint16_t place, const struct tunnel_layer **ret_layers)
{
	struct sample *s = data;

	(void)place;
	*ret_layers = s->layer;
	return s->layers;
}

void sample_init(struct sample *s)
{
	const uint8_t client[4] = {10, 0, 0, 1}, server[4] = {10, 0, 0, 2};

	memset(s, 0, sizeof(*s));
	s->request = (struct message_part){
		.from = 0,
		.to = 90,
		.first_frame = frame_ref(0, 3),
		.last_frame = frame_ref(0, 4),
		.fields = view_of(s->request_fields, 0),
	};
	s->response = (struct message_part){
		.from = 100,
		.to = 1334,
		.first_frame = frame_ref(0, 6),
		.last_frame = frame_ref(0, 7),
		.fields = view_of(s->response_fields, 0),
	};
	s->rt = (struct roundtrip){
		.protocol = "sample",
		.defs = sample_defs,
		.status = STATUS_OK,
		.time_ns = 1767225600123456789, /* 2026-01-01T00:00:00.123456789Z */
		.duration_ns = 4567890,
		.ttfb_ns = 1000000,
		.client = {address_v4(client), 52000},
		.server = {address_v4(server), 80},
		.request = &s->request,
		.response = &s->response,
		.flow_index = 1,
		.proto = PROTO_TCP,
	};
	s->interface = "";
	s->context = (struct line_context){
		.interface = interface_name,
		.tunnels = tunnels,
		.data = s,
		.communities = community_cache_new(),
	};
	cr_assert_not_null(s->context.communities);
	sample_text(s, false, SAMPLE_METHOD, "GET");
	sample_text(s, false, SAMPLE_PATH, "/a?b");
	sample_number(s, true, SAMPLE_CODE, 200);
}

void sample_done(struct sample *s)
{
	community_cache_free(s->context.communities);
}

static void add(struct sample *s, bool response, const struct field *f)
{
	struct message_part *part = response ? &s->response : &s->request;
	uint8_t *to = response ? s->response_fields : s->request_fields;
	uint32_t size = fields_size(sample_defs, f);

	cr_assert_leq(part->fields.size + size, sizeof(s->request_fields));
	cr_assert_eq(fields_pack(sample_defs, f, to + part->fields.size), size);
	part->fields.size += size;
}

void sample_bytes(struct sample *s, bool response, unsigned id, const void *data, uint32_t size)
{
	add(s, response, &(struct field){.id = (uint8_t)id, .text = view_of(data, size)});
}

void sample_text(struct sample *s, bool response, unsigned id, const char *text)
{
	add(s, response, &(struct field){.id = (uint8_t)id, .text = view_text(text)});
}

void sample_secret(struct sample *s, bool response, unsigned id, const char *text)
{
	add(s, response,
	    &(struct field){.id = (uint8_t)id, .mark = FIELD_SECRET, .text = view_text(text)});
}

void sample_number(struct sample *s, bool response, unsigned id, uint64_t number)
{
	add(s, response, &(struct field){.id = (uint8_t)id, .number = number});
}

void sample_pair(struct sample *s, bool response, const char *name, const char *text, bool secret)
{
	add(s, response,
	    &(struct field){
		    .id = SAMPLE_HEADERS,
		    .mark = secret ? FIELD_SECRET : 0,
		    .name = view_text(name),
		    .text = view_text(text),
	    });
}
