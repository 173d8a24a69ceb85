# SPDX-License-Identifier: Apache-2.0
"""Members share partitions; one joins, one leaves, and nothing is lost or seen twice."""

import json
import threading

import harness
from harness import wait_until
from scenario import Scenario, message, payment


class Feed(threading.Thread):
    """Writes to every partition, every tenth record bad, until it is told to stop."""

    def __init__(self, app):
        super().__init__(daemon=True)
        self.app, self.rounds = app, 0
        self.stopped, self.failure = threading.Event(), None

    def run(self):
        try:
            while not self.stopped.wait(0.1):
                first = self.rounds * 20
                self.app.produce(
                    message(payment(n, amount=900.0 if n % 10 == 0 else 1.0), partition=p)
                    for n in range(first, first + 20)
                    for p in range(self.app.partitions)
                )
                self.rounds += 1
        except Exception as error:
            self.failure = error

    def wait_more(self, rounds=3):
        wanted = self.rounds + rounds
        wait_until(lambda: self.failure or self.rounds >= wanted, "more records", 120)

    def finish(self):
        self.stopped.set()
        self.join()
        if self.failure:
            raise self.failure


class Members(Scenario):
    def test_one_joins_and_one_leaves_while_records_come(self):
        app = self.app(partitions=4)
        feed = Feed(app)
        first = app.start("a")
        feed.start()
        self.cluster.wait_members(app.group, app.topic, 1)
        feed.wait_more()
        second = app.start("b")
        self.cluster.wait_members(app.group, app.topic, 2)
        feed.wait_more()
        self.assertEqual(first.stop(), 0)
        self.cluster.wait_members(app.group, app.topic, 1)
        feed.wait_more()
        feed.finish()
        app.wait_consumed()
        self.assertTrue(second.running)

        bad = app.offsets_of(lambda value: b"900.0" in value)
        self.assertEqual(len(bad), 4 * 2 * feed.rounds)
        wait_until(lambda: len(app.quarantined()) >= len(bad), "all bad records")
        self.assertEqual(set(app.quarantined()), bad)
        alerts = self.cluster.wait_alerts(
            app.alerts, lambda found: any(a["kind"] == "schema.range" for a in found)
        )
        self.assertEqual(len({a["fingerprint"] for a in alerts}), 1, json.dumps(alerts)[:2000])
        sequence = [a["sequence"] for a in alerts]
        self.assertEqual(sequence, list(range(sequence[0], sequence[0] + len(sequence))))
        self.assertEqual([a["status"] for a in alerts].count("open"), 1)


if __name__ == "__main__":
    harness.main()
