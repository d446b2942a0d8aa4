/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/agent/traffic.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/capfile.h"

enum { HEADERS = 14 + 20 + 20, FIN = 1, SYN = 2, ACK = 16 };

struct side_state {
	uint32_t seq[2];
};

struct writer {
	struct capfile file;
	const struct traffic *traffic;
	struct side_state *sides;
	uint64_t now_ns;
	uint32_t random;
};

static void put_16(uint8_t *to, unsigned v)
{
	to[0] = (uint8_t)(v >> 8);
	to[1] = (uint8_t)v;
}

static void put_32(uint8_t *to, uint32_t v)
{
	put_16(to, v >> 16);
	put_16(to + 2, v & 0xffff);
}

static void packet(struct writer *w, unsigned n, unsigned dir, uint8_t flags, const char *data,
		   size_t size)
{
	uint8_t frame[HEADERS + 4096] = {[12] = 8, [14] = 0x45, [22] = 64, [23] = 6};
	struct side_state *s = &w->sides[n];
	uint8_t *ip = frame + 14, *tcp = ip + 20;
	unsigned client = 40000 + n % 20000;

	put_16(ip + 2, (unsigned)(40 + size));
	put_16(ip + 4, (unsigned)(w->now_ns / 1000));
	put_32(ip + 12, dir ? 0x0a000002 : 0x0a010000 + n);
	put_32(ip + 16, dir ? 0x0a010000 + n : 0x0a000002);
	put_16(tcp, dir ? 80 : client);
	put_16(tcp + 2, dir ? client : 80);
	put_32(tcp + 4, s->seq[dir]);
	put_32(tcp + 8, flags & ACK ? s->seq[!dir] : 0);
	tcp[12] = 0x50;
	tcp[13] = flags;
	put_16(tcp + 14, 65535);
	memcpy(frame + HEADERS, data, size);
	s->seq[dir] += (uint32_t)size + (flags & (SYN | FIN) ? 1 : 0);
	w->now_ns += 20000;
	w->random = w->random * 1664525 + 1013904223;
	if (!w->traffic->lose || (w->random >> 8) % w->traffic->lose)
		capfile_record(&w->file, w->now_ns, frame, (uint32_t)(HEADERS + size),
			       (uint32_t)(HEADERS + size));
}

static void exchange(struct writer *w, unsigned n, unsigned round)
{
	char text[1024], body[2048];
	size_t length = (n * 37 + round * 101) % sizeof(body);
	int size = snprintf(text, sizeof(text),
			    "GET /%u/%u?q=%u HTTP/1.1\r\nHost: h%u.test\r\nAccept: */*\r\n\r\n", n,
			    round, n * round, n % 7);

	packet(w, n, 0, ACK, text, (size_t)size);
	size = snprintf(text, sizeof(text), "HTTP/1.1 %u OK\r\nContent-Length: %zu\r\n\r\n",
			round % 9 ? 200 : 404, length);
	packet(w, n, 1, ACK, text, (size_t)size);
	memset(body, 'b', sizeof(body));
	if (length)
		packet(w, n, 1, ACK, body, length);
}

bool traffic_write(char *path, const struct traffic *t)
{
	struct writer w = {.traffic = t, .now_ns = 1700000000000000000ull, .random = 7};
	int fd = mkstemp(path);
	bool ok;

	capfile_init(&w.file);
	capfile_pcap(&w.file, CAPFILE_PCAP_NS, false, 65535, 1);
	w.sides = calloc(t->conversations, sizeof(*w.sides));
	for (unsigned n = 0; n < t->conversations; n++) {
		packet(&w, n, 0, SYN, "", 0);
		packet(&w, n, 1, SYN | ACK, "", 0);
		packet(&w, n, 0, ACK, "", 0);
	}
	for (unsigned round = 0; round < t->requests; round++)
		for (unsigned n = 0; n < t->conversations; n++)
			exchange(&w, n, round);
	for (unsigned n = 0; n < t->conversations; n++) {
		packet(&w, n, 0, FIN | ACK, "", 0);
		packet(&w, n, 1, FIN | ACK, "", 0);
		packet(&w, n, 0, ACK, "", 0);
	}
	ok = fd >= 0 && write(fd, w.file.data, w.file.size) == (ssize_t)w.file.size;
	close(fd);
	free(w.sides);
	capfile_done(&w.file);
	return ok;
}
