/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/options.h"
#include "cmd/say.h"

static const struct option_row rows[] = {
	{"verbose", 'v', NULL},
	{"read", 'r', "FILE"},
	{"count", 0, "NUMBER"},
	{0},
};

enum { VERBOSE, READ, COUNT };

/* What is read, written as "row=value row=value ...". */
static const char *read_all(const char *first, ...)
{
	static char got[200];
	const char *argv[16];
	struct option_reader r = {.command = "test", .rows = rows, .argv = (char **)argv};
	va_list list;
	int row;

	va_start(list, first);
	for (const char *word = first; word; word = va_arg(list, const char *))
		argv[r.argc++] = word;
	va_end(list);
	got[0] = 0;
	do {
		row = option_next(&r);
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%d=%s ", row,
			 r.value ? r.value : "");
	} while (row != OPTION_END && row != OPTION_WRONG);
	return got;
}

Test(options, forms)
{
	cr_assert_str_eq(read_all("--verbose", "--read", "a", "--read=b", "--read=", NULL),
			 "0= 1=a 1=b 1= -1= ");
	cr_assert_str_eq(read_all("-v", "-r", "a", "-rb", "-vrc", "-vv", NULL),
			 "0= 1=a 1=b 0= 1=c 0= 0= -1= ");
	cr_assert_str_eq(read_all("tcp", "-", "--", "-v", "--", NULL),
			 "-2=tcp -2=- -2=-v -2=-- -1= ");
	cr_assert_str_eq(read_all("--count", "-5", NULL), "2=-5 -1= ");
	cr_assert_str_eq(read_all(NULL), "-1= ");
}

Test(options, mistakes, .init = cr_redirect_stderr)
{
	cr_assert_str_eq(read_all("--cuont", "5", NULL), "-3= ");
	cr_assert_str_eq(read_all("--nothing-like-it", NULL), "-3= ");
	cr_assert_str_eq(read_all("-x", NULL), "-3= ");
	cr_assert_str_eq(read_all("--count", NULL), "-3= ");
	cr_assert_str_eq(read_all("-r", NULL), "-3= ");
	cr_assert_str_eq(read_all("--verbose=1", NULL), "-3= ");
	fflush(stderr);
	cr_assert_stderr_eq_str(
		"wirespan test: unknown option --cuont; did you mean --count?\n"
		"wirespan test: unknown option --nothing-like-it; see wirespan test --help\n"
		"wirespan test: unknown option -x; see wirespan test --help\n"
		"wirespan test: --count needs a value: --count NUMBER\n"
		"wirespan test: -r needs a value: -r FILE\n"
		"wirespan test: --verbose takes no value\n");
}

Test(say, nearest)
{
	static const char *const words[] = {"log", "protocols", "version", NULL};

	cr_assert_str_eq(say_nearest("lgo", words), "log");
	cr_assert_str_eq(say_nearest("proto", words), "protocols");
	cr_assert_str_eq(say_nearest("versoin", words), "version");
	cr_assert_null(say_nearest("agent", words));
	cr_assert_null(say_nearest("", words));
}
