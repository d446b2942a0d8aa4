/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An AF_PACKET socket with a TPACKET_V3 ring.
 * spec: Linux Documentation/networking/packet_mmap.rst
 *
 * The kernel fills blocks and hands each over when it is full, or RETIRE_MS after its first frame. We walk a
 * block and give it back when the next one is asked for. A VLAN tag that the kernel took off is put back
 * into the four bytes that are kept free in front of every frame.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/live_impl.h"
#include "core/time.h"
#include "core/view.h"

enum {
	RETIRE_MS = 10,
	/* Many blocks bridge a pause of the reader when there is little traffic, which retires each of them
	 * nearly empty; large ones cost fewer wakeups when there is much. */
	BLOCK_MAX = 512 << 10,
	BLOCK_MIN = 128 << 10, /* a super-segment of 64 KiB fits */
	BLOCKS_GOOD = 16,
	FRAME_STEP = 2048, /* no meaning for TPACKET_V3, but checked */
	TAG_SIZE = 4,
	MACS_SIZE = 12,
};

enum { LINKTYPE_ETHERNET = 1, LINKTYPE_RAW = 101, LINKTYPE_UNKNOWN = UINT16_MAX };

static struct ring *of(struct source *s)
{
	return (struct ring *)s;
}

static struct tpacket_block_desc *block_at(const struct ring *r, unsigned i)
{
	return (struct tpacket_block_desc *)(r->map + i * r->block_size);
}

static void give_back(struct ring *r)
{
	unsigned i = (r->next ? r->next : r->block_count) - 1;

	if (r->holds)
		__atomic_store_n(&block_at(r, i)->hdr.bh1.block_status, TP_STATUS_KERNEL,
				 __ATOMIC_RELEASE);
	r->holds = false;
}

