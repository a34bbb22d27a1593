# For the fuzzers to source: compiles the modules Runtime, Hashing and Mongo, of which they need BSON, field rules and resume tokens, into $modules,
# once for all of them.
modules=.build/fuzz-modules
mkdir -p "$out/corpus" "$modules"
includes=$(pkg-config --cflags-only-I libmongoc-1.0 libcrypto | sed 's/-I/-Xcc -I/g')
libraries=$(pkg-config --libs libmongoc-1.0 libcrypto)
flags="-O -whole-module-optimization -sanitize=fuzzer,address -swift-version 6 -parse-as-library -package-name streambridge"
flags="$flags -I $modules -I Sources/CMongo -I Sources/COpenSSL $includes"
if [ ! -e "$modules/mongo.o" ] || [ -n "$(find Fuzz/modules.sh Sources/Runtime Sources/Hashing Sources/Mongo -newer "$modules/mongo.o")" ]; then
    # shellcheck disable=SC2086 # the flags are meant to be split
    swiftc $flags -module-name Runtime -emit-module -emit-module-path "$modules/Runtime.swiftmodule" -c -o "$modules/runtime.o" \
        Sources/Runtime/*.swift Sources/Runtime/Bytes/*.swift
    # shellcheck disable=SC2086
    swiftc $flags -module-name Hashing -emit-module -emit-module-path "$modules/Hashing.swiftmodule" -c -o "$modules/hashing.o" \
        Sources/Hashing/*.swift
    # shellcheck disable=SC2086
    swiftc $flags -module-name Mongo -emit-module -emit-module-path "$modules/Mongo.swiftmodule" -c -o "$modules/mongo.o" \
        Sources/Mongo/BSON/*.swift Sources/Mongo/Fields/*.swift Sources/Mongo/ResumeToken.swift
fi
libraries="$modules/runtime.o $modules/hashing.o $modules/mongo.o $libraries"
