/* SPDX-License-Identifier: Apache-2.0 */
/* The names of --where: built-in ones, and those of the decoders' tables. */
#include <stdio.h>
#include <stdlib.h>

#include "roundtrip/where_impl.h"

static const struct {
	const char *path;
	enum where_type type;
	const char *text;
} builtins[BUILTIN_COUNT] = {
#define BUILTIN_ROW(code, path, type, text) {path, type, text},
	BUILTIN_LIST(BUILTIN_ROW)
#undef BUILTIN_ROW
};

static const struct {
	enum field_side side;
	const char *prefix;
} sides[] = {
	{FIELD_REQUEST, "request."},
	{FIELD_RESPONSE, "response."},
	{FIELD_ROUNDTRIP, ""},
};

enum { SIDE_KINDS = sizeof(sides) / sizeof(*sides) };

const char *where_type_name(enum where_type type)
{
	static const char *const names[] = {
		[TYPE_TEXT] = "text",         [TYPE_NAME] = "name",   [TYPE_NUMBER] = "number",
		[TYPE_DURATION] = "duration", [TYPE_TIME] = "time",   [TYPE_ADDRESS] = "address",
		[TYPE_FLAG] = "flag",         [TYPE_PAIRS] = "pairs",
	};

	return names[type];
}

static enum where_type type_of(enum field_type type)
{
	switch (type) {
	case FIELD_NUMBER:
		return TYPE_NUMBER;
	case FIELD_FLAG:
		return TYPE_FLAG;
	case FIELD_PAIRS:
		return TYPE_PAIRS;
	case FIELD_TEXT:
	case FIELD_LIST:
		break;
	}
	return TYPE_TEXT;
}

/* Whether `name` is this field or, behind a dot, a name in it. */
static bool names_field(struct view name, const struct field_def *def, struct view *ret_pair)
{
	struct view own = view_text(def->name);

	*ret_pair = view_of(NULL, 0);
	if (view_equal(name, own))
		return true;
	if (def->type != FIELD_PAIRS || !view_starts(name, def->name) || name.size < own.size + 2 ||
	    name.data[own.size] != '.')
		return false;
	*ret_pair = view_from(name, own.size + 1);
	return true;
}

static int add_own(struct where_field *f, const struct field_def *defs, unsigned id)
{
	struct own_field *own = realloc(f->own, (f->own_count + 1) * sizeof(*own));

	if (!own)
		return ERR_NOMEM;
	f->own = own;
	own[f->own_count++] = (struct own_field){defs, (uint8_t)id};
	enum where_type type = type_of(defs[id].type);

	if (f->own_count == 1)
		f->type = type;
	else if (f->type != type)
		f->mixed = true;
	return 0;
}

static int find_in_table(struct view name, const struct field_def *defs, struct where_field *f)
{
	struct view pair;

	for (unsigned id = 0; defs && defs[id].name; id++) {
		if (!(defs[id].sides & f->side) || !names_field(name, &defs[id], &pair))
			continue;
		f->pair = pair;
		return add_own(f, defs, id);
	}
	return 0;
}

/* Keeps in `near` the path that is nearest to `path`; one that ends in "." and all of `path` is at once. */
static void consider(struct view path, const char *prefix, const char *name, unsigned *best,
		     char near[static WHERE_PATH_MAX])
{
	char whole[WHERE_PATH_MAX];
	int n = snprintf(whole, sizeof(whole), "%s%s", prefix, name);

	if (n < 0 || n >= (int)sizeof(whole))
		return;
	unsigned distance = word_distance(path, view_of(whole, (uint32_t)n));
	uint32_t size = (uint32_t)n;

	if (size > path.size && whole[size - path.size - 1] == '.' &&
	    memcmp(whole + size - path.size, path.data, path.size) == 0)
		distance = 0;
	if (distance >= *best || (distance && !word_is_near(distance, path.size)))
		return;
	*best = distance;
	memcpy(near, whole, size + 1);
}

