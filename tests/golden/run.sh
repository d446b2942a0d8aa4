#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Every capture with an expected output gives exactly these bytes, whatever the number of workers: NAME.json is
# that of log, NAME.stat that of stat. tools/bless writes the expected files. GOLDEN=http: only http and http-*.

set -u
: "${srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${WIRESPAN:=$srcdir/wirespan}"
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT

passed=0 failed=0

# same EXPECTED COMMAND OPTION...: on the capture of this name, with any number of workers.
same() {
	expected=$1 command=$2
	shift 2
	name=$(basename "$expected" | sed 's/\.[a-z]*$//')
	capture=$srcdir/pcaps/$name.pcap
	[ -f "$capture" ] || capture=$srcdir/tests/golden/$name.pcap
	for workers in 1 2 3 4 8; do
		"$WIRESPAN" "$command" -r "$capture" "$@" --workers $workers >"$out/got" 2>"$out/errors"
		status=$?
		if [ $status -eq 0 ] && cmp -s "$out/got" "$expected"; then
			passed=$((passed + 1))
			continue
		fi
		failed=$((failed + 1))
		echo "FAIL: $command of $name with $workers workers, exit status $status"
		diff -u "$expected" "$out/got" | head -20
		grep -v '^ ' "$out/errors" | head -20
	done
}

# each SUFFIX: the expected outputs that are wanted.
each() {
	for expected in "$srcdir"/tests/golden/${GOLDEN:-*}"$1" ${GOLDEN:+"$srcdir"/tests/golden/"$GOLDEN"-*"$1"}; do
		[ ! -f "$expected" ] || echo "$expected"
	done
}

for expected in $(each .json); do
	same "$expected" log --format json
done
for expected in $(each .stat); do
	same "$expected" stat --format text --interval 50ms
done
echo "$passed passed, $failed failed, 0 skipped"
[ $((passed + failed)) -gt 0 ] || {
	echo "no capture has an expected output: see tools/bless"
	exit 77
}
[ $failed -eq 0 ]
