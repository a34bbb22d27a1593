#!/bin/sh
set -eu

# The rights of bridge lessons in Kafka: what its configuration needs, and nothing else. Read and Write include Describe.
# In admin.properties is how an administrator logs in; without access for him alone, leave --command-config out.

# streams: agree which process leads.
# streams: topics.create: makes the topic if it is missing.
kafka-acls.sh --bootstrap-server 'kafka:19092' --command-config admin.properties --add --allow-principal 'User:bridge' --operation Read --operation Create --topic 'bridge.lessons.control'

# streams: store their positions; `bridge check` looks whether the topic is compacted.
# streams: topics.create: makes the topic if it is missing.
kafka-acls.sh --bootstrap-server 'kafka:19092' --command-config admin.properties --add --allow-principal 'User:bridge' --operation Read --operation Write --operation Create --operation DescribeConfigs --topic 'bridge.lessons.positions'

# streams: have positions set by `bridge positions`, which keeps who did it and why.
# streams: topics.create: makes the topic if it is missing.
kafka-acls.sh --bootstrap-server 'kafka:19092' --command-config admin.properties --add --allow-principal 'User:bridge' --operation Read --operation Write --operation Create --topic 'bridge.lessons.position-edits'

# streams: record what is left out, by `onLostPosition` or `bridge positions`.
# streams: topics.create: makes the topic if it is missing.
kafka-acls.sh --bootstrap-server 'kafka:19092' --command-config admin.properties --add --allow-principal 'User:bridge' --operation Write --operation Create --topic 'bridge.lessons.gaps'

# streams: keep what each snapshot copies; `bridge check` looks whether the topic is compacted.
# streams: topics.create: makes the topic if it is missing.
kafka-acls.sh --bootstrap-server 'kafka:19092' --command-config admin.properties --add --allow-principal 'User:bridge' --operation Read --operation Write --operation Create --operation DescribeConfigs --topic 'bridge.lessons.snapshots'

# stream inventory: publishes its events.
# stream inventory: topics.create: makes the topic if it is missing.
kafka-acls.sh --bootstrap-server 'kafka:19092' --command-config admin.properties --add --allow-principal 'User:bridge' --operation Write --operation Create --topic 'mongo.lessons.inventory'

# stream inventory: agrees which process leads.
kafka-acls.sh --bootstrap-server 'kafka:19092' --command-config admin.properties --add --allow-principal 'User:bridge' --operation Read --group 'bridge.lessons.inventory'

# stream inventory: publishes in transactions.
kafka-acls.sh --bootstrap-server 'kafka:19092' --command-config admin.properties --add --allow-principal 'User:bridge' --operation Write --transactional-id 'bridge.lessons.inventory'

# dispatcher shipments: takes commands.
# dispatcher shipments: topics.create: makes the topic if it is missing.
kafka-acls.sh --bootstrap-server 'kafka:19092' --command-config admin.properties --add --allow-principal 'User:bridge' --operation Read --operation Create --topic 'dispatch.commands'

# dispatcher shipments: answers them.
# dispatcher shipments: topics.create: makes the topic if it is missing.
kafka-acls.sh --bootstrap-server 'kafka:19092' --command-config admin.properties --add --allow-principal 'User:bridge' --operation Write --operation Create --topic 'dispatch.outcomes'

# dispatcher shipments: puts aside what can never be carried out.
# dispatcher shipments: topics.create: makes the topic if it is missing.
kafka-acls.sh --bootstrap-server 'kafka:19092' --command-config admin.properties --add --allow-principal 'User:bridge' --operation Write --operation Create --topic 'dispatch.dead-letters'

# dispatcher shipments: shares the commands with other processes, and keeps how far they are answered.
kafka-acls.sh --bootstrap-server 'kafka:19092' --command-config admin.properties --add --allow-principal 'User:bridge' --operation Read --group 'bridge.lessons.shipments'

# dispatcher shipments: publishes in transactions.
kafka-acls.sh --bootstrap-server 'kafka:19092' --command-config admin.properties --add --allow-principal 'User:bridge' --operation Write --transactional-id 'bridge.lessons.shipments.' --resource-pattern-type prefixed
