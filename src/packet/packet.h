/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Frame to packet: link layer, tunnels, IP, fragments, TCP/UDP/ICMP headers.
 *
 * A `struct packet` borrows its payload from the frame (or, when it was rebuilt from fragments, from the
 * block's scratch memory). The parser belongs to one thread, the reader; it keeps the fragment table and
 * the table of places. Checksums are not verified: offload leaves them wrong in most captures.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/counters.h"
#include "core/err.h"
#include "core/frame.h"
#include "core/scratch.h"
#include "core/spread.h"
#include "core/types.h"

/* The two endpoints in a fixed order (memcmp of address, then port), so both directions are equal. */
struct flow_key {
	struct address address[SIDES];
	uint16_t port[SIDES]; /* host order */
	uint8_t proto;        /* enum ip_proto, or any other IANA number */
	uint8_t zero[3];
};

enum packet_kind {
	PACKET_TCP = 1,
	PACKET_UDP,
	/* key and dir are the quoted packet's, `payload` is what is quoted from its transport header on,
	 * `seq` that of a quoted TCP header; a quoted later fragment has ports 0 */
	PACKET_ICMP_ERROR,
	PACKET_OTHER, /* ports are 0; `payload` is what follows the IP headers */
	/* no packet: the reader's clock moved; only `index` and `now_ns` count, and `ts_ns`: when a
	 * period of measuring ends with it, its end; else 0 */
	PACKET_TICK,
};

enum tcp_flag { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16, TCP_URG = 32 };

struct packet {
	struct flow_key key;
	uint64_t hash; /* of key, keyed; picks the flow */
	const uint8_t *payload;
	uint32_t payload_size; /* bytes at `payload` */
	uint32_t payload_cut;  /* payload bytes that were on the wire but not captured (snaplen) */
	uint64_t ts_ns;        /* packet time */
	uint64_t now_ns;       /* running maximum of packet times, set by the reader */
	uint64_t index;        /* 1-based position in the whole input, set by the reader */
	uint64_t frame;        /* frame_ref() of the (last) frame */
	uint32_t owner;        /* hash of the conversation key: decides the worker */
	uint32_t seq, ack;     /* TCP */
	uint32_t ts_val, ts_ecr; /* TCP timestamps option (RFC 7323); valid with has_timestamps */
	uint16_t window;         /* TCP, as sent (unscaled) */
	uint16_t ip_id;          /* IPv4; 0 for IPv6 */
	uint16_t checksum;       /* of TCP or UDP, as sent: only compared between copies */
	uint16_t place;          /* where it was seen: packet_place() */
	uint8_t kind;            /* enum packet_kind */
	uint8_t dir;             /* 0: sent by key.address[0]; 1: by key.address[1] */
	uint8_t flags;           /* enum tcp_flag */
	uint8_t ecn;             /* of the inner IP header: 0..3 */
	uint8_t has_timestamps;
	uint8_t window_scale;         /* of a SYN: 0..14; 255 when the option is absent */
	uint8_t icmp_type, icmp_code; /* of an ICMP error */
	uint8_t icmp_v6;
};

/* A place: the interface, and the tunnels around the packet, outermost first. */
struct place {
	uint16_t interface;
	uint8_t depth;
	struct tunnel_layer layer[TUNNEL_MAX];
};

/*
 * What became of a frame. Each frame ends in exactly one of these, and its counter; but a fragment is
 * counted in frames_fragment and in one of the fragments_* whatever its verdict, since the last one of
 * a packet may find it whole, malformed, or anything else.
 */
enum packet_verdict {
	PACKET_READY,     /* *ret is filled */
	PACKET_KEPT,      /* a fragment, held until its packet is whole */
	PACKET_NOT_IP,    /* also a tunnel with no IP packet in it (ARP in VXLAN, LCP in PPPoE) */
	PACKET_TRUNCATED, /* the capture cut it inside its headers */
	PACKET_MALFORMED,
	PACKET_UNSUPPORTED,
};

struct packet_parser;

struct packet_options {
	uint64_t secret; /* for hashes */
	/* Live, with several workers: the owner of a plain conversation is what the kernel deals frames out by.
	 * Lives as long as the parser. NULL: a hash. */
	const struct spread *spread;
	/* The reader's. Counted here: one of frames_{packet,fragment,not_ip,truncated,malformed,unsupported}
	 * a call, and fragments_*. frames, frame_bytes, frames_cut and frames_filtered are the caller's. */
	struct counters *counters;
	uint32_t fragment_bytes;   /* cap of held fragment bytes; 0: 4 MiB */
	uint32_t fragment_packets; /* cap of packets being rebuilt; 0: 1024 */
	uint64_t fragment_ns; /* how long one may take; 0: 30 s (RFC 791 and 8200 allow up to 60) */
};

must_check int packet_parser_new(const struct packet_options *options,
				 struct packet_parser **ret_parser);
void packet_parser_free(struct packet_parser *p);

/*
 * Parses one frame. `now_ns` is the running maximum of packet times (fragments expire by it). With
 * PACKET_READY everything of *ret is filled but now_ns and index; otherwise it holds nothing of use. A
 * super-segment (TSO/GRO: IPv4 total length 0, or 64 KiB) and an IPv6 jumbogram take their length from
 * the frame. A length beyond the frame counts as cut. Ethernet padding never becomes payload.
 */
enum packet_verdict packet_parse(struct packet_parser *p, const struct frame *frame,
				 uint64_t now_ns, struct scratch *scratch, struct packet *ret);

/* At the end of the input: fragments still held are counted as fragments_held, and dropped. */
void packet_parser_finish(struct packet_parser *p);

/* A place by its id; valid for the parser's life, from any thread that was handed the id. Place ids count
 * from 0 in order of appearance; the cap is 65,535, beyond it everything is the last place. */
const struct place *packet_place(const struct packet_parser *p, uint16_t id);
/* The id of a place that another parser saw. */
uint16_t packet_place_id(struct packet_parser *p, const struct place *place);
