"""What the two dispatch scripts have in common: the documents, the answers and the clients. The bridge writes the same ones."""

import argparse
import datetime
import json

import pymongo
from confluent_kafka import Consumer, Producer
from pymongo import WriteConcern


def parse():
    parser = argparse.ArgumentParser()
    for name in ("uri", "database", "bootstrap", "group", "commands", "outcomes", "fetch_wait"):
        parser.add_argument(name)
    return parser.parse_args()


def failed(error, message):
    if error:
        raise SystemExit(f"not delivered: {error}")


class Clients:
    def __init__(self, arguments, **consumer):
        database = pymongo.MongoClient(arguments.uri)[arguments.database]
        self.shipments = database.get_collection("shipments", write_concern=WriteConcern(w="majority", j=True, wtimeout=5000))
        self.trucks = database["trucks"]
        self.topic = arguments.outcomes
        self.producer = Producer(
            {"bootstrap.servers": arguments.bootstrap, "enable.idempotence": True, "partitioner": "murmur2_random", "linger.ms": 0}
        )
        settings = {"group.id": arguments.group, "auto.offset.reset": "earliest", "fetch.wait.max.ms": arguments.fetch_wait, **consumer}
        self.consumer = Consumer({"bootstrap.servers": arguments.bootstrap, **settings})
        self.consumer.subscribe([arguments.commands])

    def answer(self, outcome):
        value = json.dumps(outcome, separators=(",", ":"))
        self.producer.produce(self.topic, key=outcome["id"], value=value, on_delivery=failed)
        self.producer.poll(0)


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def outcome(command, status, message, assigned=None, attempts=1):
    at = now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    facts = {"requested": command.get("truck_id"), "assigned": assigned, "attempts": attempts, "message": message, "at": at}
    return {"id": command["id"], "status": status, **facts}


def sent_out(command, truck, attempts=1):
    wanted = command["truck_id"]
    if truck == wanted:
        return outcome(command, "dispatched", f"Truck #{truck} has been sent out.", truck, attempts)
    message = f"Truck #{wanted} is currently performing a shipment. Truck #{truck} has been sent out instead."
    return outcome(command, "reassigned", message, truck, attempts)


def rejected(command, attempts=1):
    message = f"Truck #{command['truck_id']} is currently performing a shipment. Could not find another truck."
    return outcome(command, "rejected", message, None, attempts)


def origin(record):
    return {"topic": record.topic(), "partition": record.partition(), "offset": record.offset()}


def document(command, origin, answer):
    return {
        "_id": command["id"],
        **{field: command[field] for field in ("source", "destination", "product", "quantity")},
        "truck_id": answer["assigned"],
        "requested_truck_id": command["truck_id"],
        "status": "active",
        "dispatched_at": now(),
        "command": origin,
        "outcome": {field: answer[field] for field in ("status", "assigned", "attempts", "message")},
    }
