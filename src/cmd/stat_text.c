/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A report for people: a table of operations under their protocols, the hosts that talk most, the health of TCP,
 * and what was lost. From WIDE columns on there is room for all of a heading, and for bytes by direction.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/stat.h"
#include "core/time.h"
#include "roundtrip/print.h"

enum {
	WIDE = 110,
	LABEL_MIN = 18,
	HOST_COLUMN = 10,
	HOST_MAX = 39, /* characters of an IPv6 address */
};

static const char bold[] = "\033[1m", red[] = "\033[31m", yellow[] = "\033[33m";

struct page {
	struct buf *b;
	struct buf cell; /* being made */
	const struct stat_report *r;
	bool wide;
	unsigned label; /* columns of the first column */
};

__attribute__((format(printf, 2, 3))) static void say(struct buf *b, const char *format, ...)
{
	char text[256];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	buf_text(b, text);
}

static void paint(struct page *p, const char *colour)
{
	if (p->r->colours && colour)
		buf_text(p->b, colour);
}

static void unpaint(struct page *p, const char *colour)
{
	if (p->r->colours && colour)
		buf_text(p->b, "\033[0m");
}

/* --- cells --- */

/* Moves the cell to the line, to the right edge of its column; there is always a space before it. */
static void put_right(struct page *p, unsigned width, const char *colour)
{
	for (size_t n = p->cell.size < width ? p->cell.size : width - 1; n < width; n++)
		buf_char(p->b, ' ');
	paint(p, colour);
	buf_add(p->b, p->cell.data, p->cell.size);
	unpaint(p, colour);
	p->cell.size = 0;
}

/* The same, to the left edge of the first column, cut to it. */
static void put_label(struct page *p)
{
	size_t n = p->cell.size < p->label ? p->cell.size : p->label;

	buf_add(p->b, p->cell.data, n);
	for (; n < p->label; n++)
		buf_char(p->b, ' ');
	p->cell.size = 0;
}

static void put_text(struct page *p, unsigned width, const char *text)
{
	buf_text(&p->cell, text);
	put_right(p, width, NULL);
}

/* A number; one that is too long for its column as "12.3M". */
static void put_count(struct page *p, unsigned width, uint64_t n, const char *colour)
{
	static const char units[] = "kMGTPE";
	char digits[24];
	int size = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);

	if ((unsigned)size < width) {
		buf_add(&p->cell, digits, (size_t)size);
	} else {
		double value = (double)n;
		unsigned unit = 0;

		for (value /= 1000; value >= 1000; value /= 1000)
			unit++;
		say(&p->cell, "%.*f%c", value < 10 ? 2 : value < 100 ? 1 : 0, value, units[unit]);
	}
	put_right(p, width, n ? colour : NULL);
}

static void put_bytes(struct page *p, unsigned width, uint64_t n)
{
	print_bytes(&p->cell, n);
	put_right(p, width, NULL);
}

static void put_duration(struct page *p, unsigned width, const struct histogram *h, uint64_t ns)
{
	if (h->count)
		print_duration(&p->cell, ns);
	else
		buf_char(&p->cell, '-');
	put_right(p, width, NULL);
}

static void end_line(struct page *p)
{
	buf_char(p->b, '\n');
}

/* --- operations --- */

static void put_headings(struct page *p)
{
	static const char *const quantiles[] = {"p50", "p90", "p99", "max"};

	end_line(p);
	paint(p, bold);
	buf_text(&p->cell, "round trips");
	put_label(p);
	put_text(p, p->wide ? 11 : 8, "count");
	put_text(p, p->wide ? 10 : 7, "errors");
	put_text(p, p->wide ? 12 : 8, p->wide ? "unanswered" : "unansw.");
	for (unsigned i = 0; i < 4; i++)
		put_text(p, p->wide ? 9 : 7, quantiles[i]);
	if (p->wide) {
		put_text(p, 10, "requests");
		put_text(p, 10, "answers");
	} else {
		put_text(p, 9, "bytes");
	}
	unpaint(p, bold);
	end_line(p);
}

/* The label is in the cell. */
static void put_operation(struct page *p, const struct operation *op)
{
	static const unsigned quantiles[] = {500, 900, 990};
	const struct histogram *h = &op->duration;
	unsigned width = p->wide ? 9 : 7;

	put_label(p);
	put_count(p, p->wide ? 11 : 8, operation_requests(op), NULL);
	put_count(p, p->wide ? 10 : 7, op->by_status[STATUS_ERROR], red);
	put_count(p, p->wide ? 12 : 8, op->by_status[STATUS_UNANSWERED], yellow);
	for (unsigned i = 0; i < 3; i++)
		put_duration(p, width, h, histogram_quantile(h, quantiles[i]));
	put_duration(p, width, h, h->max);
	if (p->wide) {
		put_bytes(p, 10, op->request_bytes);
		put_bytes(p, 10, op->response_bytes);
	} else {
		put_bytes(p, 9, op->request_bytes + op->response_bytes);
	}
	end_line(p);
}

