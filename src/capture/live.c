/* SPDX-License-Identifier: Apache-2.0 */
/* See live.h: the sockets of all workers, and the interfaces they are for. */
#include <errno.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/live_impl.h"

enum {
	/* With more interfaces the filter in the kernel would be longer than it may, with room for the
	 * user's: then all go through, and are picked out here. */
	INTERFACES_FILTERED_MAX = 1000,
};

struct live {
	struct live_options options;
	struct interfaces *interfaces;
	struct filter *filter;  /* NULL: everything */
	struct pcap_live *pcap; /* NULL: AF_PACKET */
	struct ring *rings;
	unsigned ring_count;
	int bound;     /* the kernel's index of the one interface; 0: the sockets are on all */
	bool is_bound; /* they are on one */
	bool filtered; /* Ethernet frames went through the user's filter in the kernel */
	bool stopped;
	const char *missing; /* a named interface that is not there now */
	int watch_fd;
	uint16_t fanout_id;
	struct bpf_code code;
	struct filter_insn program[BPF_PROGRAM_MAX / 2];
};

static int fail(char *detail, int err, const char *what)
{
	snprintf(detail, LIVE_DETAIL_SIZE, "%s: %s", what, strerror(errno));
	return err;
}

void live_say_permission(char detail[static LIVE_DETAIL_SIZE])
{
	char program[256];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);

	program[n > 0 ? n : 0] = 0;
	snprintf(detail, LIVE_DETAIL_SIZE,
		 "capturing needs the capability CAP_NET_RAW: run it with sudo, or grant it once: "
		 "sudo setcap cap_net_raw=ep %s",
		 *program ? program : "$(command -v wirespan)");
}

/* --- filters --- */

static int attach(struct live *l)
{
	for (unsigned i = 0; i < l->ring_count; i++) {
		int err = ring_filter(&l->rings[i], &l->code);

		if (err)
			return err;
	}
	return 0;
}

static int attach_nothing(struct live *l)
{
	bpf_code_init(&l->code);
	bpf_emit(&l->code, BPF_RET | BPF_K, 0);
	return attach(l);
}

/* Lets the wanted interfaces through, and of them what the user's filter wants. */
static int attach_wanted(struct live *l)
{
	int index[INTERFACES_FILTERED_MAX];
	unsigned count = interfaces_wanted(l->interfaces, index, INTERFACES_FILTERED_MAX);
	struct bpf_wanted wanted = {
		.interfaces = index,
		.interface_count = count,
		.snaplen = l->options.snaplen ? l->options.snaplen : SOURCE_FRAME_MAX,
		.filter = l->program,
	};

	if (l->is_bound || interfaces_any(l->interfaces) || count > INTERFACES_FILTERED_MAX)
		wanted.interfaces = NULL;
	if (l->filter)
		wanted.filter_count = filter_program(l->filter, l->program, BPF_PROGRAM_MAX / 2);
	if (!wanted.filter_count)
		wanted.filter = NULL;
	int err = bpf_wanted(&l->code, &wanted);

	if (err)
		return err;
	__atomic_store_n(&l->filtered, wanted.filter != NULL, __ATOMIC_RELAXED);
	return attach(l);
}

/* --- opening --- */

/* Makes one group of the sockets; they are bound, and let nothing through yet. */
static int join(struct live *l)
{
	int fanout = (PACKET_FANOUT_CBPF | PACKET_FANOUT_FLAG_UNIQUEID) << 16;
	struct sock_fprog program;

	for (unsigned i = 0; i < l->ring_count; i++) {
		socklen_t size = sizeof(fanout);

		if (setsockopt(l->rings[i].fd, SOL_PACKET, PACKET_FANOUT, &fanout, size) < 0)
			return ERR_IO;
		if (i == 0 &&
		    getsockopt(l->rings[0].fd, SOL_PACKET, PACKET_FANOUT, &fanout, &size) < 0)
			return ERR_IO;
		fanout = (fanout & UINT16_MAX) | PACKET_FANOUT_CBPF << 16;
	}
	int err = bpf_fanout(&l->code, &l->options.spread);

	if (err)
		return err;
	program = (struct sock_fprog){(unsigned short)l->code.count, l->code.insn};
	return setsockopt(l->rings[0].fd, SOL_PACKET, PACKET_FANOUT_DATA, &program,
			  sizeof(program)) < 0
		       ? ERR_IO
		       : 0;
}

