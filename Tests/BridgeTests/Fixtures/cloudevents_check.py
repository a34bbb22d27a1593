"""Reads Kafka records with the CloudEvents SDK for Python, which refuses what the specification does, and prints what it has read.

Each line of the file is a record: {"mode": "binary"|"structured", "headers": {name: text}, "key": text, "value": text}.
Each line of the output is its event: the attributes, and the data.
"""
import json
import sys

from cloudevents.core.bindings.kafka import KafkaMessage, from_binary, from_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

for line in open(sys.argv[1], encoding="utf-8"):
    record = json.loads(line)
    headers = {name: text.encode() for name, text in record["headers"].items()}
    message = KafkaMessage(headers=headers, key=record["key"].encode(), value=record["value"].encode())
    read = from_binary if record["mode"] == "binary" else from_structured
    # The constructor of this class validates the attributes.
    event = read(message, JSONFormat(), CloudEvent)
    attributes = {name: str(value) for name, value in event.get_attributes().items()}
    attributes["time"] = event.get_time().isoformat(timespec="milliseconds")
    print(json.dumps({"attributes": attributes, "data": json.dumps(event.get_data(), separators=(",", ":"), ensure_ascii=False)}))
