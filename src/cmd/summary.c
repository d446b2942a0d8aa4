/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/summary.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/time.h"

/* Counters of what is missing, and those that a cap made grow; X(name) */
#define LOSS_LIST(X)                                                                               \
	X(kernel_drops)                                                                            \
	X(kernel_freezes)                                                                          \
	X(handoffs_dropped)                                                                        \
	X(frames_cut)                                                                              \
	X(frames_truncated)                                                                        \
	X(frames_malformed)                                                                        \
	X(frames_unsupported)                                                                      \
	X(fragments_expired)                                                                       \
	X(fragments_dropped)                                                                       \
	X(fragments_held)                                                                          \
	X(fragments_overlap)                                                                       \
	X(time_jumps)                                                                              \
	X(flows_nomem)                                                                             \
	X(acks_ignored)                                                                            \
	X(lost_bytes)                                                                              \
	X(holes)                                                                                   \
	X(holes_capture)                                                                           \
	X(stray_bytes)                                                                             \
	X(refused_bytes)                                                                           \
	X(overlap_conflict)                                                                        \
	X(junk_bytes)                                                                              \
	X(decode_errors)                                                                           \
	X(decode_ended)                                                                            \
	X(guesses_withdrawn)                                                                       \
	X(messages_withdrawn)

#define CAP_LIST(X)                                                                                \
	X(fragments_evicted)                                                                       \
	X(flows_evicted)                                                                           \
	X(cap_stream)                                                                              \
	X(cap_worker)                                                                              \
	X(decode_limits)                                                                           \
	X(cap_floating)                                                                            \
	X(cap_open)

#define INDEX_OF(name) offsetof(struct counters, name) / sizeof(uint64_t),
static const unsigned losses[] = {LOSS_LIST(INDEX_OF)};
static const unsigned caps[] = {CAP_LIST(INDEX_OF)};
#undef INDEX_OF

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

__attribute__((format(printf, 2, 3))) static void add(struct buf *b, const char *format, ...)
{
	char text[400];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	buf_text(b, text);
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void add_bytes(struct buf *b, uint64_t n)
{
	static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
	double value = (double)n;
	unsigned i = 0;

	for (; value >= 1000 && i < COUNT_OF(units) - 1; i++)
		value /= 1000;
	if (i == 0)
		add(b, "%llu byte%s", (unsigned long long)n, plural(n));
	else
		add(b, "%.*f %s", value < 10 ? 2 : value < 100 ? 1 : 0, value, units[i]);
}

static void add_seconds(struct buf *b, uint64_t ns)
{
	double s = (double)ns / 1e9;

	if (s < 1)
		add(b, "%.3g ms", s * 1e3);
	else if (s < 120)
		add(b, "%.3g s", s);
	else
		add(b, "%.0f min", s / 60);
}

static uint64_t traffic_ns(const struct pipeline_result *r)
{
	return r->last_ns > r->first_ns ? r->last_ns - r->first_ns : 0;
}

/* "1,000 packets (1.2 MB) of 10 flows in 2 files, 60 s of traffic; read in 5 ms" */
static void add_amount(struct buf *b, const struct summary *s)
{
	const struct counters *c = &s->result->counters;

	if (!c->frames) {
		buf_text(b, s->failure ? "no packets were read\n" : "no packets\n");
		return;
	}
	add(b, "%llu packet%s (", (unsigned long long)c->frames, plural(c->frames));
	add_bytes(b, c->frame_bytes);
	add(b, "), %llu flow%s, ", (unsigned long long)c->flows, plural(c->flows));
	if (s->files > 1)
		add(b, "%u files, ", s->files);
	if (!s->result->workers) {
		add_seconds(b, traffic_ns(s->result));
		buf_text(b, " of traffic, ");
	}
	buf_text(b, s->result->workers ? "captured in " : "read in ");
	add_seconds(b, s->elapsed_ns);
	if (s->result->capture == CAPTURE_PCAP)
		buf_text(b, " by libpcap");
	buf_char(b, '\n');
}

/* The numbers of a part of the input must not look like those of all of it. */
static void add_stopped(struct buf *b, const struct pipeline_result *r)
{
	if (r->stopped)
		add(b, "stopped after %llu line%s (--count): what follows was not read\n",
		    (unsigned long long)r->lines, plural(r->lines));
}

static bool has_status(const struct pipeline_result *r, unsigned status)
{
	for (unsigned i = 0; i < r->protocol_count; i++) {
		if (r->protocols[i].by_status[status])
			return true;
	}
	return false;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct protocol_count *)a)->name,
		      ((const struct protocol_count *)b)->name);
}

