/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The fields of a message, packed one behind the other in the keeper's memory, and an iterator over
 * them. Layout of one: id (1 byte), mark (1), then by the type in its field_def: NUMBER 8 bytes, FLAG none,
 * TEXT and LIST a 16-bit length and the bytes, PAIRS two such.
 */
#include "protocol/decoder.h"

/* Packed size of a field; texts are cut at 65,535 bytes. */
uint32_t fields_size(const struct field_def *defs, const struct field *f);
/* Writes one packed field to `to` (room: fields_size); returns its size. */
uint32_t fields_pack(const struct field_def *defs, const struct field *f, uint8_t *to);

struct field_iter {
	const struct field_def *defs;
	const uint8_t *at, *end;
};

static inline struct field_iter field_iter_of(const struct field_def *defs, struct view packed)
{
	return (struct field_iter){defs, packed.data, packed.data + packed.size};
}

/* The next field, with views into the packed bytes; false at the end. */
bool fields_next(struct field_iter *it, struct field *ret);

/* The first field with this id; false when there is none. */
bool fields_find(const struct field_def *defs, struct view packed, uint8_t id, struct field *ret);

/* The text that stands for a secret. */
#define FIELD_MASK "***"
