#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Every fuzz target reads its corpus again, and the same few thousand changed copies of it each time.

set -u
: "${MUTATIONS:=2000}"
passed=0 failed=0 skipped=0
unpacked=$(mktemp -d) || exit 1
trap 'rm -rf "$unpacked"' EXIT
for target in ${FUZZ_TARGETS-}; do
	name=${target##*/fuzz-}
	packed=$srcdir/tests/fuzz/corpus/$name.txt corpus=$unpacked/$name
	if ! [ -f "$packed" ] || ! "$srcdir/tests/fuzz/corpus.sh" unpack "$packed" "$corpus"; then
		echo "$name: has no corpus"
		skipped=$((skipped + 1))
	elif "$builddir/$target" --mutate "$MUTATIONS" "$corpus"/*; then
		passed=$((passed + 1))
	else
		echo "FAIL: $name"
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $((passed + failed)) -gt 0 ] || exit 77
[ $failed -eq 0 ]
