/* SPDX-License-Identifier: Apache-2.0 */
#include "surgery.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "capfile.h"
#include "capture/source.h"
#include "core/hash.h"
#include "core/view.h"
#include "gencap.h"
#include "pktbuild.h"

enum {
	BATCH = 64,
	LINK_ETHERNET = 1,
	SEGMENT_MAX = 65000, /* leaves room for headers in an IPv4 packet */
	STREAM_MAX = 64 << 20,
	PORT_MASK = 0x2e5a, /* XOR: one to one, far from the well-known ones */
	VLAN = 7,
	VNI = 77,
};

static void *grown(void *block, size_t size)
{
	void *p = realloc(block, size ? size : 1);
	if (!p)
		abort();
	return p;
}

static void *copy_of(const void *data, size_t size)
{
	void *p = grown(NULL, size);
	if (size)
		memcpy(p, data, size);
	return p;
}

static struct surgery_packet *append(struct surgery *s)
{
	if (s->count == s->room) {
		s->room = 2 * s->room + 256;
		s->packets = grown(s->packets, s->room * sizeof(*s->packets));
	}
	s->packets[s->count] = (struct surgery_packet){0};
	return &s->packets[s->count++];
}

static uint64_t below(struct surgery *s, uint64_t n)
{
	return gencap_random(&s->seed) % n;
}

/* --- reading --- */

/* The connection it belongs to, and which side sent it: by the SYN, else the lower port serves. */
static void place_packet(struct surgery *s, struct surgery_packet *to)
{
	const struct packet *p = &to->p;
	bool syn = (p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
	to->from_server = p->key.port[p->dir] < p->key.port[!p->dir];
	if (p->flags & TCP_SYN)
		to->from_server = p->flags & TCP_ACK;
	for (size_t i = s->count - 1; i--;) {
		const struct surgery_packet *old = &s->packets[i];
		if (memcmp(&old->p.key, &p->key, sizeof(p->key)) != 0)
			continue;
		if (syn &&
		    !(old->p.dir == p->dir && old->p.flags & TCP_SYN && old->p.seq == p->seq))
			break;
		to->connection = old->connection;
		to->from_server = old->from_server == (old->p.dir == p->dir);
		return;
	}
	to->connection = s->connections++;
}

static void take_frame(struct surgery *s, struct packet_parser *parser, const struct frame *f,
		       uint64_t now_ns, struct scratch *scratch)
{
	struct packet p;
	if (packet_parse(parser, f, now_ns, scratch, &p) != PACKET_READY || p.kind != PACKET_TCP)
		return;
	struct surgery_packet *to = append(s);
	s->link_type = f->link_type;
	to->p = p;
	to->p.payload = copy_of(p.payload, p.payload_size);
	to->frame = copy_of(f->data, f->captured);
	to->captured = f->captured;
	to->wire = f->wire;
	to->number = f->number;
	place_packet(s, to);
}

static int load(struct surgery *s, struct source *source, struct packet_parser *parser)
{
	struct block block = {.data = grown(NULL, SOURCE_BLOCK_SIZE), .room = SOURCE_BLOCK_SIZE};
	struct scratch scratch = {0};
	struct frame frames[BATCH];
	uint64_t now_ns = 0;
	int err = 0;
	while (!err) {
		unsigned n;
		block.size = block.at = 0;
		err = source_fill(source, &block, true);
		while (!err && (n = source_frames(source, &block, frames, BATCH)))
			for (unsigned i = 0; i < n; i++) {
				now_ns = frames[i].ts_ns > now_ns ? frames[i].ts_ns : now_ns;
				take_frame(s, parser, &frames[i], now_ns, &scratch);
			}
		scratch_reset(&scratch);
	}
	scratch_done(&scratch);
	free(block.data);
	return err == ERR_EOF ? 0 : err;
}

int surgery_load(const char *path, uint64_t seed, struct surgery *ret)
{
	static struct counters counters;
	struct packet_options options = {.secret = HASH_FILE_SECRET, .counters = &counters};
	struct packet_parser *parser = NULL;
	struct source *source = NULL;
	unsigned bad;
	*ret = (struct surgery){.seed = seed, .link_type = LINK_ETHERNET};
	int err = packet_parser_new(&options, &parser);
	if (!err)
		err = source_open_files(&path, 1, &source, &bad);
	if (!err)
		err = load(ret, source, parser);
	source_close(source);
	packet_parser_free(parser);
	return err;
}

void surgery_free(struct surgery *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free((void *)s->packets[i].p.payload);
		free(s->packets[i].frame);
	}
	free(s->packets);
	*s = (struct surgery){0};
}

/* --- changing --- */

