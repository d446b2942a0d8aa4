/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/capture/bpf_run.h"

#include <criterion/criterion.h>

static bool load(const struct bpf_packet *p, uint16_t size, uint32_t at, uint32_t *ret)
{
	uint32_t bytes = size == BPF_W ? 4 : size == BPF_H ? 2 : 1;

	if ((int32_t)at < SKF_NET_OFF) { /* SKF_LL_OFF: not used */
		return false;
	} else if ((int32_t)at < SKF_AD_OFF) {
		at -= (uint32_t)SKF_NET_OFF;
	} else if ((int32_t)at < 0) {
		switch ((int32_t)at - SKF_AD_OFF) {
		case SKF_AD_PROTOCOL:
			*ret = p->protocol;
			return true;
		case SKF_AD_PKTTYPE:
			*ret = p->pkttype;
			return true;
		case SKF_AD_IFINDEX:
			*ret = p->interface;
			return true;
		case SKF_AD_HATYPE:
			*ret = p->hatype;
			return true;
		default:
			return false;
		}
	}
	if (at > p->size || p->size - at < bytes)
		return false;
	*ret = 0;
	for (uint32_t i = 0; i < bytes; i++)
		*ret = *ret << 8 | p->data[at + i];
	return true;
}

static uint32_t alu(uint16_t op, uint32_t a, uint32_t b)
{
	switch (op) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_AND:
		return a & b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		return a << b;
	case BPF_RSH:
		return a >> b;
	default:
		cr_assert_fail("operation %u", op);
		return 0;
	}
}

static bool holds(uint16_t op, uint32_t a, uint32_t k)
{
	switch (op) {
	case BPF_JEQ:
		return a == k;
	case BPF_JSET:
		return a & k;
	case BPF_JGT:
		return a > k;
	case BPF_JGE:
		return a >= k;
	default:
		cr_assert_fail("test %u", op);
		return false;
	}
}

uint32_t bpf_run(const struct bpf_code *c, const struct bpf_packet *p)
{
	uint32_t a = 0, x = 0, memory[BPF_MEMWORDS] = {0};

	for (unsigned at = 0; at < c->count; at++) {
		const struct sock_filter *i = &c->insn[at];
		uint32_t *to = BPF_CLASS(i->code) == BPF_LDX ? &x : &a;
		bool by_x = BPF_SRC(i->code) == BPF_X;

		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
		case BPF_LDX:
			if (BPF_MODE(i->code) == BPF_IMM)
				*to = i->k;
			else if (BPF_MODE(i->code) == BPF_MEM)
				*to = memory[i->k];
			else if (!load(p, BPF_SIZE(i->code),
				       i->k + (BPF_MODE(i->code) == BPF_IND ? x : 0), to))
				return 0;
			break;
		case BPF_ST:
			memory[i->k] = a;
			break;
		case BPF_ALU:
			a = alu(BPF_OP(i->code), a, by_x ? x : i->k);
			break;
		case BPF_JMP:
			if (BPF_OP(i->code) == BPF_JA)
				at += i->k;
			else
				at += holds(BPF_OP(i->code), a, by_x ? x : i->k) ? i->jt : i->jf;
			break;
		case BPF_MISC:
			*(BPF_MISCOP(i->code) == BPF_TAX ? &x : &a) =
				BPF_MISCOP(i->code) == BPF_TAX ? a : x;
			break;
		case BPF_RET:
			return BPF_RVAL(i->code) == BPF_A ? a : i->k;
		default:
			cr_assert_fail("instruction %x", i->code);
		}
	}
	cr_assert_fail("the program has no end");
	return 0;
}
