/* SPDX-License-Identifier: Apache-2.0 */
#include "surgery.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture/source.h"
#include "core/hash.h"
#include "core/view.h"
#include "gencap.h"
#include "packet/key.h"

enum {
	BATCH = 64,
	LINK_ETHERNET = 1,
	SEGMENT_MAX = 65000, /* leaves room for headers in an IPv4 packet */
	STREAM_MAX = 64 << 20,
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

/* Who answers a datagram by an ICMP error is the one it was sent to. */
static unsigned sender_of(const struct packet *p)
{
	return p->kind == PACKET_ICMP_ERROR ? !p->dir : p->dir;
}

/* The connection it belongs to, and which side sent it: by the SYN, else the lower port serves. */
static void place_packet(struct surgery *s, struct surgery_packet *to)
{
	const struct packet *p = &to->p;
	unsigned sender = sender_of(p);
	bool syn = (p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
	to->from_server = p->key.port[sender] < p->key.port[!sender];
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
		to->from_server = old->from_server == (sender_of(&old->p) == sender);
		return;
	}
	to->connection = s->connections++;
}

static void take_frame(struct surgery *s, struct packet_parser *parser, const struct frame *f,
		       uint64_t now_ns, struct scratch *scratch)
{
	struct packet p;
	if (packet_parse(parser, f, now_ns, scratch, &p) != PACKET_READY || p.kind == PACKET_OTHER)
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
		if (p->p.kind != PACKET_TCP)
			add_piece(&to, p, 0, p->p.payload_size, true);
		else if (size != SURGERY_64K)
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

void surgery_move(struct surgery *s, bool to_ipv6, bool other_ports, enum surgery_wrap wrap)
{
	s->to_ipv6 = to_ipv6;
	s->other_ports = other_ports;
	s->wrap = wrap;
	for (size_t i = 0; i < s->count; i++)
		s->packets[i].rebuilt = true;
}

void surgery_fragment(struct surgery *s, bool reversed)
{
	surgery_move(s, false, false, SURGERY_BARE);
	s->fragmented = true;
	s->reversed = reversed;
	for (size_t i = 0; i < s->count; i++)
		s->packets[i].p.ip_id = (uint16_t)(i % 0xffff + 1);
}

void surgery_one_id(struct surgery *s)
{
	enum { UDP_HEADER = 8, ID = 0x5757 };
	surgery_move(s, false, false, SURGERY_BARE);
	for (size_t i = 0; i < s->count; i++) {
		struct packet *p = &s->packets[i].p;
		uint32_t at = p->kind == PACKET_ICMP_ERROR ? UDP_HEADER : 0;
		uint16_t id = ID;
		if (p->key.proto == PROTO_UDP && p->payload_size >= at + sizeof(id))
			memcpy((uint8_t *)p->payload + at, &id, sizeof(id));
	}
}

void surgery_delay(struct surgery *s, uint64_t ns)
{
	for (size_t i = 0; i < s->count; i++)
		s->packets[i].p.ts_ns += ns;
}

static int by_time(const void *a, const void *b)
{
	const struct surgery_packet *x = a, *y = b;
	if (x->p.ts_ns != y->p.ts_ns)
		return x->p.ts_ns < y->p.ts_ns ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

void surgery_skew(struct surgery *s, bool of_server, uint64_t ns)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->packets[i].from_server == of_server)
			s->packets[i].p.ts_ns += ns;
}

void surgery_shift(struct surgery *s, bool of_server, uint64_t ns)
{
	surgery_skew(s, of_server, ns);
	qsort(s->packets, s->count, sizeof(*s->packets), by_time);
}

/* What is seen again, at `interface`. */
static void add_copy(struct surgery *to, const struct surgery_packet *from, unsigned interface,
		     uint64_t ns)
{
	struct surgery_packet *copy = append(to);
	*copy = *from;
	copy->p.payload = copy_of(from->p.payload, from->p.payload_size);
	copy->p.ts_ns += ns;
	copy->frame = copy_of(from->frame, from->captured);
	copy->interface = (uint8_t)interface;
	copy->copy = true;
}

/* Continues with the packets of `to`, some of which were copied from `s` and some moved. */
static void take_over(struct surgery *s, struct surgery *to)
{
	free(s->packets);
	s->packets = to->packets;
	s->count = to->count;
	s->room = to->room;
}

void surgery_repeat(struct surgery *s)
{
	struct surgery to = {0};
	surgery_move(s, false, false, SURGERY_BARE);
	for (size_t i = 0; i < s->count; i++) {
		struct surgery_packet *p = &s->packets[i];
		if (p->p.kind == PACKET_UDP)
			p->p.ip_id = (uint16_t)(i % 0xffff + 1);
		*append(&to) = *p;
		if (p->p.kind == PACKET_UDP && address_is_v4(&p->p.key.address[0]))
			add_copy(&to, p, 0, 0);
	}
	take_over(s, &to);
}

void surgery_elsewhere(struct surgery *s, uint64_t ns, enum surgery_first first)
{
	struct surgery to = {0};
	s->interfaces = 2;
	s->format = SURGERY_PCAPNG;
	for (size_t i = 0; i < s->count; i++) {
		struct surgery_packet *p = &s->packets[i];
		if (first != SURGERY_FIRST)
			p->interface = first == SURGERY_ANY ? below(s, 2) : p->from_server;
		*append(&to) = *p;
		add_copy(&to, p, !p->interface, ns);
	}
	take_over(s, &to);
	qsort(s->packets, s->count, sizeof(*s->packets), by_time);
}

static void swap(struct surgery_packet *a, struct surgery_packet *b)
{
	struct surgery_packet was = *a;
	*a = *b;
	*b = was;
}

static bool are_near(const struct surgery_packet *a, const struct surgery_packet *b, uint64_t ns)
{
	return b->p.ts_ns >= a->p.ts_ns && b->p.ts_ns - a->p.ts_ns <= ns;
}

void surgery_cross(struct surgery *s, uint64_t ns)
{
	for (size_t i = 1; i < s->count; i++) {
		struct surgery_packet *a = &s->packets[i - 1], *b = &s->packets[i];
		if (a->connection == b->connection || !are_near(a, b, ns) ||
		    (key_in_group(&a->p.key) && key_in_group(&b->p.key)))
			continue;
		swap(a, b);
		i++;
	}
}

void surgery_answer_first(struct surgery *s, uint64_t ns)
{
	for (size_t i = 1; i < s->count; i++) {
		struct surgery_packet *a = &s->packets[i - 1], *b = &s->packets[i];
		if (a->connection != b->connection || a->from_server || !b->from_server ||
		    !are_near(a, b, ns))
			continue;
		swap(a, b);
		i++;
	}
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

static void write_datagram(const struct surgery_packet *p, unsigned frame, FILE *out)
{
	static const char *const kinds[] = {
		[PACKET_TCP] = "tcp", [PACKET_UDP] = "udp", [PACKET_ICMP_ERROR] = "icmp"};
	char src[46], dst[46];
	address_print(&p->p.key.address[p->p.dir], src);
	address_print(&p->p.key.address[!p->p.dir], dst);
	fprintf(out, "%u %" PRIu64 " %" PRIu64 " %s %s %u %s %u ", p->removed ? 0 : frame,
		p->number, p->p.ts_ns, kinds[p->p.kind], src, p->p.key.port[p->p.dir], dst,
		p->p.key.port[!p->p.dir]);
	for (uint32_t i = 0; p->p.kind != PACKET_TCP && i < p->p.payload_size; i++)
		fprintf(out, "%02x", p->p.payload[i]);
	fputs("\n", out);
}

int surgery_list(const struct surgery *s, const char *path)
{
	unsigned frame = 0;
	FILE *out = fopen(path, "w");
	if (!out)
		return ERR_IO;
	for (size_t i = 0; i < s->count; i++) {
		const struct surgery_packet *p = &s->packets[i];
		frame += !p->removed;
		if (!p->copy)
			write_datagram(p, frame, out);
	}
	return fclose(out) ? ERR_IO : 0;
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
		if (p->p.kind == PACKET_TCP)
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
