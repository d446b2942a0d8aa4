/* SPDX-License-Identifier: Apache-2.0 */
#include "roundtrip/fields.h"

enum { FIELD_HEAD = 2 }; /* id and mark */

static uint32_t text_size(struct view text)
{
	return text.size < FIELD_TEXT_MAX ? text.size : FIELD_TEXT_MAX;
}

/* Most numbers are codes and small sizes; a request without a body has two that are 0. */
static inline uint32_t width_of(uint64_t number)
{
	if (number >> 32)
		return 8;
	if (number >> 16)
		return 4;
	return number ? 2 : 0;
}

uint32_t fields_size(const struct field_def *defs, const struct field *f)
{
	switch (defs[f->id].type) {
	case FIELD_NUMBER:
		return FIELD_HEAD + width_of(f->number);
	case FIELD_FLAG:
		return FIELD_HEAD;
	case FIELD_TEXT:
	case FIELD_LIST:
		return FIELD_HEAD + 2 + text_size(f->text);
	case FIELD_PAIRS:
		return FIELD_HEAD + 4 + text_size(f->name) + text_size(f->text);
	}
	return FIELD_HEAD;
}

static uint8_t *pack_text(uint8_t *to, struct view text)
{
	uint16_t n = (uint16_t)text_size(text);

	memcpy(to, &n, 2);
	if (n)
		memcpy(to + 2, text.data, n);
	return to + 2 + n;
}

/* `roomy`: there is room for all the bytes of a number, needed or not. */
static inline uint32_t pack(const struct field_def *defs, const struct field *f, uint8_t *to,
			    bool roomy)
{
	uint8_t *at = to;
	uint32_t width;

	*at++ = f->id;
	*at++ = f->mark & FIELD_MARKS;
	switch (defs[f->id].type) {
	case FIELD_NUMBER:
		if (!f->number)
			break;
		width = width_of(f->number);
		memcpy(at, &f->number, roomy ? 8 : width);
		to[1] |= (uint8_t)(width << FIELD_WIDTH_SHIFT);
		at += width;
		break;
	case FIELD_FLAG:
		break;
	case FIELD_PAIRS:
		at = pack_text(at, f->name);
		at = pack_text(at, f->text);
		break;
	case FIELD_TEXT:
	case FIELD_LIST:
		at = pack_text(at, f->text);
		break;
	}
	return (uint32_t)(at - to);
}

uint32_t fields_pack(const struct field_def *defs, const struct field *f, uint8_t *to)
{
	return pack(defs, f, to, false);
}

uint32_t fields_bound(const struct field_def *defs, const struct field *fields, unsigned count)
{
	uint32_t size = count * FIELD_HEAD;

	for (unsigned i = 0; i < count; i++) {
		switch (defs[fields[i].id].type) { /* a number's texts may be anything */
		case FIELD_NUMBER:
			size += fields[i].number ? 8 : 0;
			break;
		case FIELD_FLAG:
			break;
		case FIELD_PAIRS:
			size += 4 + fields[i].name.size + fields[i].text.size;
			break;
		case FIELD_TEXT:
		case FIELD_LIST:
			size += 2 + fields[i].text.size;
			break;
		}
	}
	return size;
}

uint32_t fields_pack_all(const struct field_def *defs, const struct field *fields, unsigned count,
			 uint8_t *to)
{
	uint8_t *at = to;

	for (unsigned i = 0; i < count; i++)
		at += pack(defs, &fields[i], at, true);
	return (uint32_t)(at - to);
}

bool fields_find(const struct field_def *defs, struct view packed, uint8_t id, struct field *ret)
{
	struct field_iter it = field_iter_of(defs, packed);
	struct field f;

	while (fields_next(&it, &f)) {
		if (f.id != id)
			continue;
		*ret = f;
		return true;
	}
	return false;
}
