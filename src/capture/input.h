/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The bytes of one capture file, decompressed when they are compressed. This half of the room knows
 * files, pipes and compression; infile.h has the half that knows records.
 *
 * The first bytes are looked at when the file is opened ("head") and given out again by
 * input_read(). After that a plain file is read straight to where the caller wants the bytes.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/err.h"

enum {
	/* Enough to tell every format: a pcap file header. */
	INPUT_HEAD_SIZE = 24,
	/* Longest text of an error, with its NUL. */
	INPUT_DETAIL_SIZE = 160,
};

struct decompressor;

struct input {
	const char *path; /* the owner's */
	int fd;           /* -1: closed */
	bool stream;      /* a pipe, socket or terminal: a read may wait for a long time */
	bool regular;     /* a file on disk */
	bool plain;       /* one that is read as it is */
	/* Open only while reading, when there are more files than descriptors. */
	bool parked;
	size_t chunk;         /* most bytes of one read(), SIZE_MAX for no limit */
	uint64_t read, total; /* bytes of the file read so far, and in it (0: unknown) */
	off_t at;             /* position in the file, kept for a parked one */
	dev_t device; /* what the file is, so that a parked one is the same when opened again */
	ino_t inode;
	struct decompressor *decompressor; /* NULL: plain */
	uint8_t head[INPUT_HEAD_SIZE];
	unsigned head_at, head_size;
	char detail[INPUT_DETAIL_SIZE]; /* what is wrong, after a failure */
};

/*
 * Takes over `fd` (closed by input_close(), also after a failure here; 0 is left open), finds out
 * about compression and fills the head with what is decompressed: fewer bytes when the file has no
 * more. ERR_EMPTY, ERR_CUT, ERR_IO (with errno), ERR_UNSUPPORTED, ERR_DAMAGED, ERR_NOMEM; ERR_AGAIN
 * when a signal came while a stream was waited for.
 */
must_check int input_open(struct input *in, const char *path, int fd);
void input_close(struct input *in);
/* From now on keeps no descriptor between reads, if it is a file that can be opened again. */
void input_park(struct input *in);

/*
 * Reads 1 to `room` bytes. Waits only when `may_wait`; a stream is read once, so that what came is
 * not held up by what may come. ERR_EOF, ERR_AGAIN (nothing yet, or a signal came), ERR_CUT
 * (compressed data that do not end), ERR_DAMAGED, ERR_UNSUPPORTED, ERR_IO.
 */
must_check int input_read(struct input *in, uint8_t *to, size_t room, bool may_wait, size_t *ret_n);

/* The same for the bytes as they are in the file; used by decompress.c. */
must_check int input_read_raw(struct input *in, uint8_t *to, size_t room, bool may_wait,
			      size_t *ret_n);

/* For a head that no format knows: says what the file looks like, and returns ERR_FORMAT. */
int input_no_capture(struct input *in);

/* Sets the text of an error and returns `err`. */
__attribute__((format(printf, 3, 4))) int input_fail(struct input *in, int err, const char *format,
						     ...);

/* --- decompress.c --- */

/* What the first bytes say. */
enum compression {
	COMPRESSION_NONE,
	COMPRESSION_GZIP,
	COMPRESSION_ZSTD,
	COMPRESSION_LZ4,
	COMPRESSION_LZ4_LEGACY, /* not read: an old format without checksums or an end */
	COMPRESSION_SKIPPABLE,  /* a frame to skip that zstd and lz4 share: look behind it */
};

enum compression compression_of(const uint8_t *head, unsigned size);

/*
 * A decompressor of the given kind for `in`, with `size` (<= INPUT_HEAD_SIZE) bytes that were read
 * from it already. ERR_NOMEM; ERR_UNSUPPORTED when the library was not there to build with.
 */
must_check int decompressor_new(enum compression kind, struct input *in, const uint8_t *head,
				unsigned size, struct decompressor **ret_decompressor);
void decompressor_free(struct decompressor *d);
/* As input_read(), of which it is the compressed half. */
must_check int decompressor_read(struct decompressor *d, struct input *in, uint8_t *to, size_t room,
				 bool may_wait, size_t *ret_n);
