/* SPDX-License-Identifier: Apache-2.0 */
/* See read_options.h. Every mistake is one line: what is wrong, and what to write instead. */
#include "cmd/read_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "capture/source.h"
#include "cmd/say.h"
#include "protocols/all.h"
#include "roundtrip/units.h"

enum {
	NAMES_MAX = 72,
	/* -r given more often than this is a mistake of a script; a file costs a descriptor, too. */
	PATHS_MAX = 1024,
};

static struct view next_item(struct view *list)
{
	const uint8_t *comma = list->size ? memchr(list->data, ',', list->size) : NULL;
	struct view item = view_first(*list, comma ? (uint32_t)(comma - list->data) : list->size);

	*list = view_from(*list, item.size + 1);
	return item;
}

static int say_unknown_protocol(const struct read_options *o, const char *option, struct view name)
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
		return say_usage(o->command, "%s: unknown protocol \"%s\"; did you mean %s?",
				 option, word, near);
	return say_usage(o->command, "%s: unknown protocol \"%s\"; see wirespan protocols", option,
			 word);
}

int read_options_number(const struct read_options *o, const char *option, const char *text,
			uint64_t max, uint64_t *ret)
{
	uint64_t n;

	if (units_size(view_text(text), &n) < 0 || n < 1 || n > max)
		return say_usage(o->command, "%s takes a number from 1 to %llu, not \"%s\"", option,
				 (unsigned long long)max, text);
	*ret = n;
	return 0;
}

static int add_path(struct read_options *o, const char *path)
{
	if (o->path_count == PATHS_MAX)
		return say_usage(o->command, "-r: more than %d files", PATHS_MAX);
	for (unsigned i = 0; i < o->path_count; i++) {
		if (strcmp(path, "-") == 0 && strcmp(o->paths[i], "-") == 0)
			return say_usage(o->command, "-r -: standard input can be read only once");
	}
	const char **paths = realloc(o->paths, (o->path_count + 1) * sizeof(*paths));

	if (!paths)
		return say_failed(o->command, "out of memory");
	o->paths = paths;
	paths[o->path_count++] = path;
	return 0;
}

/* NAME:PORT[,PORT...] */
static int add_port_rules(struct read_options *o, const char *text)
{
	const char *colon = strchr(text, ':');
	struct view name = view_of(text, (uint32_t)(colon ? (size_t)(colon - text) : strlen(text)));
	const struct protocol_ops *ops = registry_find(o->registry, name);

	if (!ops)
		return say_unknown_protocol(o, "--protocol", name);
	if (!colon || !colon[1])
		return say_usage(o->command,
				 "--protocol %s: the ports are missing; write it like %.*s:80,8080",
				 text, (int)name.size, text);
	for (struct view list = view_text(colon + 1); list.size;) {
		struct view item = next_item(&list);
		uint64_t port;

		if (units_size(item, &port) < 0 || port < 1 || port > UINT16_MAX)
			return say_usage(
				o->command,
				"--protocol %s: \"%.*s\" is not a port; write it like %.*s:80,8080",
				text, (int)item.size, item.data, (int)name.size, text);
		if (registry_port_rule(o->registry, ops, (uint16_t)port) < 0)
			return say_usage(o->command, "--protocol: too many ports");
	}
	return 0;
}

static int add_only(struct read_options *o, const char *text)
{
	struct view list = view_text(text);

	do {
		struct view name = next_item(&list);

		if (view_equal(name, view_text("none"))) {
			o->only_none = true;
			continue;
		}
		const struct protocol_ops *ops = registry_find(o->registry, name);

		if (!ops)
			return say_unknown_protocol(o, "--only", name);
		registry_only(o->registry, ops);
		o->only_some = true;
	} while (list.size);
	if (o->only_none && o->only_some)
		return say_usage(o->command, "--only none does not go with names of protocols");
	o->decode = !o->only_none;
	return 0;
}

static int add_statuses(struct read_options *o, const char *text)
{
	struct view list = view_text(text);

	do {
		struct view name = next_item(&list);
		enum status status = status_find(name);

		if (status == STATUS_COUNT)
			return say_usage(o->command,
					 "--status: unknown status \"%.*s\"; there are ok, error, "
					 "unanswered, "
					 "orphan, oneway, open",
					 (int)name.size, name.data ? (const char *)name.data : "");
		o->statuses |= 1u << status;
	} while (list.size);
	return 0;
}

int read_options_time(const struct read_options *o, const char *option, const char *text,
		      uint64_t *ret_ns)
{
	if (units_duration(view_text(text), ret_ns) == 0)
		return 0;
	return say_usage(o->command, "%s takes a time such as 100ms, 1.5s or 250us, not \"%s\"",
			 option, text);
}

/* --- live --- */

static int set_interfaces(struct read_options *o, const char *text)
{
	if (o->live.interfaces)
		return say_usage(o->command, "-i is given twice; name several by commas: -i %s,%s",
				 o->live.interfaces, text);
	o->live.interfaces = text;
	return 0;
}

static int set_capture(struct read_options *o, const char *text)
{
	static const char *const names[] = {"auto", "afpacket", "pcap"};

	for (unsigned i = 0; i < 3; i++) {
		if (strcmp(text, names[i]) == 0) {
			o->live.mode = (enum capture_mode)(CAPTURE_AUTO + i);
			return 0;
		}
	}
	return say_usage(o->command, "--capture is auto, afpacket or pcap, not \"%s\"", text);
}

