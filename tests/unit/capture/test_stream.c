/* SPDX-License-Identifier: Apache-2.0 */
/* Captures from a pipe: frames as soon as they are there, and no wait that was not asked for. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
#include <zlib.h>

#include "capture/infile.h"
#include "tests/unit/capture/reading.h"

struct pipe_source {
	int write_fd;
	struct source *source;
	struct block block;
	unsigned frames; /* so far */
};

static void put(struct pipe_source *p, const uint8_t *data, size_t size)
{
	cr_assert_eq(write(p->write_fd, data, size), (ssize_t)size);
}

/* A source whose first `size` bytes are in the pipe. */
static struct pipe_source open_pipe(const uint8_t *data, size_t size)
{
	struct pipe_source p = {.block = {malloc(READING_ROOM), READING_ROOM, 0, 0}};
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	p.write_fd = ends[1];
	put(&p, data, size);
	cr_assert_eq(source_open_fd(ends[0], "pipe", &p.source), 0, "%s", source_open_error());
	cr_assert(source_is_stream(p.source));
	return p;
}

static void close_pipe(struct pipe_source *p)
{
	source_close(p->source);
	free(p->block.data);
}

static int fill(struct pipe_source *p, bool may_wait)
{
	struct frame frames[4];
	unsigned n;
	int err = source_fill(p->source, &p->block, may_wait);

	while (err == 0 && (n = source_frames(p->source, &p->block, frames, 4)) > 0)
		p->frames += n;
	return err;
}

static struct capfile plain_file(unsigned kind)
{
	struct capfile c;

	capfile_init(&c);
	if (kind == CAPFILE_PCAPNG) {
		capfile_section(&c, false, -1);
		capfile_interface(&c, 1, 0, "eth0", 6, 0);
	} else {
		capfile_pcap(&c, kind, true, 65535, 1);
	}
	capfile_add_many(&c, 20, 1700000000000000000);
	return c;
}

Test(stream, byte_by_byte, .timeout = 30)
{
	for (unsigned kind = CAPFILE_PCAP_US; kind <= CAPFILE_PCAPNG; kind++) {
		struct capfile c = plain_file(kind);
		struct pipe_source p = open_pipe(c.data, 30);
		unsigned end = 0;

		while (fill(&p, false) == 0)
			;
		for (size_t i = 30; i < c.size; i++) {
			cr_assert_eq(fill(&p, false), ERR_AGAIN);
			put(&p, c.data + i, 1);
			while (fill(&p, false) == 0)
				;
			while (end < c.end_count && c.ends[end].at <= i + 1)
				end++;
			cr_assert_eq(p.frames, end ? c.ends[end - 1].packets : 0);
		}
		cr_assert_eq(p.frames, 20);
		close(p.write_fd);
		cr_assert_eq(fill(&p, false), ERR_EOF);
		close_pipe(&p);
		capfile_done(&c);
	}
}

Test(stream, cut)
{
	struct capfile c = plain_file(CAPFILE_PCAP_NS);
	struct pipe_source p = open_pipe(c.data, c.size - 1);

	while (fill(&p, false) == 0)
		;
	close(p.write_fd);
	cr_assert_eq(fill(&p, true), ERR_CUT);
	cr_assert_eq(p.frames, 19);
	close_pipe(&p);
	capfile_done(&c);
}

Test(stream, waits_for_a_whole_record, .timeout = 30)
{
	for (unsigned kind = CAPFILE_PCAP_US; kind <= CAPFILE_PCAPNG; kind++) {
		struct capfile c = plain_file(kind);
		size_t start = c.ends[c.end_count - 10].at + 5;
		struct pipe_source p = open_pipe(c.data, start);
		uint64_t done, total;
		unsigned fills = 0;

		while (fill(&p, false) == 0)
			;
		cr_assert_eq(p.frames, 11);
		if (fork() == 0) {
			for (size_t i = start; i < c.size; i++) {
				usleep(50);
				put(&p, c.data + i, 1);
			}
			_exit(0);
		}
		close(p.write_fd);
		while (fill(&p, true) == 0)
			fills++;
		cr_assert_eq(p.frames, 20);
		/* A few for each record, not one for every byte. */
		cr_assert_leq(fills, 4 * 9 + 1, "%u fills", fills);
		source_progress(p.source, &done, &total);
		cr_assert_eq(done, c.size);
		cr_assert_eq(total, 0);
		close_pipe(&p);
		capfile_done(&c);
	}
}

