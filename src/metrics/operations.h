/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Round trips by protocol and operation (HTTP method, DNS type, Redis command: the field that its decoder
 * marks FIELD_OPERATION): how many, how they ended, how long they took, how many bytes.
 *
 * A protocol has at most OPERATIONS_MAX operations; what comes beyond is counted in one more, `other`. Which
 * ones have a row of their own is then decided by who came first. Round trips whose operation nobody knows (an
 * answer without its request) are counted in a row with an empty name. One thread. All zero is empty.
 */
#include "metrics/histogram.h"
#include "roundtrip/roundtrip.h"

enum {
	OPERATIONS_MAX = 1000,   /* per protocol: some 3 KiB each, 30 KiB at worst */
	OPERATION_NAME_MAX = 32, /* bytes of a name that tell: no registered one is longer */
	OPERATION_RECENT = 8,
	OPERATION_FAMILIES_MAX = 72, /* protocol names: more than there are decoders */
};

struct operation {
	const char *protocol; /* of the decoder: lives as long as the program */
	const struct operation_family *family;
	uint8_t size; /* of the name */
	bool other;   /* the sum of those beyond OPERATIONS_MAX; the name is empty */
	char name[OPERATION_NAME_MAX]; /* bytes as sent, no NUL */
	uint64_t key;                  /* of the name: two with the same key and size are equal, up
					* to 8 bytes */
	uint64_t by_status[STATUS_COUNT];
	uint64_t request_bytes, response_bytes;
	struct histogram duration; /* ns, of those that have request and answer */
};

/* A protocol name, and where its operation was found last. */
struct operation_family {
	const char *protocol;
	const struct field_def *defs;
	int field;      /* id; -1: its decoder marks none */
	uint32_t count; /* operations, without `other` */
	/* the last ones that were looked for, by their size and first byte */
	struct operation *recent[OPERATION_RECENT];
	struct operation *other; /* NULL: not needed yet */
};

struct operations {
	struct operation **list; /* in order of appearance; they do not move */
	uint32_t count, room;
	uint32_t *slots; /* open addressing: index in list + 1; 0: empty */
	uint32_t slot_count;
	struct operation_family family[OPERATION_FAMILIES_MAX];
	struct operation_family *last;
	uint32_t family_count;
	uint64_t missing; /* round trips not counted because memory ran out */
};

void operations_done(struct operations *o);
/* Counts one round trip. */
void operations_add(struct operations *o, const struct roundtrip *rt);
/* Adds all of `from`. */
void operations_merge(struct operations *o, const struct operations *from);

/* All of them by protocol, then most round trips first, then by name; `other` and the empty name come last. `count`
 * of them in an array that the caller frees; NULL when there are none or memory ran out. */
struct operation **operations_sorted(const struct operations *o);

/* Adds the numbers of `from`; the names stay. The caller gives the histogram back. */
void operation_sum(struct operation *to, const struct operation *from);
/* Requests, each once: not answers that came without one, and not those said to be still open. */
uint64_t operation_requests(const struct operation *op);
