/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Detection: what is a message, and where one begins. */
#include "protocol/decoder.h"
#include "protocols/dns/message.h"

enum { DNS_STREAM_HEAD = 2 }; /* the size in front of a message */

/* Does a message of a stream begin here, beyond doubt? CUT: it may. */
enum dns_read dns_boundary(struct view v);
/* As in struct protocol_ops. */
struct probed dns_probe(struct view a, struct view b);
struct probed dns_probe_datagram(struct view a, struct view b);