/* Whose order does not depend on which worker saw which protocol first. */
static unsigned sorted_protocols(const struct pipeline_result *r,
				 struct protocol_count to[static PIPELINE_PROTOCOLS_MAX])
{
	memcpy(to, r->protocols, r->protocol_count * sizeof(*to));
	qsort(to, r->protocol_count, sizeof(*to), by_name);
	return r->protocol_count;
}

static void add_round_trips(struct buf *b, const struct summary *s)
{
	struct protocol_count protocol[PIPELINE_PROTOCOLS_MAX];
	unsigned count = sorted_protocols(s->result, protocol);

	if (!count && s->decode && s->result->counters.frames)
		buf_text(b, "no round trips\n");
	if (!count)
		return;
	buf_text(b, "\nround trips ");
	for (unsigned i = 0; i < STATUS_COUNT; i++) {
		if (has_status(s->result, i))
			add(b, " %12s", status_name((enum status)i));
	}
	for (unsigned p = 0; p < count; p++) {
		add(b, "\n  %-10s ", protocol[p].name);
		for (unsigned i = 0; i < STATUS_COUNT; i++) {
			if (has_status(s->result, i))
				add(b, " %12llu", (unsigned long long)protocol[p].by_status[i]);
		}
	}
	buf_char(b, '\n');
}

/* The counters of a list that are not zero, each with its meaning. */
static void add_counters(struct buf *b, const struct counters *c, const unsigned *list,
			 unsigned count, const char *title)
{
	bool begun = false;

	for (unsigned i = 0; i < count; i++) {
		uint64_t n = counters_value(c, list[i]);

		if (!n)
			continue;
		if (!begun)
			add(b, "\n%s\n", title);
		begun = true;
		add(b, "%12llu  %s\n", (unsigned long long)n, counters_text(list[i]));
	}
}

void summary_losses(struct buf *b, const struct counters *c)
{
	add_counters(b, c, losses, COUNT_OF(losses), "lost or not readable");
	add_counters(
		b, c, caps, COUNT_OF(caps),
		"caps reached (with several workers the output may now depend on their number)");
}

int summary_loss(unsigned i)
{
	return i < COUNT_OF(losses) ? (int)losses[i] : -1;
}

int summary_cap(unsigned i)
{
	return i < COUNT_OF(caps) ? (int)caps[i] : -1;
}

static void add_remarks(struct buf *b, const struct summary *s)
{
	struct remark remark[REMARKS_MAX];
	unsigned count = summary_remarks(s, remark);

	if (count)
		buf_text(b, "\nremarks\n");
	for (unsigned i = 0; i < count; i++)
		add(b, "  %s\n", remark[i].text);
}

static void add_equations(struct buf *b, const struct counters *c)
{
	char *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);

	if (!memory)
		return;
	counters_check(c, memory);
	if (fclose(memory) == 0)
		buf_add(b, text, size);
	free(text);
}

static void add_everything(struct buf *b, const struct counters *c)
{
	buf_text(b, "\nall counters\n");
	for (unsigned i = 0; counters_name(i); i++)
		add(b, "%16llu  %-21s  %s\n", (unsigned long long)counters_value(c, i),
		    counters_name(i), counters_text(i));
	buf_text(b, "\naccounting: what is counted once ends in exactly one counter\n");
	add_equations(b, c);
}

