"""What both dispatch benchmarks have in common: the programs that dispatch, and how a load is given to them and looked at."""

import contextlib
import json
import os
import subprocess
import time

from confluent_kafka import Consumer, TopicPartition

import servers
from loads import DATABASE, Load
from places import BIN, BRIDGE, HERE, PYTHON, WORK
from subjects import PATIENCE, Subject, await_arrivals, bridge_can_run, cpu_times, note, peak_megabytes, thread_seconds

PARTITIONS = 4
# Milliseconds that the consumers let the broker wait for records (fetch.wait.max.ms). The mock cluster answers a fetch that finds nothing only
# after all of that, even if a record comes meanwhile; a broker answers when it comes. So for the latency the wait is the shortest one. For a
# load it is short because the first fetch may know only a part of the partitions: the others would wait for its end, half a second by default.
LATENCY_WAIT, LOAD_WAIT = 1, 20
OUTCOME = '{"id":"sent-'  # how only the outcome of a paced command begins; see commands.c


class Dispatcher(Subject):
    """A program that consumes commands and produces outcomes."""

    def topics(self):
        """Fresh ones: the name of the run, the topic of the commands and that of the outcomes."""
        name = self.fresh_name()
        for part in ("commands", "outcomes", "dead-letters"):
            self.cluster.create_topic(f"{name}.{part}", PARTITIONS)
        return name, f"{name}.commands", f"{name}.outcomes"

    def start(self, name, fetch_wait):
        return self.launch(name, self.command(name, fetch_wait))


class Bridge(Dispatcher):
    def __init__(self, name, uri, cluster, delivery="at-least-once"):
        super().__init__(name, uri, cluster)
        self.delivery = delivery

    def command(self, name, fetch_wait):
        path = os.path.join(WORK, name + ".yaml")
        with open(path, "w") as file:
            json.dump(self.configuration(name, fetch_wait), file)  # JSON is YAML
        return [BRIDGE, "run", "--config", path]

    def configuration(self, name, fetch_wait):
        return {
            "name": name,
            "mongodb": {"uri": self.uri, "writeConcern": {"w": "majority", "wtimeout": "5s", "journal": True}},
            "kafka": {"bootstrap.servers": self.cluster.bootstrap, "consumer": {"fetch.wait.max.ms": fetch_wait}, **self.kafka},
            "topics": {"create": False},
            "dispatchers": [
                {
                    "name": "shipments",
                    "commands": f"{name}.commands",
                    "outcomes": f"{name}.outcomes",
                    "deadLetters": f"{name}.dead-letters",
                    "collection": f"{DATABASE}.shipments",
                    "fields": {
                        "source": "string",
                        "destination": "string",
                        "product": "string",
                        "quantity": {"type": "int", "minimum": 1},
                    },
                    "resource": {"field": "truck_id", "pool": f"{DATABASE}.trucks", "choose": "random", "label": "Truck"},
                    "delivery": self.delivery,
                }
            ],
            "http": {"listen": f"127.0.0.1:{servers.free_port()}"},
        }

    def refusal(self):
        """Why this build cannot be measured, if so."""
        if not bridge_can_run():
            return "no release build that knows `run`"
        path = os.path.join(WORK, "refusal.yaml")
        with open(path, "w") as file:
            json.dump(self.configuration("refusal", LOAD_WAIT), file)
        answer = subprocess.run([BRIDGE, "config", "--config", path], capture_output=True, text=True)
        return answer.stderr.strip() if answer.returncode else None


class Script(Dispatcher):
    def __init__(self, name, uri, cluster, program):
        super().__init__(name, uri, cluster)
        self.program = program

    def command(self, name, fetch_wait):
        command = [PYTHON, os.path.join(HERE, self.program), self.uri, DATABASE, self.cluster.bootstrap, name]
        return [*command, f"{name}.commands", f"{name}.outcomes", str(fetch_wait)]


def decoded(records):
    """Outcomes with their keys."""
    return [(record.key().decode(), json.loads(record.value())) for record in records]


