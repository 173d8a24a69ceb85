# SPDX-License-Identifier: Apache-2.0
"""The same topics give the same events, byte for byte, whoever reads them: one worker or two, one
member, two or three.

Each round has the names of the one before, as names are part of what events say: its topics and
its group are made anew, and the generated payments are written to them once more.
"""

import collections
import contextlib
import json
import pathlib
import tempfile
import unittest

import harness
from harness import SOURCE, Cluster, Member, run_weir, unique, wait_until

PARTITIONS = 4
WEEKS = 4
HOUR = 3_600_000
ROUNDS = [(1, 1), (1, 2), (2, 1), (3, 2)]  # members, workers of each
MORE = """
http: {{listen: off}}
workers: {workers}
commit: {{every: 100ms, snapshot_every: 1s}}
outputs: {{windows: {{topic: {prefix}windows}}}}
"""


class Everywhere(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(harness.shared_servers()[0])
        cls.app = unique("scale")
        cls.prefix = cls.app + "."
        kept = tempfile.TemporaryDirectory()
        cls.addClassCleanup(kept.cleanup)
        cls.folder = pathlib.Path(kept.name)
        training = cls.folder / "training.jsonl"
        cls.generate("--training", training, "--output", f"transactions={cls.folder}/t",
                     "--output", f"labels={cls.folder}/l")  # fmt: skip
        config = cls.folder / "profile.yaml"
        config.write_text(cls.config(1))
        (cls.folder / "profiles").mkdir()
        run_weir("profile", "-c", config, "-s", "transactions", "-i", training, "--quiet",
                 "-o", cls.folder / "profiles" / "payments.avro")  # fmt: skip

    @staticmethod
    def generate(*more):
        run_weir("generate", "--weeks", WEEKS, "--rate", 40, *more)

    @classmethod
    def config(cls, workers):
        """The demo's, with names of our own."""
        text = (SOURCE / "config" / "demo.yaml").read_text()
        for old, new in (
            ("app: payments-demo", f"app: {cls.app}"),
            ("topic: payments.", f"topic: {cls.prefix}"),
            ("    format: json", "    idle_timeout: 1h\n    format: json"),
            ("reference: training,", "reference: training, window: {size: 6h},"),
        ):
            assert old in text, old
            text = text.replace(old, new)
        return text + MORE.format(workers=workers, prefix=cls.prefix)

    def begin(self):
        """Topics that are there and empty, and nothing else of that name."""
        group, admin = f"weir.{self.app}", self.cluster.admin

        def mine():
            return [name for name in self.cluster.topics() if self.app in name]

        def no_group():
            try:
                admin.delete_consumer_groups([group])[group].result(30)
            except harness.KafkaException as error:
                return error.args[0].code() == harness.KafkaError.GROUP_ID_NOT_FOUND
            return False

        wait_until(no_group, f"{group} to be gone", 60, 0.2)
        if mine():
            for future in admin.delete_topics(mine()).values():
                future.result(30)
        wait_until(lambda: not mine(), "the topics to be gone", 60, 0.2)
        for name in ("features", "labels"):
            self.cluster.create_topic(self.prefix + name, PARTITIONS)
        self.cluster.create_topic(self.prefix + "alerts")

    def write_records(self):
        """The payments, and then some late ones that close the windows of all before."""
        self.generate("--bootstrap", self.cluster.bootstrap, "--topic-prefix", self.prefix,
                      "--partitions", PARTITIONS)  # fmt: skip
        for name, times in (("features", ["event_time"]), ("labels", ["labelled_at"])):
            topic = self.prefix + name
            lines = [(m.partition(), m.timestamp()[1], json.loads(m.value()))
                     for m in self.cluster.read(topic)]  # fmt: skip
            end = max(stamp for _, stamp, _ in lines)
            closing = []
            for partition in range(PARTITIONS):
                last = next(value for at, _, value in reversed(lines) if at == partition)
                for hours in range(12, 72, 12):
                    at = end + hours * HOUR
                    last = {**last, **{time: harness.rfc3339(at) for time in times}}
                    closing.append({"value": harness.json_bytes(last), "partition": partition,
                                    "timestamp": at})  # fmt: skip
            self.cluster.produce(topic, closing)

    def result(self):
        """What is on the topics it writes. Incidents of different windows are judged side by
        side, so that only each key's events have an order."""
        found = {}
        for name in ("alerts", "quarantine", "windows"):
            found[name] = collections.defaultdict(list)
            for message in self.cluster.read(self.prefix + name):
                headers = tuple(message.headers() or ())
                where = dict(headers)
                key = (message.key(), where.get("weir_partition"))
                found[name][key].append((message.value(), headers))
        for key in found["windows"]:
            found["windows"][key].sort()
        return found

    def round(self, members, workers):
        self.begin()
        folder = self.folder / f"{members}-{workers}"
        with contextlib.ExitStack() as stack:
            squad = [
                stack.enter_context(
                    Member(self.config(workers), self.folder, name=f"m{members}{workers}{i}",
                           env={"KAFKA": self.cluster.bootstrap, "WEIR_INSTANCE": f"m{i}",
                                "WEIR_STATE": str(folder)})  # fmt: skip
                )
                for i in range(members)
            ]
            for name in ("features", "labels"):
                self.cluster.wait_members(f"weir.{self.app}", self.prefix + name, members)
            self.write_records()
            for name in ("features", "labels"):
                self.cluster.wait_settled(f"weir.{self.app}", self.prefix + name)
            self.cluster.wait_settled(f"weir.{self.app}", f"weir.{self.app}.partials")
            found = self.result()
            for member in squad:
                self.assertEqual(member.stop(), 0, member.log()[-2000:])
        return found

    def test_workers_and_members_change_nothing(self):
        first = self.round(*ROUNDS[0])
        kinds = collections.Counter(json.loads(value)["detector_type"]
                                    for events in first["alerts"].values() for value, _ in events)  # fmt: skip
        print(kinds)
        self.assertLessEqual({"schema", "drift", "label_noise", "outage"}, set(kinds))
        for members, workers in ROUNDS[1:]:
            found = self.round(members, workers)
            for name in first:
                self.assertEqual(found[name], first[name],
                                 f"{name} of {members} members with {workers} workers")  # fmt: skip


if __name__ == "__main__":
    harness.main()