/* What the compressor flushed is there at once. */
Test(stream, compressed, .timeout = 30)
{
	struct capfile c = plain_file(CAPFILE_PCAPNG);
	struct pipe_source p = {0};
	static uint8_t out[1 << 16];
	z_stream z = {0};
	size_t at = 0;

	cr_assert_eq(deflateInit2(&z, 6, Z_DEFLATED, 16 + 15, 8, Z_DEFAULT_STRATEGY), Z_OK);
	for (unsigned i = 0; i < c.end_count; i++) {
		z.next_in = c.data + at;
		z.avail_in = (uInt)(c.ends[i].at - at);
		z.next_out = out;
		z.avail_out = sizeof(out);
		at = c.ends[i].at;
		cr_assert_eq(deflate(&z, i + 1 < c.end_count ? Z_SYNC_FLUSH : Z_FINISH),
			     i + 1 < c.end_count ? Z_OK : Z_STREAM_END);
		if (i == 0)
			p = open_pipe(out, (size_t)(z.next_out - out));
		else
			put(&p, out, (size_t)(z.next_out - out));
		cr_assert_eq(fill(&p, true), 0);
		while (fill(&p, false) == 0)
			;
		cr_assert_eq(p.frames, c.ends[i].packets);
		if (i + 1 < c.end_count)
			cr_assert_eq(fill(&p, false), ERR_AGAIN);
	}
	deflateEnd(&z);
	close(p.write_fd);
	cr_assert_eq(fill(&p, true), ERR_EOF);
	close_pipe(&p);
	capfile_done(&c);
}

static void ignore(int number)
{
	(void)number;
}

Test(stream, a_signal_ends_the_wait, .timeout = 30)
{
	struct capfile c = plain_file(CAPFILE_PCAP_US);
	struct pipe_source p = open_pipe(c.data, c.size - 5);
	struct sigaction action = {.sa_handler = ignore};
	struct itimerval soon = {.it_value.tv_usec = 20000};

	cr_assert_eq(fill(&p, true), 0);
	cr_assert_eq(p.frames, 19);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	cr_assert_eq(fill(&p, true), ERR_AGAIN);
	put(&p, c.data + c.size - 5, 5);
	cr_assert_eq(fill(&p, true), 0);
	cr_assert_eq(p.frames, 20);
	close(p.write_fd);
	close_pipe(&p);
	capfile_done(&c);
}

/* A file that is there does not wait for standard input, before it has to. */
Test(stream, merged_with_a_file, .timeout = 30)
{
	char path[] = "/tmp/wirespan-stream-XXXXXX";
	const char *both[] = {path, "-"};
	struct capfile file, c;
	struct pipe_source p = {.block = {malloc(READING_ROOM), READING_ROOM, 0, 0}};
	unsigned bad;
	int ends[2];

	capfile_init(&file);
	capfile_pcap(&file, CAPFILE_PCAP_NS, false, 65535, 1);
	capfile_add_many(&file, 10, 1699999999995000000);
	close(mkstemp(path));
	capfile_save(&file, path);
	c = plain_file(CAPFILE_PCAP_NS);
	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(dup2(ends[0], 0), 0);
	p.write_fd = ends[1];
	put(&p, c.data, 30);
	cr_assert_eq(source_open_files(both, 2, &p.source, &bad), 0);
	cr_assert(source_is_stream(p.source));
	cr_assert_eq(fill(&p, false), ERR_AGAIN);
	put(&p, c.data + 30, c.ends[2].at - 30);
	/* Two packets of the stream, and what the file has up to the time of the second. */
	cr_assert_eq(fill(&p, true), 0);
	cr_assert_eq(p.frames, 7 + 2);
	cr_assert_eq(fill(&p, false), ERR_AGAIN);
	put(&p, c.data + c.ends[2].at, c.size - c.ends[2].at);
	close(p.write_fd);
	while (fill(&p, true) == 0)
		;
	cr_assert_eq(p.frames, 30);
	close_pipe(&p);
	unlink(path);
	capfile_done(&file);
	capfile_done(&c);
}
