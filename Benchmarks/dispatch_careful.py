"""A careful program: bulks of up to 1,000 commands, the free trucks in memory, offsets committed after each bulk.

It has to be the only writer, and it knows no completions.

usage: dispatch_careful.py URI DATABASE BOOTSTRAP GROUP COMMANDS OUTCOMES FETCH_WAIT_MS
"""

import json
import random

from pymongo.errors import BulkWriteError

import shipments

BULK = 1000
DUPLICATE = 11000


class FreeTrucks:
    """The trucks without an active shipment: takes a certain one or a random one, in constant time."""

    def __init__(self, clients):
        busy = set(clients.shipments.distinct("truck_id", {"status": "active"}))
        self.trucks = [t["_id"] for t in clients.trucks.find({}, {"_id": 1}) if t["_id"] not in busy]
        self.places = {truck: place for place, truck in enumerate(self.trucks)}

    def take(self, truck):
        place = self.places.pop(truck, None)
        if place is None:
            return
        last = self.trucks.pop()
        if last != truck:
            self.trucks[place] = last
            self.places[last] = place

    def take_random(self):
        if not self.trucks:
            return None
        truck = random.choice(self.trucks)
        self.take(truck)
        return truck


def insert(clients, attempts):
    """Inserts (command, origin, outcome) triples. Returns those whose truck is busy; a command seen before gets its old outcome again."""
    documents = [shipments.document(*attempt) for attempt in attempts]
    try:
        clients.shipments.insert_many(documents, ordered=False)
        return []
    except BulkWriteError as failure:
        faults = {fault["index"]: fault for fault in failure.details["writeErrors"]}
        if failure.details["writeConcernErrors"] or any(fault["code"] != DUPLICATE for fault in faults.values()):
            raise
    busy = []
    for index, fault in faults.items():
        if "_id" in fault["keyPattern"]:
            attempts[index][2].update(clients.shipments.find_one({"_id": documents[index]["_id"]})["outcome"])
        else:
            busy.append(attempts[index])
    return busy


def dispatch(clients, free, records):
    """Returns the outcomes of the records, in their order."""
    attempts = []
    for record in records:
        command = json.loads(record.value())
        attempts.append((command, shipments.origin(record), shipments.sent_out(command, command["truck_id"])))
    outcomes = [outcome for _, _, outcome in attempts]
    busy = insert(clients, attempts)
    refused = {command["id"] for command, _, _ in busy}
    for command, _, _ in attempts:
        if command["id"] not in refused:
            free.take(command["truck_id"])
    while busy:
        again = []
        for command, origin, outcome in busy:
            truck, tried = free.take_random(), outcome["attempts"]
            if truck is None:
                outcome.update(shipments.rejected(command, tried))
            else:
                outcome.update(shipments.sent_out(command, truck, tried + 1))
                again.append((command, origin, outcome))
        busy = insert(clients, again) if again else []
    return outcomes


def main():
    clients = shipments.Clients(shipments.parse(), **{"enable.auto.commit": False})
    free = FreeTrucks(clients)
    while True:
        # One record is waited for; the others are those that are there already.
        first = clients.consumer.poll(1.0)
        if first is None:
            continue
        records = [first, *clients.consumer.consume(BULK - 1, 0)]
        for record in records:
            if record.error():
                raise SystemExit(f"not read: {record.error()}")
        for outcome in dispatch(clients, free, records):
            clients.answer(outcome)
        clients.producer.flush()
        clients.consumer.commit(asynchronous=False)


if __name__ == "__main__":
    main()
