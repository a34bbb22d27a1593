#!/bin/sh
# Builds the BSON fuzzer and runs it for the given number of seconds (60). Fails if it finds anything.
set -eu
seconds=${1:-60}
out=.build/bson-fuzz
mkdir -p "$out/corpus"
includes=$(pkg-config --cflags-only-I libmongoc-1.0 | sed 's/-I/-Xcc -I/g')
# shellcheck disable=SC2046,SC2086 # the flags are meant to be split
swiftc -O -whole-module-optimization -sanitize=fuzzer,address -swift-version 6 -parse-as-library \
    -package-name streambridge -module-name BSONFuzz \
    -I Sources/CMongo $includes \
    Sources/Mongo/BSON/*.swift Tests/BridgeTests/BSON/JSONText.swift Fuzz/BSONFuzz/BSONFuzz.swift \
    $(pkg-config --libs libmongoc-1.0) -o "$out/bson-fuzz"
exec "$out/bson-fuzz" -max_total_time="$seconds" -max_len=1024 -artifact_prefix="$out/" -print_final_stats=1 "$out/corpus"
