/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS: recognised, and skipped. Nothing in it can be read without keys.
 *
 * spec: RFC 8446 section 5.1 (record), section 4 (handshake); RFC 5246 for the versions before
 *
 *    0      1      2      3      4      5 ...
 *   +------+------+------+------+------+----------
 *   | type | version 3.x |   length    | fragment      type 22 handshake, 23 application data
 *   +------+------+------+------+------+----------     first byte of a handshake: 1 ClientHello, 2 ServerHello
 */
#include "protocol/decoder.h"

enum {
	RECORD_HANDSHAKE = 22,
	RECORD_DATA = 23,
	CLIENT_HELLO = 1,
	SERVER_HELLO = 2,
	HEAD = 6,                    /* record head and the first byte of its fragment */
	FRAGMENT_MAX = 16384 + 2048, /* RFC 5246 6.2.3: the longest encrypted fragment */
	HELLO_MIN = 4 + 2 + 32 + 1,  /* handshake head, version, random, empty session id */
	MINOR_MAX = 4,
};

enum record { NOT_TLS, PERHAPS, FROM_A_CLIENT, FROM_A_SERVER, DATA };

static enum record look(struct view v)
{
	struct reader r = reader_of(v);
	uint8_t type = reader_u8(&r), major = reader_u8(&r), minor = reader_u8(&r);
	uint16_t length = reader_be16(&r);
	uint8_t kind = reader_u8(&r);
	if (v.size >= 1 && type != RECORD_HANDSHAKE && type != RECORD_DATA)
		return NOT_TLS;
	if ((v.size >= 2 && major != 3) || (v.size >= 3 && minor > MINOR_MAX))
		return NOT_TLS;
	if (r.short_read)
		return PERHAPS;
	if (!length || length > FRAGMENT_MAX)
		return NOT_TLS;
	if (type == RECORD_DATA)
		return DATA;
	if (length < HELLO_MIN)
		return NOT_TLS;
	if (kind == CLIENT_HELLO)
		return FROM_A_CLIENT;
	return kind == SERVER_HELLO ? FROM_A_SERVER : NOT_TLS;
}

static struct probed tls_probe(struct view a, struct view b)
{
	enum record in_a = look(a), in_b = look(b);
	bool hello = in_a == FROM_A_CLIENT || in_a == FROM_A_SERVER || in_b == FROM_A_CLIENT ||
		     in_b == FROM_A_SERVER;
	if (hello)
		return (struct probed){
			.is = PROBE_YES,
			.confidence = 95,
			.client = in_a == FROM_A_SERVER || in_b == FROM_A_CLIENT,
		};
	/* Joined in the middle: who is the client is anybody's guess. */
	if (in_a == DATA || in_b == DATA)
		return (struct probed){.is = PROBE_YES, .confidence = 50};
	if ((a.size && in_a == PERHAPS) || (b.size && in_b == PERHAPS))
		return (struct probed){.is = PROBE_NEED, .need = HEAD};
	return (struct probed){.is = PROBE_NO};
}

static struct fed tls_feed(void *state, struct env *env, enum side dir, const struct input *in)
{
	(void)state, (void)env, (void)dir, (void)in;
	return (struct fed){.is = FED_OK, .skip = UINT64_MAX};
}

static const uint16_t tls_ports[] = {443, 8443, 0};

static const struct field_def tls_fields[] = {{0}};

const struct protocol_ops tls_ops = {
	.name = "tls",
	.transports = TRANSPORT_TCP,
	.port_hints = tls_ports,
	.pairing = PAIR_FIFO,
	.fields = tls_fields,
	.probe = tls_probe,
	.feed = tls_feed,
};
