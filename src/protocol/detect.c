/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/detect.h"

#include "protocol/feeder.h"
#include "protocol/registry.h"

enum {
	/* A first message whose kind 4 KiB do not tell is not ours: the longest we know is an HTTP
	 * request line, and its method and the end of its target are enough. */
	DETECT_MAX = 4096,
	/* Bytes from the middle of a connection: a message boundary is a likely start of a segment,
	 * but not every segment starts with one. After that many the direction only passes. The same
	 * of datagrams that are no message. */
	DETECT_TRIES = 7,
	CERTAIN = 90,
};

/* The best of all probes. */
struct verdict {
	const struct protocol_ops *ops; /* NULL: nobody knew it */
	struct probed probed;
	uint32_t need; /* bytes with which a probe might know it; 0: none ever will */
};

static struct verdict ask_probes(const struct feeder *f, struct view a, struct view b)
{
	const struct registry *r = f->world->registry;
	struct verdict v = {0};
	unsigned count = r ? registry_count(r) : 0;
	for (unsigned i = 0; i < count; i++) {
		const struct protocol_ops *ops = registry_at(r, i);
		enum transport transport = f->datagram ? TRANSPORT_UDP : TRANSPORT_TCP;
		if (!ops->probe || f->tried >> i & 1 || !registry_enabled(r, i, transport))
			continue;
		bool datagram = f->datagram && ops->probe_datagram;
		struct probed p = (datagram ? ops->probe_datagram : ops->probe)(a, b);
		if (p.is == PROBE_NEED && (!v.need || p.need < v.need))
			v.need = p.need ? p.need : 1;
		if (p.is == PROBE_YES && (!v.ops || p.confidence > v.probed.confidence)) {
			v.ops = ops;
			v.probed = p;
		}
	}
	return v;
}

static struct fed guess(struct feeder *f, const struct verdict *v, unsigned dir_a)
{
	f->client_dir = (uint8_t)(v->probed.client ? !dir_a : dir_a);
	f->certain = v->probed.confidence >= CERTAIN;
	f->env.against_ports = f->port_side < 2 && f->port_side != f->client_dir;
	return (struct fed){.is = FED_SWITCH, .to = v->ops};
}

static bool from_middle(const struct feeder *f)
{
	return f->dir[0].gapped || f->dir[1].gapped;
}

static struct fed bypass(struct feeder *f)
{
	counter_add(&f->world->counters->flows_undetected, 1);
	return (struct fed){.is = FED_OK, .skip = UINT64_MAX};
}

/* Each datagram stands alone: at a port that a protocol has, one that is no message does not condemn the others. */
static struct fed pass_datagram(struct feeder *f, struct feeder_dir *d, uint32_t size)
{
	const struct registry *r = f->world->registry;
	if (d->tries == DETECT_TRIES || !r ||
	    !registry_hints(r, f->env.service_port, TRANSPORT_UDP))
		return bypass(f);
	d->tries++;
	return (struct fed){.is = FED_OK, .skip = size};
}

/* No probe will ever know these bytes. */
static struct fed pass(struct feeder *f, unsigned dir, uint32_t size)
{
	struct feeder_dir *d = &f->dir[dir];
	const struct feeder_dir *o = &f->dir[!dir];
	if (f->datagram)
		return pass_datagram(f, d, size);
	if (from_middle(f)) {
		d->tries += d->tries < DETECT_TRIES;
		if (d->tries == DETECT_TRIES && o->tries == DETECT_TRIES)
			return bypass(f);
		return (struct fed){.is = FED_OK, .skip = size};
	}
	/* A request may be so broken that only its answer tells the protocol: keep it until then. */
	if (o->tries || size >= DETECT_MAX)
		return bypass(f);
	d->tries = 1;
	return (struct fed){.is = FED_MORE, .want = size + 1};
}

static struct fed detect_feed(void *state, struct env *env, enum side side, const struct input *in)
{
	(void)state;
	struct feeder *f = feeder_of(env);
	unsigned dir = feeder_dir_of(f, side);
	const struct feeder_dir *d = &f->dir[dir];
	uint32_t size = in->bytes.size;
	if (!size)
		return (struct fed){.is = FED_OK};
	if (d->tries >= (f->datagram || from_middle(f) ? DETECT_TRIES : 1))
		return pass(f, dir, size);
	/* Without a SYN nobody is first: then in the order of the directions. */
	unsigned dir_a = f->initiator < 2 ? f->initiator : 0;
	struct view other = feeder_held_bytes(f, !dir);
	struct verdict v =
		dir == dir_a ? ask_probes(f, in->bytes, other) : ask_probes(f, other, in->bytes);
	if (v.ops)
		return guess(f, &v, dir_a);
	if (v.need && size < DETECT_MAX && !f->datagram) {
		uint32_t want = v.need > size ? v.need : size + 1;
		return (struct fed){.is = FED_MORE, .want = want < DETECT_MAX ? want : DETECT_MAX};
	}
	return pass(f, dir, size);
}

const struct protocol_ops detect_ops = {
	.name = "detection",
	.hold_max = DETECT_MAX,
	.feed = detect_feed,
};
