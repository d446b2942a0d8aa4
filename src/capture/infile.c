/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/infile.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	LINE = 64,
	PAGE = 4096,
};

int infile_fail(struct infile *f, int err, uint64_t offset, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(f->detail, sizeof(f->detail), format, args);
	va_end(args);
	f->error = err;
	f->error_offset = offset;
	return err;
}

void infile_leave(struct infile *f, struct block *b, const uint8_t *at, size_t want)
{
	size_t left = (size_t)(b->data + b->size - at);

	if (left)
		memcpy(f->carry, at, left);
	f->carry_size = left;
	f->want = want;
	b->at = b->size;
}

int infile_add_interface(struct infile *f, struct view name, uint16_t *ret_id)
{
	char *copy = NULL;

	if (f->interface_count == INTERFACES_MAX)
		return ERR_LIMIT;
	if (f->interface_count == f->names_room) {
		unsigned room = f->names_room ? 2 * f->names_room : 4;
		char **grown = realloc(f->names, room * sizeof(f->names[0]));
		if (!grown)
			return ERR_NOMEM;
		f->names = grown;
		f->names_room = room;
	}
	if (name.size) {
		copy = strndup((const char *)name.data,
			       name.size < INTERFACE_NAME_MAX ? name.size : INTERFACE_NAME_MAX);
		if (!copy)
			return ERR_NOMEM;
	}
	*ret_id = (uint16_t)f->interface_count;
	f->names[f->interface_count++] = copy;
	return 0;
}

/* The input's error becomes the file's. */
static int input_failed(struct infile *f, int err)
{
	const char *detail = f->input.detail[0] ? f->input.detail : err_text(err);

	return infile_fail(f, err, f->offset, "%s", detail);
}

int infile_open_fd(struct infile *f, int fd, const char *path, uint16_t index)
{
	int err;

	memset(f, 0, sizeof(*f));
	f->index = index;
	f->input.fd = fd;
	f->path = strdup(path);
	f->carry = malloc(SOURCE_BLOCK_MIN);
	if (!f->path || !f->carry)
		return infile_fail(f, ERR_NOMEM, 0, "%s", err_text(ERR_NOMEM));
	err = input_open(&f->input, f->path, fd);
	if (err < 0)
		return input_failed(f, err);
	err = infile_try_pcap(f);
	if (err == ERR_FORMAT)
		err = infile_try_pcapng(f);
	if (err == ERR_FORMAT)
		return input_failed(f, input_no_capture(&f->input));
	if (err < 0 && !f->error)
		return infile_fail(f, err, 0, "%s", err_text(err));
	return err;
}

int infile_open(struct infile *f, const char *path, uint16_t index)
{
	int fd = STDIN_FILENO;

	if (strcmp(path, "-") != 0)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		int saved = errno;
		memset(f, 0, sizeof(*f));
		f->input.fd = -1;
		infile_fail(f, ERR_IO, 0, "%s", strerror(saved));
		errno = saved;
		return ERR_IO;
	}
	return infile_open_fd(f, fd, path, index);
}

void infile_finish(struct infile *f)
{
	input_close(&f->input);
	free(f->carry);
	free(f->pcapng.interfaces);
	f->carry = NULL;
	f->pcapng.interfaces = NULL;
}

void infile_close(struct infile *f)
{
	int saved = errno;

	infile_finish(f);
	for (unsigned i = 0; i < f->interface_count; i++)
		free(f->names[i]);
	free(f->names);
	free(f->path);
	errno = saved;
}

/*
 * Where in the block the carried bytes go: so that what is read behind them lies in memory as it
 * does in the file, modulo a cache line. The kernel's copy is two to four times slower otherwise.
 */
static size_t start_of(const struct infile *f, const struct block *b)
{
	uintptr_t read_to =
		(uintptr_t)b->data + f->carry_size + f->input.head_size - f->input.head_at;

	return f->input.plain ? ((uintptr_t)f->input.at - read_to) % LINE : 0;
}

/* How much to read: a plain file up to a page boundary. */
static size_t room_of(const struct infile *f, const struct block *b)
{
	size_t room = b->room - b->size;
	size_t over = (size_t)(((uint64_t)f->input.at + room) % PAGE);

	return f->input.plain && room > 2 * PAGE ? room - over : room;
}

/* Reading ended with a record begun, or between two. */
static int ended(struct infile *f, const struct block *b, int err)
{
	uint64_t begin = f->offset - b->size + b->at;

	if (err != ERR_EOF)
		return input_failed(f, err);
	if (!f->want)
		return infile_fail(f, ERR_EOF, f->offset, "%s", err_text(ERR_EOF));
	return infile_fail(f, ERR_CUT, begin, "it ends inside of a record");
}

int infile_fill(struct infile *f, struct block *b, bool may_wait)
{
	int err = f->error;

	assert(b->room >= SOURCE_BLOCK_MIN);
	b->at = b->size = 0;
	if (err < 0)
		return err;
	b->at = start_of(f, b);
	b->size = b->at + f->carry_size;
	f->base = f->offset - b->size;
	memcpy(b->data + b->at, f->carry, f->carry_size);
	do {
		size_t n = 0;
		err = input_read(&f->input, b->data + b->size, room_of(f, b), may_wait, &n);
		f->offset += n;
		b->size += n;
	} while (err == 0 && b->size - b->at < f->want);
	if (err == 0) {
		f->carry_size = f->want = 0;
		return 0;
	}
	if (err == ERR_AGAIN)
		infile_leave(f, b, b->data + b->at, f->want);
	else
		err = ended(f, b, err);
	b->at = b->size = 0;
	return err;
}
