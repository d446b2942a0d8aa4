/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A live run. One thread per worker reads its own ring and does everything to its packets (live_lane.c); one
 * thread writes lines or reports; this one waits for signals and watches interfaces.
 *
 *   kernel ──frames──▶ ring ─ lane ──lines──▶ outbox ──┐
 *                              │▲ handoff               ├─▶ writer ──▶ stdout
 *   kernel ──frames──▶ ring ─ lane ──lines──▶ outbox ──┘
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "agent/live_lane.h"
#include "agent/privileges.h"
#include "core/time.h"

enum {
	/* At the end the reader of our lines has so long to take what is left. */
	WRITER_PATIENCE_MS = 2000,
	WRITER_NUDGE_MS = 20,
};

/* --- the writer --- */

static bool take_lines(struct live_run *live)
{
	struct writer *w = &live->run.writer;
	bool some = false;

	for (unsigned i = 0; i < live->lane_count; i++) {
		struct outbox *box = &live->lanes[i].outbox;
		struct output *out = outbox_take(box);

		if (!out)
			continue;
		writer_merge(w, &out, 1);
		reporter_collect(&live->run.reporter, i, out);
		outbox_taken(box);
		some = true;
	}
	writer_flush(w, true);
	if (w->closed || w->failed)
		live_end(live);
	return some;
}

static void *writer_main(void *data)
{
	struct live_run *live = data;
	struct bell *bell = &live->writer_bell;

	while (!__atomic_load_n(&live->run.writer.give_up, __ATOMIC_RELAXED)) {
		bool over = __atomic_load_n(&live->over, __ATOMIC_SEQ_CST);

		if (take_lines(live))
			continue;
		if (over)
			break;
		bell_sleep(bell);
		if (!take_lines(live) && !__atomic_load_n(&live->over, __ATOMIC_SEQ_CST)) {
			struct pollfd fd = {bell->fd, POLLIN, 0};

			(void)poll(&fd, 1, -1);
		}
		bell_awake(bell);
	}
	return NULL;
}

static void on_nudge(int signal)
{
	(void)signal;
}

/* Lets the writer finish, but not for ever: a pipe that nobody reads would keep us here. */
static void end_writer(struct live_run *live)
{
	struct timespec until;
	struct sigaction nudge = {.sa_handler = on_nudge}, before;

	__atomic_store_n(&live->over, true, __ATOMIC_SEQ_CST);
	bell_ring(&live->writer_bell);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WRITER_PATIENCE_MS / 1000;
	if (pthread_timedjoin_np(live->writer, NULL, &until) == 0)
		return;
	/* It sits in write(), which a signal ends; one that came before the call did not. */
	sigaction(SIGURG, &nudge, &before);
	__atomic_store_n(&live->run.writer.give_up, true, __ATOMIC_RELAXED);
	while (pthread_tryjoin_np(live->writer, NULL) == EBUSY) {
		pthread_kill(live->writer, SIGURG);
		(void)poll(NULL, 0, WRITER_NUDGE_MS);
	}
	sigaction(SIGURG, &before, NULL);
}

/* --- the main thread --- */

static void watch(struct live_run *live)
{
	char note[LIVE_DETAIL_SIZE];

	live_watch(live->capture, note);
	if (note[0] && live->run.options->note)
		live->run.options->note(note);
}

static bool should_end(const struct live_run *live)
{
	const volatile sig_atomic_t *stop = live->run.options->stop;

	return (stop && *stop) || __atomic_load_n(&live->ended, __ATOMIC_SEQ_CST);
}

/* Until somebody wants the end. Signals come only while it waits, so that none is missed. */
static void watch_on(struct live_run *live, const sigset_t *signals)
{
	struct pollfd fds[] = {
		{live->main_bell.fd, POLLIN, 0},
		{live_watch_fd(live->capture), POLLIN, 0},
	};

	for (;;) {
		bell_sleep(&live->main_bell);
		if (should_end(live))
			break;
		int ready = ppoll(fds, 2, NULL, signals);

		bell_awake(&live->main_bell);
		if (ready > 0 && fds[1].revents)
			watch(live);
	}
	bell_awake(&live->main_bell);
}

/* --- opening and closing --- */

static int random_secrets(struct live_run *live)
{
	if (getrandom(&live->run.secret, sizeof(live->run.secret), 0) < 0 ||
	    getrandom(&live->spread, sizeof(live->spread), 0) < 0)
		return ERR_IO;
	for (unsigned i = 0; i < SPREAD_FACTORS; i++)
		live->spread.k[i] |= 1;
	return 0;
}

static int open_capture(struct live_run *live)
{
	const struct pipeline_options *o = live->run.options;
	struct live_options options = *o->live;
	char detail[LIVE_DETAIL_SIZE];
	int err;

	options.workers = o->workers;
	options.filter = o->filter;
	options.spread = live->spread;
	err = live_open(&options, &live->capture, detail);
	if (err) {
		live->run.result->bad_file = o->live->interfaces;
		snprintf(live->run.result->detail, sizeof(live->run.result->detail), "%s", detail);
		return err;
	}
	live->lane_count = live->run.result->workers = live_workers(live->capture);
	live->run.result->capture = live_mode(live->capture);
	return 0;
}

