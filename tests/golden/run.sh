#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Every capture with an expected output gives exactly these bytes, whatever the number of workers.
# tools/bless writes the expected files. GOLDEN=http: only http and http-*.

set -u
: "${srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${WIRESPAN:=$srcdir/wirespan}"
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT

passed=0 failed=0
# shellcheck disable=SC2086 # GOLDEN is a pattern
for expected in "$srcdir"/tests/golden/${GOLDEN:-*}.json ${GOLDEN:+"$srcdir"/tests/golden/$GOLDEN-*.json}; do
	[ -f "$expected" ] || continue
	name=$(basename "$expected" .json)
	capture=$srcdir/pcaps/$name.pcap
	[ -f "$capture" ] || capture=$srcdir/tests/golden/$name.pcap
	for workers in 1 2 3 4 8; do
		"$WIRESPAN" log -r "$capture" --format json --workers $workers \
			>"$out/got" 2>"$out/errors"
		status=$?
		if [ $status -eq 0 ] && cmp -s "$out/got" "$expected"; then
			passed=$((passed + 1))
			continue
		fi
		failed=$((failed + 1))
		echo "FAIL: $name with $workers workers, exit status $status"
		diff -u "$expected" "$out/got" | head -20
		grep -v '^ ' "$out/errors" | head -20
	done
done
echo "$passed passed, $failed failed, 0 skipped"
[ $((passed + failed)) -gt 0 ] || {
	echo "no capture has an expected output: see tools/bless"
	exit 77
}
[ $failed -eq 0 ]
