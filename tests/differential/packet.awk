# SPDX-License-Identifier: Apache-2.0
# TShark's fields (see packet.sh) to the lines of dump-packets.
{
	n = split($2, layer, ":")
	ip = 0; arp = 0; icmp = 0; transport = ""
	for (i = 1; i <= n; i++) {
		if (layer[i] == "ip" || layer[i] == "ipv6") {
			ip = layer[i]; transport = ""
		} else if (layer[i] == "tcp" || layer[i] == "udp") {
			transport = layer[i]
		} else if (layer[i] == "icmp" || layer[i] == "icmpv6") {
			icmp = layer[i]; transport = "icmp"
		} else if (layer[i] == "arp") {
			arp = 1
		}
	}
	if ($20 != "" && !arp) {
		print $1, "malformed"
		next
	}
	if ($21 != "" && transport != "tcp") {
		print $1, "truncated"
		next
	}
	if (!ip || arp) {
		print $1, "not-ip"
		next
	}
	src = ip == "ip" ? $3 : $5
	dst = ip == "ip" ? $4 : $6
	quoted = icmp && transport != "icmp"
	if (quoted)
		print $1, "icmp", src, (transport == "tcp" ? $7 : $11) + 0, dst, \
			(transport == "tcp" ? $8 : $12) + 0
	else if (transport == "tcp")
		print $1, "tcp", src, $7, dst, $8, $9, $10
	else if (transport == "udp")
		print $1, "udp", src, $11, dst, $12, $13 - 8
	else if (transport == "" && ($16 == 1 || $17 > 0 || $18 == 1 || $19 > 0))
		print $1, "fragment"
	else
		print $1, "other", src, dst
}
