/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/view.h"

/* A file that is no capture, by what it begins with; the text completes "this is ". */
static const struct {
	const char *magic;
	unsigned size;
	const char *is;
} known[] = {
	{"\177ELF", 4, "a program (ELF)"},
	{"%PDF", 4, "a PDF document"},
	{"PK\3\4", 4, "a zip archive: unpack it first"},
	{"\3757zXZ", 5, "compressed with xz: unpack it first"},
	{"BZh", 3, "compressed with bzip2: unpack it first"},
	{"\x89PNG", 4, "a picture (PNG)"},
	{"snoop\0\0\0", 8, "a snoop capture: convert it with editcap -F pcap"},
	{"GMBU", 4, "a Network Monitor capture: convert it with editcap -F pcap"},
	{"RTSS", 4, "a Network Monitor capture: convert it with editcap -F pcap"},
};

int input_fail(struct input *in, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(in->detail, sizeof(in->detail), format, args);
	va_end(args);
	return err;
}

static int io_failed(struct input *in)
{
	int saved = errno;

	input_fail(in, ERR_IO, "%s",
		   saved == EISDIR ? "it is a directory, not a file" : strerror(saved));
	errno = saved;
	return ERR_IO;
}

void input_park(struct input *in)
{
	if (in->fd <= STDIN_FILENO || !in->regular)
		return;
	close(in->fd);
	in->fd = -1;
	in->parked = true;
}

/* A parked file is opened for one read, and must still be the file it was. */
static int unpark(struct input *in)
{
	struct stat st;
	int fd = open(in->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0) {
		int err = io_failed(in);
		if (fd >= 0)
			close(fd);
		return err;
	}
	if (st.st_dev != in->device || st.st_ino != in->inode) {
		close(fd);
		errno = ESTALE;
		return input_fail(in, ERR_IO, "was replaced by another file while it was read");
	}
	in->fd = fd;
	return 0;
}

/* Waits until a read would not block: 0, ERR_AGAIN. */
static int wait_readable(struct input *in, bool may_wait)
{
	struct pollfd p = {.fd = in->fd, .events = POLLIN};

	return poll(&p, 1, may_wait ? -1 : 0) > 0 ? 0 : ERR_AGAIN;
}

int input_read_raw(struct input *in, uint8_t *to, size_t room, bool may_wait, size_t *ret_n)
{
	ssize_t n;

	if (in->stream && !may_wait && wait_readable(in, false) < 0)
		return ERR_AGAIN;
	if (in->parked && unpark(in) < 0)
		return ERR_IO;
	if (room > in->chunk)
		room = in->chunk;
	n = in->parked ? pread(in->fd, to, room, in->at) : read(in->fd, to, room);
	if (n < 0 && errno == EAGAIN && may_wait && wait_readable(in, true) == 0)
		n = read(in->fd, to, room);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return ERR_AGAIN;
	if (n < 0)
		return io_failed(in);
	if (in->parked)
		input_park(in);
	if (n == 0)
		return ERR_EOF;
	in->at += n;
	in->read += (uint64_t)n;
	*ret_n = (size_t)n;
	return 0;
}

int input_read(struct input *in, uint8_t *to, size_t room, bool may_wait, size_t *ret_n)
{
	size_t head = in->head_size - in->head_at;

	if (head) {
		if (head > room)
			head = room;
		memcpy(to, in->head + in->head_at, head);
		in->head_at += (unsigned)head;
		*ret_n = head;
		return 0;
	}
	if (in->decompressor)
		return decompressor_read(in->decompressor, in, to, room, may_wait, ret_n);
	return input_read_raw(in, to, room, may_wait, ret_n);
}

/* Tops up a head of `size` bytes, from the file or the decompressor; ret_size < full: the end. */
static int read_head(struct input *in, uint8_t *head, unsigned size, unsigned *ret_size)
{
	while (size < INPUT_HEAD_SIZE) {
		size_t n = 0;
		int err = in->decompressor ? decompressor_read(in->decompressor, in, head + size,
							       INPUT_HEAD_SIZE - size, true, &n)
					   : input_read_raw(in, head + size, INPUT_HEAD_SIZE - size,
							    true, &n);
		if (err == ERR_EOF)
			break;
		if (err < 0)
			return err;
		size += (unsigned)n;
	}
	*ret_size = size;
	return 0;
}

