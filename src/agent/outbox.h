/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Rendered lines, or what was measured, on their way from a live worker to the writer: a bounded queue of
 * outputs. The worker never waits for it: when nobody takes lines, they pile up to OUTBOX_BYTES, and what does not
 * fit is counted as not written; measured periods grow together (meter.h). Private to src/agent.
 */
#include "agent/bell.h"
#include "agent/output.h"

enum {
	OUTBOX_SLOTS = 256,
	OUTBOX_SEALS = 8,          /* outputs with seals, each of which may hold megabytes */
	OUTBOX_PLENTY = 256 << 10, /* worth to wake the writer for, within a block */
	/* Some seconds of lines at full speed. */
	OUTBOX_BYTES = 64 << 20,
};

struct outbox {
	struct output slot[OUTBOX_SLOTS];
	struct bell *bell; /* the writer's */
	_Alignas(64) uint64_t put;
	uint64_t put_bytes; /* the worker's: bytes given so far */
	_Alignas(64) uint64_t taken;
	uint64_t taken_bytes;
};

/* The output to write to; the first one, and the one after a publish. */
struct output *outbox_output(struct outbox *o);
/* Gives the current output to the writer if there is something in it and a slot is free; true: it is empty
 * now. outbox_output() may be another one afterwards. */
bool outbox_publish(struct outbox *o);
/* The writer's side: the oldest output; NULL: none. */
struct output *outbox_take(struct outbox *o);
void outbox_taken(struct outbox *o);
void outbox_done(struct outbox *o);
