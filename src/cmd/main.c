/* SPDX-License-Identifier: Apache-2.0 */
/* The program: picks the subcommand. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/say.h"

static const char help[] =
	"wirespan reads network packets and tells what the applications behind them said: each\n"
	"request with its answer, how long the answer took, and what went wrong.\n"
	"\n"
	"  wirespan log -r FILE     the round trips in a capture file, one a line\n"
	"  wirespan log -i eth0     the same, live from a network interface (any: from all)\n"
	"  wirespan stat -r FILE    how many, how fast, how much, who, and what was lost\n"
	"  wirespan stat -i eth0    the same, live\n"
	"  wirespan ifaces          the interfaces, and how they can be listened to\n"
	"  wirespan protocols       the protocols it understands, and their fields\n"
	"  wirespan version         the version\n"
	"\n"
	"Each command explains itself: wirespan log --help\n"
	"\n"
	"For a start, look at what this machine says (it takes root, or CAP_NET_RAW):\n"
	"\n"
	"  sudo wirespan log -i any 'tcp port 80'\n";

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{"ifaces", command_ifaces}, {"log", command_log},         {"protocols", command_protocols},
	{"stat", command_stat},     {"version", command_version},
};

enum { COMMANDS = sizeof(commands) / sizeof(*commands) };

static int say_unknown(const char *word)
{
	const char *names[COMMANDS + 1] = {NULL};

	for (unsigned i = 0; i < COMMANDS; i++)
		names[i] = commands[i].name;
	const char *near = say_nearest(word, names);

	if (near)
		return say_usage(NULL, "unknown command \"%s\"; did you mean wirespan %s?", word,
				 near);
	return say_usage(NULL, "unknown command \"%s\"; see wirespan --help", word);
}

static int say_help(void)
{
	struct buf b = {0};

	buf_text(&b, help);
	return say_out(NULL, &b);
}

int main(int argc, char **argv)
{
	char *ask_help[] = {(char[]){"--help"}, NULL};
	const char *word = argc > 1 ? argv[1] : "";

	/* A reader that goes away shows as EPIPE where we write. */
	signal(SIGPIPE, SIG_IGN);
	if (!*word) {
		fputs(help, stderr);
		return EXIT_USAGE;
	}
	bool helps = strcmp(word, "help") == 0;

	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || (helps && argc == 2))
		return say_help();
	if (strcmp(word, "--version") == 0)
		word = "version";
	if (helps)
		word = argv[2];
	for (unsigned i = 0; i < COMMANDS; i++) {
		if (strcmp(word, commands[i].name) == 0)
			return helps ? commands[i].run(1, ask_help)
				     : commands[i].run(argc - 2, argv + 2);
	}
	return say_unknown(word);
}
