/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Writes capture files, in memory: pcap and pcapng in every variant that there is, whole or wrong.
 * It shares no code with the reader in src/capture, so that both can be right only together with
 * the format. Running out of memory aborts: these are tests.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum capfile_kind {
	CAPFILE_PCAP_US,
	CAPFILE_PCAP_NS,
	CAPFILE_PCAP_MODIFIED, /* Kuznetzov's, us */
	CAPFILE_PCAPNG,
};

enum capfile_block {
	CAPFILE_ENHANCED = 6,
	CAPFILE_SIMPLE = 3,
	CAPFILE_OLD = 2,
};

/* No option of that kind. */
enum { CAPFILE_NO_RESOLUTION = -1 };

/* Where a record ends, and how many packets there are up to there. */
struct capfile_end {
	size_t at;
	unsigned packets;
};

struct capfile {
	uint8_t *data;
	size_t size, room;
	enum capfile_kind kind;
	bool swapped; /* big endian */
	unsigned packets;
	struct capfile_end *ends;
	unsigned end_count, end_room;
};

void capfile_init(struct capfile *c);
void capfile_done(struct capfile *c);

/* Bytes as they are; not a record of their own. */
void capfile_bytes(struct capfile *c, const void *data, size_t size);
void capfile_16(struct capfile *c, uint16_t v);
void capfile_32(struct capfile *c, uint32_t v);
/* A record ends here. */
void capfile_end(struct capfile *c);

/* --- pcap --- */

void capfile_pcap(struct capfile *c, enum capfile_kind kind, bool swapped, uint32_t snaplen,
		  uint32_t link_type);
void capfile_record(struct capfile *c, uint64_t ts_ns, const void *data, uint32_t captured,
		    uint32_t wire);

/* --- pcapng --- */

/* A section header; `length` -1: not told. */
void capfile_section(struct capfile *c, bool swapped, int64_t length);
/* An interface; `name` may be NULL, `offset_s` 0 leaves that option out. */
void capfile_interface(struct capfile *c, uint16_t link_type, uint32_t snaplen, const char *name,
		       int resolution, int64_t offset_s);
/* A packet in a block of any kind; `ticks` in the interface's unit. */
void capfile_packet(struct capfile *c, enum capfile_block block, uint32_t interface, uint64_t ticks,
		    const void *data, uint32_t captured, uint32_t wire);
/* The same with `size` bytes of options behind it (enhanced and old only). */
void capfile_packet_options(struct capfile *c, enum capfile_block block, uint32_t interface,
			    uint64_t ticks, const void *data, uint32_t captured, uint32_t wire,
			    const void *options, uint32_t size);
/* Any block; `size` is padded to 4. */
void capfile_block(struct capfile *c, uint32_t type, const void *body, uint32_t size);

/* --- both --- */

/* A packet of `size` bytes at `ts_ns`, on interface 0, whatever the kind (pcapng: us). */
void capfile_add(struct capfile *c, uint64_t ts_ns, const void *data, uint32_t size);
/* `count` packets from `ts_ns` on, 1 ms apart, with different bytes and sizes (0 to 299). */
void capfile_add_many(struct capfile *c, unsigned count, uint64_t ts_ns);

/* --- capfile_compress.c; needs the libraries --- */

enum capfile_compression {
	CAPFILE_GZIP,
	CAPFILE_ZSTD,
	CAPFILE_LZ4,
	CAPFILE_COMPRESSIONS,
};

/* Adds `from`, compressed, to `to`. False when this program was built without that library. */
bool capfile_compress(const struct capfile *from, enum capfile_compression how, struct capfile *to);
/* A frame that zstd and lz4 skip, of `size` bytes. */
void capfile_skippable(struct capfile *c, uint32_t size);

/* A file in memory with the first `size` bytes; the caller closes it. */
int capfile_fd(const struct capfile *c, size_t size);
/* Writes a file. */
void capfile_save(const struct capfile *c, const char *path);
