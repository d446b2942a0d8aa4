/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions that the C library compiles at a bearable price.
 *
 * It copies what is repeated: a + doubles it, {n} takes it n times, and nested they multiply. Copies of what may be
 * empty, and repeated anchors, take it time that is exponential in their number. Nobody needs either.
 */
#include <string.h>

#include "roundtrip/where_impl.h"

enum { GROUPS_MAX = 16 }; /* of which each is in the one before: nobody reads more */

/* A part of a regular expression: what a repetition would repeat. */
struct part {
	unsigned copies; /* the most of anything in it */
	bool empty;      /* it may match nothing */
	bool anchor;     /* it holds one */
};

/* A group, or all of it. */
struct group {
	unsigned copies;
	bool anchor;
	bool solid; /* the branch so far matches something */
	bool empty; /* a branch before may match nothing */
};

struct expression {
	struct group group[GROUPS_MAX + 1];
	unsigned depth;
	struct part part; /* the last one, which is not in its group yet */
};

/* How many copies a repetition makes; `at` is moved to its last character. */
static unsigned copies_made(const char **at)
{
	unsigned most = 0, number = 0;

	if (**at != '{')
		return **at == '+' ? 2 : 1;
	for (const char *c = *at + 1; *c == ',' || (*c >= '0' && *c <= '9'); c++) {
		number = *c == ',' ? 0 : number * 10 + (unsigned)(*c - '0');
		number = number < WHERE_COPIES_MAX ? number : WHERE_COPIES_MAX;
		most = number > most ? number : most;
		*at = c;
	}
	*at += (*at)[1] == '}';
	return most + 1; /* {n,} takes one more */
}

/* The last character of the part at `at`: an escaped one, a set, or one alone. */
static const char *end_of_part(const char *at)
{
	if (*at == '\\')
		return at + (at[1] != 0);
	if (*at != '[')
		return at;
	const char *end = at + 1 + (at[1] == '^');

	end = *end ? strchr(end + 1, ']') : NULL; /* first in a set, ] means itself */
	return end ? end : at;
}

static const struct part no_part = {.copies = 1, .empty = true};

/* The last part is over. */
static void end_part(struct expression *e)
{
	struct group *g = &e->group[e->depth];

	g->copies = e->part.copies > g->copies ? e->part.copies : g->copies;
	g->anchor |= e->part.anchor;
	g->solid |= !e->part.empty;
	e->part = no_part;
}

static void end_branch(struct expression *e)
{
	struct group *g = &e->group[e->depth];

	end_part(e);
	g->empty |= !g->solid;
	g->solid = false;
}

/* False: it repeats what it must not, or too often. */
static bool repeat(struct expression *e, const char **at)
{
	bool star = **at == '*' || **at == '?', none = (*at)[1] == '0' || (*at)[1] == ',';
	bool many = **at == '{' && none;
	unsigned copies = copies_made(at);

	if (e->part.anchor || (!star && e->part.empty))
		return false;
	e->part.copies *= copies;
	e->part.empty |= star || many;
	return e->part.copies <= WHERE_COPIES_MAX;
}

static void take_part(struct expression *e, const char **at)
{
	const char *end = end_of_part(*at);
	bool escaped = **at == '\\' && strchr("bB<>`'", end[0]);

	end_part(e);
	e->part.anchor = e->part.empty = **at == '^' || **at == '$' || escaped;
	*at = end;
}

static bool is_copied_too_often(const char *regex)
{
	struct expression e = {.part = no_part};

	for (; *regex; regex++) {
		if (strchr("+*?{", *regex)) {
			if (!repeat(&e, &regex))
				return true;
		} else if (*regex == '(') {
			end_part(&e);
			if (e.depth++ == GROUPS_MAX)
				return true;
			e.group[e.depth] = (struct group){0};
		} else if (*regex == ')' && e.depth) {
			end_branch(&e);
			const struct group *g = &e.group[e.depth--];

			e.part = (struct part){g->copies, g->empty, g->anchor};
		} else if (*regex == '|') {
			end_branch(&e);
		} else {
			take_part(&e, &regex);
		}
	}
	return false;
}

bool where_regex_is_cheap(const char *regex)
{
	unsigned repeats = 0, counts = 0;

	for (const char *c = regex; *c; c++) {
		repeats += *c == '+' || *c == '*' || *c == '?';
		counts += *c == '{';
	}
	return repeats <= WHERE_REPEATS_MAX && counts <= WHERE_COUNTS_MAX &&
	       !is_copied_too_often(regex);
}
