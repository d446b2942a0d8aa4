/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Classic BPF programs that the kernel runs on every packet, and the small assembler that makes them.
 * Labels are forward only, as jumps of classic BPF are; a label jump may go as far as it likes.
 */
#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/source.h"
#include "core/spread.h"

enum {
	BPF_PROGRAM_MAX = 4096, /* the kernel's cap (BPF_MAXINSNS) */
	BPF_LABELS_MAX = 32,
	BPF_JUMPS_MAX = 2048,
};

/* A program being made. Too many instructions, labels or jumps set `failed`, and nothing more is added. */
struct bpf_code {
	struct sock_filter insn[BPF_PROGRAM_MAX];
	unsigned count;
	unsigned label_count;
	unsigned label_at[BPF_LABELS_MAX];
	struct {
		unsigned at, label;
	} jump[BPF_JUMPS_MAX];
	unsigned jump_count;
	bool failed;
};

void bpf_code_init(struct bpf_code *c);
void bpf_emit(struct bpf_code *c, uint16_t code, uint32_t k);
unsigned bpf_label(struct bpf_code *c);
/* The label is here. */
void bpf_here(struct bpf_code *c, unsigned label);
void bpf_goto(struct bpf_code *c, unsigned label);
/* Goes on behind when the test (BPF_JEQ, BPF_JSET ... with K) holds, to the label when it does not; and
 * the other way round. */
void bpf_unless(struct bpf_code *c, uint16_t test, uint32_t k, unsigned label);
void bpf_if(struct bpf_code *c, uint16_t test, uint32_t k, unsigned label);
/* Appends whole instructions, whose jumps stay among themselves. */
void bpf_append(struct bpf_code *c, const struct sock_filter *insn, unsigned count);
/* Resolves the labels. ERR_LIMIT: the program is too large. */
must_check int bpf_finish(struct bpf_code *c);

/*
 * The program by which the kernel deals frames to the sockets of a group: spread_of() of the innermost TCP or
 * UDP conversation, through VLAN tags, VXLAN and GENEVE; of a fragment, of its addresses and id, so that
 * those of one packet meet; of anything else, of the addresses.
 */
must_check int bpf_fanout(struct bpf_code *c, const struct spread *spread);

/* What a socket lets through. */
struct bpf_wanted {
	const int *interfaces; /* kernel indexes; NULL: all */
	unsigned interface_count;
	uint32_t snaplen;
	/* The user's filter for Ethernet frames (accepting with anything but 0); NULL: everything. */
	const struct filter_insn *filter;
	unsigned filter_count;
};

/* The filter of a socket. What was sent over a loopback device is dropped: it is received, too. ERR_LIMIT. */
must_check int bpf_wanted(struct bpf_code *c, const struct bpf_wanted *wanted);
