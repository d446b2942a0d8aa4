/* SPDX-License-Identifier: Apache-2.0 */
/* See live_lane.h. */
#include "agent/live_lane.h"

#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "core/time.h"
#include "packet/key.h"

enum {
	/* How long a quiet worker sleeps; timers are late by as much. Less for shorter intervals of reports. */
	QUIET_MS = 100,
	/* A ring gives a block up after 10 ms: after this long without one it is empty. */
	DRAIN_MS = 40,
	DUE_MS = 10, /* until we look again whether packets of others are due */
	/* ... or it is no ring, and goes on capturing. */
	DRAIN_MAX_MS = 1000,
	/* At the end a writer that is blocked has so long to make room. */
	PUBLISH_PATIENCE_MS = 2000,
	LOSSES_NS = NS_PER_S,
};

/* A ring that is empty has given up all that is older. What comes from other workers waits so long, since it may
 * answer what is still in our ring (an ICMP error, say) or on its way from a third one. */
#define RING_LAG_NS (30 * NS_PER_MS)

/* Packets may be on their way through rings and queues for so long: wall clock less this is no later. */
#define WALL_LAG_NS (100 * NS_PER_MS)

static uint64_t wall_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

void live_end(struct live_run *live)
{
	__atomic_store_n(&live->ended, true, __ATOMIC_SEQ_CST);
	bell_ring(&live->main_bell);
}

static bool stopping(const struct live_run *live)
{
	return __atomic_load_n(&live->stopping, __ATOMIC_SEQ_CST);
}

/* --- lines --- */

static void publish(struct live_lane *l)
{
	(void)outbox_publish(&l->outbox);
	l->lane.renderer.out = outbox_output(&l->outbox);
}

static void publish_plenty(struct live_lane *l)
{
	if (l->lane.renderer.out->text.size >= OUTBOX_PLENTY)
		publish(l);
}

static const char *interface_of(void *data, uint16_t place)
{
	const struct live_lane *l = data;

	return live_interface_name(l->live->capture,
				   packet_place(l->reader.parser, place)->interface);
}

static unsigned tunnels_of(void *data, uint16_t place, const struct tunnel_layer **ret_layers)
{
	const struct live_lane *l = data;
	const struct place *p = packet_place(l->reader.parser, place);

	*ret_layers = p->layer;
	return p->depth;
}

/* --- packets of other workers, and for them --- */

static void hand_off(struct live_lane *l, unsigned owner, const struct packet *p)
{
	struct live_lane *to = &l->live->lanes[owner];

	counter_add(&l->reader.counters.handoffs, 1);
	if (!handoff_put(to->inbox[l->index], p, packet_place(l->reader.parser, p->place)))
		counter_add(&l->reader.counters.handoffs_dropped, 1);
	l->rung |= (uint64_t)1 << owner;
}

static void ring_others(struct live_lane *l)
{
	for (; l->rung; l->rung &= l->rung - 1)
		bell_ring(&l->live->lanes[__builtin_ctzll(l->rung)].bell);
}

/* Keeps our own packets; returns how many. Those of a group come by several workers, so that ours wait for their
 * turn among the others'. */
static unsigned deal(struct live_lane *l, struct packet *items, unsigned n)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < n; i++) {
		unsigned owner = items[i].owner % l->live->lane_count;

		if (items[i].kind == PACKET_TICK ||
		    (owner == l->index && !key_in_group(&items[i].key)))
			items[kept++] = items[i];
		else
			hand_off(l, owner, &items[i]);
	}
	return kept;
}

static void take_one(struct live_lane *l, struct packet *p, const struct place *place)
{
	struct packet tick;

	if (intake_clock(&l->reader, p->ts_ns, &tick))
		lane_items(&l->lane, &tick, 1);
	p->index = ++l->reader.index;
	p->now_ns = l->reader.now_ns;
	p->place = packet_place_id(l->reader.parser, place);
	lane_items(&l->lane, p, 1);
	publish_plenty(l);
}

/* The inbox with the oldest packet that is due; NULL: none. Packets of a group of conversations come by several. */
static struct handoff *oldest_inbox(const struct live_lane *l, struct packet *p,
				    struct place *place)
{
	struct handoff *oldest = NULL;

