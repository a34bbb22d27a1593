# For the fuzzers to source: compiles the modules Runtime, Hashing and Mongo, of which they need BSON, field rules and resume tokens, into $out.
mkdir -p "$out/corpus"
includes=$(pkg-config --cflags-only-I libmongoc-1.0 libcrypto | sed 's/-I/-Xcc -I/g')
libraries=$(pkg-config --libs libmongoc-1.0 libcrypto)
flags="-O -whole-module-optimization -sanitize=fuzzer,address -swift-version 6 -parse-as-library -package-name streambridge"
flags="$flags -I $out -I Sources/CMongo -I Sources/COpenSSL $includes"
# shellcheck disable=SC2086 # the flags are meant to be split
swiftc $flags -module-name Runtime -emit-module -emit-module-path "$out/Runtime.swiftmodule" -c -o "$out/runtime.o" \
    Sources/Runtime/*.swift Sources/Runtime/Bytes/*.swift
# shellcheck disable=SC2086
swiftc $flags -module-name Hashing -emit-module -emit-module-path "$out/Hashing.swiftmodule" -c -o "$out/hashing.o" Sources/Hashing/*.swift
# shellcheck disable=SC2086
swiftc $flags -module-name Mongo -emit-module -emit-module-path "$out/Mongo.swiftmodule" -c -o "$out/mongo.o" \
    Sources/Mongo/BSON/*.swift Sources/Mongo/Fields/*.swift Sources/Mongo/ResumeToken.swift
