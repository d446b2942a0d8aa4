/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole worker with every decoder, given one TCP conversation in any order, cut, with holes, copies, ends and
 * lack of memory. The first byte of the input says how it begins; then come commands, each a byte with
 * its direction and kind, two numbers, and for some the payload. At the end every byte and every message
 * must be in exactly one counter, and no memory in use.
 */
#include <stdio.h>
#include <stdlib.h>

#include "agent/worker.h"
#include "core/time.h"
#include "protocol/registry.h"
#include "protocols/all.h"
#include "tests/lib/talk.h"
#include "tests/lib/toys.h"

enum {
	DECODERS_MAX = 64,
	COMMANDS_MAX = 2048,
	OLD = 16, /* packets that may come again */
};

static void require(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz-stream: %s\n", what);
	abort();
}

static const struct protocol_ops *decoders[DECODERS_MAX + 1];

static unsigned list_decoders(void)
{
	unsigned n = 0;

	for (const struct protocol_ops *const *ops = protocols_all; *ops; ops++)
		decoders[n++] = *ops;
	for (const struct protocol_ops *const *ops = toys_all; *ops; ops++)
		decoders[n++] = *ops;
	return n;
}

struct fuzz {
	struct worker *worker;
	struct talk talk;
	struct talk_clock clock;
	uint64_t records;
	struct packet old[OLD];
	unsigned olds;
};

static void on_record(void *data, const struct roundtrip *rt)
{
	struct fuzz *z = data;

	require(rt->request || rt->response, "a record of nothing");
	require(!rt->request || rt->request->from <= rt->request->to, "a request ends too early");
	require(!rt->response || rt->response->from <= rt->response->to,
		"a response ends too early");
	z->records++;
}

/* --- commands --- */

enum command {
	SEGMENT,       /* in order; the second number, halved twice, is not captured of it */
	SEGMENT_AWAY,  /* so far from where it belongs */
	SEGMENT_EARLY, /* the other side's acknowledgement is so far ahead */
	FLAGS,         /* no payload, any flags */
	AGAIN,         /* an old packet once more, as it was or from another place */
	TIME,          /* goes by, with or without a tick */
	LOST,          /* so many bytes that are never captured */
	MISC,          /* a big segment; no memory; as if nothing */
};

static void give(struct fuzz *z, struct packet p)
{
	p.ts_ns = p.now_ns = z->clock.now_ns;
	p.index = p.frame = ++z->clock.index;
	worker_packet(z->worker, &p);
	z->old[z->olds++ % OLD] = p;
}

static void tick(struct fuzz *z)
{
	const struct packet p = talk_tick(&z->clock);

	worker_packet(z->worker, &p);
}

static struct packet payload(struct fuzz *z, struct reader *in, unsigned dir, uint8_t flags,
			     uint32_t size)
{
	struct view v;

	size = size < reader_left(in) ? size : reader_left(in);
	v = reader_view(in, size);
	return talk_say(&z->talk, dir, flags, v.data, v.size);
}

static void again(struct fuzz *z, uint8_t which, uint8_t how)
{
	struct packet p;

	if (!z->olds)
		return;
	p = z->old[which % (z->olds < OLD ? z->olds : OLD)];
	if (how & 1)
		p.place = 1;
	if (how & 2)
		p.ip_id++;
	if (how & 4 && p.payload_size) { /* other boundaries */
		uint32_t n = how >> 4 < p.payload_size ? how >> 4 : p.payload_size;

		p.payload += n;
		p.payload_size -= n;
		p.seq += n;
	}
	if (how & 8 && p.payload_size)
		p.payload_size -= 1 + p.payload_size / 2;
	give(z, p);
}

static void time_goes_by(struct fuzz *z, uint8_t how_long, uint8_t unit)
{
	static const uint64_t units[] = {NS_PER_US, NS_PER_MS, 10 * NS_PER_MS, NS_PER_S};

	z->clock.now_ns += how_long * units[unit >> 1 & 3];
	if (unit & 1)
		tick(z);
}

