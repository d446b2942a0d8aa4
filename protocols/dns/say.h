/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What of a message is said: its fields. */
#include "protocol/decoder.h"
#include "protocols/dns/message.h"

extern const struct field_def dns_fields[];

enum dns_variant { DNS_PLAIN, DNS_MDNS, DNS_LLMNR };

/* One message in hand. */
struct dns_message {
	struct view bytes;
	struct dns_header header; /* without the questions that the capture cut */
	uint64_t hash;            /* of its questions */
	uint32_t records;         /* offset of what follows them */
	enum dns_variant variant;
	bool datagram; /* else it came by a stream */
	bool cut;      /* the capture cut it */
	bool part;     /* of a transfer: how many answers there are is said at its end */
};

/* The pseudo record of EDNS (RFC 6891 6.1). */
struct dns_edns {
	bool found;
	uint16_t udp_size, flags;
	uint8_t rcode_high, version;
	struct view options;
};

/* Looks for it in the additional section. */
struct dns_edns dns_edns_of(const struct dns_message *m);

/* Begins a message of `kind` with its fields, as far as somebody wants them. */
void dns_say_begin(struct env *env, enum side side, struct message m, const struct dns_message *d);
/* The same for one that is in hand as a whole; `m` gets the fields. False: it is an open request, sent again. */
bool dns_say_whole(struct env *env, enum side side, struct message *m, const struct dns_message *d,
		   uint64_t end);
/* What is known of a transfer when it ends. */
void dns_say_transfer(struct env *env, enum side side, struct message m, uint64_t records,
		      uint64_t messages);
/* The request that is open under this key was sent again. */
void dns_say_again(struct env *env, enum side side, uint64_t key);
