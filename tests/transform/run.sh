#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Transformed captures (transform.py): those of pcaps/, and the HTTP/1, Redis and DNS over TCP ones of ../shared/pcaps
# when they are there; datagrams.sh does the same for DNS over UDP.

. "$(dirname "$0")/programs.sh"

set -- "$srcdir"/pcaps/*.pcap
[ ! -d "$shared" ] || set -- "$@" "$shared"/http1/*.pcap "$shared"/http1/*.pcapng "$shared"/redis/* "$shared"/dns-tcp/*
exec python3 "$srcdir/tests/transform/transform.py" "$surgery" "$WIRESPAN" "$SEEDS" "$@"
