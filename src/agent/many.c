/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several workers. A block of input walks: the reader fills and parses it and deals its packets out; every
 * worker works off its share and leaves its lines in the block; the writer merges them. Blocks are taken in
 * order by everybody, so one counter says what is published, and each block how many workers it still needs.
 */
#include <pthread.h>
#include <stdlib.h>

#include "agent/run.h"

enum {
	BLOCKS = 8
}; /* enough that nobody waits for the slowest one long; 512 KiB and its packets each */

struct share {
	struct packet *items;
	uint32_t count, room;
};

struct walk_block {
	struct block block;
	struct scratch scratch;
	struct share *shares;   /* one per worker */
	struct output *outputs; /* one per worker */
	unsigned needs;         /* workers not done with it */
	bool last;
	struct packet last_tick;
};

struct many {
	struct run *run;
	pthread_mutex_t lock;
	pthread_cond_t published_one, done_one;
	uint64_t published; /* blocks given to the workers */
	uint64_t merged;    /* blocks the writer took */
	struct walk_block blocks[BLOCKS];
	struct output **merging; /* workers pointers, for the writer */
	unsigned workers;
};

struct thread {
	struct many *many;
	unsigned index;
	pthread_t id;
};

/* --- workers --- */

static void work_off(struct lane *lane, const struct share *share)
{
	enum { AHEAD = INTAKE_BATCH / 2 };

	for (uint32_t i = 0; i < share->count; i += AHEAD)
		lane_items(lane, share->items + i,
			   share->count - i < AHEAD ? share->count - i : AHEAD);
}

static void *worker_main(void *data)
{
	struct thread *t = data;
	struct many *m = t->many;
	struct lane *lane = &m->run->lanes[t->index];

	for (uint64_t next = 0;; next++) {
		struct walk_block *b = &m->blocks[next % BLOCKS];
		bool last;

		pthread_mutex_lock(&m->lock);
		while (m->published <= next)
			pthread_cond_wait(&m->published_one, &m->lock);
		pthread_mutex_unlock(&m->lock);
		lane->renderer.out = &b->outputs[t->index];
		work_off(lane, &b->shares[t->index]);
		last = b->last;
		if (last)
			lane_finish(lane, &b->last_tick);
		pthread_mutex_lock(&m->lock);
		if (!--b->needs)
			pthread_cond_signal(&m->done_one);
		pthread_mutex_unlock(&m->lock);
		if (last)
			return NULL;
	}
}

/* --- reader --- */

static bool deal(struct share *share, const struct packet *item)
{
	if (share->count == share->room) {
		uint32_t room = share->room ? share->room * 2 : 1024;
		struct packet *bigger = realloc(share->items, room * sizeof(*bigger));

		if (!bigger)
			return false;
		share->items = bigger;
		share->room = room;
	}
	share->items[share->count++] = *item;
	return true;
}

static int deal_out(struct many *m, struct walk_block *b, const struct packet *items, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned owner = (unsigned)((uint64_t)items[i].owner * m->workers >> 32);
		bool tick = items[i].kind == PACKET_TICK;

		for (unsigned w = tick ? 0 : owner; w <= (tick ? m->workers - 1 : owner); w++)
			if (!deal(&b->shares[w], &items[i]))
				return ERR_NOMEM;
	}
	return 0;
}

static int deal_block(struct many *m, struct walk_block *b)
{
	struct packet items[INTAKE_BATCH];
	bool more = true;
	int err = 0;

	while (more && !err) {
		unsigned n = intake_batch(&m->run->reader, &b->block, &b->scratch, items, &more);

		err = deal_out(m, b, items, n);
	}
	return err;
}

static void publish(struct many *m, struct walk_block *b)
{
	pthread_mutex_lock(&m->lock);
	b->needs = m->workers;
	m->published++;
	pthread_cond_broadcast(&m->published_one);
	pthread_mutex_unlock(&m->lock);
}

/* --- writer --- */

