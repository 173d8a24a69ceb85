# SPDX-License-Identifier: Apache-2.0
"""A real broker, a real schema registry and members of weir, for scenarios that never sleep.

Broker, Registry and Member are context managers. Each runs one process that it started, in a
folder of its own, on loopback ports that were free, and stops it by its process id. Everything
that takes time is waited for by a condition with a time-out: wait_until().
"""

import base64
import contextlib
import ctypes
import datetime
import http.client
import io
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid

import fastavro
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic

BUILD = pathlib.Path(os.environ.get("WEIR_BUILD", "build")).resolve()
SOURCE = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("WEIR_CACHE") or pathlib.Path.home() / ".cache" / "weir")
WEIR = BUILD / "weir"


class Timeout(AssertionError):
    """A condition did not come true in time."""


def wait_until(condition, what, timeout=90.0, pause=0.05):
    """Polls `condition` until it returns something true, which is returned."""
    deadline = time.monotonic() + timeout
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise Timeout(f"timed out after {timeout:.0f} s waiting for {what}")
        time.sleep(pause)


def free_port():
    """A port for a server. Not one that the kernel gives to clients: while a server is down its
    port would be any client's, even that of one that tries to connect to it."""
    for _ in range(100):
        port = random.SystemRandom().randrange(15000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")


def unique(prefix):
    """A name that no other scenario on the shared broker uses."""
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Process:
    """One child process with its output in a log file."""

    def __init__(self, name, folder=None, bound_to_parent=True):
        self.name = name
        self.own_folder = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix=f"weir-{name}-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log_path = self.folder / f"{name}.log"
        self.bound_to_parent = bound_to_parent
        self.child = None

    def spawn(self, command, env=None, cwd=None):
        with open(self.log_path, "ab") as log:
            self.child = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **(env or {})},
                cwd=cwd or self.folder,
                preexec_fn=_die_with_parent if self.bound_to_parent else None,
            )

    @property
    def running(self):
        return self.child is not None and self.child.poll() is None

    @property
    def pid(self):
        return self.child.pid

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def signal(self, number):
        self.child.send_signal(number)

    def stop(self, timeout=60.0):
        """SIGTERM; returns the exit code. Kills it, and fails, when that takes too long."""
        if self.child is None:
            return None
        if self.running:
            self.child.terminate()
        try:
            return self.child.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Timeout(f"{self.name} went on for {timeout:.0f} s after SIGTERM") from None

    def kill(self):
        if self.running:
            self.child.kill()
        if self.child is not None:
            self.child.wait()

    def wait_ready(self, probe, timeout):
        def ready():
            if not self.running:
                raise AssertionError(f"{self.name} stopped by itself:\n{self.log()[-4000:]}")
            return probe()

        try:
            wait_until(ready, f"{self.name} to be up", timeout)
        except Timeout:
            raise Timeout(f"{self.name} is not up:\n{self.log()[-4000:]}") from None

    def wait_up(self, start, probe, timeout, move):
        """Starts it and waits for it. Where it stops by itself, perhaps since somebody took its
        ports before it could, and nobody knows them yet, move() gives it others."""
        for again in (1, 1, 0):
            start()
            try:
                return self.wait_ready(probe, timeout)
            except AssertionError:
                if self.running or not again or not move():
                    self.kill()
                    raise

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, value, trace):
        try:
            self.kill()
        finally:
            if self.own_folder and kind is None:
                shutil.rmtree(self.folder, ignore_errors=True)


def java():
    home = os.environ.get("JAVA_HOME")
    return os.path.join(home, "bin", "java") if home else "java"


def servers_folder():
    folder = CACHE / "servers"
    if not (folder / "servers.sha256").exists():
        raise AssertionError(f"there are no servers in {folder}: run script/bootstrap")
    return folder


BROKER_PROPERTIES = """\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
controller.quorum.voters=1@127.0.0.1:{controller}
log.dirs={folder}/data
auto.create.topics.enable=false
log.retention.ms=-1
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=16777216
"""

LOG4J = """\
<Configuration status="WARN"><Appenders><Console name="out"><PatternLayout
 pattern="%d{HH:mm:ss.SSS} %p %c: %m%n"/></Console></Appenders>
<Loggers><Root level="WARN"><AppenderRef ref="out"/></Root></Loggers></Configuration>
"""


