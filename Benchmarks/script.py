"""The script that a user would write: pymongo reads, confluent-kafka publishes, a file keeps the resume token.

usage: script.py URI DATABASE COLLECTION BOOTSTRAP TOPIC TOKEN_FILE [--start-at SECONDS.INCREMENT] [--linger MS] [--events N]
"""

import argparse
import os
import time

import pymongo
from bson import json_util
from bson.timestamp import Timestamp
from confluent_kafka import Producer

STORE_EVERY = 1.0


def parse():
    parser = argparse.ArgumentParser()
    for name in ("uri", "database", "collection", "bootstrap", "topic", "token_file"):
        parser.add_argument(name)
    parser.add_argument("--start-at")
    parser.add_argument("--linger")
    parser.add_argument("--events", type=int)
    return parser.parse_args()


def store(path, token):
    with open(path + ".new", "w") as file:
        file.write(json_util.dumps(token))
    os.replace(path + ".new", path)


def load(path):
    try:
        with open(path) as file:
            return json_util.loads(file.read())
    except FileNotFoundError:
        return None


def failed(error, message):
    if error:
        raise SystemExit(f"not delivered: {error}")


def main():
    arguments = parse()
    settings = {"bootstrap.servers": arguments.bootstrap, "enable.idempotence": True, "partitioner": "murmur2_random"}
    if arguments.linger is not None:
        settings["linger.ms"] = arguments.linger
    producer = Producer(settings)
    options = {"full_document": "updateLookup", "resume_after": load(arguments.token_file)}
    if options["resume_after"] is None and arguments.start_at:
        seconds, increment = arguments.start_at.split(".")
        options["start_at_operation_time"] = Timestamp(int(seconds), int(increment))

    events = 0
    stored = time.monotonic()
    collection = pymongo.MongoClient(arguments.uri)[arguments.database][arguments.collection]
    with collection.watch(**options) as stream:
        for event in stream:
            record = {
                "key": json_util.dumps(event["documentKey"], json_options=json_util.CANONICAL_JSON_OPTIONS),
                "value": json_util.dumps(event, json_options=json_util.RELAXED_JSON_OPTIONS),
                "timestamp": event["clusterTime"].time * 1000,
                "headers": {"mongodb.token": event["_id"]["_data"], "mongodb.op": event["operationType"]},
                "on_delivery": failed,
            }
            while True:
                try:
                    producer.produce(arguments.topic, **record)
                    break
                except BufferError:
                    producer.poll(0.1)
            producer.poll(0)
            events += 1
            if time.monotonic() - stored > STORE_EVERY:
                producer.flush()
                store(arguments.token_file, stream.resume_token)
                stored = time.monotonic()
            if events == arguments.events:
                break
        producer.flush()
        store(arguments.token_file, stream.resume_token)


if __name__ == "__main__":
    main()
