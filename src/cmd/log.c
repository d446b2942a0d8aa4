/* SPDX-License-Identifier: Apache-2.0 */
/* wirespan log: capture files in, round trips out. */
#include <inttypes.h>

#include "cmd/log.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/progress.h"
#include "cmd/say.h"
#include "cmd/summary.h"
#include "protocols/all.h"

static const char command[] = "log";

/* What comes from a pipe comes slowly, and somebody waits for each line. */
static bool is_stream(const char *path)
{
	struct stat st;
	int err = strcmp(path, "-") == 0 ? fstat(STDIN_FILENO, &st) : stat(path, &st);

	return err == 0 && !S_ISREG(st.st_mode);
}

static bool reads_stream(const struct log_options *o)
{
	for (unsigned i = 0; i < o->path_count; i++) {
		if (is_stream(o->paths[i]))
			return true;
	}
	return false;
}

static enum line_format format_of(const struct log_options *o, bool terminal)
{
	switch (o->format) {
	case LOG_FORMAT_TEXT:
		return LINES_TEXT;
	case LOG_FORMAT_JSON:
		return LINES_JSON;
	case LOG_FORMAT_NONE:
		return LINES_NONE;
	case LOG_FORMAT_AUTO:
		break;
	}
	return terminal ? LINES_TEXT : LINES_JSON;
}

/* What of the fields somebody will read: enum env_wants. */
static unsigned wants_of(const struct log_options *o, enum line_format format)
{
	if (format == LINES_NONE && !o->where)
		return 0;
	return o->headers ? WANT_FIELDS | WANT_HEADERS : WANT_FIELDS;
}

/* NO_COLOR: https://no-color.org */
static bool wants_colours(bool terminal)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return terminal && !(no && *no) && term && strcmp(term, "dumb") != 0;
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
static void describe(const struct pipeline_result *r, int err, char *to, size_t room)
{
	const char *file = r->bad_file ? r->bad_file : "";
	/* These say it all. */
	bool plain = err == ERR_EMPTY || err == ERR_NOMEM || !r->detail[0];

	to[0] = 0;
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

static void say_summary(const struct log_options *o, const struct summary *s)
{
	struct buf b = {0};

	/* On one terminal the summary keeps away from the lines. */
	if (s->result->lines && !o->summary_json && isatty(STDOUT_FILENO) && isatty(STDERR_FILENO))
		buf_char(&b, '\n');
	if (o->summary_json)
		summary_json(&b, s);
	else
		summary_text(&b, s);
	fwrite(b.data, 1, b.size, stderr);
	buf_done(&b);
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

static int run(const struct log_options *o)
{
	static struct pipeline_result result; /* some KiB */
	bool terminal = isatty(STDOUT_FILENO);
	enum line_format format = format_of(o, terminal);
	struct pipeline_options options = {
		.paths = o->paths,
		.path_count = o->path_count,
		.filter = o->filter,
		.workers = o->workers,
		.registry = o->registry,
		.decode = o->decode,
		.wants = wants_of(o, format),
		.format = format,
		.colours = wants_colours(terminal),
		.show_secrets = o->show_secrets,
		.where = o->where,
		.statuses = o->statuses,
		.slower_ns = o->slower_ns,
		.count = o->count,
		.stop = &stop,
		.fd = STDOUT_FILENO,
		.line_buffered = terminal || reads_stream(o),
	};
	struct summary summary = {.result = &result,
				  .files = o->path_count,
				  .decode = o->decode,
				  .verbose = o->verbose};
	struct progress progress;
	char failure[512];

	/* Lines and progress would write over each other on one terminal. */
	if (isatty(STDERR_FILENO) && (!terminal || options.format == LINES_NONE)) {
		options.progress = progress_show;
		options.data = &progress;
	}
	catch_signals();
	progress_begin(&progress);
	int err = pipeline_run(&options, &result);

	progress_end(&progress);
	summary.elapsed_ns = progress_clock() - progress.begin_ns;
	if (!err && result.stopped && (!o->count || result.lines < o->count))
		return EXIT_FINE; /* nobody reads our lines any more */
	if (err) {
		describe(&result, err, failure, sizeof(failure));
		summary.failure = failure;
		say_failed(command, "%s", failure);
	}
	if (result.filter_error[0])
		say_failed(command,
			   "the filter does not fit every link type of the input, whose frames "
			   "were left out: %s",
			   result.filter_error);
	if (result.lines_lost) {
		say_failed(command, "%" PRIu64 " lines are missing: out of memory",
			   result.lines_lost);
		err = ERR_NOMEM;
	}
	if (!err || result.counters.frames || o->summary_json)
		say_summary(o, &summary);
	return err ? EXIT_FAILED : EXIT_FINE;
}

int command_log(int argc, char **argv)
{
	struct log_options o;
	struct buf b = {0};
	int status = log_options_parse(argc, argv, &o);

	if (!status && o.help)
		buf_text(&b, log_help);
	else if (!status && o.schema)
		roundtrip_schema(&b, protocols_all);
	if (b.size || b.failed)
		status = say_out(command, &b);
	else if (!status)
		status = run(&o);
	log_options_done(&o);
	return status;
}