static void name_operation(struct page *p, const struct operation *op)
{
	buf_text(&p->cell, "  ");
	if (op->other)
		buf_text(&p->cell, "other");
	else if (op->size)
		print_text(&p->cell, view_of(op->name, op->size), OPERATION_NAME_MAX);
	else
		buf_text(&p->cell, "(not known)");
}

/* The operations of one protocol, `count` of them in order: their sum, the first ones, the sum of the rest. */
static void put_protocol(struct page *p, struct operation *const *ops, uint32_t count)
{
	struct operation sum = {0}, rest = {0};
	uint32_t shown = 0, more = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (operation_requests(ops[i]))
			operation_sum(&sum, ops[i]);
	}
	buf_text(&p->cell, ops[0]->protocol);
	put_operation(p, &sum);
	for (uint32_t i = 0; i < count; i++) {
		if (!operation_requests(ops[i]))
			continue;
		if (shown++ < p->r->top) {
			name_operation(p, ops[i]);
			put_operation(p, ops[i]);
			continue;
		}
		operation_sum(&rest, ops[i]);
		more++;
	}
	if (more) {
		say(&p->cell, "  %u more", more);
		put_operation(p, &rest);
	}
	histogram_done(&sum.duration);
	histogram_done(&rest.duration);
}

static unsigned label_width(struct page *p, struct operation *const *ops, uint32_t count)
{
	unsigned most = p->r->width - (p->wide ? 89 : 60), width = LABEL_MIN;

	for (uint32_t i = 0; i < count; i++) {
		name_operation(p, ops[i]);
		width = p->cell.size > width ? (unsigned)p->cell.size : width;
		p->cell.size = 0;
	}
	return width < most ? width : most;
}

static void put_orphans(struct page *p, struct operation *const *ops, uint32_t count)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < count; i++)
		n += ops[i]->by_status[STATUS_ORPHAN];
	if (n)
		say(p->b, "and %llu answer%s without a request\n", (unsigned long long)n,
		    n == 1 ? "" : "s");
}

static void put_operations(struct page *p)
{
	const struct operations *all = &p->r->metrics->operations;
	struct operation **ops = operations_sorted(all);
	uint32_t from = 0;

	if (!ops) {
		if (!p->r->summary || p->r->summary->decode)
			buf_text(p->b, "\nno round trips\n");
		return;
	}
	p->label = label_width(p, ops, all->count);
	put_headings(p);
	for (uint32_t i = 1; i <= all->count; i++) {
		if (i < all->count && strcmp(ops[i]->protocol, ops[from]->protocol) == 0)
			continue;
		put_protocol(p, ops + from, i - from);
		from = i;
	}
	put_orphans(p, ops, all->count);
	free(ops);
}

/* --- hosts --- */

static void put_host(struct page *p, const struct talker *host)
{
	char text[46];

	buf_add(&p->cell, text, address_print(&host->address, text));
	put_label(p);
	put_bytes(p, HOST_COLUMN, host->sent);
	put_bytes(p, HOST_COLUMN, host->received);
	put_count(p, HOST_COLUMN, host->asked, NULL);
	put_count(p, HOST_COLUMN, host->answered, NULL);
	end_line(p);
}

static void put_hosts(struct page *p, const struct talker *host, unsigned count, const char *title)
{
	static const char *const headings[] = {"sent", "received", "asked", "answered"};
	char text[46];

	p->label = LABEL_MIN + 7;
	for (unsigned i = 0; i < count; i++) {
		unsigned n = address_print(&host[i].address, text);

		p->label = n > p->label ? n : p->label;
	}
	end_line(p);
	paint(p, bold);
	buf_text(&p->cell, title);
	put_label(p);
	for (unsigned i = 0; i < 4; i++)
		put_text(p, HOST_COLUMN, headings[i]);
	unpaint(p, bold);
	end_line(p);
	for (unsigned i = 0; i < count; i++)
		put_host(p, &host[i]);
}

static void put_talkers(struct page *p)
{
	const struct talkers *t = &p->r->metrics->talkers;
	struct talker *top = malloc(2 * p->r->top * sizeof(*top)), *other = top + p->r->top;

	if (!top) {
		p->b->failed = true;
		return;
	}
	unsigned bytes = talkers_top(t, TALKERS_BY_BYTES, p->r->top, top);
	unsigned trips = talkers_top(t, TALKERS_BY_ROUND_TRIPS, p->r->top, other);

	if (bytes)
		put_hosts(p, top, bytes, "hosts by bytes");
	if (t->count > bytes)
		say(p->b, "and %s%u more\n", t->forgotten ? "at least " : "", t->count - bytes);
	/* The same once more says nothing. */
	if (trips && (trips != bytes || memcmp(top, other, trips * sizeof(*top)) != 0))
		put_hosts(p, other, trips, "hosts by round trips");
	if (t->forgotten)
		say(p->b,
		    "There were over %d hosts: those that said little were forgotten on the way, "
		    "and\n"
		    "a host may have had more than it shows.\n",
		    TALKERS_MAX);
	free(top);
}

