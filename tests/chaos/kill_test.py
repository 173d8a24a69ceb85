# SPDX-License-Identifier: Apache-2.0
"""Kills members of weir, and asks whether anyone could tell from what they wrote.

Three members share four partitions while records come in. They are killed (SIGKILL), stopped
(SIGTERM), frozen past their session (SIGSTOP), and told to kill themselves at every fail point,
each of these at least once, and at random for the rest of the time. Afterwards one undisturbed
member reads the same records under another name. Alerts and quarantined records, read committed,
must be the same, none missing and none twice. What its gate forwarded must be the same byte for
byte and in the same order, and with what it held back must be all that there was.

    kill_test.py [--seconds 35] [--seed 1]       the long form: --seconds 600
"""

import argparse
import collections
import json
import os
import pathlib
import random
import re
import shutil
import signal
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from confluent_kafka import Producer  # noqa: E402
from harness import SOURCE, Broker, Cluster, Member, shared_servers, unique  # noqa: E402

MEMBERS = 3
PARTITIONS = 4
BASE = 1_700_000_000_000  # event time of the first record: long past, so that no clock matters
STEP = 250  # ms of event time from record to record of a partition
POINTS = [  # the fail points, and at which passage; the first of each name are for every run
    "after-begin:3", "after-produce:4", "after-send-offsets:3", "during-commit:5", "restore:2",
    "revoke:1", "revoked:1",
    "after-begin:1", "after-produce:1", "after-send-offsets:1", "during-commit:1", "restore:1",
]  # fmt: skip
EACH = POINTS[:7]
SESSION = 4.0
PATIENCE = 300  # s for everything to have been done once

CONFIG = """\
version: 1
app: {app}
instance: ${{WEIR_INSTANCE:-}}
state_dir: ./state
kafka:
  bootstrap.servers: {bootstrap}
  consumer: {{session.timeout.ms: {session}, heartbeat.interval.ms: 500, fetch.wait.max.ms: 100}}
streams:
  payments:
    topic: {source}
    format: json
    key: id
    time: at
    idle_timeout: 1h
    gate: {{topic: {app}.clean, quarantine_at_most: 10%, over: 30s, at_least: 60}}
    fields:
      id: {{type: string}}
      at: {{type: long}}
      amount: {{type: double, range: [0, 1000]}}
      country: {{type: string, values: [JP, DE, US], role: slice}}
      note: {{type: string, optional: true}}
alerts: {{topic: {app}.alerts}}
quarantine: {{topic: {app}.quarantine}}
http: {{listen: off}}
workers: 2
commit: {{every: 100ms, snapshot_every: 2s}}
defaults:
  window: {{size: 20s, lateness: 5s}}
detectors:
  contract: {{type: schema, stream: payments, by: [country]}}
"""


def record(partition, number):
    """The same for every run: a good record, or one of several kinds of bad ones."""
    key = f"{partition}-{number}"
    value = {
        "id": key, "at": BASE + number * STEP, "amount": (number * 37 + partition * 11) % 900,
        "country": ("JP", "DE", "US")[(number + partition) % 3],
    }  # fmt: skip
    phase = number // 400 % 4
    if phase == 1 and number % 7 == 0:
        value["amount"] = 5000.0 + number
    if phase == 2 and number % 11 == 0:
        value["country"] = "Atlantis"
    if phase == 3 and number % 13 == 0:
        del value["amount"]
    if number % 97 == 5:
        return key, b"{not json"
    return key, json.dumps(value).encode()


class Feed(threading.Thread):
    """Writes records to every partition at a steady pace until told to stop."""

    def __init__(self, bootstrap, topic, rate):
        super().__init__(daemon=True)
        self.producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5})
        self.topic, self.rate = topic, rate
        self.sent = 0  # in each partition
        self.stopped = threading.Event()

    def write(self, number):
        for partition in range(PARTITIONS):
            key, value = record(partition, number)
            headers = [("n", str(number)), ("n", b"\x00\xff"), ("none", None)] if number % 3 else None
            self.producer.produce(self.topic, value, key if number % 5 else None, partition=partition,
                                  headers=headers)  # fmt: skip
        self.producer.poll(0)

    def run(self):
        while not self.stopped.wait(0.05):
            for _ in range(max(1, int(self.rate * 0.05))):
                self.write(self.sent)
                self.sent += 1

    def finish(self):
        """Trailing records, an hour on, decide every window before them."""
        self.stopped.set()
        self.join()
        for extra in range(3):
            for partition in range(PARTITIONS):
                number = self.sent + 3_600_000 // STEP + extra
                value = {"id": f"end-{partition}-{extra}", "at": BASE + number * STEP,
                         "amount": 1, "country": "JP"}  # fmt: skip
                self.producer.produce(self.topic, json.dumps(value), partition=partition)
        assert self.producer.flush(30) == 0


