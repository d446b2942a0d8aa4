/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detection and every decoder behind it: bytes in both directions, cut anywhere, with gaps and
 * ends. The first byte of the input chooses a decoder or detection, then come commands: a byte that
 * says what happens, a byte that says how much, and the bytes. The feeder must account for every
 * byte, end no message it never began, and give its memory back.
 */
#include <stdio.h>
#include <stdlib.h>

#include "protocol/registry.h"
#include "protocols/all.h"
#include "tests/lib/recorder.h"
#include "tests/lib/toys.h"

enum { DECODERS_MAX = 64, CALLS_MAX = 4096 };

static void require(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz-feeder: %s\n", what);
	abort();
}

static const struct protocol_ops *decoders[DECODERS_MAX + 1];

/* The toys first: a decoder more must not change what the corpus says. */
static unsigned list_decoders(void)
{
	unsigned n = 0;
	for (const struct protocol_ops *const *ops = toys_all; *ops; ops++)
		decoders[n++] = *ops;
	for (const struct protocol_ops *const *ops = protocols_all; *ops; ops++)
		decoders[n++] = *ops;
	return n;
}

struct fuzz {
	struct feeder feeder;
	struct counters counters;
	struct pool *pool;
	uint64_t frame, pushed;
};

/* The high bit is the direction; the low bits choose: mostly bytes, sometimes a gap, seldom an end.
 * */
static void call(struct fuzz *z, struct reader *in)
{
	uint8_t what = reader_u8(in);
	uint32_t size = reader_u8(in);
	unsigned dir = what >> 7;
	struct feeder *f = &z->feeder;
	struct origin o = {++z->frame * 1000, z->frame, f->dir[!dir].end};
	switch (what & 15) {
	case 0:
		feeder_gap(f, dir, size, (enum why)(WHY_LOST + (what >> 4 & 3)), &o);
		break;
	case 1:
		feeder_gap(f, dir, (uint64_t)size << 24, WHY_LOST, &o);
		break;
	case 2:
		feeder_end(f, dir, (enum end_reason)((what >> 4 & 7) % (END_EOF + 1)));
		break;
	case 3:
		pool_fail_at(z->pool, size);
		break;
	case 5:
		if (feeder_skips(f, dir, f->dir[dir].end, f->dir[dir].end + size)) {
			feeder_push(f, dir, view_of(NULL, size), &o);
			z->pushed += size;
		}
		break;
	case 6:
		feeder_confirm(f);
		break;
	default:
		size = size * (what & 8 ? 8 : 1);
		size = size < reader_left(in) ? size : reader_left(in);
		feeder_push(f, dir, reader_view(in, size), &o);
		z->pushed += size;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned count = list_decoders();
	struct registry *registry = NULL;
	struct recorder recorder;
	struct protocol_stats stats[DECODERS_MAX] = {0};
	struct fuzz z = {.pool = pool_new(64 << 20)};
	require(z.pool && registry_new(decoders, &registry) == 0, "out of memory");
	struct feeder_world world = {
		.pool = z.pool,
		.counters = &z.counters,
		.sink = &recorder_sink,
		.registry = registry,
		.stats = stats,
		.wants = WANT_HEADERS | WANT_FIELDS,
	};
	struct reader in = reader_of(view_of(data, (uint32_t)size));
	uint8_t first = reader_u8(&in);
	unsigned which = (first & 63) % (count + 1);
	recorder_start(&recorder);
	feeder_init(&z.feeder, &world, which ? decoders[which - 1] : NULL);
	z.feeder.initiator = first >> 6 < 2 ? first >> 6 : 2;
	z.feeder.datagram = which && decoders[which - 1]->transports == TRANSPORT_UDP;
	for (unsigned i = 0; i < CALLS_MAX && reader_left(&in); i++)
		call(&z, &in);
	const struct counters *c = &z.counters;
	uint64_t known = c->decoded_bytes + c->skipped_bytes + c->junk_bytes;
	require(known + feeder_held(&z.feeder) == z.pushed, "bytes are not accounted for");
	feeder_end(&z.feeder, 0, END_EOF);
	feeder_end(&z.feeder, 1, END_EOF);
	known = c->decoded_bytes + c->skipped_bytes + c->junk_bytes;
	require(known == z.pushed, "bytes are not accounted for at the end");
	bool over = !z.feeder.ops || z.feeder.dir[0].dead || z.feeder.dir[1].dead;
	require(over || recorder.withdrawn || recorder.switches > 1 || !recorder_open(&recorder),
		"a message is open at the end");
	require(!recorder.wrong || recorder.withdrawn || recorder.switches > 1,
		"a message was begun twice, or ended without a begin");
	feeder_done(&z.feeder);
	require(pool_used(z.pool) == 0, "memory was not given back");
	recorder_done(&recorder);
	registry_free(registry);
	pool_free(z.pool);
	return 0;
}
