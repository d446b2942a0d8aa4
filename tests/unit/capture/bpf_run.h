/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A small interpreter of classic BPF as the kernel runs it on a packet, with the kernel's words about it
 * and loads from its network header.
 */
#include "capture/bpf.h"

struct bpf_packet {
	const uint8_t *data; /* from the network header on */
	uint32_t size;
	uint32_t protocol, interface, hatype, pkttype;
};

/* What the program returns; a load beyond the packet ends it with 0. */
uint32_t bpf_run(const struct bpf_code *c, const struct bpf_packet *p);
