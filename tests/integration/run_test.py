# SPDX-License-Identifier: Apache-2.0
"""`weir run` by itself: reload, records that do not fit, records that are gone, a graceful stop."""

import json
import time
import unittest

from confluent_kafka import TopicPartition
from harness import Broker, Cluster, Member, json_bytes, main, shared_servers, unique, wait_until

CONFIG = """\
version: 1
app: {app}
state_dir: ./state
kafka: {{bootstrap.servers: "{bootstrap}"}}
streams:
  s:
    topic: {app}.in
    format: json
    key: id
    time: at
    idle_timeout: 1h
    {stream}
    fields:
      id: {{type: string}}
      at: {{type: long}}
      amount: {{type: double, range: [0, {high}]}}
alerts: {{topic: {app}.alerts}}
quarantine: {{topic: {app}.quarantine}}
http: {{listen: off}}
commit: {{every: 100ms, snapshot_every: 1s}}
detectors:
  contract: {{type: schema, stream: s}}
"""
BASE = 1_700_000_000_000


def records(first, count, amount=5.0, step=1000):
    return [
        {"key": str(n), "value": json_bytes({"id": str(n), "at": BASE + n * step, "amount": amount}),
         "partition": 0}
        for n in range(first, first + count)
    ]  # fmt: skip


