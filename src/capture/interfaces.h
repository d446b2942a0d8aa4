/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which interfaces are wanted, which are there, and the numbers frames name them by.
 *
 * The kernel's index of an interface changes when it is made anew; our number is its name's, so an interface
 * that went and came back is the same place. Any thread may ask; what is asked per frame is answered from
 * the asker's own cache.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/err.h"

struct interfaces;

enum {
	/* Patterns of -i. */
	INTERFACE_PATTERNS_MAX = 64,
	INTERFACE_NONE = UINT16_MAX, /* of a frame: it is not wanted */
	INTERFACE_CACHE = 64,
};

/* One worker's cache of answers. */
struct interface_cache {
	uint32_t generation;
	struct {
		int index;
		uint16_t number;
	} at[INTERFACE_CACHE];
};

/* `text`: names, patterns and "any", by commas. ERR_INVALID (empty, or too many), ERR_NOMEM. */
must_check int interfaces_new(const char *text, struct interfaces **ret_interfaces);
void interfaces_free(struct interfaces *s);

/* Looks what is there now. True when the wanted ones changed. One thread. */
bool interfaces_scan(struct interfaces *s);
/* Wants everything, also what does not exist yet. */
bool interfaces_any(const struct interfaces *s);
/* The only pattern, when it is one plain name; NULL otherwise. */
const char *interfaces_single(const struct interfaces *s);
/* The first plain name that is not there; NULL: all are. */
const char *interfaces_missing(const struct interfaces *s);
/* Kernel indexes of the wanted ones, as of the last scan; at most `room` are written. Returns how many. */
unsigned interfaces_wanted(const struct interfaces *s, int *to, unsigned room);
/* What there is, for messages: "eth0, lo". */
void interfaces_list(const struct interfaces *s, char *to, size_t room);

/* The number of an interface by the kernel's index; INTERFACE_NONE: it is not wanted. */
uint16_t interfaces_number(struct interfaces *s, struct interface_cache *cache, int index);
/* The number of a name, made when it is new. */
uint16_t interfaces_number_of_name(struct interfaces *s, const char *name);
/* "" when there is no such number. Valid as long as `s`. */
const char *interfaces_name(struct interfaces *s, uint16_t number);

/* A socket that becomes readable when interfaces change, and reading it empty. -1: there is none. */
int interfaces_watch_open(void);
void interfaces_watch_drain(int fd);
