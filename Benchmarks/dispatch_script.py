"""The original's way: one insert for every command; on a conflict it loads all active shipments' trucks and all trucks, and tries a free one.

usage: dispatch_script.py URI DATABASE BOOTSTRAP GROUP COMMANDS OUTCOMES FETCH_WAIT_MS
"""

import json
import random

from pymongo.errors import DuplicateKeyError

import shipments


def dispatch(clients, command, origin):
    """Inserts the shipment, with another truck where the wanted one is busy. Returns the outcome."""
    truck, attempts = command["truck_id"], 1
    while True:
        answer = shipments.sent_out(command, truck, attempts)
        try:
            clients.shipments.insert_one(shipments.document(command, origin, answer))
            return answer
        except DuplicateKeyError:
            # It cannot tell a busy truck from a command that it has seen before: that one would never end.
            busy = set(clients.shipments.distinct("truck_id", {"status": "active"}))
            free = [t["_id"] for t in clients.trucks.find({}, {"_id": 1}) if t["_id"] not in busy]
            if not free:
                return shipments.rejected(command, attempts)
            truck, attempts = random.choice(free), attempts + 1


def complete(clients, command):
    found = clients.shipments.find_one_and_update(
        {"_id": command["complete"], "status": "active"}, {"$set": {"status": "completed", "completed_at": shipments.now()}}
    )
    if found is None:
        return shipments.outcome(command, "rejected", f"No active shipment {command['complete']}.")
    return shipments.outcome(command, "completed", f"Truck #{found['truck_id']} is free again.", found["truck_id"])


def main():
    # librdkafka commits what was stored every five seconds by itself.
    clients = shipments.Clients(shipments.parse(), **{"enable.auto.offset.store": False})
    while True:
        record = clients.consumer.poll(1.0)
        if record is None:
            continue
        if record.error():
            raise SystemExit(f"not read: {record.error()}")
        command = json.loads(record.value())
        clients.answer(complete(clients, command) if "complete" in command else dispatch(clients, command, shipments.origin(record)))
        clients.producer.flush()
        clients.consumer.store_offsets(record)


if __name__ == "__main__":
    main()
