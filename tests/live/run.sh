#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Live capture in network namespaces of its own: live.py has what a capture does, servers.py real servers. It takes
# root; elsewhere it is skipped, and says so.

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
for script in live servers; do
	python3 "$srcdir/tests/live/$script.py" || [ $? -eq 1 ] || echo "0 passed, 1 failed, 0 skipped"
done | awk '
	/^[0-9]+ passed, / { p += $1; f += $3; s += $5; next }
	{ print }
	END { print p + 0 " passed, " f + 0 " failed, " s + 0 " skipped"; exit f != 0 }'
