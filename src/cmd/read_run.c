/* SPDX-License-Identifier: Apache-2.0 */
/* See read_run.h. */
#include "cmd/read_run.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/progress.h"
#include "cmd/say.h"

/* What comes from a pipe comes slowly, and somebody waits for each line. */
static bool is_stream(const char *path)
{
	struct stat st;
	int err = strcmp(path, "-") == 0 ? fstat(STDIN_FILENO, &st) : stat(path, &st);

	return err == 0 && !S_ISREG(st.st_mode);
}

static bool reads_stream(const struct read_options *o)
{
	for (unsigned i = 0; i < o->path_count; i++) {
		if (is_stream(o->paths[i]))
			return true;
	}
	return false;
}

__attribute__((format(printf, 3, 4))) static void append(char *to, size_t room, const char *format,
							 ...)
{
	size_t at = strlen(to);
	va_list list;

	va_start(list, format);
	vsnprintf(to + at, room - at, format, list);
	va_end(list);
}

/* One line about a run that failed: which file, what, where in it. */
static void describe(const struct pipeline_result *r, bool live, int err, char *to, size_t room)
{
	const char *file = r->bad_file ? r->bad_file : "";
	/* These say it all. */
	bool plain = err == ERR_EMPTY || err == ERR_NOMEM || !r->detail[0];

	to[0] = 0;
	if (live && *file && r->detail[0]) {
		append(to, room, "%s: %s", file, r->detail);
		return;
	}
	if (strcmp(file, "-") == 0)
		file = "standard input";
	if (*file)
		append(to, room, "%s: ", file);
	if (err == ERR_IO)
		append(to, room, "%s", *file ? "cannot be read" : "cannot write the output");
	else
		append(to, room, "%s", err_text(err));
	if (!plain)
		append(to, room, ": %s", r->detail);
	if (r->bad_offset)
		append(to, room, " (at byte %llu)", (unsigned long long)r->bad_offset);
	if (*file && r->counters.frames)
		append(to, room, "; what comes before was read");
}

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
	(void)signal;
	stop = 1;
}

/* The first Ctrl-C ends the input, and the summary comes; the second one ends the program. */
static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* A worker that has half a core to itself decodes what one ring holds; more of them only cost memory. */
static unsigned good_workers(const struct read_options *o)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (o->workers)
		return o->workers;
	return !o->live.interfaces || cores <= 4 ? 1 : cores <= 16 ? 2 : 4;
}

static const char *said_by; /* the command; notes carry nothing of their own */

static void on_note(const char *text)
{
	say_failed(said_by, "%s", text);
}

void read_run_prepare(struct read_run *r, const struct read_options *o)
{
	struct pipeline_options *p = &r->pipeline;

	p->paths = o->paths;
	p->path_count = o->path_count;
	p->live = o->live.interfaces ? &o->live : NULL;
	p->note = on_note;
	said_by = o->command;
	p->filter = o->filter;
	p->workers = good_workers(o);
	p->registry = o->registry;
	p->decode = o->decode;
	p->where = o->where;
	p->statuses = o->statuses;
	p->slower_ns = o->slower_ns;
	p->stop = &stop;
	p->fd = STDOUT_FILENO;
	p->line_buffered = isatty(STDOUT_FILENO) || reads_stream(o);
}

void read_run(struct read_run *r, const struct read_options *o)
{
	struct progress progress;

	if (r->progress && isatty(STDERR_FILENO)) {
		r->pipeline.progress = progress_show;
		r->pipeline.data = &progress;
	}
	catch_signals();
	progress_begin(&progress);
	int err = pipeline_run(&r->pipeline, &r->result);

	progress_end(&progress);
	r->elapsed_ns = progress_clock() - progress.begin_ns;
	if (!err && r->result.stopped &&
	    (!r->pipeline.count || r->result.lines < r->pipeline.count)) {
		r->closed = true;
		return;
	}
	r->failed = err;
	if (err) {
		describe(&r->result, o->live.interfaces, err, r->text, sizeof(r->text));
		r->failure = r->text;
		say_failed(o->command, "%s", r->failure);
	}
	if (r->result.filter_error[0])
		say_failed(o->command,
			   "the filter does not fit every link type of the input, whose frames "
			   "were left out: %s",
			   r->result.filter_error);
	if (r->result.lines_lost || r->result.missing) {
		say_failed(o->command, "%" PRIu64 " %s are missing: out of memory",
			   r->result.lines_lost + r->result.missing,
			   r->pipeline.measure ? "numbers" : "lines");
		r->failed = true;
	}
}
