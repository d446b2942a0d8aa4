/* SPDX-License-Identifier: Apache-2.0 */
/* A report as one JSON object; stat_schema.c describes it. */
#include <stdlib.h>

#include "cmd/stat.h"

static void add_key(struct buf *b, const char *before, const char *name)
{
	buf_text(b, before);
	buf_char(b, '"');
	buf_text(b, name);
	buf_text(b, "\":");
}

static void add_number(struct buf *b, const char *before, const char *name, uint64_t n)
{
	add_key(b, before, name);
	buf_u64(b, n);
}

static void add_string(struct buf *b, const char *before, const char *name, struct view text)
{
	add_key(b, before, name);
	buf_json_string(b, text);
}

/* {"count":n,"p50":...}; the times only when there are some. */
static void add_histogram(struct buf *b, const char *name, const struct histogram *h)
{
	static const struct {
		unsigned permille;
		const char *name;
	} quantiles[] = {{500, "p50"}, {900, "p90"}, {990, "p99"}};

	add_key(b, ",", name);
	add_number(b, "{", "count", h->count);
	for (unsigned i = 0; h->count && i < 3; i++) {
		add_key(b, ",", quantiles[i].name);
		buf_seconds(b, histogram_quantile(h, quantiles[i].permille));
	}
	if (h->count) {
		add_key(b, ",", "max");
		buf_seconds(b, h->max);
	}
	buf_char(b, '}');
}

/* --- operations --- */

static void add_operation(struct buf *b, const struct operation *op)
{
	add_string(b, "{", "protocol", view_text(op->protocol));
	if (op->other)
		add_string(b, ",", "operation", view_text("other"));
	else if (op->size)
		add_string(b, ",", "operation", view_of(op->name, op->size));
	if (op->other)
		buf_text(b, ",\"other\":true");
	add_number(b, ",", "count", operation_requests(op));
	for (unsigned i = 0; i < STATUS_COUNT; i++) {
		if (i != STATUS_OPEN)
			add_number(b, ",", status_name((enum status)i), op->by_status[i]);
	}
	add_number(b, ",", "request_bytes", op->request_bytes);
	add_number(b, ",", "response_bytes", op->response_bytes);
	add_histogram(b, "duration", &op->duration);
	buf_char(b, '}');
}

static void add_operations(struct buf *b, const struct operations *all)
{
	struct operation **ops = operations_sorted(all);

	if (all->count && !ops)
		b->failed = true;
	buf_text(b, ",\"operations\":[");
	for (uint32_t i = 0; ops && i < all->count; i++) {
		buf_text(b, i ? "," : "");
		add_operation(b, ops[i]);
	}
	buf_char(b, ']');
	free(ops);
}

/* --- hosts --- */

static void add_hosts(struct buf *b, const struct stat_report *r, enum talker_order order,
		      struct talker *room)
{
	unsigned count = talkers_top(&r->metrics->talkers, order, r->top, room);
	char text[46];

	buf_char(b, '[');
	for (unsigned i = 0; i < count; i++) {
		unsigned size = address_print(&room[i].address, text);

		add_string(b, i ? ",{" : "{", "address", view_of(text, size));
		add_number(b, ",", "sent_bytes", room[i].sent);
		add_number(b, ",", "received_bytes", room[i].received);
		add_number(b, ",", "asked", room[i].asked);
		add_number(b, ",", "answered", room[i].answered);
		buf_char(b, '}');
	}
	buf_char(b, ']');
}

static void add_talkers(struct buf *b, const struct stat_report *r)
{
	const struct talkers *t = &r->metrics->talkers;
	struct talker *room = malloc(r->top * sizeof(*room));

	if (!room) {
		b->failed = true;
		return;
	}
	add_number(b, ",\"talkers\":{", "hosts", t->count);
	add_key(b, ",", "exact");
	buf_text(b, t->forgotten ? "false" : "true");
	add_key(b, ",", "by_bytes");
	add_hosts(b, r, TALKERS_BY_BYTES, room);
	add_key(b, ",", "by_round_trips");
	add_hosts(b, r, TALKERS_BY_ROUND_TRIPS, room);
	buf_char(b, '}');
	free(room);
}

/* --- counters --- */

static void add_tcp(struct buf *b, const struct stat_report *r)
{
	const struct counters *c = r->counters;

	add_number(b, ",\"tcp\":{", "segments", c->packets_tcp);
	add_number(b, ",", "connections", c->flows_tcp);
	add_number(b, ",", "retransmits", c->retransmits);
	add_number(b, ",", "out_of_order", c->out_of_order);
	add_number(b, ",", "duplicate_acks", c->duplicate_acks);
	add_number(b, ",", "zero_windows", c->zero_windows);
	add_number(b, ",", "resets", c->resets);
	add_histogram(b, "rtt", &r->metrics->rtt);
	buf_char(b, '}');
}

static void add_losses(struct buf *b, const struct counters *c)
{
	const char *before = "";

	buf_text(b, ",\"losses\":{");
	for (unsigned i = 0; summary_loss(i) >= 0; i++) {
		unsigned counter = (unsigned)summary_loss(i);

		add_number(b, i ? "," : "", counters_name(counter), counters_value(c, counter));
	}
	buf_text(b, "},\"caps\":{");
	for (unsigned i = 0; summary_cap(i) >= 0; i++) {
		unsigned counter = (unsigned)summary_cap(i);

		add_number(b, before, counters_name(counter), counters_value(c, counter));
		before = ",";
	}
	buf_char(b, '}');
}

static void add_remarks(struct buf *b, const struct summary *s)
{
	struct remark remark[REMARKS_MAX];
	unsigned count = summary_remarks(s, remark);

	buf_text(b, ",\"remarks\":[");
	for (unsigned i = 0; i < count; i++) {
		add_string(b, i ? ",{" : "{", "code", view_text(remark[i].code));
		add_string(b, ",", "text", view_text(remark[i].text));
		buf_char(b, '}');
	}
	buf_char(b, ']');
	if (s->failure)
		add_string(b, ",", "failure", view_text(s->failure));
}

void stat_json(struct buf *b, const struct stat_report *r)
{
	const struct counters *c = r->counters;

	add_string(b, "{", "report", view_text(r->summary ? "all" : "interval"));
	if (c->frames || r->end_ns) {
		buf_text(b, ",\"begin\":\"");
		buf_time(b, r->begin_ns);
		buf_text(b, "\",\"end\":\"");
		buf_time(b, r->end_ns);
		buf_text(b, "\",\"seconds\":");
		buf_seconds(b, r->end_ns > r->begin_ns ? r->end_ns - r->begin_ns : 0);
	}
	add_number(b, ",", "packets", c->frames);
	add_number(b, ",", "bytes", c->frame_bytes);
	add_number(b, ",", "flows", c->flows);
	add_operations(b, &r->metrics->operations);
	add_talkers(b, r);
	add_tcp(b, r);
	add_losses(b, c);
	if (r->summary)
		add_remarks(b, r->summary);
	buf_text(b, "}\n");
}
