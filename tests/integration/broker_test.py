# SPDX-License-Identifier: Apache-2.0
"""The broker is stopped, or dies, in the middle, and comes back: weir goes on by itself."""

import harness
from harness import Broker, Cluster, wait_until
from scenario import Scenario, message, opened, payment

BAD = 900.0


class BrokerGoesAway(Scenario):
    @classmethod
    def setUpClass(cls):
        cls.broker = Broker().start()

    @classmethod
    def tearDownClass(cls):
        cls.broker.__exit__(None, None, None)

    def feed(self, app, first):
        app.produce(
            message(payment(n, amount=BAD if n % 25 == 0 else 1.0), partition=p)
            for n in range(first, first + 100)
            for p in range(app.partitions)
        )

    def check(self, take_away):
        app = self.app(cluster=Cluster(self.broker.bootstrap), partitions=2)
        member = app.start()
        self.feed(app, 0)
        app.wait_consumed()
        take_away()
        member.wait_log("_TRANSPORT")  # it noticed
        self.broker.start()
        app.cluster = Cluster(self.broker.bootstrap)  # clients that know nothing of before
        wait_until(lambda: app.cluster.committed(app.group, app.topic) == {0: 100, 1: 100},
                   "the group's offsets of before", 120)  # fmt: skip
        self.feed(app, 100)
        app.wait_consumed()
        bad = app.offsets_of(lambda value: str(BAD).encode() in value)
        self.assertEqual(len(bad), 16)
        wait_until(lambda: len(app.quarantined()) >= len(bad), "all bad records", 120)
        self.assertEqual(set(app.quarantined()), bad)
        alerts = app.cluster.wait_alerts(app.alerts, lambda a: opened(a, "schema.range"))
        self.assertEqual(len(opened(alerts, "schema.range")), 1)
        self.assertTrue(member.running)
        self.assertEqual(member.stop(), 0)

    def test_it_is_stopped(self):
        self.check(self.broker.stop)

    def test_it_dies(self):
        self.check(self.broker.kill)


if __name__ == "__main__":
    harness.main()
