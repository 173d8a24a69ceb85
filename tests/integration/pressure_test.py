# SPDX-License-Identifier: Apache-2.0
"""Back-pressure from end to end: the broker stands still while the source is full and every other
record is copied to quarantine. Memory stays bounded, and when it goes on nothing is lost."""

import signal
import time

import harness
from harness import Broker, Cluster, wait_until
from memory_test import RESIDENT, held, metrics, peak
from scenario import Scenario, message, payment

PARTITIONS, EACH, BAD = 4, 30_000, 900.0
LIMIT = 64  # MiB
STILL = 15  # seconds: past the session's and the transaction's time-out


class Pressure(Scenario):
    @classmethod
    def setUpClass(cls):
        cls.broker = Broker().start()

    @classmethod
    def tearDownClass(cls):
        cls.broker.__exit__(None, None, None)

    def test_the_broker_stands_still(self):
        app = self.app(cluster=Cluster(self.broker.bootstrap), partitions=PARTITIONS)
        route = "r" * 400  # so that what is copied is large
        app.produce(
            message(payment(n, amount=BAD if n % 2 else 1.0, route=route), partition=p)
            for n in range(EACH)
            for p in range(PARTITIONS)
        )
        member = app.start(more=f"limits: {{memory: {LIMIT}MiB}}\n")

        def records():
            try:
                return metrics(member)["weir_records_total"]
            except OSError:
                return 0  # nobody listens yet

        wait_until(lambda: records() > 0, "the first records")
        self.broker.signal(signal.SIGSTOP)
        stopped = time.monotonic()
        most, seen, since = 0, records(), time.monotonic()
        try:
            # It takes what was fetched as far as output may wait, and then stands still as well.
            while time.monotonic() - stopped < STILL or time.monotonic() - since < 3:
                values = metrics(member)  # it answers all the while
                most = max(most, sum(held(values).values()))
                if values["weir_records_total"] != seen:
                    seen, since = values["weir_records_total"], time.monotonic()
                self.assertLess(time.monotonic() - stopped, 90, "it goes on reading")
                time.sleep(0.2)
            self.assertTrue(member.running)
            self.assertLess(seen, PARTITIONS * EACH)
        finally:
            self.broker.signal(signal.SIGCONT)
        self.assertLess(most, LIMIT)
        app.cluster = Cluster(self.broker.bootstrap)
        app.wait_consumed(240)
        bad = app.offsets_of(lambda value: str(BAD).encode() in value)
        self.assertEqual(len(bad), PARTITIONS * EACH // 2)
        wait_until(lambda: len(app.quarantined()) >= len(bad), "all bad records", 120, 1)
        self.assertEqual(set(app.quarantined()), bad)  # and none twice
        self.assertLess(peak(member), RESIDENT)
        self.assertEqual(member.stop(), 0)


if __name__ == "__main__":
    harness.main()
