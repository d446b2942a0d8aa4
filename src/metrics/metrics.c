/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/metrics.h"

#include <stdlib.h>

struct metrics *metrics_new(void)
{
	return calloc(1, sizeof(struct metrics));
}

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	operations_done(&m->operations);
	talkers_done(&m->talkers);
	histogram_done(&m->rtt);
	free(m);
}

void metrics_merge(struct metrics *to, const struct metrics *from)
{
	operations_merge(&to->operations, &from->operations);
	talkers_merge(&to->talkers, &from->talkers);
	histogram_merge(&to->rtt, &from->rtt);
}

uint64_t metrics_missing(const struct metrics *m)
{
	uint64_t n = m->operations.missing + m->talkers.missing + m->rtt.missing;

	for (uint32_t i = 0; i < m->operations.count; i++)
		n += m->operations.list[i]->duration.missing;
	return n;
}
