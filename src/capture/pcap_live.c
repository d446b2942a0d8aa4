/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live capture by libpcap, for what AF_PACKET cannot do here: one handle per interface, all read by one worker.
 * Frames are copied into the caller's block, each behind its struct frame, since libpcap takes its buffer
 * back between two reads. Interfaces are those at the start.
 */
#include <errno.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "capture/live_impl.h"
#include "core/time.h"

enum { HANDLES_MAX = 64, TIMEOUT_MS = 10, BATCH = 256 };

struct handle {
	pcap_t *pcap;
	uint16_t interface, link_type;
	uint32_t ns;    /* per unit of the fraction of a second */
	uint32_t drops; /* as told so far */
};

struct pcap_live {
	struct source source;
	struct handle handle[HANDLES_MAX];
	unsigned count;
	unsigned turn; /* handle to be read next */
	bool filtered;
	int epoll;
};

static struct pcap_live *of(struct source *s)
{
	return (struct pcap_live *)s;
}

/* Where a frame goes while one handle is read. */
struct filling {
	struct pcap_live *live;
	struct handle *handle;
	struct block *block;
};

static size_t align(size_t size)
{
	return (size + 15) & ~(size_t)15;
}

static void on_frame(u_char *data, const struct pcap_pkthdr *h, const u_char *bytes)
{
	struct filling *f = (struct filling *)data;
	struct block *b = f->block;
	uint32_t captured = h->caplen < SOURCE_FRAME_MAX ? h->caplen : SOURCE_FRAME_MAX;
	size_t size = align(sizeof(struct frame)) + align(captured);
	struct frame frame = {
		.data = b->data + b->size + align(sizeof(frame)),
		.ts_ns =
			(uint64_t)h->ts.tv_sec * NS_PER_S + (uint64_t)h->ts.tv_usec * f->handle->ns,
		.captured = captured,
		.wire = h->len > captured ? h->len : captured,
		.link_type = f->handle->link_type,
		.interface = f->handle->interface,
		.filtered = f->live->filtered,
	};

	memcpy(b->data + b->size, &frame, sizeof(frame));
	memcpy(b->data + b->size + align(sizeof(frame)), bytes, captured);
	b->size += size;
	if (b->room - b->size < align(sizeof(frame)) + SOURCE_FRAME_MAX)
		pcap_breakloop(f->handle->pcap);
}

static int pcap_live_fill(struct source *s, struct block *b, bool may_wait)
{
	struct pcap_live *p = of(s);
	unsigned failed = 0;

	(void)may_wait;
	b->size = b->at = 0;
	for (unsigned i = 0; i < p->count && !b->size; i++) {
		struct filling f = {p, &p->handle[p->turn], b};
		int n = pcap_dispatch(f.handle->pcap, BATCH, on_frame, (u_char *)&f);

		failed += n == PCAP_ERROR || n == PCAP_ERROR_IFACE_NOT_UP;
		p->turn = p->turn + 1 == p->count ? 0 : p->turn + 1;
	}
	if (b->size)
		return 0;
	return failed == p->count ? ERR_EOF : ERR_AGAIN;
}

static unsigned pcap_live_frames(struct source *s, struct block *b, struct frame *to, unsigned max)
{
	unsigned n = 0;

	(void)s;
	for (; n < max && b->at < b->size; n++) {
		memcpy(&to[n], b->data + b->at, sizeof(to[n]));
		b->at += align(sizeof(to[n])) + align(to[n].captured);
	}
	return n;
}

static void pcap_live_source_close(struct source *s)
{
	(void)s; /* by pcap_live_close() */
}

static const struct source_ops pcap_ops = {pcap_live_fill, pcap_live_frames,
					   pcap_live_source_close};

/* Which interfaces: names as given, patterns as far as they match something now. */
static int open_handle(struct pcap_live *p, const struct live_options *o,
		       struct interfaces *interfaces, const char *name, char *detail)
{
	struct handle *h = &p->handle[p->count];
	char error[PCAP_ERRBUF_SIZE] = "";
	struct epoll_event event = {.events = EPOLLIN};
	int status;

