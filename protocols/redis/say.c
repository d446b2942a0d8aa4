/* SPDX-License-Identifier: Apache-2.0 */
#include "protocols/redis/redis.h"

const struct field_def redis_fields[] = {
	[COMMAND] = {"command", FIELD_TEXT, 1 | FIELD_OPERATION,
		     "command in capitals, with its subcommand"},
	[KEY] = {"key", FIELD_TEXT, 1, "first key, at most 256 bytes"},
	[CHANNEL] = {"channel", FIELD_TEXT, 1, "first channel or pattern, at most 256 bytes"},
	[ARGUMENT_COUNT] = {"argument_count", FIELD_NUMBER, 1, "arguments behind the command"},
	[INLINE] = {"inline", FIELD_FLAG, 1, "sent as a line of text"},
	[USER] = {"user", FIELD_TEXT, 1, "user of AUTH, HELLO or MIGRATE"},
	[PASSWORD] = {"password", FIELD_TEXT, 1, "first password among the arguments (secret)"},
	[TYPE] = {"type", FIELD_TEXT, 2,
		  "type of the answer: status, error, integer, bulk, array ..."},
	[ERROR] = {"error", FIELD_TEXT, 2, "first word of an error, as ERR or MOVED"},
	[MESSAGE] = {"message", FIELD_TEXT, 2,
		     "text of a status, or of an error behind its first word, at most 256 bytes"},
	[VALUE_BYTES] = {"value_bytes", FIELD_NUMBER, 2, "bytes of a bulk"},
	[ELEMENTS] = {"elements", FIELD_NUMBER, 2, "elements of an array or set, pairs of a map"},
	[REPLIES] = {"replies", FIELD_NUMBER, 2, "confirmations of a SUBSCRIBE or UNSUBSCRIBE"},
	[NESTED_ERRORS] = {"nested_errors", FIELD_NUMBER, 2,
			   "errors inside of an array, as of EXEC"},
	{0},
};
