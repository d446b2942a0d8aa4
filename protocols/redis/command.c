/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of commands.
 *
 * spec: https://redis.io/docs/latest/commands (syntax and replies of each command)
 *
 * A list for each first letter, what is used most first: a look-up compares a few words of 8 bytes.
 */
#include "protocols/redis/command.h"

#include "protocols/redis/redis.h"
#include "protocols/redis/wire.h"

/* name, argument that is the first key, rule, what the answer can be */
#define C(name, key, rule, answer)                                                                 \
	{                                                                                          \
		name, sizeof(name) - 1, key, RULE_##rule, ANSWER_##answer                          \
	}
#define END                                                                                        \
	{                                                                                          \
		"", 0, 0, 0, 0                                                                     \
	}

static const struct redis_command with_a[] = {
	C("APPEND", 1, PLAIN, SCALAR),
	C("AUTH", 0, AUTH, SCALAR),
	C("ASKING", 0, PLAIN, SCALAR),
	C("ACL", 0, ACL, ANY),
	END,
};

static const struct redis_command with_b[] = {
	C("BLPOP", 1, PLAIN, FLAT),          C("BRPOP", 1, PLAIN, FLAT),
	C("BITCOUNT", 1, PLAIN, SCALAR),     C("BITFIELD", 1, PLAIN, FLAT),
	C("BITFIELD_RO", 1, PLAIN, FLAT),    C("BITOP", 2, PLAIN, SCALAR),
	C("BITPOS", 1, PLAIN, SCALAR),       C("BLMOVE", 1, PLAIN, SCALAR),
	C("BRPOPLPUSH", 1, PLAIN, SCALAR),   C("BZPOPMIN", 1, PLAIN, FLAT),
	C("BZPOPMAX", 1, PLAIN, FLAT),       C("BLMPOP", 3, COUNT_2, ANY),
	C("BZMPOP", 3, COUNT_2, ANY),        C("BGSAVE", 0, PLAIN, SCALAR),
	C("BGREWRITEAOF", 0, PLAIN, SCALAR), END,
};

static const struct redis_command with_c[] = {
	C("CLIENT", 0, CLIENT, ANY),     C("CONFIG", 0, CONFIG, ANY),
	C("COMMAND", 0, CONTAINER, ANY), C("COPY", 1, PLAIN, SCALAR),
	C("CLUSTER", 0, CONTAINER, ANY), END,
};

static const struct redis_command with_d[] = {
	C("DEL", 1, PLAIN, SCALAR),    C("DECR", 1, PLAIN, SCALAR),
	C("DECRBY", 1, PLAIN, SCALAR), C("DUMP", 1, PLAIN, SCALAR),
	C("DBSIZE", 0, PLAIN, SCALAR), C("DISCARD", 0, EXEC, SCALAR),
	C("DEBUG", 2, DEBUG, ANY),     END,
};

static const struct redis_command with_e[] = {
	C("EXPIRE", 1, PLAIN, SCALAR),
	C("EXEC", 0, EXEC, ANY),
	C("EXISTS", 1, PLAIN, SCALAR),
	C("EVALSHA", 3, COUNT_2, ANY),
	C("EVAL", 3, COUNT_2, ANY),
	C("EXPIREAT", 1, PLAIN, SCALAR),
	C("EXPIRETIME", 1, PLAIN, SCALAR),
	C("ECHO", 0, PLAIN, SCALAR),
	C("EVALSHA_RO", 3, COUNT_2, ANY),
	C("EVAL_RO", 3, COUNT_2, ANY),
	END,
};

static const struct redis_command with_f[] = {
	C("FCALL", 3, COUNT_2, ANY),
	C("FCALL_RO", 3, COUNT_2, ANY),
	C("FLUSHDB", 0, PLAIN, SCALAR),
	C("FLUSHALL", 0, PLAIN, SCALAR),
	C("FUNCTION", 0, CONTAINER, ANY),
	C("FAILOVER", 0, PLAIN, SCALAR),
	END,
};

