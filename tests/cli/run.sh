#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The command line as a user meets it: exit statuses, words, formats, pipes. The captures are those of pcaps/.

set -u
: "${srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${WIRESPAN:=$srcdir/wirespan}"
[ -x "$WIRESPAN" ] || exit 77
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
close=$srcdir/pcaps/http-close.pcap
alive=$srcdir/pcaps/http-keepalive.pcap
passed=0 failed=0

# check NAME STATUS PATTERN COMMAND...: exit status, and an extended regular expression that some line
# of stdout or stderr matches ("" for none at all).
check() {
	name=$1 status=$2 pattern=$3
	shift 3
	"$@" >"$out/stdout" 2>"$out/stderr" </dev/null
	got=$?
	if [ $got -eq "$status" ] && cat "$out/stdout" "$out/stderr" | grep -Eq -- "$pattern"; then
		passed=$((passed + 1))
		return
	fi
	failed=$((failed + 1))
	echo "FAIL: $name: exit status $got, wanted $status and /$pattern/"
	head -5 "$out/stdout" "$out/stderr"
}

# A mistake is told in one line.
mistake() {
	check "$@"
	[ "$(wc -l <"$out/stderr")" -eq 1 ] && [ ! -s "$out/stdout" ] && return
	failed=$((failed + 1))
	echo "FAIL: $1: more than one line"
}

log() {
	"$WIRESPAN" log "$@"
}

head -c 5000 "$close" >"$out/cut.pcap"
head -c 24 "$close" >"$out/none.pcap"
: >"$out/empty.pcap"
echo "hello, world, this is no capture" >"$out/text.pcap"

check "no arguments" 2 "wirespan log -r FILE" "$WIRESPAN"
check "help" 0 "wirespan log -r FILE" "$WIRESPAN" --help
check "help of log" 0 "^Usage: wirespan log" "$WIRESPAN" log --help
check "help of log, other order" 0 "^Usage: wirespan log" "$WIRESPAN" help log
check "help of protocols" 0 "^Usage: wirespan protocols" "$WIRESPAN" protocols -h
check "help of version" 0 "^Usage: wirespan version" "$WIRESPAN" version --help
check "version" 0 "^wirespan [0-9]+\." "$WIRESPAN" version
check "protocols" 0 "request\.method +text" "$WIRESPAN" protocols
check "one protocol" 0 "response\.status_code +number" "$WIRESPAN" protocols http
check "schema" 0 "json-schema.org/draft/2020-12" log --schema

mistake "unknown command" 2 "did you mean wirespan log\?" "$WIRESPAN" lgo
mistake "unknown option" 2 "did you mean --status\?" log -r "$close" --stauts ok
mistake "unknown protocol" 2 "did you mean http\?" log -r "$close" --only htp
mistake "unknown field" 2 "did you mean request.path\?" log -r "$close" --where 'path ~ a'
mistake "bad expression" 2 "character 25" log -r "$close" --where 'response.status_code >= x'
mistake "bad filter" 2 "bad filter \"prot 80\"" log -r "$close" prot 80
mistake "no file" 2 "write -r FILE" log
mistake "file without -r" 2 "is a file; to read it write -r" log "$close"
mistake "missing file" 1 "$out/missing: cannot be read: No such file" log -r "$out/missing"
mistake "empty file" 1 "$out/empty.pcap: the file is empty" log -r "$out/empty.pcap"
mistake "text file" 1 "$out/text.pcap: not a capture file" log -r "$out/text.pcap"

check "no packets" 0 "^no packets$" log -r "$out/none.pcap"
check "cut file" 1 "$out/cut.pcap: the file is cut in the middle" log -r "$out/cut.pcap"
check "cut file, before the cut" 1 '"status":"ok"' log -r "$out/cut.pcap"
check "write error" 1 "No space left" sh -c "'$WIRESPAN' log -r '$close' >/dev/full"