class Bench:
    """The servers of a run, and what is wrong so far."""

    def __init__(self, uri, cluster, client, watermarks):
        self.uri, self.cluster, self.client, self.watermarks = uri, cluster, client, watermarks
        self.server = client.admin.command("serverStatus")["pid"]
        self.faults = []

    def server_seconds(self):
        return sum(cpu_times(f"/proc/{self.server}")[1:])

    def reach(self, topic, count, subject, process):
        """Waits for the outcomes. Returns when the first ones were seen, how many they were, and when the last one was."""
        return self.watermarks.reach(topic, count, subject, process)

    def outcomes(self, topic):
        """Every outcome with its key, from the beginning of the topic."""
        count, records = self.watermarks.count(topic), []
        settings = {"group.id": "outcomes", "enable.auto.commit": False, "auto.offset.reset": "error"}
        reader = Consumer({"bootstrap.servers": self.cluster.bootstrap, **settings})
        with contextlib.closing(reader):
            reader.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
            while len(records) < count:
                batch = reader.consume(min(1000, count - len(records)), PATIENCE)
                fault = next((record.error() for record in batch if record.error()), None if batch else "no more came")
                if fault:
                    raise SystemExit(f"{topic}: {len(records)} of {count} records could be read: {fault}")
                records += batch
        return decoded(records)

    def dispatch(self, subject, load, title):
        """Lets a program do all commands of a load, which wait for it, and returns its figures.

        The rate counts from the first outcomes on: of the time before them three seconds are the broker's, which waits for more members of
        a new group, and the mock cluster has no setting for that.
        """
        load.prepare(self.client)
        name, commands, outcomes = subject.topics()
        load.send(self.cluster, commands)
        count, server, started = len(load.commands), self.server_seconds(), time.monotonic()
        process = subject.start(name, LOAD_WAIT)
        try:
            (first, already), ended = self.reach(outcomes, count, subject, process)
            server = self.server_seconds() - server
            peak = peak_megabytes(process)
            threads = thread_seconds(process)
        finally:
            cpu = subject.stop(process)
        if subject.by_thread:
            note(f"  {subject.name}, CPU seconds by thread, user+system: {threads}")
        for fault in load.faults(self.client, self.outcomes(outcomes)):
            self.faults.append(f"{title}, {subject.name}: {fault}")
            note(f"  WRONG: {self.faults[-1]}")
        return {
            "rate": (count - already) / (ended - first) if ended > first else float("nan"),
            "first": first - started,
            "last": ended - started,
            "cpu": cpu / count * 1e5,
            "server": server / count * 1e5,
            "peak": peak,
        }

    def insert(self, load, bulk, connections, cut):
        """What the server alone gives for a load: documents per second, the first attempts and not the second ones counted."""
        load.prepare(self.client)
        documents, server = len(load.commands) // cut, self.server_seconds()
        program = [os.path.join(BIN, "inserts"), self.uri, DATABASE, "shipments", str(documents), str(bulk), str(connections)]
        program += [str(load.busy + 1)] + ([str(load.busy)] if load.busy else [])
        count, refused, seconds, cpu = subprocess.check_output(program, text=True).split()
        server = self.server_seconds() - server
        if int(refused) != (documents // 2 if load.busy else 0):
            raise SystemExit(f"inserts: {refused} of {count} documents refused")
        if self.client[DATABASE].shipments.count_documents({}) != load.busy + documents:
            raise SystemExit("inserts: documents are missing")
        return {"rate": int(count) / float(seconds), "cpu": float(cpu) / int(count) * 1e5, "server": server / int(count) * 1e5}

    def latency(self, subject, trucks, per_second, seconds, fetch_wait):
        """Milliseconds from before a command is produced to the arrival of its outcome."""
        Load(trucks, 0, [], {}).prepare(self.client)
        name, topic, outcomes = subject.topics()
        paced = [os.path.join(BIN, "commands"), self.cluster.bootstrap, topic]
        with contextlib.closing(self.cluster.watching(outcomes, PARTITIONS, OUTCOME)) as arrivals:
            process = subject.start(name, fetch_wait)
            try:
                subprocess.check_output([*paced, "1", str(per_second), str(per_second)])
                await_arrivals(arrivals, per_second, subject, process)
                time.sleep(0.5)
                arrivals.forget()
                count = per_second * seconds
                produce = subprocess.check_output([*paced, str(per_second + 1), str(per_second), str(count)], text=True).split()
                result = await_arrivals(arrivals, count, subject, process)
            finally:
                subject.stop(process)
        active = self.client[DATABASE].shipments.count_documents({"status": "active"})
        if active != per_second + count:
            self.faults.append(f"latency, {subject.name}: {active} active shipments, not {per_second + count}")
        result = {"median": result["median"] / 1e3, "p99": result["p99"] / 1e3}
        note(
            f"  {per_second}/s, {subject.name}: {shown(result)} ms (to the command's acknowledgement: {produce[1]} us, p99 {produce[2]} us)"
        )
        return result


def shown(figures):
    return ", ".join(f"{key} {value:,.2f}" for key, value in figures.items())
