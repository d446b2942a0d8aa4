#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The corpora of bytes that are no text are kept as text, tests/fuzz/corpus/NAME.txt: a line for each file, its name, a tab,
# and its bytes as printf escapes.
#
#   corpus.sh unpack NAME.txt DIRECTORY    writes the files
#   corpus.sh pack DIRECTORY > NAME.txt    the other way round, after a crash became a file

set -u
LC_ALL=C
export LC_ALL
tab=$(printf '\t')

case ${1-} in
unpack)
	mkdir -p "$3" || exit 1
	while IFS=$tab read -r name bytes; do
		printf '%b' "$bytes" >"$3/$name" || exit 1
	done <"$2"
	;;
pack)
	for file in "$2"/*; do
		printf '%s\t%s\n' "${file##*/}" "$(od -An -v -to1 "$file" | sed 's/ /\\0/g' | tr -d '\n')"
	done
	;;
*)
	echo "usage: corpus.sh unpack NAME.txt DIRECTORY | pack DIRECTORY" >&2
	exit 2
	;;
esac
