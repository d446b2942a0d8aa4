/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cmd/say.h"
#include "cmd/stat.h"
#include "core/time.h"

static struct stat_options o;

static int parse(const char *first, ...)
{
	const char *argv[16];
	int argc = 0;
	va_list list;

	va_start(list, first);
	for (const char *word = first; word; word = va_arg(list, const char *))
		argv[argc++] = word;
	va_end(list);
	stat_options_done(&o);
	return stat_options_parse(argc, (char **)argv, &o);
}

static void setup(void)
{
	cr_redirect_stderr();
	memset(&o, 0, sizeof(o));
}

static void teardown(void)
{
	stat_options_done(&o);
}

TestSuite(stat_options, .init = setup, .fini = teardown);

Test(stat_options, defaults)
{
	cr_assert_eq(parse("-r", "a", NULL), 0);
	cr_assert_eq(o.read.workers, 0);
	cr_assert_eq(o.top, STAT_TOP);
	cr_assert_eq(o.interval_ns, 0);
	cr_assert(o.read.decode);
	cr_assert_not(o.json || o.text);
}

Test(stat_options, everything)
{
	cr_assert_eq(parse("-r", "a", "--interval", "1.5s", "--format=json", "--top", "3",
			   "--workers", "4", "--status", "error", "--slower", "2ms", "--only",
			   "none", NULL),
		     0);
	cr_assert_eq(o.interval_ns, 1500 * NS_PER_MS);
	cr_assert(o.json);
	cr_assert_eq(o.top, 3);
	cr_assert_eq(o.read.workers, 4);
	cr_assert_eq(o.read.slower_ns, 2 * NS_PER_MS);
	cr_assert_eq(o.read.statuses, 1u << STATUS_ERROR);
	cr_assert_not(o.read.decode);
}

Test(stat_options, intervals)
{
	static const char *const wrong[] = {"0", "5ms", "15ms", "x", "", "-1s", "9000h"};

	for (unsigned i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		cr_assert_eq(parse("-r", "a", "--interval", wrong[i], NULL), EXIT_USAGE, "%s",
			     wrong[i]);
	cr_assert_eq(parse("-r", "a", "--interval", "10ms", NULL), 0);
	cr_assert_eq(parse("-r", "a", "--interval", "2", NULL), 0);
	cr_assert_eq(o.interval_ns, 2 * NS_PER_S);
}

Test(stat_options, mistakes)
{
	cr_assert_eq(parse("--format", "none", "-r", "a", NULL), EXIT_USAGE);
	cr_assert_eq(parse("--top", "0", "-r", "a", NULL), EXIT_USAGE);
	cr_assert_eq(parse("--top", "1001", "-r", "a", NULL), EXIT_USAGE);
	cr_assert_eq(parse("--headers", "-r", "a", NULL), EXIT_USAGE);
	cr_assert_eq(parse("--interval", "1s", NULL), EXIT_USAGE);
	cr_assert_eq(parse("--help", NULL), 0);
	cr_assert(o.read.help);
}
