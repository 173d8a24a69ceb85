# SPDX-License-Identifier: Apache-2.0
"""`drift` on public data of which it is known where they change: found, how late, and false ones.

    WEIR_DATA=FOLDER script/python bench/real_drift.py [--only SET ...] [--json FILE]

A table a set. Every rule sees the same windows: weir through `weir replay`, at default options,
against a profile and against the stream's own windows, calibrated on the stretch before and not;
others' rules as formulas at their defaults; one that always fires and one that fires at random.

A change is found if the rule fires in the first `within` windows after it. Still stretches are cut
into pieces of as many windows, and a piece in which it fires is a false alarm: found less false is
1 at best, and 0 for a rule that does not look at the data. Fields are scored by themselves as well,
where the reference stays: the moved ones in windows after a change, the others in still windows.
"""

import argparse
import dataclasses
import datetime
import json
import os
import pathlib
import sys
import tempfile
import typing

import numpy
import scipy.spatial.distance
import scipy.stats
from detectors import DAY, HOUR, replay, rows_of, write_rows

START = 1700092800000  # a Thursday, 00:00 UTC: windows of a week begin there
MINUTE = 60000
LARGE, NONE = 0.15, 0.03  # Kolmogorov-Smirnov distances of whole segments


@dataclasses.dataclass
class Stream:
    """Rows of one file; `fields` are its columns with their kinds of weir."""

    name: str
    fields: dict
    rows: list
    known: int  # rows that are reference and calibration
    window: int  # rows of one
    edges: list  # rows before which something changes; what does not move there is still
    step: int = MINUTE  # ms a row
    previous: int = 8  # windows
    within: int = 4  # windows
    timed: bool = False  # windows are spans of time, and hours have a meaning
    ignore: list = dataclasses.field(default_factory=list)  # rows: [first, end) not to calibrate on
    # rows where something is wrong for a while: such windows are the changes, and no edges are.
    spells: list = dataclasses.field(default_factory=list)
    truth: typing.Any = None  # (field, segment) -> distance from the known rows, where it is told

    def __post_init__(self):
        self.columns = {}
        for k, (name, kind) in enumerate(self.fields.items()):
            cells = [row[k] for row in self.rows]
            numeric = kind == "double"
            self.columns[name] = numpy.array([float(c) for c in cells] if numeric else cells)
        self.n = len(self.rows) // self.window

    def part(self, name, first, end):
        return self.columns[name][max(first, 0) : end]

    def known_rows(self):
        keep = numpy.ones(self.known, bool)
        for first, end in self.ignore:
            keep[first:end] = False
        return numpy.flatnonzero(keep)

    def known_part(self, name):
        return self.columns[name][self.known_rows()]

    def segments(self):
        edges = [0, *self.edges, len(self.rows)]
        return list(zip(edges[:-1], edges[1:]))


# ---- what is to be found


@dataclasses.dataclass
class Wanted:
    """Windows by what is true of them: `begins` are the first windows of changes."""

    begins: list
    small: list  # of changes that are between LARGE and NONE, and of none that a column shows
    hidden: list
    still: list  # pieces of `within` windows
    moved: set  # (field, window)
    same: set


def distance(a, b):
    """The largest difference of shares: of ordered values at or below one, of categories one's."""
    if a.dtype.kind == "f":
        at = numpy.union1d(a, b)
        shares = [numpy.searchsorted(numpy.sort(x), at, "right") / len(x) for x in (a, b)]
        return float(numpy.abs(shares[0] - shares[1]).max())
    return max(abs(float((a == v).mean() - (b == v).mean())) for v in set(a) | set(b))