void summary_text(struct buf *b, const struct summary *s)
{
	const struct counters *c = &s->result->counters;

	add_amount(b, s);
	add_stopped(b, s->result);
	add_round_trips(b, s);
	summary_losses(b, c);
	add_remarks(b, s);
	if (s->verbose)
		add_everything(b, c);
	else if (counters_check(c, NULL))
		buf_text(b, "\nthe counters do not add up, which is a bug in wirespan: please "
			    "report what "
			    "-v prints\n");
}

static void add_member(struct buf *b, const char *name, uint64_t n)
{
	add(b, ",\"%s\":%llu", name, (unsigned long long)n);
}

static void add_text(struct buf *b, const char *text)
{
	buf_json_string(b, view_text(text));
}

static void add_json_round_trips(struct buf *b, const struct pipeline_result *r)
{
	struct protocol_count protocol[PIPELINE_PROTOCOLS_MAX];
	unsigned count = sorted_protocols(r, protocol);

	buf_text(b, ",\"round_trips\":{");
	for (unsigned p = 0; p < count; p++) {
		buf_text(b, p ? "," : "");
		add_text(b, protocol[p].name);
		buf_text(b, ":{");
		for (unsigned i = 0; i < STATUS_COUNT; i++)
			add(b, "%s\"%s\":%llu", i ? "," : "", status_name((enum status)i),
			    (unsigned long long)protocol[p].by_status[i]);
		buf_char(b, '}');
	}
	buf_char(b, '}');
}

static void add_json_remarks(struct buf *b, const struct summary *s)
{
	struct remark remark[REMARKS_MAX];
	unsigned count = summary_remarks(s, remark);

	buf_text(b, ",\"remarks\":[");
	for (unsigned i = 0; i < count; i++) {
		add(b, "%s{\"code\":\"%s\",\"text\":", i ? "," : "", remark[i].code);
		add_text(b, remark[i].text);
		buf_char(b, '}');
	}
	buf_char(b, ']');
}

static void add_json_caps(struct buf *b, const struct counters *c)
{
	const char *before = "";

	buf_text(b, ",\"caps\":[");
	for (unsigned i = 0; i < COUNT_OF(caps); i++) {
		if (!counters_value(c, caps[i]))
			continue;
		add(b, "%s\"%s\"", before, counters_name(caps[i]));
		before = ",";
	}
	buf_char(b, ']');
}

void summary_json(struct buf *b, const struct summary *s)
{
	const struct pipeline_result *r = s->result;
	const struct counters *c = &r->counters;

	add(b, "{\"packets\":%llu", (unsigned long long)c->frames);
	add_member(b, "bytes", c->frame_bytes);
	add_member(b, "flows", c->flows);
	add_member(b, "files", s->files);
	add_member(b, "lines", r->lines);
	if (r->stopped)
		buf_text(b, ",\"stopped\":true");
	if (r->workers) {
		add(b, ",\"capture\":\"%s\"", r->capture == CAPTURE_PCAP ? "pcap" : "afpacket");
		add_member(b, "workers", r->workers);
		add_member(b, "lines_blocked", r->lines_blocked);
	}
	if (c->frames) {
		buf_text(b, ",\"first\":\"");
		buf_time(b, r->first_ns);
		buf_text(b, "\",\"last\":\"");
		buf_time(b, r->last_ns);
		buf_char(b, '"');
	}
	buf_text(b, ",\"traffic_seconds\":");
	buf_seconds(b, traffic_ns(r));
	buf_text(b, ",\"elapsed_seconds\":");
	buf_seconds(b, s->elapsed_ns);
	add_json_round_trips(b, r);
	add_json_caps(b, c);
	add_json_remarks(b, s);
	buf_text(b, ",\"counters\":{");
	for (unsigned i = 0; counters_name(i); i++)
		add(b, "%s\"%s\":%llu", i ? "," : "", counters_name(i),
		    (unsigned long long)counters_value(c, i));
	buf_char(b, '}');
	add_member(b, "equations_broken", counters_check(c, NULL));
	if (s->failure) {
		buf_text(b, ",\"failure\":");
		add_text(b, s->failure);
	}
	buf_text(b, "}\n");
}
