/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One live worker: its source, its parser, its share of the conversations, its lines. Private to src/agent.
 * lane_thread() is all it does; live.c starts the threads and ends them.
 */
#include <pthread.h>

#include "agent/handoff.h"
#include "agent/outbox.h"
#include "agent/run.h"

struct live_run;

struct live_lane {
	struct live_run *live;
	unsigned index;
	pthread_t thread;
	struct lane lane;
	struct intake reader;
	struct block block; /* libpcap's frames; AF_PACKET's are the kernel's */
	struct scratch scratch;
	struct outbox outbox;
	struct handoff **inbox; /* by giver; NULL for one worker */
	struct bell bell;
	uint64_t rung;      /* workers to be woken after the block, a bit each */
	uint64_t losses_ns; /* when the kernel was asked for losses */
	uint64_t read_ns;   /* packets were read up to this time by all workers, as it seems */
	int quiet_ms;       /* after so long without a packet, time passes all the same */
};

struct live_run {
	struct run run;
	struct live *capture;
	struct live_lane *lanes;
	unsigned lane_count;
	struct spread spread;
	struct bell main_bell, writer_bell;
	pthread_t writer;
	/* Written by one thread, read by others, atomically: */
	bool stopping;    /* nothing new is captured: lanes read what is left */
	bool over;        /* no more lines come: the writer ends when it has all */
	bool ended;       /* somebody wants the run to end: an error, the writer, a source */
	int error;        /* of the first lane that failed */
	unsigned reading; /* lanes that may still hand packets off */
};

must_check int live_lane_open(struct live_lane *l);
void live_lane_close(struct live_lane *l);
/* The thread of a lane: `data` is it. */
void *live_lane_main(void *data);
/* Asks the main thread to end the run. */
void live_end(struct live_run *live);
