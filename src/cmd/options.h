/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Reads a command line by a table: --name, --name=value, --name value, -x, -xvalue, -x value, and words. "--"
 * ends the options; "-" is a word.
 */
#include <stdbool.h>

struct option_row {
	const char *name;  /* without dashes; NULL ends the table */
	char letter;       /* 0: none */
	const char *value; /* what it takes, as the help calls it; NULL: nothing */
};

struct option_reader {
	const char *command; /* for messages */
	const struct option_row *rows;
	char **argv;
	int argc, at;        /* argv[at] is next; begin with 0 and argv[0] the first argument */
	bool words_only;     /* "--" was seen */
	const char *letters; /* rest of a cluster of letters: "-vh" */
	const char *value;   /* of the option or word just read */
};

enum { OPTION_END = -1, OPTION_WORD = -2, OPTION_WRONG = -3 };

/* Index of the row read, or one of the above; WRONG has been said to the user already. */
int option_next(struct option_reader *r);
