/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcapng, the format of Wireshark.
 *
 * spec: draft-ietf-opsawg-pcapng, sections 3.1 (blocks), 3.5 (options), 4.1 (section header), 4.2
 * (interface description), 4.3 (enhanced packet), 4.4 (simple packet), appendix A (old packet
 * block).
 *
 *   type 4 | length 4 | body, padded to 4 | length 4
 *
 * A section begins with its header, which tells the byte order of all of it; interfaces are
 * numbered from 0 in each. All other blocks are passed over, of any length. Section lengths are not
 * needed.
 */
#include "capture/infile.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/time.h"

enum block_type {
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET_OLD = 2,
	BLOCK_PACKET_SIMPLE = 3,
	BLOCK_PACKET = 6,
	BLOCK_JOURNAL = 9,
	BLOCK_SYSDIG_EVENT = 0x204,
	BLOCK_SYSDIG_EVENT_V2 = 0x216,
	BLOCK_SYSDIG_EVENT_V2_LARGE = 0x221,
	BLOCK_CUSTOM = 0x0bad,
	BLOCK_CUSTOM_KEEP = 0x40000bad,
	BLOCK_SECTION = 0x0a0d0d0a, /* the same in both byte orders */
};

enum option {
	OPTION_END = 0,
	OPTION_NAME = 2,
	OPTION_RESOLUTION = 9,
	OPTION_OFFSET = 14,
};

enum {
	BLOCK_MIN = 12,
	SECTION_FIXED = 24,
	SECTION_MIN = 28,
	INTERFACE_MIN = 20,
	PACKET_FIXED = 28, /* type to the packet's bytes; the same in the old block */
	PACKET_MIN = PACKET_FIXED + 4,
	SIMPLE_FIXED = 12,
	/* A frame, and 64 KiB options; more is a length gone wrong. */
	PACKET_BLOCK_MAX = 16 << 20,
	RESOLUTION_US = 6, /* when an interface says nothing */
	RESOLUTION_BINARY = 0x80,
};

#define BYTE_ORDER_MAGIC 0x1a2b3c4du

#define always_inline inline __attribute__((always_inline))

static const uint64_t power_of_10[] = {
	1ull,
	10ull,
	100ull,
	1000ull,
	10000ull,
	100000ull,
	1000000ull,
	10000000ull,
	100000000ull,
	1000000000ull,
	10000000000ull,
	100000000000ull,
	1000000000000ull,
	10000000000000ull,
	100000000000000ull,
	1000000000000000ull,
	10000000000000000ull,
	100000000000000000ull,
	1000000000000000000ull,
	10000000000000000000ull,
};

enum { POWERS = sizeof(power_of_10) / sizeof(power_of_10[0]) };

/* Any resolution and offset; out of range becomes the nearest time there is. */
static uint64_t time_of(const struct section_interface *i, uint64_t ticks)
{
	unsigned n = i->resolution & 0x7f;
	__int128 ns;

	if (i->resolution & RESOLUTION_BINARY)
		ns = (__int128)((unsigned __int128)ticks * NS_PER_S >> n);
	else if (n <= 9)
		ns = (__int128)ticks * (__int128)power_of_10[9 - n];
	else
		ns = n - 9 < POWERS ? (__int128)(ticks / power_of_10[n - 9]) : 0;
	ns += (__int128)i->offset_s * (__int128)NS_PER_S;
	if (ns < 0)
		return 0;
	return ns > (__int128)TS_MAX_NS ? TS_MAX_NS : (uint64_t)ns;
}

/* The same, quick for plain decimal resolutions up to ns. */
static always_inline uint64_t quick_time_of(const struct section_interface *i, uint64_t ticks)
{
	uint64_t ns;

	if (__builtin_mul_overflow(ticks, i->multiply, &ns) || !i->multiply || ns > TS_MAX_NS)
		return time_of(i, ticks);
	return ns;
}

