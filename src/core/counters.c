/* SPDX-License-Identifier: Apache-2.0 */
#include "core/counters.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>

struct counter_row {
	const char *name, *text;
};

static const struct counter_row rows[] = {
#define COUNTER_ROW(name, text) {#name, text},
	COUNTER_LIST(COUNTER_ROW)
#undef COUNTER_ROW
};

enum { COUNTERS = sizeof(rows) / sizeof(rows[0]) };

_Static_assert(sizeof(struct counters) == COUNTERS * sizeof(uint64_t), "only counters");

static const uint64_t *slot_of(const struct counters *c, unsigned i)
{
	return (const uint64_t *)c + i;
}

void counters_sum(struct counters *to, const struct counters *from)
{
	for (unsigned i = 0; i < COUNTERS; i++)
		counter_add((uint64_t *)to + i, counter_get(slot_of(from, i)));
}

void counters_subtract(struct counters *from, const struct counters *earlier)
{
	for (unsigned i = 0; i < COUNTERS; i++)
		counter_add((uint64_t *)from + i, -counter_get(slot_of(earlier, i)));
}

const char *counters_name(unsigned i)
{
	return i < COUNTERS ? rows[i].name : NULL;
}

const char *counters_text(unsigned i)
{
	return i < COUNTERS ? rows[i].text : NULL;
}

uint64_t counters_value(const struct counters *c, unsigned i)
{
	return i < COUNTERS ? counter_get(slot_of(c, i)) : 0;
}

/* X(name, left, right): what is counted once on the left ends in exactly one term on the right. */
#define EQUATION_LIST(X)                                                                           \
	X("frames", V(frames),                                                                     \
	  V(frames_packet) + V(frames_fragment) + V(frames_filtered) + V(frames_not_ip) +          \
		  V(frames_truncated) + V(frames_malformed) + V(frames_unsupported))               \
	X("fragments", V(frames_fragment),                                                         \
	  V(fragments_used) + V(fragments_expired) + V(fragments_evicted) + V(fragments_dropped) + \
		  V(fragments_held))                                                               \
	X("packets from frames", V(packets) + V(handoffs_dropped),                                 \
	  V(frames_packet) + V(fragments_reassembled))                                             \
	X("packets by kind", V(packets),                                                           \
	  V(packets_tcp) + V(packets_udp) + V(packets_icmp_error) + V(packets_other))              \
	X("payload seen", V(seen_bytes) + V(datagram_bytes),                                       \
	  V(delivered_bytes) + V(duplicate_bytes) + V(undecoded_bytes) + V(copy_bytes) +           \
		  V(stray_bytes) + V(refused_bytes))                                               \
	X("sequence range", V(range_bytes), V(delivered_bytes) + V(lost_bytes))                    \
	X("delivered", V(delivered_bytes), V(decoded_bytes) + V(skipped_bytes) + V(junk_bytes))    \
	X("messages", V(requests) + V(responses),                                                  \
	  2 * (V(roundtrips_ok) + V(roundtrips_error)) - V(roundtrips_icmp) +                      \
		  V(roundtrips_unanswered) + V(roundtrips_oneway) + V(roundtrips_orphan) +         \
		  V(messages_withdrawn))

unsigned counters_check(const struct counters *c, FILE *to)
{
	struct equation {
		const char *name;
		uint64_t left, right;
	};
#define V(name) counter_get(&c->name)
#define EQUATION_ROW(name, left, right) {name, left, right},
	const struct equation equation[] = {EQUATION_LIST(EQUATION_ROW)};
#undef EQUATION_ROW
#undef V
	unsigned broken = 0;

	for (size_t i = 0; i < sizeof(equation) / sizeof(equation[0]); i++) {
		const struct equation *e = &equation[i];
		bool holds = e->left == e->right;

		broken += !holds;
		if (to)
			fprintf(to, "%-20s %" PRIu64 " %s %" PRIu64 "%s\n", e->name, e->left,
				holds ? "=" : "!=", e->right, holds ? "" : "  DOES NOT HOLD");
	}
	return broken;
}
