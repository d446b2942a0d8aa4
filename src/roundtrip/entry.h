/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A message the keeper keeps: an open request, an answer being received or floating. Private to
 * src/roundtrip. One pool block with the packed fields behind the struct; fields that outgrow it move to a
 * block of their own.
 */
#include "roundtrip/keeper.h"

enum entry_flag {
	ENTRY_ENDED = 1,
	ENTRY_FINAL = 2,
	ENTRY_ERROR = 4,
	ENTRY_PAIRED = 8,       /* an answer that began as the head's */
	ENTRY_TIMED_OUT = 16,   /* a request already said unanswered */
	ENTRY_KEYED = 32,       /* in the key table */
	ENTRY_HOLE_CLIENT = 64, /* a client hole was seen since it began */
	ENTRY_HOLE_SERVER = 128,
};

struct entry {
	struct key_link link; /* first */
	struct entry *next, *prev;
	struct entry
		*partner; /* a keyed answer's request, or an early answer kept with its request */
	uint8_t *fields;
	const char *protocol;
	const struct field_def *defs;
	uint64_t from, to, ack;
	uint64_t first_ns, last_ns, first_frame, last_frame;
	uint32_t lost, retransmits, out_of_order, zero_windows; /* of the flow, when it began */
	int cookie;
	uint32_t fields_size, fields_room, block_size;
	uint16_t partial;
	uint8_t flags;          /* enum entry_flag */
	uint8_t kind;           /* enum message_kind */
	uint8_t flags_begin;    /* enum message_flag, as given at begin */
	uint8_t status, reason; /* of a pending record */
	uint8_t inline_fields[];
};

/* A new entry for a message that begins; NULL when memory ran out. */
struct entry *entry_new(struct keeper *k, const struct message *m, const struct origin *origin);
void entry_free(struct keeper *k, struct entry *e);
/* A copy outside of every list; NULL when memory ran out. */
struct entry *entry_copy(struct keeper *k, const struct entry *e);
/* Packs more fields; those that do not fit in the cap are dropped and the entry is `partial: limit`. */
void entry_add(struct keeper *k, struct entry *e, const struct message *m);
/* What the flags of a message say could not be known of it: enum partial. */
static inline uint16_t partial_of(unsigned flags)
{
	unsigned partial = flags & MESSAGE_CUT ? PARTIAL_CUT : 0;

	if (flags & MESSAGE_GAP)
		partial |= flags & MESSAGE_SNAPLEN ? PARTIAL_SNAPLEN : PARTIAL_GAP;
	return (uint16_t)partial;
}

/* Notes the end of a message. */
void entry_end(struct entry *e, const struct message *m, const struct origin *origin);
