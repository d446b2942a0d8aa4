/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Packets for tests of the flow table. */
#include "core/hash.h"
#include "core/time.h"
#include "flow/flow.h"

#define T0 (1000 * NS_PER_S)

/* A packet of the n-th tuple of its protocol; times, flags and numbers are the test's. */
static inline struct packet talk_packet(uint8_t kind, uint32_t n, unsigned dir)
{
	uint8_t a[4] = {10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n},
		b[4] = {192, 0, 2, 1};
	struct packet p = {.kind = kind,
			   .dir = (uint8_t)dir,
			   .ts_ns = T0,
			   .now_ns = T0,
			   .window = 1000,
			   .window_scale = 255};

	p.key.address[0] = address_v4(a);
	p.key.address[1] = address_v4(b);
	p.key.port[0] = 40000;
	p.key.port[1] = 80;
	p.key.proto = kind == PACKET_TCP ? PROTO_TCP : PROTO_UDP;
	p.hash = hash_bytes(&p.key, sizeof(p.key), HASH_FILE_SECRET);
	return p;
}

/* Find, add, account, the way a worker does. */
static inline struct flow *talk_give(struct flow_table *t, const struct packet *p,
				     enum flow_verdict *ret_verdict)
{
	enum flow_verdict verdict = FLOW_ANEW;
	struct flow *f = NULL;
	bool anew = false;

	while (verdict == FLOW_ANEW) {
		f = flow_find(t, p);
		if (!f)
			f = flow_add(t, p);
		if (!f)
			return NULL;
		verdict = flow_account(t, f, p);
		if (verdict == FLOW_ANEW) {
			flow_remove(t, f);
			anew = true;
		}
	}
	if (ret_verdict)
		*ret_verdict = anew ? FLOW_ANEW : verdict;
	return f;
}
