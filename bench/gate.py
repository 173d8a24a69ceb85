# SPDX-License-Identifier: Apache-2.0
"""What a gate costs: latency at a steady pace, and throughput.

    script/python bench/gate.py [--rate 50000] [--seconds 20] [--records 2000000] [--rounds 3]

Latency is from sending a record to its being read by a consumer of committed records: of the
source, and of the clean topic at the same time. What the gate adds is mostly the time until its
next commit. Throughput is of `weir run` over a full topic, with a gate and without, by turns.
"""

import argparse
import pathlib
import statistics
import subprocess

from run import BUILD, PARTITIONS, Broker, Cluster, member, run, topic_program, unique, wait_until


def start(*arguments):
    command = [BUILD / "bench" / "topic", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def latency(cluster, rate, seconds, every):
    app = unique("gate")
    topic = cluster.create_topic(f"{app}.in", PARTITIONS)
    clean = cluster.create_topic(f"{app}.clean", PARTITIONS, max_message_bytes=2_000_000)
    records = int(rate * seconds)
    with member(cluster, app, topic, gate=clean, every=every) as m:
        wait_until(lambda: m.log().count("new at offset") >= PARTITIONS, "the tasks", 60, 0.05)
        at = cluster.bootstrap, topic, PARTITIONS, records
        readers = [start("latency", *at), start("latency", cluster.bootstrap, clean, PARTITIONS,
                                                records // 100 * 99)]  # fmt: skip
        pace = start("steady", *at, rate).communicate()[0].split()
        found = [[float(x) for x in reader.communicate(timeout=300)[0].split()] for reader in readers]
        peak = pathlib.Path(f"/proc/{m.pid}/status").read_text().split("VmHWM:")[1].split()[0]
    print(f"commit every {every}, {float(pace[0]):,.0f} records a second (the sender was at most "
          f"{pace[1]} ms behind its pace), peak {int(peak) // 1024} MiB")  # fmt: skip
    for name, (median, late, worst) in zip(("source", "clean"), found):
        print(f"  {name}: median {median:.1f} ms, 99% {late:.1f} ms, largest {worst:.1f} ms")
    print(f"  added: median {found[1][0] - found[0][0]:.1f} ms, "
          f"99% {found[1][1] - found[0][1]:.1f} ms")  # fmt: skip


def throughput(cluster, records, rounds):
    topic = cluster.create_topic(unique("gate.full"), PARTITIONS)
    topic_program("fill", cluster.bootstrap, topic, PARTITIONS, records)
    rates = {True: [], False: []}
    for _ in range(rounds):
        for gated in rates:
            rate, spent, peak = run(cluster, topic, records, 1, unique("gate.clean") if gated else "")
            rates[gated].append(rate)
            print(f"{'with' if gated else 'without'} a gate {rate:,.0f}/s, {sum(spent.values()):.0f} ns of processor "
                  f"a record, peak {peak} MiB")  # fmt: skip
    ratio = statistics.median(rates[True]) / statistics.median(rates[False])
    print(f"with / without {ratio:.2f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, default=50_000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--records", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with Broker() as broker:
        cluster = Cluster(broker.bootstrap)
        for every in ("500ms", "100ms", "20ms"):
            latency(cluster, options.rate, options.seconds, every)
        if options.records:
            throughput(cluster, options.records, options.rounds)


if __name__ == "__main__":
    main()