class Squad:
    """The members that are tormented."""

    def __init__(self, folder, config, random_source):
        self.members = [
            Member(config, folder / f"m{i}", {"WEIR_INSTANCE": f"m{i}", "WEIR_LOG": "debug"})
            for i in range(MEMBERS)
        ]
        self.random = random_source
        self.frozen = {}  # index -> when it may go on
        self.armed = {}  # index -> fail point, since when
        self.points = list(EACH)  # yet to be hit
        self.blows = ["kill", "term", "freeze"]  # yet to be dealt
        self.counts = collections.Counter()
        self.inside = collections.Counter()
        self.marks = [0] * MEMBERS  # how much of a log has been looked at

    def undone(self):
        """What has not been done to anybody yet."""
        wanted = ["SIGKILL", "SIGTERM", "SIGSTOP past the session"]
        wanted += ["fail point " + point.split(":")[0] for point in EACH]
        return [what for what in wanted if not self.counts[what]]

    def tail(self, index):
        log = self.members[index].log()
        fresh = log[self.marks[index]:]
        self.marks[index] = len(log)
        return fresh

    def note_end(self, index, how):
        """Where in its work a member was when it ended, by what it had logged."""
        fresh = self.tail(index)
        if "fail point " in fresh:
            point = fresh.rsplit("fail point ", 1)[1].split()[0]
            self.counts[f"fail point {point}"] += 1
            kind = {"restore": "restore", "revoke": "rebalance", "revoked": "rebalance"}
            self.inside[kind.get(point, "transaction")] += 1
            return
        self.counts[how] += 1
        if how != "SIGKILL":
            return
        if fresh.rfind("transaction begins") > fresh.rfind("transaction committed"):
            self.inside["transaction"] += 1
        waiting = set()
        for line in fresh.splitlines():
            for word, change in (("assigned ", waiting.add), ("revoked ", waiting.discard)):
                if word in line:
                    change(line.split(word, 1)[1].rstrip('"'))
            if "at offset" in line and ": restored" in line or ": new at offset" in line:
                waiting.discard(line.split('"', 1)[-1].split(":")[0])
        if waiting:
            self.inside["restore"] += 1
        if fresh.rfind("rebalance begins") > fresh.rfind("rebalance ends"):
            self.inside["rebalance"] += 1

    def reap(self):
        for index, member in enumerate(self.members):
            if member.child is not None and member.child.poll() is not None:
                self.bury(index, member)
            if index in self.frozen and time.monotonic() > self.frozen[index]:
                del self.frozen[index]
                self.counts["SIGSTOP past the session"] += 1
                if member.running:
                    member.signal(signal.SIGCONT)

    def bury(self, index, member):
        code = member.child.returncode
        point, _ = self.armed.pop(index, (None, 0))
        before = sum(self.counts[what] for what in self.counts if what.startswith("fail point"))
        if code == -signal.SIGTERM and "librdkafka" not in member.log()[self.marks[index]:]:
            self.counts["SIGTERM before it began"] += 1
        elif code not in (0, 1, -signal.SIGKILL):
            raise AssertionError(f"{member.name}{index}: exit {code}\n{member.log()[-3000:]}")
        elif code == 1:
            self.counts["gave up its place"] += 1  # fenced, and said so
            self.tail(index)
        else:
            self.note_end(index, "SIGTERM" if code == 0 else "SIGKILL")
        after = sum(self.counts[what] for what in self.counts if what.startswith("fail point"))
        if point and after == before:
            self.points.append(point)  # it ended before it came there
        member.child = None

    def start_missing(self, with_points=True):
        for index, member in enumerate(self.members):
            if member.child is not None:
                continue
            member.env.pop("WEIR_FAIL", None)
            if with_points and len(self.armed) < MEMBERS - 1:
                if not self.points:
                    self.points = self.random.sample(POINTS, len(POINTS))
                point = self.points.pop(0)
                member.env["WEIR_FAIL"] = point
                self.armed[index] = point, time.monotonic()
            member.start()

    def push(self):
        """Members that wait for a rebalance to take something from them, and have something,
        leave after a while: then everything is taken."""
        for index, (point, since) in self.armed.items():
            member = self.members[index]
            if not point.startswith("revoke") or time.monotonic() < since + 3 or not member.running:
                continue
            if "assigned " in member.log()[self.marks[index]:]:
                member.signal(signal.SIGTERM)
                self.armed[index] = point, time.monotonic()

    def torment(self):
        """Strikes one that is not on its way to a fail point; whether it did. At random only
        after everything was done once."""
        if not self.blows and self.undone():
            return False
        index = self.random.randrange(MEMBERS)
        member = self.members[index]
        if not member.running or index in self.frozen or index in self.armed:
            return False
        what = self.blows.pop(0) if self.blows else self.random.choices(
            ["kill", "term", "freeze"], [6, 2, 1])[0]  # fmt: skip
        if what == "freeze" and self.frozen:
            what = "kill"
        if what == "freeze":
            member.signal(signal.SIGSTOP)
            self.frozen[index] = time.monotonic() + SESSION + 2
        else:
            member.signal(signal.SIGKILL if what == "kill" else signal.SIGTERM)
        return True

    def thaw(self):
        for index in self.frozen:
            if self.members[index].running:
                self.members[index].signal(signal.SIGCONT)
        self.frozen.clear()
        self.reap()


