/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See pipeline.h. run_one() is the whole pipeline in one thread and shows the order of things; run_many()
 * (many.c) does the same with blocks that walk from the reader through the workers to the writer.
 */
#include "agent/pipeline.h"

#include <stdlib.h>

#include "agent/run.h"
#include "core/hash.h"

/* --- what lines need to know of places and files --- */

static const char *interface_of(void *data, uint16_t place)
{
	const struct run *run = data;
	const struct place *p = packet_place(run->reader.parser, place);

	return source_interface_name(run->reader.source, p->interface);
}

static unsigned tunnels_of(void *data, uint16_t place, const struct tunnel_layer **ret_layers)
{
	const struct run *run = data;
	const struct place *p = packet_place(run->reader.parser, place);

	*ret_layers = p->layer;
	return p->depth;
}

static const char *file_of(void *data, uint16_t file)
{
	const struct run *run = data;

	return source_file_name(run->reader.source, file);
}

int lane_open(struct run *run, struct lane *lane)
{
	struct worker_options options = {
		.registry = run->options->registry,
		.wants = run->options->wants,
		.decode = run->options->decode,
		.secret = run->secret,
		.stuck_ns = run->options->stuck_ns,
		.emit = renderer_emit,
		.tick_done = renderer_tick_done,
		.data = &lane->renderer,
	};
	struct line_context *c = &lane->renderer.context;
	int err;

	if (run->options->measure) {
		options.emit = meter_emit;
		options.tick_done = NULL;
		options.flow_gone = meter_flow_gone;
		options.data = &lane->meter;
	}
	renderer_init(&lane->renderer, run->options);
	c->interface = interface_of;
	c->tunnels = tunnels_of;
	c->file = run->options->path_count > 1 ? file_of : NULL;
	c->data = run;
	c->colours = run->options->colours;
	c->show_secrets = run->options->show_secrets;
	c->communities = community_cache_new();
	if (!c->communities)
		return ERR_NOMEM;
	err = worker_new(&options, &lane->worker);
	lane->measures = run->options->measure;
	lane->meter = (struct meter){.renderer = &lane->renderer,
				     .worker = lane->worker,
				     .interval_ns = run->options->interval_ns};
	return err;
}

void lane_close(struct lane *lane)
{
	worker_free(lane->worker);
	meter_done(&lane->meter);
	community_cache_free(lane->renderer.context.communities);
}

static void take_item(struct lane *lane, const struct packet *item, struct flow *guess)
{
	bool tick = item->kind == PACKET_TICK;

	lane->renderer.when = item->index * 2 + !tick;
	if (__builtin_expect(tick && item->ts_ns, 0))
		meter_seal(&lane->meter, item->ts_ns);
	worker_packet_guessed(lane->worker, item, guess);
}

void lane_finish(struct lane *lane, const struct packet *tick)
{
	lane->renderer.when = tick->index * 2;
	worker_finish(lane->worker, tick->now_ns);
	if (lane->measures)
		meter_seal(&lane->meter, tick->ts_ns);
}

void lane_items(struct lane *lane, const struct packet *items, unsigned n)
{
	struct flow *guess[INTAKE_BATCH];

	for (unsigned i = 0; i < n; i++)
		worker_prefetch_index(lane->worker, items[i].hash);
	for (unsigned i = 0; i < n; i++)
		guess[i] = worker_guess(lane->worker, &items[i]);
	for (unsigned i = 0; i < n; i++)
		take_item(lane, &items[i], guess[i]);
}

void lane_result(const struct lane *lane, struct pipeline_result *result)
{
	counters_sum(&result->counters, worker_counters(lane->worker));
	result->lines_lost += lane->renderer.lost;
	result->missing += lane->meter.missing;
	protocol_counts_add(result->protocols, &result->protocol_count, lane->renderer.protocols,
			    lane->renderer.protocol_count);
}

void run_merge(struct run *run, struct output *const *outputs, unsigned count)
{
	writer_merge(&run->writer, outputs, count);
	for (unsigned i = 0; i < count; i++)
		reporter_collect(&run->reporter, i, outputs[i]);
}

/* --- input --- */

int run_fill(struct run *run, struct block *block)
{
	int err = ERR_AGAIN;

	while (err == ERR_AGAIN) {
		if (run->options->stop && *run->options->stop)
			return ERR_EOF;
		err = source_fill(run->reader.source, block, false);
		if (err != ERR_AGAIN)
			break;
		run->before_wait(run); /* what is decoded must not wait for more */
		err = source_fill(run->reader.source, block, true); /* again: a signal came */
	}
	return err;
}

