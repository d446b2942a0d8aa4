/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The fields of a message, packed one behind the other in the keeper's memory, and an iterator over
 * them. Layout of one: id (1 byte), mark (1), then by the type in its field_def: NUMBER 0, 2, 4 or 8 bytes (how
 * many is in the upper half of the mark, which no decoder uses), FLAG none, TEXT and LIST a 16-bit length and the
 * bytes, PAIRS two such (name, then text).
 *
 * A TEXT, NUMBER or FLAG that was given twice counts once: the first one, here as in the JSON line.
 */
#include "protocol/decoder.h"

enum {
	FIELD_TEXT_MAX = UINT16_MAX, /* what a 16-bit length can say; longer texts are cut */
	FIELD_NAMES_MAX = 256,       /* rows of a field table: ids are bytes */
	FIELD_MARKS = 15,            /* the bits of a packed mark that are the decoder's */
	FIELD_WIDTH_SHIFT = 4,       /* the others: bytes of a NUMBER */
};

/* Bits of field_def.sides, besides FIELD_OPERATION. */
enum field_side { FIELD_REQUEST = 1, FIELD_RESPONSE = 2, FIELD_ROUNDTRIP = 4 };

/* The text that stands for a secret. */
#define FIELD_MASK "***"

/* Packed size of a field; texts are cut at 65,535 bytes. */
uint32_t fields_size(const struct field_def *defs, const struct field *f);
/* Writes one packed field to `to` (room: fields_size); returns its size. */
uint32_t fields_pack(const struct field_def *defs, const struct field *f, uint8_t *to);

/* At least the packed size of all of them; cheap. */
uint32_t fields_bound(const struct field_def *defs, const struct field *fields, unsigned count);
/* Packs all of them to `to` (room: fields_bound); returns their size. */
uint32_t fields_pack_all(const struct field_def *defs, const struct field *fields, unsigned count,
			 uint8_t *to);

struct field_iter {
	const struct field_def *defs;
	const uint8_t *at, *end;
};

static inline struct field_iter field_iter_of(const struct field_def *defs, struct view packed)
{
	const uint8_t *end = packed.size ? packed.data + packed.size : packed.data;

	return (struct field_iter){defs, packed.data, end};
}

static inline const uint8_t *field_unpack_text(const uint8_t *at, struct view *ret)
{
	*ret = view_of(at + 2, load_le16(at));
	return at + 2 + ret->size;
}

static inline uint64_t field_unpack_number(const uint8_t *at, unsigned width)
{
	if (width == 2)
		return load_le16(at);
	if (width == 4)
		return load_le32(at);
	return width ? load_le64(at) : 0;
}

/* The next field, with views into the packed bytes; false at the end. Inline: a line walks them all. */
static inline bool fields_next(struct field_iter *it, struct field *ret)
{
	const uint8_t *at = it->at;
	unsigned width;

	if (at == it->end)
		return false;
	*ret = (struct field){.id = at[0], .mark = at[1] & FIELD_MARKS};
	width = at[1] >> FIELD_WIDTH_SHIFT;
	at += 2;
	switch (it->defs[ret->id].type) {
	case FIELD_NUMBER:
		ret->number = field_unpack_number(at, width);
		at += width;
		break;
	case FIELD_FLAG:
		break;
	case FIELD_PAIRS:
		at = field_unpack_text(at, &ret->name);
		at = field_unpack_text(at, &ret->text);
		break;
	case FIELD_TEXT:
	case FIELD_LIST:
		at = field_unpack_text(at, &ret->text);
		break;
	}
	it->at = at;
	return true;
}

/* The first field with this id; false when there is none. */
bool fields_find(const struct field_def *defs, struct view packed, uint8_t id, struct field *ret);

/* What is shown of a field's text: a secret only to those who asked for it. */
static inline struct view field_shown(const struct field *f, bool show_secrets)
{
	if ((f->mark & FIELD_SECRET) && !show_secrets)
		return view_of(FIELD_MASK, sizeof(FIELD_MASK) - 1);
	return f->text;
}