def wanted_of(stream, past):
    """`past`: the reference is the windows before; otherwise the known rows."""
    window, within = stream.window, stream.within
    first = -(-stream.known // window)
    if stream.spells:
        return wanted_of_spells(stream, first)
    begins, small, hidden, still, moved, same = [], [], [], [], set(), set()
    segments = stream.segments()
    for s, (begin, end) in enumerate(segments):
        w0, w1 = max(begin // window, first), end // window
        if w1 <= w0:
            continue
        # Whether the segment is unlike the reference, and whether it is unlike the one before.
        away, step = {}, {}
        for name in stream.fields:
            now = stream.part(name, max(begin, stream.known), end)
            away[name] = distance(stream.known_part(name), now)
            step[name] = distance(stream.part(name, *segments[s - 1]), now) if s else 0.0
            if stream.truth and not past:
                away[name] = stream.truth(name, s)
            windows = range(w0 if begin % window == 0 or not s else w0 + 1, w1)
            if away[name] > LARGE:
                moved |= {(name, w) for w in windows}
            elif away[name] < NONE:
                same |= {(name, w) for w in windows}
        changed = max((step if past else away).values())
        if s and begin >= stream.known:
            (begins if changed > LARGE else small if changed > NONE else hidden).append(w0)
        # Old windows are a reference until the new ones fill it.
        from_ = w0 + (within + stream.previous if past and s and changed > NONE else 0)
        if (past or max(away.values()) < NONE) and from_ < w1:
            still += [
                list(range(w, min(w + within, w1))) for w in range(from_, w1 - within + 1, within)
            ]
    return Wanted(begins, small, hidden, still, moved, same)


def wanted_of_spells(stream, first):
    window, within = stream.window, stream.within
    touched = {w for a, b in stream.spells for w in range(a // window, -(-b // window))}
    begins = sorted({a // window for a, _ in stream.spells if a // window >= first})
    rest, still = [], []
    for w in range(first, stream.n):
        rest = rest + [w] if w not in touched and w - 1 not in touched else []
        if len(rest) == within:
            still.append(rest)
            rest = []
    name = next(iter(stream.fields))
    return Wanted(
        begins, [], [], still, {(name, w) for w in touched if w >= first},
        {(name, w) for piece in still for w in piece},
    )  # fmt: skip


# ---- weir


def time_of(row, stream):
    moment = datetime.datetime.fromtimestamp((START + row * stream.step) / 1000, datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def weir(stream, folder, reference, calibrated):
    """{(field, window)} and the windows with an alert, and the alerts; reference None: a profile."""

    def write(name, which):
        rows = ([START + i * stream.step, *stream.rows[i]] for i in which)
        write_rows(folder / name, ["at", *stream.fields], rows)
        return folder / name

    size = f"size: {stream.window * stream.step}ms" if stream.timed else f"records: {stream.window}"
    detector = f"type: drift, window: {{{size}}}"
    more, before = [], None
    if reference:
        more += ["references:", f"  before: {reference}"]
        detector += ", reference: before"
    else:
        before = write("before.csv", stream.known_rows())
    if calibrated:
        out = [f"{{from: {time_of(a, stream)}, to: {time_of(b, stream)}}}" for a, b in stream.ignore]
        # A window by records ends with its last one.
        span = (len(stream.known_rows()) - 1) * stream.step
        more.append(f"calibration: {{last: {span}ms, exclude: [{', '.join(out)}]}}")
    fields = {name: f"type: {kind}, nullable: true" for name, kind in stream.fields.items()}
    alerts = replay(
        folder, fields, detector, write("rows.csv", range(len(stream.rows))), before, more=more
    )
    alerts = [a for a in alerts if a["kind"].startswith("drift.")]
    pairs = {
        (field, (a["window"]["start"] - START) // (stream.window * stream.step))
        for a in alerts
        for field in a["fields"]
    }
    return pairs, {w for _, w in pairs}, alerts


# ---- others' rules, from their definitions (each gives the pairs that it calls drifted)


def bins_of(values, n):
    return numpy.unique(numpy.quantile(values, numpy.linspace(0, 1, n + 1)))[1:-1]


def shares(a, b, edges=None):
    """Counts of both in the same bins: categories, or cut at `edges`."""
    if edges is None:
        names = sorted(set(a) | set(b))
        return [numpy.array([(x == v).sum() for v in names], float) for x in (a, b)]
    return [
        numpy.bincount(numpy.searchsorted(edges, x, "right"), minlength=len(edges) + 1).astype(float)
        for x in (a, b)
    ]


def is_number(a):
    return a.dtype.kind == "f"


def significant(a, b):
    """KS or chi-square, p < .05."""
    if is_number(a):
        return scipy.stats.ks_2samp(a, b, method="asymp").pvalue < 0.05
    table = numpy.array(shares(a, b))
    return table.shape[1] > 1 and scipy.stats.chi2_contingency(table)[1] < 0.05


def population_stability(a, b):
    x, y = shares(a, b, bins_of(a, 10) if is_number(a) else None)
    x, y = (numpy.maximum(v / v.sum(), 1e-4) for v in (x, y))
    return ((y - x) * numpy.log(y / x)).sum() > 0.25


def jensen_shannon(a, b, edges, base):
    x, y = shares(a, b, edges)
    return float(scipy.spatial.distance.jensenshannon(x / x.sum(), y / y.sum(), base=base))


def evidently(a, b):
    """Of one column; the reference's size chooses the method."""
    if len(a) <= 1000:
        return significant(a, b)
    if is_number(a) and len(numpy.unique(a)) > 5:
        sd = max(float(a.std()), 0.001)
        return scipy.stats.wasserstein_distance(a, b) / sd >= 0.1
    both = numpy.concatenate([a, b])
    edges = numpy.histogram_bin_edges(both, "sturges")[1:-1] if is_number(a) else None
    return jensen_shannon(a, b, edges, numpy.e) >= 0.1


def by_field(rule):
    def judge(stream, past):
        pairs = set()
        for name in stream.fields:
            known = stream.known_part(name)
            for w in range(stream.known // stream.window, stream.n):
                begin = w * stream.window
                before = stream.part(name, begin - stream.previous * stream.window, begin)
                now = stream.part(name, begin, begin + stream.window)
                if rule(before if past else known, now):
                    pairs.add((name, w))
        return pairs, {w for _, w in pairs}

    return judge


def half_of_columns(stream, past):
    pairs, _ = by_field(evidently)(stream, past)
    many = {
        w for _, w in pairs if 2 * sum((n, w) in pairs for n in stream.fields) >= len(stream.fields)
    }
    return {(n, w) for n, w in pairs if w in many}, many


def three_sigma(stream, _):
    """NannyML's: the Jensen-Shannon distance beyond mean + 3 sd of the reference's own chunks."""
    pairs = set()
    for name in stream.fields:
        known = stream.known_part(name)
        edges = numpy.histogram_bin_edges(known, "doane")[1:-1] if is_number(known) else None
        at = [
            jensen_shannon(known, known[i : i + stream.window], edges, 2)
            for i in range(0, len(known) - stream.window + 1, stream.window)
        ]
        limit = min(numpy.mean(at) + 3 * numpy.std(at), 1)
        for w in range(stream.known // stream.window, stream.n):
            now = stream.part(name, w * stream.window, (w + 1) * stream.window)
            if jensen_shannon(known, now, edges, 2) > limit:
                pairs.add((name, w))
    return pairs, {w for _, w in pairs}


def always(stream, _):
    return {(n, w) for n in stream.fields for w in range(stream.n)}, set(range(stream.n))


def at_random(stream, _):
    fires = numpy.random.default_rng(7).random((stream.n, len(stream.fields))) < 0.1
    pairs = {(n, w) for w in range(stream.n) for k, n in enumerate(stream.fields) if fires[w, k]}
    return pairs, {w for _, w in pairs}


PEERS = {
    "KS or chi-square, p < 0.05": by_field(significant),
    "PSI > 0.25, ten quantile bins": by_field(population_stability),
    "NannyML: Jensen-Shannon beyond mean + 3 sd": three_sigma,
    "Evidently: half of the columns": half_of_columns,
    "always firing": always,
    "at random, a field and window in ten": at_random,
}


# ---- scoring


class Score:
    def __init__(self):
        self.found = self.wanted = self.false = self.pieces = 0
        self.fired = self.windows = self.starts = 0
        self.small = [0, 0]
        self.hidden = [0, 0]
        self.moved = [0, 0]
        self.same = [0, 0]
        self.late, self.slow = [], 0
        self.fields = {}  # of each: windows in alarm that are still, and those that are still

    def add(self, stream, wanted, pairs, windows, alerts=()):
        within = stream.within

        def first(w):
            return next((k for k in range(within) if w + k in windows), None)

        for w in wanted.begins:
            k = first(w)
            self.wanted += 1
            if k is None:
                continue
            self.found += 1
            begin = next(
                (e for e in [*stream.edges, *(a for a, _ in stream.spells)] if e // stream.window == w),
                w * stream.window,
            )
            self.late.append((k + 1, (w + k + 1) * stream.window - begin))
        for many, at in ((self.small, wanted.small), (self.hidden, wanted.hidden)):
            many[0] += sum(first(w) is not None for w in at)
            many[1] += len(at)
        self.pieces += len(wanted.still)
        self.false += sum(any(w in windows for w in piece) for piece in wanted.still)
        quiet = {w for piece in wanted.still for w in piece}
        self.windows += len(quiet)
        self.fired += len(quiet & windows)
        self.starts += sum(w in windows and w - 1 not in windows for w in quiet)
        for many, at in ((self.moved, wanted.moved), (self.same, wanted.same)):
            many[0] += len(pairs & at)
            many[1] += len(at)
        for name in stream.fields:
            at = {pair for pair in wanted.same if pair[0] == name}
            fired, all_ = self.fields.get(name, (0, 0))
            self.fields[name] = (fired + len(pairs & at), all_ + len(at))
        self.slow += sum(a["kind"] == "drift.slow" for a in alerts)

    def value(self):
        if not self.wanted or not self.pieces:
            return None
        return self.found / self.wanted - self.false / self.pieces

    def figures(self):
        delay = sorted(self.late)[len(self.late) // 2] if self.late else (None, None)
        return {
            "found": self.found, "wanted": self.wanted, "delay_windows": delay[0],
            "delay_records": delay[1], "false": self.false, "pieces": self.pieces,
            "value": self.value(), "fired": self.fired, "still_windows": self.windows,
            "starts": self.starts, "small": self.small, "hidden": self.hidden,
            "moved": self.moved, "same": self.same, "slow": self.slow,
            "still_fields": self.fields,
        }  # fmt: skip


def of(a, b):
    return f"{a} of {b}" if b else "-"


def show(title, scores, past_of):
    print(f"\n### {title}\n")
    print("| | found | delay: windows, records | still pieces with an alarm | found less false "
          "| still windows in alarm | moved fields x windows | still fields x windows |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|")
    for name, score in scores.items():
        f = score.figures()
        delay = f"{f['delay_windows']}, {f['delay_records']:,}" if score.late else "-"
        value = "-" if f["value"] is None else f"{f['value']:.2f}"
        fields = ("-", "-") if past_of[name] else (of(*score.moved), of(*score.same))
        print(f"| {name} | {of(score.found, score.wanted)} | {delay} "
              f"| {of(score.false, score.pieces)} | {value} "
              f"| {of(score.fired, score.windows)}, {score.starts} begun "
              f"| {fields[0]} | {fields[1]} |")  # fmt: skip
    notes = []
    for name, score in scores.items():
        if score.small[1] and not past_of[name]:
            notes.append(f"{name} {score.small[0]} of {score.small[1]}")
    if notes:
        print(f"\nSmall changes (distance {NONE} to {LARGE}; not scored): " + "; ".join(notes) + ".")
    notes = []
    for name, score in scores.items():
        fields = [f"{field} {of(*counts)}" for field, counts in score.fields.items() if counts[0]]
        if name.startswith("weir") and fields and not past_of[name]:
            notes.append(f"{name}: {', '.join(fields)}")
    if notes:
        print("\nStill fields x windows, by field: " + "; ".join(notes) + ".")
    notes = []
    for name, score in scores.items():
        if score.hidden[1]:
            notes.append(f"{name} {score.hidden[0]} of {score.hidden[1]}")
    if notes:
        print("\nChanges that no field shows by itself: alarms after " + "; ".join(notes) + ".")


def rules_of(stream):
    """(name, reference, calibrated)"""
    rules = [
        ("weir, profile", None, False),
        ("weir, profile, calibrated", None, True),
        (f"weir, previous {stream.previous}", f"{{previous: {stream.previous}}}", False),
        (f"weir, previous {stream.previous}, calibrated", f"{{previous: {stream.previous}}}", True),
    ]
    if stream.timed:
        rules.append(("weir, same hour of 4 weeks", "{same_hour: 4w}", False))
        rules.append(("weir, same hour of 4 weeks, calibrated", "{same_hour: 4w}", True))
    return rules


def measure(streams, folder, verbose, ours):
    scores, past_of = {}, {}
    for stream in streams:
        against = {past: wanted_of(stream, past) for past in (False, True)}
        for name, reference, calibrated in rules_of(stream):
            past = reference is not None
            pairs, windows, alerts = weir(stream, folder, reference, calibrated)
            scores.setdefault(name, Score()).add(stream, against[past], pairs, windows, alerts)
            past_of[name] = past
            if verbose:
                tell(stream, name, against[past], pairs, alerts)
        if ours:
            continue
        for name, rule in PEERS.items():
            pairs, windows = rule(stream, False)
            scores.setdefault(name, Score()).add(stream, against[False], pairs, windows)
            past_of[name] = False
        name = f"KS or chi-square against previous {stream.previous}"
        pairs, windows = by_field(significant)(stream, True)
        scores.setdefault(name, Score()).add(stream, against[True], pairs, windows)
        past_of[name] = True
    return scores, past_of


def tell(stream, name, wanted, pairs, alerts):
    quiet = {w for piece in wanted.still for w in piece}
    print(f"-- {stream.name}: {name}; begins {wanted.begins}", file=sys.stderr)
    for a in alerts:
        w = (a["window"]["start"] - START) // (stream.window * stream.step)
        if a["status"] == "open" or w in quiet:
            mark = "FALSE " if w in quiet else ""
            print(f"   {w} {mark}{a['status']} {a['kind']} {a['summary']}", file=sys.stderr)


# ---- the sets


def pick(rows, fields):
    return [[row[name] for name in fields] for row in rows]


CAR_LOAN = {
    "car_value": "double",
    "salary_range": "string",
    "debt_to_income_ratio": "double",
    "loan_length": "double",
    "repaid_loan_on_prev_car": "string",
    "size_of_downpayment": "string",
    "driver_tenure": "double",
    "y_pred_proba": "double",
}
CAR_LOAN_MOVED = {
    "car_value", "loan_length", "repaid_loan_on_prev_car", "salary_range", "y_pred_proba"
}  # fmt: skip


def car_loan(data, window):
    rows = []
    for part in ("reference", "analysis"):
        path = data / "nannyml_car_loan" / f"synthetic_car_loan_{part}.csv.gz"
        rows += pick(rows_of(path), CAR_LOAN)
    yield Stream(
        f"car loan, windows of {window:,}", CAR_LOAN, rows, 50000, window, [75000],
        within=1 if window == 5000 else 4,
        truth=lambda name, segment: float(segment > 0 and name in CAR_LOAN_MOVED),
    )  # fmt: skip


def elec2(data):
    """The interconnector opens at row 17,424: three columns begin to vary."""
    names = ["nswprice", "nswdemand", "vicprice", "vicdemand", "transfer"]
    rows = pick(rows_of(data / "elec2" / "electricity.csv.gz"), names)
    week, event = 336, 17424
    # So that the event begins a week.
    rows = rows[event % week : event + 8 * week]
    event -= event % week
    opened = {"vicprice", "vicdemand", "transfer"}
    yield Stream(
        "elec2, weeks", dict.fromkeys(names, "double"), rows, event - 26 * week, week, [event],
        step=HOUR // 2, previous=4, within=2, timed=True,
        truth=lambda name, segment: float(segment > 0 and name in opened),
    )  # fmt: skip


def concepts(data):
    paths = [(p, 10000) for p in sorted((data / "synthetic_streams").glob("*abrupto*.csv.gz"))]
    for path, length in [*paths, (data / "sea_concepts" / "SEA_50k.csv.gz", 12500)]:
        table = list(rows_of(path))
        fields = {n: "string" if n == "class" else "double" for n in table[0]}
        edges = list(range(length, len(table), length))
        yield Stream(path.name, fields, pick(table, fields), length // 2, 250, edges)


def errors(data):
    """A frozen model's errors and confidence on the streams; what it was trained on is left out."""
    folder = data / "error_streams"
    about = json.loads((folder / "REFERENCE_river_detections.json").read_text(encoding="utf-8"))
    fields = {"wrong": "boolean", "confidence": "double"}
    for name, told in about.items():
        trained, edges = told["n_train_frozen"], told["drift_points"]
        if name == "elec2" or edges[0] - trained < 1000:
            continue  # no truth; too short
        rows = [
            [str(row["err_frozen_rf"] == "1").lower(), row["confidence_frozen_rf"]]
            for row in list(rows_of(folder / f"{name}.csv.gz"))[trained:]
        ]
        edges = [edge - trained for edge in edges]
        yield Stream(name, fields, rows, edges[0] // 2, 250, edges)


def whole_days(spells, day):
    """Of them, in order and apart."""
    days = sorted({d for a, b in spells for d in range(a // day, -(-b // day))})
    return [(d * day, (d + 1) * day) for d in days]


def tweets(data):
    """Days of the ten series that are long enough; labelled stretches are what is to be found."""
    labels = json.loads((data / "nab" / "labels" / "windows.json").read_text(encoding="utf-8"))
    day = 288
    for path in sorted((data / "nab" / "data" / "realTweets").glob("*.csv")):
        table = list(rows_of(path))
        times = [row["timestamp"] for row in table]
        spells = [
            (sum(t < a[:19] for t in times), sum(t <= b[:19] for t in times))
            for a, b in labels[f"realTweets/{path.name}"]
        ]
        known = 21 * day
        yield Stream(
            path.name, {"value": "double"}, pick(table, ["value"]), known, day, [],
            step=DAY // day, previous=7, within=2, timed=True, spells=spells,
            ignore=whole_days([(a, min(b, known)) for a, b in spells if a < known], day),
        )  # fmt: skip


SETS = {
    "car_loan": ("nannyml_car_loan, windows of 5,000", lambda data: car_loan(data, 5000)),
    "car_loan_1000": ("nannyml_car_loan, windows of 1,000", lambda data: car_loan(data, 1000)),
    "elec2": ("elec2, weeks", elec2),
    "concepts": ("synthetic_streams and sea_concepts, windows of 250", concepts),
    "errors": ("error_streams: a frozen model's errors and confidence, windows of 250", errors),
    "tweets": ("nab, ten series of tweets, days", tweets),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--only", nargs="+", choices=sorted(SETS), default=list(SETS))
    parser.add_argument("--json", type=pathlib.Path, help="the figures, for programs")
    parser.add_argument("--ours", action="store_true", help="without others' rules")
    parser.add_argument("--verbose", action="store_true", help="alarms one by one, to standard error")
    options = parser.parse_args()
    place = os.environ.get("WEIR_DATA", "")
    data = pathlib.Path(place)
    if not place or not (data / "nannyml_car_loan").is_dir():
        sys.exit("not measured: WEIR_DATA names no folder with the labelled data")
    figures = {}
    print(f"Measured {datetime.date.today().isoformat()}.")
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as name:
        for key in options.only:
            title, make = SETS[key]
            scores, past_of = measure(
                make(data), pathlib.Path(name), options.verbose, options.ours
            )
            show(title, scores, past_of)
            sys.stdout.flush()
            figures[key] = {rule: score.figures() for rule, score in scores.items()}
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