static void find_near(struct view path, const struct protocol_ops *const *protocols,
		      char near[static WHERE_PATH_MAX])
{
	unsigned best = 255;

	near[0] = 0;
	for (unsigned i = 0; i < BUILTIN_COUNT; i++)
		consider(path, "", builtins[i].path, &best, near);
	for (; protocols && *protocols; protocols++) {
		const struct field_def *def = (*protocols)->fields;

		for (; def && def->name; def++) {
			for (unsigned s = 0; s < SIDE_KINDS; s++) {
				if (def->sides & sides[s].side)
					consider(path, sides[s].prefix, def->name, &best, near);
			}
		}
	}
}

int where_field_find(struct view path, const struct protocol_ops *const *protocols,
		     char ret_near[static WHERE_PATH_MAX], struct where_field *ret)
{
	struct where_field f = {.builtin = BUILTIN_COUNT};

	for (unsigned i = 0; i < BUILTIN_COUNT; i++) {
		if (view_equal(path, view_text(builtins[i].path))) {
			f.builtin = (enum builtin)i;
			f.type = builtins[i].type;
			*ret = f;
			return 0;
		}
	}

	unsigned s = 0;
	while (!view_starts(path, sides[s].prefix))
		s++;
	f.side = sides[s].side;
	struct view name = view_from(path, (uint32_t)strlen(sides[s].prefix));

	for (unsigned i = 0; protocols && protocols[i]; i++) {
		int err = find_in_table(name, protocols[i]->fields, &f);

		if (err) {
			free(f.own);
			return err;
		}
	}
	if (!f.own_count) {
		find_near(path, protocols, ret_near);
		return ERR_INVALID;
	}
	*ret = f;
	return 0;
}

/* The i-th name of a fixed list; NULL past its end. */
static const char *name_at(enum builtin builtin, unsigned i)
{
	switch (builtin) {
	case BUILTIN_STATUS:
		return i < STATUS_COUNT ? status_name((enum status)i) : NULL;
	case BUILTIN_REASON:
		return i + 1 < REASON_COUNT ? reason_name((enum reason)(i + 1)) : NULL;
	case BUILTIN_PARTIAL:
		return i < PARTIAL_BITS ? partial_name(i) : NULL;
	case BUILTIN_TUNNEL_TYPE:
		return i + 1 < TUNNEL_KIND_COUNT ? tunnel_kind_name((enum tunnel_kind)(i + 1))
						 : NULL;
	default:
		return NULL;
	}
}

int where_name_check(enum builtin builtin, struct view name, char *list, size_t room)
{
	const char *known;
	size_t at = 0;

	list[0] = 0;
	for (unsigned i = 0; (known = name_at(builtin, i)); i++) {
		if (view_equal(name, view_text(known)))
			return 0;
		int n = snprintf(list + at, room - at, "%s%s", i ? ", " : "", known);

		if (n < 0 || (size_t)n >= room - at)
			break;
		at += (size_t)n;
	}
	return ERR_INVALID;
}

static void add_row(struct buf *b, const char *prefix, const char *name, const char *type,
		    const char *text)
{
	size_t from = b->size;

	buf_text(b, "  ");
	buf_text(b, prefix);
	buf_text(b, name);
	do {
		buf_char(b, ' ');
	} while (!b->failed && b->size - from < 30);
	from = b->size;
	buf_text(b, type);
	do {
		buf_char(b, ' ');
	} while (!b->failed && b->size - from < 10);
	buf_text(b, text);
	buf_char(b, '\n');
}

void where_fields(struct buf *b, const struct protocol_ops *protocol)
{
	static const char *const types[] = {
		[FIELD_TEXT] = "text", [FIELD_NUMBER] = "number", [FIELD_FLAG] = "flag",
		[FIELD_LIST] = "list", [FIELD_PAIRS] = "pairs",
	};

	if (!protocol) {
		for (unsigned i = 0; i < BUILTIN_COUNT; i++)
			add_row(b, "", builtins[i].path, where_type_name(builtins[i].type),
				builtins[i].text);
		return;
	}
	for (unsigned s = 0; s < SIDE_KINDS; s++) {
		const struct field_def *def = protocol->fields;

		for (; def && def->name; def++) {
			if (def->sides & sides[s].side)
				add_row(b, sides[s].prefix, def->name, types[def->type], def->text);
		}
	}
}
