/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A timer wheel for one worker. Timers are embedded in what they belong to and fire only at ticks: at the
 * first tick whose time is at or after the deadline, so the result does not depend on how often anybody
 * looks. Within a tick the order is not defined; who needs one sorts what it produced.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/time.h"

struct timer {
	struct timer *next, *prev; /* NULL: not armed */
	uint64_t deadline_ns;
};

enum { TIMER_SLOTS = 1024 }; /* of TICK_NS: deadlines further away are looked at every 10 s */

struct timer_wheel {
	struct timer slot[TIMER_SLOTS]; /* list heads */
	struct timer due;               /* list head: to be fired in this run */
	uint64_t tick;                  /* number of the last tick that was run */
	bool running;                   /* a tick was run */
	bool firing;                    /* timer_run is at work */
};

void timer_wheel_init(struct timer_wheel *w);
/* Arms, or moves, a timer. A deadline in the past fires at the next tick. */
void timer_set(struct timer_wheel *w, struct timer *t, uint64_t deadline_ns);
/* Disarms; fine when not armed. */
void timer_clear(struct timer_wheel *w, struct timer *t);
static inline bool timer_armed(const struct timer *t)
{
	return t->next;
}
/* Takes every timer due at `now_ns` off the wheel and calls `fire`, which may set and clear any timer;
 * one set to a deadline <= now_ns fires again in this run. */
void timer_run(struct timer_wheel *w, uint64_t now_ns, void (*fire)(void *data, struct timer *t),
	       void *data);
