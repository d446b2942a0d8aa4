/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of wirespan log. Every mistake is one line: what is wrong, and what to write instead. */
#include <stdlib.h>
#include <unistd.h>

#include "capture/source.h"
#include "cmd/log.h"
#include "cmd/options.h"
#include "cmd/say.h"
#include "protocols/all.h"
#include "roundtrip/units.h"

enum {
	NAMES_MAX = 72,
	/* -r given more often than this is a mistake of a script; a file costs a descriptor, too. */
	PATHS_MAX = 1024,
};

static const char command[] = "log";

enum log_row {
	ROW_HELP,
	ROW_READ,
	ROW_FORMAT,
	ROW_SUMMARY,
	ROW_SCHEMA,
	ROW_PROTOCOL,
	ROW_ONLY,
	ROW_STATUS,
	ROW_SLOWER,
	ROW_WHERE,
	ROW_COUNT,
	ROW_HEADERS,
	ROW_SECRETS,
	ROW_WORKERS,
	ROW_VERBOSE,
};

static const struct option_row rows[] = {
	[ROW_HELP] = {"help", 'h', NULL},
	[ROW_READ] = {"read", 'r', "FILE"},
	[ROW_FORMAT] = {"format", 0, "text|json|none"},
	[ROW_SUMMARY] = {"summary", 0, "text|json"},
	[ROW_SCHEMA] = {"schema", 0, NULL},
	[ROW_PROTOCOL] = {"protocol", 0, "NAME:PORT[,PORT]"},
	[ROW_ONLY] = {"only", 0, "NAME[,NAME]|none"},
	[ROW_STATUS] = {"status", 0, "error,unanswered"},
	[ROW_SLOWER] = {"slower", 0, "100ms"},
	[ROW_WHERE] = {"where", 0, "EXPRESSION"},
	[ROW_COUNT] = {"count", 0, "NUMBER"},
	[ROW_HEADERS] = {"headers", 0, NULL},
	[ROW_SECRETS] = {"show-secrets", 0, NULL},
	[ROW_WORKERS] = {"workers", 0, "NUMBER"},
	[ROW_VERBOSE] = {"verbose", 'v', NULL},
	{0},
};

/* What is collected on the way to struct log_options. */
struct parse {
	struct log_options *o;
	const char *where;
	struct buf filter;
	const char *first_word;
	bool only_none, only_some;
};

static struct view next_item(struct view *list)
{
	const uint8_t *comma = list->size ? memchr(list->data, ',', list->size) : NULL;
	struct view item = view_first(*list, comma ? (uint32_t)(comma - list->data) : list->size);

	*list = view_from(*list, item.size + 1);
	return item;
}

static int say_unknown_protocol(const char *option, struct view name)
{
	const char *names[NAMES_MAX + 1] = {NULL};
	char word[64];
	uint32_t n = name.size < sizeof(word) - 1 ? name.size : (uint32_t)sizeof(word) - 1;

	if (n)
		memcpy(word, name.data, n);
	word[n] = 0;
	for (unsigned i = 0; protocols_all[i] && i < NAMES_MAX; i++)
		names[i] = protocols_all[i]->name;
	const char *near = say_nearest(word, names);

	if (near)
		return say_usage(command, "%s: unknown protocol \"%s\"; did you mean %s?", option,
				 word, near);
	return say_usage(command, "%s: unknown protocol \"%s\"; see wirespan protocols", option,
			 word);
}

static int parse_number(const char *option, const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t n;

	if (units_size(view_text(text), &n) < 0 || n < 1 || n > max)
		return say_usage(command, "%s takes a number from 1 to %llu, not \"%s\"", option,
				 (unsigned long long)max, text);
	*ret = n;
	return 0;
}

static int add_path(struct log_options *o, const char *path)
{
	if (o->path_count == PATHS_MAX)
		return say_usage(command, "-r: more than %d files", PATHS_MAX);
	for (unsigned i = 0; i < o->path_count; i++) {
		if (strcmp(path, "-") == 0 && strcmp(o->paths[i], "-") == 0)
			return say_usage(command, "-r -: standard input can be read only once");
	}
	const char **paths = realloc(o->paths, (o->path_count + 1) * sizeof(*paths));

	if (!paths)
		return say_failed(command, "out of memory");
	o->paths = paths;
	paths[o->path_count++] = path;
	return 0;
}

/* NAME:PORT[,PORT...] */
static int add_port_rules(struct log_options *o, const char *text)
{
	const char *colon = strchr(text, ':');
	struct view name = view_of(text, (uint32_t)(colon ? (size_t)(colon - text) : strlen(text)));
	const struct protocol_ops *ops = registry_find(o->registry, name);

	if (!ops)
		return say_unknown_protocol("--protocol", name);
	if (!colon || !colon[1])
		return say_usage(command,
				 "--protocol %s: the ports are missing; write it like %.*s:80,8080",
				 text, (int)name.size, text);
	for (struct view list = view_text(colon + 1); list.size;) {
		struct view item = next_item(&list);
		uint64_t port;

		if (units_size(item, &port) < 0 || port < 1 || port > UINT16_MAX)
			return say_usage(
				command,
				"--protocol %s: \"%.*s\" is not a port; write it like %.*s:80,8080",
				text, (int)item.size, item.data, (int)name.size, text);
		if (registry_port_rule(o->registry, ops, (uint16_t)port) < 0)
			return say_usage(command, "--protocol: too many ports");
	}
	return 0;
}

