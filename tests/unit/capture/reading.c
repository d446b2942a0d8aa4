/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/capture/reading.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/infile.h"

const struct reading_how reading_plain = {SIZE_MAX, READING_ROOM, 32};

static void keep(struct reading *r, const struct frame *frame)
{
	uint8_t *copy = malloc(frame->captured ? frame->captured : 1);

	if (r->count == r->room) {
		r->room = 2 * r->room + 64;
		r->frames = realloc(r->frames, r->room * sizeof(r->frames[0]));
	}
	cr_assert(copy && r->frames);
	/* Reads all of it, so that the address sanitizer has its say. */
	if (frame->captured)
		memcpy(copy, frame->data, frame->captured);
	r->frames[r->count] = *frame;
	r->frames[r->count++].data = copy;
}

static void read_all(struct reading *r, struct source *s, const struct reading_how *how)
{
	struct block b = {malloc(how->room), how->room, 0, 0};
	struct frame frames[64];
	unsigned n;

	cr_assert(b.data && how->batch <= 64);
	while ((r->err = source_fill(s, &b, true)) == 0) {
		cr_assert(b.at <= b.size && b.size <= b.room);
		while ((n = source_frames(s, &b, frames, how->batch)) > 0) {
			cr_assert(n <= how->batch && b.at <= b.size);
			for (unsigned i = 0; i < n; i++)
				keep(r, &frames[i]);
		}
		cr_assert_eq(source_frames(s, &b, frames, how->batch), 0);
	}
	/* The end is the end. */
	cr_assert_eq(source_fill(s, &b, true), r->err);
	cr_assert_eq(source_frames(s, &b, frames, how->batch), 0);
	free(b.data);
	snprintf(r->detail, sizeof(r->detail), "%s",
		 source_error_detail(s, &r->bad_file, &r->offset));
	r->interface_count = source_interface_count(s);
	for (unsigned i = 0; i < 8; i++)
		snprintf(r->interface_names[i], sizeof(r->interface_names[i]), "%s",
			 source_interface_name(s, (uint16_t)i));
	r->snaplen = source_snaplen(s);
	source_close(s);
}

struct reading reading_of(const struct capfile *c, size_t size, const struct reading_how *how)
{
	struct reading r = {0};
	struct source *s;

	r.err = source_open_fd(capfile_fd(c, size), "memory", &s);
	r.opened = r.err == 0;
	if (!r.opened) {
		snprintf(r.detail, sizeof(r.detail), "%s", source_open_error());
		return r;
	}
	cr_assert_not(source_is_stream(s));
	source_set_chunk(s, how->chunk);
	read_all(&r, s, how);
	return r;
}

struct reading reading_of_files(const char *const *paths, unsigned count)
{
	struct reading r = {0};
	struct source *s;

	r.err = source_open_files(paths, count, &s, &r.bad_file);
	r.opened = r.err == 0;
	if (!r.opened) {
		snprintf(r.detail, sizeof(r.detail), "%s", source_open_error());
		return r;
	}
	for (unsigned i = 0; i < count; i++)
		cr_assert_str_eq(source_file_name(s, (uint16_t)i), paths[i]);
	read_all(&r, s, &reading_plain);
	return r;
}

void reading_done(struct reading *r)
{
	for (unsigned i = 0; i < r->count; i++)
		free((void *)(uintptr_t)r->frames[i].data);
	free(r->frames);
}

void reading_expect_same(const struct reading *a, const struct reading *b)
{
	cr_assert_eq(a->err, b->err, "%d and %d (%s, %s)", a->err, b->err, a->detail, b->detail);
	cr_assert_eq(a->offset, b->offset);
	cr_assert_eq(a->count, b->count, "%u and %u frames", a->count, b->count);
	for (unsigned i = 0; i < a->count; i++) {
		const struct frame *x = &a->frames[i], *y = &b->frames[i];
		cr_assert_eq(x->ts_ns, y->ts_ns);
		cr_assert_eq(x->number, y->number);
		cr_assert_eq(x->captured, y->captured);
		cr_assert_eq(x->wire, y->wire);
		cr_assert_eq(x->link_type, y->link_type);
		cr_assert_eq(x->interface, y->interface);
		cr_assert_eq(x->file, y->file);
		cr_assert_arr_eq(x->data, y->data, x->captured);
	}
}
