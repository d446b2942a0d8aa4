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

#define SHIFT_NS (5 * NS_PER_MS)
#define LATER_NS (123456 * NS_PER_S)
#define BESIDE_NS (20 * NS_PER_US) /* from one interface of a machine to the next */
#define BEHIND_NS (3 * NS_PER_MS)

static const struct {
	const char *name;
	bool to_ipv6, other_ports;
	enum surgery_wrap wrap;
} moves[] = {
	{"ipv6", true, false, SURGERY_BARE},     {"ports", false, true, SURGERY_BARE},
	{"vlan", false, false, SURGERY_VLAN},    {"qinq", false, false, SURGERY_QINQ},
	{"wrap", false, false, SURGERY_VXLAN},   {"geneve", false, false, SURGERY_GENEVE},
	{"rebuild", false, false, SURGERY_BARE},
};

enum { MOVES = sizeof(moves) / sizeof(moves[0]) };

static int usage(void)
{
	fputs("usage: surgery WHAT [--seed N] [--percent P] [--burst N] [--map DIR] [--list FILE] "
	      "IN OUT\n"
	      "WHAT: copy, us, pcapng; one-byte, random, 64k; fragments, fragments-reversed; ipv6, "
	      "ports, rebuild, vlan, qinq, wrap, geneve; shift-client, shift-server, skew-client, "
	      "later; "
	      "repeat, "
	      "elsewhere, elsewhere-late, elsewhere-nearer, elsewhere-any; cross, answer-first; "
	      "drop\n",
	      stderr);
	return 2;
}

static bool copies(struct surgery *s, const char *what)
{
	if (!strcmp(what, "us"))
		s->format = SURGERY_PCAP_US;
	else if (!strcmp(what, "pcapng"))
		s->format = SURGERY_PCAPNG;
	else
		return !strcmp(what, "copy");
	return true;
}

static bool moves_it(struct surgery *s, const char *what)
{
	for (unsigned i = 0; i < MOVES; i++) {
		if (strcmp(what, moves[i].name) != 0)
			continue;
		surgery_move(s, moves[i].to_ipv6, moves[i].other_ports, moves[i].wrap);
		return true;
	}
	return false;
}

static bool cuts(struct surgery *s, const char *what)
{
	if (!strcmp(what, "one-byte"))
		surgery_segment(s, SURGERY_ONE_BYTE);
	else if (!strcmp(what, "random"))
		surgery_segment(s, SURGERY_RANDOM);
	else if (!strcmp(what, "64k"))
		surgery_segment(s, SURGERY_64K);
	else if (!strcmp(what, "fragments"))
		surgery_fragment(s, false);
	else if (!strcmp(what, "fragments-reversed"))
		surgery_fragment(s, true);
	else
		return false;
	return true;
}

static bool repeats(struct surgery *s, const char *what)
{
	if (!strcmp(what, "repeat"))
		surgery_repeat(s);
	else if (!strcmp(what, "elsewhere"))
		surgery_elsewhere(s, BESIDE_NS, SURGERY_FIRST);
	else if (!strcmp(what, "elsewhere-late"))
		surgery_elsewhere(s, BEHIND_NS, SURGERY_FIRST);
	else if (!strcmp(what, "elsewhere-nearer"))
		surgery_elsewhere(s, BESIDE_NS, SURGERY_NEARER);
	else if (!strcmp(what, "elsewhere-any"))
		surgery_elsewhere(s, BESIDE_NS, SURGERY_ANY);
	else
		return false;
	return true;
}

static bool confuses(struct surgery *s, const char *what)
{
	if (!strcmp(what, "cross"))
		surgery_cross(s, SHIFT_NS);
	else if (!strcmp(what, "answer-first"))
		surgery_answer_first(s, SHIFT_NS);
	else if (!strcmp(what, "skew-client"))
		surgery_skew(s, false, SHIFT_NS);
	else if (!strcmp(what, "shift-client"))
		surgery_shift(s, false, SHIFT_NS);
	else if (!strcmp(what, "shift-server"))
		surgery_shift(s, true, SHIFT_NS);
	else if (!strcmp(what, "one-id"))
		surgery_one_id(s);
	else if (!strcmp(what, "later"))
		surgery_delay(s, LATER_NS);
	else
		return false;
	return true;
}

static bool operate(struct surgery *s, const char *what, double percent, unsigned burst)
{
	if (!strcmp(what, "drop")) {
		printf("%zu\n", surgery_drop(s, percent, burst));
		return true;
	}
	return copies(s, what) || moves_it(s, what) || cuts(s, what) || repeats(s, what) ||
	       confuses(s, what);
}

int main(int argc, char **argv)
{
	const char *map = NULL, *list = NULL, *paths[2] = {NULL, NULL};
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
		else if (!strcmp(argv[i], "--list"))
			list = value;
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
	if (!err && list)
		err = surgery_list(&s, list);
	if (err)
		fprintf(stderr, "surgery: %s: %s\n", paths[1], err_text(err));
	surgery_free(&s);
	return err != 0;
}
