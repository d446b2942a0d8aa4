/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The decoder contract: bytes in, messages out. A decoder sees no flows, streams, clocks, config or
 * logs, so it is tested and fuzzed alone (tests/lib/harness.h). docs/DECODER.md writes one step by
 * step.
 *
 * The feeder (feeder.h) calls `feed` with the new bytes of one direction, in order, with held bytes
 * in front; `gap` for a hole; `end` once per direction. Views live until the call returns. One
 * thread.
 */
#include "core/view.h"

enum side { FROM_CLIENT, FROM_SERVER }; /* who sent the bytes */

/* Reasons, counted per protocol. */
enum why {
	WHY_NONE,
	WHY_LOST,        /* gap: bytes were on the wire, nobody saw them */
	WHY_SNAPLEN,     /* gap: the capture cut the packet */
	WHY_LIMIT,       /* gap: hold_max would be passed */
	WHY_MIDSTREAM,   /* gap: the connection was open before we came */
	WHY_MALFORMED,   /* BAD: the specification is broken */
	WHY_UNSUPPORTED, /* BAD: legal, but not ours */
	WHY_TRUNCATED,   /* BAD: a datagram ends inside its message */
};

struct input {
	struct view bytes;
	uint64_t offset; /* of bytes.data[0] in its direction; the first byte is 0 */
	uint64_t ts_ns;  /* packet time of the newest byte */
	uint64_t lost;   /* bytes of the skip that just ended that nobody saw, or of this datagram
			  * that the capture cut off; else 0 */
	bool datagram;   /* a whole datagram: MORE becomes TRUNCATED */
	uint8_t ecn;
};

struct protocol_ops;

/* What the next decoder must know of the one before (STARTTLS, Upgrade); valid in open only. */
struct handover {
	const void *data;
	uint32_t size;
	bool keep_open; /* open requests stay open, if both pair in line or both by key; else
			 * they end unanswered */
};

struct fed {
	enum { FED_OK, FED_MORE, FED_WAIT, FED_SWITCH, FED_BAD } is;
	uint32_t used; /* bytes done with, from bytes.data[0] */
	uint32_t want; /* MORE: bytes needed from `used` on, more than are there; 0: one more */
	uint32_t junk; /* BAD: bytes after `used` that are thrown away; OK: the same, and no
			  * error: while a boundary is looked for (after RESYNC) */
	uint64_t skip; /* OK: opaque bytes after `used`; UINT64_MAX: bypass the connection */
	const struct protocol_ops *to; /* SWITCH: NULL detects anew */
	const struct handover *handover;
	enum why why; /* BAD */
};
/*
 * Examples for a toy whose message is a length byte and that many bytes ("\3abc"):
 *
 *   OK     bytes "\3abc\1x"    -> {OK, used 6}            two messages, all done
 *          bytes "\3abc\1x"    -> {OK, used 4}            one of them: called again with "\1x"
 *          bytes "\xc8ab"      -> {OK, used 1, skip 200}  an opaque body: "ab" counts towards the
 *                                 skip, 198 more pass undelivered; when the last passes feed is
 *                                 called, in that packet, possibly with 0 bytes; a hole in them
 *                                 shows as `lost`
 *   MORE   bytes "\1x\3ab"     -> {MORE, used 2, want 4}  "\3ab" is held; next call: "\3abc..."
 *   WAIT   bytes "\1x"         -> {WAIT, used 0}          called again once the other direction moved
 *   SWITCH bytes "\0GET /"     -> {SWITCH, used 1, to &http_ops}  "GET /" goes to the next decoder,
 *                                 and in the other direction its next unused byte (its skip is
 *                                 dropped; what it holds is fed first)
 *   BAD    bytes "\0\0\0\1x"   -> {BAD, used 0, junk 3}   3 bytes dropped; called again with "\1x".
 *                                 With junk 0 all the bytes given are junk.
 * Three BADs in one direction without a message that ends whole between end the decoding: of the
 * connection, or, with KEY_ pairing, of this direction.
 */

/* `bytes` from the next unused one on will not come; what was held of them is junk by now. DEAD:
 * nothing more of this direction is decoded. RESYNC: the decoder looks for a boundary. GOES_ON: no
 * message was missed. */
enum gap_answer { GAP_DEAD, GAP_RESYNC, GAP_GOES_ON };

enum end_reason { END_FIN, END_RST, END_IDLE, END_EVICTED, END_EOF };

