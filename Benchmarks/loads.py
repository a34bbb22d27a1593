"""What the dispatch benchmark has done: commands, the trucks that they find, and the outcomes that are right for them."""

import collections
import json
import random

from confluent_kafka import Producer

import shipments

DATABASE = "lessons"


class Load:
    """Trucks, busy ones among them, and commands as (key, command) in their order, with the outcomes that are right for them.

    `cut` divides the number of commands for a program that would take too long. With `by_sum` only the sum of dispatched and
    reassigned is right or wrong.
    """

    def __init__(self, trucks, busy, commands, expected, by_sum=False):
        self.trucks, self.busy, self.commands, self.expected = trucks, busy, commands, collections.Counter(expected)
        self.by_sum = by_sum

    @staticmethod
    def order(number, truck):
        where = {"source": "New York", "destination": "Atlanta", "product": "socks", "quantity": 1 + number % 40}
        return f"c-{number}", {"id": f"c-{number}", "truck_id": truck, **where}

    @classmethod
    def free(cls, trucks, cut=1):
        """Every truck once, in a mixed order."""
        count = trucks // cut
        wanted = random.Random(1).sample(range(1, trucks + 1), count)
        return cls(trucks, 0, [cls.order(n, truck) for n, truck in enumerate(wanted)], {"dispatched": count})

    @classmethod
    def half(cls, trucks, cut=1):
        """Of `trucks`, half are busy; every second command asks for one of those, the others for as many trucks more.

        A reassignment may take one of those first, so that both counts together are known beforehand, and not each.
        """
        busy, count = trucks // 2, trucks * 2 // 5 // cut
        wanted = random.Random(2).sample(range(1, busy + 1), count)
        pairs = ((trucks + 1 + n, truck) for n, truck in enumerate(wanted))
        commands = [cls.order(n, truck) for n, truck in enumerate(truck for pair in pairs for truck in pair)]
        return cls(trucks + count, busy, commands, {"dispatched": count, "reassigned": count}, by_sum=True)

    @classmethod
    def conflicts(cls, trucks, count):
        """Half the pool is busy; every command asks for one of those, and the next one frees the truck that was taken instead."""
        busy, choice, commands = trucks // 2, random.Random(3), []
        for number in range(count):
            key, command = cls.order(number, choice.randint(1, busy))
            commands += [(key, command), (key, {"id": f"r-{number}", "complete": key})]
        return cls(trucks, busy, commands, {"reassigned": count, "completed": count})

    @property
    def active(self):
        """Active shipments when all is done."""
        return self.busy + self.expected["dispatched"] + self.expected["reassigned"] - self.expected["completed"]

    def prepare(self, client):
        """A fresh database with the trucks, the index and the busy trucks' shipments."""
        client.drop_database(DATABASE)
        database = client[DATABASE]
        database.shipments.create_index("truck_id", unique=True, partialFilterExpression={"status": "active"})
        database.trucks.insert_many([{"_id": truck} for truck in range(1, self.trucks + 1)])
        documents = []
        for truck in range(1, self.busy + 1):
            _, command = self.order(truck, truck)
            command["id"] = f"busy-{truck}"
            origin = {"topic": "before", "partition": 0, "offset": truck}
            documents.append(shipments.document(command, origin, shipments.sent_out(command, truck)))
        if documents:
            database.shipments.insert_many(documents)

    def send(self, cluster, topic):
        producer = Producer(
            {"bootstrap.servers": cluster.bootstrap, "partitioner": "murmur2_random", "queue.buffering.max.messages": len(self.commands) + 1}
        )
        for key, command in self.commands:
            value = json.dumps(command, separators=(",", ":"))
            producer.produce(topic, key=key, value=value, on_delivery=shipments.failed)
        if producer.flush(60):
            raise SystemExit("the commands could not be produced")

    def comparable(self, statuses):
        if not self.by_sum:
            return statuses
        rest = {status: count for status, count in statuses.items() if status not in ("dispatched", "reassigned")}
        return collections.Counter(rest, sent=statuses["dispatched"] + statuses["reassigned"])

    def faults(self, client, outcomes):
        """What is wrong in the database and in the outcomes, (key, outcome) each."""
        found = client[DATABASE].shipments
        twice = list(found.aggregate([{"$match": {"status": "active"}}, {"$sortByCount": "$truck_id"}, {"$match": {"count": {"$gt": 1}}}]))
        if twice:
            yield f"{len(twice)} trucks are on two shipments"
        active = found.count_documents({"status": "active"})
        if active != self.active:
            yield f"{active} active shipments, not {self.active}"
        if len(outcomes) != len(self.commands):
            yield f"{len(outcomes)} outcomes of {len(self.commands)} commands"
        if {key for key, _ in outcomes} != {command["id"] for _, command in self.commands}:
            yield "the outcomes' keys are not the commands' ids"
        statuses = collections.Counter(outcome["status"] for _, outcome in outcomes)
        if self.comparable(statuses) != self.comparable(self.expected):
            yield f"outcomes {dict(statuses)}, not {dict(self.expected)}"
        trucks = {shipment["_id"]: shipment["truck_id"] for shipment in found.find({"truck_id": {"$exists": True}}, {"truck_id": 1})}
        sent_out = (outcome for _, outcome in outcomes if outcome["status"] in ("dispatched", "reassigned"))
        wrong = sum(trucks.get(outcome["id"]) != outcome["assigned"] for outcome in sent_out)
        if wrong:
            yield f"{wrong} outcomes name another truck than the shipment"
