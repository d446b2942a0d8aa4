/* SPDX-License-Identifier: Apache-2.0 */
/* See interfaces.h. */
#include "capture/interfaces.h"

#include <errno.h>
#include <fnmatch.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	/* Numbers are places in 16 bits; names are never forgotten, since records show them. */
	NAMES_MAX = UINT16_MAX - 1,
};

struct present {
	int index;
	uint16_t number;
	uint16_t wanted; /* as wide as that no byte is padding: two are compared */
};

struct interfaces {
	pthread_mutex_t lock;
	char *text; /* the patterns, each ended by 0 */
	const char *pattern[INTERFACE_PATTERNS_MAX];
	unsigned patterns;
	bool any;
	struct present *present; /* as of the last scan */
	unsigned present_count, present_room;
	char **names; /* by number; each lives as long as all */
	unsigned name_count, name_room;
	uint32_t generation; /* of `present`; caches compare it */
};

static bool is_plain(const char *pattern)
{
	return !pattern[strcspn(pattern, "*?[")];
}

int interfaces_new(const char *text, struct interfaces **ret_interfaces)
{
	struct interfaces *s = calloc(1, sizeof(*s));
	char *save = NULL;

	if (!s)
		return ERR_NOMEM;
	pthread_mutex_init(&s->lock, NULL);
	s->generation = 1;
	s->text = strdup(text);
	if (!s->text) {
		interfaces_free(s);
		return ERR_NOMEM;
	}
	for (char *p = strtok_r(s->text, ",", &save); p; p = strtok_r(NULL, ",", &save)) {
		if (s->patterns == INTERFACE_PATTERNS_MAX) {
			s->patterns = 0;
			break;
		}
		s->pattern[s->patterns++] = p;
		s->any |= strcmp(p, "any") == 0;
	}
	if (!s->patterns) {
		interfaces_free(s);
		return ERR_INVALID;
	}
	*ret_interfaces = s;
	return 0;
}

void interfaces_free(struct interfaces *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->name_count; i++)
		free(s->names[i]);
	free(s->names);
	free(s->present);
	free(s->text);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static bool wants(const struct interfaces *s, const char *name)
{
	for (unsigned i = 0; i < s->patterns; i++)
		if (s->any || fnmatch(s->pattern[i], name, 0) == 0)
			return true;
	return false;
}

/* The number of a name; the lock is held. */
static uint16_t number_of(struct interfaces *s, const char *name)
{
	for (unsigned i = 0; i < s->name_count; i++)
		if (strcmp(s->names[i], name) == 0)
			return (uint16_t)i;
	if (s->name_count == NAMES_MAX)
		return NAMES_MAX - 1;
	if (s->name_count == s->name_room) {
		unsigned room = s->name_room ? s->name_room * 2 : 16;
		char **bigger = realloc(s->names, room * sizeof(*bigger));

		if (!bigger)
			return NAMES_MAX;
		s->names = bigger;
		s->name_room = room;
	}
	s->names[s->name_count] = strdup(name);
	if (!s->names[s->name_count])
		return NAMES_MAX;
	return (uint16_t)s->name_count++;
}

static bool add_present(struct interfaces *s, int index, const char *name)
{
	if (s->present_count == s->present_room) {
		unsigned room = s->present_room ? s->present_room * 2 : 16;
		struct present *bigger = realloc(s->present, room * sizeof(*bigger));

		if (!bigger)
			return false;
		s->present = bigger;
		s->present_room = room;
	}
	s->present[s->present_count++] =
		(struct present){index, number_of(s, name), wants(s, name)};
	return true;
}

bool interfaces_scan(struct interfaces *s)
{
	struct if_nameindex *all = if_nameindex();
	unsigned before_count;
	struct present *before;
	bool changed;

	if (!all)
		return false;
	pthread_mutex_lock(&s->lock);
	before = s->present;
	before_count = s->present_count;
	s->present = NULL;
	s->present_count = s->present_room = 0;
	for (const struct if_nameindex *i = all; i->if_index; i++)
		if (!add_present(s, (int)i->if_index, i->if_name))
			break;
	changed = before_count != s->present_count ||
		  memcmp(before, s->present, before_count * sizeof(*before)) != 0;
	if (changed)
		__atomic_add_fetch(&s->generation, 1, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&s->lock);
	if_freenameindex(all);
	free(before);
	return changed;
}