class Run(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        servers = shared_servers()
        cls.broker = None if servers else Broker().start()
        cls.cluster = Cluster(servers[0] if servers else cls.broker.bootstrap)

    @classmethod
    def tearDownClass(cls):
        if cls.broker:
            cls.broker.kill()

    def member(self, app, **changes):
        values = {"app": app, "bootstrap": self.cluster.bootstrap, "stream": "", "high": 100}
        return Member(CONFIG.format(**{**values, **changes}), name=app)

    def config(self, app, **changes):
        values = {"app": app, "bootstrap": self.cluster.bootstrap, "stream": "", "high": 100}
        return CONFIG.format(**{**values, **changes})

    def quarantined(self, app):
        return self.cluster.read(f"{app}.quarantine") if self.cluster.partitions(f"{app}.quarantine") else []

    def test_reload_refuses_what_is_wrong_and_takes_what_is_right(self):
        app = unique("reload")
        self.cluster.create_topic(f"{app}.in")
        with self.member(app) as member:
            self.cluster.produce(f"{app}.in", records(0, 50))
            self.cluster.wait_consumed(f"weir.{app}", f"{app}.in")
            member.reload(self.config(app, high='"much"'))
            member.wait_log("the old one goes on")
            self.cluster.produce(f"{app}.in", records(50, 50, amount=60.0))
            self.cluster.wait_consumed(f"weir.{app}", f"{app}.in")
            self.assertEqual(self.quarantined(app), [])
            member.reload(self.config(app, high=50))
            member.wait_log("takes over")
            self.cluster.produce(f"{app}.in", records(100, 10, amount=60.0))
            wait_until(lambda: len(self.quarantined(app)) == 10, "ten records in quarantine")
            self.assertIn("edge s 0: restored at offset 100, committed 100", member.log())
            began = time.monotonic()
            self.assertEqual(member.stop(), 0)
            self.assertLess(time.monotonic() - began, 20)
        offsets = sorted(int(dict(m.headers())["weir_offset"]) for m in self.quarantined(app))
        self.assertEqual(offsets, list(range(100, 110)))

    def test_a_record_that_does_not_fit_becomes_a_pointer(self):
        app = unique("large")
        self.cluster.create_topic(f"{app}.in", max_message_bytes=3_000_000)
        self.cluster.create_topic(f"{app}.quarantine", max_message_bytes=3_100_000)
        with self.member(app) as member:
            # The broker counts compressed bytes, so the source may hold what the copy may not.
            huge = {"key": "k", "value": b"x" * 8_000_000, "partition": 0}
            fitting = {"key": "f", "value": b"y" * 2_900_000, "partition": 0}
            self.cluster.produce(f"{app}.in", [huge, fitting], message_max_bytes=9_000_000,
                                 compression_type="gzip")
            found = wait_until(
                lambda: len(self.quarantined(app)) == 2 and self.quarantined(app), "both copies")
            self.assertEqual(member.stop(), 0)
        by_offset = {int(dict(m.headers())["weir_offset"]): m for m in found}
        self.assertEqual(by_offset[1].value(), fitting["value"])
        pointer = json.loads(by_offset[0].value())
        self.assertEqual((pointer["topic"], pointer["partition"], pointer["offset"]),
                         (f"{app}.in", "0", "0"))
        self.assertEqual(pointer["bytes"], 8_000_000)
        self.assertEqual(dict(by_offset[0].headers())["weir_pointer"], b"1")

    def test_a_quarantine_that_is_too_narrow_is_refused(self):
        app = unique("narrow")
        self.cluster.create_topic(f"{app}.in", max_message_bytes=3_000_000)
        self.cluster.create_topic(f"{app}.quarantine", max_message_bytes=100_000)
        with self.member(app) as member:
            wait_until(lambda: not member.running, "the refusal")
            self.assertEqual(member.child.returncode, 1)
            self.assertIn("max.message.bytes is 100000 and must be at least 3065536", member.log())

    def test_records_that_are_gone_are_told(self):
        app = unique("gap")
        topic = self.cluster.create_topic(f"{app}.in")
        with self.member(app) as member:
            self.cluster.produce(topic, records(0, 100))
            self.cluster.wait_consumed(f"weir.{app}", topic)
            self.assertEqual(member.stop(), 0)
            self.cluster.produce(topic, records(100, 100))
            gone = self.cluster.admin.delete_records([TopicPartition(topic, 0, 150)])
            for future in gone.values():
                future.result(20)
            member.start()
            member.wait_log("the records from offset 100 to before 150 are gone")
            self.cluster.produce(topic, records(4000, 3))
            alerts = self.cluster.wait_alerts(
                f"{app}.alerts", lambda a: any(x["kind"] == "weir.gap" for x in a), 60, "weir.gap")
            self.assertEqual(member.stop(), 0)
        gaps = [a for a in alerts if a["kind"] == "weir.gap" and a["status"] == "open"]
        self.assertEqual(len(gaps), 1)
        self.assertEqual(gaps[0]["severity"], "critical")

    def test_on_gap_stop_stops(self):
        app = unique("gapstop")
        topic = self.cluster.create_topic(f"{app}.in")
        with self.member(app, stream="on_gap: stop") as member:
            self.cluster.produce(topic, records(0, 100))
            self.cluster.wait_consumed(f"weir.{app}", topic)
            self.assertEqual(member.stop(), 0)
            self.cluster.produce(topic, records(100, 100))
            for future in self.cluster.admin.delete_records([TopicPartition(topic, 0, 150)]).values():
                future.result(20)
            member.start()
            member.wait_log("edge s 0 is stopped")
            self.assertIn("on_gap: stop", member.log())
            self.assertEqual(self.cluster.committed(f"weir.{app}", topic)[0], 100)
            self.assertEqual(member.stop(), 0)

    def test_unreadable_state_stops_the_task(self):
        app = unique("damaged")
        topic = self.cluster.create_topic(f"{app}.in")
        with self.member(app) as member:
            self.cluster.produce(topic, records(0, 100))
            self.cluster.wait_consumed(f"weir.{app}", topic)
            self.assertEqual(member.stop(), 0)
            state = f"weir.{app}.state"
            place = next(m for m in self.cluster.read(state) if m.key() == b"edge s 0/manifest")
            self.cluster.produce(state, [{"key": place.key(), "value": place.value()[:-3] + b"abc",
                                          "partition": place.partition()}])  # fmt: skip
            member.start()
            member.wait_log("edge s 0 is stopped: the state of edge s 0 cannot be read")
            self.assertEqual(member.stop(), 0)


if __name__ == "__main__":
    main()
