/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* DNS messages for gencap, by TCP (gencap_dns.c) and by UDP (gencap_udp.c). */
#include "gencap_sim.h"

enum { DNS_TEXT_MAX = 1024 };

struct dns_text {
	uint8_t bytes[DNS_TEXT_MAX];
	unsigned size;
	bool framed; /* begins with its size */
};

enum dns_asked { ASKS_A, ASKS_AAAA, ASKS_TXT, ASKS_TRANSFER, ASKS_CHANGES };

/* A query of the id, question and kind that `a` has. */
void dns_query(struct sim *s, const struct ask *a, struct dns_text *t);
/* An answer to it, or a part of one: the first, the last, both, or neither. */
void dns_answer(struct sim *s, const struct ask *a, bool first, bool last, struct dns_text *t);
