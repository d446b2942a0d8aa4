/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How often which value came, for quantiles of times. Log-linear: each power of two is cut into 64 buckets of
 * equal width, found with one clz. Values below 128 have a bucket each; above, a bucket is at most 1/64 of its
 * values wide, and a quantile is the middle of its bucket: at most 1/128 (0.8 %) away from the true one.
 *
 * Rows of 64 buckets, one for each power of two, are allocated when a value first needs them: 512 bytes each,
 * 30 KiB for all. Histograms merge by adding, so the order of adding and merging does not matter. One thread.
 * All zero is empty.
 */
#include <stdint.h>

enum {
	HISTOGRAM_BITS = 6, /* log2 of the buckets in a row */
	HISTOGRAM_ROW = 1 << HISTOGRAM_BITS,
	HISTOGRAM_ROWS = 65 - HISTOGRAM_BITS, /* the first holds 0 to 63, the last 2^63 and up */
};

struct histogram {
	uint64_t *row[HISTOGRAM_ROWS]; /* NULL: nothing came */
	uint64_t count;                /* of values in it */
	uint64_t max;                  /* the largest value, exactly */
	uint64_t missing;              /* values left out because memory ran out */
};

void histogram_done(struct histogram *h);
/* Adds `n` times `value`, in a row that has no memory yet. */
void histogram_add_first(struct histogram *h, unsigned row, unsigned cell, uint64_t n);

/* The row of a value; its buckets are 2^histogram_shift(row) wide. */
static inline unsigned histogram_row(uint64_t value)
{
	return 58 - (unsigned)__builtin_clzll(value | (HISTOGRAM_ROW - 1));
}

static inline unsigned histogram_shift(unsigned row)
{
	return row - (row > 0);
}

static inline void histogram_add(struct histogram *h, uint64_t value)
{
	unsigned row = histogram_row(value);
	unsigned cell = value >> histogram_shift(row) & (HISTOGRAM_ROW - 1);

	h->max = value > h->max ? value : h->max;
	if (__builtin_expect(!h->row[row], 0)) {
		histogram_add_first(h, row, cell, 1);
		return;
	}
	h->row[row][cell]++;
	h->count++;
}

/* Adds all of `from`. */
void histogram_merge(struct histogram *to, const struct histogram *from);

/*
 * The value that `permille` of 1000 values do not exceed: of the n values in order, the one at place
 * n * permille / 1000, rounded up, and at least 1. As exact as said above, the last one is max itself. 0 when empty.
 */
uint64_t histogram_quantile(const struct histogram *h, unsigned permille);
