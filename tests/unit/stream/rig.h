/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One stream with a feeder behind it whose decoder writes down what comes:
 *
 *   >0:abc     the client's bytes "abc" at offset 0 (more than 32 of them: their number in braces)
 *   <9+4       a gap of 4 bytes in the server's direction; "<9+4cut" by the snaplen, "<0+0mid" midstream
 *   >9/7:      a skip ended, and 7 bytes of it were never seen
 *   >end       the end of a direction, for a reset ">reset", else ">over"
 *
 * Segments are written with offsets: `sends(CLIENT, 5, "GET", 10)` is a segment of the client with the bytes
 * 5 to 7 that acknowledges ten bytes of the server. Sequence numbers of the server wrap after 16 bytes.
 * After every test the accounting must be right, and no memory in use.
 */
#include <criterion/criterion.h>

#include "stream/stream.h"
#include "tests/lib/recorder.h"
#include "tests/lib/talk.h"

enum { CLIENT, SERVER };

struct rig {
	struct stream stream;
	struct feeder feeder;
	struct feeder_world feeders;
	struct counters counters;
	struct recorder recorder;
	struct talk talk;
	struct talk_clock clock;
	uint32_t base[2]; /* sequence number of offset 0 */
	enum stream_state state;
	struct fed next
		[2]; /* what the decoder answers to the next bytes of a side; all zero: all used */
};

extern struct rig rig;

/* For TestSuite(): a stream that knows nothing; and its end, with all checks. */
void rig_start(void);
void rig_stop(void);
/* SYN, SYN-ACK, ACK. */
void rig_open(void);

/* A segment to be changed, and to be sent by give(). */
struct packet segment(unsigned dir, int64_t offset, const char *text, int64_t ack);
struct packet segment_of(unsigned dir, int64_t offset, const void *data, uint32_t size,
			 int64_t ack);
struct packet flagged(uint8_t flags, struct packet p);
/* It is captured now. */
void give(struct packet p);
void sends(unsigned dir, int64_t offset, const char *text, int64_t ack);
void sends_flags(unsigned dir, uint8_t flags, int64_t offset, const char *text, int64_t ack);
/* `size` bytes of the letter x. */
void sends_many(unsigned dir, int64_t offset, uint32_t size, int64_t ack);

/* Time goes by, with a tick each 10 ms. */
void wait_ms(uint64_t ms);
/* Time goes by without a tick. */
void sleep_ms(uint64_t ms);
void finish(enum end_reason reason);

/* What the decoder was given since the last time. */
const char *said(void);
#define said_is(text) cr_assert_str_eq(said(), text)
#define counted(name) (rig.counters.name)