static int add_only(struct parse *p, const char *text)
{
	struct view list = view_text(text);

	do {
		struct view name = next_item(&list);

		if (view_equal(name, view_text("none"))) {
			p->only_none = true;
			continue;
		}
		const struct protocol_ops *ops = registry_find(p->o->registry, name);

		if (!ops)
			return say_unknown_protocol("--only", name);
		registry_only(p->o->registry, ops);
		p->only_some = true;
	} while (list.size);
	if (p->only_none && p->only_some)
		return say_usage(command, "--only none does not go with names of protocols");
	p->o->decode = !p->only_none;
	return 0;
}

static int add_statuses(struct log_options *o, const char *text)
{
	struct view list = view_text(text);

	do {
		struct view name = next_item(&list);
		enum status status = status_find(name);

		if (status == STATUS_COUNT)
			return say_usage(command,
					 "--status: unknown status \"%.*s\"; there are ok, error, "
					 "unanswered, "
					 "orphan, oneway",
					 (int)name.size, name.data ? (const char *)name.data : "");
		o->statuses |= 1u << status;
	} while (list.size);
	return 0;
}

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

static int set_slower(struct log_options *o, const char *text)
{
	if (units_duration(view_text(text), &o->slower_ns) == 0)
		return 0;
	return say_usage(command, "--slower takes a time such as 100ms, 1.5s or 250us, not \"%s\"",
			 text);
}

static int add_word(struct parse *p, const char *word)
{
	if (p->first_word)
		buf_char(&p->filter, ' ');
	else
		p->first_word = word;
	buf_text(&p->filter, word);
	return 0;
}

static int take_row(struct parse *p, int row, const char *value)
{
	struct log_options *o = p->o;
	uint64_t n = 0;
	int status;

	switch (row) {
	case ROW_HELP:
		o->help = true;
		return 0;
	case ROW_READ:
		return add_path(o, value);
	case ROW_FORMAT:
		return set_format(o, value);
	case ROW_SUMMARY:
		return set_summary(o, value);
	case ROW_SCHEMA:
		o->schema = true;
		return 0;
	case ROW_PROTOCOL:
		return add_port_rules(o, value);
	case ROW_ONLY:
		return add_only(p, value);
	case ROW_STATUS:
		return add_statuses(o, value);
	case ROW_SLOWER:
		return set_slower(o, value);
	case ROW_WHERE:
		p->where = value;
		return 0;
	case ROW_COUNT:
		return parse_number("--count", value, UINT64_MAX, &o->count);
	case ROW_HEADERS:
		o->headers = true;
		return 0;
	case ROW_SECRETS:
		o->show_secrets = true;
		return 0;
	case ROW_WORKERS:
		status = parse_number("--workers", value, PIPELINE_WORKERS_MAX, &n);
		o->workers = status ? o->workers : (unsigned)n;
		return status;
	case ROW_VERBOSE:
		o->verbose = true;
		return 0;
	default:
		return add_word(p, value);
	}
}

static int compile_where(struct log_options *o, const char *text)
{
	struct where_error error;
	int err = text ? where_new(text, protocols_all, &error, &o->where) : 0;

	if (err == ERR_INVALID)
		return say_usage(command, "--where: %s (at character %u)", error.text,
				 error.at + 1);
	return err ? say_failed(command, "%s", err_text(err)) : 0;
}

/* The filter is compiled here only to know at once whether it can be. */
static int check_filter(struct parse *p)
{
	char error[256] = "";
	struct filter *filter = NULL;
	int err;

	if (!p->first_word)
		return 0;
	buf_char(&p->filter, 0);
	if (p->filter.failed)
		return say_failed(command, "out of memory");
	err = filter_new(p->filter.data, error, &filter);
	filter_free(filter);
	if (err == ERR_INVALID && access(p->first_word, F_OK) == 0)
		return say_usage(command, "\"%s\" is a file; to read it write -r %s", p->first_word,
				 p->first_word);
	if (err == ERR_INVALID)
		return say_usage(
			command,
			"bad filter \"%s\": %s (see pcap-filter(7), or --help for options)",
			p->filter.data, error);
	if (err)
		return say_failed(command, "%s", err_text(err));
	p->o->filter = p->filter.data;
	p->filter = (struct buf){0};
	return 0;
}

static int check_input(const struct parse *p)
{
	if (p->o->path_count)
		return 0;
	if (p->first_word && access(p->first_word, F_OK) == 0)
		return say_usage(command, "\"%s\" is a file; to read it write -r %s", p->first_word,
				 p->first_word);
	return say_usage(command,
			 "no capture file is given; write -r FILE, or -r - for standard input");
}

int log_options_parse(int argc, char **argv, struct log_options *ret)
{
	struct option_reader r = {.command = command, .rows = rows, .argv = argv, .argc = argc};
	struct parse p = {.o = ret};
	int row, status = 0;

	*ret = (struct log_options){.workers = 1, .decode = true};
	int err = registry_new(protocols_all, &ret->registry);

	if (err)
		return say_failed(command, "%s", err_text(err));
	while (!status && (row = option_next(&r)) != OPTION_END)
		status = row == OPTION_WRONG ? EXIT_USAGE : take_row(&p, row, r.value);
	if (!status && !ret->help && !ret->schema) {
		status = check_input(&p);
		if (!status)
			status = check_filter(&p);
		if (!status)
			status = compile_where(ret, p.where);
	}
	buf_done(&p.filter);
	return status;
}

void log_options_done(struct log_options *o)
{
	where_free(o->where);
	registry_free(o->registry);
	free(o->filter);
	free(o->paths);
}