void run_progress(struct run *run)
{
	uint64_t done, total;

	if (!run->options->progress)
		return;
	source_progress(run->reader.source, &done, &total);
	run->options->progress(run->options->data, done, total);
}

/* --- one thread --- */

static void flush_one(struct run *run)
{
	writer_flush(&run->writer, true);
}

static void one_block(struct run *run, struct lane *lane, struct block *block, struct output *out)
{
	struct packet items[INTAKE_BATCH];
	bool more = true;

	while (more && !run->writer.closed) {
		unsigned n = intake_batch(&run->reader, block, &run->scratch, items, &more);

		lane_items(lane, items, n);
		run_merge(run, &out, 1);
	}
	scratch_reset(&run->scratch);
	writer_flush(&run->writer, run->options->line_buffered);
}

static int run_one(struct run *run)
{
	struct block block = {.room = SOURCE_BLOCK_SIZE};
	struct output out = {0}, *outs = &out;
	struct lane *lane = &run->lanes[0];
	struct packet last;
	int err;

	run->before_wait = flush_one;
	lane->renderer.out = &out;
	block.data = malloc(block.room);
	err = block.data ? lane_open(run, lane) : ERR_NOMEM;
	while (!err && !run->writer.closed && !run->writer.failed) {
		err = run_fill(run, &block);
		if (!err) {
			one_block(run, lane, &block, &out);
			run_progress(run);
		}
	}
	if (lane->worker) {
		last = intake_last_tick(&run->reader);
		lane_finish(lane, &last);
		run_merge(run, &outs, 1);
		lane_result(lane, run->result);
	}
	lane_close(lane);
	output_done(&out);
	free(block.data);
	return err;
}

/* --- all --- */

static void describe_error(struct run *run, int err)
{
	unsigned file = 0;

	if (err == ERR_NOMEM)
		return;
	snprintf(run->result->detail, sizeof(run->result->detail), "%s",
		 source_error_detail(run->reader.source, &file, &run->result->bad_offset));
	run->result->bad_file = run->options->paths[file];
}

static int describe_writer(struct run *run, int err)
{
	if (!run->writer.failed)
		return err;
	run->result->bad_file = NULL;
	snprintf(run->result->detail, sizeof(run->result->detail), "%s",
		 strerror(run->writer.error));
	return ERR_IO;
}

static int open_reporter(struct run *run)
{
	unsigned workers = run->options->workers;

	run->reader.reporter = &run->reporter;
	run->reader.source_number = workers;
	run->reader.interval_ns = run->options->interval_ns;
	return reporter_init(&run->reporter, run->options, workers + 1, &run->writer.pending);
}

void run_report_end(struct run *run)
{
	if (!run->options->measure)
		return;
	reporter_finish(&run->reporter);
	run->result->metrics = run->reporter.total;
	run->reporter.total = NULL;
	run->result->missing += run->reporter.missing + metrics_missing(run->result->metrics);
}

int pipeline_run(const struct pipeline_options *options, struct pipeline_result *ret_result)
{
	struct run run = {.options = options,
			  .result = ret_result,
			  .secret = HASH_FILE_SECRET,
			  .writer = {.fd = options->fd, .limit = options->count}};
	int err;

	*ret_result = (struct pipeline_result){0};
	if (options->live)
		return live_run(options, ret_result);
	err = intake_open(&run.reader, options, ret_result);
	if (!err && options->measure)
		err = open_reporter(&run);
	if (!err) {
		run.lanes = calloc(options->workers, sizeof(*run.lanes));
		err = !run.lanes              ? ERR_NOMEM
		      : options->workers == 1 ? run_one(&run)
					      : run_many(&run);
		if (err == ERR_EOF)
			err = 0;
		else if (err)
			describe_error(&run, err);
		run_report_end(&run);
		writer_flush(&run.writer, true);
		err = describe_writer(&run, err);
		counters_sum(&ret_result->counters, &run.reader.counters);
		ret_result->first_ns = run.reader.first_ns;
		ret_result->last_ns = run.reader.now_ns;
		ret_result->lines = run.writer.lines;
		ret_result->stopped = run.writer.closed;
		ret_result->snaplen = source_snaplen(run.reader.source);
		snprintf(ret_result->filter_error, sizeof(ret_result->filter_error), "%s",
			 run.reader.filter ? filter_error(run.reader.filter) : "");
	}
	free(run.lanes);
	reporter_done(&run.reporter);
	buf_done(&run.writer.pending);
	scratch_done(&run.scratch);
	intake_close(&run.reader);
	return err;
}
