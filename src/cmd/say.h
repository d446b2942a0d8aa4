/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How the program speaks to its user: results on stdout, everything else as one line on stderr that says
 * what, where, and what to do.
 */
#include "core/buf.h"

enum exit_status {
	EXIT_FINE = 0,
	EXIT_FAILED = 1, /* a file, memory, a write */
	EXIT_USAGE = 2,  /* the command line is wrong */
};

/* "wirespan COMMAND: text" on stderr (COMMAND NULL: without); the exit status is returned. */
__attribute__((format(printf, 2, 3))) int say_usage(const char *command, const char *format, ...);
__attribute__((format(printf, 2, 3))) int say_failed(const char *command, const char *format, ...);

/* Writes the buffer to stdout, and is done with it. A reader that went away is no failure. */
int say_out(const char *command, struct buf *b);

/* Whether to colour what is written, to a terminal or not; https://no-color.org */
bool say_colours(bool terminal);

/* The word of a NULL-terminated list that is nearest to `word`, NULL when none is near. */
const char *say_nearest(const char *word, const char *const *list);
