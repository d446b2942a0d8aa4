/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detection: a strictly valid start line is certain. SIP, RTSP and ICY have the same shape with another
 * version, so a line is not ours before its end is seen; a long one with a well-known method is an exception.
 */
#include "protocols/http/probe.h"

#include "protocols/http/head.h"

enum { LINE_ENOUGH = 1024 }; /* a request line so long is known by its beginning */

struct look {
	struct probed probed; /* as if of `a` alone */
	bool answer;
};

static struct look look_at(struct view v)
{
	struct look l = {.probed = {.is = PROBE_NO}};
	enum why why;
	while (v.size && (v.data[0] == '\r' || v.data[0] == '\n'))
		v = view_from(v, 1);
	if (!v.size)
		return l;
	l.answer = v.data[0] == 'H' && (v.size < 2 || v.data[1] == 'T');
	enum side side = l.answer ? FROM_SERVER : FROM_CLIENT;
	switch (http_start_line(v, 0, side, true, &why)) {
	case HTTP_START_YES:
		l.probed = (struct probed){
			.is = PROBE_YES, .confidence = http_known_method(v) || l.answer ? 100 : 95};
		break;
	case HTTP_START_MAYBE:
		l.probed = (struct probed){.is = PROBE_NEED, .need = v.size + 1};
		if (v.size >= LINE_ENOUGH && http_known_method(v))
			l.probed = (struct probed){.is = PROBE_YES, .confidence = 90};
		break;
	case HTTP_START_NO: /* what a server may still understand */
		if (http_known_method(v) &&
		    http_start_line(v, 0, side, false, &why) == HTTP_START_YES)
			l.probed = (struct probed){.is = PROBE_YES, .confidence = 90};
		break;
	}
	return l;
}

struct probed http_probe(struct view a, struct view b)
{
	struct look of_a = look_at(a), of_b = look_at(b);
	of_a.probed.client = of_a.answer;
	of_b.probed.client = !of_b.answer;
	if (of_a.probed.is == PROBE_YES || of_b.probed.is == PROBE_YES)
		return of_a.probed.is == PROBE_YES ? of_a.probed : of_b.probed;
	return of_a.probed.is == PROBE_NEED ? of_a.probed : of_b.probed;
}