static int open_lanes(struct live_run *live)
{
	int err = 0;

	live->lanes = aligned_alloc(64, live->lane_count * sizeof(*live->lanes));
	if (!live->lanes)
		return ERR_NOMEM;
	memset(live->lanes, 0, live->lane_count * sizeof(*live->lanes));
	for (unsigned i = 0; i < live->lane_count; i++) {
		live->lanes[i].live = live;
		live->lanes[i].index = i;
		live->lanes[i].bell.fd = -1;
	}
	for (unsigned i = 0; !err && i < live->lane_count; i++)
		err = live_lane_open(&live->lanes[i]);
	return err;
}

static void add_result(struct live_run *live)
{
	struct pipeline_result *r = live->run.result;

	for (unsigned i = 0; i < live->lane_count; i++) {
		const struct live_lane *l = &live->lanes[i];
		const struct intake *in = &l->reader;

		lane_result(&l->lane, r);
		counters_sum(&r->counters, &in->counters);
		r->lines_blocked += l->lane.renderer.blocked;
		if (in->first_ns && (!r->first_ns || in->first_ns < r->first_ns))
			r->first_ns = in->first_ns;
		if (in->now_ns > r->last_ns)
			r->last_ns = in->now_ns;
		if (in->filter && !r->filter_error[0])
			snprintf(r->filter_error, sizeof(r->filter_error), "%s",
				 filter_error(in->filter));
	}
}

/* What the writer left, and what still was on its way to it: lines are lost, numbers are not. */
static void add_left(struct live_run *live)
{
	struct reporter *reporter = &live->run.reporter;
	struct pipeline_result *r = live->run.result;
	const struct writer *w = &live->run.writer;
	uint64_t left = live->run.options->measure ? 0 : writer_left(w);

	r->lines = w->lines - left;
	r->stopped = w->closed;
	for (unsigned i = 0; i < live->lane_count; i++) {
		struct outbox *box = &live->lanes[i].outbox;
		struct output *out;

		for (; (out = outbox_take(box)); outbox_taken(box)) {
			left += out->count;
			reporter_collect(reporter, i, out);
		}
		out = outbox_output(box);
		left += out->count;
		reporter_collect(reporter, i, out);
	}
	r->lines_blocked += left;
}

/* The writer ended, and perhaps in the middle of a report; a signal ends us now. */
static void write_rest(struct live_run *live)
{
	if (!live->run.options->measure)
		return;
	run_report_end(&live->run);
	live->run.writer.give_up = false;
	writer_flush(&live->run.writer, true);
}

/* Starts the lanes, waits, ends them. Those that could not be started leave an error. */
static int run_threads(struct live_run *live, const sigset_t *signals)
{
	unsigned started = 0;
	int err = 0;

	live->reading = live->lane_count;
	if (pthread_create(&live->writer, NULL, writer_main, live))
		return ERR_NOMEM;
	for (; started < live->lane_count; started++) {
		struct live_lane *l = &live->lanes[started];

		if (pthread_create(&l->thread, NULL, live_lane_main, l)) {
			err = ERR_NOMEM;
			break;
		}
	}
	if (!err)
		watch_on(live, signals);
	__atomic_sub_fetch(&live->reading, live->lane_count - started, __ATOMIC_SEQ_CST);
	live_stop(live->capture);
	__atomic_store_n(&live->stopping, true, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < started; i++)
		bell_ring(&live->lanes[i].bell);
	for (unsigned i = 0; i < started; i++)
		pthread_join(live->lanes[i].thread, NULL);
	end_writer(live);
	add_result(live);
	add_left(live);
	return err ? err : live->error;
}

static int describe(struct live_run *live, int err)
{
	const struct writer *w = &live->run.writer;

	if (w->failed) {
		snprintf(live->run.result->detail, sizeof(live->run.result->detail), "%s",
			 strerror(w->error));
		return ERR_IO;
	}
	if (err == ERR_EOF) {
		live->run.result->bad_file = live->run.options->live->interfaces;
		snprintf(live->run.result->detail, sizeof(live->run.result->detail),
			 "the interface went down");
		return ERR_CUT;
	}
	return err;
}

int live_run(const struct pipeline_options *options, struct pipeline_result *result)
{
	struct live_run live = {
		.run = {.options = options,
			.result = result,
			.writer = {.fd = options->fd, .limit = options->count}},
		.main_bell = {.fd = -1},
		.writer_bell = {.fd = -1},
	};
	sigset_t block, before;
	int err = random_secrets(&live);

	if (!err)
		err = open_capture(&live);
	if (!err) {
		privileges_drop();
		err = bell_init(&live.main_bell);
	}
	if (!err)
		err = bell_init(&live.writer_bell);
	if (!err && options->measure)
		err = reporter_init(&live.run.reporter, options, live.lane_count,
				    &live.run.writer.pending);
	if (!err)
		err = open_lanes(&live);
	if (!err) {
		/* Threads inherit it: signals come to this one. */
		sigemptyset(&block);
		sigaddset(&block, SIGINT);
		sigaddset(&block, SIGTERM);
		pthread_sigmask(SIG_BLOCK, &block, &before);
		err = run_threads(&live, &before);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
		write_rest(&live);
		err = describe(&live, err);
	}
	for (unsigned i = 0; live.lanes && i < live.lane_count; i++)
		live_lane_close(&live.lanes[i]);
	free(live.lanes);
	reporter_done(&live.run.reporter);
	buf_done(&live.run.writer.pending);
	bell_done(&live.main_bell);
	bell_done(&live.writer_bell);
	live_close(live.capture);
	return err;
}