def wait_settled(cluster, app, source, check=lambda: None):
    """Until the group has read all of the source, and all partials that came of it."""
    cluster.wait_settled(f"weir.{app}", source, check)
    cluster.wait_settled(f"weir.{app}", f"weir.{app}.partials", check)


def results(cluster, app):
    """Alerts without what names the app; quarantined records by where they came from."""
    alerts = []
    for message in cluster.read(f"{app}.alerts"):
        alert = json.loads(message.value())
        for key in ("id", "fingerprint", "app"):
            alert.pop(key)
        alerts.append(json.dumps(alert, sort_keys=True).replace(f"{app}.clean", "CLEAN"))
    copies = []
    for message in cluster.read(f"{app}.quarantine"):
        headers = dict(message.headers())
        copies.append((headers["weir_partition"], headers["weir_offset"], headers["weir_reasons"],
                       message.key(), message.value(), len(message.headers())))  # fmt: skip
    return collections.Counter(alerts), collections.Counter(copies)


def envelopes(cluster, topic):
    """By partition, in order, all of each record that a reader sees; and where it was."""
    found = collections.defaultdict(list)
    for m in cluster.read(topic):
        envelope = m.timestamp(), m.key(), m.value(), tuple(map(tuple, m.headers() or []))
        found[m.partition()].append((envelope, m.offset()))
    return found


def went_through(cluster, app, source):
    """Whether the gate forwarded just what it did not hold back, untouched and in order."""
    copies = set()
    for message in cluster.read(f"{app}.quarantine"):
        headers = dict(message.headers())
        copies.add((int(headers["weir_partition"]), int(headers["weir_offset"])))
    clean = envelopes(cluster, f"{app}.clean")
    good, wrong = 0, 0
    for partition, records in envelopes(cluster, source).items():
        wanted = [e for e, offset in records if (partition, offset) not in copies]
        got = [envelope for envelope, _ in clean[partition]]
        good += len(got)
        wrong += got != wanted
        if got != wanted:
            extra = collections.Counter(got) - collections.Counter(wanted)
            missing = collections.Counter(wanted) - collections.Counter(got)
            print(f"{app}.clean [{partition}]: {len(got)} records of {len(wanted)}, "
                  f"missing {list(missing)[:2]}, extra or twice {list(extra)[:2]}")  # fmt: skip
    print(f"{app}: {good} records forwarded and {len(copies)} held back, "
          f"{'not ' if wrong else ''}all there was")  # fmt: skip
    return not wrong


