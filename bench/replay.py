# SPDX-License-Identifier: Apache-2.0
"""`weir replay` of a 10-field Avro container, `schema` and `drift` on all fields: speed, memory.

    script/python bench/replay.py [--records 1000000] [--rounds 5] [--codec null|deflate] [--keep DIR]

Rates are of records by CPU second (user and system), which other work on the machine disturbs
less than the clock. Where the time goes is told by leaving detectors out: runs take turns, so
that the stages are differences of medians of one and the same session. Last, the peak memory of
a file ten times as long.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("WEIR_BUILD", SOURCE.parent / "build"))
STAGES = {  # what a run has, by the name of the stage that it adds
    "read and decode": [],
    "schema": ["contract"],
    "drift: summaries, windows, tests": ["shift"],
    "all": ["contract", "shift"],
}


def call(folder, *arguments):
    subprocess.run([str(a) for a in arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def configure(folder):
    lines = (SOURCE / "replay.yaml").read_text().splitlines(keepends=True)
    names = {line.split(":")[0].strip(): line for line in lines if line.startswith("  ")}
    for number, kept in enumerate(STAGES.values()):
        out = {name for name in ("contract", "shift") if name not in kept}
        text = "".join(line for line in lines if line not in {names[name] for name in out})
        if not kept:
            text = text.replace("detectors:\n", "detectors: {}\n")
        if "shift" not in kept:
            text = text.replace("references:\n  training: {profile: profile.avro}\n", "")
        (folder / f"replay{number}.yaml").write_text(text)


def replay(folder, number, name):
    child = subprocess.Popen(
        [BUILD / "weir", "replay", "-c", f"replay{number}.yaml", "-i", f"records={name}",
         "--quiet", "--stats", "stats.json", "--output", "alerts=alerts.jsonl"],
        cwd=folder)  # fmt: skip
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit("weir replay failed")
    stats = json.loads((folder / "stats.json").read_text())
    return usage.ru_utime + usage.ru_stime, stats


def measure(folder, options):
    records = BUILD / "bench" / "records"
    call(folder, records, "training.avro", 200000, 7, options.codec)
    call(folder, records, "one.avro", options.records, 1, options.codec)
    configure(folder)
    full = list(STAGES).index("all")
    call(folder, BUILD / "weir", "profile", "-c", f"replay{full}.yaml", "-s", "records",
         "-i", "training.avro", "-o", "profile.avro")  # fmt: skip
    seconds = {name: [] for name in STAGES}
    clock = []
    for _ in range(options.rounds):
        for number, name in enumerate(STAGES):
            cpu, stats = replay(folder, number, "one.avro")
            seconds[name].append(cpu)
        clock.append(stats["seconds"])
    size = stats["bytes"] / options.records
    print(f"{options.records} records of {size:.0f} bytes ({options.codec}), "
          f"{options.rounds} rounds, {stats['alerts']} alerts")  # fmt: skip
    base = statistics.median(seconds["read and decode"])
    for name, times in seconds.items():
        cpu = statistics.median(times)
        own = cpu if name in ("all", "read and decode") else cpu - base
        print(f"{name:34} {own / options.records * 1e9:7.1f} ns a record "
              f"(runs {min(times):.3f} to {max(times):.3f} s)")  # fmt: skip
    cpu = statistics.median(seconds["all"])
    print(f"records a CPU second: {options.records / cpu / 1e6:.2f} M; "
          f"by the clock: {options.records / statistics.median(clock) / 1e6:.2f} M")  # fmt: skip
    call(folder, records, "ten.avro", 10 * options.records, 1, options.codec)
    cpu, ten = replay(folder, full, "ten.avro")
    one = stats["peak_rss_bytes"]
    print(f"10 times the records: {10 * options.records / cpu / 1e6:.2f} M a CPU second; peak memory "
          f"{ten['peak_rss_bytes'] / 2**20:.1f} MiB against {one / 2**20:.1f} MiB, "
          f"ratio {ten['peak_rss_bytes'] / one:.3f}")  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=1000000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--codec", choices=["null", "deflate"], default="null")
    parser.add_argument("--keep", type=pathlib.Path, help="a folder for the files, which stay")
    options = parser.parse_args()
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        measure(options.keep, options)
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(pathlib.Path(folder), options)


if __name__ == "__main__":
    main()
