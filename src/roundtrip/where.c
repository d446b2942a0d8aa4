/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a compiled expression over a round trip. */
#include "roundtrip/where.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/frame.h"
#include "roundtrip/shown.h"
#include "roundtrip/where_impl.h"

void where_free(struct where *w)
{
	if (!w)
		return;
	for (unsigned i = 0; i < w->tests; i++) {
		struct test *t = &w->test[i];

		if (t->has_regex)
			regfree(&t->regex);
		free(t->field.own);
		free(t->text);
		free(t->pair);
	}
	free(w->test);
	free(w->step);
	free(w);
}

static bool compare(enum where_op op, int order)
{
	switch (op) {
	case OP_EQ:
		return order == 0;
	case OP_NE:
		return order != 0;
	case OP_LT:
		return order < 0;
	case OP_LE:
		return order <= 0;
	case OP_GT:
		return order > 0;
	case OP_GE:
		return order >= 0;
	case OP_PRESENT:
	case OP_MATCH:
		break;
	}
	return true;
}

static bool test_text(const struct test *t, struct view v)
{
	if (t->op == OP_PRESENT)
		return true;
	if (t->op == OP_MATCH) {
		/* The text is not NUL-terminated, and may hold NUL. */
		regmatch_t range = {.rm_so = 0, .rm_eo = (regoff_t)v.size};
		const char *text = v.data ? (const char *)v.data : "";

		return t->has_regex && regexec(&t->regex, text, 1, &range, REG_STARTEND) == 0;
	}
	uint32_t n = v.size < t->size ? v.size : t->size;
	int order = n ? memcmp(v.data, t->text, n) : 0;

	return compare(t->op, order ? order : (v.size > t->size) - (v.size < t->size));
}

static bool test_name(const struct test *t, const char *name)
{
	return test_text(t, view_text(name));
}

static bool test_number(const struct test *t, uint64_t n)
{
	char digits[24];

	if (t->op == OP_PRESENT)
		return true;
	if (t->op == OP_MATCH) {
		int size = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);

		return test_text(t, view_of(digits, (uint32_t)size));
	}
	return t->is_number && compare(t->op, (n > t->number) - (n < t->number));
}

/* Numbers that a line leaves out when they are zero. */
static bool test_count(const struct test *t, uint64_t n)
{
	return n && test_number(t, n);
}

static bool test_address(const struct test *t, const struct address *a)
{
	char text[46];

	if (t->op == OP_PRESENT)
		return true;
	if (t->op == OP_MATCH)
		return test_text(t, view_of(text, address_print(a, text)));
	return address_in(&t->range, a) == (t->op == OP_EQ);
}

static bool test_partial(const struct test *t, unsigned partial)
{
	for (unsigned bit = 0; bit < PARTIAL_BITS; bit++) {
		if ((partial & 1u << bit) && test_name(t, partial_name(bit)))
			return true;
	}
	return false;
}

static bool test_frames(const struct test *t, const struct roundtrip *rt)
{
	uint64_t first = frame_ref_number(shown_first_frame(rt));

	return first &&
	       (test_number(t, first) || test_number(t, frame_ref_number(shown_last_frame(rt))));
}

static bool test_file(const struct test *t, const struct roundtrip *rt,
		      const struct line_context *c)
{
	uint64_t first = shown_first_frame(rt), last = shown_last_frame(rt);
	uint16_t file = frame_ref_file(t->field.builtin == BUILTIN_FILE ? first : last);

	if (!c->file || !frame_ref_number(first))
		return false;
	if (t->field.builtin == BUILTIN_LAST_FILE && file == frame_ref_file(first))
		return false;
	return test_name(t, c->file(c->data, file));
}

static bool test_interface(const struct test *t, const struct roundtrip *rt,
			   const struct line_context *c)
{
	const char *name = c->interface ? c->interface(c->data, rt->place) : "";

	return *name && test_name(t, name);
}

static bool test_tunnel(const struct test *t, const struct roundtrip *rt,
			const struct line_context *c)
{
	const struct tunnel_layer *layer = NULL;
	unsigned depth = c->tunnels ? c->tunnels(c->data, rt->place, &layer) : 0;
	enum builtin is = t->field.builtin;

	for (unsigned i = 0; i < depth; i++) {
		enum tunnel_kind kind = layer[i].kind;

		if (is == BUILTIN_TUNNEL_TYPE ? test_name(t, tunnel_kind_name(kind))
					      : (is == BUILTIN_TUNNEL_ID ||
						 is - BUILTIN_TUNNEL_VLAN == kind - TUNNEL_VLAN) &&
							test_number(t, layer[i].id))
			return true;
	}
	return false;
}