enum pairing {
	PAIR_FIFO_LOCKSTEP, /* one request at a time (MySQL) */
	PAIR_FIFO,          /* answers come in the order of the requests */
	PAIR_KEY_UNIQUE,    /* by key, never used twice on a connection (HTTP/2, Kafka) */
	PAIR_KEY_REUSED,    /* by key, used again (AMQP channel, DNS id) */
};

enum transport { TRANSPORT_TCP = 1, TRANSPORT_UDP = 2 };

struct probed {
	enum { PROBE_NO, PROBE_NEED, PROBE_YES } is;
	uint8_t confidence; /* YES: 1..100; >= 90: certain, one whole message confirms it */
	uint8_t client;     /* YES: 0: `a` comes from the client; 1: `b` does */
	uint32_t need;      /* NEED: bytes of a or b that would settle it */
};

/* --- messages: what a decoder says --- */

enum message_kind { MESSAGE_REQUEST, MESSAGE_RESPONSE, MESSAGE_PUSH };

enum message_flag {
	MESSAGE_FINAL = 1,   /* RESPONSE: the answer (begin or end); without: interim (1xx) */
	MESSAGE_ONEWAY = 2,  /* REQUEST: no answer will come */
	MESSAGE_UP_TO = 4,   /* RESPONSE: answers every open request with a key up to this one */
	MESSAGE_REKEY = 8,   /* end of a REQUEST: its key is now message.new_key */
	MESSAGE_CANCEL = 16, /* end of a REQUEST: no answer will come */
	MESSAGE_ERROR = 32,  /* RESPONSE: status `error` (begin or end) */
	MESSAGE_GAP = 64,    /* part of it was lost: `partial: gap` */
	MESSAGE_CUT = 128,   /* end: it never became whole: `partial: cut` */
	/* end, with GAP: all that was lost, the capture cut off: `partial: snaplen`. Of streams the
	 * feeder knows it; of its datagram the decoder says it. */
	MESSAGE_SNAPLEN = 256,
	/* end of a RESPONSE: when no request is open, it needed none: `reason: announcement` */
	MESSAGE_UNASKED = 512,
	/* REQUEST by `whole`: when its key is open this is the same request, sent again */
	MESSAGE_ONCE = 1024,
};

enum field_type {
	FIELD_TEXT,   /* text: a JSON string */
	FIELD_NUMBER, /* number: a JSON integer */
	FIELD_FLAG,   /* present: true */
	FIELD_LIST,   /* text, repeatable: a JSON list of strings */
	FIELD_PAIRS,  /* name and text, repeatable: a JSON object; equal names joined by ", " */
};

/* One row of a decoder's field table; its index in the table is the field's id. */
struct field_def {
	const char *name; /* snake_case, as in JSON after "request." or "response." */
	enum field_type type;
	uint8_t sides; /* 1 request, 2 response, 3 both, 4 the round trip itself; FIELD_OPERATION */
	const char *text; /* one line of documentation, with the unit */
};

/* Or-ed to the `sides` of at most one TEXT or LIST: it says what is asked for, in one of a few words
 * (HTTP's method, not its path). `wirespan stat` counts by it; 32 bytes of it tell. Say it first. */
enum { FIELD_OPERATION = 8 };

enum field_mark { FIELD_SECRET = 1 }; /* the value is masked unless the user asks for secrets */

struct field {
	uint8_t id;
	uint8_t mark;
	struct view text; /* TEXT, LIST, PAIRS: 65,535 bytes are kept, of a message 256 KiB */
	struct view name; /* PAIRS: lower case */
	uint64_t number;  /* NUMBER */
};

struct message {
	enum message_kind kind;
	unsigned flags;  /* enum message_flag */
	uint64_t offset; /* begin: of its first byte; end: just past its last byte (CUT: where
			  * that would have been; the feeder shortens it to what came) */
	uint64_t key, new_key;
	int cookie; /* REQUEST begin: any value >= 0, given back by ask(); add: or-ed to it */
	const struct field_def *defs; /* NULL: the decoder's own */
	const char *protocol;         /* NULL: the decoder's own name (gRPC names itself) */
	const struct field *fields;
	unsigned field_count;
};

enum { ASK_NONE = -1, ASK_UNKNOWN = -2 };

/* Packet time and frame of a byte. */
struct seen_at {
	uint64_t ts_ns, frame;
};

