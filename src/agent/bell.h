/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Wakes one thread that waits in poll() for other threads' queues. Ringing costs a system call only while it
 * sleeps.
 *
 *   sleeper: bell_sleep, look at the queues once more, poll(fd), bell_awake
 *   others:  put into a queue, with a sequentially consistent store, then bell_ring
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/err.h"

struct bell {
	int fd;
	bool asleep;
};

static inline must_check int bell_init(struct bell *b)
{
	b->asleep = false;
	b->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return b->fd < 0 ? ERR_IO : 0;
}

static inline void bell_done(struct bell *b)
{
	if (b->fd >= 0)
		close(b->fd);
}

static inline void bell_ring(struct bell *b)
{
	uint64_t one = 1;

	if (!__atomic_load_n(&b->asleep, __ATOMIC_SEQ_CST) ||
	    !__atomic_exchange_n(&b->asleep, false, __ATOMIC_SEQ_CST))
		return;
	if (write(b->fd, &one, sizeof(one)) < 0)
		return; /* it was rung so often that it cannot be missed */
}

static inline void bell_sleep(struct bell *b)
{
	__atomic_store_n(&b->asleep, true, __ATOMIC_SEQ_CST);
}

static inline void bell_awake(struct bell *b)
{
	uint64_t rung;

	if (!__atomic_exchange_n(&b->asleep, false, __ATOMIC_SEQ_CST) &&
	    read(b->fd, &rung, sizeof(rung)) < 0)
		return; /* it is about to be rung: one wakeup for nothing */
}
