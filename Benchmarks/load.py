"""Fills a collection with the workload: half inserts, half updates, by several processes. Prints where it starts, its middle and its size.

usage: load.py URI DATABASE COLLECTION EVENTS
"""

import json
import multiprocessing
import sys
import time

import pymongo
from bson import ObjectId
from bson.timestamp import Timestamp

PROCESSES = 4
BATCH = 500
CITIES = ["Atlanta", "Boston", "Chicago", "Denver", "New York", "Portland", "Seattle", "Tulsa"]
FRUIT = ["apples", "bananas", "strawberries"]


def fruit(number):
    return {
        "_id": ObjectId(),
        "sentNanos": time.time_ns(),
        "type": FRUIT[number % 3],
        "quantity": number % 100,
        "price": 1.25 + number % 7 / 4,
        "warehouse": {"city": CITIES[number % 8], "shelf": number % 40, "cold": number % 2 == 0},
        "tags": ["fresh", "organic"],
        "note": "A crate of fruit, weighed, labelled and stored in the order in which it arrived at the warehouse on this very day.",
    }


def write(uri, database, collection, inserts, number):
    """Inserts and updates in turn, so that every stretch of the stream has both."""
    with pymongo.MongoClient(uri) as client:
        target = client[database][collection]
        for start in range(0, inserts, BATCH):
            documents = [fruit(number + i) for i in range(start, min(start + BATCH, inserts))]
            target.insert_many(documents, ordered=False)
            changes = {"$inc": {"quantity": -1}, "$set": {"warehouse.shelf": 7}}
            target.bulk_write([pymongo.UpdateOne({"_id": d["_id"]}, changes) for d in documents], ordered=False)


def operation_time(client):
    """The cluster time of the newest operation, once a majority has it."""
    with client.start_session() as session:
        concern = {"w": "majority", "wtimeout": 5000}
        client.admin.command("appendOplogNote", 1, data={"benchmark": "mark"}, writeConcern=concern, session=session)
        return session.operation_time


def after(mark):
    return Timestamp(mark.time, mark.inc + 1)


def main():
    uri, database, collection, events = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    share = events // (4 * PROCESSES)  # a half of the load, a half of that inserts, divided among the processes
    with pymongo.MongoClient(uri) as client:
        marks = [operation_time(client)]
        for half in range(2):
            writers = [
                multiprocessing.Process(target=write, args=(uri, database, collection, share, (half * PROCESSES + p) * share))
                for p in range(PROCESSES)
            ]
            for writer in writers:
                writer.start()
            for writer in writers:
                writer.join()
                if writer.exitcode:
                    sys.exit("load.py: a writer failed")
            marks.append(operation_time(client))
    start, middle = (f"{after(m).time}.{after(m).inc}" for m in marks[:2])
    print(json.dumps({"start": start, "middle": middle, "events": share * 4 * PROCESSES}))


if __name__ == "__main__":
    main()
