"""The two servers of the measurement, private to it and on loopback: a mongod replica set of one, and librdkafka's mock cluster."""

import contextlib
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import pymongo
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

PR_SET_PDEATHSIG = 1


def die_with_parent():
    """Runs in the child: the kernel ends it when the benchmark ends, however that happens."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def data_folder():
    """In memory where there is room, so that the journal's flushes to a shared disk are not what is measured."""
    memory = "/dev/shm"
    roomy = os.path.isdir(memory) and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 6 << 30
    return tempfile.mkdtemp(prefix="bridge-bench-", dir=memory if roomy else None)


@contextlib.contextmanager
def mongod(path):
    """Yields the URI and the data folder of a fresh replica set of one."""
    folder = data_folder()
    port = free_port()
    log = os.path.join(folder, "mongod.log")
    command = [path, "--dbpath", folder, "--port", str(port), "--bind_ip", "127.0.0.1", "--replSet", "bench", "--logpath", log]
    command += ["--oplogSize", "4096", "--wiredTigerCacheSizeGB", "1", "--setParameter", "diagnosticDataCollectionEnabled=false"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=die_with_parent)
    try:
        with pymongo.MongoClient(f"mongodb://127.0.0.1:{port}/?directConnection=true", serverSelectionTimeoutMS=20000) as client:
            client.admin.command("replSetInitiate", {"_id": "bench", "members": [{"_id": 0, "host": f"127.0.0.1:{port}"}]})
            deadline = time.monotonic() + 20
            while not client.admin.command("hello")["isWritablePrimary"]:
                if time.monotonic() > deadline:
                    raise SystemExit(f"mongod did not become primary; its log is {log}")
                time.sleep(0.05)
        yield f"mongodb://127.0.0.1:{port}/?replicaSet=bench", folder
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


class MockCluster:
    """Speaks the line protocol of mockcluster.c."""

    def __init__(self, executable):
        self.process = subprocess.Popen([executable], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.bootstrap = self.process.stdout.readline().split()[1]

    def _ask(self, command):
        self.process.stdin.write(command + "\n")
        return self.process.stdout.readline().strip()

    def create_topic(self, name, partitions):
        answer = self._ask(f"topic {name} {partitions}")
        if answer != "ok":
            raise SystemExit(f"mock cluster: {name}: {answer}")

    def watching(self, topic, partitions, marker):
        """The arrivals of records that have the marker, at the cluster itself, of whatever topic."""
        return MockArrivals(self, marker)

    def watch(self, marker=""):
        self._ask(f"watch {marker}".strip())

    def arrivals(self):
        count, first, last, median, p99, most = self._ask("arrivals").split()
        return {"count": int(count), "first": int(first), "last": int(last), "median": float(median), "p99": float(p99), "max": float(most)}

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class MockArrivals:
    def __init__(self, cluster, marker):
        self.cluster, self.marker = cluster, marker
        self.forget()

    def forget(self):
        self.cluster.watch(self.marker)

    def arrivals(self):
        return self.cluster.arrivals()

    def close(self):
        pass


class CommittedArrivals:
    """Reads a topic's committed records on a thread of its own, and keeps how old each is when it arrives.

    `marker` stands in front of the time at which the record's cause was sent, in nanoseconds since 1970.
    """

    def __init__(self, bootstrap, topic, partitions, marker):
        self.pattern = re.compile(re.escape(marker.encode()) + rb"(\d+)")
        self.ages = []
        self.consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": topic, "isolation.level": "read_committed", "fetch.wait.max.ms": 500})
        self.consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
        self.open = True
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self):
        while self.open:
            message = self.consumer.poll(0.05)
            found = None if message is None or message.error() else self.pattern.search(message.value())
            if found:
                self.ages.append((time.time_ns() - int(found.group(1))) / 1e3)

    def forget(self):
        self.ages = []

    def arrivals(self):
        """As the mock cluster gives them; microseconds."""
        ages = sorted(self.ages)
        if not ages:
            return {"count": 0}
        return {"count": len(ages), "median": ages[len(ages) // 2], "p99": ages[len(ages) * 99 // 100], "max": ages[-1]}

    def close(self):
        self.open = False
        self.thread.join()
        self.consumer.close()


class RealCluster:
    """A broker that somebody else runs."""

    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        self.admin = AdminClient({"bootstrap.servers": bootstrap})

    def watching(self, topic, partitions, marker):
        """The arrivals of a topic's records, as a reader of committed records sees them."""
        return CommittedArrivals(self.bootstrap, topic, partitions, marker)

    def create_topic(self, name, partitions):
        config = {"cleanup.policy": "compact"} if name.endswith(".positions") else {}
        for created in self.admin.create_topics([NewTopic(name, partitions, 1, config=config)]).values():
            created.result()
