#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Transformed captures of DNS over UDP (datagrams.py): those of pcaps/, and those of ../shared/pcaps when they are
# there.

. "$(dirname "$0")/programs.sh"

set -- "$srcdir"/pcaps/dns-*.pcap
[ ! -d "$shared" ] || set -- "$@" "$shared"/dns-udp/* "$shared"/mdns-llmnr/*
exec python3 "$srcdir/tests/transform/datagrams.py" "$surgery" "$WIRESPAN" "$SEEDS" "$@"
