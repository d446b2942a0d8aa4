/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One captured frame, borrowed from the block it was read into: valid until that block is used again.
 */
#include <stdbool.h>
#include <stdint.h>

struct frame {
	const uint8_t *data;
	uint64_t ts_ns;     /* packet time */
	uint64_t number;    /* frame number in its file, from 1, as Wireshark counts; 0: live */
	uint32_t captured;  /* bytes at `data` */
	uint32_t wire;      /* bytes it had on the wire, >= captured */
	uint16_t link_type; /* LINKTYPE_ value (tcpdump.org), not the platform's DLT_ */
	uint16_t interface; /* index into the source's interfaces */
	uint16_t file;      /* index into the source's files, from 0 */
	bool filtered;      /* the user's filter has been applied already, by the kernel */
};

/* Where a byte was seen: file and frame number in one word, for `frames` in a record. */
static inline uint64_t frame_ref(uint16_t file, uint64_t number)
{
	return (uint64_t)file << 48 | (number & 0xffffffffffffull);
}

static inline uint16_t frame_ref_file(uint64_t ref)
{
	return (uint16_t)(ref >> 48);
}

static inline uint64_t frame_ref_number(uint64_t ref)
{
	return ref & 0xffffffffffffull;
}