bool interfaces_any(const struct interfaces *s)
{
	return s->any;
}

const char *interfaces_single(const struct interfaces *s)
{
	return s->patterns == 1 && !s->any && is_plain(s->pattern[0]) ? s->pattern[0] : NULL;
}

static bool is_present(const struct interfaces *s, const char *name)
{
	for (unsigned i = 0; i < s->present_count; i++)
		if (s->present[i].number < s->name_count &&
		    strcmp(s->names[s->present[i].number], name) == 0)
			return true;
	return false;
}

const char *interfaces_missing(const struct interfaces *s)
{
	for (unsigned i = 0; i < s->patterns && !s->any; i++)
		if (is_plain(s->pattern[i]) && !is_present(s, s->pattern[i]))
			return s->pattern[i];
	return NULL;
}

unsigned interfaces_wanted(const struct interfaces *s, int *to, unsigned room)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->present_count; i++) {
		if (!s->present[i].wanted)
			continue;
		if (n < room)
			to[n] = s->present[i].index;
		n++;
	}
	return n;
}

void interfaces_list(const struct interfaces *s, char *to, size_t room)
{
	size_t at = 0;

	to[0] = 0;
	for (unsigned i = 0; i < s->present_count && at < room; i++)
		at += (size_t)snprintf(
			to + at, room - at, "%s%s", i ? ", " : "",
			s->present[i].number < s->name_count ? s->names[s->present[i].number] : "");
}

/* The lock is held. A frame may be here before its interface was told of. */
static uint16_t look_up(struct interfaces *s, int index)
{
	char name[IF_NAMESIZE];

	for (unsigned i = 0; i < s->present_count; i++)
		if (s->present[i].index == index)
			return s->present[i].wanted ? s->present[i].number : INTERFACE_NONE;
	if (!if_indextoname((unsigned)index, name) || !wants(s, name))
		return s->any ? number_of(s, "") : INTERFACE_NONE;
	return number_of(s, name);
}

uint16_t interfaces_number(struct interfaces *s, struct interface_cache *cache, int index)
{
	uint32_t generation = __atomic_load_n(&s->generation, __ATOMIC_ACQUIRE);
	unsigned slot = (unsigned)index % INTERFACE_CACHE;

	if (cache->generation != generation) {
		memset(cache, 0, sizeof(*cache));
		cache->generation = generation;
	}
	if (cache->at[slot].index != index) { /* 0 is no index */
		pthread_mutex_lock(&s->lock);
		cache->at[slot].number = look_up(s, index);
		pthread_mutex_unlock(&s->lock);
		cache->at[slot].index = index;
	}
	return cache->at[slot].number;
}

uint16_t interfaces_number_of_name(struct interfaces *s, const char *name)
{
	uint16_t number;

	pthread_mutex_lock(&s->lock);
	number = number_of(s, name);
	pthread_mutex_unlock(&s->lock);
	return number;
}

const char *interfaces_name(struct interfaces *s, uint16_t number)
{
	const char *name;

	pthread_mutex_lock(&s->lock);
	name = number < s->name_count ? s->names[number] : "";
	pthread_mutex_unlock(&s->lock);
	return name;
}

/* --- watching --- */

int interfaces_watch_open(void)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0)
		return -1;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* What the messages say is looked up anew: some of them may be lost (ENOBUFS), and that is no matter. */
void interfaces_watch_drain(int fd)
{
	char message[8192];

	for (;;) {
		ssize_t n = recv(fd, message, sizeof(message), MSG_DONTWAIT);

		if (n < 0 && errno != EINTR && errno != ENOBUFS)
			return;
		if (n == 0)
			return;
	}
}
