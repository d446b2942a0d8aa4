/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Capture files through one reader, N workers and one writer, with the same bytes out for any N.
 *
 * The reader parses and stamps each packet with its index and `now` (the running maximum of packet times),
 * and gives it to the worker its conversation belongs to; whenever `now` crosses 10 ms every worker gets a
 * tick first. A record is keyed by (the packet or tick that completed it, the flow's first packet, its
 * ordinal); the writer merges the workers' records by this key, block by block. With one worker all
 * three are plain calls in one thread; else the reader and the writer are the calling thread.
 *
 * Live, every worker reads packets of its own, and order is promised within a flow only (live.c).
 */
#include <signal.h>

#include "agent/worker.h"
#include "capture/live.h"
#include "metrics/metrics.h"
#include "roundtrip/where.h"

enum line_format { LINES_TEXT, LINES_JSON, LINES_NONE };

enum { PIPELINE_WORKERS_MAX = 64 };

/* What was measured in an interval of packet time, live of the wall clock; the numbers of all workers. */
struct report {
	uint64_t begin_ns, end_ns; /* multiples of the interval; the end is not part of it */
	const struct metrics *metrics;
	struct counters counters; /* what they grew by */
};

struct pipeline_options {
	const char *const *paths; /* at least one; "-": standard input */
	unsigned path_count;
	/* Instead of files: interfaces; its filter and its workers are not used, but those below. */
	const struct live_options *live;
	const char *filter; /* pcap-filter(7); NULL: everything */
	unsigned workers;   /* 1..PIPELINE_WORKERS_MAX */
	const struct registry *registry;
	bool decode;    /* false: flow accounting only */
	unsigned wants; /* enum env_wants */
	enum line_format format;
	/* Measure the records instead of writing them as lines; `format` is LINES_NONE then. */
	bool measure;
	uint64_t interval_ns; /* of reports, a multiple of TICK_NS; 0: none, only the result */
	/* Says a report, in the thread that writes: appends to what is written to `fd`. Of files, an interval
	 * of which no packet came makes none; live, every interval makes one. */
	void (*report)(void *report_data, const struct report *report, struct buf *to);
	void *report_data;
	bool colours, show_secrets;
	const struct where *where; /* NULL: everything */
	unsigned statuses;         /* 1 << enum status, or-ed; 0: all */
	uint64_t slower_ns;        /* only round trips that took longer; 0: all */
	uint64_t stuck_ns;         /* tell of requests that wait so long, once; 0: never */
	uint64_t count;            /* stop after so many lines; 0: no limit */
	int fd;                    /* where lines go */
	bool line_buffered;        /* write after every block, not when there is plenty */
	/* Set, by a signal handler say: no more is read, and what was read is finished. May be NULL. */
	const volatile sig_atomic_t *stop;
	/* Called every now and then with bytes read and their total (0: unknown); NULL: never. */
	void (*progress)(void *data, uint64_t done, uint64_t total);
	void *data;
	/* Live: a line for the user about something that happened, such as an interface that went. May be
	 * NULL. */
	void (*note)(const char *text);
};

/* Round trips of one protocol, by status. */
struct protocol_count {
	const char *name;
	uint64_t by_status[STATUS_COUNT];
};

enum { PIPELINE_PROTOCOLS_MAX = 72 };

struct pipeline_result {
	struct counters counters; /* of the reader and all workers */
	struct protocol_count protocols[PIPELINE_PROTOCOLS_MAX];
	unsigned protocol_count;
	/* Packet time; 0 when there was no packet. A live run that measures: from begin to end. */
	uint64_t first_ns, last_ns;
	uint64_t lines;      /* written */
	bool stopped;        /* by `count`, or because nobody reads the output */
	uint64_t lines_lost; /* not written because memory ran out */
	/* Live, because the output was not read in time: lines not written, or intervals reported
	 * together with the next one. */
	uint64_t lines_blocked;
	enum capture_mode capture; /* live: how it was captured */
	unsigned workers;          /* live: how many there were */
	uint32_t snaplen;          /* the largest a file declares */
	struct metrics *metrics;   /* of the whole run, if it was measured; the caller's */
	uint64_t missing;          /* numbers missing in it because memory ran out */
	char filter_error[256]; /* the filter is wrong for a link type that came; "": it is not */
	/* When pipeline_run failed: which file, where, and what, for one line to the user. */
	const char *bad_file;
	uint64_t bad_offset;
	char detail[LIVE_DETAIL_SIZE];
};

/*
 * Runs to the end of the input. 0, or ERR_CUT (all before the cut was decoded), or another error; the result is
 * filled in any case with what was done before.
 */
must_check int pipeline_run(const struct pipeline_options *options,
			    struct pipeline_result *ret_result);
