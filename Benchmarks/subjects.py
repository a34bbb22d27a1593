"""What the benchmarks share: compiling the C programs, starting and stopping what is measured, and taking its figures."""

import contextlib
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time

from confluent_kafka import Consumer, TopicPartition

from places import BIN, BRIDGE, HERE, WORK

PATIENCE = 120  # seconds without progress after which a run has failed

PROGRAMS = {  # source: what it becomes, the packages it needs, other arguments
    "drain.c": ("drain", ["libmongoc-1.0"], []),
    "copy.c": ("copy", ["libmongoc-1.0"], []),
    "paced.c": ("paced", ["libmongoc-1.0"], []),
    "inserts.c": ("inserts", ["libmongoc-1.0"], ["-lpthread"]),
    "commands.c": ("commands", ["rdkafka"], ["-lpthread"]),
    "mockcluster.c": ("mockcluster", ["rdkafka"], ["-lpthread", "-ldl"]),
    "countmalloc.c": ("countmalloc.so", [], ["-shared", "-fPIC", "-ldl"]),
}


def note(text):
    print(text, file=sys.stderr, flush=True)


def compile_programs(*sources):
    os.makedirs(BIN, exist_ok=True)
    compiler = os.environ.get("CC") or next(filter(shutil.which, ("cc", "clang", "gcc")))  # a Swift toolchain brings clang
    for source in sources:
        target, packages, extra = PROGRAMS[source]
        command = [compiler, "-O2", "-Wall", "-Wextra", "-o", os.path.join(BIN, target), os.path.join(HERE, source), *extra]
        if packages:
            command += subprocess.check_output(["pkg-config", "--cflags", "--libs", *packages], text=True).split()
        subprocess.check_call(command)


def bridge_can_run():
    if not os.path.exists(BRIDGE):
        return False
    answer = subprocess.run([BRIDGE, "--help"], capture_output=True, text=True)
    return any(line.split()[:1] == ["run"] for line in answer.stdout.splitlines())


class Subject:
    """A program under measurement: how to start it, with topics of its own, and how to end it."""

    runs = 0
    by_thread = False
    kafka = {}

    def __init__(self, name, uri, cluster):
        self.name, self.uri, self.cluster = name, uri, cluster

    def fresh_name(self):
        Subject.runs += 1
        return f"bench-{os.getpid()}-{Subject.runs}"

    def launch(self, name, command, environment=None):
        self.log = os.path.join(WORK, name + ".log")
        with open(self.log, "w") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})})

    def stop(self, process):
        """Ends the program and returns its CPU seconds, from its start to its end."""
        process.terminate()  # harmless when it has ended: it stays a zombie until the next line
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        return usage.ru_utime + usage.ru_stime

    def alive(self, process):
        """Raises when the program has ended by itself; a zombie still has its figures."""
        if os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            with open(self.log) as log:
                raise SystemExit(f"{self.name} ended too early:\n{log.read()[-2000:]}")


class Watermarks:
    """Counts the records of a topic by its high watermarks."""

    def __init__(self, cluster, partitions):
        self.consumer = Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": "bench", "log_level": 3})
        self.partitions = partitions

    def close(self):
        self.consumer.close()

    def count(self, topic):
        return sum(self.consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=10)[1] for p in range(self.partitions))

    def reach(self, topic, events, subject, process):
        """Waits for the records. Returns when the first ones were seen, how many they were, and when the last one was."""
        first, count, seen, progress = None, 0, 0, time.monotonic()
        while count < events:
            time.sleep(0.01)
            count = self.count(topic)
            now = time.monotonic()
            if first is None and count > 0:
                first = (now, count)
            if count > seen:
                seen, progress = count, now
            elif now - progress > PATIENCE:
                raise SystemExit(f"{subject.name}: {count} of {events} records, and no more for {PATIENCE} s; its log is {subject.log}")
            subject.alive(process)
        return first, now


def await_arrivals(watched, count, subject, process, patience=PATIENCE):
    deadline = time.monotonic() + patience
    while True:
        arrivals = watched.arrivals()
        if arrivals["count"] >= count:
            return arrivals
        if time.monotonic() > deadline:
            raise SystemExit(f"{subject.name}: {arrivals['count']} of {count} records arrived; its log is {subject.log}")
        subject.alive(process)
        time.sleep(0.005)


def peak_megabytes(process):
    with open(f"/proc/{process.pid}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


def cpu_times(path):
    """The name, and the user and the system seconds so far, of a process or a thread."""
    with open(path + "/stat") as file:
        name, rest = file.read().rsplit(")", 1)
    user, system = (int(field) / os.sysconf("SC_CLK_TCK") for field in rest.split()[11:13])
    return name.split("(", 1)[1], user, system


def thread_seconds(process):
    """CPU seconds of every thread by its name, the busiest first."""
    threads = []
    for thread in os.listdir(f"/proc/{process.pid}/task"):
        with contextlib.suppress(FileNotFoundError):
            name, user, system = cpu_times(f"/proc/{process.pid}/task/{thread}")
            threads.append((user + system, f"{name} {user:.2f}+{system:.2f}"))
    return ", ".join(text for seconds, text in sorted(threads, reverse=True) if seconds >= 0.01)


def medians(rounds):
    return {key: statistics.median(r[key] for r in rounds) for key in rounds[0]} if rounds else {}


def cell(figures, key, form):
    return form.format(figures[key]) if key in figures else ""


def machine():
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30
    return f"{os.cpu_count()} cores, {memory} GB, {platform.system()} {platform.release().split('-')[0]}"
