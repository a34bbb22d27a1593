"""What the formats of records cost the bridge, beside relaxed JSON: CPU time for the same flood, in turns."""

from readers import Bridge
from subjects import machine, medians, note

# Ten paths, six of which the documents of the flood have.
FIELDS = {
    "exclude": ["tags", "warehouse.cold", "ssn", "card.number"],
    "rename": {"quantity": "units", "warehouse.shelf": "place"},
    "mask": {"type": "hash", "warehouse.city": {"keep": 2}, "email": "hash", "phone": {"keep": 4}},
    "key": "a key for the measurement only",
}

FORMATS = {name: {"format": name} for name in ("relaxed", "canonical", "simple", "bson", "debezium", "cloudevents")} | {
    "fields": {"format": "relaxed", "fields": FIELDS},
}
BASE = "relaxed"


def chosen(names):
    """The formats of a list with commas, `relaxed` first, with which the others are compared."""
    unknown = [name for name in names.split(",") if name not in FORMATS]
    if unknown:
        raise SystemExit(f"unknown format {unknown[0]}; known: {', '.join(FORMATS)}")
    return [BASE] + [name for name in names.split(",") if name != BASE]


def measure(names, uri, cluster, rounds, flood):
    """Medians by format. `flood` publishes the whole load with a program and gives its figures."""
    bridges = {name: Bridge(name, uri, cluster, stream=FORMATS[name]) for name in names}
    figures = {name: [] for name in names}
    for number in range(rounds):
        # In another order each time: what comes first in a round is not always the same.
        for name in names[number % len(names) :] + names[: number % len(names)]:
            figures[name].append(flood(bridges[name]))
            note(f"  formats {number + 1}, {name}: " + ", ".join(f"{key} {value:,.2f}" for key, value in figures[name][-1].items()))
        for name in names:
            figures[name][-1]["ratio"] = figures[name][-1]["cpu"] / figures[BASE][-1]["cpu"]
    return {name: medians(results) for name, results in figures.items()}


def print_table(figures, load, rounds):
    print(f"\n{load['events']:,} events, half inserts, half updates with updateLookup; medians of {rounds} rounds;")
    print(f"{machine()}, MongoDB {load['mongodb']}, librdkafka's mock cluster.\n")
    print("| format | CPU seconds per 100,000 events | of relaxed in the same round | events/s |\n|---|---:|---:|---:|")
    for name, result in figures.items():
        print(f"| {name} | {result['cpu']:.2f} | {result['ratio']:.0%} | {result['steady']:,.0f} |")