/* Takes the lines of the oldest block the workers have; waits for them. */
static void merge_one(struct many *m)
{
	struct walk_block *b = &m->blocks[m->merged % BLOCKS];

	pthread_mutex_lock(&m->lock);
	while (b->needs)
		pthread_cond_wait(&m->done_one, &m->lock);
	pthread_mutex_unlock(&m->lock);
	for (unsigned w = 0; w < m->workers; w++) {
		m->merging[w] = &b->outputs[w];
		b->shares[w].count = 0;
	}
	run_merge(m->run, m->merging, m->workers);
	writer_flush(&m->run->writer, m->run->options->line_buffered);
	scratch_reset(&b->scratch);
	m->merged++;
}

static void merge_all(struct run *run)
{
	struct many *m = run->state;

	while (m->merged < m->published)
		merge_one(m);
	writer_flush(&run->writer, true);
}

/* --- all --- */

static int read_all(struct many *m)
{
	struct run *run = m->run;
	struct walk_block *b;
	int err = 0;

	while (!err && !run->writer.closed && !run->writer.failed) {
		if (m->published - m->merged == BLOCKS)
			merge_one(m);
		b = &m->blocks[m->published % BLOCKS];
		err = run_fill(run, &b->block);
		if (err)
			break;
		err = deal_block(m, b);
		publish(m, b);
		run_progress(run);
	}
	if (m->published - m->merged == BLOCKS)
		merge_one(m);
	b = &m->blocks[m->published % BLOCKS];
	b->last = true;
	b->last_tick = intake_last_tick(&run->reader);
	publish(m, b);
	merge_all(run);
	return err;
}

static int open_blocks(struct many *m)
{
	m->merging = calloc(m->workers, sizeof(*m->merging));
	for (unsigned i = 0; i < BLOCKS; i++) {
		struct walk_block *b = &m->blocks[i];

		b->block.room = SOURCE_BLOCK_SIZE;
		b->block.data = malloc(b->block.room);
		b->shares = calloc(m->workers, sizeof(*b->shares));
		b->outputs = calloc(m->workers, sizeof(*b->outputs));
		if (!b->block.data || !b->shares || !b->outputs)
			return ERR_NOMEM;
	}
	for (unsigned w = 0; w < m->workers; w++) {
		int err = lane_open(m->run, &m->run->lanes[w]);

		if (err)
			return err;
	}
	return m->merging ? 0 : ERR_NOMEM;
}

static void close_blocks(struct many *m)
{
	for (unsigned i = 0; i < BLOCKS; i++) {
		struct walk_block *b = &m->blocks[i];

		for (unsigned w = 0; w < m->workers; w++) {
			if (b->shares)
				free(b->shares[w].items);
			if (b->outputs)
				output_done(&b->outputs[w]);
		}
		free(b->block.data);
		free(b->shares);
		free(b->outputs);
		scratch_done(&b->scratch);
	}
	free(m->merging);
}

/* Starts the workers; those that could not be started leave an error, and the others are let go. */
static int run_threads(struct many *m, struct thread *threads)
{
	unsigned started = 0;
	int err = 0;

	for (; started < m->workers && !err; started++) {
		threads[started] = (struct thread){.many = m, .index = started};
		if (pthread_create(&threads[started].id, NULL, worker_main, &threads[started])) {
			err = ERR_NOMEM;
			break;
		}
	}
	if (err) { /* nothing was read yet: an empty last block lets the started ones end */
		m->blocks[0].last = true;
		publish(m, &m->blocks[0]);
	} else {
		err = read_all(m);
	}
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i].id, NULL);
	return err;
}

int run_many(struct run *run)
{
	struct many *m = calloc(1, sizeof(*m));
	struct thread *threads = calloc(run->options->workers, sizeof(*threads));
	int err = m && threads ? 0 : ERR_NOMEM;

	if (!err) {
		m->run = run;
		m->workers = run->options->workers;
		pthread_mutex_init(&m->lock, NULL);
		pthread_cond_init(&m->published_one, NULL);
		pthread_cond_init(&m->done_one, NULL);
		run->state = m;
		run->before_wait = merge_all;
		err = open_blocks(m);
		if (!err)
			err = run_threads(m, threads);
		for (unsigned w = 0; w < m->workers; w++) {
			if (run->lanes[w].worker)
				lane_result(&run->lanes[w], run->result);
			lane_close(&run->lanes[w]);
		}
		close_blocks(m);
	}
	free(threads);
	free(m);
	return err;
}
