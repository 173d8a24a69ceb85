# SPDX-License-Identifier: Apache-2.0
"""Events that are old when they reach the broker are told of, by their timestamps, until they are
fresh again."""

import harness
from scenario import Scenario, message, opened, payment

MINUTE = 60_000


class Freshness(Scenario):
    def feed(self, app, numbers, age):
        """Records that come `age` after they say that they happened."""
        records = [message(payment(n), n % 2) for n in numbers]
        app.produce({**r, "timestamp": r["timestamp"] + age} for r in records)
        app.wait_consumed()

    def test_old_events_are_told_of(self):
        app = self.app(partitions=2)
        plain = app.config

        def config(*arguments, **more):
            return plain(*arguments, **more).replace(
                "{type: schema, ",
                "{type: schema, freshness: 10m, minimum: 10, window: {size: 20s}, ",
            )

        app.config = config
        app.start()
        self.feed(app, range(100), 1000)
        self.feed(app, range(100, 200), 30 * MINUTE)
        alerts = self.cluster.wait_alerts(app.alerts, lambda a: opened(a, "schema.freshness"))
        (alert,) = opened(alerts, "schema.freshness")
        self.assertGreater(alert["window"]["end"], payment(100)["at"])
        self.assertIn("were over 10 minutes old when they arrived (the oldest 30 minutes)",
                      alert["summary"])  # fmt: skip
        self.feed(app, range(200, 400), 1000)
        self.cluster.wait_alerts(
            app.alerts, lambda a: any(x["kind"] == "schema.freshness" and x["status"] == "resolved" for x in a)
        )  # fmt: skip
        self.assertEqual({a["kind"] for a in self.cluster.read_json(app.alerts)}, {"schema.freshness"})


if __name__ == "__main__":
    harness.main()
