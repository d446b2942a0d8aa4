/* SPDX-License-Identifier: Apache-2.0 */
/* wirespan version */
#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/say.h"

static const char help[] = "Usage: wirespan version\n"
			   "\n"
			   "Prints the version, and which optional parts were built in.\n";

static const struct option_row rows[] = {{"help", 'h', NULL}, {0}};

int command_version(int argc, char **argv)
{
	struct option_reader r = {.command = "version", .rows = rows, .argv = argv, .argc = argc};
	struct buf b = {0};
	int row = option_next(&r);

	if (row == OPTION_WRONG)
		return EXIT_USAGE;
	if (row == OPTION_WORD)
		return say_usage("version", "takes no argument, and got \"%s\"", r.value);
	if (row != OPTION_END) {
		buf_text(&b, help);
		return say_out("version", &b);
	}
	buf_text(&b, "wirespan " PACKAGE_VERSION "\ncaptures: pcap, pcapng, gzip");
#ifdef HAVE_ZSTD
	buf_text(&b, ", zstd");
#endif
#ifdef HAVE_LZ4
	buf_text(&b, ", lz4");
#endif
	buf_char(&b, '\n');
	return say_out("version", &b);
}
