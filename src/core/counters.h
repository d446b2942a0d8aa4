/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Counters with one writer each. A worker owns one `struct counters`; anybody may read it at any time.
 * Each value is exact; two values are not consistent with each other while the writer runs.
 *
 * The list is the documentation: name, and what one unit means. The accounting equations that tie
 * them together are in docs/MAP.md ("Accounting") and checked by counters_check().
 */
#include <stdint.h>
#include <stdio.h>

#include "core/err.h"

/* X(name, "what is counted") */
#define COUNTER_LIST(X)                                                                            \
	/* capture and packet (the reader) */                                                      \
	X(frames, "frames read")                                                                   \
	X(frame_bytes, "bytes of these frames on the wire")                                        \
	X(frames_cut, "frames shorter in the capture than on the wire (snaplen)")                  \
	X(frames_packet, "frames that became a packet for a flow (fragments apart)")               \
	X(frames_fragment, "frames that are a fragment, the last one of a packet too")             \
	X(frames_filtered, "frames the BPF filter did not want")                                   \
	X(frames_not_ip, "frames without IPv4 or IPv6 (ARP, LLDP, ...)")                           \
	X(frames_truncated, "frames too short for their headers because the capture cut them")     \
	X(frames_malformed, "frames whose headers break their specification")                      \
	X(frames_unsupported, "frames of a link type or encapsulation that is not decoded")        \
	X(fragments_reassembled, "packets rebuilt from fragments")                                 \
	X(fragments_expired, "fragments dropped: their packet never became whole")                 \
	X(fragments_dropped, "fragments dropped: nothing new, a contradiction, or a bad packet")   \
	X(fragments_overlap, "fragments that overlap another one")                                 \
	X(fragments_evicted, "fragments dropped: the fragment cap was reached")                    \
	X(fragments_used, "fragments that became part of a packet")                                \
	X(fragments_held, "fragments waiting at the end")                                          \
	X(time_jumps, "frames whose time is over an hour away from the time before")               \
	/* live capture */                                                                         \
	X(kernel_drops, "packets the kernel dropped because the ring was full")                    \
	X(kernel_freezes, "times the kernel found the ring full")                                  \
	X(handoffs, "packets that came to another worker than their own, and were passed on")      \
	X(handoffs_dropped, "of these, dropped because the queue between the two was full")        \
	/* flow */                                                                                 \
	X(packets, "packets given to flows (a rebuilt packet is one)")                             \
	X(packet_bytes, "payload bytes of these packets, as captured")                             \
	X(packets_tcp, "of these, TCP")                                                            \
	X(packets_udp, "of these, UDP")                                                            \
	X(packets_icmp_error, "of these, ICMP errors tied to the packet they quote")               \
	X(packets_other, "of these, other protocols")                                              \
	X(packets_copy, "packets seen twice and counted once")                                     \
	X(flows, "flows begun")                                                                    \
	X(flows_tcp, "of these, TCP")                                                              \
	X(flows_one_direction,                                                                     \
	  "TCP flows with payload in one direction only, and no packet of the other")              \
	X(flows_midstream, "TCP flows without their SYN")                                          \
	X(flows_evicted, "flows ended by the memory cap")                                          \
	X(flows_nomem, "flows dropped because memory ran out")                                     \
	X(flows_tls, "flows recognised as TLS and skipped")                                        \
	X(flows_undetected, "flows with payload that no decoder claimed")                          \
	X(guesses_withdrawn, "detections taken back")                                              \
	X(retransmits, "TCP segments sent again")                                                  \
	X(out_of_order, "TCP segments that came late, behind a later one")                         \
	X(duplicate_acks, "duplicate acknowledgements")                                            \
	X(zero_windows, "zero-window announcements")                                               \
	X(resets, "TCP resets")                                                                    \
	X(acks_ignored, "acknowledgements beyond anything sent")                                   \
	/* stream: bytes of payload */                                                             \
	X(seen_bytes, "TCP payload bytes seen")                                                    \
	X(datagram_bytes, "UDP payload bytes seen")                                                \
	X(delivered_bytes, "bytes given to a decoder, once each, in order")                        \
	X(duplicate_bytes, "bytes seen before, or whose hole had been declared lost")              \
	X(undecoded_bytes, "bytes of flows that nobody decodes")                                   \
	X(copy_bytes, "bytes of packets seen twice")                                               \
	X(stray_bytes, "bytes outside any window, or after the end of the flow")                   \
	X(refused_bytes, "bytes dropped because a cap was reached or memory ran out")              \
	X(range_bytes, "length of the sequence range, or of the datagrams, of what is decoded")    \
	X(lost_bytes, "bytes of this range that were not seen in time")                            \
	X(overlap_conflict, "segments whose overlap differed from the bytes delivered")            \
	X(holes, "holes declared lost")                                                            \
	X(holes_capture, "of these, acknowledged by the peer: lost by the capture")                \
	X(cap_stream, "segments or holes forced by the cap of one flow")                           \
	X(cap_worker, "the same, by the cap of the worker")                                        \
	/* decoders: bytes delivered end in exactly one of these */                                \
	X(decoded_bytes, "bytes a decoder understood")                                             \
	X(skipped_bytes, "bytes a decoder skipped by their length, or bypassed")                   \
	X(junk_bytes, "bytes thrown away: no message was found in them")                           \
	X(decode_errors, "times a decoder said BAD")                                               \
	X(decode_limits, "times a decoder wanted to hold more than it may")                        \
	X(decode_ended, "directions a decoder gave up on")                                         \
	/* messages and round trips */                                                             \
	X(requests, "requests begun")                                                              \
	X(requests_resent, "datagrams that were an open request, sent again")                      \
	X(responses, "final responses begun")                                                      \
	X(interim_responses, "responses that are not final (HTTP 1xx)")                            \
	X(pushes, "messages that belong to no request")                                            \
	X(roundtrips_ok, "round trips answered")                                                   \
	X(roundtrips_error, "round trips answered with an error")                                  \
	X(roundtrips_icmp, "of these errors, said by ICMP: there was no answer")                   \
	X(roundtrips_unanswered, "requests without an answer")                                     \
	X(roundtrips_orphan, "answers without a request")                                          \
	X(roundtrips_oneway, "requests that need no answer")                                       \
	X(messages_withdrawn, "requests and final responses of guesses that were taken back")      \
	X(cap_floating, "answers or requests dropped from the 256 that may float")                 \
	X(cap_open, "requests ended because too many were open")

struct counters {
#define COUNTER_FIELD(name, text) uint64_t name;
	COUNTER_LIST(COUNTER_FIELD)
#undef COUNTER_FIELD
};

/* One writer: a plain read is fine, the store is atomic for the sake of the readers. */
static inline void counter_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline uint64_t counter_get(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* Adds every counter of `from` to `to`; `to` belongs to the caller. */
void counters_sum(struct counters *to, const struct counters *from);
/* Takes those of an earlier time away: what was counted since. */
void counters_subtract(struct counters *from, const struct counters *earlier);

/* Name and text of the i-th counter, NULL past the end. */
const char *counters_name(unsigned i);
const char *counters_text(unsigned i);
uint64_t counters_value(const struct counters *c, unsigned i);

/*
 * The accounting equations. Writes one line per equation to `to` (if not NULL): name, both sides,
 * whether they hold. Returns the number of equations that do not.
 */
unsigned counters_check(const struct counters *c, FILE *to);
