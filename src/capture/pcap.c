/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcap, the format of tcpdump.
 *
 * spec: draft-ietf-opsawg-pcap, sections 4 (file header) and 5 (packet record).
 *
 *   magic 4 | major 2 | minor 2 | reserved 8 | snaplen 4 | link type 2, FCS length and flags 2
 *   seconds 4 | fraction 4 | captured 4 | on the wire 4 | bytes ...
 *
 * The magic tells byte order and unit: a1b2c3d4 us, a1b23c4d ns; a1b2cd34 is Kuznetzov's variant,
 * whose records have 8 bytes more in their header. All of it may be in either byte order.
 */
#include "capture/infile.h"

#include "core/time.h"

enum {
	FILE_HEADER = 24,
	RECORD_HEADER = 16,
	RECORD_HEADER_MODIFIED = 24,
};

#define MAGIC_US 0xa1b2c3d4u
#define MAGIC_NS 0xa1b23c4du
#define MAGIC_MODIFIED 0xa1b2cd34u

#define always_inline inline __attribute__((always_inline))

static __attribute__((noinline, cold)) void too_long(struct infile *f, struct block *b,
						     const uint8_t *p, uint32_t captured)
{
	infile_fail(f, ERR_DAMAGED, infile_offset(f, b, p),
		    "the record of frame %llu says it has %u bytes, more than %d",
		    (unsigned long long)f->number + 1, captured, SOURCE_FRAME_MAX);
	b->at = b->size;
}

/*
 * The walk over the records of a block. The arguments that are constants make it several functions,
 * of which the common one has no test for byte order or header size in its loop.
 */
static always_inline unsigned walk(struct infile *f, struct block *b, struct frame *to,
				   unsigned max, bool swapped, uint32_t header)
{
	const uint8_t *p = b->data + b->at, *end = b->data + b->size;
	const uint64_t ns = f->pcap.ns;
	const uint16_t link_type = f->pcap.link_type, index = f->index;
	uint64_t number = f->number;
	unsigned n = 0;

	while (n < max) {
		size_t left = (size_t)(end - p);
		uint32_t captured, wire;

		if (left < header) {
			if (left)
				infile_leave(f, b, p, header);
			p = end;
			break;
		}
		captured = load_32(p + 8, swapped);
		wire = load_32(p + 12, swapped);
		if (__builtin_expect(wire < captured, 0)) {
			uint32_t first = captured;
			if (f->pcap.lengths_swapped)
				captured = wire;
			wire = first;
		}
		if (__builtin_expect(captured > left - header, 0)) {
			f->number = number;
			if (captured > SOURCE_FRAME_MAX)
				too_long(f, b, p, captured);
			else
				infile_leave(f, b, p, header + captured);
			p = end;
			break;
		}
		if (__builtin_expect(captured > SOURCE_FRAME_MAX, 0)) {
			f->number = number;
			too_long(f, b, p, captured);
			p = end;
			break;
		}
		/* The record behind this one, and the headers in this one, are needed next. */
		__builtin_prefetch(p + header + captured);
		__builtin_prefetch(p + 64);
		to[n++] = (struct frame){
			.data = p + header,
			.ts_ns = load_32(p, swapped) * NS_PER_S + load_32(p + 4, swapped) * ns,
			.number = ++number,
			.captured = captured,
			.wire = wire,
			.link_type = link_type,
			.file = index,
		};
		p += header + captured;
	}
	f->number = number;
	b->at = (size_t)(p - b->data);
	return n;
}

static unsigned walk_native(struct infile *f, struct block *b, struct frame *to, unsigned max)
{
	return walk(f, b, to, max, false, RECORD_HEADER);
}

static unsigned walk_swapped(struct infile *f, struct block *b, struct frame *to, unsigned max)
{
	return walk(f, b, to, max, true, RECORD_HEADER);
}

static unsigned walk_modified(struct infile *f, struct block *b, struct frame *to, unsigned max)
{
	return walk(f, b, to, max, f->pcap.swapped, RECORD_HEADER_MODIFIED);
}

int infile_try_pcap(struct infile *f)
{
	struct input *in = &f->input;
	const uint8_t *head = in->head;
	uint32_t magic = in->head_size >= 4 ? load_le32(head) : 0;
	struct pcap_format *p = &f->pcap;
	uint16_t major, minor, id;

	p->swapped = magic == __builtin_bswap32(MAGIC_US) || magic == __builtin_bswap32(MAGIC_NS) ||
		     magic == __builtin_bswap32(MAGIC_MODIFIED);
	if (p->swapped)
		magic = __builtin_bswap32(magic);
	if (magic != MAGIC_US && magic != MAGIC_NS && magic != MAGIC_MODIFIED)
		return ERR_FORMAT;
	if (in->head_size < FILE_HEADER)
		return infile_fail(f, ERR_CUT, 0, "only %u bytes of the 24 of its header are there",
				   in->head_size);
	major = load_16(head + 4, p->swapped);
	minor = load_16(head + 6, p->swapped);
	if (major != 2)
		return infile_fail(f, ERR_UNSUPPORTED, 4, "pcap version %u.%u", major, minor);
	p->lengths_swapped = minor <= 3;
	p->ns = magic == MAGIC_NS ? 1 : NS_PER_US;
	f->snaplen = load_32(head + 16, p->swapped);
	p->link_type = link_type_of(load_32(head + 20, p->swapped));
	f->frames = magic == MAGIC_MODIFIED ? walk_modified
		    : p->swapped            ? walk_swapped
					    : walk_native;
	in->head_at = FILE_HEADER;
	f->offset = FILE_HEADER;
	return infile_add_interface(f, view_of(NULL, 0), &id);
}
