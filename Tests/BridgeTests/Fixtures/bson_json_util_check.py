"""Checks our Extended JSON with PyMongo's bson package, an implementation that shares no code with ours or with libbson.

Usage: bson_json_util_check.py FILE

Each line of FILE has three fields with tabs between them: a document's bytes in hexadecimal, its canonical JSON, its relaxed JSON.
The canonical JSON, read by bson.json_util, must encode to the same bytes; the relaxed JSON must be read as the same values as the
bytes are, where an int64 may have become an int32. Prints one line for each failure and exits with 1 if there is any.

What bson.json_util cannot represent, and the documents must not contain: symbols (read as strings), undefined (read as null), DBPointers
(read as DBRefs), the same key twice, options of regular expressions other than ilmsux, NaNs with a payload, decimals in
non-canonical encodings.
"""

import sys

import bson
from bson import json_util
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.json_util import JSONMode, JSONOptions
from bson.son import SON

CODEC = CodecOptions(
    document_class=SON,
    tz_aware=False,
    uuid_representation=UuidRepresentation.UNSPECIFIED,
    datetime_conversion=DatetimeConversion.DATETIME_MS,
)


def options(mode):
    return JSONOptions(
        json_mode=mode,
        document_class=SON,
        tz_aware=False,
        uuid_representation=UuidRepresentation.UNSPECIFIED,
        datetime_conversion=DatetimeConversion.DATETIME_MS,
    )


def same(left, right):
    """Equality that tells 1 from 1.0 and from True, and minds the order of keys."""
    if isinstance(left, int) and isinstance(right, int):
        return isinstance(left, bool) == isinstance(right, bool) and left == right
    if isinstance(left, float) and isinstance(right, float):
        return bson.encode({"v": left}) == bson.encode({"v": right})
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left.keys()) == list(right.keys()) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and left == right


def failures(path):
    canonical_options, relaxed_options = options(JSONMode.CANONICAL), options(JSONMode.RELAXED)
    with open(path, encoding="utf-8", newline="\n") as file:
        for number, line in enumerate(file, 1):
            digits, canonical, relaxed = line.rstrip("\n").split("\t")
            expected = bytes.fromhex(digits)
            try:
                encoded = bson.encode(json_util.loads(canonical, json_options=canonical_options), codec_options=CODEC)
                if encoded != expected:
                    yield f"{number}: canonical gives {encoded.hex()} and not {digits}: {canonical}"
                decoded = bson.decode(expected, codec_options=CODEC)
                if not same(json_util.loads(relaxed, json_options=relaxed_options), decoded):
                    yield f"{number}: relaxed is not {decoded!r}: {relaxed}"
            except Exception as error:  # whatever PyMongo throws is a finding
                yield f"{number}: {type(error).__name__}: {error}: {canonical}"


def main():
    found = list(failures(sys.argv[1]))
    print("\n".join(found[:20]))
    sys.exit(1 if found else 0)


main()
