/* SPDX-License-Identifier: Apache-2.0 */
#include "core/timer.h"

static void list_init(struct timer *head)
{
	head->next = head->prev = head;
}

static void list_append(struct timer *head, struct timer *t)
{
	t->next = head;
	t->prev = head->prev;
	t->prev->next = t;
	head->prev = t;
}

static void unlink_timer(struct timer *t)
{
	t->prev->next = t->next;
	t->next->prev = t->prev;
	t->next = t->prev = NULL;
}

/* The number of the first tick at or after a time. */
static uint64_t tick_of(uint64_t ns)
{
	return ns / TICK_NS + (ns % TICK_NS != 0);
}

void timer_wheel_init(struct timer_wheel *w)
{
	for (unsigned i = 0; i < TIMER_SLOTS; i++)
		list_init(&w->slot[i]);
	list_init(&w->due);
	w->tick = 0;
	w->running = w->firing = false;
}

void timer_set(struct timer_wheel *w, struct timer *t, uint64_t deadline_ns)
{
	uint64_t tick = tick_of(deadline_ns);

	if (timer_armed(t))
		unlink_timer(t);
	t->deadline_ns = deadline_ns;
	if (w->firing && tick <= w->tick) {
		list_append(&w->due, t);
		return;
	}
	if (tick <= w->tick)
		tick = w->tick + 1;
	list_append(&w->slot[tick % TIMER_SLOTS], t);
}

void timer_clear(struct timer_wheel *w, struct timer *t)
{
	(void)w;
	if (timer_armed(t))
		unlink_timer(t);
}

static void take_due(struct timer_wheel *w, struct timer *head)
{
	for (struct timer *t = head->next, *next; t != head; t = next) {
		next = t->next;
		if (tick_of(t->deadline_ns) <= w->tick) {
			unlink_timer(t);
			list_append(&w->due, t);
		}
	}
}

void timer_run(struct timer_wheel *w, uint64_t now_ns, void (*fire)(void *data, struct timer *t),
	       void *data)
{
	uint64_t to = now_ns / TICK_NS, from = w->tick + 1;

	if (w->running && to < from)
		return;
	/* Time may leap, and before the first run it began anywhere: one round sees every slot. */
	if (!w->running || to - from >= TIMER_SLOTS)
		from = to >= TIMER_SLOTS ? to - TIMER_SLOTS + 1 : 0;
	w->tick = to;
	w->running = true;
	w->firing = true;
	for (; from <= to; from++)
		take_due(w, &w->slot[from % TIMER_SLOTS]);
	while (w->due.next != &w->due) {
		struct timer *t = w->due.next;

		unlink_timer(t);
		fire(data, t);
	}
	w->firing = false;
}
