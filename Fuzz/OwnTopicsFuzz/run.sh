#!/bin/sh
# Builds the fuzzer of the bridge's own topics and runs it for the given number of seconds (60). Fails if it finds anything.
set -eu
seconds=${1:-60}
out=.build/own-topics-fuzz
. Fuzz/modules.sh
bridge=Sources/StreamBridge
# shellcheck disable=SC2086 # the flags are meant to be split
swiftc $flags -module-name OwnTopicsFuzz \
    $bridge/Positions/StoredPosition.swift $bridge/Positions/StreamPosition.swift $bridge/Positions/PositionEdit.swift \
    $bridge/Positions/PositionError.swift $bridge/Positions/BSONValue+Counts.swift $bridge/Positions/SnapshotProgress.swift \
    $bridge/Positions/SnapshotRecord.swift $bridge/Positions/DocumentID.swift $bridge/ChangeStreams/TransactionPlace.swift \
    $bridge/Configuration/Model/Namespace.swift $bridge/Configuration/Model/WatchScope.swift \
    $bridge/Configuration/Loading/WatchScope+Parsing.swift $bridge/Configuration/Loading/LegalName.swift \
    $bridge/Configuration/Loading/ConfigurationComplaint.swift $bridge/Configuration/JSON/UInt8+ASCII.swift \
    $bridge/Output/String+JSON.swift $bridge/Output/String+SingleLine.swift $bridge/Output/String+Harmless.swift \
    $bridge/ChangeStreams/OplogWindow.swift $bridge/Operations/Replay/TopicCopyRecord.swift $bridge/Operations/Replay/ReplayState.swift \
    Fuzz/OwnTopicsFuzz/OwnTopicsFuzz.swift $libraries -lm -o "$out/own-topics-fuzz"
exec "$out/own-topics-fuzz" -max_total_time="$seconds" -max_len=2048 -dict=Fuzz/OwnTopicsFuzz/words.txt -artifact_prefix="$out/" \
    -print_final_stats=1 "$out/corpus" Fuzz/OwnTopicsFuzz/seeds