/* --- TCP --- */

static void put_rtt(struct page *p, const struct histogram *h)
{
	static const struct {
		unsigned permille;
		const char *name;
	} quantiles[] = {{500, "p50"}, {900, "p90"}, {990, "p99"}};

	if (!h->count)
		return;
	say(p->b, "round-trip time of %llu handshake%s:", (unsigned long long)h->count,
	    h->count == 1 ? "" : "s");
	for (unsigned i = 0; i < 3; i++) {
		say(p->b, " %s ", quantiles[i].name);
		print_duration(p->b, histogram_quantile(h, quantiles[i].permille));
		buf_char(p->b, ',');
	}
	buf_text(p->b, " max ");
	print_duration(p->b, h->max);
	end_line(p);
}

static void put_tcp(struct page *p)
{
	const struct counters *c = p->r->counters;
	const struct {
		const char *name;
		uint64_t n;
		const char *colour;
	} columns[] = {
		{"segments", c->packets_tcp, NULL},      {"retransmits", c->retransmits, yellow},
		{"out of order", c->out_of_order, NULL}, {"zero windows", c->zero_windows, yellow},
		{"resets", c->resets, yellow},
	};
	enum { COLUMNS = sizeof(columns) / sizeof(*columns) };

	if (!c->packets_tcp)
		return;
	p->label = 12;
	end_line(p);
	paint(p, bold);
	buf_text(&p->cell, "TCP");
	put_label(p);
	for (unsigned i = 0; i < COLUMNS; i++)
		put_text(p, 13, columns[i].name);
	unpaint(p, bold);
	end_line(p);
	put_label(p);
	for (unsigned i = 0; i < COLUMNS; i++)
		put_count(p, 13, columns[i].n, columns[i].colour);
	end_line(p);
	put_rtt(p, &p->r->metrics->rtt);
}

/* --- the page --- */

/* "2026-11-21 11:24:45.018", or only the time. */
static void put_time(struct page *p, uint64_t ns, bool date)
{
	buf_time(&p->cell, ns);
	if (!p->cell.failed && p->cell.size > 23) {
		if (date) {
			buf_add(p->b, p->cell.data, 10);
			buf_char(p->b, ' ');
		}
		buf_add(p->b, p->cell.data + 11, 12);
	}
	p->cell.size = 0;
}

static void put_begin(struct page *p)
{
	const struct counters *c = p->r->counters;
	uint64_t begin = p->r->begin_ns, end = p->r->end_ns;
	uint64_t day = 24 * 3600 * NS_PER_S;

	paint(p, bold);
	buf_text(p->b, p->r->summary ? "all  " : "");
	put_time(p, begin, true);
	buf_text(p->b, " to ");
	put_time(p, end, begin / day != end / day);
	unpaint(p, bold);
	say(p->b, "  %llu packet%s, ", (unsigned long long)c->frames, c->frames == 1 ? "" : "s");
	print_bytes(p->b, c->frame_bytes);
	say(p->b, ", %llu%s flow%s\n", (unsigned long long)c->flows, p->r->summary ? "" : " new",
	    c->flows == 1 ? "" : "s");
}

/* A text in lines that fit, two columns in. */
static void put_words(struct page *p, const char *text)
{
	while (*text) {
		size_t room = p->r->width - 2, n = strlen(text);

		if (n > room) {
			for (n = room; n > 0 && text[n] != ' ';)
				n--;
			n = n ? n : room;
		}
		buf_text(p->b, "  ");
		buf_add(p->b, text, n);
		end_line(p);
		for (text += n; *text == ' ';)
			text++;
	}
}

static void put_remarks(struct page *p)
{
	struct remark remark[REMARKS_MAX];
	unsigned count = summary_remarks(p->r->summary, remark);

	if (count)
		buf_text(p->b, "\nremarks\n");
	for (unsigned i = 0; i < count; i++)
		put_words(p, remark[i].text);
}

void stat_text(struct buf *b, const struct stat_report *r)
{
	struct page p = {.b = b, .r = r, .wide = r->width >= WIDE};

	if (!r->counters->frames && r->summary) {
		buf_text(b, "no packets\n");
		return;
	}
	put_begin(&p);
	if (!r->counters->frames)
		return;
	put_operations(&p);
	put_talkers(&p);
	put_tcp(&p);
	summary_losses(b, r->counters);
	if (r->summary)
		put_remarks(&p);
	else
		end_line(&p);
	b->failed |= p.cell.failed;
	buf_done(&p.cell);
}
