/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What interfaces there are, and whether packets can be captured from them: by trying.
 */
#include <stdbool.h>
#include <stdint.h>

#include "capture/live.h"
#include "core/types.h"

enum {
	DEVICE_NAME_SIZE = 16,
	DEVICE_ADDRESSES_MAX = 16, /* of one interface; more are left out */
};

struct device_address {
	struct address address;
	unsigned prefix; /* bits */
};

struct device {
	char name[DEVICE_NAME_SIZE];
	int index;
	const char *state; /* "up", "no carrier", "down" */
	const char *
		link_type; /* "ethernet", "loopback", "ip" or "other": only its IP packets are read */
	char driver[32];   /* "" when the kernel does not tell */
	unsigned mtu;
	struct device_address address[DEVICE_ADDRESSES_MAX];
	unsigned address_count;
};

/* All of them, by index; to be freed with free(). ERR_IO (errno), ERR_NOMEM. */
must_check int devices_list(struct device **ret_devices, unsigned *ret_count);

/* Whether a mode of capture works on this interface, as the user we are; `why` is what it fails for, "". */
bool device_captures(const struct device *d, enum capture_mode mode,
		     char why[static LIVE_DETAIL_SIZE]);
