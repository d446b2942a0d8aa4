/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * From entries to records, and the two ways to pair: in line and by key. Private to src/roundtrip.
 */
#include "roundtrip/aside.h"

/* Each of these consumes the entries it is given and counts the record. */
void record_pair(struct keeper *k, struct entry *request, struct entry *response, unsigned partial);
/* The same of an answer in hand: without an entry of its own, if record_takes(). */
bool record_takes(const struct keeper *k, const struct message *answer);
void record_answer(struct keeper *k, struct entry *request, const struct message *answer,
		   uint64_t end, const struct origin *origin, unsigned partial);
void record_unanswered(struct keeper *k, struct entry *request, enum reason reason);
void record_orphan(struct keeper *k, struct entry *response, enum reason reason);
/* An ICMP error was all the answer. */
void record_failed(struct keeper *k, struct entry *request);
void record_oneway(struct keeper *k, struct entry *request);
/* This one does neither: the request is told of and stays. */
void record_open(struct keeper *k, struct entry *request);

/* Sends the records of a guess that held. */
void keeper_release(struct keeper *k);

/* Everything open and half seen ends. */
void keeper_flush(struct keeper *k, enum reason reason);

/* --- in line (line.c) --- */
void line_request(struct keeper *k, const struct message *m, const struct origin *origin);
void line_request_end(struct keeper *k, const struct message *m, const struct origin *origin);
void line_response(struct keeper *k, const struct message *m, const struct origin *origin);
void line_response_end(struct keeper *k, const struct message *m, const struct origin *origin);
/* Begin and end at once. */
void line_request_whole(struct keeper *k, const struct message *m, uint64_t end,
			const struct origin *origin);
void line_response_whole(struct keeper *k, const struct message *m, uint64_t end,
			 const struct origin *origin);
int line_ask(const struct keeper *k, const struct origin *origin);
void line_hole(struct keeper *k, enum side side, enum why why);
/* Everything ends; the line is as new. */
void line_flush(struct keeper *k, enum reason reason);

/* This request's time is over. */
void line_timeout(struct keeper *k, struct entry *q);

/* --- by key (keyed.c) --- */
void keyed_request(struct keeper *k, const struct message *m, const struct origin *origin);
void keyed_request_end(struct keeper *k, const struct message *m, const struct origin *origin);
void keyed_response(struct keeper *k, const struct message *m, const struct origin *origin);
void keyed_response_end(struct keeper *k, const struct message *m, const struct origin *origin);
/* Begin and end at once; false: this request is open already, and wants to be begun only once. */
bool keyed_request_whole(struct keeper *k, const struct message *m, uint64_t end,
			 const struct origin *origin);
void keyed_response_whole(struct keeper *k, const struct message *m, uint64_t end,
			  const struct origin *origin);
int keyed_ask(const struct keeper *k, uint64_t key, const struct origin *origin);
void keyed_hole(struct keeper *k, enum side side);
void keyed_flush(struct keeper *k, enum reason reason);
/* This request's time is over: it goes, and an answer that comes until `until_ns` is known to be late. */
void keyed_timeout(struct keeper *k, struct entry *q, uint64_t until_ns);
/* The only open request with these bits of its key; NULL: none, several, or too many to look through. */
struct entry *keyed_seek(const struct keeper *k, uint64_t key, uint64_t mask);
/* An answer came that may be to any request with these bits, or to one that nobody saw: each of them saw a server
 * hole. Nothing is done when too many are open. */
void keyed_doubt(struct keeper *k, uint64_t key, uint64_t mask);
/* Takes a request off the table and the list. */
void keyed_take(struct keeper *k, struct entry *q);
/* The open entry of a key; NULL when there is none. */
struct entry *keyed_find(const struct keeper *k, uint64_t key, enum message_kind kind);

/* --- keys that timed out (late.c) --- */
/* Remembers a key; the oldest one makes room when there are too many. */
void late_remember(struct keeper *k, uint64_t key, uint64_t until_ns);
bool late_has(const struct keeper *k, uint64_t key);
/* Forgets what is too old, or all with UINT64_MAX. */
void late_forget(struct keeper *k, uint64_t now_ns);
/* When the oldest is to be forgotten; UINT64_MAX: there is none. */
uint64_t late_deadline(const struct keeper *k);
