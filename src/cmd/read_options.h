/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The options that every command has that reads packets: which, how they are decoded, and which of the round trips
 * count. A command puts READ_OPTION_ROWS first in its table and numbers its own rows from READ_ROWS on.
 */
#include "agent/pipeline.h"
#include "cmd/options.h"
#include "protocol/registry.h"
#include "roundtrip/where.h"

enum read_row {
	READ_ROW_HELP,
	READ_ROW_SCHEMA,
	READ_ROW_READ,
	READ_ROW_PROTOCOL,
	READ_ROW_ONLY,
	READ_ROW_STATUS,
	READ_ROW_SLOWER,
	READ_ROW_WHERE,
	READ_ROW_WORKERS,
	READ_ROW_INTERFACE,
	READ_ROW_CAPTURE,
	READ_ROW_RING,
	READ_ROW_SNAPLEN,
	READ_ROW_PROMISCUOUS,
	READ_ROWS,
};

/* clang-format off */
#define READ_OPTION_ROWS                                                                           \
	[READ_ROW_HELP] = {"help", 'h', NULL},                                                     \
	[READ_ROW_SCHEMA] = {"schema", 0, NULL},                                                   \
	[READ_ROW_READ] = {"read", 'r', "FILE"},                                                   \
	[READ_ROW_PROTOCOL] = {"protocol", 0, "NAME:PORT[,PORT]"},                                 \
	[READ_ROW_ONLY] = {"only", 0, "NAME[,NAME]|none"},                                         \
	[READ_ROW_STATUS] = {"status", 0, "error,unanswered"},                                     \
	[READ_ROW_SLOWER] = {"slower", 0, "100ms"},                                                \
	[READ_ROW_WHERE] = {"where", 0, "EXPRESSION"},                                             \
	[READ_ROW_WORKERS] = {"workers", 0, "NUMBER"},                                             \
	[READ_ROW_INTERFACE] = {"interface", 'i', "NAME[,NAME]|any"},                              \
	[READ_ROW_CAPTURE] = {"capture", 0, "auto|afpacket|pcap"},                                 \
	[READ_ROW_RING] = {"ring", 0, "8M"},                                                       \
	[READ_ROW_SNAPLEN] = {"snaplen", 0, "BYTES"},                                              \
	[READ_ROW_PROMISCUOUS] = {"promiscuous", 0, NULL}
/* clang-format on */

struct read_options {
	const char *command; /* for messages */
	bool help, schema;
	const char **paths; /* of -r; the words themselves belong to argv */
	unsigned path_count;
	struct live_options live;  /* its interfaces NULL: files */
	char *filter;              /* the words of the BPF filter, joined; NULL: none */
	struct registry *registry; /* with the port rules and --only */
	bool decode;               /* false: --only none */
	unsigned workers;          /* 0: as many as are good */
	unsigned statuses;
	uint64_t slower_ns;
	struct where *where;
	/* until read_options_check() */
	const char *where_text, *first_word;
	struct buf words; /* of the filter */
	bool only_none, only_some;
};

/* To be given to read_options_done() in any case. 0, or an exit status: the user was told; so for the others. */
int read_options_init(struct read_options *o, const char *command);
/* One row of READ_OPTION_ROWS, or a word. */
int read_options_take(struct read_options *o, int row, const char *value);
/* The command line was read: is it complete, and do filter and expression make sense? */
int read_options_check(struct read_options *o);
void read_options_done(struct read_options *o);

/* A number of an option, from 1 to `max`. */
int read_options_number(const struct read_options *o, const char *option, const char *text,
			uint64_t max, uint64_t *ret);
/* A time of an option. */
int read_options_time(const struct read_options *o, const char *option, const char *text,
		      uint64_t *ret_ns);
