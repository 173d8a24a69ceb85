# SPDX-License-Identifier: Apache-2.0
"""limits.memory bounds everything together: far more slices than fit, and nothing is passed unread."""

import re
import urllib.request

import harness
from harness import wait_until
from scenario import Scenario, message, opened, payment

PARTITIONS, EACH, BAD = 8, 40_000, 900.0  # slices of about twice the limit
LIMIT = 64  # MiB
# The ledger counts what can grow. The program, its libraries and what an allocator wastes come on
# top: docs/operations.md says so much.
RESIDENT = LIMIT * 2 + 64

MORE = """\
  silence: {type: outage, stream: payments, by: [route], window: {size: 1d}}
limits: {memory: 64MiB, slices: 1000000}
"""


def metrics(member):
    port = re.search(r"127\.0\.0\.1:(\d+)\}", member.config_path.read_text()).group(1)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    return {line.split()[0]: float(line.split()[1]) for line in lines
            if line.startswith("weir_") and "{" not in line}  # fmt: skip


def held(values):
    """The parts of the ledger, in MiB."""
    return {name: value / 2**20 for name, value in values.items()
            if re.fullmatch(r"weir_memory_(?!limit).*_bytes", name)}  # fmt: skip


def peak(member):
    with open(f"/proc/{member.pid}/status") as status:
        return int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1)) / 1024


class Memory(Scenario):
    def test_one_limit_for_everything(self):
        app = self.app(partitions=PARTITIONS)
        # As many routes as records, all of one day: each is a slice of its own.
        app.produce(
            message(payment(n, amount=BAD if n % 500 == 0 else 1.0, route=f"{p}-{n}"), partition=p)
            for n in range(EACH)
            for p in range(PARTITIONS)
        )
        member = app.start(more=MORE)
        most = 0

        def read():
            nonlocal most
            try:
                most = max(most, sum(held(metrics(member)).values()))
            except OSError:
                pass  # nobody listens yet
            at = app.cluster.committed(app.group, app.topic)
            return all(at.get(p, -1) >= EACH for p in range(PARTITIONS))

        wait_until(read, "all records", 300, 0.2)
        seen = metrics(member)
        self.assertEqual(seen["weir_memory_limit_bytes"], LIMIT * 2**20)
        self.assertGreater(seen["weir_partition_parks_total"], 0)
        self.assertGreater(seen["weir_slice_overflow_records_total"], 0)
        self.assertEqual(seen["weir_records_total"], PARTITIONS * EACH)
        self.assertEqual(seen["weir_late_records_total"], 0)
        for part in ("windows", "mergers", "batches", "detectors"):
            self.assertGreater(seen[f"weir_memory_{part}_bytes"], 0, part)
        # One batch may come on top, and what grew since it was last measured.
        self.assertLess(most, LIMIT * 1.25)

        # Days later: the window closes, and what it held is given back.
        for day in (1, 2, 3):
            app.produce(message(payment(EACH + day * 80_000), partition=p)
                        for p in range(PARTITIONS))  # fmt: skip
        app.wait_consumed()
        alerts = app.cluster.wait_alerts(
            app.alerts,
            lambda a: {"limit", "memory"} <= {o["rule"].split(":")[0] for o in opened(a, "weir.limit")},
            what="both incidents about the limit",
        )  # fmt: skip
        said = " ".join(a["summary"] for a in opened(alerts, "weir.limit"))
        self.assertIn("limits.memory (64 MiB)", said)
        self.assertIn("slices within limits.memory", said)
        wait_until(lambda: metrics(member)["weir_parked_partitions"] == 0, "all to be read again")
        self.assertLess(peak(member), RESIDENT)

        # Whatever had to give way: every record was looked at, once.
        bad = app.offsets_of(lambda value: str(BAD).encode() in value)
        self.assertEqual(len(bad), PARTITIONS * EACH // 500)
        wait_until(lambda: len(app.quarantined()) >= len(bad), "all bad records", 120)
        self.assertEqual(set(app.quarantined()), bad)
        self.assertEqual(member.stop(), 0)


if __name__ == "__main__":
    harness.main()
