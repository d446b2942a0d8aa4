/* SPDX-License-Identifier: Apache-2.0 */
/* See devices.h. Asked by ioctl: /sys may show another network namespace. */
#include "capture/devices.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/live_impl.h"

static bool ask(int fd, const struct device *d, unsigned long what, struct ifreq *r)
{
	memcpy(r->ifr_name, d->name, sizeof(r->ifr_name));
	return ioctl(fd, what, r) == 0;
}

static const char *link_type_name(unsigned arphrd)
{
	enum { RAW_IP = 0xfffe };

	switch (arphrd) {
	case ARPHRD_ETHER:
		return "ethernet";
	case ARPHRD_LOOPBACK:
		return "loopback";
	case RAW_IP:
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT:
		return "ip";
	default:
		return "other";
	}
}

static void describe(int fd, struct device *d)
{
	struct ethtool_drvinfo driver = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq r = {0};

	d->state = "down";
	if (ask(fd, d, SIOCGIFFLAGS, &r) && r.ifr_flags & IFF_UP)
		d->state = r.ifr_flags & IFF_RUNNING ? "up" : "no carrier";
	d->link_type = "other";
	if (ask(fd, d, SIOCGIFHWADDR, &r))
		d->link_type = link_type_name(r.ifr_hwaddr.sa_family);
	if (ask(fd, d, SIOCGIFMTU, &r))
		d->mtu = (unsigned)r.ifr_mtu;
	r.ifr_data = (void *)&driver;
	if (ask(fd, d, SIOCETHTOOL, &r))
		snprintf(d->driver, sizeof(d->driver), "%.31s", driver.driver);
}

static unsigned prefix_of(const uint8_t *mask, unsigned size)
{
	unsigned bits = 0;

	while (bits < size * 8 && mask[bits / 8] & 0x80 >> bits % 8)
		bits++;
	return bits;
}

static void add_address(struct device *d, const struct ifaddrs *a)
{
	struct device_address *to = &d->address[d->address_count];

	if (d->address_count == DEVICE_ADDRESSES_MAX || !a->ifa_addr || !a->ifa_netmask)
		return;
	if (a->ifa_addr->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)a->ifa_addr;
		const struct sockaddr_in *mask = (const void *)a->ifa_netmask;

		to->address = address_v4((const uint8_t *)&in->sin_addr);
		to->prefix = prefix_of((const uint8_t *)&mask->sin_addr, 4);
		d->address_count++;
	} else if (a->ifa_addr->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in = (const void *)a->ifa_addr;
		const struct sockaddr_in6 *mask = (const void *)a->ifa_netmask;

		to->address = address_v6((const uint8_t *)&in->sin6_addr);
		to->prefix = prefix_of((const uint8_t *)&mask->sin6_addr, 16);
		d->address_count++;
	}
}

static void add_addresses(struct device *devices, unsigned count)
{
	struct ifaddrs *all;

	if (getifaddrs(&all) < 0)
		return;
	for (const struct ifaddrs *a = all; a; a = a->ifa_next)
		for (unsigned i = 0; i < count; i++)
			if (strcmp(devices[i].name, a->ifa_name) == 0)
				add_address(&devices[i], a);
	freeifaddrs(all);
}

int devices_list(struct device **ret_devices, unsigned *ret_count)
{
	struct if_nameindex *all = if_nameindex();
	struct device *devices;
	unsigned count = 0;
	int fd;

	if (!all)
		return ERR_IO;
	while (all[count].if_index)
		count++;
	devices = calloc(count + 1, sizeof(*devices));
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (!devices || fd < 0) {
		if_freenameindex(all);
		free(devices);
		return devices ? ERR_IO : ERR_NOMEM;
	}
	for (unsigned i = 0; i < count; i++) {
		snprintf(devices[i].name, sizeof(devices[i].name), "%.15s", all[i].if_name);
		devices[i].index = (int)all[i].if_index;
		describe(fd, &devices[i]);
	}
	close(fd);
	if_freenameindex(all);
	add_addresses(devices, count);
	*ret_devices = devices;
	*ret_count = count;
	return 0;
}

static bool afpacket_captures(const struct device *d, char *why)
{
	struct ring r = {.fd = -1};
	int err = ring_open(&r, LIVE_RING_MIN);

	if (!err)
		err = ring_bind(&r, d->index);
	if (err == ERR_PERMISSION)
		live_say_permission(why);
	else if (err)
		snprintf(why, LIVE_DETAIL_SIZE, "%s", strerror(errno));
	ring_close(&r);
	return !err;
}

static bool pcap_captures(const struct device *d, char *why)
{
	char error[PCAP_ERRBUF_SIZE] = "";
	pcap_t *p = pcap_create(d->name, error);
	int status;

	if (!p) {
		snprintf(why, LIVE_DETAIL_SIZE, "%s", error);
		return false;
	}
	status = pcap_activate(p);
	if (status == PCAP_ERROR_PERM_DENIED)
		live_say_permission(why);
	else if (status < 0)
		snprintf(why, LIVE_DETAIL_SIZE, "%s", pcap_statustostr(status));
	pcap_close(p);
	return status >= 0;
}

bool device_captures(const struct device *d, enum capture_mode mode,
		     char why[static LIVE_DETAIL_SIZE])
{
	why[0] = 0;
	return mode == CAPTURE_PCAP ? pcap_captures(d, why) : afpacket_captures(d, why);
}
