#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Compares src/packet with TShark, frame by frame, on every capture of ../shared/pcaps (or of the
# directory given): innermost addresses, ports, payload length and sequence number, and which frames are
# fragments or no IP at all. TShark is told to decode nothing above the transports, so that its guesses at
# applications do not matter. Captures where we differ on purpose are named in packet.expected, with the
# reason and the number of lines that differ. Exit 77: nothing to compare with.

here=$(dirname "$0")
srcdir=${srcdir:-$here/../..}
dump=${builddir:-.}/tests/tools/dump-packets
pcaps=${1:-$srcdir/../shared/pcaps}
expected=$here/packet.expected

if ! command -v tshark >/dev/null; then
	echo "SKIPPED: tshark is not installed"
	exit 77
fi
if ! test -d "$pcaps"; then
	echo "SKIPPED: no captures at $pcaps"
	exit 77
fi
if ! test -x "$dump"; then
	echo "SKIPPED: $dump is not built (make check builds it)"
	exit 77
fi

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# A private profile in which everything but these is disabled.
keep="frame data eth ethertype ip ipv6 tcp udp icmp icmpv6 vlan ieee8021ad ieee8021ah mpls pwethheuristic
pwethcw pwethnocw pwmcw pppoe pppoed pppoes ppp pppmux gre erspan vxlan geneve gtp sll null raw ipoib llc ah
esp hip mipv6 shim6 chdlc arp _ws.malformed _ws.short ipv6.dstopts ipv6.fraghdr ipv6.hopopts ipv6.routing
ipv6.routing.type.rt0 ipv6.routing.type.srh ipv6.routing.type.mipv6 ipv6.routing.type.crh"
WIRESHARK_CONFIG_DIR=$work/config
export WIRESHARK_CONFIG_DIR
mkdir "$work/config"
tshark -G protocols 2>/dev/null | awk -F '\t' -v keep="$(echo $keep)" \
	'BEGIN { n = split(keep, k, " "); for (i = 1; i <= n; i++) kept[k[i]] = 1 } !($3 in kept) { print $3 }' \
	>"$work/config/disabled_protos"

tshark_lines() {
	tshark -n -r "$1" -o ip.defragment:TRUE -o ipv6.defragment:TRUE \
		-o tcp.desegment_tcp_streams:FALSE -T fields -E separator=/t -E occurrence=l \
		-e frame.number -e frame.protocols -e ip.src -e ip.dst -e ipv6.src -e ipv6.dst \
		-e tcp.srcport -e tcp.dstport -e tcp.len -e tcp.seq_raw -e udp.srcport -e udp.dstport \
		-e udp.length -e icmp.type -e icmpv6.type -e ip.flags.mf -e ip.frag_offset \
		-e ipv6.fraghdr.more -e ipv6.fraghdr.offset -e _ws.malformed -e _ws.short 2>"$work/err" |
		awk -F '\t' -f "$here/packet.awk"
}

files=0 bad=0
for f in "$pcaps"/*/*.pcap "$pcaps"/*/*.pcapng "$pcaps"/*/*.cap; do
	test -f "$f" || continue
	name=$(basename "$(dirname "$f")")/$(basename "$f")
	"$dump" "$f" >"$work/ours" 2>"$work/dump-err" || true
	tshark_lines "$f" >"$work/theirs"
	diff "$work/theirs" "$work/ours" >"$work/diff"
	lines=$(grep -c '^[<>]' "$work/diff")
	want=$(awk -v f="$name" '$1 == f { print $2 }' "$expected")
	files=$((files + 1))
	if test "$lines" -ne "${want:-0}"; then
		bad=$((bad + 1))
		echo "$name: $lines lines differ, ${want:-0} are expected"
		head -n "${SHOW:-10}" "$work/diff"
		head -n 3 "$work/dump-err"
	fi
done
echo "$files captures compared, $bad differ"
test "$bad" -eq 0
