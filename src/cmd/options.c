/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/options.h"

#include <stddef.h>
#include <string.h>

#include "cmd/say.h"

enum { ROWS_MAX = 64 };

static int say_unknown(const struct option_reader *r, const char *name, size_t size)
{
	const char *names[ROWS_MAX + 1] = {NULL};
	char word[64];

	for (unsigned i = 0; r->rows[i].name && i < ROWS_MAX; i++)
		names[i] = r->rows[i].name;
	if (size >= sizeof(word))
		size = sizeof(word) - 1;
	memcpy(word, name, size);
	word[size] = 0;

	const char *near = say_nearest(word, names);

	if (near)
		say_usage(r->command, "unknown option --%s; did you mean --%s?", word, near);
	else
		say_usage(r->command, "unknown option --%s; see wirespan %s --help", word,
			  r->command);
	return OPTION_WRONG;
}

static int take_value(struct option_reader *r, int row, const char *attached, const char *dashes,
		      const char *shown)
{
	const struct option_row *option = &r->rows[row];

	if (!option->value && attached) {
		say_usage(r->command, "%s%s takes no value", dashes, shown);
		return OPTION_WRONG;
	}
	if (!option->value)
		return row;
	if (!attached && r->at < r->argc)
		attached = r->argv[r->at++];
	if (!attached) {
		say_usage(r->command, "%s%s needs a value: %s%s %s", dashes, shown, dashes, shown,
			  option->value);
		return OPTION_WRONG;
	}
	r->value = attached;
	return row;
}

static int take_letter(struct option_reader *r)
{
	const char shown[2] = {*r->letters++, 0};
	const char *rest = *r->letters ? r->letters : NULL;
	int row = 0;

	while (r->rows[row].name && r->rows[row].letter != shown[0])
		row++;
	if (!r->rows[row].name) {
		say_usage(r->command, "unknown option -%s; see wirespan %s --help", shown,
			  r->command);
		return OPTION_WRONG;
	}
	if (!r->rows[row].value) {
		r->letters = rest;
		return row;
	}
	r->letters = NULL;
	return take_value(r, row, rest, "-", shown);
}

int option_next(struct option_reader *r)
{
	r->value = NULL;
	if (r->letters)
		return take_letter(r);
	if (!r->words_only && r->at < r->argc && strcmp(r->argv[r->at], "--") == 0) {
		r->words_only = true;
		r->at++;
	}
	if (r->at == r->argc)
		return OPTION_END;

	const char *word = r->argv[r->at++];

	if (r->words_only || word[0] != '-' || !word[1]) {
		r->value = word;
		return OPTION_WORD;
	}
	if (word[1] != '-') {
		r->letters = word + 1;
		return take_letter(r);
	}

	const char *name = word + 2, *equals = strchr(name, '=');
	size_t size = equals ? (size_t)(equals - name) : strlen(name);
	int row = 0;

	while (r->rows[row].name &&
	       (strlen(r->rows[row].name) != size || memcmp(r->rows[row].name, name, size) != 0))
		row++;
	if (!r->rows[row].name)
		return say_unknown(r, name, size);
	return take_value(r, row, equals ? equals + 1 : NULL, "--", r->rows[row].name);
}