class Broker(Process):
    """Apache Kafka, one node in KRaft mode. A restart keeps the ports and the data."""

    def __init__(self, folder=None, bound_to_parent=True):
        super().__init__("broker", folder, bound_to_parent)
        self.properties = self.folder / "server.properties"
        self.started = False
        self._move()

    def _move(self):
        """To other ports, until it was up once."""
        if self.started:
            return False
        self.port, self.controller = free_port(), free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        self.formatted = False
        shutil.rmtree(self.folder / "data", ignore_errors=True)
        return True

    def _java(self, main, *arguments):
        jars = servers_folder() / "kafka"
        return [
            java(), "-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
            "-XX:SharedArchiveFile=" + str(self.folder / "none.jsa"), "-Xshare:auto",
            f"-Dlog4j2.configurationFile={self.folder}/log4j2.xml",
            "-cp", f"{jars}/*", main, *arguments,
        ]  # fmt: skip

    def _format(self):
        self.properties.write_text(
            BROKER_PROPERTIES.format(
                port=self.port, controller=self.controller, folder=self.folder
            )
        )
        (self.folder / "log4j2.xml").write_text(LOG4J)
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        subprocess.run(
            self._java("kafka.tools.StorageTool", "format", "--cluster-id=" + cluster,
                       "--config", str(self.properties)),
            check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240,
        )  # fmt: skip
        self.formatted = True

    def start(self, timeout=240.0):
        admin = []

        def start():
            if not self.formatted:
                self._format()
            self.spawn(self._java("kafka.Kafka", self.properties))
            admin[:] = [self.admin()]

        def answers():
            try:
                return bool(admin[0].list_topics(timeout=2).brokers)
            except Exception:  # not up yet
                return False

        self.wait_up(start, answers, timeout, self._move)
        self.started = True
        return self

    def admin(self):
        return admin_of(self.bootstrap)


def _quiet(*_):
    pass


def admin_of(bootstrap):
    return AdminClient({"bootstrap.servers": bootstrap, "log_level": 0, "error_cb": _quiet})


