/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS messages. The first byte says by its lowest bit whether they are datagrams, else a stream, by the next one
 * whether mDNS, by the rest of what scope. Then come messages: a byte whose highest bit is the side, and whose others are the size in steps of
 * four; and the bytes. What is found in a stream must not depend on how it is cut; every byte is accounted for, and
 * all memory given back.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/harness.h"

extern const struct protocol_ops dns_ops;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS_MAX = 64, SIZE_MAX_HERE = 8192 };

static void require(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz-dns: %s\n", what);
	abort();
}

static void split_steps(struct vector *v, struct reader *in, struct buf *bytes)
{
	while (v->count < STEPS_MAX && reader_left(in)) {
		struct step *s = &v->steps[v->count];
		struct buf *b = &bytes[v->count];
		uint8_t c = reader_u8(in);
		uint32_t size = (c & 127u) * 4;
		struct view part = reader_view(in, size < reader_left(in) ? size : reader_left(in));
		buf_add(b, part.data, part.size);
		*s = (struct step){.kind = STEP_BYTES,
				   .side = c & 128 ? FROM_SERVER : FROM_CLIENT,
				   .bytes = *b};
		v->count += b->size > 0;
	}
}

static struct buf run(const struct vector *v, uint64_t split, bool *ret_clean)
{
	struct harness_run r = {.ops = &dns_ops, .split = split};
	struct buf text = {0};
	harness_run(&r, v);
	const struct counters *c = &r.counters;
	uint64_t known = c->decoded_bytes + c->skipped_bytes + c->junk_bytes;
	require(known == r.pushed, "bytes are not accounted for");
	require(!r.allocations_left, "memory was not given back");
	require(!r.recorder.wrong || r.recorder.switches, "a message ended without a begin");
	*ret_clean = !c->junk_bytes && !r.over && !r.recorder.switches;
	recorder_print(&r.recorder, "", &text);
	recorder_done(&r.recorder);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct step steps[STEPS_MAX];
	struct buf bytes[STEPS_MAX] = {0};
	struct vector v = {.steps = steps};
	struct reader in =
		reader_of(view_of(data, size < SIZE_MAX_HERE ? (uint32_t)size : SIZE_MAX_HERE));
	uint8_t what = reader_u8(&in);
	bool clean, clean_too;
	v.datagrams = what & 1;
	v.service_port = what & 2 ? 5353 : 53;
	v.scope = what & 2 ? SCOPE_ALL - (what >> 2) % 3u : SCOPE_TWO;
	split_steps(&v, &in, bytes);
	struct buf once = run(&v, 0, &clean);
	const uint64_t splits[] = {UINT64_MAX, 1 + size / 2, 1 + size / 3};
	for (unsigned i = 0; i < 3 && !v.datagrams; i++) {
		struct buf cut = run(&v, splits[i], &clean_too);
		bool same = once.size == cut.size &&
			    (!cut.size || memcmp(once.data, cut.data, cut.size) == 0);
		if (clean && clean_too && !same) {
			fprintf(stderr, "at once:\n%.*s\ncut:\n%.*s\n", (int)once.size, once.data,
				(int)cut.size, cut.data);
			require(false, "the messages depend on how the bytes are cut");
		}
		buf_done(&cut);
	}
	buf_done(&once);
	for (unsigned i = 0; i < STEPS_MAX; i++)
		buf_done(&bytes[i]);
	return 0;
}
