/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * liburcu, memb flavour, with what ThreadSanitizer must be told: it does not see the ordering inside the
 * library, so publishing releases, reading acquires, and reclaiming acquires what readers released.
 *
 * Workers never wait for a grace period: what they retire goes to the control thread.
 */
#define URCU_INLINE_SMALL_FUNCTIONS
#include <urcu/urcu-memb.h>

#if defined(__SANITIZE_THREAD__)
#define RCU_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RCU_TSAN 1
#endif
#endif

#ifdef RCU_TSAN
void __tsan_acquire(void *);
void __tsan_release(void *);
#define rcu_note_acquire(p) __tsan_acquire((void *)(p))
#define rcu_note_release(p) __tsan_release((void *)(p))
#else
#define rcu_note_acquire(p) ((void)(p))
#define rcu_note_release(p) ((void)(p))
#endif

/* Makes `value` visible to readers: everything written before is seen by who loads it. */
#define rcu_publish(slot, value) __atomic_store_n(slot, value, __ATOMIC_RELEASE)
#define rcu_load(slot) __atomic_load_n(slot, __ATOMIC_ACQUIRE)

static inline void rcu_enter(void)
{
	urcu_memb_read_lock();
}

/* `domain`: any address that names what is protected; reclaim uses the same. */
static inline void rcu_leave(const void *domain)
{
	rcu_note_release(domain);
	urcu_memb_read_unlock();
}

/* Waits until nobody reads what was unpublished before. Control thread only. */
static inline void rcu_wait(const void *domain)
{
	urcu_memb_synchronize_rcu();
	rcu_note_acquire(domain);
}

static inline void rcu_thread_begin(void)
{
	urcu_memb_register_thread();
}

static inline void rcu_thread_end(void)
{
	urcu_memb_unregister_thread();
}
