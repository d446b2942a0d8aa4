/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why so little was decoded, in words. A remark is made when it explains something: at least a twentieth of
 * what it is about is concerned.
 */
#include <stdarg.h>
#include <stdio.h>

#include "cmd/summary.h"

/* A snaplen that cuts nothing but super-segments: it is not the user's doing. */
enum { SNAPLEN_WHOLE = 65535 };

struct list {
	struct remark *at;
	unsigned count;
};

__attribute__((format(printf, 3, 4))) static void add(struct list *l, const char *code,
						      const char *format, ...)
{
	va_list list;

	if (l->count == REMARKS_MAX)
		return;
	struct remark *r = &l->at[l->count++];

	r->code = code;
	va_start(list, format);
	vsnprintf(r->text, sizeof(r->text), format, list);
	va_end(list);
}

static bool is_some(uint64_t part, uint64_t whole)
{
	return part && part >= whole / 20;
}

static bool is_most(uint64_t part, uint64_t whole)
{
	return part && part > whole / 2;
}

/* "3 of 4" as printf sees it */
#define OF "%llu of %llu"
#define PAIR(a, b) (unsigned long long)(a), (unsigned long long)(b)

static void about_frames(struct list *l, const struct summary *s)
{
	const struct counters *c = &s->result->counters;
	uint32_t snaplen = s->result->snaplen;

	if (is_some(c->frames_cut, c->frames) && snaplen && snaplen < SNAPLEN_WHOLE)
		add(l, "snaplen",
		    OF " packets were cut by the capture, which kept %u bytes of each: their "
		       "content is "
		       "incomplete. Record whole packets (tcpdump -s 0).",
		    PAIR(c->frames_cut, c->frames), snaplen);
	else if (is_some(c->frames_cut, c->frames))
		add(l, "snaplen",
		    OF " packets are shorter in the capture than on the wire: their content is "
		       "incomplete.",
		    PAIR(c->frames_cut, c->frames));
	if (is_most(c->frames_filtered, c->frames))
		add(l, "filter", "The filter left out " OF " packets.",
		    PAIR(c->frames_filtered, c->frames));
	if (is_most(c->frames_not_ip, c->frames))
		add(l, "not_ip", OF " packets are not IP (ARP, LLDP and the like).",
		    PAIR(c->frames_not_ip, c->frames));
	if (is_some(c->frames_unsupported, c->frames))
		add(l, "unsupported",
		    OF " packets are of a link type or encapsulation that wirespan does not read.",
		    PAIR(c->frames_unsupported, c->frames));
}

static void about_flows(struct list *l, const struct summary *s)
{
	const struct counters *c = &s->result->counters;

	if (is_some(c->flows_one_direction, c->flows_tcp))
		add(l, "one_direction",
		    OF
		    " TCP flows were seen in one direction only, so requests and answers cannot be "
		    "paired. Record where both directions pass.",
		    PAIR(c->flows_one_direction, c->flows_tcp));
	if (is_some(c->flows_tls, c->flows_tcp))
		add(l, "tls",
		    OF " TCP flows are encrypted (TLS): what they say cannot be read. "
		       "Record behind the point where TLS ends.",
		    PAIR(c->flows_tls, c->flows_tcp));
	if (s->decode && is_some(c->flows_undetected, c->flows))
		add(l, "unknown_protocol",
		    OF " flows carry data of no protocol that wirespan knows. If you know better, "
		       "tell it the port: --protocol NAME:PORT.",
		    PAIR(c->flows_undetected, c->flows));
	if (is_some(c->flows_midstream, c->flows_tcp))
		add(l, "midstream",
		    OF
		    " TCP flows were open before the capture began; they are read from their next "
		    "message on.",
		    PAIR(c->flows_midstream, c->flows_tcp));
}

/* What a live capture lost, and what helps. */
static void about_live(struct list *l, const struct summary *s)
{
	const struct counters *c = &s->result->counters;

	if (c->kernel_drops)
		add(l, "kernel_drops",
		    "The kernel dropped %llu packets because the ring was full: a larger --ring, "
		    "more "
		    "--workers, or a filter helps.",
		    (unsigned long long)c->kernel_drops);
	if (c->handoffs_dropped)
		add(l, "handoffs_dropped",
		    "%llu packets were dropped on their way from one worker to another: fewer "
		    "--workers help.",
		    (unsigned long long)c->handoffs_dropped);
	if (s->result->lines_blocked && s->result->metrics)
		add(l, "intervals_joined",
		    "%llu times a worker's interval was reported together with its next one: who "
		    "reads the output was too slow.",
		    (unsigned long long)s->result->lines_blocked);
	else if (s->result->lines_blocked)
		add(l, "lines_blocked",
		    "%llu line%s not written: who reads the output was too slow.",
		    (unsigned long long)s->result->lines_blocked,
		    s->result->lines_blocked == 1 ? " was" : "s were");
}

static void about_loss(struct list *l, const struct summary *s)
{
	const struct counters *c = &s->result->counters;

	if (c->holes_capture && !c->kernel_drops)
		add(l, "capture_loss",
		    "In %llu place%s the capture misses packets that did arrive (the receiver "
		    "acknowledged them): what recorded it was too slow, or saw only a part.",
		    (unsigned long long)c->holes_capture, c->holes_capture == 1 ? "" : "s");
	if (is_some(c->frames_truncated, c->frames))
		add(l, "headers_cut", OF " packets are too short for their own headers.",
		    PAIR(c->frames_truncated, c->frames));
}

unsigned summary_remarks(const struct summary *s, struct remark ret[static REMARKS_MAX])
{
	struct list l = {.at = ret};

	about_live(&l, s);
	about_frames(&l, s);
	about_flows(&l, s);
	about_loss(&l, s);
	return l.count;
}