/* Drops a skippable frame (zstd, lz4: magic, size, bytes) in front of the data. */
static int skip_frame(struct input *in, uint8_t *head, unsigned *size)
{
	uint64_t left = *size >= 8 ? 8 + (uint64_t)load_le32(head + 4) : UINT64_MAX;
	uint8_t dropped[4096];

	if (left <= *size) {
		memmove(head, head + left, *size - left);
		*size -= (unsigned)left;
		return read_head(in, head, *size, size);
	}
	left -= *size;
	while (left) {
		size_t n = 0;
		int err = input_read_raw(in, dropped,
					 left < sizeof(dropped) ? left : sizeof(dropped), true, &n);
		if (err == ERR_EOF)
			return input_fail(in, ERR_CUT, "it ends inside of a skippable frame");
		if (err < 0)
			return err;
		left -= n;
	}
	return read_head(in, head, 0, size);
}

static int start_decompressor(struct input *in, enum compression kind, const uint8_t *head,
			      unsigned size)
{
	int err;

	if (kind == COMPRESSION_LZ4_LEGACY)
		return input_fail(in, ERR_UNSUPPORTED,
				  "the legacy lz4 format is not read: unpack it first");
	err = decompressor_new(kind, in, head, size, &in->decompressor);
	if (err < 0)
		return err;
	in->plain = false;
	err = read_head(in, in->head, 0, &in->head_size);
	if (err < 0)
		return err;
	if (!in->head_size)
		return input_fail(in, ERR_EMPTY, "compressed, and nothing is inside");
	return 0;
}

static int look_at_file(struct input *in)
{
	struct stat st;

	if (fstat(in->fd, &st) < 0)
		return io_failed(in);
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return io_failed(in);
	}
	in->regular = in->plain = S_ISREG(st.st_mode);
	in->stream = !in->regular && !S_ISBLK(st.st_mode);
	in->device = st.st_dev;
	in->inode = st.st_ino;
	if (in->regular) {
		off_t at = lseek(in->fd, 0, SEEK_CUR);
		in->at = at > 0 ? at : 0;
		in->total = st.st_size > in->at ? (uint64_t)(st.st_size - in->at) : 0;
		/* Only advice: a failure changes nothing. */
		(void)posix_fadvise(in->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	}
	return 0;
}

int input_open(struct input *in, const char *path, int fd)
{
	uint8_t *head = in->head;
	unsigned size = 0;
	enum compression kind;
	int err;

	memset(in, 0, sizeof(*in));
	in->path = path;
	in->fd = fd;
	in->chunk = SIZE_MAX;
	err = look_at_file(in);
	if (err == 0)
		err = read_head(in, head, 0, &size);
	if (err == 0 && size == 0)
		err = input_fail(in, ERR_EMPTY, "0 bytes");
	if (err < 0)
		return err;
	while ((kind = compression_of(head, size)) == COMPRESSION_SKIPPABLE) {
		err = skip_frame(in, head, &size);
		if (err < 0)
			return err;
		if (size == 0)
			return input_fail(in, ERR_EMPTY, "compressed, and nothing is inside");
	}
	if (kind != COMPRESSION_NONE) {
		uint8_t first[INPUT_HEAD_SIZE];
		memcpy(first, head, size);
		return start_decompressor(in, kind, first, size);
	}
	in->head_size = size;
	return 0;
}

void input_close(struct input *in)
{
	decompressor_free(in->decompressor);
	in->decompressor = NULL;
	if (in->fd > STDIN_FILENO)
		close(in->fd);
	in->fd = -1;
}

static bool is_text(const uint8_t *p, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		if ((p[i] < ' ' && !memchr("\t\r\n", p[i], 3)) || p[i] == 0x7f)
			return false;
	return true;
}

int input_no_capture(struct input *in)
{
	const char *inside = in->decompressor ? "what is compressed in it is " : "it is ";

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (in->head_size >= known[i].size &&
		    memcmp(in->head, known[i].magic, known[i].size) == 0)
			return input_fail(in, ERR_FORMAT, "%s%s", inside, known[i].is);
	if (compression_of(in->head, in->head_size) != COMPRESSION_NONE)
		return input_fail(in, ERR_FORMAT, "%scompressed once more: unpack it first",
				  inside);
	if (is_text(in->head, in->head_size))
		return input_fail(in, ERR_FORMAT, "%stext", inside);
	if (in->head_size < 4)
		return input_fail(in, ERR_FORMAT, "%sonly %u bytes long", inside, in->head_size);
	return input_fail(in, ERR_FORMAT, "%sof no known kind (it begins with %02x %02x %02x %02x)",
			  inside, in->head[0], in->head[1], in->head[2], in->head[3]);
}
