/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/capfile.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif
#ifdef HAVE_LZ4
#include <lz4frame.h>
#endif

/* The larger of what the three may need. */
static size_t bound(size_t size)
{
	return size + size / 16 + 1024;
}

static size_t gzip(const struct capfile *from, uint8_t *to, size_t room)
{
	z_stream z = {0};

	if (deflateInit2(&z, 6, Z_DEFLATED, 16 + 15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	z.next_in = from->data;
	z.avail_in = (uInt)from->size;
	z.next_out = to;
	z.avail_out = (uInt)room;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		abort();
	deflateEnd(&z);
	return room - z.avail_out;
}

static size_t zstd(const struct capfile *from, uint8_t *to, size_t room)
{
#ifdef HAVE_ZSTD
	size_t n = ZSTD_compress(to, room, from->data, from->size, 3);

	if (ZSTD_isError(n))
		abort();
	return n;
#else
	(void)from, (void)to, (void)room;
	return 0;
#endif
}

static size_t lz4(const struct capfile *from, uint8_t *to, size_t room)
{
#ifdef HAVE_LZ4
	size_t n = LZ4F_compressFrame(to, room, from->data, from->size, NULL);

	if (LZ4F_isError(n))
		abort();
	return n;
#else
	(void)from, (void)to, (void)room;
	return 0;
#endif
}

bool capfile_compress(const struct capfile *from, enum capfile_compression how, struct capfile *to)
{
	size_t (*const compress[])(const struct capfile *, uint8_t *, size_t) = {gzip, zstd, lz4};
	size_t room = bound(from->size), n;
	uint8_t *data = malloc(room);

	if (!data)
		abort();
	n = compress[how](from, data, room);
	capfile_bytes(to, data, n);
	free(data);
	return n > 0;
}