__attribute__((format(printf, 4, 5))) static void damaged(struct infile *f, struct block *b,
							  const uint8_t *p, const char *format, ...)
{
	char text[INPUT_DETAIL_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	infile_fail(f, ERR_DAMAGED, infile_offset(f, b, p), "%s", text);
	b->at = b->size;
}

/* Goes on passing over a block, at the block's cursor, and checks the length behind it. */
static void pass(struct infile *f, struct block *b)
{
	struct pcapng_format *ng = &f->pcapng;
	size_t left = b->size - b->at;
	const uint8_t *p = b->data + b->at;

	if (left < ng->skip) {
		ng->skip -= left;
		infile_leave(f, b, b->data + b->size, 1);
		return;
	}
	p += ng->skip;
	left -= ng->skip;
	ng->skip = 0;
	if (left < 4) {
		infile_leave(f, b, p, 4);
		return;
	}
	if (load_32(p, ng->swapped) != ng->trailer) {
		damaged(f, b, p, "a block of %u bytes ends with length %u", ng->trailer,
			load_32(p, ng->swapped));
		return;
	}
	ng->trailer = 0;
	b->at = (size_t)(p + 4 - b->data);
}

/* Passes over a block at the cursor, of whose `total` bytes the first `done` are dealt with. */
static void pass_rest(struct infile *f, struct block *b, uint32_t total, uint32_t done)
{
	f->pcapng.skip = total - done - 4;
	f->pcapng.trailer = total;
	b->at += done;
	pass(f, b);
}

static void section_block(struct infile *f, struct block *b, const uint8_t *p, size_t left)
{
	struct pcapng_format *ng = &f->pcapng;
	uint32_t magic, total;
	uint16_t major;

	if (left < SECTION_MIN) {
		infile_leave(f, b, p, SECTION_MIN);
		return;
	}
	magic = load_le32(p + 8);
	if (magic != BYTE_ORDER_MAGIC && magic != __builtin_bswap32(BYTE_ORDER_MAGIC)) {
		damaged(f, b, p, "a section header with byte order %08x", magic);
		return;
	}
	ng->swapped = magic != BYTE_ORDER_MAGIC;
	total = load_32(p + 4, ng->swapped);
	if (total < SECTION_MIN || total % 4) {
		damaged(f, b, p, "a section header of %u bytes", total);
		return;
	}
	major = load_16(p + 12, ng->swapped);
	if (major != 1) {
		infile_fail(f, ERR_UNSUPPORTED, infile_offset(f, b, p), "pcapng version %u", major);
		b->at = b->size;
		return;
	}
	ng->interface_count = 0;
	pass_rest(f, b, total, SECTION_FIXED);
}

/* What the options of an interface say. */
struct interface_options {
	struct view name;
	int64_t offset_s;
	uint8_t resolution;
};

static bool read_options(struct view v, bool swapped, struct interface_options *o)
{
	struct reader r = reader_of(v);

	while (reader_left(&r) >= 4) {
		const uint8_t *p = reader_take(&r, 4);
		uint16_t code = load_16(p, swapped), size = load_16(p + 2, swapped);
		struct view value;

		if (code == OPTION_END)
			return true;
		value = reader_view(&r, size);
		if (r.short_read)
			return false;
		/* The block is padded, so that an option that fits has its padding too. */
		reader_skip(&r, -(uint32_t)size & 3);
		if (code == OPTION_NAME) {
			o->name = value;
		} else if (code == OPTION_RESOLUTION && size == 1) {
			o->resolution = value.data[0];
		} else if (code == OPTION_OFFSET && size == 8) {
			o->offset_s =
				(int64_t)(swapped ? load_be64(value.data) : load_le64(value.data));
		} else if (code == OPTION_RESOLUTION || code == OPTION_OFFSET) {
			return false;
		}
	}
	return true;
}

/* Room for one more interface of the section. */
static bool grow_interfaces(struct pcapng_format *ng)
{
	unsigned room = ng->interface_room ? 2 * ng->interface_room : 8;
	void *grown;

	if (ng->interface_count < ng->interface_room)
		return true;
	grown = realloc(ng->interfaces, room * sizeof(ng->interfaces[0]));
	if (!grown)
		return false;
	ng->interfaces = grown;
	ng->interface_room = room;
	return true;
}

/*
 * Files of one capture put one behind another (cat, ring files) describe their interfaces again in
 * each section: one of the same place, name and link type as in the section before is the same
 * interface.
 */
static bool described_again(const struct infile *f, struct view name, uint16_t link_type)
{
	const struct pcapng_format *ng = &f->pcapng;
	const struct section_interface *before = ng->interfaces + ng->interface_count;
	const char *known;

	if (ng->interface_count >= ng->interface_known || before->link_type != link_type)
		return false;
	known = f->names[before->id] ? f->names[before->id] : "";
	if (name.size > INTERFACE_NAME_MAX)
		name.size = INTERFACE_NAME_MAX;
	return strlen(known) == strnlen((const char *)name.data, name.size) &&
	       memcmp(known, name.data, strlen(known)) == 0;
}

static int add_interface(struct infile *f, const uint8_t *p, const struct interface_options *o)
{
	struct pcapng_format *ng = &f->pcapng;
	struct section_interface i = {
		.offset_s = o->offset_s,
		.resolution = o->resolution,
		.link_type = link_type_of(load_16(p + 8, ng->swapped)),
		.snaplen = load_32(p + 12, ng->swapped),
	};

	if (!grow_interfaces(ng))
		return ERR_NOMEM;
	if (described_again(f, o->name, i.link_type)) {
		i.id = ng->interfaces[ng->interface_count].id;
	} else {
		int err = infile_add_interface(f, o->name, &i.id);
		if (err < 0)
			return err;
	}
	if (o->resolution <= 9 && !o->offset_s)
		i.multiply = power_of_10[9 - o->resolution];
	ng->interfaces[ng->interface_count++] = i;
	if (ng->interface_known < ng->interface_count)
		ng->interface_known = ng->interface_count;
	if (f->snaplen < i.snaplen)
		f->snaplen = i.snaplen;
	return 0;
}

static void interface_block(struct infile *f, struct block *b, const uint8_t *p, uint32_t total)
{
	struct interface_options o = {.name = view_text(""), .resolution = RESOLUTION_US};
	const bool swapped = f->pcapng.swapped;
	int err;

	if (total < INTERFACE_MIN || total > BLOCK_WHOLE_MAX) {
		damaged(f, b, p, "an interface description of %u bytes", total);
		return;
	}
	if (b->size - b->at < total) {
		infile_leave(f, b, p, total);
		return;
	}
	if (!read_options(view_of(p + INTERFACE_MIN - 4, total - INTERFACE_MIN), swapped, &o)) {
		damaged(f, b, p, "an interface description with a broken option");
		return;
	}
	err = add_interface(f, p, &o);
	if (err < 0) {
		infile_fail(f, err, infile_offset(f, b, p), "%s",
			    err == ERR_LIMIT ? "more than 65536 interfaces" : err_text(err));
		b->at = b->size;
		return;
	}
	pass_rest(f, b, total, total - 4);
}

/* What a packet block of any kind says in front of the packet's bytes. */
struct packet_head {
	uint32_t interface, captured, wire;
	uint64_t ticks;
	bool timeless;
};

static void read_packet_head(const struct pcapng_format *ng, const uint8_t *p, uint32_t type,
			     struct packet_head *h)
{
	const bool swapped = ng->swapped;

	*h = (struct packet_head){0};
	if (type == BLOCK_PACKET_SIMPLE) {
		uint32_t snaplen = ng->interface_count ? ng->interfaces[0].snaplen : 0;
		h->wire = load_32(p + 8, swapped);
		h->captured = snaplen && h->wire > snaplen ? snaplen : h->wire;
		h->timeless = true;
		return;
	}
	h->interface = type == BLOCK_PACKET ? load_32(p + 8, swapped) : load_16(p + 8, swapped);
	h->ticks = (uint64_t)load_32(p + 12, swapped) << 32 | load_32(p + 16, swapped);
	h->captured = load_32(p + 20, swapped);
	h->wire = load_32(p + 24, swapped);
}

static bool packet_is_sound(struct infile *f, struct block *b, const uint8_t *p,
			    const struct packet_head *h, uint32_t room)
{
	uint32_t total = load_32(p + 4, f->pcapng.swapped);

	if (total > PACKET_BLOCK_MAX)
		damaged(f, b, p, "a packet block of %u bytes", total);
	else if (h->captured > room)
		damaged(f, b, p, "a packet of %u bytes in a block of %u", h->captured, total);
	else if (h->captured > SOURCE_FRAME_MAX)
		damaged(f, b, p, "a packet of %u bytes, more than %d", h->captured,
			SOURCE_FRAME_MAX);
	else if (h->interface >= f->pcapng.interface_count)
		damaged(f, b, p, "a packet of interface %u, and %u are described", h->interface,
			f->pcapng.interface_count);
	else
		return true;
	return false;
}

/* Any packet block, also a damaged, a huge or a cut one. Frames handed out: 0 or 1. */
static unsigned packet_block(struct infile *f, struct block *b, const uint8_t *p, uint32_t type,
			     uint32_t total, struct frame *to)
{
	struct pcapng_format *ng = &f->pcapng;
	size_t left = b->size - b->at;
	const uint32_t fixed = type == BLOCK_PACKET_SIMPLE ? SIMPLE_FIXED : PACKET_FIXED;
	const struct section_interface *i;
	struct packet_head h;
	uint32_t whole;

	if (total < fixed + 4) {
		damaged(f, b, p, "a packet block of %u bytes", total);
		return 0;
	}
	if (left < fixed) {
		infile_leave(f, b, p, fixed);
		return 0;
	}
	read_packet_head(ng, p, type, &h);
	if (!packet_is_sound(f, b, p, &h, total - fixed - 4))
		return 0;
	whole = total <= BLOCK_WHOLE_MAX ? total : fixed + h.captured + 4;
	if (left < whole) {
		infile_leave(f, b, p, whole);
		return 0;
	}
	if (whole == total && load_32(p + total - 4, ng->swapped) != total) {
		damaged(f, b, p, "a block of %u bytes ends with length %u", total,
			load_32(p + total - 4, ng->swapped));
		return 0;
	}
	i = ng->interfaces + h.interface;
	ng->last_ns = h.timeless ? ng->last_ns : time_of(i, h.ticks);
	*to = (struct frame){
		.data = p + fixed,
		.ts_ns = ng->last_ns,
		.number = ++f->number,
		.captured = h.captured,
		.wire = h.wire < h.captured ? h.captured : h.wire,
		.link_type = i->link_type,
		.interface = i->id,
		.file = f->index,
	};
	pass_rest(f, b, total, whole - 4);
	return 1;
}

/* Blocks that are no packets, but that Wireshark gives a frame number. */
static bool counts_as_frame(uint32_t type)
{
	return type == BLOCK_JOURNAL || type == BLOCK_SYSDIG_EVENT ||
	       type == BLOCK_SYSDIG_EVENT_V2 || type == BLOCK_SYSDIG_EVENT_V2_LARGE ||
	       type == BLOCK_CUSTOM || type == BLOCK_CUSTOM_KEEP;
}

/* Deals with the block at the cursor, whatever it is. Frames handed out: 0 or 1. */
static unsigned any_block(struct infile *f, struct block *b, struct frame *to)
{
	struct pcapng_format *ng = &f->pcapng;
	const uint8_t *p = b->data + b->at;
	size_t left = b->size - b->at;
	uint32_t type, total;

	if (ng->trailer) {
		pass(f, b);
		return 0;
	}
	if (left < BLOCK_MIN) {
		infile_leave(f, b, p, BLOCK_MIN);
		return 0;
	}
	type = load_32(p, ng->swapped);
	if (type == BLOCK_SECTION) {
		section_block(f, b, p, left);
		return 0;
	}
	total = load_32(p + 4, ng->swapped);
	if (total < BLOCK_MIN || total % 4) {
		damaged(f, b, p, "a block (type %#x) of %u bytes", type, total);
		return 0;
	}
	switch (type) {
	case BLOCK_INTERFACE:
		interface_block(f, b, p, total);
		return 0;
	case BLOCK_PACKET:
	case BLOCK_PACKET_OLD:
	case BLOCK_PACKET_SIMPLE:
		return packet_block(f, b, p, type, total, to);
	default:
		f->number += counts_as_frame(type);
		pass_rest(f, b, total, BLOCK_MIN - 4);
		return 0;
	}
}

/*
 * The walk over the blocks: enhanced packet blocks that are in order are handed out here, all else
 * goes through any_block(), which may change the byte order: then it ends early.
 */
static always_inline unsigned walk(struct infile *f, struct block *b, struct frame *to,
				   unsigned max, bool swapped)
{
	struct pcapng_format *ng = &f->pcapng;
	const uint8_t *end = b->data + b->size;
	unsigned n = 0;

	while (n < max && b->at < b->size && ng->swapped == swapped) {
		const uint8_t *p = b->data + b->at;
		size_t left = (size_t)(end - p);
		const struct section_interface *i;
		uint32_t total, interface, captured, wire;

		if (left < PACKET_MIN || ng->trailer || load_32(p, swapped) != BLOCK_PACKET) {
			n += any_block(f, b, to + n);
			continue;
		}
		total = load_32(p + 4, swapped);
		interface = load_32(p + 8, swapped);
		captured = load_32(p + 20, swapped);
		wire = load_32(p + 24, swapped);
		if (total < PACKET_MIN || total > left || total > BLOCK_WHOLE_MAX || total % 4 ||
		    captured > total - PACKET_MIN || captured > SOURCE_FRAME_MAX ||
		    interface >= ng->interface_count || load_32(p + total - 4, swapped) != total) {
			n += any_block(f, b, to + n);
			continue;
		}
		__builtin_prefetch(p + total);
		__builtin_prefetch(p + 64);
		i = ng->interfaces + interface;
		ng->last_ns = quick_time_of(i, (uint64_t)load_32(p + 12, swapped) << 32 |
						       load_32(p + 16, swapped));
		to[n++] = (struct frame){
			.data = p + PACKET_FIXED,
			.ts_ns = ng->last_ns,
			.number = ++f->number,
			.captured = captured,
			.wire = wire < captured ? captured : wire,
			.link_type = i->link_type,
			.interface = i->id,
			.file = f->index,
		};
		b->at += total;
	}
	return n;
}

static unsigned frames(struct infile *f, struct block *b, struct frame *to, unsigned max)
{
	unsigned n = 0;

	while (n < max && b->at < b->size)
		n += f->pcapng.swapped ? walk(f, b, to + n, max - n, true)
				       : walk(f, b, to + n, max - n, false);
	return n;
}

int infile_try_pcapng(struct infile *f)
{
	struct input *in = &f->input;
	uint32_t magic;

	if (in->head_size < 4 || load_le32(in->head) != BLOCK_SECTION)
		return ERR_FORMAT;
	if (in->head_size < BLOCK_MIN)
		return infile_fail(f, ERR_CUT, 0, "only %u bytes of its first block are there",
				   in->head_size);
	magic = load_le32(in->head + 8);
	if (magic != BYTE_ORDER_MAGIC && magic != __builtin_bswap32(BYTE_ORDER_MAGIC))
		return infile_fail(f, ERR_DAMAGED, 8, "a section header with byte order %08x",
				   magic);
	f->frames = frames;
	return 0;
}
