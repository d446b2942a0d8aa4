#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Records the captures of this directory: two network namespaces joined by one veth pair, real servers and
# clients, tcpdump in the server's. Needs root, nginx, redis, curl, ab, python3, nft. usage: make.sh OUTDIR [NAME...]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$(mkdir -p "$1" && cd "$1" && pwd)
shift
tmp=$(mktemp -d)
S=wsps$$ C=wspc$$

cleanup() {
	for pid in $(ip netns pids $S 2>/dev/null) $(ip netns pids $C 2>/dev/null); do
		kill "$pid" 2>/dev/null || true
	done
	ip netns del $S 2>/dev/null || true
	ip netns del $C 2>/dev/null || true
	rm -rf "$tmp"
}
trap cleanup EXIT

server() { ip netns exec $S "$@"; }
client() { ip netns exec $C timeout 20 "$@"; }

ip netns add $S
ip netns add $C
ip link add wsv$$ netns $S type veth peer name wsc$$ netns $C
ip -n $S link set wsv$$ name eth0
ip -n $C link set wsc$$ name eth0
ip -n $S addr add 10.77.0.2/24 dev eth0
ip -n $C addr add 10.77.0.1/24 dev eth0
ip -n $S addr add fd77::2/64 dev eth0 nodad
ip -n $C addr add fd77::1/64 dev eth0 nodad
for n in $S $C; do
	ip -n $n link set lo up
	ip -n $n link set eth0 up
	ip netns exec $n ethtool -K eth0 tso off gso off gro off tx off rx off sg off >/dev/null 2>&1 || true
done
ip -n $S link add vx0 type vxlan id 4242 dev eth0 remote 10.77.0.1 dstport 4789
ip -n $C link add vx0 type vxlan id 4242 dev eth0 remote 10.77.0.2 dstport 4789
ip -n $S addr add 10.78.0.2/24 dev vx0
ip -n $C addr add 10.78.0.1/24 dev vx0
ip -n $S link set vx0 up
ip -n $C link set vx0 up

mkdir "$tmp/www"
seq 1 40 >"$tmp/www/small.txt"
seq 1 1500 >"$tmp/www/large.txt"
echo 'made at <!--#echo var="request_uri" -->' >"$tmp/www/page.html"
cat >"$tmp/nginx.conf" <<CONF
pid $tmp/pid; error_log $tmp/error; daemon off; master_process off;
events { }
http {
	access_log off; keepalive_timeout 10s; types { text/html html; text/plain txt; }
	client_body_temp_path $tmp/b; proxy_temp_path $tmp/p; fastcgi_temp_path $tmp/f;
	uwsgi_temp_path $tmp/u; scgi_temp_path $tmp/s;
	server {
		listen 80; listen [::]:80; root $tmp/www; ssi on;
		location /form { return 200 "thank you\n"; }
		location /empty { return 204; }
		location /old { return 301 /small.txt; }
	}
}
CONF
server nginx -c "$tmp/nginx.conf" 2>/dev/null &
server python3 "$here/serve.py" 8080 &
server redis-server --port 6379 --save '' --appendonly no --protected-mode no --dir "$tmp" \
	--repl-diskless-sync-delay 0 --enable-debug-command yes >"$tmp/redis" &
for _ in $(seq 50); do
	client curl -s -o /dev/null http://10.77.0.2/empty &&
		client python3 -c 'import socket; socket.create_connection(("10.77.0.2", 8080))' 2>/dev/null && break
	sleep 0.1
done

wanted=" $* "
# record NAME FILTER SNAPLEN FUNCTION
record() {
	[ "$wanted" = "  " ] || [[ $wanted = *" $1 "* ]] || return 0
	server tcpdump -i eth0 -s "$3" -U -w "$tmp/$1.pcap" "$2" 2>"$tmp/tcpdump" &
	local dump=$!
	until grep -q 'listening on' "$tmp/tcpdump"; do sleep 0.05; done
	"$4" >/dev/null 2>&1 || true
	sleep 1
	kill -INT $(pgrep -P $dump || echo $dump)
	wait $dump || true
	cp "$tmp/$1.pcap" "$out/"
	printf '%-24s %s packets\n' "$1" "$(tcpdump -r "$out/$1.pcap" --count 2>/dev/null | cut -d' ' -f1)"
}

