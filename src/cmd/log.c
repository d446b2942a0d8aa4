/* SPDX-License-Identifier: Apache-2.0 */
/* wirespan log: packets in, round trips out. */
#include "cmd/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/read_run.h"
#include "cmd/say.h"
#include "cmd/summary.h"
#include "protocols/all.h"

static const char command[] = "log";

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
	if (format == LINES_NONE && !o->read.where)
		return 0;
	return o->headers ? WANT_FIELDS | WANT_HEADERS : WANT_FIELDS;
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

static int run(const struct log_options *o)
{
	static struct read_run run; /* some KiB */
	struct pipeline_options *p = &run.pipeline;
	bool terminal = isatty(STDOUT_FILENO);

	read_run_prepare(&run, &o->read);
	p->format = format_of(o, terminal);
	p->wants = wants_of(o, p->format);
	p->colours = say_colours(terminal);
	p->show_secrets = o->show_secrets;
	p->stuck_ns = o->stuck_ns;
	p->count = o->count;
	/* Lines and progress would write over each other on one terminal. */
	run.progress = !terminal || p->format == LINES_NONE;
	read_run(&run, &o->read);
	struct summary summary = {.result = &run.result,
				  .files = o->read.path_count,
				  .elapsed_ns = run.elapsed_ns,
				  .decode = o->read.decode,
				  .verbose = o->verbose,
				  .failure = run.failure};

	if (run.closed)
		return EXIT_FINE;
	if (!run.failed || run.result.counters.frames || o->summary_json)
		say_summary(o, &summary);
	return run.failed ? EXIT_FAILED : EXIT_FINE;
}

int command_log(int argc, char **argv)
{
	struct log_options o;
	struct buf b = {0};
	int status = log_options_parse(argc, argv, &o);

	if (!status && o.read.help)
		buf_text(&b, log_help);
	else if (!status && o.read.schema)
		roundtrip_schema(&b, protocols_all);
	if (b.size || b.failed)
		status = say_out(command, &b);
	else if (!status)
		status = run(&o);
	log_options_done(&o);
	return status;
}
