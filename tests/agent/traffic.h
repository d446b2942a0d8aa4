/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Writes a capture of HTTP conversations that all run at once: keep-alive, every request answered, bodies of several
 * sizes.
 */
#include <stdbool.h>

struct traffic {
	unsigned conversations;
	unsigned requests; /* of each */
	unsigned lose;     /* leave out about one packet in so many; 0: none */
};

/* `path` is a mkstemp template. */
bool traffic_write(char *path, const struct traffic *t);