static int ring_fill(struct source *s, struct block *b, bool may_wait)
{
	struct ring *r = of(s);
	struct tpacket_block_desc *block = block_at(r, r->next);

	(void)b;
	(void)may_wait;
	give_back(r);
	if (!(__atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
		return ERR_AGAIN;
	r->at = (const uint8_t *)block + block->hdr.bh1.offset_to_first_pkt;
	r->left = block->hdr.bh1.num_pkts;
	r->holds = true;
	r->next = r->next + 1 == r->block_count ? 0 : r->next + 1;
	return 0;
}

/* The tag goes back behind the MAC addresses. */
static void insert_tag(struct frame *f, const struct tpacket3_hdr *h)
{
	uint8_t *data = (uint8_t *)(uintptr_t)f->data - TAG_SIZE;
	uint16_t tpid =
		h->tp_status & TP_STATUS_VLAN_TPID_VALID ? h->hv1.tp_vlan_tpid : ETH_P_8021Q;

	memmove(data, f->data, MACS_SIZE);
	data[MACS_SIZE] = (uint8_t)(tpid >> 8);
	data[MACS_SIZE + 1] = (uint8_t)tpid;
	data[MACS_SIZE + 2] = (uint8_t)(h->hv1.tp_vlan_tci >> 8);
	data[MACS_SIZE + 3] = (uint8_t)h->hv1.tp_vlan_tci;
	f->data = data;
	f->captured += TAG_SIZE;
	f->wire += TAG_SIZE;
}

/* Of a device that is not like Ethernet only what the kernel calls the network header is looked at. */
static void from_network(struct frame *f, const struct tpacket3_hdr *h, uint16_t protocol)
{
	uint32_t skip = h->tp_net > h->tp_mac ? h->tp_net - h->tp_mac : 0;

	f->link_type =
		protocol == ETH_P_IP || protocol == ETH_P_IPV6 ? LINKTYPE_RAW : LINKTYPE_UNKNOWN;
	skip = skip < f->captured ? skip : f->captured;
	f->data += skip;
	f->captured -= skip;
	f->wire -= skip;
}

/* False: nobody wants it. */
static bool take(struct ring *r, const struct tpacket3_hdr *h, struct frame *f)
{
	const struct sockaddr_ll *from =
		(const void *)((const uint8_t *)h + TPACKET_ALIGN(sizeof(*h)));

	f->interface = interfaces_number(r->interfaces, &r->cache, from->sll_ifindex);
	if (f->interface == INTERFACE_NONE ||
	    (from->sll_hatype == ARPHRD_LOOPBACK && from->sll_pkttype == PACKET_OUTGOING))
		return false;
	f->data = (const uint8_t *)h + h->tp_mac;
	f->ts_ns = h->tp_sec * NS_PER_S + h->tp_nsec;
	f->number = 0;
	f->captured = h->tp_snaplen;
	f->wire = h->tp_len > h->tp_snaplen ? h->tp_len : h->tp_snaplen;
	f->file = 0;
	f->filtered = false;
	if (from->sll_hatype != ARPHRD_ETHER && from->sll_hatype != ARPHRD_LOOPBACK) {
		from_network(f, h, load_be16((const uint8_t *)&from->sll_protocol));
		return true;
	}
	f->link_type = LINKTYPE_ETHERNET;
	f->filtered = __atomic_load_n(r->filtered, __ATOMIC_RELAXED);
	if (h->tp_status & TP_STATUS_VLAN_VALID && f->captured >= MACS_SIZE)
		insert_tag(f, h);
	return true;
}

static unsigned ring_frames(struct source *s, struct block *b, struct frame *to, unsigned max)
{
	struct ring *r = of(s);
	unsigned n = 0;

	(void)b;
	while (r->left && n < max) {
		const struct tpacket3_hdr *h = (const void *)r->at;

		r->at += h->tp_next_offset;
		r->left--;
		n += take(r, h, &to[n]);
	}
	return n;
}

static void ring_source_close(struct source *s)
{
	ring_close(of(s));
}

static const struct source_ops ring_ops = {ring_fill, ring_frames, ring_source_close};

static int set(struct ring *r, int option, const void *value, socklen_t size)
{
	return setsockopt(r->fd, SOL_PACKET, option, value, size);
}

static int map_ring(struct ring *r, uint64_t size)
{
	size_t block = BLOCK_MAX;

	while (block > BLOCK_MIN && size / block < BLOCKS_GOOD)
		block /= 2;
	r->block_size = block;
	r->block_count = size / block < 2 ? 2 : (unsigned)(size / block);
	r->map_size = r->block_size * r->block_count;

	struct tpacket_req3 request = {
		.tp_block_size = (unsigned)block,
		.tp_block_nr = r->block_count,
		.tp_frame_size = FRAME_STEP,
		.tp_frame_nr = (unsigned)(r->map_size / FRAME_STEP),
		.tp_retire_blk_tov = RETIRE_MS,
	};
	if (set(r, PACKET_RX_RING, &request, sizeof(request)) < 0)
		return errno == ENOMEM ? ERR_NOMEM : errno == EINVAL ? ERR_UNSUPPORTED : ERR_IO;
	r->map = mmap(NULL, r->map_size, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
	if (r->map == MAP_FAILED) {
		r->map = NULL;
		return ERR_NOMEM;
	}
	return 0;
}

int ring_open(struct ring *r, uint64_t size)
{
	int version = TPACKET_V3, reserve = TAG_SIZE;

	r->source.ops = &ring_ops;
	r->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (r->fd < 0)
		return errno == EPERM || errno == EACCES ? ERR_PERMISSION
		       : errno == EAFNOSUPPORT           ? ERR_UNSUPPORTED
							 : ERR_IO;
	if (set(r, PACKET_VERSION, &version, sizeof(version)) < 0)
		return ERR_UNSUPPORTED;
	if (set(r, PACKET_RESERVE, &reserve, sizeof(reserve)) < 0)
		return ERR_IO;
	return map_ring(r, size);
}

void ring_close(struct ring *r)
{
	if (r->map)
		munmap(r->map, r->map_size);
	if (r->fd >= 0)
		close(r->fd);
	r->map = NULL;
	r->fd = -1;
}

int ring_bind(struct ring *r, int interface)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_ifindex = interface,
		.sll_protocol = htons(ETH_P_ALL),
	};

	return bind(r->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? ERR_IO : 0;
}

int ring_filter(struct ring *r, const struct bpf_code *code)
{
	struct sock_fprog program = {(unsigned short)code->count,
				     (struct sock_filter *)(uintptr_t)code->insn};

	return setsockopt(r->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0
		       ? ERR_IO
		       : 0;
}

void ring_clear_error(struct ring *r)
{
	int error;
	socklen_t size = sizeof(error);

	(void)getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &error, &size);
}

void ring_promiscuous(struct ring *r, int interface)
{
	struct packet_mreq request = {.mr_ifindex = interface, .mr_type = PACKET_MR_PROMISC};

	(void)set(r, PACKET_ADD_MEMBERSHIP, &request, sizeof(request));
}

struct live_losses ring_losses(struct ring *r)
{
	struct tpacket_stats_v3 stats;
	socklen_t size = sizeof(stats);

	if (getsockopt(r->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) < 0)
		return (struct live_losses){0};
	return (struct live_losses){stats.tp_drops, stats.tp_freeze_q_cnt};
}
