/* SPDX-License-Identifier: Apache-2.0 */
/* What Redis's probe takes for Redis, and what it leaves to others. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "protocols/all.h"

static struct probed probe(const char *a, const char *b)
{
	const struct protocol_ops *const *ops = protocols_all;
	while (*ops && strcmp((*ops)->name, "redis"))
		ops++;
	cr_assert(*ops);
	return (*ops)->probe(view_text(a), view_text(b));
}

struct talk {
	const char *asks, *answers;
};

Test(redis, knows_commands_from_either_side)
{
	static const struct talk talks[] = {
		{"*2\r\n$3\r\nGET\r\n$1\r\na\r\n", ""},
		{"*1\r\n$4\r\nPING\r\n", "+PONG\r\n"},
		{"PING\r\n", "+PONG\r\n"},
		{"ping\n", "+PONG\r\n"},
		{"\r\n\nPING\r\n", "+PONG\r\n"},
		{"set a 'b c'\r\n", "+OK\r\n"},
		{"GET a\r\n", "$-1\r\n"},
		{"SET a 'b\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"},
	};
	for (unsigned i = 0; i < sizeof(talks) / sizeof(*talks); i++) {
		struct probed one = probe(talks[i].asks, talks[i].answers);
		struct probed two = probe(talks[i].answers, talks[i].asks);
		cr_assert(one.is == PROBE_YES && one.client == 0, "%s", talks[i].asks);
		cr_assert(two.is == PROBE_YES && two.client == 1, "%s", talks[i].asks);
	}
}

Test(redis, leaves_other_text_protocols_alone)
{
	static const struct talk talks[] = {
		{"set a 0 0 3\r\nbar\r\n", "STORED\r\n"},       /* memcached */
		{"get a\r\n", "VALUE a 0 3\r\nbar\r\nEND\r\n"}, /* hit */
		{"get a\r\n", "END\r\n"},                       /* miss */
		{"incr a 1\r\n", "5\r\n"},
		{"touch a 10\r\n", "TOUCHED\r\n"},
		{"EHLO x\r\n", "250-mx\r\n250 HELP\r\n"}, /* SMTP */
		{"AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n"},
		{"AUTH\r\n", "+OK\r\nPLAIN\r\n.\r\n"}, /* POP3 */
		{"QUIT\r\n", "+OK\r\n"},
		{"TYPE I\r\n", "200 Type set to I\r\n"}, /* FTP */
		{"PING\r\n", "PONG\r\n"},                /* NATS, clamd */
		{"INFO {\"a\":1}\r\n", "+OK\r\n"},
		{"watch t\r\n", "WATCHING 2\r\n"},  /* beanstalk */
		{"INFO\r\n", ":srv 371 me :x\r\n"}, /* IRC */
		{"ping\n", "OK\n"},                 /* MPD */
		{"info\n", "-ERR unknown\n"},       /* a line end that Redis never writes */
		{"echo hello\r\n", "echo hello\r\n"},
		{"CLIENT x\r\n", "250 ok\r\n"}, /* DICT */
		{"* 3 EXISTS\r\n", "a OK\r\n"}, /* IMAP */
	};
	for (unsigned i = 0; i < sizeof(talks) / sizeof(*talks); i++) {
		cr_assert_neq(probe(talks[i].asks, talks[i].answers).is, PROBE_YES, "%s",
			      talks[i].asks);
		cr_assert_neq(probe(talks[i].answers, talks[i].asks).is, PROBE_YES, "%s",
			      talks[i].asks);
	}
}

Test(redis, knows_a_server_that_refuses_its_clients)
{
	static const char full[] = "-ERR max number of clients reached\r\n";
	cr_assert_eq(probe("", full).is, PROBE_YES);
	cr_assert_eq(probe("", full).client, 0);
	cr_assert_eq(probe(full, "").client, 1);
	cr_assert_eq(probe("", "-DENIED Redis is running in protected mode because ...").is,
		     PROBE_YES);
	cr_assert_eq(probe("", "-ERR max number of cl").is, PROBE_NEED);
	cr_assert_eq(probe("", "-ERR max number of clouds").is, PROBE_NO);
}

/* Commands in lines without an answer: not a few, but many, and all of them. */
/* Whose command it looks like, but for its last element. */
Test(redis, knows_the_server_by_a_confirmation)
{
	static const char *const said[] = {"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n",
					   "*3\r\n$12\r\npunsubscribe\r\n$-1\r\n:0\r\n", NULL};

	for (unsigned i = 0; said[i]; i++) {
		cr_assert_eq(probe(said[i], "").is, PROBE_YES);
		cr_assert_eq(probe(said[i], "").client, 1);
		cr_assert_eq(probe("", said[i]).client, 0);
	}
	cr_assert_eq(probe("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n", "").is, PROBE_NEED);
	cr_assert_eq(probe("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n$1\r\nb\r\n", "").client, 0);
}

Test(redis, knows_a_bulk_load)
{
	char text[4096], *end = text;
	for (unsigned i = 0; i < 150; i++)
		end += sprintf(end, "SET key:%u value\r\n", i);
	cr_assert_eq(probe(text, "").is, PROBE_YES);
	cr_assert_lt(probe(text, "").confidence, 90, "an answer must prove it");
	cr_assert_neq(probe(text, "STORED\r\n").is, PROBE_YES);
	cr_assert_eq(probe("SET a b\r\nSET c d\r\n", "").is, PROBE_NEED);
	for (char *c = text; c; c = strstr(c, "SET"))
		memcpy(c, "GET", 3);
	cr_assert_neq(probe(text, "").is, PROBE_YES, "memcached has GET, too");
	memcpy(text, "SET", 3);
	memcpy(text + 17, "SET", 3);
	cr_assert_eq(probe(text, "").is, PROBE_YES);
	memcpy(text + 100, "\r\nSTAT \n", 8);
	cr_assert_neq(probe(text, "").is, PROBE_YES);
}