static const struct redis_command with_g[] = {
	C("GET", 1, PLAIN, SCALAR),
	C("GETEX", 1, PLAIN, SCALAR),
	C("GETDEL", 1, PLAIN, SCALAR),
	C("GETSET", 1, PLAIN, SCALAR),
	C("GETRANGE", 1, PLAIN, SCALAR),
	C("GETBIT", 1, PLAIN, SCALAR),
	C("GEOADD", 1, PLAIN, SCALAR),
	C("GEODIST", 1, PLAIN, SCALAR),
	C("GEOHASH", 1, PLAIN, FLAT),
	C("GEOPOS", 1, PLAIN, ANY),
	C("GEOSEARCH", 1, PLAIN, ANY),
	C("GEOSEARCHSTORE", 1, PLAIN, SCALAR),
	C("GEORADIUS", 1, PLAIN, ANY),
	C("GEORADIUS_RO", 1, PLAIN, ANY),
	C("GEORADIUSBYMEMBER", 1, PLAIN, ANY),
	C("GEORADIUSBYMEMBER_RO", 1, PLAIN, ANY),
	END,
};

static const struct redis_command with_h[] = {
	C("HGET", 1, PLAIN, SCALAR),      C("HSET", 1, PLAIN, SCALAR),
	C("HGETALL", 1, PLAIN, FLAT),     C("HMGET", 1, PLAIN, FLAT),
	C("HMSET", 1, PLAIN, SCALAR),     C("HDEL", 1, PLAIN, SCALAR),
	C("HINCRBY", 1, PLAIN, SCALAR),   C("HEXISTS", 1, PLAIN, SCALAR),
	C("HLEN", 1, PLAIN, SCALAR),      C("HKEYS", 1, PLAIN, FLAT),
	C("HVALS", 1, PLAIN, FLAT),       C("HSETNX", 1, PLAIN, SCALAR),
	C("HSCAN", 1, PLAIN, ANY),        C("HINCRBYFLOAT", 1, PLAIN, SCALAR),
	C("HSTRLEN", 1, PLAIN, SCALAR),   C("HRANDFIELD", 1, PLAIN, ANY),
	C("HELLO", 0, HELLO, ANY),        C("HEXPIRE", 1, PLAIN, FLAT),
	C("HPEXPIRE", 1, PLAIN, FLAT),    C("HTTL", 1, PLAIN, FLAT),
	C("HPTTL", 1, PLAIN, FLAT),       C("HPERSIST", 1, PLAIN, FLAT),
	C("HEXPIREAT", 1, PLAIN, FLAT),   C("HPEXPIREAT", 1, PLAIN, FLAT),
	C("HEXPIRETIME", 1, PLAIN, FLAT), C("HPEXPIRETIME", 1, PLAIN, FLAT),
	C("HGETEX", 1, PLAIN, FLAT),      C("HGETDEL", 1, PLAIN, FLAT),
	C("HSETEX", 1, PLAIN, SCALAR),    END,
};

static const struct redis_command with_i[] = {
	C("INCR", 1, PLAIN, SCALAR),
	C("INCRBY", 1, PLAIN, SCALAR),
	C("INCRBYFLOAT", 1, PLAIN, SCALAR),
	C("INFO", 0, PLAIN, SCALAR),
	END,
};

static const struct redis_command with_k[] = {
	C("KEYS", 0, PLAIN, FLAT),
	END,
};

