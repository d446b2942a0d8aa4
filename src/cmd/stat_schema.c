/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON schema of a report.
 *
 * spec: JSON Schema draft 2020-12 (https://json-schema.org/draft/2020-12)
 */
#include "cmd/stat.h"

static const char head[] =
	"{\n"
	"  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
	"  \"title\": \"wirespan report\",\n"
	"  \"description\": \"One line of `wirespan stat --format json`: an interval of packet "
	"time, or the whole, which comes last. Keys are added in later versions, never "
	"renamed.\",\n"
	"  \"type\": \"object\",\n"
	"  \"required\": [\"report\", \"packets\", \"bytes\", \"flows\", \"operations\", "
	"\"talkers\", \"tcp\", \"losses\", \"caps\"],\n"
	"  \"$defs\": {\n"
	"    \"count\": {\"type\": \"integer\", \"minimum\": 0},\n"
	"    \"seconds\": {\"type\": \"number\", \"minimum\": 0},\n"
	"    \"times\": {\"type\": \"object\", \"description\": \"seconds; quantiles are at most "
	"0.8 % off, max is exact; without values only the count\",\n"
	"      \"required\": [\"count\"], \"additionalProperties\": false, \"properties\": {\n"
	"      \"count\": {\"$ref\": \"#/$defs/count\"},\n"
	"      \"p50\": {\"$ref\": \"#/$defs/seconds\"},\n"
	"      \"p90\": {\"$ref\": \"#/$defs/seconds\"},\n"
	"      \"p99\": {\"$ref\": \"#/$defs/seconds\"},\n"
	"      \"max\": {\"$ref\": \"#/$defs/seconds\"}\n"
	"    }, \"dependentRequired\": {\"p50\": [\"p90\", \"p99\", \"max\"]}},\n"
	"    \"hosts\": {\"type\": \"array\", \"items\": {\"type\": \"object\",\n"
	"      \"required\": [\"address\", \"sent_bytes\", \"received_bytes\", \"asked\", "
	"\"answered\"], \"properties\": {\n"
	"      \"address\": {\"type\": \"string\", \"description\": \"IPv4 or IPv6 (RFC 5952)\"},\n"
	"      \"sent_bytes\": {\"$ref\": \"#/$defs/count\", \"description\": \"payload, each "
	"packet once\"},\n"
	"      \"received_bytes\": {\"$ref\": \"#/$defs/count\"},\n"
	"      \"asked\": {\"$ref\": \"#/$defs/count\", \"description\": \"round trips as "
	"client\"},\n"
	"      \"answered\": {\"$ref\": \"#/$defs/count\", \"description\": \"round trips as "
	"server\"}\n"
	"    }}},\n";

static const char operations[] =
	"    \"operation\": {\"type\": \"object\", \"required\": [\"protocol\", \"count\", ";

static const char after_statuses[] =
	"\"request_bytes\", \"response_bytes\", \"duration\"],\n"
	"      \"properties\": {\n"
	"      \"protocol\": {\"type\": \"string\"},\n"
	"      \"operation\": {\"type\": \"string\", \"description\": \"HTTP method, DNS type, "
	"Redis command; absent when it is not known\"},\n"
	"      \"other\": {\"const\": true, \"description\": \"all operations beyond the 1,000 "
	"that are counted by name\"},\n"
	"      \"count\": {\"$ref\": \"#/$defs/count\", \"description\": \"requests: ok, error, "
	"unanswered and oneway; an orphan has none\"},\n";

static const char after_operation[] =
	"      \"request_bytes\": {\"$ref\": \"#/$defs/count\"},\n"
	"      \"response_bytes\": {\"$ref\": \"#/$defs/count\"},\n"
	"      \"duration\": {\"$ref\": \"#/$defs/times\"}\n"
	"    }}\n"
	"  },\n"
	"  \"properties\": {\n"
	"    \"report\": {\"enum\": [\"interval\", \"all\"]},\n"
	"    \"begin\": {\"type\": \"string\", \"format\": \"date-time\", \"description\": "
	"\"UTC; of all: the first packet\"},\n"
	"    \"end\": {\"type\": \"string\", \"format\": \"date-time\", \"description\": "
	"\"not part of the interval; of all: the last packet\"},\n"
	"    \"seconds\": {\"$ref\": \"#/$defs/seconds\"},\n"
	"    \"packets\": {\"$ref\": \"#/$defs/count\"},\n"
	"    \"bytes\": {\"$ref\": \"#/$defs/count\", \"description\": \"of these packets on the "
	"wire\"},\n"
	"    \"flows\": {\"$ref\": \"#/$defs/count\", \"description\": \"flows that began\"},\n"
	"    \"operations\": {\"type\": \"array\", \"items\": {\"$ref\": "
	"\"#/$defs/operation\"}},\n"
	"    \"talkers\": {\"type\": \"object\", \"required\": [\"hosts\", \"exact\", "
	"\"by_bytes\", "
	"\"by_round_trips\"], \"properties\": {\n"
	"      \"hosts\": {\"$ref\": \"#/$defs/count\", \"description\": \"how many there are\"},\n"
	"      \"exact\": {\"type\": \"boolean\", \"description\": \"false: there were too many "
	"hosts, and what is said of one is the least it had\"},\n"
	"      \"by_bytes\": {\"$ref\": \"#/$defs/hosts\"},\n"
	"      \"by_round_trips\": {\"$ref\": \"#/$defs/hosts\"}\n"
	"    }},\n"
	"    \"tcp\": {\"type\": \"object\", \"required\": [\"segments\", \"connections\", "
	"\"retransmits\", \"out_of_order\", \"duplicate_acks\", \"zero_windows\", \"resets\", "
	"\"rtt\"], \"properties\": {\n"
	"      \"segments\": {\"$ref\": \"#/$defs/count\"},\n"
	"      \"connections\": {\"$ref\": \"#/$defs/count\", \"description\": \"that began\"},\n"
	"      \"retransmits\": {\"$ref\": \"#/$defs/count\"},\n"
	"      \"out_of_order\": {\"$ref\": \"#/$defs/count\"},\n"
	"      \"duplicate_acks\": {\"$ref\": \"#/$defs/count\"},\n"
	"      \"zero_windows\": {\"$ref\": \"#/$defs/count\"},\n"
	"      \"resets\": {\"$ref\": \"#/$defs/count\"},\n"
	"      \"rtt\": {\"$ref\": \"#/$defs/times\", \"description\": \"of handshakes\"}\n"
	"    }},\n";

static const char tail[] =
	"    \"remarks\": {\"type\": \"array\", \"description\": \"of all: what kept packets from "
	"being decoded\", \"items\": {\"type\": \"object\", \"required\": [\"code\", \"text\"], "
	"\"properties\": {\n"
	"      \"code\": {\"type\": \"string\"},\n"
	"      \"text\": {\"type\": \"string\"}\n"
	"    }}},\n"
	"    \"failure\": {\"type\": \"string\", \"description\": \"of all: why the input was not "
	"read to its end\"}\n"
	"  }\n"
	"}\n";

/* An object of counters: `counter(i)` is the i-th. */
static void add_counters(struct buf *b, const char *name, const char *text,
			 int (*counter)(unsigned i))
{
	buf_text(b, "    ");
	buf_json_string(b, view_text(name));
	buf_text(b, ": {\"type\": \"object\", \"description\": ");
	buf_json_string(b, view_text(text));
	buf_text(b, ", \"additionalProperties\": {\"$ref\": \"#/$defs/count\"}, \"properties\": {");
	for (unsigned i = 0; counter(i) >= 0; i++) {
		buf_text(b, i ? ",\n      " : "\n      ");
		buf_json_string(b, view_text(counters_name((unsigned)counter(i))));
		buf_text(b, ": {\"$ref\": \"#/$defs/count\", \"description\": ");
		buf_json_string(b, view_text(counters_text((unsigned)counter(i))));
		buf_char(b, '}');
	}
	buf_text(b, "\n    }},\n");
}

void stat_schema(struct buf *b)
{
	buf_text(b, head);
	buf_text(b, operations);
	for (unsigned i = 0; i < STATUS_OPEN; i++) {
		buf_json_string(b, view_text(status_name((enum status)i)));
		buf_text(b, ", ");
	}
	buf_text(b, after_statuses);
	for (unsigned i = 0; i < STATUS_OPEN; i++) {
		buf_text(b, "      ");
		buf_json_string(b, view_text(status_name((enum status)i)));
		buf_text(b, ": {\"$ref\": \"#/$defs/count\"},\n");
	}
	buf_text(b, after_operation);
	add_counters(b, "losses", "what is missing, or could not be read", summary_loss);
	add_counters(b, "caps", "caps that were reached", summary_cap);
	buf_text(b, tail);
}
