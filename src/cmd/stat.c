/* SPDX-License-Identifier: Apache-2.0 */
/* wirespan stat: packets in, numbers out. */
#include "cmd/stat.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/read_run.h"
#include "cmd/say.h"

static const char command[] = "stat";

/* How reports are shown. */
struct view_of_stat {
	bool json, colours;
	unsigned width, top;
};

static unsigned terminal_width(bool terminal)
{
	struct winsize size = {0};

	if (!terminal || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 ||
	    size.ws_col < STAT_WIDTH_MIN)
		return STAT_WIDTH_MIN;
	return size.ws_col < STAT_WIDTH_MAX ? size.ws_col : STAT_WIDTH_MAX;
}

static void show(const struct view_of_stat *v, struct stat_report *r, struct buf *to)
{
	r->top = v->top;
	r->width = v->width;
	r->colours = v->colours;
	if (v->json)
		stat_json(to, r);
	else
		stat_text(to, r);
}

static void on_report(void *data, const struct report *report, struct buf *to)
{
	struct stat_report r = {.begin_ns = report->begin_ns,
				.end_ns = report->end_ns,
				.metrics = report->metrics,
				.counters = &report->counters};

	show(data, &r, to);
}

/* The report of the whole. */
static int say_whole(const struct view_of_stat *v, const struct stat_options *o,
		     const struct read_run *run)
{
	struct summary summary = {.result = &run->result,
				  .files = o->read.path_count,
				  .decode = o->read.decode,
				  .failure = run->failure};
	struct stat_report r = {.begin_ns = run->result.first_ns,
				.end_ns = run->result.last_ns,
				.metrics = run->result.metrics,
				.counters = &run->result.counters,
				.summary = &summary};
	struct buf b = {0};

	show(v, &r, &b);
	return say_out(command, &b);
}

static int run(const struct stat_options *o)
{
	static struct read_run run; /* some KiB */
	bool terminal = isatty(STDOUT_FILENO);
	struct pipeline_options *p = &run.pipeline;
	struct view_of_stat v = {.json = o->json || (!o->text && !terminal),
				 .colours = say_colours(terminal),
				 .width = terminal_width(terminal),
				 .top = o->top};
	int status = EXIT_FINE;

	read_run_prepare(&run, &o->read);
	p->format = LINES_NONE;
	p->wants = WANT_OPERATION | (o->read.where ? WANT_FIELDS | WANT_HEADERS : 0);
	p->measure = true;
	p->interval_ns = o->interval_ns;
	p->report = on_report;
	p->report_data = &v;
	run.progress = !terminal || !o->interval_ns;
	read_run(&run, &o->read);
	if (!run.closed && run.result.metrics && (!run.failed || run.result.counters.frames))
		status = say_whole(&v, o, &run);
	metrics_free(run.result.metrics);
	return run.failed ? EXIT_FAILED : status;
}

int command_stat(int argc, char **argv)
{
	struct stat_options o;
	struct buf b = {0};
	int status = stat_options_parse(argc, argv, &o);

	if (!status && o.read.help)
		buf_text(&b, stat_help);
	else if (!status && o.read.schema)
		stat_schema(&b);
	if (b.size || b.failed)
		status = say_out(command, &b);
	else if (!status)
		status = run(&o);
	stat_options_done(&o);
	return status;
}