class Registry(Process):
    """Apicurio Registry with Confluent's interface. A restart keeps port, schemas and ids."""

    def __init__(self, folder=None, bound_to_parent=True):
        super().__init__("registry", folder, bound_to_parent)
        self.registered = []
        self.started = False
        self._move()

    def _move(self):
        """To another port, until it was up once."""
        if self.started:
            return False
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/apis/ccompat/v7"
        return True

    def start(self, timeout=240.0, before_schemas=lambda: None):
        """`before_schemas` is called while it is up and knows nothing yet."""
        folder = servers_folder() / "registry"
        jar = next(folder.glob("*-runner.jar"))

        def start():
            self.spawn(
                [java(), "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                 f"-Dquarkus.http.port={self.port}", "-Dquarkus.http.host=127.0.0.1", "-jar", jar]
            )  # fmt: skip

        def answers():
            try:
                return self.get("/subjects") is not None
            except (OSError, ValueError, http.client.HTTPException):
                return False

        self.wait_up(start, answers, timeout, self._move)
        self.started = True
        before_schemas()
        # It keeps everything in memory; the same schemas in the same order get the same ids.
        again, self.registered = self.registered, []
        for subject, schema, was in again:
            number = self.register(subject, schema)
            assert number == was, f"schema {was} of {subject} came back as {number}"
        return self

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return json.load(answer)

    def register(self, subject, schema):
        """Registers an Avro schema (a dict); returns its id."""
        body = json.dumps({"schema": json.dumps(schema)}).encode()
        request = urllib.request.Request(
            f"{self.url}/subjects/{subject}/versions",
            data=body,
            headers={"Content-Type": "application/vnd.schemaregistry.v1+json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                number = json.load(answer)["id"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{error}: {error.read().decode(errors='replace')}") from None
        self.registered.append((subject, schema, number))
        return number


def registry_at(url):
    """One that somebody else runs."""
    registry = Registry.__new__(Registry)
    registry.url, registry.registered = url, []
    return registry


class Member(Process):
    """One `weir run`."""

    def __init__(self, config, folder=None, env=None, name="weir"):
        """`config`: the text of the configuration. A given folder is shared and kept."""
        super().__init__(name, folder)
        self.config_path = self.folder / f"{name}.yaml"
        self.write_config(config)
        self.env = env or {}

    def write_config(self, config):
        staged = self.config_path.with_suffix(".new")
        staged.write_text(config)
        staged.replace(self.config_path)

    def start(self):
        self.spawn([WEIR, "run", "-c", self.config_path], env=self.env)
        return self

    def reload(self, config=None):
        if config is not None:
            self.write_config(config)
        self.signal(signal.SIGHUP)

    def wait_log(self, words, timeout=90.0):
        wait_until(lambda: words in self.log(), f"'{words}' in {self.log_path}", timeout)


def run_weir(*arguments, check=True, timeout=300, **options):
    """Runs a command of weir to its end and returns the CompletedProcess."""
    done = subprocess.run(
        [str(WEIR), *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=timeout, **options,
    )  # fmt: skip
    if check and done.returncode != 0:
        raise AssertionError(f"weir {arguments}: exit {done.returncode}\n{done.stderr[-4000:]}")
    return done


class Cluster:
    """What scenarios do with a broker that is up."""

    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        self.admin = admin_of(bootstrap)
        self.asking = {}  # group -> the consumer that asks for its offsets

    def create_topic(self, name, partitions=1, **config):
        settings = {key.replace("_", "."): str(value) for key, value in config.items()}
        topic = NewTopic(name, partitions, 1, config=settings)
        for future in self.admin.create_topics([topic], request_timeout=60).values():
            future.result(90)
        wait_until(lambda: self.partitions(name) == partitions, f"topic {name}")
        return name

    def partitions(self, topic):
        found = self.admin.list_topics(timeout=60).topics.get(topic)
        return len(found.partitions) if found and not found.error else 0

    def topics(self):
        return sorted(self.admin.list_topics(timeout=60).topics)

    def produce(self, topic, messages, transactional_id=None, commit=True, **properties):
        """Writes (key, value) or dicts of produce() arguments; returns when all are acknowledged."""
        failures = []
        settings = {"bootstrap.servers": self.bootstrap, "linger.ms": 5, "error_cb": _quiet}
        settings.update({key.replace("_", "."): value for key, value in properties.items()})
        if transactional_id:
            settings["transactional.id"] = transactional_id
        producer = Producer(settings)
        if transactional_id:
            producer.init_transactions(90)
            producer.begin_transaction()
        for message in messages:
            if not isinstance(message, dict):
                message = {"key": message[0], "value": message[1]}
            while True:
                try:
                    producer.produce(
                        topic,
                        on_delivery=lambda error, _: error and failures.append(error),
                        **message,
                    )
                    break
                except BufferError:
                    producer.poll(0.5)
            producer.poll(0)
        left = producer.flush(120)
        if transactional_id and commit:
            producer.commit_transaction(60)
        elif transactional_id:
            producer.abort_transaction(60)
        if left or failures:
            raise AssertionError(f"{topic}: {left} messages not sent, {failures[:3]}")

    def end_offsets(self, topic, isolation="read_uncommitted"):
        # A client that came while the broker was away may go on knowing nothing: each try has one.
        def ends():
            with closing_consumer(self.bootstrap, isolation) as consumer:
                try:
                    return [
                        consumer.get_watermark_offsets(TopicPartition(topic, number), 10)[1]
                        for number in range(self.partitions(topic))
                    ]
                except KafkaException:
                    return []

        return dict(enumerate(wait_until(ends, f"the ends of {topic}", 120, 0.2)))

    def read(self, topic, isolation="read_committed", timeout=120.0):
        """Every message of the topic up to its present end, as (partition, offset)-ordered list."""
        messages, trouble = [], None
        with closing_consumer(self.bootstrap, isolation) as consumer:
            waiting = set(range(self.partitions(topic)))
            consumer.assign([TopicPartition(topic, n, OFFSET_BEGINNING) for n in waiting])
            deadline = time.monotonic() + timeout
            while waiting:
                for message in consumer.consume(500, 0.1):
                    if message.error() is None:
                        messages.append(message)
                    elif message.error().code() == KafkaError._PARTITION_EOF:
                        waiting.discard(message.partition())
                    else:  # of a topic just made, or a broker just come up: it goes on
                        trouble = message.error()
                if time.monotonic() > deadline:
                    raise Timeout(f"{topic}: no end of partitions {waiting}, {trouble}")
        return sorted(messages, key=lambda m: (m.partition(), m.offset()))

    def read_json(self, topic, **options):
        return [json.loads(message.value()) for message in self.read(topic, **options)]

    def kcat_json(self, topic):
        """The same by the second client: kcat, read_committed, to the end. Envelopes as dicts."""
        done = subprocess.run(
            ["kcat", "-C", "-b", self.bootstrap, "-t", topic, "-o", "beginning", "-e", "-q", "-J",
             "-X", "isolation.level=read_committed"],
            check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        return [json.loads(line) for line in done.stdout.splitlines()]

    def committed(self, group, topic):
        """Committed offsets of the group on the topic, by partition; -1001 where there is none."""
        wanted = [TopicPartition(topic, n) for n in range(self.partitions(topic))]
        # A consumer that never joins. AdminClient 2.16 crashes when it asks for the offsets of a
        # group on a broker that has just come up.
        asking = self.asking.get(group) or Consumer(
            {"bootstrap.servers": self.bootstrap, "group.id": group, "error_cb": _quiet,
             "enable.auto.commit": False, "log_level": 0}
        )  # fmt: skip
        try:
            found = asking.committed(wanted, 15)
        except KafkaException:  # its coordinator moves
            self.asking.pop(group, None)
            asking.close()
            return {}
        self.asking[group] = asking
        return {part.partition: part.offset for part in found}

    def assignment(self, group):
        """Client id or host of each member -> its (topic, partition) pairs; {} while it rebalances."""
        try:
            found = self.admin.describe_consumer_groups([group])[group].result(15)
        except Exception:  # the group does not exist yet, or its coordinator moves
            return {}
        if found.state.name != "STABLE":
            return {}
        return {
            member.member_id: {(p.topic, p.partition) for p in member.assignment.topic_partitions}
            for member in found.members
        }

    def wait_members(self, group, topic, members, timeout=120.0):
        """Until that many members share the group's partitions, each with some of some topic."""
        everything = {(topic, n) for n in range(self.partitions(topic))}

        def settled():
            found = self.assignment(group)
            shared = [part for parts in found.values() for part in parts]
            return (
                len(found) == members and everything <= set(shared)
                and len(shared) == len(set(shared)) and all(found.values()) and found
            )  # fmt: skip

        return wait_until(settled, f"{members} members of {group} to share {topic}", timeout, 0.2)

    def wait_consumed(self, group, topic, timeout=120.0):
        """Until the group has committed the topic's present end in every partition."""
        ends = self.end_offsets(topic)

        def consumed():
            at = self.committed(group, topic)
            return all(at.get(number, -1) >= end for number, end in ends.items() if end > 0)

        try:
            wait_until(consumed, f"{group} to read all of {topic}", timeout, 0.2)
        except Timeout as error:
            raise Timeout(f"{error}: at {self.committed(group, topic)} of {ends}") from None

    def wait_settled(self, group, topic, check=lambda: None, timeout=180.0):
        """Until the group has committed what a committed reader can see of the topic, though the
        topic's last offsets are markers of transactions. `check` is called all the while."""
        behind = {}

        def settled():
            check()
            last = {m.partition(): m.offset() for m in self.read(topic)}
            at = self.committed(group, topic)
            behind.clear()
            behind.update((n, (at.get(n), o)) for n, o in last.items() if at.get(n, -1) <= o)
            return not behind

        try:
            wait_until(settled, f"{group} to read all of {topic}", timeout, 0.5)
        except Timeout as error:
            raise Timeout(f"{error}: at, of: {behind}") from None

    def wait_alerts(self, topic, condition, timeout=120.0, what="the alerts expected"):
        """Until condition(list of alert events, read committed) is true; returns the list."""
        seen = []

        def found():
            seen[:] = self.read_json(topic) if self.partitions(topic) else []
            return condition(seen)

        try:
            wait_until(found, what, timeout, 0.3)
        except Timeout as error:
            short = [(a.get("status"), a.get("kind"), a.get("fields")) for a in seen]
            raise Timeout(f"{error}; there are {short}") from None
        return list(seen)


@contextlib.contextmanager
def closing_consumer(bootstrap, isolation):
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": unique("reader"),
            "isolation.level": isolation,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 50,
            "error_cb": _quiet,
        }
    )
    try:
        yield consumer
    finally:
        consumer.close()


def avro_bytes(schema, datum, schema_id=None):
    """Avro binary; with a schema id in Confluent's framing."""
    out = io.BytesIO()
    if schema_id is not None:
        out.write(b"\0" + schema_id.to_bytes(4, "big"))
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), datum)
    return out.getvalue()


def rfc3339(milliseconds):
    """The time so many ms after 1970, in UTC."""
    at = datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.timezone.utc)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def json_bytes(value):
    return json.dumps(value, separators=(",", ":")).encode()


def shared_servers():
    """(bootstrap, registry URL) of the servers that servers.py started, or None."""
    path = os.environ.get("WEIR_SERVERS")
    if not path or not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        found = json.load(file)
    return found["bootstrap"], found["registry"]


def main():
    """Runs the scenarios of the calling file, loudly."""
    import unittest

    unittest.main(module="__main__", verbosity=2, argv=[sys.argv[0], *sys.argv[1:]])
