"""The script that a user would write: copies a collection to a topic as relaxed Extended JSON, and waits to be ended."""

import argparse
import signal

import pymongo
from bson import json_util
from confluent_kafka import Producer


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("uri")
    parser.add_argument("database")
    parser.add_argument("collection")
    parser.add_argument("bootstrap")
    parser.add_argument("topic")
    options = parser.parse_args()
    producer = Producer({"bootstrap.servers": options.bootstrap, "linger.ms": 5, "enable.idempotence": True, "partitioner": "murmur2_random"})
    with pymongo.MongoClient(options.uri) as client:
        for document in client[options.database][options.collection].find(batch_size=1750).sort("_id"):
            key = json_util.dumps({"_id": document["_id"]}, json_options=json_util.RELAXED_JSON_OPTIONS)
            value = json_util.dumps({"fullDocument": document}, json_options=json_util.RELAXED_JSON_OPTIONS)
            while True:
                try:
                    producer.produce(options.topic, value, key)
                    break
                except BufferError:
                    producer.poll(0.01)
            producer.poll(0)
        producer.flush()
    signal.pause()


if __name__ == "__main__":
    main()
