/* SPDX-License-Identifier: Apache-2.0 */
/* spec: RFC 8259 (JSON). One line costs some hundred ns: keys are copied, nothing is formatted by printf. */
#include "roundtrip/json.h"

#include "core/frame.h"
#include "roundtrip/shown.h"

static void add_key(struct buf *b, const char *name)
{
	buf_add(b, ",\"", 2);
	buf_text(b, name);
	buf_add(b, "\":", 2);
}

static void add_field_key(struct buf *b, const struct field_key *key, const char *name)
{
	if (!key || !key->size) {
		add_key(b, name);
		return;
	}
	/* A copy of constant size is one move; what lies behind the key is overwritten or beyond the end. */
	if (!buf_reserve(b, sizeof(key->text)))
		return;
	memcpy(b->data + b->size, key->text, sizeof(key->text));
	b->size += key->size;
}

/* Every text of the list field `id` from `f` on. */
static void add_list(struct buf *b, struct field_walk walk, struct field f,
		     const struct line_context *c)
{
	uint8_t id = f.id;
	char before = '[';

	do {
		if (f.id != id)
			continue;
		buf_char(b, before);
		buf_json_string(b, field_shown(&f, c->show_secrets));
		before = ',';
	} while (walk_next(&walk, &f));
	buf_char(b, ']');
}

/* Texts of equal names become one, joined by ", ". Several texts are joined escaped, without the quotes
 * where they meet. */
static void add_pair(struct buf *b, const struct pair *pair)
{
	buf_json_string(b, pair->name);
	buf_char(b, ':');
	buf_json_string(b, pair->text);
	while ((pair = pair->next)) {
		if (b->failed)
			return;
		b->size--;
		buf_add(b, ", ", 2);
		size_t quote = b->size;

		buf_json_string(b, pair->text);
		if (b->failed)
			return;
		memmove(b->data + quote, b->data + quote + 1, b->size - quote - 1);
		b->size--;
	}
}

static void add_pairs(struct buf *b, struct field_walk walk, struct field f,
		      const struct line_context *c)
{
	struct pairs *pairs = shown_pairs(c->communities);
	uint8_t id = f.id;
	char before = '{';

	do {
		if (f.id == id && !pairs_add(pairs, f.name, field_shown(&f, c->show_secrets))) {
			b->failed = true;
			b->room = b->size;
			return;
		}
	} while (walk_next(&walk, &f));
	pairs_link(pairs);
	for (unsigned i = 0; i < pairs->count; i++) {
		if (pairs->pair[i].again)
			continue;
		buf_char(b, before);
		add_pair(b, &pairs->pair[i]);
		before = ',';
	}
	buf_char(b, '}');
}

/* Fields in the order they were given; each key once, lists and pairs gathered under the first. Returns whether
 * there are others, of the round trip. */
static bool add_fields(struct buf *b, struct field_walk walk, const struct field_key *keys,
		       const struct line_context *c)
{
	uint64_t seen[FIELD_NAMES_MAX / 64] = {0};
	struct field f;

	while (walk_next(&walk, &f)) {
		const struct field_def *def = &walk.it.defs[f.id];
		uint64_t bit = 1ull << (f.id & 63);

		if (seen[f.id >> 6] & bit)
			continue;
		seen[f.id >> 6] |= bit;
		add_field_key(b, keys ? &keys[f.id] : NULL, def->name);
		switch (def->type) {
		case FIELD_TEXT:
			buf_json_string(b, field_shown(&f, c->show_secrets));
			break;
		case FIELD_NUMBER:
			buf_u64(b, f.number);
			break;
		case FIELD_FLAG:
			buf_add(b, "true", 4);
			break;
		case FIELD_LIST:
			add_list(b, walk, f, c);
			break;
		case FIELD_PAIRS:
			add_pairs(b, walk, f, c);
			break;
		}
	}
	return walk.others;
}

static bool add_message(struct buf *b, const struct roundtrip *rt, const struct message_part *part,
			const struct field_key *keys, const struct line_context *c)
{
	bool others;

	buf_u64(b, part->to - part->from);
	others = add_fields(b, walk_message(rt, part), keys, c);
	buf_char(b, '}');
	return others;
}

static void add_count(struct buf *b, char *before, const char *key, uint64_t n)
{
	if (!n)
		return;
	buf_char(b, *before);
	buf_text(b, key);
	buf_u64(b, n);
	*before = ',';
}

