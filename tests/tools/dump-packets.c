/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints what src/packet makes of each frame of a capture, one line a frame, for comparison with
 * another dissector (tests/differential/packet.sh):
 *
 *   NUMBER tcp SRC PORT DST PORT LENGTH SEQ
 *   NUMBER udp SRC PORT DST PORT LENGTH
 *   NUMBER icmp SRC PORT DST PORT       the quoted packet's
 *   NUMBER other SRC DST
 *   NUMBER fragment | not-ip | truncated | malformed | unsupported
 *
 * and, with -c, every counter that is not 0 after them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/source.h"
#include "core/hash.h"
#include "packet/packet.h"

enum { BATCH = 64 };

static const char *const verdict_name[] = {
	[PACKET_READY] = "ready",         [PACKET_KEPT] = "fragment",
	[PACKET_NOT_IP] = "not-ip",       [PACKET_TRUNCATED] = "truncated",
	[PACKET_MALFORMED] = "malformed", [PACKET_UNSUPPORTED] = "unsupported",
};

static void print_packet(const struct frame *f, const struct packet *p)
{
	char from[46], to[46];
	uint32_t length = p->payload_size + p->payload_cut;
	unsigned sport = p->key.port[p->dir], dport = p->key.port[!p->dir];

	address_print(&p->key.address[p->dir], from);
	address_print(&p->key.address[!p->dir], to);
	switch (p->kind) {
	case PACKET_TCP:
		printf("%" PRIu64 " tcp %s %u %s %u %" PRIu32 " %" PRIu32 "\n", f->number, from,
		       sport, to, dport, length, p->seq);
		break;
	case PACKET_UDP:
		printf("%" PRIu64 " udp %s %u %s %u %" PRIu32 "\n", f->number, from, sport, to,
		       dport, length);
		break;
	case PACKET_ICMP_ERROR:
		printf("%" PRIu64 " icmp %s %u %s %u\n", f->number, from, sport, to, dport);
		break;
	default:
		printf("%" PRIu64 " other %s %s\n", f->number, from, to);
		break;
	}
}

static void print_counters(const struct counters *c)
{
	for (unsigned i = 0; counters_name(i); i++) {
		if (counters_value(c, i))
			printf("# %s %" PRIu64 "\n", counters_name(i), counters_value(c, i));
	}
}

static int dump(struct source *s, struct packet_parser *parser, struct counters *counters)
{
	struct block block = {.data = malloc(SOURCE_BLOCK_SIZE), .room = SOURCE_BLOCK_SIZE};
	struct scratch scratch = {0};
	struct frame frames[BATCH];
	uint64_t now_ns = 0;
	int err = block.data ? 0 : ERR_NOMEM;

	while (!err) {
		unsigned n;

		block.size = block.at = 0;
		err = source_fill(s, &block, true);
		while (!err && (n = source_frames(s, &block, frames, BATCH))) {
			for (unsigned i = 0; i < n; i++) {
				struct packet p;
				enum packet_verdict v;

				if (frames[i].ts_ns > now_ns)
					now_ns = frames[i].ts_ns;
				counter_add(&counters->frames, 1);
				v = packet_parse(parser, &frames[i], now_ns, &scratch, &p);
				if (v == PACKET_READY)
					print_packet(&frames[i], &p);
				else
					printf("%" PRIu64 " %s\n", frames[i].number,
					       verdict_name[v]);
			}
		}
		scratch_reset(&scratch);
	}
	packet_parser_finish(parser);
	scratch_done(&scratch);
	free(block.data);
	return err;
}

int main(int argc, char **argv)
{
	bool count = argc > 2 && strcmp(argv[1], "-c") == 0;
	const char *path = argc > 1 ? argv[argc - 1] : "-";
	struct counters counters = {0};
	struct packet_options options = {.secret = HASH_FILE_SECRET, .counters = &counters};
	struct packet_parser *parser = NULL;
	struct source *source = NULL;
	unsigned bad;
	int err = packet_parser_new(&options, &parser);

	if (!err)
		err = source_open_files(&path, 1, &source, &bad);
	if (!err)
		err = dump(source, parser, &counters);
	if (count)
		print_counters(&counters);
	source_close(source);
	packet_parser_free(parser);
	if (err == ERR_EOF || err == 0)
		return 0;
	fprintf(stderr, "%s: %s\n", path, err_text(err));
	return 1;
}
