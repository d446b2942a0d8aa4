/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of wirespan log. Every mistake is one line: what is wrong, and what to write instead. */
#include <string.h>

#include "cmd/log.h"
#include "cmd/say.h"

static const char command[] = "log";

enum log_row {
	ROW_FORMAT = READ_ROWS,
	ROW_SUMMARY,
	ROW_COUNT,
	ROW_HEADERS,
	ROW_SECRETS,
	ROW_VERBOSE,
	ROW_STUCK,
};

static const struct option_row rows[] = {
	READ_OPTION_ROWS,
	[ROW_FORMAT] = {"format", 0, "text|json|none"},
	[ROW_SUMMARY] = {"summary", 0, "text|json"},
	[ROW_COUNT] = {"count", 0, "NUMBER"},
	[ROW_HEADERS] = {"headers", 0, NULL},
	[ROW_SECRETS] = {"show-secrets", 0, NULL},
	[ROW_VERBOSE] = {"verbose", 'v', NULL},
	[ROW_STUCK] = {"stuck", 0, "5s"},
	{0},
};

static int set_format(struct log_options *o, const char *text)
{
	static const char *const names[] = {"text", "json", "none"};

	for (unsigned i = 0; i < 3; i++) {
		if (strcmp(text, names[i]) == 0) {
			o->format = (enum log_format)(LOG_FORMAT_TEXT + i);
			return 0;
		}
	}
	return say_usage(command, "--format is text, json or none, not \"%s\"", text);
}

static int set_summary(struct log_options *o, const char *text)
{
	o->summary_json = strcmp(text, "json") == 0;
	if (o->summary_json || strcmp(text, "text") == 0)
		return 0;
	return say_usage(command, "--summary is text or json, not \"%s\"", text);
}

static int take_row(struct log_options *o, int row, const char *value)
{
	switch (row) {
	case ROW_FORMAT:
		return set_format(o, value);
	case ROW_SUMMARY:
		return set_summary(o, value);
	case ROW_COUNT:
		return read_options_number(&o->read, "--count", value, UINT64_MAX, &o->count);
	case ROW_HEADERS:
		o->headers = true;
		return 0;
	case ROW_SECRETS:
		o->show_secrets = true;
		return 0;
	case ROW_VERBOSE:
		o->verbose = true;
		return 0;
	case ROW_STUCK:
		return read_options_time(&o->read, "--stuck", value, &o->stuck_ns);
	default:
		return read_options_take(&o->read, row, value);
	}
}

int log_options_parse(int argc, char **argv, struct log_options *ret)
{
	struct option_reader r = {.command = command, .rows = rows, .argv = argv, .argc = argc};
	int row, status;

	*ret = (struct log_options){0};
	status = read_options_init(&ret->read, command);
	while (!status && (row = option_next(&r)) != OPTION_END)
		status = row == OPTION_WRONG ? EXIT_USAGE : take_row(ret, row, r.value);
	return status ? status : read_options_check(&ret->read);
}

void log_options_done(struct log_options *o)
{
	read_options_done(&o->read);
}
