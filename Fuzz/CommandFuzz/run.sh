#!/bin/sh
# Builds the fuzzer of commands and runs it for the given number of seconds (60). Fails if it finds anything.
set -eu
seconds=${1:-60}
out=.build/command-fuzz
mkdir -p "$out/corpus"
includes=$(pkg-config --cflags-only-I libmongoc-1.0 | sed 's/-I/-Xcc -I/g')
flags="-O -whole-module-optimization -sanitize=fuzzer,address -swift-version 6 -parse-as-library -package-name streambridge"
bridge=Sources/StreamBridge
# The decoder imports the module, so this one is compiled for itself.
# shellcheck disable=SC2046,SC2086 # the flags are meant to be split
swiftc $flags -module-name Mongo -emit-module -emit-module-path "$out/Mongo.swiftmodule" -c -o "$out/mongo.o" \
    -I Sources/CMongo $includes Sources/Mongo/BSON/*.swift
# shellcheck disable=SC2046,SC2086
swiftc $flags -module-name CommandFuzz -I "$out" -I Sources/CMongo $includes \
    $bridge/Dispatch/Command.swift $bridge/Dispatch/CommandDecoder.swift $bridge/Dispatch/CommandFieldType+Values.swift \
    $bridge/Dispatch/CommandKey.swift $bridge/Dispatch/CommandKeys.swift $bridge/Dispatch/CommandScanner.swift \
    $bridge/Dispatch/CommandValue.swift $bridge/Dispatch/DecimalDigits.swift $bridge/Dispatch/JSON*.swift \
    $bridge/Dispatch/Resource.swift $bridge/Dispatch/Resource+Names.swift $bridge/Runtime/ExactText.swift \
    $bridge/Configuration/JSONText.swift \
    $bridge/Configuration/DispatcherSettings.swift $bridge/Configuration/Namespace.swift $bridge/Configuration/Delivery.swift \
    $bridge/Configuration/NearestName.swift $bridge/Configuration/String+SingleLine.swift \
    Fuzz/CommandFuzz/CommandFuzz.swift "$out/mongo.o" $(pkg-config --libs libmongoc-1.0) -lm -o "$out/command-fuzz"
exec "$out/command-fuzz" -max_total_time="$seconds" -max_len=1024 -dict=Fuzz/CommandFuzz/words.txt -artifact_prefix="$out/" \
    -print_final_stats=1 "$out/corpus" Fuzz/CommandFuzz/seeds