	for (unsigned i = 0; i < l->live->lane_count; i++) {
		struct handoff *h = l->inbox[i];
		struct packet next;
		struct place where;

		if (!handoff_take(h, &next, &where))
			continue;
		if (next.ts_ns > l->read_ns && !handoff_presses(h))
			continue;
		if (oldest && next.ts_ns >= p->ts_ns)
			continue;
		oldest = h;
		*p = next;
		*place = where;
	}
	return oldest;
}

/* True when there was something. */
static bool empty_inboxes(struct live_lane *l)
{
	struct handoff *h;
	struct packet p;
	struct place place;
	bool some = false;

	if (!l->inbox)
		return false;
	while ((h = oldest_inbox(l, &p, &place))) {
		take_one(l, &p, &place);
		handoff_taken(h);
		some = true;
	}
	return some;
}

static bool inboxes_empty(const struct live_lane *l)
{
	for (unsigned i = 0; l->inbox && i < l->live->lane_count; i++)
		if (!handoff_empty(l->inbox[i]))
			return false;
	return true;
}

/* --- frames --- */

/* A run that measures does so from now on, whether packets come or not. */
static void start_clock(struct live_lane *l)
{
	struct packet first;

	l->reader.interval_ns = l->live->run.options->interval_ns;
	(void)intake_clock(&l->reader, wall_clock() - WALL_LAG_NS, &first);
}

static void one_block(struct live_lane *l)
{
	struct packet items[INTAKE_BATCH];
	bool more = true;

	while (more) {
		unsigned n = intake_batch(&l->reader, &l->block, &l->scratch, items, &more);

		if (l->live->lane_count > 1)
			n = deal(l, items, n);
		lane_items(&l->lane, items, n);
		publish_plenty(l);
	}
	scratch_reset(&l->scratch);
	ring_others(l);
}

/* A block of our own frames. */
static int fill(struct live_lane *l)
{
	int err = source_fill(l->reader.source, &l->block, false);

	if (l->inbox) {
		uint64_t now = err == ERR_AGAIN ? wall_clock() : l->reader.now_ns;

		if (now > l->read_ns + RING_LAG_NS)
			l->read_ns = now - RING_LAG_NS;
	}
	return err;
}

static void ask_losses(struct live_lane *l)
{
	struct live_losses losses = live_losses(l->live->capture, l->index);

	counter_add(&l->reader.counters.kernel_drops, losses.drops);
	counter_add(&l->reader.counters.kernel_freezes, losses.freezes);
	l->losses_ns = l->reader.now_ns;
}

/* Nothing came for a while: time passes all the same. */
static void quiet(struct live_lane *l)
{
	struct packet tick;

	if (!l->reader.now_ns) /* no packet yet: nothing waits */
		return;
	uint64_t now = wall_clock() - WALL_LAG_NS;

	if (now > l->reader.now_ns && intake_clock(&l->reader, now, &tick))
		lane_items(&l->lane, &tick, 1);
}

/* Waits until there is a block, a packet from another worker, or it is quiet. */
static bool wait_for_more(struct live_lane *l, int timeout_ms, bool to_the_end)
{
	struct pollfd fds[] = {
		{live_fd(l->live->capture, l->index), POLLIN, 0},
		{l->bell.fd, POLLIN, 0},
	};
	bool others = false;
	int ready = 1;

	bell_sleep(&l->bell);
	if (to_the_end || !stopping(l->live)) {
		others = !inboxes_empty(l);
		ready = poll(fds, 2, others ? DUE_MS : timeout_ms);
	}
	bell_awake(&l->bell);
	if (ready > 0 && fds[0].revents & POLLERR)
		live_clear_error(l->live->capture, l->index);
	return ready != 0 || others;
}

static void fail(struct live_lane *l, int err)
{
	int none = 0;

	__atomic_compare_exchange_n(&l->live->error, &none, err, false, __ATOMIC_SEQ_CST,
				    __ATOMIC_SEQ_CST);
	live_end(l->live);
}