static int read_size(const struct read_options *o, const char *option, const char *text,
		     uint64_t min, uint64_t max, uint64_t *ret)
{
	char unit = text[0] ? text[strlen(text) - 1] : 0, whole[32];
	uint64_t n;

	/* 8M is 8 MiB, as everywhere where memory is meant. */
	snprintf(whole, sizeof(whole), "%s%s", text, unit && strchr("KMG", unit) ? "iB" : "");
	if (units_size(view_text(whole), &n) < 0 || n < min || n > max)
		return say_usage(o->command, "%s takes a size from %llu to %llu bytes, not \"%s\"",
				 option, (unsigned long long)min, (unsigned long long)max, text);
	*ret = n;
	return 0;
}

static int take_live_row(struct read_options *o, int row, const char *value)
{
	uint64_t n = 0;
	int status;

	switch (row) {
	case READ_ROW_INTERFACE:
		return set_interfaces(o, value);
	case READ_ROW_CAPTURE:
		return set_capture(o, value);
	case READ_ROW_RING:
		return read_size(o, "--ring", value, LIVE_RING_MIN, LIVE_RING_MAX, &o->live.ring);
	case READ_ROW_SNAPLEN:
		status = read_size(o, "--snaplen", value, LIVE_SNAPLEN_MIN, SOURCE_FRAME_MAX, &n);
		o->live.snaplen = (uint32_t)n;
		return status;
	default: /* --promiscuous */
		o->live.promiscuous = true;
		return 0;
	}
}

/* --- all --- */

static int add_word(struct read_options *o, const char *word)
{
	if (o->first_word)
		buf_char(&o->words, ' ');
	else
		o->first_word = word;
	buf_text(&o->words, word);
	return 0;
}

int read_options_take(struct read_options *o, int row, const char *value)
{
	uint64_t n = 0;
	int status;

	switch (row) {
	case READ_ROW_HELP:
		o->help = true;
		return 0;
	case READ_ROW_SCHEMA:
		o->schema = true;
		return 0;
	case READ_ROW_READ:
		return add_path(o, value);
	case READ_ROW_PROTOCOL:
		return add_port_rules(o, value);
	case READ_ROW_ONLY:
		return add_only(o, value);
	case READ_ROW_STATUS:
		return add_statuses(o, value);
	case READ_ROW_SLOWER:
		return read_options_time(o, "--slower", value, &o->slower_ns);
	case READ_ROW_WHERE:
		o->where_text = value;
		return 0;
	case READ_ROW_WORKERS:
		status = read_options_number(o, "--workers", value, PIPELINE_WORKERS_MAX, &n);
		o->workers = status ? o->workers : (unsigned)n;
		return status;
	case READ_ROW_INTERFACE:
	case READ_ROW_CAPTURE:
	case READ_ROW_RING:
	case READ_ROW_SNAPLEN:
	case READ_ROW_PROMISCUOUS:
		return take_live_row(o, row, value);
	default:
		return add_word(o, value);
	}
}

static int compile_where(struct read_options *o)
{
	struct where_error error;
	int err = o->where_text ? where_new(o->where_text, protocols_all, &error, &o->where) : 0;

	if (err == ERR_INVALID)
		return say_usage(o->command, "--where: %s (at character %u)", error.text,
				 error.at + 1);
	return err ? say_failed(o->command, "%s", err_text(err)) : 0;
}

/* The filter is compiled here only to know at once whether it can be. */
static int check_filter(struct read_options *o)
{
	char error[256] = "";
	struct filter *filter = NULL;
	int err;

	if (!o->first_word)
		return 0;
	buf_char(&o->words, 0);
	if (o->words.failed)
		return say_failed(o->command, "out of memory");
	err = filter_new(o->words.data, error, &filter);
	filter_free(filter);
	if (err == ERR_INVALID && access(o->first_word, F_OK) == 0)
		return say_usage(o->command, "\"%s\" is a file; to read it write -r %s",
				 o->first_word, o->first_word);
	if (err == ERR_INVALID)
		return say_usage(
			o->command,
			"bad filter \"%s\": %s (see pcap-filter(7), or --help for options)",
			o->words.data, error);
	if (err)
		return say_failed(o->command, "%s", err_text(err));
	o->filter = o->words.data;
	o->words = (struct buf){0};
	return 0;
}

static int check_input(const struct read_options *o)
{
	const struct live_options *live = &o->live;

	if (o->path_count && live->interfaces)
		return say_usage(o->command, "-r and -i do not go together");
	if (o->path_count && (live->mode || live->snaplen || live->promiscuous))
		return say_usage(o->command,
				 "--capture, --snaplen and --promiscuous go with -i only");
	if (o->path_count || live->interfaces)
		return 0;
	if (o->first_word && access(o->first_word, F_OK) == 0)
		return say_usage(o->command, "\"%s\" is a file; to read it write -r %s",
				 o->first_word, o->first_word);
	return say_usage(o->command,
			 "no input is given; write -r FILE (- is standard input), or -i INTERFACE");
}

int read_options_init(struct read_options *o, const char *command)
{
	*o = (struct read_options){
		.command = command, .decode = true, .live.ring = LIVE_RING_DEFAULT};
	int err = registry_new(protocols_all, &o->registry);

	return err ? say_failed(command, "%s", err_text(err)) : 0;
}

int read_options_check(struct read_options *o)
{
	int status = 0;

	if (o->help || o->schema)
		return 0;
	status = check_input(o);
	if (!status)
		status = check_filter(o);
	if (!status)
		status = compile_where(o);
	return status;
}

void read_options_done(struct read_options *o)
{
	where_free(o->where);
	registry_free(o->registry);
	free(o->filter);
	free(o->paths);
	buf_done(&o->words);
}