/* Whose datagrams a conversation has. */
enum scope {
	SCOPE_TWO,     /* of two hosts, as everywhere else */
	SCOPE_QUERIER, /* what one port of one host asks a group of hosts, and what they answer */
	SCOPE_ALL,     /* of everybody who uses the service's port on both ends */
};

/* What the world offers a decoder. `wants` are plain values: what of its fields somebody will read. */
struct env {
	const struct env_ops *ops;
	unsigned wants;
	uint16_t
		service_port; /* host order; 0: unknown. For what differs by nothing but its port */
	uint8_t scope;        /* enum scope */
	bool against_ports; /* by its bytes the client is the side whose port looks like a service's */
};
enum env_wants {
	WANT_HEADERS = 1,
	WANT_FIELDS = 2, /* without it no field need be given: nobody will read one ... */
	WANT_OPERATION =
		4, /* ... but the one with FIELD_OPERATION: a request's, or a lone answer's */
};

struct env_ops {
	/* Memory from the flow's capped pool; NULL when the cap is reached. Freed by the decoder in
	 * close. */
	void *(*alloc)(struct env *, size_t size);
	void (*free)(struct env *, void *block, size_t size);
	/* The packet of the byte at `offset`: of the first held byte, or of the current packet. */
	struct seen_at (*at)(struct env *, enum side dir, uint64_t offset);
	/* One message at a time may be open per direction (FIFO), per key (KEY_*). Requests and
	 * responses are begun in the order of their bytes. Fields are copied. */
	void (*begin)(struct env *, enum side dir, const struct message *);
	/* Kind, key, fields; to a request by key until it is answered. `offset`, if the message has come further
	 * than that was last said: just past it. Then an end at the same place, told later, has its time. */
	void (*add)(struct env *, enum side dir, const struct message *);
	void (*end)(struct env *, enum side dir, const struct message *);
	/* Cookie of the request that an answer beginning at `offset` of `dir` will get. */
	int (*ask)(struct env *, enum side dir, uint64_t key, uint64_t offset);
	/* Begin and end of a message that is in hand: `end` is just past its last byte, flags are those of
	 * both. False: nothing was begun, see MESSAGE_ONCE. */
	bool (*whole)(struct env *, enum side dir, const struct message *, uint64_t end);
	/* KEY_*: the key of the only open request that has the bits of *key under `mask`; false when there
	 * is none, several, one that was open during a hole, or too many are open to look. Asked for an answer:
	 * with false, each that has the bits may have been answered by it. May be NULL. */
	bool (*seek)(struct env *, uint64_t mask, uint64_t *key);
};

struct protocol_ops {
	const char *name;
	unsigned transports;        /* enum transport, or-ed */
	const uint16_t *port_hints; /* ends with 0; NULL: none. The client if content cannot tell */
	enum pairing pairing;
	uint32_t state_bytes;       /* zeroed before open. All zero: at rest, with nothing to end or
				     * close; not kept while idle or, if small, between calls */
	uint32_t hold_max;          /* most bytes held for MORE or WAIT in a direction; say why */
	uint32_t answer_timeout_ms; /* 0: none */
	unsigned timed;             /* on which transports, or-ed; 0: on all */
	const struct field_def *fields; /* ends with a NULL name */
	/* Pure. a and b: first bytes of the initiator and of the other side; without SYN in either
	 * order. */
	struct probed (*probe)(struct view a, struct view b);
	/* The same for datagrams, of which one is there, whole; NULL: as `probe`. */
	struct probed (*probe_datagram)(struct view a, struct view b);
	/* Pure. The key of the request in the beginning of a datagram that an ICMP error quotes, and
	 * the bits of it that are known (0: none, too little is quoted). False: it is no request.
	 * May be NULL. */
	bool (*quoted)(struct view datagram, enum side dir, uint64_t *ret_key, uint64_t *ret_mask);
	/* open, close, gap (then DEAD) and end may be NULL. */
	void (*open)(void *state, struct env *env, const struct handover *handover);
	void (*close)(void *state, struct env *env);
	struct fed (*feed)(void *state, struct env *env, enum side dir, const struct input *in);
	enum gap_answer (*gap)(void *state, struct env *env, enum side dir, uint64_t bytes,
			       enum why why);
	void (*end)(void *state, struct env *env, enum side dir, enum end_reason reason);
};
