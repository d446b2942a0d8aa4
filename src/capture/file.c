/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/infile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
	/* frame.file and frame_ref() have 16 bits. */
	FILES_MAX = 1 << 16,
	/* Descriptors left to the rest of the program, and assumed when the limit is not known. */
	DESCRIPTORS_SPARED = 64,
	DESCRIPTORS_ASSUMED = 256,
	/* Of each of several files, at a time: many of them are in memory at once. */
	MERGE_CHUNK = 64 << 10,
};

static _Thread_local char open_error[INPUT_DETAIL_SIZE];

static const struct file_source *of(const struct source *s)
{
	return (const struct file_source *)s;
}

static int single_fill(struct source *s, struct block *b, bool may_wait)
{
	return infile_fill(&((struct file_source *)s)->files[0], b, may_wait);
}

static unsigned single_frames(struct source *s, struct block *b, struct frame *to, unsigned max)
{
	struct infile *f = &((struct file_source *)s)->files[0];

	return f->frames(f, b, to, max);
}

static void file_source_close(struct source *source)
{
	struct file_source *s = (struct file_source *)source;

	merge_free(s->merge);
	for (unsigned i = 0; i < s->count; i++)
		infile_close(&s->files[i]);
	free(s->files);
	free(s);
}

static const struct source_ops single_ops = {single_fill, single_frames, file_source_close};

static int merged_fill(struct source *s, struct block *b, bool may_wait)
{
	return merge_fill(((struct file_source *)s)->merge, b, may_wait);
}

static unsigned merged_frames(struct source *s, struct block *b, struct frame *to, unsigned max)
{
	(void)s;
	return merge_frames(b, to, max);
}

static const struct source_ops merged_ops = {merged_fill, merged_frames, file_source_close};

static struct file_source *file_source_new(unsigned count)
{
	struct file_source *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->source.ops = &single_ops;
	s->files = calloc(count, sizeof(s->files[0]));
	if (!s->files) {
		free(s);
		return NULL;
	}
	return s;
}

/* How many files may stay open. */
static unsigned descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
		return DESCRIPTORS_ASSUMED;
	return limit.rlim_cur > 2 * DESCRIPTORS_SPARED
		       ? (unsigned)limit.rlim_cur - DESCRIPTORS_SPARED
		       : DESCRIPTORS_SPARED;
}

/* Standard input can be one of the files, once. */
static int check_paths(const char *const *paths, unsigned count, unsigned *ret_bad)
{
	bool stdin_seen = false;

	*ret_bad = 0;
	if (count == 0 || count > FILES_MAX) {
		snprintf(open_error, sizeof(open_error), "%u files are given, 1 to %u can be read",
			 count, FILES_MAX);
		return count ? ERR_LIMIT : ERR_INVALID;
	}
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(paths[i], "-") != 0)
			continue;
		if (stdin_seen) {
			snprintf(open_error, sizeof(open_error),
				 "standard input can be read only once");
			*ret_bad = i;
			return ERR_INVALID;
		}
		stdin_seen = true;
	}
	return 0;
}

static int out_of_memory(void)
{
	snprintf(open_error, sizeof(open_error), "%s", err_text(ERR_NOMEM));
	return ERR_NOMEM;
}

int source_open_files(const char *const *paths, unsigned count, struct source **ret_source,
		      unsigned *ret_bad)
{
	struct file_source *s;
	unsigned limit = descriptors();
	int err = check_paths(paths, count, ret_bad);

	if (err < 0)
		return err;
	s = file_source_new(count);
	if (!s)
		return out_of_memory();
	while (s->count < count) {
		struct infile *f = &s->files[s->count++];
		err = infile_open(f, paths[s->count - 1], (uint16_t)(s->count - 1));
		if (err < 0) {
			memcpy(open_error, f->detail, sizeof(open_error));
			*ret_bad = s->count - 1;
			goto fail;
		}
		if (count > limit)
			input_park(&f->input);
		if (count > 1)
			f->input.chunk = MERGE_CHUNK;
	}
	if (count > 1) {
		err = merge_new(s->files, count, &s->merge);
		if (err < 0) {
			err = out_of_memory();
			goto fail;
		}
		s->source.ops = &merged_ops;
	}
	*ret_source = &s->source;
	return 0;
fail:
	file_source_close(&s->source);
	return err;
}

int source_open_fd(int fd, const char *name, struct source **ret_source)
{
	struct file_source *s = file_source_new(1);
	int err;

	if (!s)
		return out_of_memory();
	s->count = 1;
	err = infile_open_fd(&s->files[0], fd, name, 0);
	if (err < 0) {
		memcpy(open_error, s->files[0].detail, sizeof(open_error));
		file_source_close(&s->source);
		return err;
	}
	*ret_source = &s->source;
	return 0;
}

const char *source_open_error(void)
{
	return open_error;
}

void source_set_chunk(struct source *source, size_t chunk)
{
	struct file_source *s = (struct file_source *)source;

	for (unsigned i = 0; i < s->count; i++)
		s->files[i].input.chunk = chunk;
}

void source_close(struct source *s)
{
	if (s)
		s->ops->close(s);
}

bool source_is_stream(const struct source *source)
{
	const struct file_source *s = of(source);

	for (unsigned i = 0; i < s->count; i++)
		if (s->files[i].input.stream)
			return true;
	return false;
}

void source_progress(const struct source *source, uint64_t *ret_read, uint64_t *ret_total)
{
	const struct file_source *s = of(source);
	uint64_t read = 0, total = 0;
	bool known = true;

	for (unsigned i = 0; i < s->count; i++) {
		const struct input *in = &s->files[i].input;
		read += in->read;
		total += in->total;
		known &= in->regular;
	}
	*ret_read = read;
	*ret_total = known ? total : 0;
}

const char *source_interface_name(const struct source *source, uint16_t interface)
{
	const struct file_source *s = of(source);
	const struct infile *f = s->files;
	unsigned file;

	if (s->merge) {
		if (!merge_interface(s->merge, interface, &file, &interface))
			return "";
		f = &s->files[file];
	}
	return interface < f->interface_count && f->names[interface] ? f->names[interface] : "";
}

unsigned source_interface_count(const struct source *source)
{
	const struct file_source *s = of(source);

	return s->merge ? merge_interface_count(s->merge) : s->files[0].interface_count;
}

const char *source_file_name(const struct source *source, uint16_t file)
{
	const struct file_source *s = of(source);

	return file < s->count ? s->files[file].path : "";
}

const char *source_error_detail(const struct source *source, unsigned *ret_file,
				uint64_t *ret_offset)
{
	const struct file_source *s = of(source);
	unsigned more = 0, file = s->merge ? merge_failed(s->merge, &more) : 0;
	struct infile *f = &s->files[file];

	*ret_file = file;
	*ret_offset = f->error_offset;
	if (more && !f->others_told) {
		size_t length = strlen(f->detail);
		snprintf(f->detail + length, sizeof(f->detail) - length,
			 " (%u more files are not whole)", more);
		f->others_told = true;
	}
	return f->detail;
}

uint32_t source_snaplen(const struct source *source)
{
	const struct file_source *s = of(source);
	uint32_t snaplen = 0;

	for (unsigned i = 0; i < s->count; i++)
		if (snaplen < s->files[i].snaplen)
			snaplen = s->files[i].snaplen;
	return snaplen;
}
