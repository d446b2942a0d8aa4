/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The round trip: what every exporter, log line and metric is made of. One is built for each request and
 * each orphaned answer, given to a sink, and gone when the sink returns.
 */
#include "core/buf.h"
#include "core/err.h"
#include "core/types.h"
#include "protocol/decoder.h"
#include "roundtrip/fields.h"

/* X(code, json name) */
#define STATUS_LIST(X)                                                                             \
	X(STATUS_OK, "ok")                                                                         \
	X(STATUS_ERROR, "error")                                                                   \
	X(STATUS_UNANSWERED, "unanswered")                                                         \
	X(STATUS_ORPHAN, "orphan")                                                                 \
	X(STATUS_ONEWAY, "oneway")                                                                 \
	X(STATUS_OPEN, "open")

/* Why there is no partner. X(code, json name, text) */
#define REASON_LIST(X)                                                                             \
	X(REASON_NONE, "", "")                                                                     \
	X(REASON_GAP, "gap", "bytes were lost near it")                                            \
	X(REASON_MIDSTREAM, "midstream", "the connection was open before the capture began")       \
	X(REASON_LATE, "late", "the answer came after its time was over")                          \
	X(REASON_CLOSED, "closed", "the connection was closed")                                    \
	X(REASON_RESET, "reset", "the connection was reset")                                       \
	X(REASON_IDLE, "idle", "nothing came for so long that the flow was ended")                 \
	X(REASON_EVICTED, "evicted", "the flow was ended to save memory")                          \
	X(REASON_TIMEOUT, "timeout", "no answer came in time")                                     \
	X(REASON_END, "end", "the capture ended first")                                            \
	X(REASON_SWITCHED, "switched", "the connection went on with another protocol")             \
	X(REASON_CANCELLED, "cancelled", "the request was cancelled")                              \
	X(REASON_UNASKED, "unasked", "no request was open")                                        \
	X(REASON_ORDER, "order", "which request it belongs to cannot be known")                    \
	X(REASON_REUSED, "reused", "its key was used again")                                       \
	X(REASON_LIMIT, "limit", "a cap was reached")                                              \
	X(REASON_ANNOUNCEMENT, "announcement", "an answer that needs no request")                  \
	X(REASON_ICMP, "icmp", "an ICMP error came instead of an answer")

/* What could not be known. X(bit, json name) */
#define PARTIAL_LIST(X)                                                                            \
	X(PARTIAL_MIDSTREAM, 0, "midstream")                                                       \
	X(PARTIAL_ORDER, 1, "order")                                                               \
	X(PARTIAL_GAP, 2, "gap")                                                                   \
	X(PARTIAL_CUT, 3, "cut")                                                                   \
	X(PARTIAL_CANCELLED, 4, "cancelled")                                                       \
	X(PARTIAL_HPACK, 5, "hpack")                                                               \
	X(PARTIAL_SNAPLEN, 6, "snaplen")                                                           \
	X(PARTIAL_LIMIT, 7, "limit")                                                               \
	X(PARTIAL_CLOCK, 8, "clock")

enum status {
#define STATUS_ENUM(code, name) code,
	STATUS_LIST(STATUS_ENUM)
#undef STATUS_ENUM
		STATUS_COUNT,
};

enum reason {
#define REASON_ENUM(code, name, text) code,
	REASON_LIST(REASON_ENUM)
#undef REASON_ENUM
		REASON_COUNT,
};

enum partial {
#define PARTIAL_ENUM(code, bit, name) code = 1 << (bit),
	PARTIAL_LIST(PARTIAL_ENUM)
#undef PARTIAL_ENUM
		PARTIAL_BITS = 9,
};

const char *status_name(enum status s);
const char *reason_name(enum reason r);
/* The reason in words ("the connection was closed"). */
const char *reason_text(enum reason r);
/* The status with this name, or STATUS_COUNT. */
enum status status_find(struct view name);
const char *partial_name(unsigned bit);

/* One message as a sink sees it. */
struct message_part {
	uint64_t from, to;                /* offsets in its direction: bytes = to - from */
	uint64_t first_ns, last_ns;       /* packet times of its first and last byte */
	uint64_t first_frame, last_frame; /* frame_ref() */
	struct view fields;               /* packed: fields.h */
};

struct roundtrip {
	const char *protocol;
	const struct field_def *defs;
	enum status status;
	enum reason reason;
	unsigned partial;              /* enum partial, or-ed */
	uint64_t time_ns;              /* request's first byte; an orphan's answer's */
	uint64_t duration_ns, ttfb_ns; /* valid when both parts are there */
	bool early;                    /* the answer began before the request ended */
	struct endpoint client, server;
	const struct message_part *request, *response; /* NULL: absent */
	/* TCP, in this round trip's window */
	uint64_t rtt_ns; /* 0: not known */
	uint32_t retransmits, out_of_order, zero_windows;
	uint64_t lost_bytes;
	/* the conversation */
	uint64_t flow_index; /* index of its first packet: its name in the accounting */
	uint8_t proto;       /* enum ip_proto, for the Community ID */
	uint16_t place;      /* resolved by the writer */
};
