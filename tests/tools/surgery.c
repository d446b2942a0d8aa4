/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transforms a capture file (tests/lib/surgery.h); tests/transform/run.sh compares what the program says of both.
 * The exit status is 0, 1 (cannot read or write) or 2 (usage).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/time.h"
#include "tests/lib/surgery.h"

enum { SHIFT_MS = 5 };

static int usage(void)
{
	fputs("usage: surgery WHAT [--seed N] [--percent P] [--burst N] [--map DIR] IN OUT\n"
	      "WHAT: copy, one-byte, random, 64k, ipv6, ports, wrap, shift-client, shift-server, "
	      "drop\n",
	      stderr);
	return 2;
}

static bool operate(struct surgery *s, const char *what, double percent, unsigned burst)
{
	if (!strcmp(what, "one-byte"))
		surgery_segment(s, SURGERY_ONE_BYTE);
	else if (!strcmp(what, "random"))
		surgery_segment(s, SURGERY_RANDOM);
	else if (!strcmp(what, "64k"))
		surgery_segment(s, SURGERY_64K);
	else if (!strcmp(what, "ipv6"))
		surgery_move(s, true, false, false);
	else if (!strcmp(what, "ports"))
		surgery_move(s, false, true, false);
	else if (!strcmp(what, "wrap"))
		surgery_move(s, false, false, true);
	else if (!strcmp(what, "shift-client"))
		surgery_shift(s, false, SHIFT_MS * NS_PER_MS);
	else if (!strcmp(what, "shift-server"))
		surgery_shift(s, true, SHIFT_MS * NS_PER_MS);
	else if (!strcmp(what, "drop"))
		printf("%zu\n", surgery_drop(s, percent, burst));
	else
		return !strcmp(what, "copy");
	return true;
}

int main(int argc, char **argv)
{
	const char *map = NULL, *paths[2] = {NULL, NULL};
	unsigned path_count = 0, burst = 1;
	uint64_t seed = 1;
	double percent = 1;
	if (argc < 2)
		return usage();
	for (int i = 2; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";
		if (strncmp(argv[i], "--", 2) != 0) {
			if (path_count == 2)
				return usage();
			paths[path_count++] = argv[i];
			continue;
		}
		if (!strcmp(argv[i], "--seed"))
			seed = strtoull(value, NULL, 0);
		else if (!strcmp(argv[i], "--percent"))
			percent = strtod(value, NULL);
		else if (!strcmp(argv[i], "--burst"))
			burst = (unsigned)strtoul(value, NULL, 0);
		else if (!strcmp(argv[i], "--map"))
			map = value;
		else
			return usage();
		i++;
	}
	if (path_count != 2 || burst == 0)
		return usage();
	struct surgery s;
	int err = surgery_load(paths[0], seed, &s);
	if (err) {
		fprintf(stderr, "surgery: %s: %s\n", paths[0], err_text(err));
		return 1;
	}
	if (!operate(&s, argv[1], percent, burst))
		return usage();
	err = surgery_save(&s, paths[1]);
	if (!err && map)
		err = surgery_map(&s, map);
	if (err)
		fprintf(stderr, "surgery: %s: %s\n", paths[1], err_text(err));
	surgery_free(&s);
	return err != 0;
}
