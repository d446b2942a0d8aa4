/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several files as one, by packet time. Each file is read into a block of its own; a heap holds the
 * files by the time of their next frame, and frames are copied, with their bytes, into the caller's
 * block. Ties go by the order of the arguments; a file's own order is kept.
 */
#include "capture/infile.h"

#include <stdlib.h>
#include <string.h>

enum {
	BATCH = 32,
	/* Copied frames begin at a multiple of this. */
	COPY_ALIGN = 8,
};

#define NO_ID UINT32_MAX

/* A file of the merge: what was read of it, and where it is in that. */
struct lane {
	struct infile *file;
	struct block block;
	unsigned frame_at, frame_count;
	bool ended;
	uint32_t *ids; /* global ids of its interfaces, NO_ID for none yet */
	unsigned id_count;
	struct frame frames[BATCH];
};

struct interface {
	uint16_t file, local;
};

struct merge {
	struct lane *lanes;
	unsigned count;
	unsigned started; /* lanes that were read at all */
	unsigned lacking; /* the lane whose next frame is not known yet, `count` for none */
	unsigned heap_size;
	unsigned *heap; /* lanes with a next frame, the earliest first */
	struct interface *interfaces;
	unsigned interface_count, interface_room;
	int failed; /* the merge itself: ERR_NOMEM, ERR_LIMIT */
};

static const struct frame *next_of(const struct merge *m, unsigned lane)
{
	return &m->lanes[lane].frames[m->lanes[lane].frame_at];
}

static bool earlier(const struct merge *m, unsigned a, unsigned b)
{
	uint64_t ta = next_of(m, a)->ts_ns, tb = next_of(m, b)->ts_ns;

	return ta < tb || (ta == tb && a < b);
}

static void sift_down(struct merge *m)
{
	unsigned *h = m->heap, at = 0;

	for (;;) {
		unsigned child = 2 * at + 1, lane = h[at];
		if (child >= m->heap_size)
			return;
		if (child + 1 < m->heap_size && earlier(m, h[child + 1], h[child]))
			child++;
		if (!earlier(m, h[child], lane))
			return;
		h[at] = h[child];
		h[child] = lane;
		at = child;
	}
}

static void push(struct merge *m, unsigned lane)
{
	unsigned *h = m->heap, at = m->heap_size++;

	h[at] = lane;
	while (at > 0 && earlier(m, h[at], h[(at - 1) / 2])) {
		unsigned parent = (at - 1) / 2;
		h[at] = h[parent];
		h[parent] = lane;
		at = parent;
	}
}

static void pop(struct merge *m)
{
	m->heap[0] = m->heap[--m->heap_size];
	if (m->heap_size)
		sift_down(m);
}

/* Reads a lane's next frames. 0 (there are some, or the lane has ended), ERR_AGAIN. */
static int read_lane(struct lane *l, bool may_wait)
{
	struct infile *f = l->file;
	int err = 0;

	l->frame_at = 0;
	while (err == 0) {
		l->frame_count = f->frames(f, &l->block, l->frames, BATCH);
		if (l->frame_count)
			return 0;
		err = infile_fill(f, &l->block, may_wait);
	}
	if (err == ERR_AGAIN)
		return err;
	l->ended = true;
	infile_finish(f);
	free(l->block.data);
	l->block.data = NULL;
	return 0;
}

/* The global id of a file's interface, a new one the first time; negative: ERR_LIMIT, ERR_NOMEM. */
static int id_of(struct merge *m, struct lane *l, uint16_t local)
{
	if (local >= l->id_count) {
		unsigned count = l->file->interface_count;
		uint32_t *grown = realloc(l->ids, count * sizeof(l->ids[0]));
		if (!grown)
			return ERR_NOMEM;
		while (l->id_count < count)
			grown[l->id_count++] = NO_ID;
		l->ids = grown;
	}
	if (l->ids[local] != NO_ID)
		return (int)l->ids[local];
	if (m->interface_count == INTERFACES_MAX)
		return ERR_LIMIT;
	if (m->interface_count == m->interface_room) {
		unsigned room = m->interface_room ? 2 * m->interface_room : 16;
		void *grown = realloc(m->interfaces, room * sizeof(m->interfaces[0]));
		if (!grown)
			return ERR_NOMEM;
		m->interfaces = grown;
		m->interface_room = room;
	}
	m->interfaces[m->interface_count] = (struct interface){l->file->index, local};
	l->ids[local] = m->interface_count;
	return (int)m->interface_count++;
}

static size_t copy_size(const struct frame *frame)
{
	return sizeof(*frame) +
	       (((size_t)frame->captured + COPY_ALIGN - 1) & ~(size_t)(COPY_ALIGN - 1));
}