static void add_tcp(struct buf *b, const struct roundtrip *rt)
{
	char before = '{';

	if (!(rt->rtt_ns || rt->retransmits || rt->out_of_order || rt->lost_bytes ||
	      rt->zero_windows))
		return;
	buf_text(b, ",\"tcp\":");
	if (rt->rtt_ns) {
		buf_text(b, "{\"rtt\":");
		buf_seconds(b, rt->rtt_ns);
		before = ',';
	}
	add_count(b, &before, "\"retransmits\":", rt->retransmits);
	add_count(b, &before, "\"out_of_order\":", rt->out_of_order);
	add_count(b, &before, "\"lost_bytes\":", rt->lost_bytes);
	add_count(b, &before, "\"zero_windows\":", rt->zero_windows);
	buf_char(b, '}');
}

static void add_partial(struct buf *b, unsigned partial)
{
	char before = '[';

	buf_text(b, ",\"partial\":");
	for (unsigned bit = 0; bit < PARTIAL_BITS; bit++) {
		if (!(partial & 1u << bit))
			continue;
		buf_char(b, before);
		buf_char(b, '"');
		buf_text(b, partial_name(bit));
		buf_char(b, '"');
		before = ',';
	}
	buf_char(b, ']');
}

static void add_frames(struct buf *b, const struct roundtrip *rt, const struct line_context *c)
{
	uint64_t first = shown_first_frame(rt), last = shown_last_frame(rt);

	if (!frame_ref_number(first))
		return;
	buf_text(b, ",\"frames\":[");
	buf_u64(b, frame_ref_number(first));
	buf_char(b, ',');
	buf_u64(b, frame_ref_number(last));
	buf_char(b, ']');
	if (!c->file)
		return;
	add_key(b, "file");
	buf_json_string(b, view_text(c->file(c->data, frame_ref_file(first))));
	if (frame_ref_file(first) != frame_ref_file(last)) {
		add_key(b, "last_file");
		buf_json_string(b, view_text(c->file(c->data, frame_ref_file(last))));
	}
}

static void add_place(struct buf *b, const struct roundtrip *rt, const struct line_context *c)
{
	const struct tunnel_layer *layer = NULL;
	const char *interface = c->interface ? c->interface(c->data, rt->place) : "";
	unsigned depth = c->tunnels ? c->tunnels(c->data, rt->place, &layer) : 0;
	char before = '[';

	if (*interface) {
		add_key(b, "interface");
		buf_json_string(b, view_text(interface));
	}
	if (!depth)
		return;
	add_key(b, "tunnel");
	for (unsigned i = 0; i < depth; i++) {
		buf_char(b, before);
		buf_text(b, "{\"type\":\"");
		buf_text(b, tunnel_kind_name(layer[i].kind));
		buf_text(b, "\",\"id\":");
		buf_u64(b, layer[i].id);
		buf_char(b, '}');
		before = ',';
	}
	buf_char(b, ']');
}

void roundtrip_json(struct buf *b, const struct roundtrip *rt, const struct line_context *c)
{
	const struct flow_texts *flow = flow_texts_of(c->communities, rt);
	const struct field_key *keys = field_keys_of(c->communities, rt->defs);
	bool others = false;

	buf_text(b, "{\"time\":\"");
	buf_time(b, rt->time_ns);
	buf_text(b, "\",\"protocol\":\"");
	buf_text(b, rt->protocol);
	buf_text(b, "\",\"status\":\"");
	buf_text(b, status_name(rt->status));
	if (rt->reason) {
		buf_text(b, "\",\"reason\":\"");
		buf_text(b, reason_name(rt->reason));
	}
	buf_char(b, '"');
	if (shown_times(rt)) {
		buf_text(b, ",\"duration\":");
		buf_seconds(b, rt->duration_ns);
		buf_text(b, ",\"ttfb\":");
		buf_seconds(b, rt->ttfb_ns);
		if (rt->early)
			buf_text(b, ",\"early\":true");
	}
	buf_add(b, flow->json, flow->size);
	if (rt->request) {
		buf_text(b, ",\"request\":{\"bytes\":");
		others |= add_message(b, rt, rt->request, keys, c);
	}
	if (rt->response) {
		buf_text(b, ",\"response\":{\"bytes\":");
		others |= add_message(b, rt, rt->response, keys, c);
	}
	if (others)
		add_fields(b, walk_roundtrip(rt), keys, c);
	add_tcp(b, rt);
	if (rt->partial)
		add_partial(b, rt->partial);
	buf_text(b, ",\"flow\":\"");
	buf_add(b, flow->id, COMMUNITY_ID_SIZE);
	buf_char(b, '"');
	add_frames(b, rt, c);
	add_place(b, rt, c);
	buf_text(b, "}\n");
}