static void add_piece(struct surgery *to, const struct surgery_packet *from, uint32_t at,
		      uint32_t size, bool last)
{
	struct surgery_packet *piece = append(to);
	*piece = *from;
	piece->rebuilt = true;
	piece->frame = NULL;
	piece->p.payload = copy_of(from->p.payload + at, size);
	piece->p.payload_size = size;
	piece->p.seq += at + (at && from->p.flags & TCP_SYN ? 1 : 0);
	piece->p.payload_cut = last ? from->p.payload_cut : 0;
	piece->p.ip_id = (uint16_t)(to->count % 0xffff + 1);
	if (!last)
		piece->p.flags &= (uint8_t) ~(TCP_FIN | TCP_PSH | TCP_RST);
	if (at)
		piece->p.flags &= (uint8_t)~TCP_SYN;
}

static void split(struct surgery *s, struct surgery *to, const struct surgery_packet *from,
		  bool one)
{
	uint32_t at = 0, all = from->p.payload_size;
	do {
		uint32_t size = one ? 1 : 1 + (uint32_t)below(s, below(s, 4) ? 200 : 2000);
		size = size < all - at ? size : all - at;
		add_piece(to, from, at, size, at + size == all);
		at += size;
	} while (at < all);
}

static bool joins(const struct surgery_packet *a, const struct surgery_packet *b)
{
	return a->p.dir == b->p.dir && a->p.payload_size && b->p.payload_size &&
	       !a->p.payload_cut && a->p.seq + a->p.payload_size == b->p.seq &&
	       !((a->p.flags | b->p.flags) & (TCP_SYN | TCP_RST)) && !(a->p.flags & TCP_FIN) &&
	       a->p.payload_size + b->p.payload_size <= SEGMENT_MAX;
}

static void join(struct surgery_packet *a, const struct surgery_packet *b)
{
	uint8_t *all = grown((void *)a->p.payload, a->p.payload_size + b->p.payload_size);
	memcpy(all + a->p.payload_size, b->p.payload, b->p.payload_size);
	a->p.payload = all;
	a->p.payload_size += b->p.payload_size;
	a->p.payload_cut = b->p.payload_cut;
	a->p.flags |= b->p.flags;
	a->p.ack = b->p.ack;
	a->p.window = b->p.window;
}

void surgery_segment(struct surgery *s, enum surgery_size size)
{
	struct surgery to = *s;
	size_t *newest = grown(NULL, s->connections * sizeof(*newest));
	to.packets = NULL;
	to.count = to.room = 0;
	for (unsigned i = 0; i < s->connections; i++)
		newest[i] = SIZE_MAX;
	for (size_t i = 0; i < s->count; i++) {
		struct surgery_packet *p = &s->packets[i];
		size_t *last = &newest[p->connection];
		if (size != SURGERY_64K)
			split(s, &to, p, size == SURGERY_ONE_BYTE);
		else if (*last != SIZE_MAX && joins(&to.packets[*last], p))
			join(&to.packets[*last], p);
		else
			add_piece(&to, p, 0, p->p.payload_size, true), *last = to.count - 1;
	}
	to.seed = s->seed;
	free(newest);
	surgery_free(s);
	*s = to;
}

void surgery_move(struct surgery *s, bool to_ipv6, bool other_ports, bool wrapped)
{
	s->to_ipv6 = to_ipv6;
	s->other_ports = other_ports;
	s->wrapped = wrapped;
	for (size_t i = 0; i < s->count; i++)
		s->packets[i].rebuilt = true;
}

static int by_time(const void *a, const void *b)
{
	const struct surgery_packet *x = a, *y = b;
	if (x->p.ts_ns != y->p.ts_ns)
		return x->p.ts_ns < y->p.ts_ns ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

void surgery_shift(struct surgery *s, bool of_server, uint64_t ns)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->packets[i].from_server == of_server)
			s->packets[i].p.ts_ns += ns;
	qsort(s->packets, s->count, sizeof(*s->packets), by_time);
}

size_t surgery_drop(struct surgery *s, double percent, unsigned burst)
{
	size_t removed = 0, left = 0;
	uint64_t limit = (uint64_t)(percent / 100 / burst * (double)(1ull << 32));
	for (size_t i = 0; i < s->count; i++) {
		if (!left && (gencap_random(&s->seed) >> 32) < limit)
			left = burst == 1 ? 1 : 1 + below(s, 2 * burst - 1);
		if (!left)
			continue;
		left--;
		removed++;
		s->packets[i].removed = true;
	}
	return removed;
}

/* --- writing --- */

static void address_text(const struct surgery *s, const struct address *a, char to[static 64])
{
	char plain[46];
	address_print(a, plain);
	bool map = s->to_ipv6 && address_is_v4(a);
	snprintf(to, 64, "%s%s", map ? "fd00::" : "", plain);
}

