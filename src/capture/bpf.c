/* SPDX-License-Identifier: Apache-2.0 */
/* See bpf.h. */
#include "capture/bpf.h"

#include <net/if_arp.h>
#include <linux/if_packet.h>
#include <string.h>

void bpf_code_init(struct bpf_code *c)
{
	c->count = c->label_count = c->jump_count = 0;
	c->failed = false;
}

void bpf_emit(struct bpf_code *c, uint16_t code, uint32_t k)
{
	struct sock_filter insn = {code, 0, 0, k};

	bpf_append(c, &insn, 1);
}

unsigned bpf_label(struct bpf_code *c)
{
	if (c->label_count == BPF_LABELS_MAX) {
		c->failed = true;
		return 0;
	}
	return c->label_count++;
}

void bpf_here(struct bpf_code *c, unsigned label)
{
	c->label_at[label] = c->count;
}

void bpf_goto(struct bpf_code *c, unsigned label)
{
	if (c->jump_count == BPF_JUMPS_MAX) {
		c->failed = true;
		return;
	}
	c->jump[c->jump_count].at = c->count;
	c->jump[c->jump_count++].label = label;
	bpf_emit(c, BPF_JMP | BPF_JA, 0);
}

static void test(struct bpf_code *c, uint16_t code, uint32_t k, uint8_t when_true,
		 uint8_t when_false)
{
	struct sock_filter insn = {BPF_JMP | code | BPF_K, when_true, when_false, k};

	bpf_append(c, &insn, 1);
}

void bpf_unless(struct bpf_code *c, uint16_t code, uint32_t k, unsigned label)
{
	test(c, code, k, 1, 0);
	bpf_goto(c, label);
}

void bpf_if(struct bpf_code *c, uint16_t code, uint32_t k, unsigned label)
{
	test(c, code, k, 0, 1);
	bpf_goto(c, label);
}

void bpf_append(struct bpf_code *c, const struct sock_filter *insn, unsigned count)
{
	if (c->failed || count > BPF_PROGRAM_MAX - c->count) {
		c->failed = true;
		return;
	}
	memcpy(c->insn + c->count, insn, count * sizeof(*insn));
	c->count += count;
}

int bpf_finish(struct bpf_code *c)
{
	if (c->failed)
		return ERR_LIMIT;
	for (unsigned i = 0; i < c->jump_count; i++)
		c->insn[c->jump[i].at].k = c->label_at[c->jump[i].label] - c->jump[i].at - 1;
	return 0;
}

/* The kernel's words about a packet, which are no bytes of it. */
static void load_about(struct bpf_code *c, uint32_t what)
{
	bpf_emit(c, BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_AD_OFF + what);
}

/* The user's filter, whose yes becomes ours. */
static void append_filter(struct bpf_code *c, const struct bpf_wanted *w)
{
	for (unsigned i = 0; i < w->filter_count; i++) {
		const struct filter_insn *f = &w->filter[i];
		struct sock_filter insn = {f->code, f->jt, f->jf, f->k};

		if (insn.code == (BPF_RET | BPF_K) && insn.k)
			insn.k = w->snaplen;
		bpf_append(c, &insn, 1);
	}
}

int bpf_wanted(struct bpf_code *c, const struct bpf_wanted *w)
{
	bpf_code_init(c);
	unsigned received = bpf_label(c), wanted = bpf_label(c), ethernet = bpf_label(c);

	load_about(c, SKF_AD_PKTTYPE);
	bpf_unless(c, BPF_JEQ, PACKET_OUTGOING, received);
	load_about(c, SKF_AD_HATYPE);
	bpf_unless(c, BPF_JEQ, ARPHRD_LOOPBACK, received);
	bpf_emit(c, BPF_RET | BPF_K, 0);
	bpf_here(c, received);
	if (w->interfaces) {
		load_about(c, SKF_AD_IFINDEX);
		for (unsigned i = 0; i < w->interface_count; i++)
			bpf_if(c, BPF_JEQ, (uint32_t)w->interfaces[i], wanted);
		bpf_emit(c, BPF_RET | BPF_K, 0);
	}
	bpf_here(c, wanted);
	if (w->filter) {
		load_about(c, SKF_AD_HATYPE);
		bpf_if(c, BPF_JEQ, ARPHRD_ETHER, ethernet);
		bpf_if(c, BPF_JEQ, ARPHRD_LOOPBACK, ethernet);
		bpf_emit(c, BPF_RET | BPF_K, w->snaplen);
		bpf_here(c, ethernet);
		append_filter(c, w);
	}
	bpf_emit(c, BPF_RET | BPF_K, w->snaplen);
	return bpf_finish(c);
}