static const struct redis_command with_l[] = {
	C("LPUSH", 1, PLAIN, SCALAR),    C("LPOP", 1, PLAIN, FLAT),
	C("LRANGE", 1, PLAIN, FLAT),     C("LLEN", 1, PLAIN, SCALAR),
	C("LREM", 1, PLAIN, SCALAR),     C("LINDEX", 1, PLAIN, SCALAR),
	C("LSET", 1, PLAIN, SCALAR),     C("LTRIM", 1, PLAIN, SCALAR),
	C("LMOVE", 1, PLAIN, SCALAR),    C("LPUSHX", 1, PLAIN, SCALAR),
	C("LPOS", 1, PLAIN, FLAT),       C("LINSERT", 1, PLAIN, SCALAR),
	C("LMPOP", 2, COUNT_1, ANY),     C("LCS", 1, PLAIN, ANY),
	C("LASTSAVE", 0, PLAIN, SCALAR), C("LATENCY", 0, CONTAINER, ANY),
	C("LOLWUT", 0, PLAIN, SCALAR),   END,
};

static const struct redis_command with_m[] = {
	C("MGET", 1, PLAIN, FLAT),      C("MSET", 1, PLAIN, SCALAR),
	C("MULTI", 0, MULTI, SCALAR),   C("MSETNX", 1, PLAIN, SCALAR),
	C("MOVE", 1, PLAIN, SCALAR),    C("MEMORY", 2, CONTAINER, ANY),
	C("MONITOR", 0, PLAIN, SCALAR), C("MIGRATE", 3, MIGRATE, SCALAR),
	C("MODULE", 0, CONTAINER, ANY), END,
};

static const struct redis_command with_o[] = {
	C("OBJECT", 2, CONTAINER, ANY),
	END,
};

static const struct redis_command with_p[] = {
	C("PING", 0, PING, ANY),
	C("PUBLISH", 1, CHANNEL, SCALAR),
	C("PEXPIRE", 1, PLAIN, SCALAR),
	C("PTTL", 1, PLAIN, SCALAR),
	C("PSETEX", 1, PLAIN, SCALAR),
	C("PERSIST", 1, PLAIN, SCALAR),
	C("PEXPIREAT", 1, PLAIN, SCALAR),
	C("PEXPIRETIME", 1, PLAIN, SCALAR),
	C("PFADD", 1, PLAIN, SCALAR),
	C("PFCOUNT", 1, PLAIN, SCALAR),
	C("PFMERGE", 1, PLAIN, SCALAR),
	C("PFDEBUG", 2, PLAIN, ANY),
	C("PSUBSCRIBE", 1, PSUBSCRIBE, ANY),
	C("PUNSUBSCRIBE", 1, PUNSUBSCRIBE, ANY),
	C("PUBSUB", 0, CONTAINER, ANY),
	C("PSYNC", 0, PSYNC, ANY),
	END,
};

static const struct redis_command with_q[] = {
	C("QUIT", 0, PLAIN, SCALAR),
	END,
};

static const struct redis_command with_r[] = {
	C("RPUSH", 1, PLAIN, SCALAR),
	C("RPOP", 1, PLAIN, FLAT),
	C("RPOPLPUSH", 1, PLAIN, SCALAR),
	C("RPUSHX", 1, PLAIN, SCALAR),
	C("RENAME", 1, PLAIN, SCALAR),
	C("RENAMENX", 1, PLAIN, SCALAR),
	C("RESTORE", 1, PLAIN, SCALAR),
	C("RANDOMKEY", 0, PLAIN, SCALAR),
	C("RESET", 0, RESET, SCALAR),
	C("READONLY", 0, PLAIN, SCALAR),
	C("READWRITE", 0, PLAIN, SCALAR),
	C("REPLCONF", 0, REPLCONF, SCALAR),
	C("RESTORE-ASKING", 1, PLAIN, SCALAR),
	C("REPLICAOF", 0, PLAIN, SCALAR),
	C("ROLE", 0, PLAIN, ANY),
	END,
};

