"""Programs that publish the events of a collection, and the bridge as one of them."""

import json
import os

import servers
from places import BRIDGE, WORK
from subjects import Subject

DATABASE = "lessons"
PARTITIONS = 3


class Reader(Subject):
    """A program that publishes the events of a collection."""

    def start(self, collection, start_at=None, environment=None):
        """Starts the program with a topic of its own. Returns the process and the topic."""
        topic = self.fresh_name()
        self.cluster.create_topic(topic, PARTITIONS)
        return self.launch(topic, self.command(topic, collection, start_at), environment), topic


class Bridge(Reader):
    def __init__(self, name, uri, cluster, delivery="at-least-once", stream=None):
        super().__init__(name, uri, cluster)
        self.delivery = delivery
        self.stream = stream or {}

    def command(self, topic, collection, start_at):
        for internal in ("positions", "control"):
            self.cluster.create_topic(f"bridge.{topic}.{internal}", 1)
        configuration = {
            "name": topic,
            "mongodb": {"uri": self.uri},
            "kafka": {"bootstrap.servers": self.cluster.bootstrap, **self.kafka},
            "topics": {"create": False},
            "streams": [
                {
                    "name": "bench",
                    "watch": f"{DATABASE}.{collection}",
                    "fullDocument": "updateLookup",
                    "startAt": {"clusterTime": start_at} if start_at else "now",
                    "topic": topic,
                    "format": "relaxed",
                    "delivery": self.delivery,
                    **self.stream,
                }
            ],
            "http": {"listen": f"127.0.0.1:{servers.free_port()}"},
        }
        path = os.path.join(WORK, topic + ".yaml")
        with open(path, "w") as file:
            json.dump(configuration, file)  # JSON is YAML
        return [BRIDGE, "run", "--config", path]
