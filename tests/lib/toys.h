/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Toy protocols: small enough to reason about, rich enough for every answer of feed.
 *
 *   toy_fifo    magic flags length body[length]         PAIR_FIFO
 *   toy_keyed   magic flags key length body[length]     PAIR_KEY_REUSED
 *   toy_unique  the same as toy_keyed                   PAIR_KEY_UNIQUE
 *
 * magic is 0xa5; every other byte is below 0x80, those of bodies too. So the next 0xa5 is a message
 * boundary for sure, and after a gap the toys drop (as junk) what is in front of it.
 *
 * A body of TOY_SKIP bytes or more is skipped; it is not looked at, and a hole in it costs nothing
 * but MESSAGE_GAP. A shorter one is held until it is whole, then checked, and is the field `text`.
 *
 * flags of a client's message (a request):
 *   TOY_ONEWAY   no answer will come
 *   TOY_QUIET    its answer has a length but no body (as HEAD in HTTP): the cookie is 1 instead of 0.
 *                An answer with a length asks for it. When that is ASK_UNKNOWN the answer ends behind
 *                its head, CUT, and what follows up to the next 0xa5 is junk.
 *   TOY_CANCEL   keyed: no request; ends the open request of this key. Its length must be 0.
 * flags of a server's message (a response):
 *   TOY_INTERIM  not the final answer
 *   TOY_ERROR    the status is error
 *   TOY_PUSH     belongs to no request
 *   TOY_UP_TO    keyed: answers every open request with a key up to this one
 * Any other flag, and any byte that breaks a rule above, is BAD: junk up to the next 0xa5.
 *
 * Example: "\xa5\0\3abc" is a request; "\xa5\2\0" answers it with an error. Keyed: "\xa5\0\7\3abc".
 * At the end of a direction, or at a gap that reaches beyond its body, an unfinished message ends
 * CUT.
 */
#include "protocol/decoder.h"

enum {
	TOY_MAGIC = 0xa5,
	TOY_SKIP = 16,
	TOY_ONEWAY = 1,
	TOY_QUIET = 2,
	TOY_CANCEL = 4,
	TOY_INTERIM = 1,
	TOY_ERROR = 2,
	TOY_PUSH = 4,
	TOY_UP_TO = 8,
};

extern const struct protocol_ops toy_fifo_ops, toy_keyed_ops, toy_unique_ops;

/* All of them, for registry_new(). The probes tell toy_fifo from toy_keyed only when the whole of
 * the first message is there and nothing, or 0xa5, follows it. */
extern const struct protocol_ops *const toys_all[];