static const struct redis_command with_s[] = {
	C("SET", 1, PLAIN, SCALAR),
	C("SETEX", 1, PLAIN, SCALAR),
	C("SADD", 1, PLAIN, SCALAR),
	C("SISMEMBER", 1, PLAIN, SCALAR),
	C("SMEMBERS", 1, PLAIN, FLAT),
	C("SREM", 1, PLAIN, SCALAR),
	C("SETNX", 1, PLAIN, SCALAR),
	C("SCAN", 0, PLAIN, ANY),
	C("SELECT", 0, PLAIN, SCALAR),
	C("SUBSCRIBE", 1, SUBSCRIBE, ANY),
	C("SCARD", 1, PLAIN, SCALAR),
	C("SPOP", 1, PLAIN, FLAT),
	C("SRANDMEMBER", 1, PLAIN, FLAT),
	C("STRLEN", 1, PLAIN, SCALAR),
	C("SETRANGE", 1, PLAIN, SCALAR),
	C("SETBIT", 1, PLAIN, SCALAR),
	C("SMISMEMBER", 1, PLAIN, FLAT),
	C("SINTER", 1, PLAIN, FLAT),
	C("SUNION", 1, PLAIN, FLAT),
	C("SDIFF", 1, PLAIN, FLAT),
	C("SINTERCARD", 2, COUNT_1, SCALAR),
	C("SINTERSTORE", 1, PLAIN, SCALAR),
	C("SUNIONSTORE", 1, PLAIN, SCALAR),
	C("SDIFFSTORE", 1, PLAIN, SCALAR),
	C("SMOVE", 1, PLAIN, SCALAR),
	C("SORT", 1, PLAIN, FLAT),
	C("SORT_RO", 1, PLAIN, FLAT),
	C("SSCAN", 1, PLAIN, ANY),
	C("SUBSTR", 1, PLAIN, SCALAR),
	C("SCRIPT", 0, CONTAINER, ANY),
	C("SPUBLISH", 1, CHANNEL, SCALAR),
	C("SSUBSCRIBE", 1, SSUBSCRIBE, ANY),
	C("SUNSUBSCRIBE", 1, SUNSUBSCRIBE, ANY),
	C("SLOWLOG", 0, CONTAINER, ANY),
	C("SAVE", 0, PLAIN, SCALAR),
	C("SHUTDOWN", 0, PLAIN, SCALAR),
	C("SLAVEOF", 0, PLAIN, SCALAR),
	C("SWAPDB", 0, PLAIN, SCALAR),
	C("SYNC", 0, SYNC, ANY),
	C("SENTINEL", 0, SENTINEL, ANY),
	END,
};

static const struct redis_command with_t[] = {
	C("TTL", 1, PLAIN, SCALAR),
	C("TYPE", 1, PLAIN, SCALAR),
	C("TOUCH", 1, PLAIN, SCALAR),
	C("TIME", 0, PLAIN, FLAT),
	END,
};

static const struct redis_command with_u[] = {
	C("UNLINK", 1, PLAIN, SCALAR),
	C("UNSUBSCRIBE", 1, UNSUBSCRIBE, ANY),
	C("UNWATCH", 0, PLAIN, SCALAR),
	END,
};

static const struct redis_command with_w[] = {
	C("WATCH", 1, PLAIN, SCALAR),
	C("WAIT", 0, PLAIN, SCALAR),
	C("WAITAOF", 0, PLAIN, FLAT),
	END,
};

static const struct redis_command with_x[] = {
	C("XADD", 1, PLAIN, SCALAR),      C("XREAD", 0, STREAMS, ANY),
	C("XREADGROUP", 0, STREAMS, ANY), C("XACK", 1, PLAIN, SCALAR),
	C("XLEN", 1, PLAIN, SCALAR),      C("XRANGE", 1, PLAIN, ANY),
	C("XREVRANGE", 1, PLAIN, ANY),    C("XDEL", 1, PLAIN, SCALAR),
	C("XTRIM", 1, PLAIN, SCALAR),     C("XPENDING", 1, PLAIN, ANY),
	C("XCLAIM", 1, PLAIN, ANY),       C("XAUTOCLAIM", 1, PLAIN, ANY),
	C("XGROUP", 2, CONTAINER, ANY),   C("XINFO", 2, CONTAINER, ANY),
	C("XSETID", 1, PLAIN, SCALAR),    END,
};

