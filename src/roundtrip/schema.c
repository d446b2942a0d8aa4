/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON schema of the lines: the fixed part as text, and the decoders' own fields from their tables.
 *
 * spec: JSON Schema draft 2020-12 (https://json-schema.org/draft/2020-12)
 */
#include "roundtrip/json.h"

static const char head[] =
	"{\n"
	"  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
	"  \"title\": \"wirespan round trip\",\n"
	"  \"description\": \"One line of `wirespan log --format json`: a request and its answer. "
	"A key whose "
	"value is not known is left out. Keys are added in later versions, never renamed.\",\n"
	"  \"type\": \"object\",\n"
	"  \"required\": [\"time\", \"protocol\", \"status\", \"client\", \"server\", \"flow\"],\n"
	"  \"$defs\": {\n"
	"    \"seconds\": {\"type\": \"number\", \"minimum\": 0, "
	"\"description\": \"seconds, with 9 decimals\"},\n"
	"    \"count\": {\"type\": \"integer\", \"minimum\": 0},\n"
	"    \"endpoint\": {\"type\": \"object\", \"required\": [\"address\"], \"properties\": {\n"
	"      \"address\": {\"type\": \"string\", \"description\": \"IPv4 or IPv6 (RFC 5952)\"},\n"
	"      \"port\": {\"type\": \"integer\", \"minimum\": 1, \"maximum\": 65535}\n"
	"    }},\n"
	"    \"message\": {\"type\": \"object\", \"required\": [\"bytes\"], \"properties\": {\n"
	"      \"bytes\": {\"$ref\": \"#/$defs/count\", \"description\": \"TCP or UDP payload of "
	"the message, "
	"framing included, each byte once\"}\n"
	"    }}\n"
	"  },\n"
	"  \"properties\": {\n"
	"    \"time\": {\"type\": \"string\", \"format\": \"date-time\", \"description\": \"UTC, 9 "
	"decimals: "
	"the first packet that carried the request's first byte; for an orphan, the answer's\"},\n"
	"    \"protocol\": {\"type\": \"string\"";

static const char after_status[] = "    \"duration\": {\"$ref\": \"#/$defs/seconds\", "
				   "\"description\": \"from the request's first byte to "
				   "the answer's last, in seconds\"},\n"
				   "    \"ttfb\": {\"$ref\": \"#/$defs/seconds\", \"description\": "
				   "\"from the request's last byte to the "
				   "answer's first, in seconds; 0 if the answer began before\"},\n"
				   "    \"early\": {\"const\": true, \"description\": \"the answer "
				   "began before the request ended\"},\n"
				   "    \"client\": {\"$ref\": \"#/$defs/endpoint\"},\n"
				   "    \"server\": {\"$ref\": \"#/$defs/endpoint\"},\n"
				   "    \"request\": {\"$ref\": \"#/$defs/message\"},\n"
				   "    \"response\": {\"$ref\": \"#/$defs/message\"},\n"
				   "    \"tcp\": {\"type\": \"object\", \"description\": \"health "
				   "of the connection in the window of this "
				   "round trip; what is zero is left out\", \"properties\": {\n"
				   "      \"rtt\": {\"$ref\": \"#/$defs/seconds\"},\n"
				   "      \"retransmits\": {\"$ref\": \"#/$defs/count\"},\n"
				   "      \"out_of_order\": {\"$ref\": \"#/$defs/count\"},\n"
				   "      \"lost_bytes\": {\"$ref\": \"#/$defs/count\"},\n"
				   "      \"zero_windows\": {\"$ref\": \"#/$defs/count\"}\n"
				   "    }},\n";

static const char after_partial[] =
	"    \"flow\": {\"type\": \"string\", \"pattern\": \"^1:[A-Za-z0-9+/]{27}=$\", "
	"\"description\": "
	"\"Community ID of the conversation\"},\n"
	"    \"frames\": {\"type\": \"array\", \"items\": {\"$ref\": \"#/$defs/count\"}, "
	"\"minItems\": 2, "
	"\"maxItems\": 2, \"description\": \"first and last frame number, as Wireshark counts\"},\n"
	"    \"file\": {\"type\": \"string\", \"description\": \"the file, when several are "
	"read\"},\n"
	"    \"last_file\": {\"type\": \"string\", \"description\": \"the file of the last frame, "
	"when it is "
	"another one\"},\n"
	"    \"interface\": {\"type\": \"string\"},\n"
	"    \"tunnel\": {\"type\": \"array\", \"description\": \"the layers around the packet, "
	"outermost "
	"first\", \"items\": {\"type\": \"object\", \"required\": [\"type\", \"id\"], "
	"\"properties\": {\n"
	"      \"type\": {\"enum\": [";

static const char after_tunnel[] =
	"]},\n"
	"      \"id\": {\"$ref\": \"#/$defs/count\", \"description\": \"VLAN id, VNI, MPLS label, "
	"GRE key, "
	"session; 0 when the layer has none\"}\n"
	"    }}}\n"
	"  },\n"
	"  \"allOf\": [\n"
	"    {\"if\": {\"properties\": {\"status\": {\"const\": \"ok\"}}},\n"
	"     \"then\": {\"required\": [\"request\", \"response\", \"duration\", \"ttfb\"]}},\n"
	"    {\"if\": {\"properties\": {\"status\": {\"const\": \"error\"}}},\n"
	"     \"then\": {\"required\": [\"request\"]}},\n"
	"    {\"if\": {\"properties\": {\"status\": {\"const\": \"orphan\"}}},\n"
	"     \"then\": {\"required\": [\"response\"], \"properties\": "
	"{\"request\": false, \"duration\": false, \"ttfb\": false}}},\n"
	"    {\"if\": {\"properties\": {\"status\": {\"enum\": [\"unanswered\", \"oneway\", "
	"\"open\"]}}},\n"
	"     \"then\": {\"required\": [\"request\"], \"properties\": "
	"{\"response\": false, \"duration\": false, \"ttfb\": false}}}";

static void add_string(struct buf *b, const char *text)
{
	buf_json_string(b, view_text(text));
}

/* `"text"` of a list, after a comma unless it is the first. */
static void add_item(struct buf *b, bool first, const char *text)
{
	if (!first)
		buf_text(b, ", ");
	add_string(b, text);
}

static void add_type(struct buf *b, enum field_type type)
{
	switch (type) {
	case FIELD_TEXT:
		buf_text(b, "\"type\": \"string\"");
		break;
	case FIELD_NUMBER:
		buf_text(b, "\"type\": \"integer\", \"minimum\": 0");
		break;
	case FIELD_FLAG:
		buf_text(b, "\"const\": true");
		break;
	case FIELD_LIST:
		buf_text(b, "\"type\": \"array\", \"items\": {\"type\": \"string\"}");
		break;
	case FIELD_PAIRS:
		buf_text(b,
			 "\"type\": \"object\", \"additionalProperties\": {\"type\": \"string\"}");
		break;
	}
}

/* The properties of one side, each on its line, after a comma unless nothing stands before. */
static void add_properties(struct buf *b, const struct field_def *def, unsigned side, bool first)
{
	for (; def && def->name; def++) {
		if (!(def->sides & side))
			continue;
		buf_text(b, first ? "\n       " : ",\n       ");
		add_string(b, def->name);
		buf_text(b, ": {");
		add_type(b, def->type);
		buf_text(b, ", \"description\": ");
		add_string(b, def->text);
		buf_char(b, '}');
		first = false;
	}
}

static void add_protocol(struct buf *b, const struct protocol_ops *ops)
{
	buf_text(b, ",\n    {\"if\": {\"properties\": {\"protocol\": {\"const\": ");
	add_string(b, ops->name);
	buf_text(b,
		 "}}},\n     \"then\": {\"properties\": {\n       \"request\": {\"properties\": {");
	add_properties(b, ops->fields, FIELD_REQUEST, true);
	buf_text(b, "}},\n       \"response\": {\"properties\": {");
	add_properties(b, ops->fields, FIELD_RESPONSE, true);
	buf_text(b, "}}");
	add_properties(b, ops->fields, FIELD_ROUNDTRIP, false);
	buf_text(b, "}}}");
}

void roundtrip_schema(struct buf *b, const struct protocol_ops *const *protocols)
{
	buf_text(b, head);
	buf_text(b, protocols[0] ? ", \"examples\": [" : ", \"examples\": [\"http\"");
	for (unsigned i = 0; protocols[i]; i++)
		add_item(b, i == 0, protocols[i]->name);
	buf_text(b, "]},\n    \"status\": {\"enum\": [");
	for (unsigned i = 0; i < STATUS_COUNT; i++)
		add_item(b, i == 0, status_name((enum status)i));
	buf_text(b, "]},\n    \"reason\": {\"enum\": [");
	for (unsigned i = 1; i < REASON_COUNT; i++)
		add_item(b, i == 1, reason_name((enum reason)i));
	buf_text(b, "], \"description\": \"why there is no partner\"},\n");
	buf_text(b, after_status);
	buf_text(b, "    \"partial\": {\"type\": \"array\", \"description\": \"what could not be "
		    "known\", "
		    "\"minItems\": 1, \"items\": {\"enum\": [");
	for (unsigned i = 0; i < PARTIAL_BITS; i++)
		add_item(b, i == 0, partial_name(i));
	buf_text(b, "]}},\n");
	buf_text(b, after_partial);
	for (unsigned i = 1; i < TUNNEL_KIND_COUNT; i++)
		add_item(b, i == 1, tunnel_kind_name((enum tunnel_kind)i));
	buf_text(b, after_tunnel);
	for (; *protocols; protocols++)
		add_protocol(b, *protocols);
	buf_text(b, "\n  ]\n}\n");
}
