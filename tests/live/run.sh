#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Live capture in network namespaces of its own. It takes root; elsewhere it is skipped, and says so.

: "${srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${WIRESPAN:=$srcdir/wirespan}"
export srcdir WIRESPAN
for program in python3 ip; do
	command -v $program >/dev/null || {
		echo "SKIPPED: live capture: $program is missing"
		exit 77
	}
done
if [ "$(id -u)" -ne 0 ] || ! ip netns add wirespan-try 2>/dev/null; then
	echo "SKIPPED: live capture: it takes root and network namespaces"
	exit 77
fi
ip netns del wirespan-try
exec python3 "$srcdir/tests/live/live.py"
