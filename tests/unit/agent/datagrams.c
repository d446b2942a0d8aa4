/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/agent/datagrams.h"

#include <criterion/criterion.h>

#include "core/hash.h"
#include "protocol/registry.h"
#include "protocols/all.h"

struct dgram_seen dgram_seen;
uint64_t dgram_now_ns;
static struct registry *registry;
static uint64_t number;
uint8_t dgram_bytes[DGRAM_MAX];

static void on_record(void *data, const struct roundtrip *rt)
{
	struct dgram_seen *s = data;

	s->count[rt->status]++;
	s->reason[rt->reason]++;
	s->partial |= rt->partial;
	s->client = rt->client;
	s->server = rt->server;
	s->place = rt->place;
	s->bytes = rt->request ? rt->request->to - rt->request->from : 0;
}

struct worker *dgram_start(void)
{
	struct worker_options options = {.emit = on_record,
					 .data = &dgram_seen,
					 .decode = true,
					 .secret = 1,
					 .wants = WANT_FIELDS};
	struct worker *w;

	dgram_seen = (struct dgram_seen){0};
	dgram_now_ns = 1000 * NS_PER_S;
	number = 0;
	cr_assert_eq(registry_new(protocols_all, &registry), 0);
	options.registry = registry;
	cr_assert_eq(worker_new(&options, &w), 0);
	return w;
}

void dgram_stop(struct worker *w)
{
	struct counters c;

	worker_finish(w, dgram_now_ns);
	c = *worker_counters(w);
	c.frames = c.frames_packet = c.packets; /* there was no reader */
	cr_expect_eq(counters_check(&c, NULL), 0);
	cr_expect_eq(pool_used(worker_pool(w)), 0);
	worker_free(w);
	registry_free(registry);
}

struct address dgram_host(unsigned n)
{
	const uint8_t b[4] = {n == MULTICAST ? 224 : 192, 0, n == MULTICAST ? 0 : 2,
			      (uint8_t)(n == MULTICAST ? 251 : n + 1)};

	return address_v4(b);
}

struct packet dgram_between(unsigned from, uint16_t sport, unsigned to, uint16_t dport)
{
	number++;

	struct packet p = {.ts_ns = dgram_now_ns,
			   .now_ns = dgram_now_ns,
			   .index = number,
			   .frame = number,
			   .kind = PACKET_UDP,
			   .ip_id = (uint16_t)number};
	bool swap = from > to || (from == to && sport > dport);

	p.key.address[swap] = dgram_host(from);
	p.key.address[!swap] = dgram_host(to);
	p.key.port[swap] = sport;
	p.key.port[!swap] = dport;
	p.key.proto = PROTO_UDP;
	p.dir = swap;
	p.hash = hash_bytes(&p.key, sizeof(p.key), 1);
	p.payload = dgram_bytes;
	return p;
}

static uint32_t put16(uint32_t at, unsigned v)
{
	dgram_bytes[at] = (uint8_t)(v >> 8);
	dgram_bytes[at + 1] = (uint8_t)v;
	return at + 2;
}

static uint32_t put_name(uint32_t at, const char *name)
{
	uint32_t n = (uint32_t)strlen(name);

	dgram_bytes[at] = (uint8_t)n;
	memcpy(dgram_bytes + at + 1, name, n + 1);
	return at + n + 2;
}

/* A message with a question, or an answer of type A, of one label. */
struct packet dgram_message(struct packet p, unsigned id, unsigned flags, const char *question,
			    const char *answer)
{
	uint32_t at = put16(put16(0, id), flags);

	at = put16(put16(at, question != NULL), answer != NULL);
	at = put16(put16(at, 0), 0);
	if (question)
		at = put16(put16(put_name(at, question), 1), 1);
	if (answer) {
		at = put16(put16(put_name(at, answer), 1), 1);
		at = put16(put16(put16(at, 0), 60), 4);
		at = put16(put16(at, 0xc000), 0x0201);
	}
	p.payload_size = at;
	p.checksum = (uint16_t)hash_bytes(dgram_bytes, at, 2);
	return p;
}

void dgram_give(struct worker *w, struct packet p)
{
	worker_packet(w, &p);
}

void dgram_ask(struct worker *w, unsigned id, const char *name)
{
	dgram_give(w,
		   dgram_message(dgram_between(CLIENT, 40000, SERVER, 53), id, 0x0100, name, NULL));
}

void dgram_answer(struct worker *w, unsigned id, const char *name)
{
	dgram_give(w,
		   dgram_message(dgram_between(SERVER, 53, CLIENT, 40000), id, 0x8180, name, NULL));
}

void dgram_pass(struct worker *w, uint64_t ns)
{
	for (uint64_t end = dgram_now_ns + ns; dgram_now_ns < end;) {
		dgram_now_ns += TICK_NS;
		dgram_give(w, (struct packet){.kind = PACKET_TICK,
					      .now_ns = dgram_now_ns,
					      .index = number});
	}
}
