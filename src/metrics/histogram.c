/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/histogram.h"

#include <stdlib.h>

void histogram_done(struct histogram *h)
{
	for (unsigned i = 0; i < HISTOGRAM_ROWS; i++)
		free(h->row[i]);
	*h = (struct histogram){0};
}

void histogram_add_first(struct histogram *h, unsigned row, unsigned cell, uint64_t n)
{
	if (!h->row[row])
		h->row[row] = calloc(HISTOGRAM_ROW, sizeof(*h->row[row]));
	if (!h->row[row]) {
		h->missing += n;
		return;
	}
	h->row[row][cell] += n;
	h->count += n;
}

void histogram_merge(struct histogram *to, const struct histogram *from)
{
	for (unsigned row = 0; row < HISTOGRAM_ROWS; row++) {
		if (!from->row[row])
			continue;
		for (unsigned cell = 0; cell < HISTOGRAM_ROW; cell++) {
			if (from->row[row][cell])
				histogram_add_first(to, row, cell, from->row[row][cell]);
		}
	}
	to->missing += from->missing;
	to->max = from->max > to->max ? from->max : to->max;
}

static uint64_t middle_of(unsigned row, unsigned cell)
{
	unsigned shift = histogram_shift(row);
	uint64_t lowest = (uint64_t)(row ? HISTOGRAM_ROW + cell : cell) << shift;

	return lowest + ((uint64_t)1 << shift >> 1);
}

uint64_t histogram_quantile(const struct histogram *h, unsigned permille)
{
	/* Rounded up without a product that could overflow. */
	uint64_t place = h->count / 1000 * permille + (h->count % 1000 * permille + 999) / 1000;
	uint64_t passed = 0;

	place = place ? place : 1;
	if (place >= h->count) /* the last one is known exactly */
		return h->max;
	for (unsigned row = 0; row < HISTOGRAM_ROWS; row++) {
		for (unsigned cell = 0; h->row[row] && cell < HISTOGRAM_ROW; cell++) {
			passed += h->row[row][cell];
			if (passed < place)
				continue;
			uint64_t middle = middle_of(row, cell);

			return middle < h->max ? middle : h->max;
		}
	}
	return h->max;
}
