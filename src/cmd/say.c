/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "roundtrip/units.h"

static void say(const char *command, const char *format, va_list list)
{
	fprintf(stderr, "wirespan%s%s: ", command ? " " : "", command ? command : "");
	vfprintf(stderr, format, list);
	fputc('\n', stderr);
}

int say_usage(const char *command, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	say(command, format, list);
	va_end(list);
	return EXIT_USAGE;
}

int say_failed(const char *command, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	say(command, format, list);
	va_end(list);
	return EXIT_FAILED;
}

int say_out(const char *command, struct buf *b)
{
	int status = EXIT_FINE;

	if (b->failed)
		status = say_failed(command, "out of memory");
	for (size_t at = 0; status == EXIT_FINE && at < b->size;) {
		ssize_t n = write(STDOUT_FILENO, b->data + at, b->size - at);

		if (n >= 0)
			at += (size_t)n;
		else if (errno == EPIPE)
			break;
		else if (errno != EINTR)
			status = say_failed(command, "cannot write to standard output: %s",
					    strerror(errno));
	}
	buf_done(b);
	return status;
}

bool say_colours(bool terminal)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return terminal && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

const char *say_nearest(const char *word, const char *const *list)
{
	const char *nearest = NULL;
	unsigned best = 255;

	for (; *list; list++) {
		unsigned distance = word_distance(view_text(word), view_text(*list));

		/* "stat" is far from "status" letter by letter, and yet what was meant. */
		if (word[0] && word[1] && strncmp(*list, word, strlen(word)) == 0)
			distance = 1;
		else if (!word_is_near(distance, (uint32_t)strlen(word)))
			continue;
		if (distance < best) {
			best = distance;
			nearest = *list;
		}
	}
	return nearest;
}
