/* SPDX-License-Identifier: Apache-2.0 */
/* wirespan ifaces: what can be listened to here, and how. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/devices.h"
#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/say.h"

static const char command[] = "ifaces";

static const char help[] =
	"Usage: wirespan ifaces [--format text|json]\n"
	"\n"
	"Lists the network interfaces: state, kind of link, driver, addresses, and which\n"
	"ways of capturing work on them for you, or why not.\n"
	"\n"
	"  --format text|json  text (the default), or one JSON object\n"
	"  -h, --help          this text\n"
	"\n"
	"  afpacket is what wirespan log -i uses when it can; pcap is the fallback.\n";

enum { ROW_HELP, ROW_FORMAT };

static const struct option_row rows[] = {
	[ROW_HELP] = {"help", 'h', NULL},
	[ROW_FORMAT] = {"format", 0, "text|json"},
	{0},
};

static const struct {
	const char *name;
	enum capture_mode mode;
} modes[] = {{"afpacket", CAPTURE_AFPACKET}, {"pcap", CAPTURE_PCAP}};

enum { MODES = sizeof(modes) / sizeof(*modes) };

__attribute__((format(printf, 2, 3))) static void add(struct buf *b, const char *format, ...)
{
	char text[LIVE_DETAIL_SIZE + 64];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	buf_text(b, text);
}

static void add_text_device(struct buf *b, const struct device *d)
{
	char why[LIVE_DETAIL_SIZE], text[46];

	add(b, "%-15s  %-10s  %-8s  mtu %u", d->name, d->state, d->link_type, d->mtu);
	if (d->driver[0])
		add(b, "  driver %s", d->driver);
	buf_char(b, '\n');
	for (unsigned i = 0; i < d->address_count; i++) {
		address_print(&d->address[i].address, text);
		add(b, "    %s/%u\n", text, d->address[i].prefix);
	}
	for (unsigned i = 0; i < MODES; i++) {
		bool works = device_captures(d, modes[i].mode, why);

		add(b, "    %s: %s\n", modes[i].name, works ? "works" : why);
	}
}

static void add_json_text(struct buf *b, const char *name, const char *text)
{
	add(b, "\"%s\":", name);
	buf_json_string(b, view_text(text));
}

static void add_json_device(struct buf *b, const struct device *d)
{
	char why[LIVE_DETAIL_SIZE], text[46];

	buf_char(b, '{');
	add_json_text(b, "name", d->name);
	add(b, ",\"index\":%d,\"state\":\"%s\",\"link_type\":\"%s\",\"mtu\":%u", d->index, d->state,
	    d->link_type, d->mtu);
	if (d->driver[0]) {
		buf_char(b, ',');
		add_json_text(b, "driver", d->driver);
	}
	buf_text(b, ",\"addresses\":[");
	for (unsigned i = 0; i < d->address_count; i++) {
		address_print(&d->address[i].address, text);
		add(b, "%s\"%s/%u\"", i ? "," : "", text, d->address[i].prefix);
	}
	buf_text(b, "],\"capture\":{");
	for (unsigned i = 0; i < MODES; i++) {
		bool works = device_captures(d, modes[i].mode, why);

		add(b, "%s\"%s\":{\"works\":%s", i ? "," : "", modes[i].name,
		    works ? "true" : "false");
		if (!works) {
			buf_char(b, ',');
			add_json_text(b, "reason", why);
		}
		buf_char(b, '}');
	}
	buf_text(b, "}}");
}

static int list(bool json)
{
	struct device *devices;
	struct buf b = {0};
	unsigned count;
	int err = devices_list(&devices, &count);

	if (err)
		return say_failed(command, "the interfaces cannot be listed: %s", err_text(err));
	if (json)
		buf_text(&b, "{\"interfaces\":[");
	for (unsigned i = 0; i < count; i++) {
		if (json && i)
			buf_char(&b, ',');
		(json ? add_json_device : add_text_device)(&b, &devices[i]);
	}
	if (json)
		buf_text(&b, "]}\n");
	free(devices);
	return say_out(command, &b);
}

int command_ifaces(int argc, char **argv)
{
	struct option_reader r = {.command = command, .rows = rows, .argv = argv, .argc = argc};
	bool json = false;
	struct buf b = {0};
	int row;

	while ((row = option_next(&r)) != OPTION_END) {
		switch (row) {
		case ROW_HELP:
			buf_text(&b, help);
			return say_out(command, &b);
		case ROW_FORMAT:
			json = strcmp(r.value, "json") == 0;
			if (!json && strcmp(r.value, "text") != 0)
				return say_usage(command, "--format is text or json, not \"%s\"",
						 r.value);
			break;
		case OPTION_WORD:
			return say_usage(command, "takes no words, and \"%s\" is one", r.value);
		default:
			return EXIT_USAGE;
		}
	}
	return list(json);
}
