/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A compiled expression; private to where*.c. where_fields.c knows the names, where_parse.c makes the program,
 * where.c runs it.
 */
#include <regex.h>

#include "roundtrip/units.h"
#include "roundtrip/where.h"

enum {
	WHERE_TEXT_MAX = 16 << 10, /* bytes of an expression: pages of it */
	WHERE_DEPTH_MAX = 64,      /* open parentheses and pending "not"s */
	WHERE_PATH_MAX = 80,       /* a path that may be suggested, with its NUL */
	WHERE_STEPS_MAX = 4096,    /* tests and jumps: each round trip may pay for all of them */
};

enum where_type {
	TYPE_TEXT,
	TYPE_NAME,     /* a text out of a fixed list */
	TYPE_NUMBER,   /* takes units of size */
	TYPE_DURATION, /* ns inside, seconds outside */
	TYPE_TIME,
	TYPE_ADDRESS,
	TYPE_FLAG,
	TYPE_PAIRS,
};

/* X(code, path, type, text) */
#define BUILTIN_LIST(X)                                                                            \
	X(BUILTIN_TIME, "time", TYPE_TIME, "when it began, such as 2026-01-31T12:00:00.5Z")        \
	X(BUILTIN_PROTOCOL, "protocol", TYPE_TEXT, "name of the protocol")                         \
	X(BUILTIN_STATUS, "status", TYPE_NAME, "ok, error, unanswered, orphan, oneway or open")    \
	X(BUILTIN_REASON, "reason", TYPE_NAME, "why there is no partner: gap, late, closed, ...")  \
	X(BUILTIN_DURATION, "duration", TYPE_DURATION,                                             \
	  "first byte of the request to last of the answer")                                       \
	X(BUILTIN_TTFB, "ttfb", TYPE_DURATION, "last byte of the request to first of the answer")  \
	X(BUILTIN_EARLY, "early", TYPE_FLAG, "the answer began before the request ended")          \
	X(BUILTIN_CLIENT_ADDRESS, "client.address", TYPE_ADDRESS, "who asked")                     \
	X(BUILTIN_CLIENT_PORT, "client.port", TYPE_NUMBER, "its port")                             \
	X(BUILTIN_SERVER_ADDRESS, "server.address", TYPE_ADDRESS, "who answers")                   \
	X(BUILTIN_SERVER_PORT, "server.port", TYPE_NUMBER, "its port")                             \
	X(BUILTIN_REQUEST, "request", TYPE_FLAG, "there is a request")                             \
	X(BUILTIN_REQUEST_BYTES, "request.bytes", TYPE_NUMBER,                                     \
	  "bytes of the request, framing included")                                                \
	X(BUILTIN_RESPONSE, "response", TYPE_FLAG, "there is an answer")                           \
	X(BUILTIN_RESPONSE_BYTES, "response.bytes", TYPE_NUMBER,                                   \
	  "bytes of the answer, framing included")                                                 \
	X(BUILTIN_RTT, "tcp.rtt", TYPE_DURATION, "round-trip time of the connection")              \
	X(BUILTIN_RETRANSMITS, "tcp.retransmits", TYPE_NUMBER, "segments sent again meanwhile")    \
	X(BUILTIN_OUT_OF_ORDER, "tcp.out_of_order", TYPE_NUMBER,                                   \
	  "segments out of order meanwhile")                                                       \
	X(BUILTIN_LOST_BYTES, "tcp.lost_bytes", TYPE_NUMBER, "bytes never seen meanwhile")         \
	X(BUILTIN_ZERO_WINDOWS, "tcp.zero_windows", TYPE_NUMBER,                                   \
	  "times a receiver was full meanwhile")                                                   \
	X(BUILTIN_PARTIAL, "partial", TYPE_NAME, "list: what could not be known: gap, cut, ...")   \
	X(BUILTIN_FLOW, "flow", TYPE_TEXT, "Community ID of the conversation")                     \
	X(BUILTIN_FRAMES, "frames", TYPE_NUMBER, "first and last frame number in the file")        \
	X(BUILTIN_FILE, "file", TYPE_TEXT, "the file, when several are read")                      \
	X(BUILTIN_LAST_FILE, "last_file", TYPE_TEXT,                                               \
	  "the file of the last frame, when it is another one")                                    \
	X(BUILTIN_INTERFACE, "interface", TYPE_TEXT, "the interface, when it is known")            \
	X(BUILTIN_TUNNEL_TYPE, "tunnel.type", TYPE_NAME,                                           \
	  "list: the layers around the packet: vlan, vxlan, ...")                                  \
	X(BUILTIN_TUNNEL_ID, "tunnel.id", TYPE_NUMBER, "list: their ids")                          \
	X(BUILTIN_TUNNEL_VLAN, "tunnel.vlan", TYPE_NUMBER, "VLAN id")                              \
	X(BUILTIN_TUNNEL_MPLS, "tunnel.mpls", TYPE_NUMBER, "MPLS label")                           \
	X(BUILTIN_TUNNEL_PPPOE, "tunnel.pppoe", TYPE_NUMBER, "PPPoE session")                      \
	X(BUILTIN_TUNNEL_GRE, "tunnel.gre", TYPE_NUMBER, "GRE key")                                \
	X(BUILTIN_TUNNEL_NVGRE, "tunnel.nvgre", TYPE_NUMBER, "NVGRE subnet id")                    \
	X(BUILTIN_TUNNEL_ERSPAN, "tunnel.erspan", TYPE_NUMBER, "ERSPAN session")                   \
	X(BUILTIN_TUNNEL_IPIP, "tunnel.ipip", TYPE_NUMBER, "IP in IP: always 0")                   \
	X(BUILTIN_TUNNEL_VXLAN, "tunnel.vxlan", TYPE_NUMBER, "VXLAN network id")                   \
	X(BUILTIN_TUNNEL_GENEVE, "tunnel.geneve", TYPE_NUMBER, "GENEVE network id")                \
	X(BUILTIN_TUNNEL_GTPU, "tunnel.gtpu", TYPE_NUMBER, "GTP-U: always 0")                      \
	X(BUILTIN_TUNNEL_PBB, "tunnel.pbb", TYPE_NUMBER, "provider backbone service id")

