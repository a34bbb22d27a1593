#!/bin/sh
# Builds the BSON fuzzer and runs it for the given number of seconds (60). Fails if it finds anything.
set -eu
seconds=${1:-60}
out=.build/bson-fuzz
. Fuzz/modules.sh
# shellcheck disable=SC2086 # the flags are meant to be split
swiftc $flags -module-name BSONFuzz Tests/BridgeTests/BSON/JSONText.swift Fuzz/BSONFuzz/BSONFuzz.swift $libraries -lm -o "$out/bson-fuzz"
exec "$out/bson-fuzz" -max_total_time="$seconds" -max_len=1024 -artifact_prefix="$out/" -print_final_stats=1 "$out/corpus"
