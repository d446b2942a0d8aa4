/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cmd/log.h"
#include "cmd/say.h"

static struct log_options o;

static int parse(const char *first, ...)
{
	const char *argv[16];
	int argc = 0;
	va_list list;

	va_start(list, first);
	for (const char *word = first; word; word = va_arg(list, const char *))
		argv[argc++] = word;
	va_end(list);
	log_options_done(&o);
	return log_options_parse(argc, (char **)argv, &o);
}

static void setup(void)
{
	cr_redirect_stderr();
	memset(&o, 0, sizeof(o));
}

static void teardown(void)
{
	log_options_done(&o);
}

TestSuite(log_options, .init = setup, .fini = teardown);

Test(log_options, defaults)
{
	cr_assert_eq(parse("-r", "a", NULL), 0);
	cr_assert_eq(o.read.path_count, 1);
	cr_assert_str_eq(o.read.paths[0], "a");
	cr_assert_eq(o.format, LOG_FORMAT_AUTO);
	cr_assert_eq(o.read.workers, 0);
	cr_assert_eq(o.read.statuses, 0);
	cr_assert(o.read.decode);
	cr_assert_null(o.read.filter);
	cr_assert_null(o.read.where);
	cr_assert_not(o.headers || o.show_secrets || o.verbose || o.summary_json || o.read.help ||
		      o.read.schema);
}

Test(log_options, everything)
{
	cr_assert_eq(parse("-r", "a", "--read=b", "--format", "none", "--summary=json", "--headers",
			   "--show-secrets", "--workers", "3", "--slower", "1.5ms", "--count", "7",
			   "-v", NULL),
		     0);
	cr_assert_eq(o.read.path_count, 2);
	cr_assert_eq(o.format, LOG_FORMAT_NONE);
	cr_assert_eq(o.read.workers, 3);
	cr_assert_eq(o.read.slower_ns, 1500000);
	cr_assert_eq(o.count, 7);
	cr_assert(o.headers && o.show_secrets && o.verbose && o.summary_json);

	cr_assert_eq(parse("-r", "a", "--status", "error,unanswered", "--status=orphan", "--where",
			   "status = ok", NULL),
		     0);
	cr_assert_eq(o.read.statuses,
		     1u << STATUS_ERROR | 1u << STATUS_UNANSWERED | 1u << STATUS_ORPHAN);
	cr_assert_not_null(o.read.where);
}

Test(log_options, filter_words_are_joined)
{
	cr_assert_eq(parse("-r", "a", "tcp", "port", "80", NULL), 0);
	cr_assert_str_eq(o.read.filter, "tcp port 80");
	cr_assert_eq(parse("-r", "a", "tcp port 80", NULL), 0);
	cr_assert_str_eq(o.read.filter, "tcp port 80");
	cr_assert_eq(parse("-r", "a", "tcp", "prot", "80", NULL), EXIT_USAGE);
}

Test(log_options, port_rules)
{
	bool second;

	cr_assert_eq(parse("-r", "a", "--protocol", "http:81,8081", "--protocol=http:9000", NULL),
		     0);
	cr_assert_str_eq(registry_rule_of(o.read.registry, 1, 81, &second)->name, "http");
	cr_assert_str_eq(registry_rule_of(o.read.registry, 9000, 2, &second)->name, "http");
	cr_assert_null(registry_rule_of(o.read.registry, 80, 80, &second));
	cr_assert_eq(parse("-r", "a", "--protocol", "http", NULL), EXIT_USAGE);
	cr_assert_eq(parse("-r", "a", "--protocol", "http:", NULL), EXIT_USAGE);
	cr_assert_eq(parse("-r", "a", "--protocol", "http:80,", NULL), 0);
	cr_assert_eq(parse("-r", "a", "--protocol", "http:65536", NULL), EXIT_USAGE);
	cr_assert_eq(parse("-r", "a", "--protocol", "http:0", NULL), EXIT_USAGE);
	cr_assert_eq(parse("-r", "a", "--protocol", "htpt:80", NULL), EXIT_USAGE);
	cr_assert_eq(parse("-r", "a", "--protocol", ":80", NULL), EXIT_USAGE);
}

