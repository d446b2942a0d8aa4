/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The commands: where the first key of each is, what else in its arguments matters, and what its answer can
 * look like. Facts from the documentation of Redis 7.2 and 8.0. Pure; the table is constant.
 */
#include "core/view.h"

/* How the arguments of a command are read; command.key says where its first key is, if that is fixed. */
enum redis_rule {
	RULE_PLAIN,
	RULE_CHANNEL, /* what would be the key is a channel */
	RULE_CONTAINER, /* the first argument belongs to the name: CONFIG GET. Here and in the next five */
	RULE_ACL,
	RULE_CLIENT,
	RULE_CONFIG,
	RULE_DEBUG,
	RULE_SENTINEL,
	RULE_COUNT_1, /* argument 1 says how many keys follow */
	RULE_COUNT_2,
	RULE_STREAMS, /* keys follow the word STREAMS */
	RULE_MIGRATE,
	RULE_AUTH,
	RULE_HELLO,
	RULE_MULTI,
	RULE_EXEC, /* DISCARD, too */
	RULE_RESET,
	RULE_PING,
	RULE_REPLCONF,
	RULE_PSYNC,
	RULE_SYNC,
	RULE_SUBSCRIBE, /* this and the next: channels, a confirmation for each. The order of enum redis_word */
	RULE_PSUBSCRIBE,
	RULE_SSUBSCRIBE,
	RULE_UNSUBSCRIBE,
	RULE_PUNSUBSCRIBE,
	RULE_SUNSUBSCRIBE,
};

/* What an answer that is no error can be. Only what is certain in RESP2 and RESP3 is less than ANY. */
enum redis_answer {
	ANSWER_ANY,
	ANSWER_FLAT,   /* an array, map or set of scalars, or a scalar */
	ANSWER_SCALAR, /* no aggregate */
};

enum { COMMAND_WORD = 16 }; /* bytes of a name that are compared; size tells the rest apart */

struct redis_command {
	char name[COMMAND_WORD + 5]; /* in capitals */
	uint8_t size;                /* of the name */
	uint8_t key;                 /* number of the argument that is the first key; 0: none is */
	uint8_t rule, answer;
};

/* By name, whatever its case; NULL: nobody knows it. */
const struct redis_command *redis_command_find(struct view name);

/* The word of a subcommand is between the name and the key: CONFIG GET, XINFO STREAM key. */
static inline bool redis_is_container(const struct redis_command *c)
{
	return c && c->rule >= RULE_CONTAINER && c->rule <= RULE_SENTINEL;
}

/* Whether `v` is `text`, which is in capitals. */
bool redis_is(struct view v, const char *text);
/* A setting (CONFIG SET, SENTINEL SET) whose value is a secret. */
bool redis_is_secret_setting(struct view name);
/* Takes the next word off a command in a line; quotes are no part of it. False: there is none. */
bool redis_next_word(struct view *line, struct view *ret);
/* The name in capitals, up to a space: what is behind it was meant for an argument, and may be a password. Its size. */
uint32_t redis_copy_capitals(char *to, struct view name);
/* Could this be the name of a command? */
bool redis_is_name(struct view v);
