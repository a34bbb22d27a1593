#!/bin/sh
# Builds the fuzzer of the bridge's own topics and runs it for the given number of seconds (60). Fails if it finds anything.
set -eu
seconds=${1:-60}
out=.build/own-topics-fuzz
mkdir -p "$out/corpus"
includes=$(pkg-config --cflags-only-I libmongoc-1.0 | sed 's/-I/-Xcc -I/g')
flags="-O -whole-module-optimization -sanitize=fuzzer,address -swift-version 6 -parse-as-library -package-name streambridge"
bridge=Sources/StreamBridge
# The sources import the module, so this one is compiled for itself.
# shellcheck disable=SC2046,SC2086 # the flags are meant to be split
swiftc $flags -module-name Mongo -emit-module -emit-module-path "$out/Mongo.swiftmodule" -c -o "$out/mongo.o" \
    -I Sources/CMongo $includes Sources/Mongo/BSON/*.swift Sources/Mongo/ResumeToken.swift
# shellcheck disable=SC2046,SC2086
swiftc $flags -module-name OwnTopicsFuzz -I "$out" -I Sources/CMongo $includes \
    $bridge/Positions/StoredPosition.swift $bridge/Positions/StreamPosition.swift $bridge/Positions/PositionEdit.swift \
    $bridge/Positions/BSONValue+Counts.swift $bridge/Source/TransactionPlace.swift $bridge/Source/OplogWindow.swift \
    $bridge/Operations/Replay/TopicCopyRecord.swift $bridge/Operations/Replay/ReplayState.swift $bridge/Runtime/WallClock.swift \
    Fuzz/OwnTopicsFuzz/OwnTopicsFuzz.swift "$out/mongo.o" $(pkg-config --libs libmongoc-1.0) -lm -o "$out/own-topics-fuzz"
exec "$out/own-topics-fuzz" -max_total_time="$seconds" -max_len=2048 -dict=Fuzz/OwnTopicsFuzz/words.txt -artifact_prefix="$out/" \
    -print_final_stats=1 "$out/corpus" Fuzz/OwnTopicsFuzz/seeds