	if (p->count == HANDLES_MAX) {
		snprintf(detail, LIVE_DETAIL_SIZE, "libpcap: more than %d interfaces", HANDLES_MAX);
		return ERR_LIMIT;
	}
	h->pcap = pcap_create(name, error);
	if (!h->pcap) {
		snprintf(detail, LIVE_DETAIL_SIZE, "libpcap: %s: %s", name, error);
		return ERR_IO;
	}
	p->count++;
	pcap_set_snaplen(h->pcap, (int)(o->snaplen ? o->snaplen : SOURCE_FRAME_MAX));
	pcap_set_promisc(h->pcap, o->promiscuous);
	pcap_set_timeout(h->pcap, TIMEOUT_MS);
	pcap_set_buffer_size(h->pcap, o->ring < INT32_MAX ? (int)o->ring : INT32_MAX);
	pcap_set_tstamp_precision(h->pcap, PCAP_TSTAMP_PRECISION_NANO);
	status = pcap_activate(h->pcap);
	if (status == PCAP_ERROR_PERM_DENIED) {
		live_say_permission(detail);
		return ERR_PERMISSION;
	}
	if (status < 0 || pcap_setnonblock(h->pcap, 1, error) < 0) {
		snprintf(detail, LIVE_DETAIL_SIZE, "libpcap: %s: %s", name,
			 status < 0 ? pcap_statustostr(status) : error);
		return ERR_IO;
	}
	h->interface = interfaces_number_of_name(interfaces, name);
	h->link_type = (uint16_t)pcap_datalink(h->pcap);
	h->ns = pcap_get_tstamp_precision(h->pcap) == PCAP_TSTAMP_PRECISION_NANO ? 1 : NS_PER_US;
	if (epoll_ctl(p->epoll, EPOLL_CTL_ADD, pcap_get_selectable_fd(h->pcap), &event) < 0)
		return ERR_IO;
	return 0;
}

static int set_filter(struct handle *h, const char *text, char *detail)
{
	struct bpf_program program;

	if (pcap_compile(h->pcap, &program, text, 1, PCAP_NETMASK_UNKNOWN) < 0) {
		snprintf(detail, LIVE_DETAIL_SIZE, "%s", pcap_geterr(h->pcap));
		return ERR_INVALID;
	}
	int status = pcap_setfilter(h->pcap, &program);

	pcap_freecode(&program);
	if (status < 0)
		snprintf(detail, LIVE_DETAIL_SIZE, "%s", pcap_geterr(h->pcap));
	return status < 0 ? ERR_IO : 0;
}

int pcap_live_open(const struct live_options *options, struct interfaces *interfaces,
		   struct pcap_live **ret_live, char detail[static LIVE_DETAIL_SIZE])
{
	struct pcap_live *p = calloc(1, sizeof(*p));
	int index[HANDLES_MAX], err = 0;
	unsigned count = interfaces_wanted(interfaces, index, HANDLES_MAX);
	char name[IF_NAMESIZE];

	if (!p)
		return ERR_NOMEM;
	p->source.ops = &pcap_ops;
	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (p->epoll < 0)
		err = ERR_IO;
	if (!err && interfaces_any(interfaces))
		err = open_handle(p, options, interfaces, "any", detail);
	else if (!err && count == 0) {
		snprintf(detail, LIVE_DETAIL_SIZE, "no interface is like %s", options->interfaces);
		err = ERR_INVALID;
	} else {
		for (unsigned i = 0; !err && i < count; i++)
			if (i >= HANDLES_MAX || if_indextoname((unsigned)index[i], name))
				err = open_handle(p, options, interfaces, name, detail);
	}
	for (unsigned i = 0; !err && options->filter && i < p->count; i++)
		err = set_filter(&p->handle[i], options->filter, detail);
	if (err) {
		pcap_live_close(p);
		return err;
	}
	p->filtered = options->filter != NULL;
	*ret_live = p;
	return 0;
}

void pcap_live_close(struct pcap_live *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < p->count; i++)
		pcap_close(p->handle[i].pcap);
	if (p->epoll >= 0)
		close(p->epoll);
	free(p);
}

struct source *pcap_live_source(struct pcap_live *p)
{
	return &p->source;
}

int pcap_live_fd(const struct pcap_live *p)
{
	return p->epoll;
}

struct live_losses pcap_live_losses(struct pcap_live *p)
{
	struct live_losses all = {0};

	for (unsigned i = 0; i < p->count; i++) {
		struct handle *h = &p->handle[i];
		struct pcap_stat stat;

		if (pcap_stats(h->pcap, &stat) < 0)
			continue;
		/* 32 bits that count on and may wrap */
		all.drops += stat.ps_drop - h->drops;
		h->drops = stat.ps_drop;
	}
	return all;
}