static void rebuild(const struct surgery *s, const struct surgery_packet *from, struct pkt *to)
{
	const struct packet *p = &from->p;
	uint8_t options[16];
	uint32_t size = 0;
	if (p->flags & TCP_SYN && p->window_scale != 255) {
		const uint8_t scale[] = {1, 3, 3, p->window_scale};
		memcpy(options, scale, 4);
		size = 4;
	}
	if (p->has_timestamps) {
		const uint8_t head[] = {1, 1, 8, 10};
		memcpy(options + size, head, 4);
		pkt_be32(options + size + 4, p->ts_val);
		pkt_be32(options + size + 8, p->ts_ecr);
		size += 12;
	}
	char src[64], dst[64];
	address_text(s, &p->key.address[p->dir], src);
	address_text(s, &p->key.address[!p->dir], dst);
	uint16_t mask = s->other_ports ? PORT_MASK : 0;
	uint32_t sum = p->seq + p->payload_size * 77 + p->checksum;
	pkt_begin(to, p->payload, p->payload_size);
	pkt_tcp(to, p->key.port[p->dir] ^ mask, p->key.port[!p->dir] ^ mask, p->seq, p->ack,
		p->flags, options, size);
	pkt_be16(to->at + 14, p->window);
	pkt_be16(to->at + 16, (uint16_t)(sum ^ sum >> 16));
	pkt_ip(to, src, dst, PROTO_TCP);
	bool v6 = to->at[0] >> 4 == 6;
	if (!v6)
		pkt_be16(to->at + 4, p->ip_id);
	pkt_eth(to, v6 ? 0x86dd : 0x0800);
	if (!s->wrapped)
		return;
	pkt_vxlan(to, VNI);
	pkt_udp(to, 49152, 4789);
	pkt_ip(to, "192.0.2.1", "192.0.2.2", PROTO_UDP);
	pkt_vlan(to, VLAN, 0x0800);
	pkt_eth(to, 0x8100);
}

int surgery_save(struct surgery *s, const char *path)
{
	static struct pkt pkt;
	struct capfile c;
	bool rebuilt = false;
	for (size_t i = 0; i < s->count; i++)
		rebuilt |= s->packets[i].rebuilt;
	capfile_init(&c);
	capfile_pcap(&c, CAPFILE_PCAP_NS, false, 262144, rebuilt ? LINK_ETHERNET : s->link_type);
	for (size_t i = 0; i < s->count; i++) {
		const struct surgery_packet *p = &s->packets[i];
		if (p->removed)
			continue;
		if (!rebuilt) {
			capfile_record(&c, p->p.ts_ns, p->frame, p->captured, p->wire);
			continue;
		}
		rebuild(s, p, &pkt);
		capfile_record(&c, p->p.ts_ns, pkt.at, pkt.size, pkt.size + p->p.payload_cut);
	}
	capfile_save(&c, path);
	capfile_done(&c);
	return 0;
}

/* --- the map --- */

struct way {
	uint8_t *bytes;
	uint32_t origin;
	uint64_t end, room;
	bool known;
};

static int write_stream(const char *directory, size_t i, const struct way *w)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/%zu.%zu", directory, i / 2, i % 2);
	FILE *f = fopen(path, "wb");
	if (!f)
		return ERR_IO;
	bool bad = w->end && fwrite(w->bytes, w->end, 1, f) != 1;
	return fclose(f) || bad ? ERR_IO : 0;
}

static void map_packet(const struct surgery_packet *p, struct way *w, FILE *out)
{
	uint32_t first = p->p.seq + !!(p->p.flags & TCP_SYN);
	if (!w->known)
		w->origin = first;
	w->known = true;
	int64_t from = (int64_t)w->end + (int32_t)(first - w->origin - (uint32_t)w->end);
	int64_t to = from + p->p.payload_size;
	if (!p->p.payload_size || from < 0 || to > STREAM_MAX)
		return;
	if ((uint64_t)to > w->room) {
		uint64_t room = 2 * (uint64_t)to;
		w->bytes = grown(w->bytes, room);
		memset(w->bytes + w->room, 0, room - w->room);
		w->room = room;
	}
	memcpy(w->bytes + from, p->p.payload, p->p.payload_size);
	w->end = (uint64_t)to > w->end ? (uint64_t)to : w->end;
	fprintf(out, "%" PRIu64 " %u %d %" PRId64 " %" PRId64 " %d\n", p->number, p->connection,
		p->from_server, from, to, p->removed);
}

int surgery_map(const struct surgery *s, const char *directory)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/packets", directory);
	FILE *out = fopen(path, "w");
	if (!out)
		return ERR_IO;
	struct way *ways = calloc(2 * s->connections + 1, sizeof(*ways));
	if (!ways)
		abort();
	for (size_t i = 0; i < s->count; i++) {
		const struct surgery_packet *p = &s->packets[i];
		map_packet(p, &ways[2 * p->connection + p->from_server], out);
	}
	int err = fclose(out) ? ERR_IO : 0;
	for (size_t i = 0; i < 2 * (size_t)s->connections; i++) {
		if (!err)
			err = write_stream(directory, i, &ways[i]);
		free(ways[i].bytes);
	}
	free(ways);
	return err;
}
