/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of wirespan stat. */
#include <string.h>

#include "cmd/say.h"
#include "cmd/stat.h"
#include "core/time.h"
#include "roundtrip/units.h"

/* Longer than any capture; and shorter than what would overflow when it is rounded up. */
#define INTERVAL_MAX_NS (366 * 24 * 3600 * NS_PER_S)

static const char command[] = "stat";

enum stat_row {
	ROW_FORMAT = READ_ROWS,
	ROW_INTERVAL,
	ROW_TOP,
};

static const struct option_row rows[] = {
	READ_OPTION_ROWS,
	[ROW_FORMAT] = {"format", 0, "text|json"},
	[ROW_INTERVAL] = {"interval", 0, "1s"},
	[ROW_TOP] = {"top", 0, "NUMBER"},
	{0},
};

static int set_format(struct stat_options *o, const char *text)
{
	o->json = strcmp(text, "json") == 0;
	o->text = strcmp(text, "text") == 0;
	if (o->json || o->text)
		return 0;
	return say_usage(command, "--format is text or json, not \"%s\"", text);
}

static int set_interval(struct stat_options *o, const char *text)
{
	uint64_t ns;

	if (units_duration(view_text(text), &ns) < 0 || !ns || ns % TICK_NS || ns > INTERVAL_MAX_NS)
		return say_usage(command,
				 "--interval takes a time of whole hundredths of a second, such as "
				 "1s, 500ms or 1m, not \"%s\"",
				 text);
	o->interval_ns = ns;
	return 0;
}

static int take_row(struct stat_options *o, int row, const char *value)
{
	uint64_t n = 0;
	int status;

	switch (row) {
	case ROW_FORMAT:
		return set_format(o, value);
	case ROW_INTERVAL:
		return set_interval(o, value);
	case ROW_TOP:
		status = read_options_number(&o->read, "--top", value, STAT_TOP_MAX, &n);
		o->top = status ? o->top : (unsigned)n;
		return status;
	default:
		return read_options_take(&o->read, row, value);
	}
}

int stat_options_parse(int argc, char **argv, struct stat_options *ret)
{
	struct option_reader r = {.command = command, .rows = rows, .argv = argv, .argc = argc};
	int row, status;

	*ret = (struct stat_options){.top = STAT_TOP};
	status = read_options_init(&ret->read, command);
	while (!status && (row = option_next(&r)) != OPTION_END)
		status = row == OPTION_WRONG ? EXIT_USAGE : take_row(ret, row, r.value);
	return status ? status : read_options_check(&ret->read);
}

void stat_options_done(struct stat_options *o)
{
	read_options_done(&o->read);
}
