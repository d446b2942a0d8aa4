/* SPDX-License-Identifier: Apache-2.0 */
/* The head scan against a byte-by-byte reference, and the vector code against the plain one. */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "core/scan.h"

/* What scan.h promises, written down naively. */
static bool reference(const uint8_t *p, uint32_t n, struct scan_head *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (uint32_t i = 0; i < n; i++) {
		bool lf = p[i] == '\n', other = p[i] < ' ' && !lf;
		bool before = i && p[i - 1] < ' ' && p[i - 1] != '\n';
		ret->odd |= lf != before;
		if (lf)
			ret->lf[i / 64] |= 1ull << i % 64;
		if (lf || other || p[i] == ' ' || p[i] == ':')
			ret->delimiters[i / 64] |= 1ull << i % 64;
		bool after_lf = i && p[i - 1] == '\n';
		bool after_lf_cr = i > 1 && p[i - 2] == '\n' && p[i - 1] == '\r';
		if (lf && (after_lf || after_lf_cr)) {
			ret->size = i + 1;
			return true;
		}
	}
	return false;
}

/* Bits of the head only: behind it there may be any. */
static void compare_bits(const uint64_t *a, const uint64_t *b, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++)
		cr_assert_eq(a[i / 64] >> i % 64 & 1, b[i / 64] >> i % 64 & 1);
}

static void compare_one(const struct scan_head *want, const struct scan_head *got)
{
	cr_assert_eq(got->size, want->size);
	cr_assert_eq(got->odd, want->odd);
	compare_bits(got->lf, want->lf, want->size);
	compare_bits(got->delimiters, want->delimiters, want->size);
}

static void compare(const uint8_t *p, uint32_t n)
{
	static struct scan_head want, got, plain;
	bool there = reference(p, n, &want);
	cr_assert_eq(scan_head(p, n, &got), there);
	cr_assert_eq(scan_head_plain(p, n, &plain), there);
	cr_assert_eq(scan_has_end(p, n, 0), there);
	if (!there)
		return;
	compare_one(&want, &got);
	compare_one(&want, &plain);
	for (uint32_t from = 0; from < want.size; from++)
		cr_assert(scan_has_end(p, n, from));
}

static void compare_text(const char *text)
{
	size_t n = strlen(text);
	uint8_t *exact = malloc(n);
	memcpy(exact, text, n);
	compare(exact, (uint32_t)n);
	free(exact);
}

Test(scan, by_hand)
{
	compare_text("GET / HTTP/1.1\r\n\r\n");
	compare_text("GET / HTTP/1.1\n\n");
	compare_text("GET / HTTP/1.1\n\r\nbody");
	compare_text(
		"GET / HTTP/1.1\r\nHost: a:80\r\nX:\r\n\r\n\x01\x02 body : of any kind\r\n\r\n");
	compare_text("GET / HTTP/1.1\r\nno colon\r\n\r\n");
	compare_text("GET / HTTP/1.1\r\nA : b\r\n\r\n");
	compare_text("GET / HTTP/1.1\r\nA: b\r\n c: d\r\n\r\n");
	compare_text("GET / HTTP/1.1\r\nA: b\rC: d\r\n\r\n");
	compare_text("GET / HTTP/1.1\r\nA: b\r\r\n\r\n");
	compare_text("GET / HTTP/1.1\r\nA: b\tc\r\n\r\n");
	compare_text("GET / HTTP/1.1\r\n: b\r\n\r\n");
	compare_text("x\r\n\r");
	compare_text("\r\n");
}

/* Every alignment of the head's end and of its colons to the 64-byte blocks. */
Test(scan, alignments)
{
	uint8_t p[400];
	for (uint32_t first = 0; first < 130; first++) {
		for (uint32_t name = 1; name < 140; name += 9) {
			memset(p, 'a', sizeof p);
			uint32_t at = first;
			memcpy(p + at, "\r\n", 2);
			at += 2 + name;
			memcpy(p + at, ": b\r\n\r\n", 7);
			compare(p, at + 7);
			compare(p, at + 6);
			compare(p, at + 7 + 64);
		}
	}
}

Test(scan, random_heads)
{
	static const char letters[] = "aaaa:: \r\n\r\n\t\001aaaa";
	uint64_t seed = 12345;
	for (unsigned round = 0; round < 40000; round++) {
		uint8_t p[300];
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		uint32_t n = 1 + (uint32_t)(seed >> 40) % 299;
		for (uint32_t i = 0; i < n; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			uint32_t r = (uint32_t)(seed >> 40);
			p[i] = r & 3 ? 'x' : (uint8_t)letters[(r >> 2) % (sizeof(letters) - 1)];
		}
		for (uint32_t i = 5; round % 2 && i + 20 < n; i += 9 + round % 31)
			memcpy(p + i, "\r\nab: c", 7);
		compare(p, n);
	}
}

Test(scan, no_more_than_the_cap)
{
	uint8_t *p = malloc(SCAN_MAX + 10);
	struct scan_head *head = malloc(sizeof(*head));
	memset(p, 'a', SCAN_MAX + 10);
	memcpy(p + SCAN_MAX - 4, "\r\n\r\n", 4);
	cr_assert(scan_head(p, SCAN_MAX + 10, head));
	cr_assert_eq(head->size, SCAN_MAX);
	cr_assert(scan_has_end(p, SCAN_MAX + 10, SCAN_MAX - 1));
	p[SCAN_MAX - 1] = 'a';
	memcpy(p + SCAN_MAX - 3, "\r\n\r\n", 4);
	cr_assert_not(scan_head(p, SCAN_MAX + 10, head));
	cr_assert_not(scan_has_end(p, SCAN_MAX + 10, 0));
	free(head);
	free(p);
}

Test(scan, next)
{
	static const uint64_t bits[] = {1ull << 3 | 1ull << 63, 0, 2};
	cr_assert_eq(scan_next(bits, 0), 3);
	cr_assert_eq(scan_next(bits, 3), 3);
	cr_assert_eq(scan_next(bits, 4), 63);
	cr_assert_eq(scan_next(bits, 64), 129);
	cr_assert_eq(scan_next(bits, 129), 129);
}
