/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/capfile.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	SECTION = 0x0a0d0d0a,
	INTERFACE = 1,
	OPTION_NAME = 2,
	OPTION_RESOLUTION = 9,
	OPTION_OFFSET = 14,
	PACKET_LARGEST = 300, /* of capfile_add_many() */
};

static void need(bool ok)
{
	if (!ok)
		abort();
}

void capfile_init(struct capfile *c)
{
	memset(c, 0, sizeof(*c));
}

void capfile_done(struct capfile *c)
{
	free(c->data);
	free(c->ends);
	capfile_init(c);
}

static uint8_t *extend(struct capfile *c, size_t n)
{
	if (c->room - c->size < n) {
		c->room = 2 * c->room + n;
		c->data = realloc(c->data, c->room);
		need(c->data);
	}
	c->size += n;
	return c->data + c->size - n;
}

void capfile_bytes(struct capfile *c, const void *data, size_t size)
{
	if (size)
		memcpy(extend(c, size), data, size);
}

static void number(struct capfile *c, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++) {
		uint8_t byte = (uint8_t)(v >> 8 * (c->swapped ? bytes - 1 - i : i));
		capfile_bytes(c, &byte, 1);
	}
}

void capfile_16(struct capfile *c, uint16_t v)
{
	number(c, v, 2);
}

void capfile_32(struct capfile *c, uint32_t v)
{
	number(c, v, 4);
}

static void pad(struct capfile *c, uint32_t size)
{
	capfile_bytes(c, "\0\0\0", -size & 3);
}

void capfile_end(struct capfile *c)
{
	if (c->end_count == c->end_room) {
		c->end_room = 2 * c->end_room + 16;
		c->ends = realloc(c->ends, c->end_room * sizeof(c->ends[0]));
		need(c->ends);
	}
	c->ends[c->end_count++] = (struct capfile_end){c->size, c->packets};
}

void capfile_pcap(struct capfile *c, enum capfile_kind kind, bool swapped, uint32_t snaplen,
		  uint32_t link_type)
{
	static const uint32_t magics[] = {0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34};

	c->kind = kind;
	c->swapped = swapped;
	capfile_32(c, magics[kind]);
	capfile_16(c, 2);
	capfile_16(c, 4);
	capfile_32(c, 0);
	capfile_32(c, 0);
	capfile_32(c, snaplen);
	capfile_32(c, link_type);
	capfile_end(c);
}

void capfile_record(struct capfile *c, uint64_t ts_ns, const void *data, uint32_t captured,
		    uint32_t wire)
{
	capfile_32(c, (uint32_t)(ts_ns / 1000000000));
	capfile_32(c, (uint32_t)(ts_ns % 1000000000 / (c->kind == CAPFILE_PCAP_NS ? 1 : 1000)));
	capfile_32(c, captured);
	capfile_32(c, wire);
	if (c->kind == CAPFILE_PCAP_MODIFIED)
		number(c, 0x0102030405060708, 8);
	capfile_bytes(c, data, captured);
	c->packets++;
	capfile_end(c);
}

/* Length of the block begun at `at`, in front and behind. */
static void close_block(struct capfile *c, size_t at)
{
	uint32_t total = (uint32_t)(c->size - at + 4);
	size_t size = c->size;

	c->size = at + 4;
	capfile_32(c, total);
	c->size = size;
	capfile_32(c, total);
	capfile_end(c);
}

static size_t begin_block(struct capfile *c, uint32_t type)
{
	size_t at = c->size;

	capfile_32(c, type);
	capfile_32(c, 0);
	return at;
}

void capfile_block(struct capfile *c, uint32_t type, const void *body, uint32_t size)
{
	size_t at = begin_block(c, type);

	capfile_bytes(c, body, size);
	pad(c, size);
	close_block(c, at);
}

static void option(struct capfile *c, uint16_t code, const void *data, uint16_t size)
{
	capfile_16(c, code);
	capfile_16(c, size);
	capfile_bytes(c, data, size);
	pad(c, size);
}

