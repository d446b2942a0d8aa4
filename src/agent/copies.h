/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Datagrams of the last second, to know one that was seen at another place before. Only for conversations that were
 * seen at two places; sets of four, of which the oldest makes room.
 */
#include "packet/packet.h"

enum { COPIES_SETS = 8192, COPIES_WAYS = 4 };

struct copies;

/* NULL: no memory. */
struct copies *copies_new(void);
void copies_free(struct copies *c);
/* True when the same bytes of the same flow and direction came within the last second at another place; otherwise the
 * packet is remembered. */
bool copies_seen(struct copies *c, const struct packet *p, uint64_t secret);