/* Copies a frame to the end of the block, where there is room for it. */
static void copy_frame(struct block *b, const struct frame *frame, uint16_t interface)
{
	struct frame copy = *frame;
	uint8_t *to = b->data + b->size;

	copy.interface = interface;
	copy.data = to + sizeof(copy);
	memcpy(to, &copy, sizeof(copy));
	if (frame->captured)
		memcpy(to + sizeof(copy), frame->data, frame->captured);
	b->size += copy_size(frame);
}

/* Reads a lane's next frames and puts it back into the heap, unless it has ended. 0, ERR_AGAIN. */
static int push_lane(struct merge *m, unsigned lane, bool may_wait)
{
	int err = read_lane(&m->lanes[lane], may_wait);

	if (err == 0 && !m->lanes[lane].ended)
		push(m, lane);
	return err;
}

/* All lanes that have not ended are in the heap after this. 0, ERR_AGAIN. */
static int complete_heap(struct merge *m, bool may_wait)
{
	int err = 0;

	for (; m->started < m->count; m->started++) {
		err = push_lane(m, m->started, may_wait);
		if (err < 0)
			return err;
	}
	if (m->lacking < m->count)
		err = push_lane(m, m->lacking, may_wait);
	if (err == 0)
		m->lacking = m->count;
	return err;
}

/* What fill says when all files have ended. */
static int all_ended(const struct merge *m)
{
	unsigned more;

	return m->lanes[merge_failed(m, &more)].file->error;
}

int merge_fill(struct merge *m, struct block *b, bool may_wait)
{
	b->at = b->size = 0;
	if (m->failed)
		return m->failed;
	for (;;) {
		struct lane *l;
		/* What is in the block is not held up by what a stream may bring. */
		int id, err = complete_heap(m, may_wait && !b->size);
		if (err < 0)
			return b->size ? 0 : err;
		if (!m->heap_size)
			return b->size ? 0 : all_ended(m);
		l = &m->lanes[m->heap[0]];
		if (b->room - b->size < copy_size(&l->frames[l->frame_at]))
			return 0;
		id = id_of(m, l, l->frames[l->frame_at].interface);
		if (id < 0) {
			m->failed = infile_fail(l->file, id, l->file->offset, "%s", err_text(id));
			return b->size ? 0 : id;
		}
		copy_frame(b, &l->frames[l->frame_at], (uint16_t)id);
		if (l->frame_at + 1 < l->frame_count) {
			l->frame_at++;
			sift_down(m);
		} else {
			m->lacking = m->heap[0];
			pop(m);
		}
	}
}

unsigned merge_frames(struct block *b, struct frame *to, unsigned max)
{
	unsigned n = 0;

	while (n < max && b->at < b->size) {
		memcpy(&to[n], b->data + b->at, sizeof(to[n]));
		b->at += copy_size(&to[n]);
		n++;
	}
	return n;
}

bool merge_interface(const struct merge *m, uint16_t id, unsigned *ret_file, uint16_t *ret_local)
{
	if (id >= m->interface_count)
		return false;
	*ret_file = m->interfaces[id].file;
	*ret_local = m->interfaces[id].local;
	return true;
}

unsigned merge_interface_count(const struct merge *m)
{
	return m->interface_count;
}

unsigned merge_failed(const struct merge *m, unsigned *ret_more)
{
	unsigned first = 0, failed = 0;

	for (unsigned i = m->count; i-- > 0;) {
		int err = m->lanes[i].file->error;
		if (err == 0 || err == ERR_EOF)
			continue;
		first = i;
		failed++;
	}
	*ret_more = failed ? failed - 1 : 0;
	return first;
}

int merge_new(struct infile *files, unsigned count, struct merge **ret_merge)
{
	struct merge *m = calloc(1, sizeof(*m));

	if (!m)
		return ERR_NOMEM;
	m->count = m->lacking = count;
	m->lanes = calloc(count, sizeof(m->lanes[0]));
	m->heap = calloc(count, sizeof(m->heap[0]));
	if (!m->lanes || !m->heap)
		goto fail;
	for (unsigned i = 0; i < count; i++) {
		struct lane *l = &m->lanes[i];
		l->file = &files[i];
		l->block.data = malloc(SOURCE_BLOCK_MIN);
		l->block.room = SOURCE_BLOCK_MIN;
		if (!l->block.data)
			goto fail;
	}
	*ret_merge = m;
	return 0;
fail:
	merge_free(m);
	return ERR_NOMEM;
}

void merge_free(struct merge *m)
{
	if (!m)
		return;
	for (unsigned i = 0; m->lanes && i < m->count; i++) {
		free(m->lanes[i].block.data);
		free(m->lanes[i].ids);
	}
	free(m->lanes);
	free(m->heap);
	free(m->interfaces);
	free(m);
}