Test(log_options, only)
{
	const struct protocol_ops *http;

	cr_assert_eq(parse("-r", "a", "--only", "http", NULL), 0);
	http = registry_find(o.read.registry, view_text("http"));
	for (unsigned i = 0; i < registry_count(o.read.registry); i++)
		cr_assert_eq(registry_enabled(o.read.registry, i, TRANSPORT_TCP),
			     registry_at(o.read.registry, i) == http);
	cr_assert(o.read.decode);
	cr_assert_eq(parse("-r", "a", "--only", "none", NULL), 0);
	cr_assert_not(o.read.decode);
	cr_assert_eq(parse("-r", "a", "--only", "none,http", NULL), EXIT_USAGE);
	cr_assert_eq(parse("-r", "a", "--only", "htp", NULL), EXIT_USAGE);
	cr_assert_eq(parse("-r", "a", "--only", "", NULL), EXIT_USAGE);
}

Test(log_options, live)
{
	cr_assert_eq(parse("-i", "eth0,veth*", "--ring", "64M", "--snaplen=2KiB", "--capture",
			   "pcap", "--promiscuous", "--stuck", "5s", "tcp", NULL),
		     0);
	cr_expect_str_eq(o.read.live.interfaces, "eth0,veth*");
	cr_expect_eq(o.read.live.ring, 64 << 20);
	cr_expect_eq(o.read.live.snaplen, 2048);
	cr_expect_eq(o.read.live.mode, CAPTURE_PCAP);
	cr_expect(o.read.live.promiscuous);
	cr_expect_eq(o.stuck_ns, 5000000000);
	cr_assert_eq(parse("-i", "any", NULL), 0);
	cr_expect_eq(o.read.live.ring, LIVE_RING_DEFAULT);
	cr_expect_eq(parse("-i", "a", "-i", "b", NULL), EXIT_USAGE);
	cr_expect_eq(parse("-i", "a", "-r", "b", NULL), EXIT_USAGE);
	cr_expect_eq(parse("-r", "b", "--promiscuous", NULL), EXIT_USAGE);
	cr_expect_eq(parse("-i", "a", "--ring", "8k", NULL), EXIT_USAGE);
	cr_expect_eq(parse("-i", "a", "--capture", "xdp", NULL), EXIT_USAGE);
}

Test(log_options, mistakes)
{
	cr_assert_eq(parse(NULL), EXIT_USAGE);
	cr_assert_eq(parse("-r", "-", "-r", "-", NULL), EXIT_USAGE);
	cr_assert_eq(parse("-r", "a", "--format", "xml", NULL), EXIT_USAGE);
	cr_assert_eq(parse("-r", "a", "--summary", "no", NULL), EXIT_USAGE);
	cr_assert_eq(parse("-r", "a", "--status", "okay", NULL), EXIT_USAGE);
	cr_assert_eq(parse("-r", "a", "--status", "ok,", NULL), 0);
	cr_assert_eq(parse("-r", "a", "--status", "", NULL), EXIT_USAGE);
	cr_assert_eq(parse("-r", "a", "--slower", "soon", NULL), EXIT_USAGE);
	cr_assert_eq(parse("-r", "a", "--workers", "65", NULL), EXIT_USAGE);
	cr_assert_eq(parse("-r", "a", "--count", "0", NULL), EXIT_USAGE);
	cr_assert_eq(parse("-r", "a", "--where", "path = 1", NULL), EXIT_USAGE);
	cr_assert_eq(parse("-r", "a", "--wher", "x", NULL), EXIT_USAGE);
}

Test(log_options, help_and_schema_need_no_file)
{
	cr_assert_eq(parse("--help", NULL), 0);
	cr_assert(o.read.help);
	cr_assert_eq(parse("--schema", NULL), 0);
	cr_assert(o.read.schema);
}

/* The help names every option, and fits a narrow terminal. */
Test(log_options, help)
{
	static const char *const names[] = {
		"--read",     "--status",  "--slower",       "--where",   "--count",
		"--format",   "--headers", "--show-secrets", "--summary", "--schema",
		"--protocol", "--only",    "--workers",      "--verbose", "--help",
	};
	const char *line = log_help, *end;

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		cr_assert_not_null(strstr(log_help, names[i]), "%s", names[i]);
	for (; (end = strchr(line, '\n')); line = end + 1)
		cr_assert_leq(end - line, 80, "%.*s", (int)(end - line), line);
}