/* What was captured before the end. */
static void drain(struct live_lane *l)
{
	uint64_t until = wall_clock() + DRAIN_MAX_MS * NS_PER_MS;

	while (wall_clock() < until) {
		if (fill(l) == 0)
			one_block(l);
		else if (!empty_inboxes(l) && !wait_for_more(l, DRAIN_MS, true))
			break;
	}
	ask_losses(l);
}

/* Every lane has read its ring: what they handed to each other is all that is left. */
static void finish(struct live_lane *l)
{
	struct packet last;

	l->read_ns = UINT64_MAX;
	__atomic_sub_fetch(&l->live->reading, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&l->live->reading, __ATOMIC_SEQ_CST) || !inboxes_empty(l)) {
		if (!empty_inboxes(l))
			(void)poll(NULL, 0, 1);
	}
	/* The end brings all at once what is open: no reason to drop it. */
	l->lane.renderer.out->cap = 0;
	last = intake_last_tick(&l->reader);
	lane_finish(&l->lane, &last);
	for (int ms = 0; ms < PUBLISH_PATIENCE_MS && !outbox_publish(&l->outbox); ms++)
		(void)poll(NULL, 0, 1);
}

void *live_lane_main(void *data)
{
	struct live_lane *l = data;

	if (l->lane.measures)
		start_clock(l);
	while (!stopping(l->live)) {
		bool busy = empty_inboxes(l);
		int err = fill(l);

		if (err == 0)
			one_block(l);
		if (l->reader.now_ns - l->losses_ns > LOSSES_NS)
			ask_losses(l);
		publish(l);
		if (err == 0 || busy)
			continue;
		if (err != ERR_AGAIN) {
			fail(l, err);
			break;
		}
		if (!wait_for_more(l, l->quiet_ms, false))
			quiet(l);
	}
	drain(l);
	finish(l);
	return NULL;
}

/* An interval with no packets is reported, too. */
static int quiet_of(const struct pipeline_options *o)
{
	uint64_t interval_ms = o->interval_ns / NS_PER_MS;

	return interval_ms && interval_ms < QUIET_MS ? (int)interval_ms : QUIET_MS;
}

int live_lane_open(struct live_lane *l)
{
	struct live_run *live = l->live;
	struct packet_options packets = {
		.secret = live->run.secret,
		.spread = live->lane_count > 1 ? &live->spread : NULL,
	};
	struct line_context *c = &l->lane.renderer.context;
	int err = bell_init(&l->bell);

	if (!err)
		err = intake_open_live(&l->reader, live_source(live->capture, l->index), &packets,
				       live->run.options->filter, live->run.result);
	if (!err)
		err = lane_open(&live->run, &l->lane);
	if (err)
		return err;
	c->interface = interface_of;
	c->tunnels = tunnels_of;
	c->file = NULL;
	c->data = l;
	l->lane.meter.reader = &l->reader.counters;
	l->quiet_ms = quiet_of(live->run.options);
	l->outbox.bell = &live->writer_bell;
	l->lane.renderer.out = outbox_output(&l->outbox);
	if (live_mode(live->capture) == CAPTURE_PCAP) {
		l->block.room = SOURCE_BLOCK_SIZE;
		l->block.data = malloc(l->block.room);
		if (!l->block.data)
			return ERR_NOMEM;
	}
	if (live->lane_count == 1)
		return 0;
	l->inbox = calloc(live->lane_count, sizeof(*l->inbox));
	for (unsigned i = 0; l->inbox && i < live->lane_count; i++) {
		l->inbox[i] = handoff_new();
		if (!l->inbox[i])
			return ERR_NOMEM;
	}
	return l->inbox ? 0 : ERR_NOMEM;
}

void live_lane_close(struct live_lane *l)
{
	for (unsigned i = 0; l->inbox && i < l->live->lane_count; i++)
		handoff_free(l->inbox[i]);
	free(l->inbox);
	lane_close(&l->lane);
	l->reader.source = NULL; /* the capture's */
	intake_close(&l->reader);
	outbox_done(&l->outbox);
	scratch_done(&l->scratch);
	free(l->block.data);
	bell_done(&l->bell);
}
