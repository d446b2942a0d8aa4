/* SPDX-License-Identifier: Apache-2.0 */
/* wirespan protocols: what it understands, and what --where may name. */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/say.h"
#include "protocols/all.h"
#include "roundtrip/where.h"

static const char help[] =
	"Usage: wirespan protocols [NAME...]\n"
	"\n"
	"Lists the protocols that wirespan understands and the fields of their round trips, as "
	"they\n"
	"stand in the JSON lines and as --where names them; with NAME, only these protocols.\n"
	"\n"
	"  wirespan protocols\n"
	"  wirespan protocols http\n"
	"  wirespan log -r FILE --where 'response.status_code >= 500 and duration > 100ms'\n"
	"\n"
	"Types: text, number (500, 10KiB), duration (0.25, 100ms), time (2026-01-31T12:00), "
	"address\n"
	"(10.0.0.1, 10.0.0.0/8), name (one of a few words), flag (there or not), list (any element "
	"may\n"
	"match), pairs (write the name behind a dot: request.headers.host).\n";

static const struct option_row rows[] = {{"help", 'h', NULL}, {0}};

enum { NAMES_MAX = 64 };

static const struct protocol_ops *find(const char *name)
{
	for (unsigned i = 0; protocols_all[i]; i++) {
		if (strcmp(protocols_all[i]->name, name) == 0)
			return protocols_all[i];
	}
	return NULL;
}

static int say_unknown(const char *name)
{
	const char *names[NAMES_MAX + 1] = {NULL};

	for (unsigned i = 0; protocols_all[i] && i < NAMES_MAX; i++)
		names[i] = protocols_all[i]->name;
	const char *near = say_nearest(name, names);

	if (near)
		return say_usage("protocols", "unknown protocol \"%s\"; did you mean %s?", name,
				 near);
	return say_usage("protocols", "unknown protocol \"%s\"; see wirespan protocols", name);
}

static void add_protocol(struct buf *b, const struct protocol_ops *ops)
{
	const uint16_t *port = ops->port_hints;

	buf_text(b, ops->name);
	buf_text(b, ops->transports & TRANSPORT_TCP ? " over TCP" : " over UDP");
	if ((ops->transports & TRANSPORT_TCP) && (ops->transports & TRANSPORT_UDP))
		buf_text(b, " and UDP");
	buf_text(b, ", found by its content");
	for (const char *before = "; usual ports "; port && *port; port++, before = ", ") {
		buf_text(b, before);
		buf_u64(b, *port);
	}
	buf_char(b, '\n');
	if (ops->fields && ops->fields->name)
		where_fields(b, ops);
	else
		buf_text(b, "  (recognised only: it gives no round trips)\n");
	buf_char(b, '\n');
}

static void add_all(struct buf *b)
{
	for (unsigned i = 0; protocols_all[i]; i++)
		add_protocol(b, protocols_all[i]);
	buf_text(b, "every protocol\n");
	where_fields(b, NULL);
}

int command_protocols(int argc, char **argv)
{
	struct option_reader r = {.command = "protocols", .rows = rows, .argv = argv, .argc = argc};
	struct buf b = {0};
	unsigned named = 0;
	int row;

	while ((row = option_next(&r)) != OPTION_END) {
		const struct protocol_ops *ops = row == OPTION_WORD ? find(r.value) : NULL;

		if (ops) {
			add_protocol(&b, ops);
			named++;
			continue;
		}
		buf_done(&b);
		if (row == OPTION_WRONG)
			return EXIT_USAGE;
		if (row == OPTION_WORD)
			return say_unknown(r.value);
		buf_text(&b, help);
		return say_out("protocols", &b);
	}
	if (!named)
		add_all(&b);
	return say_out("protocols", &b);
}