static const struct redis_command with_z[] = {
	C("ZADD", 1, PLAIN, SCALAR),
	C("ZRANGE", 1, PLAIN, ANY),
	C("ZSCORE", 1, PLAIN, SCALAR),
	C("ZINCRBY", 1, PLAIN, SCALAR),
	C("ZREM", 1, PLAIN, SCALAR),
	C("ZCARD", 1, PLAIN, SCALAR),
	C("ZRANK", 1, PLAIN, ANY),
	C("ZRANGEBYSCORE", 1, PLAIN, ANY),
	C("ZREVRANGE", 1, PLAIN, ANY),
	C("ZREVRANGEBYSCORE", 1, PLAIN, ANY),
	C("ZCOUNT", 1, PLAIN, SCALAR),
	C("ZPOPMIN", 1, PLAIN, ANY),
	C("ZPOPMAX", 1, PLAIN, ANY),
	C("ZREVRANK", 1, PLAIN, ANY),
	C("ZMSCORE", 1, PLAIN, FLAT),
	C("ZREMRANGEBYSCORE", 1, PLAIN, SCALAR),
	C("ZREMRANGEBYRANK", 1, PLAIN, SCALAR),
	C("ZREMRANGEBYLEX", 1, PLAIN, SCALAR),
	C("ZRANGEBYLEX", 1, PLAIN, FLAT),
	C("ZREVRANGEBYLEX", 1, PLAIN, FLAT),
	C("ZLEXCOUNT", 1, PLAIN, SCALAR),
	C("ZRANGESTORE", 1, PLAIN, SCALAR),
	C("ZRANDMEMBER", 1, PLAIN, ANY),
	C("ZUNIONSTORE", 1, PLAIN, SCALAR),
	C("ZINTERSTORE", 1, PLAIN, SCALAR),
	C("ZDIFFSTORE", 1, PLAIN, SCALAR),
	C("ZUNION", 2, COUNT_1, ANY),
	C("ZINTER", 2, COUNT_1, ANY),
	C("ZDIFF", 2, COUNT_1, ANY),
	C("ZINTERCARD", 2, COUNT_1, SCALAR),
	C("ZMPOP", 2, COUNT_1, ANY),
	C("ZSCAN", 1, PLAIN, ANY),
	END,
};

static const struct redis_command *const by_letter[26] = {
	['A' - 'A'] = with_a, ['B' - 'A'] = with_b, ['C' - 'A'] = with_c, ['D' - 'A'] = with_d,
	['E' - 'A'] = with_e, ['F' - 'A'] = with_f, ['G' - 'A'] = with_g, ['H' - 'A'] = with_h,
	['I' - 'A'] = with_i, ['K' - 'A'] = with_k, ['L' - 'A'] = with_l, ['M' - 'A'] = with_m,
	['O' - 'A'] = with_o, ['P' - 'A'] = with_p, ['Q' - 'A'] = with_q, ['R' - 'A'] = with_r,
	['S' - 'A'] = with_s, ['T' - 'A'] = with_t, ['U' - 'A'] = with_u, ['W' - 'A'] = with_w,
	['X' - 'A'] = with_x, ['Z' - 'A'] = with_z,
};

/* 8 bytes with the letters in capitals; 0 stays 0. Names have no bytes for which this is wrong. */
static inline uint64_t capitals(uint64_t word)
{
	const uint64_t high = 0x8080808080808080u;
	uint64_t low7 = word & ~high;
	uint64_t from_a = low7 + 0x1f1f1f1f1f1f1f1fu; /* high bit: >= 'a' */
	uint64_t past_z = low7 + 0x0505050505050505u; /* high bit: > 'z' */
	return word ^ ((from_a & ~past_z & ~word & high) >> 2);
}

