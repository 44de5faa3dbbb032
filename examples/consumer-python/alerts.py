#!/usr/bin/env python3
"""Acts once on each revision of a signal, whatever happens in between.

Made from the contract alone (schemas/asyncapi.json, schemas/alert.v1.schema.json): an alert is a CloudEvent in binary
mode. Its attributes are the headers `ce_…`, its body is JSON, and (signal_id, revision) says which change it tells of. The
same revision can come twice: the broker hands a record out again when a consumer dies before it has committed, and an
operator may replay a topic. So the act and the note that it was done are one transaction of this program's own database;
the offset is committed afterwards.

    pip install -r requirements.txt
    python3 alerts.py --brokers 127.0.0.1:9092

Here the act is a row in the table `acted` and a line on standard output. Put yours in `act`.
"""

import argparse
import json
import sqlite3
import sys

from confluent_kafka import Consumer, KafkaError, KafkaException

ALERT_TYPES = tuple(
    f"io.auscult.alert.{verb}.v1" for verb in ("raised", "updated", "resolved", "retracted")
)


def main() -> int:
    options = read_options()
    database = sqlite3.connect(options.database)
    database.execute(
        "CREATE TABLE IF NOT EXISTS acted (signal_id TEXT, revision INTEGER, title TEXT,"
        " PRIMARY KEY (signal_id, revision))"
    )
    consumer = Consumer(
        {
            "bootstrap.servers": options.brokers,
            "group.id": options.group,
            "auto.offset.reset": "earliest",
            # Offsets are committed below, after the act.
            "enable.auto.commit": False,
            # Turns are transactions: what an aborted one wrote is not for us.
            "isolation.level": "read_committed",
            "enable.partition.eof": options.until_end,
        }
    )
    consumer.subscribe([options.topic])
    try:
        consume(consumer, database, options.until_end)
    except KeyboardInterrupt:
        pass
    finally:
        consumer.close()
    return 0


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--brokers", default="127.0.0.1:9092", help="host:port, with commas between")
    parser.add_argument("--topic", default="voc.alerts.v1")
    parser.add_argument("--group", default="alerts-example-python")
    parser.add_argument("--database", default="acted.sqlite", help="what was acted on")
    parser.add_argument("--until-end", action="store_true", help="stop when everything was read")
    return parser.parse_args()


def consume(consumer: Consumer, database: sqlite3.Connection, until_end: bool) -> None:
    ended = set()
    while True:
        message = consumer.poll(1.0)
        if message is None:
            continue
        error = message.error()
        if error is not None:
            if error.code() == KafkaError._PARTITION_EOF:
                ended.add(message.partition())
                if until_end and len(ended) == len(consumer.assignment()):
                    return
                continue
            raise KafkaException(error)
        ended.discard(message.partition())
        take(message, database)
        consumer.commit(message=message, asynchronous=False)


def take(message, database: sqlite3.Connection) -> None:
    attributes = {name: value.decode() for name, value in message.headers() or [] if value}
    # New types may come to a topic; what is not known is passed over.
    if attributes.get("ce_type") not in ALERT_TYPES or message.value() is None:
        return
    alert = json.loads(message.value())
    with database:
        noted = database.execute(
            "INSERT OR IGNORE INTO acted VALUES (?, ?, ?)",
            (alert["signal_id"], alert["revision"], alert["title"]),
        )
        if noted.rowcount == 1:
            act(alert)


def act(alert: dict) -> None:
    """What is to happen once. `suppressed_by` says that nobody is to be notified, and why."""
    line = {name: alert[name] for name in ("signal_id", "revision", "status", "title")}
    line["notify"] = not alert.get("suppressed_by")
    print(json.dumps(line, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    sys.exit(main())
