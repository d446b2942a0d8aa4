/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Packets from network interfaces. One source per worker; each has a socket of its own whose ring it reads
 * without a system call per packet. The sockets of several workers are a fanout group: the kernel deals
 * frames out by the conversation they belong to (spread.h, fanout.c).
 *
 * One named interface and one worker: the socket is bound to it. Otherwise the sockets are on all interfaces
 * and a filter in the kernel picks those that are wanted; so no socket is ever opened later, and capabilities
 * can be dropped after live_open(). A thread that is no worker's watches interfaces come and go (live_watch).
 *
 * Sources hand out frames of the kernel's ring: they are valid until the next fill. The block given to
 * source_fill() is not used by AF_PACKET, but by libpcap, which copies.
 */
#include "capture/source.h"
#include "core/spread.h"

enum capture_mode { CAPTURE_AUTO, CAPTURE_AFPACKET, CAPTURE_PCAP };

enum {
	LIVE_WORKERS_MAX = 64,
	LIVE_DETAIL_SIZE = 512,
};

/* Bytes of all rings together. */
#define LIVE_RING_DEFAULT ((uint64_t)8 << 20)
#define LIVE_RING_MIN ((uint64_t)1 << 20)
#define LIVE_RING_MAX ((uint64_t)1 << 34)
#define LIVE_SNAPLEN_MIN 64

struct live_options {
	const char *interfaces; /* names, patterns (eth*), any; by commas */
	const char *filter;     /* pcap-filter(7); NULL: everything */
	enum capture_mode mode;
	unsigned workers;     /* 1..LIVE_WORKERS_MAX; with libpcap 1 is made of it */
	uint64_t ring;        /* bytes of all rings */
	uint32_t snaplen;     /* bytes of a frame that are looked at; 0: SOURCE_FRAME_MAX */
	bool promiscuous;     /* frames for other machines, too */
	struct spread spread; /* the factors are odd and random */
};

struct live;

/*
 * Opens everything. On failure `detail` is one line for the user: what, and what to do. ERR_PERMISSION,
 * ERR_INVALID (no such interface, bad filter), ERR_UNSUPPORTED, ERR_NOMEM, ERR_LIMIT, ERR_IO.
 */
must_check int live_open(const struct live_options *options, struct live **ret_live,
			 char detail[static LIVE_DETAIL_SIZE]);
void live_close(struct live *l);

/* How many sources there are, and what they capture with. */
unsigned live_workers(const struct live *l);
enum capture_mode live_mode(const struct live *l);
/* The source of a worker, which is closed by live_close(). ERR_AGAIN from fill: nothing is there now. */
struct source *live_source(struct live *l, unsigned worker);
/* Readable when fill may have something. */
int live_fd(const struct live *l, unsigned worker);

/* An interface that went down leaves an error, by which poll() wakes until this is called. */
void live_clear_error(struct live *l, unsigned worker);

/* What the kernel dropped, and how often it found the ring full, since the last call. By the worker. */
struct live_losses {
	uint64_t drops, freezes;
};
struct live_losses live_losses(struct live *l, unsigned worker);

/* From now on nothing new is captured (libpcap: it is, but need not be read); what is in the rings can
 * still be read. */
void live_stop(struct live *l);

/* Readable when interfaces changed: then call live_watch(). -1: nothing is watched. */
int live_watch_fd(const struct live *l);
/*
 * Looks what became of the interfaces: new ones join, one that came back is followed. Writes a line for
 * the user to `note` when there is something to tell ("" otherwise).
 */
void live_watch(struct live *l, char note[static LIVE_DETAIL_SIZE]);

/* Name of frame.interface, "" when it is not known; valid as long as the live. Any thread. */
const char *live_interface_name(struct live *l, uint16_t interface);
