/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make-capture KIND COUNT OUT: writes a capture for the speed tests. Synthetic on purpose: anybody can
 * make the same bytes, and how many round trips are in it is known.
 *
 *   small  COUNT round trips on 64 connections kept alive, small answers, as a load generator makes them
 *   close  COUNT connections with one round trip each
 *   10k    COUNT round trips with 10 KiB bodies, on 64 connections
 *   dns    COUNT queries and their answers, 64 of them open at a time, from one socket
 *   open   the same, with a million open at a time
 *   flows  four 64-byte segments without HTTP on each of COUNT connections, one round after the other
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CONNECTIONS = 64, /* of load generators: enough to leave the cache of one flow */
	HEADERS = 14 + 20 + 20,
	MSS = 1448,
	STEP_NS = 2000, /* half a million packets a second */
	SYN = 2,
	ACK = 16,
	FIN = 1,
	PSH = 8,
	FLOW_ROUNDS = 4,
	OPEN = 1000000, /* queries of a busy forwarder that all wait */
	BODY_10K = 10240,
};

struct connection {
	uint32_t id;
	uint32_t seq[2]; /* of the client, of the server */
};

static const char request[] = "GET /api/user.json HTTP/1.1\r\nHost: 10.1.0.1\r\n"
			      "User-Agent: bench/1\r\nAccept: */*\r\n\r\n";
static const char head[] =
	"HTTP/1.1 200 OK\r\nServer: nginx\r\n"
	"Date: Sat, 21 Nov 2026 11:00:00 GMT\r\nContent-Type: application/json\r\n"
	"Content-Length: %u\r\nConnection: %s\r\n\r\n";

static FILE *out;
static uint64_t now_ns = 1795000000ull * 1000000000;
static char answer[MSS + BODY_10K];
static size_t answer_size;

static void put_be(uint8_t *to, uint32_t value, unsigned bytes)
{
	for (; bytes; bytes--, value >>= 8)
		to[bytes - 1] = (uint8_t)value;
}

static void write_all(const void *data, size_t size)
{
	if (fwrite(data, 1, size, out) == size)
		return;
	perror("make-capture");
	exit(1);
}

static void write_record(size_t size)
{
	uint32_t record[4] = {(uint32_t)(now_ns / 1000000000), (uint32_t)(now_ns % 1000000000),
			      (uint32_t)size, (uint32_t)size};

	now_ns += STEP_NS;
	write_all(record, sizeof record);
}

/* Ethernet and IPv4; `size` of all behind. */
static void put_ip(uint8_t *frame, uint32_t from, uint32_t to, unsigned protocol, size_t size)
{
	static const uint8_t ethernet[15] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45};
	uint8_t *ip = frame + 14;

	memcpy(frame, ethernet, sizeof ethernet);
	put_be(ip + 2, (uint32_t)(20 + size), 2);
	ip[8] = 64;
	ip[9] = (uint8_t)protocol;
	put_be(ip + 12, from, 4);
	put_be(ip + 16, to, 4);
}

/* One segment of the client (side 0) or the server (side 1), checksums left to an imagined card. */
static void segment(struct connection *c, unsigned side, unsigned flags, const char *data,
		    size_t size)
{
	uint8_t frame[HEADERS] = {0}, *ip = frame + 14, *tcp = ip + 20;
	uint32_t client = 0x0a000000 | (c->id >> 14 & 0xffff), server = 0x0a010001;
	uint16_t port = (uint16_t)(20000 + (c->id & 0x3fff));

	put_ip(frame, side ? server : client, side ? client : server, 6, 20 + size);
	put_be(ip + 4, c->seq[side], 2);
	put_be(tcp, side ? 80 : port, 2);
	put_be(tcp + 2, side ? port : 80, 2);
	put_be(tcp + 4, c->seq[side], 4);
	put_be(tcp + 8, flags & ACK ? c->seq[!side] : 0, 4);
	tcp[12] = 5 << 4;
	tcp[13] = (uint8_t)flags;
	put_be(tcp + 14, 0xffff, 2);
	write_record(HEADERS + size);
	write_all(frame, sizeof frame);
	write_all(data, size);
	c->seq[side] += (uint32_t)size + (flags & (SYN | FIN) ? 1 : 0);
}

static void begin(struct connection *c, uint32_t id)
{
	c->id = id;
	c->seq[0] = (id + 1) * 2654435761u;
	c->seq[1] = ~c->seq[0];
	segment(c, 0, SYN, "", 0);
	segment(c, 1, SYN | ACK, "", 0);
	segment(c, 0, ACK, "", 0);
}