check "json by default" 0 '^\{"time":"' log -r "$close"
check "summary" 0 "^[0-9]+ packets \(.*\), [0-9]+ flows" log -r "$close"
check "text" 0 " http +ok .* GET /small.txt => 200 OK " log -r "$close" --format text
check "summary as json" 0 '^\{"packets":152,.*"equations_broken":0\}' \
	log -r "$close" --format none --summary json
check "none prints no line" 0 "^0$" sh -c "'$WIRESPAN' log -r '$close' --format none 2>/dev/null | wc -l"
check "only none" 0 '"round_trips":\{\}' log -r "$close" --only none --summary json
check "verbose" 0 "^delivered +[0-9]+ = [0-9]+$" log -r "$close" -v
check "count" 0 "^2$" sh -c "'$WIRESPAN' log -r '$close' --count 2 2>/dev/null | wc -l"
check "where" 0 "^2$" \
	sh -c "'$WIRESPAN' log -r '$close' --where 'request.path = /until-close' 2>/dev/null | wc -l"
check "status" 0 "^0$" sh -c "'$WIRESPAN' log -r '$close' --status error 2>/dev/null | wc -l"
check "slower" 0 "^0$" sh -c "'$WIRESPAN' log -r '$close' --slower 1m 2>/dev/null | wc -l"
check "filter" 0 "^2$" sh -c "'$WIRESPAN' log -r '$close' port 8080 2>/dev/null | wc -l"
check "headers" 0 '"headers":\{"' log -r "$close" --headers
check "standard input" 0 "GET /small.txt" sh -c "'$WIRESPAN' log -r - --format text <'$close'"
check "pipe" 0 "GET /small.txt" sh -c "cat '$close' | '$WIRESPAN' log -r - --format text"
check "two files" 0 '"file":"[^"]*http-keepalive.pcap"' log -r "$close" -r "$alive"

stat() {
	"$WIRESPAN" stat "$@"
}
check "stat: help" 0 "^Usage: wirespan stat" stat --help
check "stat: schema" 0 "json-schema.org/draft/2020-12" stat --schema
check "stat: text" 0 "^  GET +14 +0 +0 " stat -r "$close" --format text
check "stat: json by default" 0 '^\{"report":"all","begin":"' stat -r "$close"
check "stat: intervals" 0 '^\{"report":"interval","begin":"[^"]*:44\.80' stat -r "$close" --interval 100ms
check "stat: standard input" 0 "^http +14 " sh -c "cat '$close' | '$WIRESPAN' stat -r - --format text"
check "stat: where" 0 "^http +2 " stat -r "$close" --format text --where 'request.path = /until-close'
check "stat: filter" 0 "^http +2 " stat -r "$close" --format text port 8080
check "stat: no packets" 0 "^no packets$" stat -r "$out/none.pcap" --format text --interval 1s
check "stat: cut file" 1 "$out/cut.pcap: the file is cut in the middle" stat -r "$out/cut.pcap"
check "stat: cut file, before the cut" 1 '"ok":' stat -r "$out/cut.pcap"
check "stat: write error" 1 "No space left" sh -c "'$WIRESPAN' stat -r '$close' >/dev/full"
mistake "stat: no file" 2 "write -r FILE" stat
mistake "stat: bad interval" 2 "such as 1s" stat -r "$close" --interval 1ms
mistake "stat: missing file" 1 "$out/missing: cannot be read: No such file" stat -r "$out/missing"

# A reader that goes away ends it quietly with 0.
i=0 files=
while [ $i -lt 40 ]; do
	files="$files -r $close" i=$((i + 1))
done
# shellcheck disable=SC2086
status=$({ "$WIRESPAN" log $files 2>"$out/stderr"; echo $? >"$out/status"; } | head -1 >/dev/null
	cat "$out/status")
if [ "$status" = 0 ]; then
	passed=$((passed + 1))
else
	failed=$((failed + 1))
	echo "FAIL: broken pipe: exit status $status"
fi

echo "$passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
