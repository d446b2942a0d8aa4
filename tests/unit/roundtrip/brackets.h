/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A keeper behind a feeder whose protocol is written with brackets. Messages of the client are requests,
 * those of the server responses:
 *
 *   (a..)      a message named `a`, with a body; one may also begin and end in different pushes
 *   (3a)  )3   with key 3; the end says which message ends when several are begun
 *   (~a)       request: oneway                     (*A)  response: interim
 *   (#a)       request: cancelled at its end       (!A)  error
 *   (=7a)      request: its key is 7 from now on   (^3A) answers every key up to 3
 *   {3}        request 3, which has ended, is cancelled
 *   (+A)       a push                              (%a)  part of it was lost
 *   @          adds the field `brackets.added` to the message begun last
 *   ?          asks for the cookie (the letter of the name) of the request to be answered: `brackets.cookie`
 *   $          a switch to `brackets.to`
 *   _          is held until another byte comes
 *   J          one byte that is BAD; three of them end the decoding, or the guess
 *
 * A hole ends what it was in with CUT, and the decoder looks for a boundary. Records are written as
 *
 *   a=A        ok                     a?closed   unanswered, and why     a~   oneway
 *   a!A        error                  -A:gap     orphan, and why
 *
 * followed by what is partial (+order) and +early. After every test all messages must be accounted for, and no
 * memory in use.
 */
#include <criterion/criterion.h>

#include "core/time.h"
#include "protocol/registry.h"
#include "roundtrip/keeper.h"

#define ALL UINT64_MAX /* acknowledges everything the other side said */

struct brackets {
	struct keeper keeper;
	struct keeper_world world;
	struct counters counters;
	struct protocol_stats stats[4];
	const struct protocol_ops *to;
	bool keep_open;
	bool whole; /* messages in hand are said at once */
	struct field added;
	int cookie;
	uint64_t now_ns, frame;
	uint64_t sent_before; /* what the world answers */
	struct tcp_health health;
	uint64_t lost;
	struct roundtrip last; /* the last record; its parts are gone */
	uint64_t last_fields;  /* size of its request's fields */
};

extern struct brackets brackets;

/* PAIR_FIFO; the same for other ways to pair; and with a timeout of 100 ms. */
extern const struct protocol_ops fifo_ops, lockstep_ops, unique_ops, reused_ops, timed_ops,
	timed_keyed_ops;

void brackets_start(const struct protocol_ops *ops);
/* Detection, which guesses fifo_ops (or, without brackets in the first bytes, nothing). */
void brackets_guess(const struct protocol_ops *ops);
void brackets_stop(void);
/* The same without end: all of it is freed, and nobody is told. */
void brackets_drop(void);

/* One segment each, one millisecond after the one before. */
void client(const char *text);
void server(const char *text);
void client_ack(uint64_t ack, const char *text);
void server_ack(uint64_t ack, const char *text);
void hole(enum side side, uint64_t bytes);
void hole_why(enum side side, uint64_t bytes, enum why why);
void finish(enum end_reason reason);
void tick_after_ms(uint64_t ms);
/* Two turns; the second request comes when nothing is open, which is evidence. */
void earn(void);

/* The records since the last time. */
const char *said(void);
#define said_is(text) cr_assert_str_eq(said(), text)
#define counted(name) (brackets.counters.name)