static void misc(struct fuzz *z, unsigned dir, uint8_t a, uint8_t b)
{
	static const uint8_t big[64 << 10];

	switch (a & 3) {
	case 0:
		give(z, talk_say(&z->talk, dir, TCP_ACK, big, (uint32_t)b << 8));
		break;
	case 1:
		pool_fail_at(worker_pool(z->worker), b);
		break;
	case 2: /* a new connection on the same ports */
		z->talk.seq[dir] += (uint32_t)b << 24;
		give(z, talk_say(&z->talk, dir, TCP_SYN, NULL, 0));
		break;
	case 3:
		z->talk.seq[dir] -= b < 8 ? b : 0;
		break;
	}
}

static void run_command(struct fuzz *z, struct reader *in)
{
	uint8_t what = reader_u8(in), a = reader_u8(in), b = reader_u8(in);
	unsigned dir = what >> 7;
	uint8_t flags = TCP_ACK | (what & 0x40 ? TCP_FIN : 0);
	struct packet p;

	switch ((enum command)(what & 7)) {
	case SEGMENT:
		p = payload(z, in, dir, flags, a);
		p.payload_cut = b >> 2;
		z->talk.seq[dir] += p.payload_cut;
		give(z, p);
		break;
	case SEGMENT_AWAY:
		p = payload(z, in, dir, flags, a);
		p.seq += (uint32_t)((int8_t)b * (what & 8 ? 1 << 20 : 1));
		give(z, p);
		break;
	case SEGMENT_EARLY:
		p = payload(z, in, dir, flags, a);
		p.ack += (uint32_t)((int8_t)b * (what & 8 ? 64 : 1));
		give(z, p);
		break;
	case FLAGS:
		p = talk_say(&z->talk, dir, a & 63, NULL, 0);
		p.window = (uint16_t)(b << 8);
		p.window_scale = p.flags & TCP_SYN ? b & 15 : 255;
		give(z, p);
		break;
	case AGAIN:
		again(z, a, b);
		break;
	case TIME:
		time_goes_by(z, a, b);
		break;
	case LOST:
		z->talk.seq[dir] += a + (b & 1 ? b << 8 : 0);
		break;
	case MISC:
		misc(z, dir, a, b);
		break;
	}
}

static void open_connection(struct fuzz *z, uint8_t how)
{
	struct packet syn = talk_say(&z->talk, 0, TCP_SYN, NULL, 0);
	struct packet syn_ack = talk_say(&z->talk, 1, TCP_SYN | TCP_ACK, NULL, 0);

	if (how & 1)
		give(z, syn);
	if (how & 2)
		give(z, syn_ack);
	if (how & 4)
		give(z, syn);
}

static void start(struct fuzz *z, struct registry *registry, unsigned count, uint8_t first)
{
	struct worker_options options = {.registry = registry,
					 .wants = WANT_HEADERS | WANT_FIELDS,
					 .decode = true,
					 .secret = 1,
					 .memory_cap = 64 << 20,
					 .emit = on_record,
					 .data = z};
	unsigned which = (first >> 3) % (count + 1);

	*z = (struct fuzz){.clock = {.now_ns = 1000 * NS_PER_S}};
	z->talk = talk_begin(&z->clock, 1);
	if (which)
		require(registry_port_rule(registry, decoders[which - 1], z->talk.key.port[1]) == 0,
			"no port rule");
	require(worker_new(&options, &z->worker) == 0, "out of memory");
	open_connection(z, first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned count = list_decoders();
	struct reader in = reader_of(view_of(data, (uint32_t)size));
	struct registry *registry = NULL;
	struct counters c;
	struct fuzz z;

	require(registry_new(decoders, &registry) == 0, "out of memory");
	start(&z, registry, count, reader_u8(&in));
	for (unsigned i = 0; i < COMMANDS_MAX && reader_left(&in); i++)
		run_command(&z, &in);
	pool_fail_at(worker_pool(z.worker), 0);
	worker_finish(z.worker, z.clock.now_ns);
	c = *worker_counters(z.worker);
	c.frames = c.frames_packet = c.packets; /* there was no reader */
	require(counters_check(&c, NULL) == 0 || (counters_check(&c, stderr), false),
		"the accounting is wrong");
	require(z.records == c.roundtrips_ok + c.roundtrips_error + c.roundtrips_unanswered +
				     c.roundtrips_oneway + c.roundtrips_orphan,
		"a record was not counted");
	require(pool_used(worker_pool(z.worker)) == 0, "memory was not given back");
	worker_free(z.worker);
	registry_free(registry);
	return 0;
}
