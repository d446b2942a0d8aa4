/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Test vectors: a conversation as text, and the messages that must be found in it. The format is in
 * tests/protocols/README.md.
 */
#include "core/buf.h"
#include "protocol/decoder.h"

enum step_kind { STEP_BYTES, STEP_GAP, STEP_END };

struct step {
	enum step_kind kind;
	enum side side;
	enum why why;           /* GAP */
	enum end_reason reason; /* END */
	uint64_t gap;           /* GAP: bytes */
	struct buf bytes;       /* BYTES */
};

struct vector {
	char name[120], decoder[32]; /* decoder: empty when the file does not say */
	unsigned line;               /* of its name */
	bool loose;                  /* the messages may depend on how the bytes are cut */
	bool datagrams;
	bool headers;          /* WANT_HEADERS */
	bool against_ports;    /* env.against_ports */
	uint16_t service_port; /* env.service_port */
	enum scope scope;      /* env.scope */
	struct step *steps;
	size_t count;
	struct buf expected; /* lines without "= " */
};

struct vectors {
	struct vector *list;
	size_t count;
};

/* Reads a file; false, with a line to stderr, when it is not one. */
bool vectors_read(const char *path, struct vectors *ret_vectors);
/* The same from text; `path` is for messages. */
bool vectors_parse(const char *path, const char *text, struct vectors *ret_vectors);
void vectors_free(struct vectors *v);