static void join_promiscuous(struct live *l)
{
	int index[INTERFACES_FILTERED_MAX];
	unsigned count = interfaces_wanted(l->interfaces, index, INTERFACES_FILTERED_MAX);

	for (unsigned i = 0; l->options.promiscuous && i < count && i < INTERFACES_FILTERED_MAX;
	     i++)
		ring_promiscuous(&l->rings[0], index[i]);
}

/* The rings' memory is the kernel's: of a size that cannot be had, half is tried. */
static int open_rings(struct live *l, char *detail)
{
	for (unsigned i = 0; i < l->options.workers; i++) {
		struct ring *r = &l->rings[l->ring_count++];
		int err;

		r->fd = -1;
		r->interfaces = l->interfaces;
		r->filtered = &l->filtered;
		err = ring_open(r, l->options.ring / l->options.workers);
		if (err == ERR_PERMISSION)
			live_say_permission(detail);
		else if (err == ERR_NOMEM)
			snprintf(detail, LIVE_DETAIL_SIZE,
				 "no memory for a ring of %llu MiB; try a smaller --ring",
				 (unsigned long long)(l->options.ring >> 20));
		else if (err)
			fail(detail, err, "AF_PACKET");
		if (err)
			return err;
	}
	return 0;
}

static int open_afpacket(struct live *l, char *detail)
{
	int err;

	l->rings = calloc(l->options.workers, sizeof(*l->rings));
	if (!l->rings)
		return ERR_NOMEM;
	l->is_bound = interfaces_single(l->interfaces) && l->options.workers == 1;
	err = open_rings(l, detail);
	if (err)
		return err;
	if (l->is_bound)
		interfaces_wanted(l->interfaces, &l->bound, 1);
	err = attach_nothing(l);
	for (unsigned i = 0; !err && i < l->ring_count; i++)
		err = ring_bind(&l->rings[i], l->bound);
	if (!err && l->ring_count > 1)
		err = join(l);
	if (err)
		return fail(detail, err, "AF_PACKET");
	join_promiscuous(l);
	err = attach_wanted(l);
	return err ? fail(detail, err, "the filter") : 0;
}

static void close_rings(struct live *l)
{
	for (unsigned i = 0; i < l->ring_count; i++)
		ring_close(&l->rings[i]);
	free(l->rings);
	l->rings = NULL;
	l->ring_count = 0;
}

/* libpcap is for kernels that know no TPACKET_V3: any other error of it would be libpcap's, too. */
static int open_sockets(struct live *l, char *detail)
{
	int err = ERR_UNSUPPORTED;

	if (l->options.mode != CAPTURE_PCAP)
		err = open_afpacket(l, detail);
	if (err != ERR_UNSUPPORTED || l->options.mode == CAPTURE_AFPACKET)
		return err;
	close_rings(l);
	return pcap_live_open(&l->options, l->interfaces, &l->pcap, detail);
}

static int open_interfaces(struct live *l, char *detail)
{
	char there[256];
	const char *missing;
	int err = interfaces_new(l->options.interfaces, &l->interfaces);

	if (err == ERR_INVALID)
		snprintf(detail, LIVE_DETAIL_SIZE,
			 "-i takes names or patterns of 1 to %d interfaces, by commas",
			 INTERFACE_PATTERNS_MAX);
	if (err)
		return err;
	/* Watched before it is looked, so that no change is missed. */
	l->watch_fd = interfaces_watch_open();
	interfaces_scan(l->interfaces);
	missing = interfaces_missing(l->interfaces);
	if (!missing)
		return 0;
	interfaces_list(l->interfaces, there, sizeof(there));
	snprintf(detail, LIVE_DETAIL_SIZE, "there is no interface %s; there are %s (or: any)",
		 missing, there);
	return ERR_INVALID;
}