struct words {
	uint64_t word[2];
};

static inline struct words words_of(struct view v)
{
	uint8_t bytes[COMMAND_WORD] = {0};
	uint64_t word = 0;
	if (v.size > 8) {
		memcpy(bytes, v.data, v.size < COMMAND_WORD ? v.size : COMMAND_WORD);
		return (struct words){{capitals(load_le64(bytes)), capitals(load_le64(bytes + 8))}};
	}
	if (v.size >= 4) /* most have up to 8; two loads that overlap fetch them */
		word = load_le32(v.data) | (uint64_t)load_le32(v.data + v.size - 4)
						   << (v.size - 4) * 8;
	else
		word = v.data[0] | (uint64_t)v.data[v.size / 2] << v.size / 2 * 8 |
		       (uint64_t)v.data[v.size - 1] << (v.size - 1) * 8;
	return (struct words){{capitals(word), 0}};
}

const struct redis_command *redis_command_find(struct view name)
{
	if (!name.size || name.size > sizeof((struct redis_command){0}.name) - 1)
		return NULL;
	struct words w = words_of(name);
	unsigned letter = (unsigned)(w.word[0] & 0xff) - 'A';
	const struct redis_command *c = letter < 26 ? by_letter[letter] : NULL;
	for (; c && c->size; c++) {
		const uint8_t *text = (const uint8_t *)c->name;
		if (c->size == name.size && load_le64(text) == w.word[0] &&
		    load_le64(text + 8) == w.word[1])
			return c;
	}
	return NULL;
}

bool redis_is(struct view v, const char *text)
{
	size_t n = strlen(text);
	if (v.size != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		uint8_t c = v.data[i];
		if ((c >= 'a' && c <= 'z' ? c - 32 : c) != (uint8_t)text[i])
			return false;
	}
	return true;
}

uint32_t redis_copy_capitals(char *to, struct view name)
{
	uint32_t i = 0;
	for (; i < name.size && name.data[i] != ' '; i++)
		to[i] = (char)(name.data[i] >= 'a' && name.data[i] <= 'z' ? name.data[i] - 32
									  : name.data[i]);
	return i;
}

bool redis_is_secret_setting(struct view name)
{
	static const char *const secrets[] = {
		"REQUIREPASS",
		"MASTERAUTH",
		"PRIMARYAUTH",
		"AUTH-PASS",
		"TLS-KEY-FILE-PASS",
		"SENTINEL-PASS",
		"TLS-CLIENT-KEY-FILE-PASS",
		NULL,
	};
	for (unsigned i = 0; secrets[i]; i++) {
		if (redis_is(name, secrets[i]))
			return true;
	}
	return false;
}

bool redis_next_word(struct view *line, struct view *ret)
{
	struct view v = *line;
	while (v.size && (v.data[0] == ' ' || v.data[0] == '\t' || v.data[0] == '\r'))
		v = view_from(v, 1);
	if (!v.size)
		return false;
	uint8_t quote = v.data[0] == '"' || v.data[0] == '\'' ? v.data[0] : 0;
	uint32_t n = 0;
	v = view_from(v, quote != 0);
	while (n < v.size && (quote ? v.data[n] != quote : !memchr(" \t\r", v.data[n], 3)))
		n += quote && v.data[n] == '\\' && n + 1 < v.size ? 2 : 1;
	n = n < v.size ? n : v.size;
	*ret = view_of(v.data, n);
	*line = view_from(v, n + (quote != 0));
	return true;
}

bool redis_is_name(struct view v)
{
	for (uint32_t i = 0; i < v.size; i++) {
		if (!is_letter(v.data[i]) && !is_digit(v.data[i]) && !memchr("._-", v.data[i], 3))
			return false;
	}
	return v.size && v.size <= NAME_MAX_KEPT && is_letter(v.data[0]);
}
