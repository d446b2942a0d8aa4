/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The slow plain reference of stream and pairing, written from the design alone: a whole capture of one
 * 5-tuple in memory, whole byte arrays, linear searches everywhere. It shares no code with src/stream,
 * src/protocol/feeder.c or src/roundtrip/keeper.c, so that tests/model can compare the two.
 *
 * model.c is order and holes, model_pairing.c who belongs to whom, plain_feeder.c what is around the decoder. Where
 * the design leaves a choice, the first comments of the first two say what was chosen. It knows what the toys, Redis
 * and DNS can say; timeouts, caps, FIFO_LOCKSTEP, keys that change, WAIT and SWITCH are for unit tests.
 */
#include "packet/packet.h"
#include "roundtrip/roundtrip.h"

/* One round trip, as far as model and program must agree. Offsets are from each direction's first byte. */
struct model_record {
	enum status status;
	enum reason reason; /* for the reader: a guess that is not compared */
	unsigned partial;   /* enum partial */
	bool has_request, has_response, early;
	uint64_t request_from, request_to, response_from, response_to;
	uint64_t time_ns, duration_ns, ttfb_ns;
	uint64_t at; /* index of the packet or tick that completed it */
};

/*
 * Runs TCP packets of one 5-tuple, in order of capture, with index, ts_ns and now_ns set, through `ops`, and gives
 * each round trip to `emit` when it is complete. `client` is the dir of the client. The input ends with a tick at
 * the last packet's now. Never fails (memory aside, which aborts).
 */
void model_run(const struct packet *packets, size_t count, const struct protocol_ops *ops,
	       unsigned client, void (*emit)(void *data, const struct model_record *r), void *data);

/*
 * The same for datagrams, and ICMP errors about them (model_datagrams.c). Offsets are frame numbers, for nothing
 * else is common to two places: a message is from its frame on, as far as it is long.
 */
void model_run_datagrams(const struct packet *packets, size_t count, const struct protocol_ops *ops,
			 unsigned client, void (*emit)(void *data, const struct model_record *r),
			 void *data);