static bool test_builtin(const struct test *t, const struct roundtrip *rt,
			 const struct line_context *c)
{
	switch (t->field.builtin) {
	case BUILTIN_TIME:
		return test_number(t, rt->time_ns);
	case BUILTIN_PROTOCOL:
		return test_name(t, rt->protocol);
	case BUILTIN_STATUS:
		return test_name(t, status_name(rt->status));
	case BUILTIN_REASON:
		return rt->reason && test_name(t, reason_name(rt->reason));
	case BUILTIN_DURATION:
		return shown_times(rt) && test_number(t, rt->duration_ns);
	case BUILTIN_TTFB:
		return shown_times(rt) && test_number(t, rt->ttfb_ns);
	case BUILTIN_EARLY:
		return shown_times(rt) && rt->early;
	case BUILTIN_CLIENT_ADDRESS:
		return test_address(t, &rt->client.address);
	case BUILTIN_CLIENT_PORT:
		return test_count(t, rt->client.port);
	case BUILTIN_SERVER_ADDRESS:
		return test_address(t, &rt->server.address);
	case BUILTIN_SERVER_PORT:
		return test_count(t, rt->server.port);
	case BUILTIN_REQUEST:
		return rt->request;
	case BUILTIN_REQUEST_BYTES:
		return rt->request && test_number(t, rt->request->to - rt->request->from);
	case BUILTIN_RESPONSE:
		return rt->response;
	case BUILTIN_RESPONSE_BYTES:
		return rt->response && test_number(t, rt->response->to - rt->response->from);
	case BUILTIN_RTT:
		return test_count(t, rt->rtt_ns);
	case BUILTIN_RETRANSMITS:
		return test_count(t, rt->retransmits);
	case BUILTIN_OUT_OF_ORDER:
		return test_count(t, rt->out_of_order);
	case BUILTIN_LOST_BYTES:
		return test_count(t, rt->lost_bytes);
	case BUILTIN_ZERO_WINDOWS:
		return test_count(t, rt->zero_windows);
	case BUILTIN_PARTIAL:
		return test_partial(t, rt->partial);
	case BUILTIN_FLOW:
		return test_text(t, community_id(c->communities, rt));
	case BUILTIN_FRAMES:
		return test_frames(t, rt);
	case BUILTIN_FILE:
	case BUILTIN_LAST_FILE:
		return test_file(t, rt, c);
	case BUILTIN_INTERFACE:
		return test_interface(t, rt, c);
	default:
		return test_tunnel(t, rt, c);
	}
}

static bool test_field(const struct test *t, const struct field_def *def, const struct field *f,
		       bool show_secrets)
{
	switch (def->type) {
	case FIELD_NUMBER:
		return test_number(t, f->number);
	case FIELD_FLAG:
		return t->op == OP_PRESENT || t->op == OP_EQ;
	case FIELD_PAIRS:
		if (t->pair && !view_equal(f->name, view_text(t->pair)))
			return false;
		break;
	case FIELD_TEXT:
	case FIELD_LIST:
		break;
	}
	return test_text(t, field_shown(f, show_secrets));
}

/* The id of the field in this protocol, or -1. */
static int own_id(const struct test *t, const struct field_def *defs)
{
	for (unsigned i = 0; i < t->field.own_count; i++) {
		if (t->field.own[i].defs == defs)
			return t->field.own[i].id;
	}
	return -1;
}

static bool test_own(const struct test *t, const struct roundtrip *rt, const struct line_context *c)
{
	const struct message_part *part =
		t->field.side == FIELD_REQUEST ? rt->request : rt->response;
	int id = own_id(t, rt->defs);
	struct field_walk walk;
	struct field f;

	if (id < 0 || (t->field.side != FIELD_ROUNDTRIP && !part))
		return false;
	walk = t->field.side == FIELD_ROUNDTRIP ? walk_roundtrip(rt) : walk_message(rt, part);
	enum field_type type = rt->defs[id].type;

	while (walk_next(&walk, &f)) {
		if (f.id != id)
			continue;
		if (test_field(t, &rt->defs[id], &f, c->show_secrets))
			return true;
		if (type != FIELD_LIST && type != FIELD_PAIRS)
			return false; /* a line shows the first one only */
	}
	return false;
}

bool where_true(const struct where *w, const struct roundtrip *rt, const struct line_context *c)
{
	bool now = true;

	for (unsigned i = 0; w && i < w->steps; i++) {
		const struct step *step = &w->step[i];

		switch (step->is) {
		case STEP_TEST: {
			const struct test *t = &w->test[step->to];

			now = t->field.builtin == BUILTIN_COUNT ? test_own(t, rt, c)
								: test_builtin(t, rt, c);
			break;
		}
		case STEP_NOT:
			now = !now;
			break;
		case STEP_SKIP_IF_FALSE:
			if (!now)
				i = step->to - 1;
			break;
		case STEP_SKIP_IF_TRUE:
			if (now)
				i = step->to - 1;
			break;
		}
	}
	return now;
}