void capfile_section(struct capfile *c, bool swapped, int64_t length)
{
	size_t at;

	c->kind = CAPFILE_PCAPNG;
	c->swapped = swapped;
	at = begin_block(c, SECTION);
	capfile_32(c, 0x1a2b3c4d);
	capfile_16(c, 1);
	capfile_16(c, 0);
	number(c, (uint64_t)length, 8);
	option(c, 4, "capfile", 7);
	option(c, 0, NULL, 0);
	close_block(c, at);
}

void capfile_interface(struct capfile *c, uint16_t link_type, uint32_t snaplen, const char *name,
		       int resolution, int64_t offset_s)
{
	size_t at = begin_block(c, INTERFACE);

	capfile_16(c, link_type);
	capfile_16(c, 0);
	capfile_32(c, snaplen);
	if (name)
		option(c, OPTION_NAME, name, (uint16_t)strlen(name));
	if (resolution != CAPFILE_NO_RESOLUTION) {
		uint8_t value = (uint8_t)resolution;
		option(c, OPTION_RESOLUTION, &value, 1);
	}
	if (offset_s) {
		capfile_16(c, OPTION_OFFSET);
		capfile_16(c, 8);
		number(c, (uint64_t)offset_s, 8);
	}
	if (name || resolution != CAPFILE_NO_RESOLUTION || offset_s)
		option(c, 0, NULL, 0);
	close_block(c, at);
}

void capfile_packet_options(struct capfile *c, enum capfile_block block, uint32_t interface,
			    uint64_t ticks, const void *data, uint32_t captured, uint32_t wire,
			    const void *options, uint32_t size)
{
	size_t at = begin_block(c, block);

	if (block == CAPFILE_SIMPLE) {
		capfile_32(c, wire);
	} else {
		if (block == CAPFILE_ENHANCED) {
			capfile_32(c, interface);
		} else {
			capfile_16(c, (uint16_t)interface);
			capfile_16(c, 0xffff);
		}
		capfile_32(c, (uint32_t)(ticks >> 32));
		capfile_32(c, (uint32_t)ticks);
		capfile_32(c, captured);
		capfile_32(c, wire);
	}
	capfile_bytes(c, data, captured);
	pad(c, captured);
	capfile_bytes(c, options, size);
	c->packets++;
	close_block(c, at);
}

void capfile_packet(struct capfile *c, enum capfile_block block, uint32_t interface, uint64_t ticks,
		    const void *data, uint32_t captured, uint32_t wire)
{
	capfile_packet_options(c, block, interface, ticks, data, captured, wire, NULL, 0);
}

void capfile_add(struct capfile *c, uint64_t ts_ns, const void *data, uint32_t size)
{
	if (c->kind == CAPFILE_PCAPNG)
		capfile_packet(c, CAPFILE_ENHANCED, 0, ts_ns / 1000, data, size, size);
	else
		capfile_record(c, ts_ns, data, size, size);
}

void capfile_add_many(struct capfile *c, unsigned count, uint64_t ts_ns)
{
	uint8_t packet[PACKET_LARGEST];

	for (unsigned i = 0; i < count; i++) {
		for (unsigned j = 0; j < PACKET_LARGEST; j++)
			packet[j] = (uint8_t)(i * 7 + j * j);
		capfile_add(c, ts_ns + i * 1000000ull, packet, i * 37 % PACKET_LARGEST);
	}
}

void capfile_skippable(struct capfile *c, uint32_t size)
{
	capfile_32(c, 0x184d2a53);
	capfile_32(c, size);
	memset(extend(c, size), 0x28, size);
}

static void write_all(int fd, const uint8_t *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);
		need(n > 0);
		data += n;
		size -= (size_t)n;
	}
}

int capfile_fd(const struct capfile *c, size_t size)
{
	int fd = memfd_create("capfile", MFD_CLOEXEC);

	need(fd >= 0);
	write_all(fd, c->data, size);
	need(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

void capfile_save(const struct capfile *c, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	need(fd >= 0);
	write_all(fd, c->data, c->size);
	close(fd);
}