enum builtin {
#define BUILTIN_ENUM(code, path, type, text) code,
	BUILTIN_LIST(BUILTIN_ENUM)
#undef BUILTIN_ENUM
		BUILTIN_COUNT, /* the field is a protocol's own */
};

/* tunnel.vlan ... are in the order of enum tunnel_kind. */
_Static_assert(BUILTIN_TUNNEL_PBB - BUILTIN_TUNNEL_VLAN == TUNNEL_PBB - TUNNEL_VLAN, "kinds");

/* Where a protocol keeps a field of this name. */
struct own_field {
	const struct field_def *defs;
	uint8_t id;
};

/* What a path means. */
struct where_field {
	enum builtin builtin;
	enum where_type type; /* of the built-in; else of the first own field */
	bool mixed;           /* protocols differ about the type */
	enum field_side side; /* own */
	struct own_field *own;
	unsigned own_count;
	struct view pair; /* PAIRS: the name behind the field's, in the expression; empty: none */
};

enum where_op { OP_PRESENT, OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_MATCH };

struct test {
	struct where_field field;
	enum where_op op;
	char *text; /* the value as it was written, NUL-terminated, and its length */
	uint32_t size;
	bool is_number; /* `number` is the value too, in the unit of the type */
	bool has_regex;
	uint64_t number;
	struct address_range range;
	regex_t regex;
	char *pair; /* owned copy of field.pair */
};

struct step {
	enum { STEP_TEST, STEP_NOT, STEP_SKIP_IF_FALSE, STEP_SKIP_IF_TRUE } is;
	uint32_t to; /* TEST: which; SKIP: the next step */
};

struct where {
	struct step *step;
	unsigned steps;
	struct test *test;
	unsigned tests;
};

const char *where_type_name(enum where_type type);

/* Finds what `path` names; ret->own is to be freed. ERR_INVALID: unknown, and `ret_near` is the nearest path, or
 * "". */
must_check int where_field_find(struct view path, const struct protocol_ops *const *protocols,
				char ret_near[static WHERE_PATH_MAX], struct where_field *ret);
/* ERR_INVALID: `name` is not in the fixed list of this built-in; `list` is then all of it. */
must_check int where_name_check(enum builtin builtin, struct view name, char *list, size_t room);

enum {
	WHERE_REPEATS_MAX = 16, /* + * ? in a regular expression: a person writes a handful */
	WHERE_COUNTS_MAX = 2,   /* {n}, the same */
	/* Copies of one part: these take the C library some MiB, 65,536 would take gigabytes. */
	WHERE_COPIES_MAX = 256,
};

/* Does the C library compile it in little time and memory? */
bool where_regex_is_cheap(const char *regex);
