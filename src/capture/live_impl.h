/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Inside live capture: what live.c (the sockets of all workers, and the interfaces they are for) knows of
 * afpacket.c (one socket with its ring) and pcap_live.c (libpcap).
 */
#include "capture/bpf.h"
#include "capture/interfaces.h"
#include "capture/live.h"

/* One AF_PACKET socket with its ring. */
struct ring {
	struct source source;
	struct interfaces *interfaces;
	struct interface_cache cache;
	const bool *filtered; /* Ethernet frames went through the user's filter in the kernel */
	int fd;
	uint8_t *map;
	size_t map_size, block_size;
	unsigned block_count;
	unsigned next;     /* block to be read next */
	bool holds;        /* the block before it is ours */
	const uint8_t *at; /* in that block: the next frame */
	uint32_t left;     /* frames not handed out */
};

/* A socket that receives nothing yet, with a ring of about `size` bytes. ERR_PERMISSION, ERR_UNSUPPORTED
 * (no TPACKET_V3), ERR_NOMEM, ERR_IO; errno is kept. `r` needs ring_close() in any case. */
must_check int ring_open(struct ring *r, uint64_t size);
void ring_close(struct ring *r);
/* From now on it receives from the interface (0: all). ERR_IO with errno. */
must_check int ring_bind(struct ring *r, int interface);
must_check int ring_filter(struct ring *r, const struct bpf_code *code);
/* An interface that went down leaves an error that wakes its reader until somebody asks. */
void ring_clear_error(struct ring *r);
void ring_promiscuous(struct ring *r, int interface);
struct live_losses ring_losses(struct ring *r);

/* --- pcap_live.c: one source for all interfaces --- */

struct pcap_live;

must_check int pcap_live_open(const struct live_options *options, struct interfaces *interfaces,
			      struct pcap_live **ret_live, char detail[static LIVE_DETAIL_SIZE]);
void pcap_live_close(struct pcap_live *p);
struct source *pcap_live_source(struct pcap_live *p);
int pcap_live_fd(const struct pcap_live *p);
struct live_losses pcap_live_losses(struct pcap_live *p);

/* The one line for somebody who may not capture. */
void live_say_permission(char detail[static LIVE_DETAIL_SIZE]);
