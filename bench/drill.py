# SPDX-License-Identifier: Apache-2.0
"""A fire drill: kinds of fault injected into clean public data, one at a time, at several rates.

    WEIR_DATA=FOLDER script/python bench/drill.py [--only KIND ...] [--rates 100,10,1,slice]

For each fault and rate it prints whether an incident was opened that names the right kind and
field, and how many records after the first faulty one; then what was found that was not there,
and what was raised on the same data without a fault. Where nothing was found there stands in brackets
what there was to find: the nats by which one who knew the fault, its rate and the field's
distribution without it would tell all faulty records' hours from clean ones. Less than 21 (a chance
of 1e-9) could be found by nobody that seldom raises a false alarm. The contract is what `weir infer` learns
from the first part of the data, with the options below that no data can teach. Rates are shares of
the records after the fault begins; `slice` is all records of one state, which `by:` knows of.
"""

import argparse
import bisect
import collections
import csv
import gzip
import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("WEIR_BUILD", SOURCE / "build"))
START = 1_772_409_600_000  # 2026-03-02 00:00 UTC
STEP = 4000  # ms from record to record
LEARN, SERVE, BEFORE = 14000, 36000, 27000  # records; BEFORE: of those served, before the fault
ROLLED_OUT = 9000  # of the records served: from there on another version of the model answers
RETRIES = 0.05  # so many are the same question as an earlier one, asked again
SLICE = "CA"
ODD_POD = "pod-3"


# ---- clean data


def loans(data):
    path = data / "nannyml_car_loan" / "synthetic_car_loan_reference.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def beers(data):
    with open(data / "data_errors" / "beers" / "clean.csv", encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file)]


def clean(data):
    """Records of car loans, each with a beer beside it for its texts: LEARN, then SERVE of them."""
    rng = random.Random(1)
    cellar = beers(data)
    asked = collections.deque(maxlen=100)
    for n, loan in enumerate(loans(data)):
        if n == LEARN + SERVE:
            return
        beer = rng.choice(cellar)
        at = START + n * STEP
        value = float(loan["car_value"])
        row = {
            "id": f"tx-{n:06d}",
            "at": at,
            "car_value": value,
            "fee": round(value * rng.uniform(0.01, 0.02), 2),
            "tenure": float(loan["driver_tenure"]),
            "loan_length": int(float(loan["loan_length"])),
            "months": int(float(loan["loan_length"])) + rng.randint(0, 240),
            "repaid": loan["repaid_loan_on_prev_car"] == "True",
            "ratio": float(loan["debt_to_income_ratio"]),
            "score": float(loan["y_pred_proba"]),
            "salary": loan["salary_range"].replace(" \u20ac", ""),
            "downpayment": loan["size_of_downpayment"],
            "style": beer["style"] or "unknown style",
            "state": beer["state"],
            "brewery": beer["brewery-name"],
            "opened": at - rng.randint(0, 90 * 86400000),
            "wait": round(rng.lognormvariate(1, 0.6), 3),
            "heat": round(rng.gauss(18, 6), 1),
            "memo": (beer["style"] or "none") if rng.random() < 0.6 else None,
            "bytes": int(rng.lognormvariate(12, 0.8)),
            "model": "v1" if n < LEARN + ROLLED_OUT else "v2",
            "pod": f"pod-{rng.randint(1, 5)}",
            **({"extra": rng.randint(1, 9)} if rng.random() < 0.7 else {}),
        }
        if rng.random() < RETRIES and asked and asked[0]["model"] == row["model"]:
            row = {**asked[0], "id": row["id"], "at": at, "pod": row["pod"]}
        asked.append(row)
        yield row


# ---- faults


def set_to(field, value):
    def fault(row, rng, state):
        row[field] = value(row, rng) if callable(value) else value

    return fault


def remove(field):
    def fault(row, rng, state):
        row.pop(field, None)

    return fault


def swap(a, b):
    def fault(row, rng, state):
        row[a], row[b] = row[b], row[a]

    return fault