int live_open(const struct live_options *options, struct live **ret_live,
	      char detail[static LIVE_DETAIL_SIZE])
{
	struct live *l = calloc(1, sizeof(*l));
	int err = l ? 0 : ERR_NOMEM;

	detail[0] = 0;
	if (l) {
		l->options = *options;
		l->watch_fd = -1;
		err = open_interfaces(l, detail);
	}
	if (!err && options->filter)
		err = filter_new(options->filter, detail, &l->filter);
	if (!err)
		err = open_sockets(l, detail);
	if (err) {
		if (!detail[0])
			snprintf(detail, LIVE_DETAIL_SIZE, "%s", err_text(err));
		live_close(l);
		return err;
	}
	*ret_live = l;
	return 0;
}

void live_close(struct live *l)
{
	if (!l)
		return;
	close_rings(l);
	pcap_live_close(l->pcap);
	filter_free(l->filter);
	interfaces_free(l->interfaces);
	if (l->watch_fd >= 0)
		close(l->watch_fd);
	free(l);
}

/* --- while it runs --- */

unsigned live_workers(const struct live *l)
{
	return l->pcap ? 1 : l->ring_count;
}

enum capture_mode live_mode(const struct live *l)
{
	return l->pcap ? CAPTURE_PCAP : CAPTURE_AFPACKET;
}

struct source *live_source(struct live *l, unsigned worker)
{
	return l->pcap ? pcap_live_source(l->pcap) : &l->rings[worker].source;
}

int live_fd(const struct live *l, unsigned worker)
{
	return l->pcap ? pcap_live_fd(l->pcap) : l->rings[worker].fd;
}

void live_clear_error(struct live *l, unsigned worker)
{
	if (!l->pcap)
		ring_clear_error(&l->rings[worker]);
}

struct live_losses live_losses(struct live *l, unsigned worker)
{
	return l->pcap ? pcap_live_losses(l->pcap) : ring_losses(&l->rings[worker]);
}

void live_stop(struct live *l)
{
	l->stopped = true;
	if (!l->pcap)
		(void)attach_nothing(l);
}

int live_watch_fd(const struct live *l)
{
	return l->pcap ? -1 : l->watch_fd;
}

/* A named interface went, or is there again. */
static void tell(struct live *l, char *note)
{
	const char *missing = interfaces_missing(l->interfaces);

	if (missing && !l->missing)
		snprintf(note, LIVE_DETAIL_SIZE, "%s is gone; waiting for it", missing);
	else if (!missing && l->missing)
		snprintf(note, LIVE_DETAIL_SIZE, "%s is back", l->missing);
	l->missing = missing;
}

void live_watch(struct live *l, char note[static LIVE_DETAIL_SIZE])
{
	int index = 0, err = 0;

	note[0] = 0;
	interfaces_watch_drain(l->watch_fd);
	if (!interfaces_scan(l->interfaces) || l->stopped)
		return;
	tell(l, note);
	if (!l->is_bound && !interfaces_any(l->interfaces)) {
		err = attach_wanted(l);
	} else if (l->is_bound && interfaces_wanted(l->interfaces, &index, 1) &&
		   index != l->bound) {
		err = ring_bind(&l->rings[0], index);
		l->bound = index;
	}
	if (err)
		snprintf(note, LIVE_DETAIL_SIZE, "cannot follow the interfaces: %s",
			 strerror(errno));
	join_promiscuous(l);
}

const char *live_interface_name(struct live *l, uint16_t interface)
{
	return interfaces_name(l->interfaces, interface);
}