H=http://10.77.0.2
keepalive() {
	client curl -s $H/small.txt --next -s -d 'name=a&colour=blue' $H/form --next -s -I $H/large.txt \
		--next -s $H/missing --next -s $H/empty --next -s $H/page.html --next -s "$H/small.txt?page=2"
	client curl -s $H/large.txt --next -s -X DELETE $H/empty --next -s -d @"$tmp/www/large.txt" $H/form \
		--next -s -I $H/missing --next -s $H/page.html --next -s -r 10-19 $H/small.txt --next -s $H/old
	client curl -s -I $H/page.html --next -s $H/small.txt --next -s -X OPTIONS $H/form \
		--next -s $H/empty --next -s -d x $H/form --next -s $H/large.txt
}
pipelined() { client python3 "$here/talk.py" pipelined 10.77.0.2 80; }
closing() { client ab -q -n 12 -c 2 $H/small.txt; client python3 "$here/talk.py" close 10.77.0.2 8080; }
chunked() { client python3 "$here/talk.py" chunked 10.77.0.2 8080; }
continued() { client python3 "$here/talk.py" continue 10.77.0.2 8080; }
websocket() { client python3 "$here/talk.py" websocket 10.77.0.2 8080; }
connect() { client curl -s -p -x $H:8080 $H/small.txt --next -s -p -x $H:8080 http://10.77.0.9:1/; }
six() { client curl -s -g 'http://[fd77::2]/small.txt' --next -s -g -d a=b 'http://[fd77::2]/form'; }
tunnelled() { client curl -s http://10.78.0.2/large.txt --next -s -I http://10.78.0.2/small.txt; }
lossy() {
	server nft -f - <<NFT
table inet lossy {
	chain in { type filter hook input priority 0; tcp dport 80 numgen random mod 100 < 8 drop; }
	chain out { type filter hook output priority 0; tcp sport 80 numgen random mod 100 < 8 drop; }
}
NFT
	client ab -q -k -n 12 -c 3 $H/large.txt
	server nft delete table inet lossy
}
redis_types() { client python3 "$here/redis_talk.py" types 10.77.0.2 6379; }
redis_pipelined() { client python3 "$here/redis_talk.py" pipelined 10.77.0.2 6379; }
redis_transactions() { client python3 "$here/redis_talk.py" transactions 10.77.0.2 6379; }
redis_subscribed() { client python3 "$here/redis_talk.py" subscribed 10.77.0.2 6379; }
redis_resp3() { client python3 "$here/redis_talk.py" resp3 10.77.0.2 6379; }
redis_silent() { client python3 "$here/redis_talk.py" silent 10.77.0.2 6379; }
redis_secrets() { client python3 "$here/redis_talk.py" secrets 10.77.0.2 6379; }
redis_broken() { client python3 "$here/redis_talk.py" broken 10.77.0.2 6379; }
redis_replica() { client python3 "$here/redis_talk.py" replica 10.77.0.2 6379; }

T='tcp port 80 or tcp port 8080'
record http-keepalive "$T" 0 keepalive
record http-pipelined "$T" 0 pipelined
record http-close "$T" 0 closing
record http-chunked "$T" 0 chunked
record http-100-continue "$T" 0 continued
record http-websocket "$T" 0 websocket
record http-connect "$T" 0 connect
record http-ipv6 "ip6 and tcp" 0 six
record http-vxlan "udp port 4789" 0 tunnelled
record http-snaplen "$T" 160 keepalive
record http-retransmit "$T" 0 lossy
record redis-types 'tcp port 6379' 0 redis_types
record redis-pipelined 'tcp port 6379' 0 redis_pipelined
record redis-transactions 'tcp port 6379' 0 redis_transactions
record redis-subscribed 'tcp port 6379' 0 redis_subscribed
record redis-resp3 'tcp port 6379' 0 redis_resp3
record redis-silent 'tcp port 6379' 0 redis_silent
record redis-secrets 'tcp port 6379' 0 redis_secrets
record redis-broken 'tcp port 6379' 0 redis_broken
record redis-replica 'tcp port 6379' 0 redis_replica