def repeat_key(row, rng, state):
    row["id"] = state.setdefault("id", row["id"])


def frozen(field):
    def fault(row, rng, state):
        row[field] = state.setdefault(field, row[field])

    return fault


def drop(row, rng, state):
    if rng.random() < 0.9:
        row.clear()


def gibberish(text, rng):
    return "".join(rng.choice("qxzjkvwfbpg") for _ in text)


def misspell(text, rng):
    at = rng.randrange(1, len(text) - 1)
    return text[:at] + text[at + 1] + text[at] + text[at + 2:]


def cut(row, rng, state):
    state["raw"] = True


def shaken(row, rng, state):
    row["score"] = min(1, max(0, row["score"] + rng.uniform(-0.02, 0.02)))


def odd_pod(row, rng, state):
    if row["pod"] == ODD_POD:
        row["score"] = 0.3 + 0.4 * row["score"]


def in_ms(field):
    return lambda row, rng: round(row[field] * 1000, 3)


# name: (fault, right kinds, field, how sure). "rule" faults break a record by themselves and are to
# be found at every rate; "window" faults are of a window as a whole, and have a rate from which
# on they are to be found, which the documents state.
RULE, WINDOW = "record", "window"
FAULTS = {
    "number as a string": (set_to("car_value", lambda r, g: str(r["car_value"])), "type", "car_value", RULE),
    "word for a number": (set_to("tenure", "unknown"), "type sentinel", "tenure", RULE),
    "integer as a float": (set_to("loan_length", lambda r, g: float(r["loan_length"])), "type", "loan_length", RULE),
    "fraction for an integer": (set_to("loan_length", lambda r, g: r["loan_length"] + 0.5), "type", "loan_length", RULE),
    "0/1 for a boolean": (set_to("repaid", lambda r, g: int(r["repaid"])), "type", "repaid", RULE),
    '"true" for a boolean': (set_to("repaid", lambda r, g: str(r["repaid"]).lower()), "type", "repaid", RULE),
    "date as text": (set_to("opened", "2026-03-02T10:00:00Z"), "type", "opened", RULE),
    "list for a scalar": (set_to("salary", lambda r, g: [r["salary"]]), "type", "salary", RULE),
    "object for a scalar": (set_to("ratio", lambda r, g: {"value": r["ratio"]}), "type", "ratio", RULE),
    "number for a string": (set_to("style", lambda r, g: g.randint(1, 99)), "type", "style", RULE),
    "beyond 64 bits": (set_to("months", 10**30), "type range", "months", RULE),
    "field missing": (remove("ratio"), "missing", "ratio", RULE),
    "null": (set_to("tenure", None), "null", "tenure", RULE),
    "NaN": (set_to("tenure", float("nan")), "nan", "tenure", RULE),
    "infinity": (set_to("car_value", float("inf")), "nan range", "car_value", RULE),
    "empty string": (set_to("salary", ""), "empty values length sentinel", "salary", RULE),
    "sentinel -999": (set_to("heat", -999), "sentinel range", "heat", RULE),
    "sentinel N/A": (set_to("style", "N/A"), "sentinel values", "style", RULE),
    "sentinel 0": (set_to("car_value", 0), "sentinel range", "car_value", RULE),
    "sentinel 1970": (set_to("opened", 0), "sentinel range", "opened", RULE),
    "out of range": (set_to("loan_length", 100000), "range", "loan_length", RULE),
    "negative": (set_to("car_value", lambda r, g: -r["car_value"]), "range unit", "car_value", RULE),
    "too long": (set_to("brewery", lambda r, g: r["brewery"] * 40), "length", "brewery", RULE),
    "pattern": (set_to("id", lambda r, g: r["id"].replace("tx-", "TX_")), "pattern", "id", RULE),
    "unknown category": (set_to("salary", "1M - 2M"), "values", "salary", RULE),
    "misspelled category": (set_to("downpayment", lambda r, g: r["downpayment"].replace("%", " %")), "values", "downpayment", RULE),
    "other case": (set_to("state", lambda r, g: r["state"].lower()), "values pattern", "state", RULE),
    "unknown field": (set_to("amuont", 1), "unknown_field", "amuont", RULE),
    "precision": (set_to("fee", lambda r, g: r["fee"] / 3), "precision", "fee", RULE),
    "duplicate key": (repeat_key, "duplicate", "id", RULE),
    "event in the future": (set_to("at", lambda r, g: r["at"] + 86400000 * 40), "time", "at", RULE),
    "fields contradict": (set_to("months", lambda r, g: r["loan_length"] - 1), "rule", "months", RULE),
    "undecodable": (cut, "undecodable", None, RULE),
    "score above 1": (set_to("score", lambda r, g: 1 + r["score"]), "range operations.score_invalid", "score", RULE),
    "old model version": (set_to("model", "v1"), "operations.stale_model", "model", RULE),
    "two model versions": (set_to("model", "v3"), "operations.mixed_models", "model", WINDOW),
    "same input, other score": (shaken, "operations.nondeterminism", "score", WINDOW),
    "one host's scores": (odd_pod, "operations.host_outlier", "score", WINDOW),
    "a time is an identifier": (set_to("opened", lambda r, g: g.randint(10**17, 10**18)), "range semantics.mismatch", "opened", WINDOW),
    "e-mail in a harmless text": (set_to("memo", lambda r, g: f"{gibberish('abcdef', g)}@example.com"), "semantics.personal_data", "memo", WINDOW),
    "scores stand still": (frozen("score"), "frozen default_spike operations.score_invalid", "score", WINDOW),
    "more nulls": (set_to("memo", None), "null_rate", "memo", WINDOW),
    "more missing": (remove("extra"), "null_rate", "extra", WINDOW),
    "nine of ten lost": (drop, "volume", None, WINDOW),
    "frozen": (frozen("heat"), "frozen default_spike", "heat", WINDOW),
    "default filled in": (set_to("wait", 2.718), "default_spike", "wait", WINDOW),
    "most common filled in": (set_to("style", "American IPA"), "default_spike frozen", "style", WINDOW),
    "new categories": (set_to("style", lambda r, g: f"Style {g.randint(1, 30)}"), "categories", "style", WINDOW),
    "swapped": (swap("ratio", "score"), "swapped", "ratio", WINDOW),
    "gibberish": (set_to("brewery", lambda r, g: gibberish(r["brewery"], g)), "gibberish", "brewery", WINDOW),
    "USD to JPY": (set_to("car_value", lambda r, g: r["car_value"] * 155), "unit range", "car_value", WINDOW),
    "s to ms": (set_to("wait", in_ms("wait")), "unit range", "wait", WINDOW),
    "fraction to percent": (set_to("ratio", lambda r, g: r["ratio"] * 100), "unit range", "ratio", WINDOW),
    "Celsius to Fahrenheit": (set_to("heat", lambda r, g: round(r["heat"] * 1.8 + 32, 1)), "unit range", "heat", WINDOW),
    "bytes to KiB": (set_to("bytes", lambda r, g: r["bytes"] // 1024), "unit range", "bytes", WINDOW),
    "sign flipped": (set_to("heat", lambda r, g: -r["heat"]), "unit range", "heat", WINDOW),
}

# A version that all records have is a roll-out.
NO_FAULT = {("two model versions", "100")}

# What data cannot teach: added to the contract that was learnt, below these lines of it.
ADDED = {
    "    type: schema": ["by: [state]", "window: {size: 1h}", "duplicates: 1h", "future: 5m",
                         'rules: ["months >= loan_length"]'],
    "    type: operations": ["rollout: 2h"],
    "      car_value:": ["    unit: USD"],
    "      wait:": ["    unit: s"],
    "      heat:": ["    unit: C"],
    "      bytes:": ["    unit: B"],
    "      fee:": ["    precision: 2"],
    "      opened:": ["    semantic: timestamp_ms"],
    "      memo:": ["    semantic: category"],
}  # fmt: skip


# ---- the drill


def weir(*arguments, check=True):
    done = subprocess.run([BUILD / "weir", *map(str, arguments)], capture_output=True, text=True,
                          check=False)  # fmt: skip
    if check and done.returncode:
        sys.exit(f"weir {arguments[0]}: {done.stderr}")
    return done


def write(path, rows, states=()):
    with open(path, "w", encoding="utf-8") as file:
        for row in rows:
            if row.get("__cut"):
                del row["__cut"]
                file.write(json.dumps(row)[:-9] + "\n")
            elif row:
                file.write(json.dumps(row) + "\n")


NO_ORACLE = {"same input, other score", "two model versions", "e-mail in a harmless text"}


class Cells:
    """What a value counts as: a cell of the clean ones, or itself where it is common."""

    def __init__(self, clean, spoilt, n):
        numbers = sorted(x for x in clean if isinstance(x, (int, float)))
        self.cuts = [numbers[len(numbers) * i // n] for i in range(1, n)] if numbers else []
        self.common = {x for some in (clean, spoilt)
                       for x, times in collections.Counter(some).most_common(50)
                       if times > len(some) / n}  # fmt: skip

    def of(self, value):
        if isinstance(value, (int, float)) and value not in self.common:
            return bisect.bisect(self.cuts, value)
        return str(value)


class Drill:
    def __init__(self, folder, data):
        self.folder = folder
        rows = list(clean(data))
        self.served = rows[LEARN:]
        bare = folder / "bare.yaml"
        bare.write_text("version: 1\napp: drill\nstreams:\n  loans: {topic: loans, format: json, "
                        "key: id, time: at, fields: {id: {type: string}, at: {type: long}, "
                        "state: {type: string, role: slice}, model: {type: string, role: model_version}, "
                        "score: {type: double, role: score}, pod: {type: string, role: host}}}\n")  # fmt: skip
        write(folder / "learn.jsonl", [dict(row) for row in rows[:LEARN]])
        weir("profile", "-q", "-c", bare, "-s", "loans", "-i", folder / "learn.jsonl",
             "-o", folder / "learnt.avro", "--pane", "1h")  # fmt: skip
        weir("infer", folder / "learnt.avro", "-o", folder / "contract.yaml")
        lines = []
        for line in (folder / "contract.yaml").read_text().splitlines():
            line = line.replace("window: {size: 5m}", "window: {size: 1h}")
            lines += [line] + ["    " + added for added in ADDED.get(line, ())]
        lines.append("  meaning: {type: semantics, stream: loans}")
        (folder / "contract.yaml").write_text("\n".join(lines) + "\n")
        done = weir("check", folder / "contract.yaml", check=False)
        if done.returncode:
            sys.exit(f"{done.stderr}\n{(folder / 'contract.yaml').read_text()}")

    def replay(self, rows):
        write(self.folder / "served.jsonl", rows)
        weir("replay", "-q", "-c", self.folder / "contract.yaml", "-i",
             f"loans={self.folder / 'served.jsonl'}", "--output",
             f"alerts={self.folder / 'alerts.jsonl'}")  # fmt: skip
        with open(self.folder / "alerts.jsonl", encoding="utf-8") as file:
            alerts = [json.loads(line) for line in file]
        return [a for a in alerts if a["status"] == "open"]

    def spoilt(self, fault, rate):
        rng = random.Random(f"{rate}")
        state, rows, first, n = {}, [], None, 0
        for number, row in enumerate(self.served):
            row = dict(row)
            hit = number >= BEFORE and (
                row["state"] == SLICE if rate == "slice" else rng.random() * 100 < float(rate))
            if hit:
                n += 1
                first = number if first is None else first
                fault(row, rng, state)
                if state.pop("raw", False):
                    row["__cut"] = True
            rows.append(row)
        return rows, first, n

    def oracle(self, name, rate):
        fault, _, field, _ = FAULTS[name]
        if not field or name in NO_ORACLE:
            return None
        fields = ("ratio", "score") if name == "swapped" else (field,)
        rows = [row for row in self.served if name != "one host's scores" or row["pod"] == ODD_POD]
        if rate == "slice":
            rows = [row for row in rows if row["state"] == SLICE]
        rng, state, spoilt = random.Random(1), {}, [dict(row) for row in rows]
        for row in spoilt:
            fault(row, rng, state)
        find = [Cells([row.get(f) for row in rows], [row.get(f) for row in spoilt], 200 if len(
            fields) == 1 else 20) for f in fields]  # fmt: skip
        kinds = [collections.Counter(tuple(c.of(row.get(f, Cells)) for c, f in zip(find, fields))
                                     for row in some) for some in (rows, spoilt)]  # fmt: skip
        n, every = len(rows), set(kinds[0]) | set(kinds[1])
        share = 1 if rate == "slice" else float(rate) / 100
        nats = 0
        for kind in every:
            clean = (kinds[0][kind] + 0.5) / (n + 0.5 * len(every))
            now = (1 - share) * clean + share * kinds[1][kind] / n
            nats += now * math.log(now / clean) if now else 0
        return nats * n * (SERVE - BEFORE) / SERVE

    def run(self, name, rate):
        fault, kinds, field, _ = FAULTS[name]
        rows, first, n = self.spoilt(fault, rate)
        right = {kind if "." in kind else f"schema.{kind}" for kind in kinds.split()}
        found, others = None, []
        for alert in self.replay(rows):
            named = field is None or field in alert["fields"] or field in alert["summary"]
            if alert["kind"] in right and named:
                began, said = self.served[first]["at"], rows[first].get("at", 0)
                if began < said <= alert["opened_at"]:  # the time is what is wrong
                    began = said
                after = (alert["opened_at"] - began) // STEP
                found = after if found is None else min(found, after)
            else:
                others.append(alert)
        return found, n, others


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=os.environ.get("WEIR_DATA"))
    parser.add_argument("--only", nargs="*", default=list(FAULTS))
    parser.add_argument("--rates", default="100,10,1,slice")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    if not args.data:
        print("skipped: WEIR_DATA is not set, and the data are not part of weir")
        return 0
    rates = args.rates.split(",")
    with tempfile.TemporaryDirectory() as name:
        drill = Drill(pathlib.Path(name), pathlib.Path(args.data))
        quiet = drill.replay([dict(row) for row in drill.served])
        print(f"clean data: {len(quiet)} alerts in {SERVE:,} records")
        for alert in quiet:
            print(f"  {alert['kind']}: {alert['summary']}")
        print(f"\n{'fault':26} {'to be found as':24} " + " ".join(f"{r + ('' if r == 'slice' else '%'):>10}" for r in rates))
        tally, extra = collections.Counter(), collections.Counter()
        for fault in args.only:
            cells = []
            for rate in rates:
                if (fault, rate) in NO_FAULT:
                    cells.append("")
                    continue
                found, n, others = drill.run(fault, rate)
                tally[FAULTS[fault][3], rate, found is not None] += 1
                nats = drill.oracle(fault, rate) if found is None else None
                cells.append(f"{found:,}" if found is not None else
                             "-" if nats is None else f"- ({nats:.3g})")  # fmt: skip
                for alert in others:
                    extra[fault, alert["kind"], ",".join(alert["fields"])] += 1
                    if args.verbose:
                        print(f"    {rate}: {alert['kind']}: {alert['summary'][:200]}")
            print(f"{fault:26} {FAULTS[fault][1]:24} " + " ".join(f"{c:>10}" for c in cells), flush=True)
        print("\nfound and named rightly (the figures above: after how many records; - not, with the nats)")
        for sort in (RULE, WINDOW):
            print(f"  {sort} faults: " + ", ".join(
                f"{rate}{'' if rate == 'slice' else '%'} {tally[sort, rate, True]} of "
                f"{tally[sort, rate, True] + tally[sort, rate, False]}" for rate in rates))
        print("\nbeside them, of the same fault (fault: kind, fields, at how many rates)")
        for (fault, kind, fields), times in sorted(extra.items()):
            print(f"  {fault}: {kind} {fields} {times}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
