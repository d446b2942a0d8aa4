/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/fuzzing.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/harness.h"

enum { STEPS_MAX = 64, SIZE_MAX_HERE = 8192 };

static void require(const struct protocol_ops *ops, bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "%s: %s\n", ops->name, what);
	abort();
}

/* Views of the input in the shape of a vector; nothing is copied. */
static void split_steps(struct vector *v, struct reader *in, struct buf *bytes)
{
	enum side side = FROM_CLIENT;
	while (v->count < STEPS_MAX && reader_left(in)) {
		struct step *s = &v->steps[v->count];
		struct buf *b = &bytes[v->count];
		uint8_t c = 0;
		while (reader_left(in) && (c = reader_u8(in)) != 0x1e && c != 0x1f)
			buf_char(b, (char)c);
		*s = (struct step){.kind = STEP_BYTES, .side = side, .bytes = *b};
		v->count += b->size > 0;
		side = c == 0x1f ? FROM_SERVER : FROM_CLIENT;
	}
}

static struct buf run(const struct protocol_ops *ops, const struct vector *v, uint64_t split,
		      bool *ret_clean)
{
	struct harness_run r = {.ops = ops, .split = split};
	struct buf text = {0};
	harness_run(&r, v);
	const struct counters *c = &r.counters;
	uint64_t known = c->decoded_bytes + c->skipped_bytes + c->junk_bytes;
	require(ops, known == r.pushed, "bytes are not accounted for");
	require(ops, !r.allocations_left, "memory was not given back");
	require(ops, !r.recorder.wrong || r.recorder.switches, "a message ended without a begin");
	*ret_clean = !c->junk_bytes && !r.over && !r.recorder.switches;
	recorder_print(&r.recorder, "", &text);
	recorder_done(&r.recorder);
	return text;
}

int fuzz_decoder(const struct protocol_ops *ops, const uint8_t *data, size_t size)
{
	struct step steps[STEPS_MAX];
	struct buf bytes[STEPS_MAX] = {0};
	struct vector v = {.steps = steps};
	struct reader in =
		reader_of(view_of(data, size < SIZE_MAX_HERE ? (uint32_t)size : SIZE_MAX_HERE));
	uint8_t how = reader_u8(&in);
	v.headers = how & 1;
	v.datagrams = how & 2 && ops->transports & TRANSPORT_UDP;
	split_steps(&v, &in, bytes);
	bool clean, clean_too;
	struct buf once = run(ops, &v, 0, &clean);
	const uint64_t splits[] = {UINT64_MAX, 1 + size / 2, 1 + size / 3};
	for (unsigned i = 0; i < 3 && !v.datagrams; i++) {
		struct buf cut = run(ops, &v, splits[i], &clean_too);
		bool same = once.size == cut.size &&
			    (!cut.size || memcmp(once.data, cut.data, cut.size) == 0);
		if (clean && clean_too && !same) {
			fprintf(stderr, "at once:\n%.*s\ncut:\n%.*s\n", (int)once.size, once.data,
				(int)cut.size, cut.data);
			require(ops, false, "the messages depend on how the bytes are cut");
		}
		buf_done(&cut);
	}
	buf_done(&once);
	for (unsigned i = 0; i < STEPS_MAX; i++)
		buf_done(&bytes[i]);
	return 0;
}
