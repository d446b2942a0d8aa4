/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A round trip as one JSON line or one line of text, and the JSON schema. The key order is fixed; it is
 * that of DESIGN.md section 4 (docs/MAP.md "The round trip").
 *
 * A key whose value is not known is left out. Wire bytes never reach a terminal as they are: JSON escapes
 * them, and the text line shows what is not printable as \xNN.
 */
#include "roundtrip/roundtrip.h"

/* What a line needs from outside. All borrowed. */
struct line_context {
	/* name of an interface ("" when unknown) and the layers around a packet, by place id */
	const char *(*interface)(void *data, uint16_t place);
	unsigned (*tunnels)(void *data, uint16_t place, const struct tunnel_layer **ret_layers);
	const char *(*file)(void *data,
			    uint16_t file); /* NULL: only one file, `file` is left out */
	void *data;
	bool colours;      /* text only */
	bool show_secrets; /* show values marked FIELD_SECRET */
	/* what is remembered of flows between two lines: of one thread, opaque, never NULL */
	struct community_cache *communities;
};

/* NULL when memory ran out. */
struct community_cache *community_cache_new(void);
void community_cache_free(struct community_cache *cache);
/* Community ID 1.0 (corelight spec), seed 0, of the flow of this round trip: "1:" and base64. Cached by
 * flow_index. The text lives until the next call. */
struct view community_id(struct community_cache *cache, const struct roundtrip *rt);

/* Appends the line with its '\n'. */
void roundtrip_json(struct buf *b, const struct roundtrip *rt, const struct line_context *c);
void roundtrip_text(struct buf *b, const struct roundtrip *rt, const struct line_context *c);
/* The JSON schema (draft 2020-12) of the lines, for these protocols (NULL-terminated). */
void roundtrip_schema(struct buf *b, const struct protocol_ops *const *protocols);
