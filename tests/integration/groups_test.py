# SPDX-License-Identifier: Apache-2.0
"""Which partitions a member reads: streams that belong together go together, with their state;
topics grow; records are gone while it runs."""

import json
import pathlib
import re
import signal

from confluent_kafka import TopicPartition
from confluent_kafka.admin import NewPartitions

import harness
from harness import Member, json_bytes, wait_until
from scenario import START, STEP, Scenario, message, opened, payment

STREAMS = """\
  labels:
    topic: {labels}
    format: json
    key: id
    time: at
    idle_timeout: 1h
    fields:
      id: {{type: string}}
      at: {{type: long}}
      label: {{type: string, role: label, values: [good, bad]}}
    join: {{to: payments, within: 1d}}
  reviews:
    topic: {reviews}
    format: json
    key: id
    time: at
    idle_timeout: 1h
    fields:
      id: {{type: string}}
      at: {{type: long}}
      mark: {{type: long, range: [0, 5]}}
    join: {{to: labels, within: 1d}}
alerts:"""
MORE = """\
  label_contract:  {type: schema, stream: labels}
  review_contract: {type: schema, stream: reviews}
"""


class Groups(Scenario):
    def settled(self, app, count):
        """The open event's incidents, with the number of records in each, once all are over."""

        def over(alerts):
            return len([a for a in alerts if a["status"] == "resolved"]) >= count

        alerts = self.cluster.wait_alerts(app.alerts, over)
        for event in (a for a in alerts if a["status"] == "open"):
            life = [a for a in alerts if a["fingerprint"] == event["fingerprint"]]
            self.assertEqual([a["sequence"] for a in life], list(range(1, len(life) + 1)))
            self.assertEqual([a["status"] for a in life].count("open"), 1, json.dumps(life)[:3000])
        return {(a["stream"], a["kind"]): a["occurrences"] for a in alerts
                if a["status"] == "resolved"}  # fmt: skip

    def joined(self, app, partitions=4):
        """Topics of two more streams, and a function that starts a member."""
        labels = self.cluster.create_topic(f"{app.app}.labels", partitions)
        reviews = self.cluster.create_topic(f"{app.app}.reviews", partitions)

        def start(name):
            text = app.config(name, more=MORE).replace("idle_timeout: 1s", "idle_timeout: 1h")
            text = text.replace("alerts:", STREAMS.format(labels=labels, reviews=reviews), 1)
            return app.members.enter_context(Member(text, app.folder, name=name))

        return labels, reviews, start

    def test_joined_streams_go_together_and_their_state_with_them(self):
        app = self.app(partitions=4)
        labels, reviews, start = self.joined(app)
        topics = (app.topic, labels, reviews)
        sent = 0

        def feed(step=STEP):
            """Fifty records to each partition of each topic; in each, every tenth is bad."""
            nonlocal sent
            payments, marks, seen = [], [], []
            for n in range(sent, sent + 50):
                bad = n % 10 == 3 and step == STEP
                at = START + sent * STEP + (n - sent) * step
                for p in range(4):
                    payments.append({**message({**payment(n, 900.0 if bad else 1.0), "at": at}, p)})
                    marks.append({"value": json_bytes({"id": f"p{n}", "at": at, "label": "ugly" if
                                  bad else "good"}), "partition": p})  # fmt: skip
                    seen.append({"value": json_bytes({"id": f"p{n}", "at": at, "mark": 9 if bad else 1}),
                                 "partition": p})  # fmt: skip
            sent += 50
            for topic, records in zip(topics, (payments, marks, seen)):
                self.cluster.produce(topic, records)

        def read():
            for topic in topics:
                self.cluster.wait_consumed(app.group, topic)

        first = start("a")
        feed()
        read()
        second = start("b")
        shares = self.cluster.wait_members(app.group, app.topic, 2)
        for parts in shares.values():  # followers are nobody's in the group, and read all the same
            self.assertEqual({topic for topic, _ in parts} & {labels, reviews}, set())
        feed()
        read()
        self.assertEqual(first.stop(), 0)
        feed()
        read()
        feed()
        third = start("c")
        self.cluster.wait_members(app.group, app.topic, 2)
        second.kill()
        feed()
        read()
        feed(60_000)  # quiet: everything before is over
        read()
        bad = 4 * 5 * 5
        self.assertEqual(self.settled(app, 3), {
            ("payments", "schema.range"): bad, ("labels", "schema.values"): bad,
            ("reviews", "schema.range"): bad,
        })  # fmt: skip
        copies = [dict(m.headers()) for m in self.cluster.read(app.quarantine)]
        places = [(h["weir_topic"], h["weir_partition"], h["weir_offset"]) for h in copies]
        self.assertEqual(len(places), 3 * bad)
        self.assertEqual(len(set(places)), 3 * bad)
        self.assertTrue(third.running)
        log = first.log()
        self.assertEqual(log.count("warning: join: is taken, but no detector looks at the two"), 1, log[:3000])

    def test_joined_topics_need_equally_many_partitions(self):
        app = self.app(partitions=4)
        _, _, start = self.joined(app, partitions=3)
        member = start("a")
        wait_until(lambda: not member.running, "the refusal")
        self.assertEqual(member.child.returncode, 1)
        self.assertIn("labels has 3 partitions and payments, to which it is joined, 4",
                      member.log())  # fmt: skip

    def grow(self, topic, count):
        for future in self.cluster.admin.create_partitions([NewPartitions(topic, count)]).values():
            future.result(90)
        wait_until(lambda: self.cluster.partitions(topic) == count, f"{topic} to grow")

    def feed(self, app, first, partitions, amount=900.0):
        app.produce(message(payment(n, amount if n % 10 == 3 else 1.0), p)
                    for n in range(first, first + 50) for p in range(partitions))  # fmt: skip
        app.wait_consumed()

    def test_a_topic_grows(self):
        app = self.app(partitions=2)
        member = app.start()
        self.feed(app, 0, 2)
        self.grow(app.topic, 4)
        member.wait_log("payments has 4 partitions now", 120)
        self.cluster.wait_members(app.group, app.topic, 1)
        self.feed(app, 50, 4)
        self.assertEqual(member.stop(), 0)
        app.start("b")
        self.feed(app, 100, 4)
        app.produce(message(payment(n), p) for n in range(700, 710) for p in range(4))
        self.assertEqual(self.settled(app, 1), {("payments", "schema.range"): 5 * 2 + 2 * 5 * 4})
        wanted = {(p, n) for p, n in self.places(app) if n % 10 == 3}
        self.assertEqual(set(app.quarantined()), wanted)

    @staticmethod
    def places(app):
        return [(p, n) for p in range(4) for n in range(150 if p < 2 else 100)]

    def test_a_group_of_topics_grows_one_by_one(self):
        app = self.app(partitions=2)
        labels, reviews, start = self.joined(app, partitions=2)
        member = start("a")
        self.feed(app, 0, 2)
        # The driver is first: its new partitions wait for those that belong to them.
        self.grow(app.topic, 3)
        member.wait_log("edge payments 2: restoring is tried again", 120)
        self.grow(labels, 3)
        self.grow(reviews, 3)
        member.wait_log("edge payments 2: new at offset 0", 120)
        self.feed(app, 50, 3)
        self.cluster.produce(labels, [{"value": json_bytes({"id": "x", "at": START, "label": "ugly"}),
                                       "partition": 2}])  # fmt: skip
        self.cluster.wait_consumed(app.group, labels)
        copies = [dict(m.headers()) for m in self.cluster.read(app.quarantine)]
        self.assertEqual(sum(h["weir_topic"] == labels.encode() for h in copies), 1)
        self.assertEqual(sum(h["weir_topic"] == app.topic.encode() for h in copies), 5 * 5)
        self.assertTrue(member.running)

    @staticmethod
    def state(pid):
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]

    def test_records_that_are_gone_while_it_runs(self):
        app = self.app()
        member = app.start()
        self.feed(app, 0, 1)
        at = 50
        gone = re.compile(r"the records from offset (\d+) to before (\d+) are gone")
        # Held still, it asks for nothing. What it had asked for before is answered with the first
        # records that come; those behind them are cut off.
        while not gone.search(member.log()) and at < 1000:
            member.signal(signal.SIGSTOP)
            wait_until(lambda: self.state(member.pid) == "T", "the member to stand still")
            for some in (5, 45):
                app.produce(message(payment(n)) for n in range(at, at + some))
                at += some
            cut = TopicPartition(app.topic, 0, at - 5)
            for future in self.cluster.admin.delete_records([cut]).values():
                future.result(90)
            member.signal(signal.SIGCONT)
            app.wait_consumed()
        first, end = map(int, gone.search(member.log()).groups())
        self.assertIn("is out of range", member.log())
        self.assertIn(first, (at - 50, at - 45))
        self.assertEqual(end, at - 5)
        self.feed(app, at, 1)
        app.produce(message(payment(n)) for n in range(at + 500, at + 510))
        alerts = self.cluster.wait_alerts(app.alerts, lambda found: opened(found, "weir.gap"))
        (gap,) = opened(alerts, "weir.gap")
        self.assertEqual((gap["severity"], gap["stream"]), ("critical", "payments"))
        self.assertEqual(gap["occurrences"], end - first, gap["summary"])
        self.assertTrue(member.running)


if __name__ == "__main__":
    harness.main()