def compare(what, found, wanted):
    missing, extra = wanted - found, found - wanted
    print(f"{what}: {sum(found.values())}, undisturbed {sum(wanted.values())}, "
          f"missing {sum(missing.values())}, extra or twice {sum(extra.values())}")  # fmt: skip
    for name, some in (("missing", missing), ("extra", extra)):
        for item in list(some)[:3]:
            print(f"  {name}: {str(item)[:600]}")
    return not missing and not extra


def torment(squad, feed, seconds):
    feed.start()
    began = time.monotonic()
    next_blow = began + 4
    while time.monotonic() < began + seconds or squad.undone():
        if time.monotonic() > began + PATIENCE + seconds:
            raise AssertionError(f"it never came to {squad.undone()}")
        squad.reap()
        squad.start_missing()
        squad.push()
        if time.monotonic() > next_blow and squad.torment():
            next_blow = time.monotonic() + squad.random.uniform(0.5, 2.0)
        time.sleep(0.05)
    squad.thaw()
    feed.finish()
    for index in squad.armed:
        if squad.members[index].running:
            squad.members[index].kill()  # the last stretch is undisturbed
    squad.reap()
    squad.start_missing(with_points=False)


def watch(squad):
    squad.reap()
    squad.start_missing(with_points=False)


def run(bootstrap, seconds, seed, folder):
    cluster = Cluster(bootstrap)
    app, calm = unique("chaos"), unique("calm")
    source = cluster.create_topic(f"{app}.in", PARTITIONS)
    config = {"bootstrap": bootstrap, "source": source, "session": int(SESSION * 1000)}
    squad = Squad(folder, CONFIG.format(app=app, **config), random.Random(seed))
    feed = Feed(bootstrap, source, 200)
    try:
        began = time.monotonic()
        torment(squad, feed, seconds)
        tormented = time.monotonic() - began
        wait_settled(cluster, app, source, lambda: watch(squad))
        for member in squad.members:
            code = member.stop()
            assert code == 0, f"exit {code} after SIGTERM\n{member.log()[-3000:]}"
        with Member(CONFIG.format(app=calm, **config), folder / "calm") as member:
            wait_settled(cluster, calm, source)
            assert member.stop() == 0
    finally:
        for member in squad.members:
            if member.running:
                member.signal(signal.SIGCONT)
                member.kill()
    print(f"seed {seed}: {feed.sent * PARTITIONS} records in {tormented:.0f} s")
    print(", ".join(f"{n} x {what}" for what, n in sorted(squad.counts.items())))
    print("kills inside a " + ", a ".join(
        f"{what}: {squad.inside[what]}" for what in ("transaction", "restore", "rebalance")))  # fmt: skip
    alerts, copies = results(cluster, app)
    calm_alerts, calm_copies = results(cluster, calm)
    same = compare("alert events", alerts, calm_alerts)
    same &= compare("quarantined records", copies, calm_copies)
    for name in (app, calm):
        same &= went_through(cluster, name, source)
    assert any('"weir.circuit_open"' in alert for alert in calm_alerts), "no circuit opened"
    assert sum(calm_alerts.values()) > 3 and sum(calm_copies.values()) > 20, "nothing was tested"
    assert not squad.undone(), squad.undone()
    assert all(squad.inside[what] for what in ("transaction", "restore", "rebalance"))
    return same


def check_points():
    """That there is no fail point which nobody is sent to."""
    found = set()
    for path in (SOURCE / "consumer").rglob("*.c"):
        found |= set(re.findall(r'weir_failpoint(?:_during)?\("([a-z-]+)"\)', path.read_text()))
    named = {point.split(":")[0] for point in EACH}
    assert found == named, f"fail points: {found} in the program, {named} here"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=35)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("WEIR_CHAOS_SEED", "1")))
    parser.add_argument("--keep", action="store_true", help="keep logs and state")
    options = parser.parse_args()
    check_points()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-chaos-"))
    servers = shared_servers()
    if servers:
        same = run(servers[0], options.seconds, options.seed, folder)
    else:
        with Broker() as broker:
            same = run(broker.bootstrap, options.seconds, options.seed, folder)
    if same and not options.keep:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"logs: {folder}")
    print("same" if same else "NOT THE SAME")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