static void round_trip(struct connection *c)
{
	segment(c, 0, ACK | PSH, request, sizeof request - 1);
	for (size_t at = 0; at < answer_size; at += MSS) {
		size_t size = answer_size - at < MSS ? answer_size - at : MSS;

		segment(c, 1, ACK | PSH, answer + at, size);
		if (at / MSS % 2)
			segment(c, 0, ACK, "", 0);
	}
}

static void finish(struct connection *c)
{
	segment(c, 1, ACK | FIN, "", 0);
	segment(c, 0, ACK | FIN, "", 0);
	segment(c, 1, ACK, "", 0);
}

static void make_answer(unsigned body, const char *connection)
{
	int size = snprintf(answer, sizeof answer, head, body, connection);

	memset(answer + size, 'x', body);
	answer_size = (size_t)size + body;
}

static void kept_alive(uint32_t count)
{
	static struct connection all[CONNECTIONS];

	for (uint32_t i = 0; i < CONNECTIONS; i++)
		begin(&all[i], i);
	for (uint32_t i = 0; i < count; i++)
		round_trip(&all[i % CONNECTIONS]);
	for (uint32_t i = 0; i < CONNECTIONS; i++)
		finish(&all[i]);
}

static void closing(uint32_t count)
{
	struct connection c;

	for (uint32_t i = 0; i < count; i++) {
		begin(&c, i);
		round_trip(&c);
		finish(&c);
	}
}

static void flows(uint32_t count)
{
	static const char ten[10];

	for (uint32_t i = 0; i < FLOW_ROUNDS; i++)
		for (uint32_t id = 0; id < count; id++) {
			struct connection c = {.id = id, .seq = {id + i * 10, id}};

			segment(&c, 0, ACK, ten, sizeof ten);
		}
}

/* A query, or its answer, for the name with this number. */
static void dns_message(unsigned side, uint32_t number)
{
	static const uint8_t tail[] = "\7example\3net\0\0\1\0\1";
	static const uint8_t record[16] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 10, 2, 3, 4};
	enum { DNS = 14 + 20 + 8, NAME = 10, QUERY = DNS + 12 + NAME + sizeof tail - 1 };
	uint8_t frame[QUERY + sizeof record] = {0}, *udp = frame + 34, *dns = frame + DNS;
	size_t size = side ? sizeof frame : QUERY;
	uint32_t client = 0x0a000001, server = 0x0a010001;
	char name[NAME + 1];

	put_ip(frame, side ? server : client, side ? client : server, 17, size - 34);
	put_be(udp, side ? 53 : 40000, 2);
	put_be(udp + 2, side ? 40000 : 53, 2);
	put_be(udp + 4, (uint32_t)(size - 34), 2);
	put_be(dns, number, 2);
	put_be(dns + 2, side ? 0x8180 : 0x0100, 2);
	put_be(dns + 4, 1, 2);
	put_be(dns + 6, side, 2);
	snprintf(name, sizeof name, "\th%08x", number);
	memcpy(dns + 12, name, NAME);
	memcpy(dns + 12 + NAME, tail, sizeof tail - 1);
	memcpy(frame + QUERY, record, sizeof record);
	write_record(size);
	write_all(frame, size);
}

static void queries(uint32_t count, uint32_t open)
{
	for (uint32_t i = 0; i < count + open; i++) {
		if (i < count)
			dns_message(0, i);
		if (i >= open)
			dns_message(1, i - open);
	}
}

int main(int argc, char **argv)
{
	uint32_t header[6] = {0xa1b23c4d, 2 | 4 << 16, 0, 0, 262144, 1};
	uint32_t count = argc == 4 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
	const char *kind = count ? argv[1] : "";

	out = count ? fopen(argv[3], "wb") : NULL;
	if (count && !out)
		perror(argv[3]);
	if (!out)
		return 1;
	write_all(header, sizeof header);
	make_answer(!strcmp(kind, "10k") ? BODY_10K : 180,
		    !strcmp(kind, "close") ? "close" : "keep-alive");
	if (!strcmp(kind, "close"))
		closing(count);
	else if (!strcmp(kind, "dns") || !strcmp(kind, "open"))
		queries(count, !strcmp(kind, "dns") ? CONNECTIONS : OPEN);
	else if (!strcmp(kind, "flows"))
		flows(count);
	else if (!strcmp(kind, "small") || !strcmp(kind, "10k"))
		kept_alive(count);
	else
		return 1;
	return fclose(out) != 0;
}
