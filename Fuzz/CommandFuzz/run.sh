#!/bin/sh
# Builds the fuzzer of commands and runs it for the given number of seconds (60). Fails if it finds anything.
set -eu
seconds=${1:-60}
out=.build/command-fuzz
. Fuzz/modules.sh
bridge=Sources/StreamBridge
# shellcheck disable=SC2086 # the flags are meant to be split
swiftc $flags -module-name CommandFuzz $bridge/Configuration/JSON/*.swift \
    $bridge/Dispatchers/Commands/Command.swift $bridge/Dispatchers/Commands/CommandDecoder.swift \
    $bridge/Dispatchers/Commands/CommandFault.swift \
    $bridge/Dispatchers/Commands/CommandFieldType+Values.swift $bridge/Dispatchers/Commands/CommandKey.swift \
    $bridge/Dispatchers/Commands/CommandKeys.swift $bridge/Dispatchers/Commands/CommandValue.swift \
    $bridge/Dispatchers/Commands/Resource.swift $bridge/Dispatchers/Commands/Resource+Names.swift \
    $bridge/Configuration/Model/DispatcherSettings.swift $bridge/Configuration/Model/Namespace.swift \
    $bridge/Configuration/Model/Delivery.swift $bridge/Configuration/Loading/NearestName.swift \
    $bridge/Output/String+JSON.swift $bridge/Output/String+SingleLine.swift $bridge/Output/String+Harmless.swift \
    Fuzz/CommandFuzz/CommandFuzz.swift $libraries -lm -o "$out/command-fuzz"
exec "$out/command-fuzz" -max_total_time="$seconds" -max_len=1024 -dict=Fuzz/CommandFuzz/words.txt -artifact_prefix="$out/" \
    -print_final_stats=1 "$out/corpus" Fuzz/CommandFuzz/seeds
