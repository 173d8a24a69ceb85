# SPDX-License-Identifier: Apache-2.0
"""`weir run` against a consumer that discards: the same topic, the same broker, by turns.

    script/python bench/run.py [--records 10000000] [--rounds 5]

Rates are of records a second, from the start of reading to the commit of the last offset; the
last lines are ratios of medians. Above them stands where the processor's time went, as medians:
by threads, as each does one thing. What a run waits for at its ends, half an interval of commits
for the last one alone, is in its rate, so few records say little.

weir may be linked with an allocator of its own, which the consumer of thirty lines is not: then
that one takes its turn with it as well, since half of what it does is to allocate and to free.
"""

import argparse
import collections
import contextlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

SOURCE = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(SOURCE / "tests" / "integration"))

from harness import BUILD, WEIR, Broker, Cluster, Member, unique, wait_until  # noqa: E402

PARTITIONS = 4
FIELDS = ["amount", "f1", "f2", "f3", "f4", "f5", "f6"]
CONFIG = """\
version: 1
app: {app}
state_dir: ./state
kafka:
  bootstrap.servers: {bootstrap}
streams:
  s:
    topic: {topic}
    format: avro_plain
    schema: ./schema.avsc
    time: at
    idle_timeout: 1h
{gate}
    fields:
      amount: {{type: double, range: [0, 100000]}}
      country: {{type: string, values: [US, DE, JP, FR]}}
alerts: {{topic: {app}.alerts}}
quarantine: {{topic: {app}.quarantine}}
http: {{listen: off}}
workers: {workers}
commit: {{every: {every}}}
detectors:
  contract: {{type: schema, stream: s}}
"""


def schema():
    fields = [{"name": "at", "type": "long"}]
    fields += [{"name": name, "type": "double"} for name in FIELDS]
    fields += [{"name": name, "type": "string"} for name in ("country", "route")]
    return json.dumps({"type": "record", "name": "r", "fields": fields})


def topic_program(*arguments, **environment):
    done = subprocess.run([BUILD / "bench" / "topic", *map(str, arguments)], check=True,
                          capture_output=True, text=True, env=os.environ | environment)  # fmt: skip
    return done.stdout


def discard(cluster, topic, records, **environment):
    return records / float(topic_program("discard", cluster.bootstrap, topic, PARTITIONS, records,
                                         **environment))  # fmt: skip


def allocator():
    """What loads weir's allocator, where it has one, as an environment."""
    loads = subprocess.run(["ldd", WEIR], check=True, capture_output=True, text=True).stdout
    found = re.search(r"=> (\S*libmimalloc\S*)", loads)
    # The delay is what main.c sets.
    return {"LD_PRELOAD": found[1], "MIMALLOC_DECOMMIT_DELAY": "1000"} if found else {}


@contextlib.contextmanager
def member(cluster, app, topic, workers=1, gate="", every="500ms"):
    """A member that has its tasks."""
    if gate:
        gate = f"    gate: {{topic: {gate}}}"
    with Member(CONFIG.format(app=app, bootstrap=cluster.bootstrap, topic=topic, workers=workers,
                              gate=gate, every=every)) as m:  # fmt: skip
        m.child.kill()
        m.child.wait()
        (m.folder / "schema.avsc").write_text(schema())
        m.log_path.unlink()
        m.start()
        wait_until(lambda: "edge s 0: new" in m.log(), "the tasks", 60, 0.005)
        yield m


STAGES = {  # by the names of threads
    "weir:worker": "decode, detect, summarise",
    "rdk:broker": "fetch and send",
    "weir:publisher": "commit",
}


def by_thread(pid, records):
    """Where the processor's time went: ns a record."""
    spent = collections.Counter()
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        name, _, rest = (task / "stat").read_text().partition("(")[2].rpartition(")")
        stage = next((what for start, what in STAGES.items() if name.startswith(start)), "other")
        user, system = rest.split()[11:13]
        spent[stage] += (int(user) + int(system)) / os.sysconf("SC_CLK_TCK") / records * 1e9
    return spent


def run(cluster, topic, records, workers, gate=""):
    app = unique("bench")
    with member(cluster, app, topic, workers, gate) as m:
        began = time.monotonic()

        def done():
            at = cluster.committed(f"weir.{app}", topic)
            return sum(max(0, offset) for offset in at.values()) == records

        wait_until(done, "the last commit", 600, 0.02)
        seconds = time.monotonic() - began
        spent = by_thread(m.pid, records)
        peak = re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{m.pid}/status").read_text())
        m.stop()
    return records / seconds, spent, int(peak[1]) // 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    own = allocator()
    with Broker() as broker:
        cluster = Cluster(broker.bootstrap)
        topic = cluster.create_topic(unique("bench.in"), PARTITIONS)
        topic_program("fill", broker.bootstrap, topic, PARTITIONS, options.records)
        rates, stages = collections.defaultdict(list), collections.defaultdict(list)
        for _ in range(options.rounds):
            rates["discard"].append(discard(cluster, topic, options.records))
            if own:
                rate = discard(cluster, topic, options.records, **own)
                rates["discard with weir's allocator"].append(rate)
            rate, spent, peak = run(cluster, topic, options.records, options.workers)
            rates["run"].append(rate)
            print(", ".join(f"{name} {found[-1]:,.0f}/s" for name, found in rates.items()) +
                  f": {sum(spent.values()):.0f} ns of processor a record, peak {peak} MiB")  # fmt: skip
            for stage in spent:
                stages[stage].append(spent[stage])
        for stage, times in stages.items():
            print(f"{stage:28} {statistics.median(times):6.0f} ns a record")
        ran = statistics.median(rates.pop("run"))
        for name, found in rates.items():
            print(f"run / {name} {ran / statistics.median(found):.2f}")


if __name__ == "__main__":
    main()
