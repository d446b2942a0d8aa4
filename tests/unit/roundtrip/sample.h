/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A round trip of an invented protocol, with every kind of field, to be changed by each test. */
#include "core/frame.h"
#include "roundtrip/json.h"

enum sample_field {
	SAMPLE_METHOD,
	SAMPLE_PATH,
	SAMPLE_SIZE,
	SAMPLE_HEADERS,
	SAMPLE_LAST,
	SAMPLE_TAGS,
	SAMPLE_CODE,
	SAMPLE_REASON,
	SAMPLE_ANOMALIES,
	SAMPLE_RETRY,
};

extern const struct field_def sample_defs[];
extern const struct protocol_ops sample_ops;
extern const struct protocol_ops *const sample_protocols[];

struct sample {
	struct roundtrip rt;
	struct message_part request, response;
	uint8_t request_fields[4096], response_fields[4096];
	struct line_context context;
	const char *interface;
	struct tunnel_layer layer[TUNNEL_MAX];
	unsigned layers;
};

/* GET /a?b => 200, 10.0.0.1:52000 -> 10.0.0.2:80, frames 3 to 7. */
void sample_init(struct sample *s);
void sample_done(struct sample *s);

void sample_text(struct sample *s, bool response, unsigned id, const char *text);
void sample_secret(struct sample *s, bool response, unsigned id, const char *text);
void sample_bytes(struct sample *s, bool response, unsigned id, const void *data, uint32_t size);
void sample_number(struct sample *s, bool response, unsigned id, uint64_t number);
void sample_pair(struct sample *s, bool response, const char *name, const char *text, bool secret);
