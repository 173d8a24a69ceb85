#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How often the meaning of a column is inferred rightly: over a labelled table of the columns of
public data sets, and apart from it over generated columns of every kind. Prints the accuracy of
both and what was taken for what.

    bench/semantics.py --weir build/weir [--data DIR] [--seeds N] [--verbose]
"""

import argparse
import base64
import collections
import csv
import datetime
import hashlib
import json
import os
import pathlib
import random
import string
import subprocess
import sys
import tempfile
import uuid

# Columns of public data sets and what they mean; where two readings are fair, both stand.
LABELS = {
    "compas/compas-scores-two-years.csv": {
        "sex": "category", "age": "age", "age_cat": "category", "race": "category",
        "juv_fel_count": "count", "juv_misd_count": "count", "juv_other_count": "count",
        "priors_count": "count", "days_b_screening_arrest": "count measurement",
        "c_charge_degree": "category", "compas_screening_date": "date",
        "decile_score": "category", "score_text": "category", "is_recid": "boolean",
        "two_year_recid": "boolean",
    },
    "data_errors/hospital/clean.csv": {
        "index": "sequential_id", "ProviderNumber": "random_id sequential_id",
        "HospitalName": "text category", "Address1": "text category", "Address2": "category text",
        "Address3": "category text", "City": "category", "State": "category",
        "ZipCode": "postal_code", "CountyName": "category text", "PhoneNumber": "phone",
        "HospitalType": "category", "HospitalOwner": "category", "EmergencyService": "boolean",
        "Condition": "category", "MeasureCode": "category random_id",
        "MeasureName": "text category", "Score": "category percentage",
        "Sample": "text category count", "Stateavg": "category random_id",
    },
    "data_errors/beers/clean.csv": {
        "index": "sequential_id", "id": "sequential_id random_id", "beer-name": "text",
        "style": "category", "ounces": "measurement count category",
        "abv": "probability percentage measurement", "ibu": "count measurement",
        "brewery_id": "sequential_id random_id", "brewery-name": "text category",
        "city": "category", "state": "category",
    },
    "leak_aer_creditcard/AER_credit_card_data.csv": {
        "card": "boolean", "reports": "count category", "age": "age", "income": "money",
        "share": "probability measurement", "expenditure": "money", "owner": "boolean",
        "selfemp": "boolean", "dependents": "count category", "months": "count",
        "majorcards": "count boolean category", "active": "count category",
    },
    "elec2/electricity.csv.gz": {
        "date": "measurement probability", "day": "category", "period": "measurement probability",
        "nswprice": "money measurement probability", "nswdemand": "measurement probability",
        "vicprice": "money measurement probability", "vicdemand": "measurement probability",
        "transfer": "measurement probability", "class": "category boolean",
    },
    "nab/data/realTweets/Twitter_volume_GOOG.csv": {"timestamp": "timestamp", "value": "count"},
    "nab/data/realAWSCloudwatch/ec2_cpu_utilization_24ae8d.csv": {
        "timestamp": "timestamp", "value": "measurement percentage"},
    "ms_cloud_monitoring/data/consumer-purchase-rate/purchase-02.csv": {
        "TimeStamp": "timestamp", "Value": "count", "Label": "boolean category"},
    "crowd_labels/labelme__train1000/label.csv": {
        "item": "sequential_id random_id", "worker": "random_id category sequential_id",
        "label": "category"},
    "crowd_labels/SpectralMethodsMeetEM__web/label.csv": {
        "item": "sequential_id random_id", "worker": "random_id category sequential_id",
        "label": "category"},
    "tcpd/series/usd_isk.csv": {"t": "date", "Exchange rate": "measurement money probability"},
    "tcpd/series/global_co2.csv": {"t": "date", "Mean": "measurement"},
    "nannyml_car_loan/synthetic_car_loan_reference.csv.gz": {
        "car_value": "money", "salary_range": "category", "debt_to_income_ratio":
        "probability measurement percentage", "loan_length": "measurement count category",
        "repaid_loan_on_prev_car": "boolean", "size_of_downpayment": "percentage category",
        "driver_tenure": "count measurement", "y_pred_proba": "probability", "y_pred": "boolean",
        "timestamp": "timestamp"},
}

START = datetime.datetime(2026, 3, 2, tzinfo=datetime.timezone.utc)
ROWS = 2000


def day(rng):
    return START + datetime.timedelta(seconds=rng.uniform(-4e8, 4e7))


def pick(values):
    return lambda rng, i, t: rng.choice(values)


def word(rng):
    return "".join(rng.choice(string.ascii_lowercase) for _ in range(rng.randint(2, 9)))


def sentence(rng, low, high):
    return " ".join(word(rng) for _ in range(rng.randint(low, high)))


COUNTRIES = "US DE JP FR GB IT ES NL SE PL BR IN CN CA MX AU CH AT BE DK NO FI".split()
CURRENCIES = "USD EUR JPY GBP CHF SEK NOK DKK PLN BRL INR CNY CAD MXN AUD".split()
LANGUAGES = "en de ja fr it es nl sv pl pt hi zh en-US pt-BR de-CH fr-CA".split()


def postal(rng, i, t):
    return rng.choice([f"{rng.randint(501, 99950):05d}", f"{rng.randint(10000, 99999)}-"
                       f"{rng.randint(1000, 9999)}"])


def british(rng, i, t):
    letters = string.ascii_uppercase
    return (f"{rng.choice(letters)}{rng.choice(letters)}{rng.randint(1, 9)} "
            f"{rng.randint(1, 9)}{rng.choice(letters)}{rng.choice(letters)}")


def luhn(rng, i, t):
    digits = [4] + [rng.randint(0, 9) for _ in range(14)]
    total = sum(sum(divmod(d * (1 + (k + 1) % 2), 10)) for k, d in enumerate(digits))
    return "".join(map(str, digits)) + str(-total % 10)


# meaning -> generators of (row's generator, row's number, row's time in ms); several each, so that
# no kind is one lucky shape. Names: one that says it and ones that do not.
GENERATED = {
    "timestamp_s": (["created_ts", "f1"], [lambda r, i, t: t // 1000,
                    lambda r, i, t: t // 1000 - r.randint(0, 86400 * 90)]),
    "timestamp_ms": (["updated_at", "f2"], [lambda r, i, t: t,
                     lambda r, i, t: t - int(r.expovariate(1 / 3e6))]),
    "timestamp_us": (["event_time", "f3"], [lambda r, i, t: t * 1000 + r.randint(0, 999)]),
    "timestamp_ns": (["ts", "f4"], [lambda r, i, t: t * 1000000 + r.randint(0, 999999)]),
    "timestamp": (["login_time", "f5"], [lambda r, i, t: day(r).isoformat(timespec="seconds"),
                  lambda r, i, t: day(r).strftime("%Y-%m-%d %H:%M:%S")]),
    "date": (["birth_date", "f6"], [lambda r, i, t: day(r).date().isoformat(),
             lambda r, i, t: day(r).strftime("%d.%m.%Y"),
             lambda r, i, t: int(day(r).strftime("%Y%m%d"))]),
    "sequential_id": (["order_id", "f7"], [lambda r, i, t: 1000 + i,
                      lambda r, i, t: 5000000 + 3 * i + r.randint(0, 2)]),
    "random_id": (["user_id", "f8"], [lambda r, i, t: r.randint(0, 2**62),
                  lambda r, i, t: "u-" + hashlib.md5(str(r.randint(0, 9999)).encode())
                  .hexdigest()[:8], lambda r, i, t: r.randint(10**8, 10**9 - 1)]),
    "uuid": (["request_id", "f9"], [lambda r, i, t: str(uuid.UUID(int=r.getrandbits(128)))]),
    "hash": (["digest", "f10"], [lambda r, i, t: hashlib.sha256(str(r.random()).encode())
             .hexdigest(), lambda r, i, t: hashlib.md5(str(r.random()).encode()).hexdigest()]),
    "email": (["contact", "f11"], [lambda r, i, t: f"{word(r)}.{word(r)}@{word(r)}.com",
              lambda r, i, t: f"{word(r)}{r.randint(1, 99)}@mail.{word(r)}.co.uk"]),
    "phone": (["phone", "f12"], [lambda r, i, t: f"+49 {r.randint(100, 999)} "
              f"{r.randint(10**6, 10**7 - 1)}", lambda r, i, t: f"({r.randint(201, 989)}) "
              f"{r.randint(200, 999)}-{r.randint(0, 9999):04d}",
              lambda r, i, t: f"+1{r.randint(2010000000, 9899999999)}"]),
    "url": (["page", "f13"], [lambda r, i, t: f"https://{word(r)}.com/{word(r)}?q={word(r)}"]),
    "ip": (["client", "f14"], [lambda r, i, t: ".".join(str(r.randint(1, 254)) for _ in range(4)),
           lambda r, i, t: ":".join(f"{r.getrandbits(16):x}" for _ in range(8))]),
    "country": (["country", "f15"], [pick(COUNTRIES)]),
    "currency": (["currency", "f16"], [pick(CURRENCIES)]),
    "language": (["lang", "f17"], [pick(LANGUAGES)]),
    "latitude": (["lat", "latitude"], [lambda r, i, t: round(r.uniform(35, 60), 6),
                 lambda r, i, t: r.uniform(-90, 90)]),
    "longitude": (["lng", "longitude"], [lambda r, i, t: round(r.uniform(-10, 30), 6),
                  lambda r, i, t: r.uniform(-180, 180)]),
    "percentage": (["discount_pct", "cpu_percent"], [lambda r, i, t: round(r.uniform(0, 100), 1),
                   lambda r, i, t: r.randint(0, 100)]),
    "probability": (["score", "f21"], [lambda r, i, t: r.betavariate(2, 5),
                    lambda r, i, t: round(r.random(), 4)]),
    "money": (["amount", "f22"], [lambda r, i, t: round(r.lognormvariate(3, 1.2), 2),
              lambda r, i, t: r.choice([9.99, 19.99, 4.5, 100.0, 12.95]) * r.randint(1, 9)]),
    "age": (["age", "customer_age"], [lambda r, i, t: min(99, max(18, int(r.gauss(42, 15)))),
            lambda r, i, t: r.randint(0, 95)]),
    "boolean": (["is_new", "f24"], [lambda r, i, t: r.choice(["true", "false"]),
                lambda r, i, t: int(r.random() < .2), lambda r, i, t: r.choice(["Y", "N"])]),
    "category": (["device_type", "f25"], [pick(["ios", "android", "web"]),
                 pick(["gold", "silver", "bronze", "none"]), lambda r, i, t: r.randint(1, 5)]),
    "text": (["comment", "f26"], [lambda r, i, t: sentence(r, 4, 20),
             lambda r, i, t: sentence(r, 2, 60).capitalize() + "."]),
    "json": (["payload", "f27"], [lambda r, i, t: json.dumps({"a": r.random(), "b": [word(r)]}),
             lambda r, i, t: json.dumps([r.randint(0, 9) for _ in range(r.randint(1, 5))])]),
    "base64": (["blob", "f28"], [lambda r, i, t: base64.b64encode(r.randbytes(r.randint(16, 60)))
               .decode()]),
    "postal_code": (["zip", "postcode"], [postal, british]),
    "card_number": (["pan", "f30"], [luhn]),
}


def generated(folder, seed):
    """One file a (kind, name, shape): yields its path, column and label."""
    rng = random.Random(seed)
    for label, (names, makers) in GENERATED.items():
        for name in names:
            for k, make in enumerate(makers):
                path = folder / f"{label}-{name}-{k}-{seed}.csv"
                start = int(START.timestamp() * 1000) + seed * 10**9
                with path.open("w", newline="") as file:
                    writer = csv.writer(file)
                    writer.writerow(["event", name])
                    now = start
                    for i in range(ROWS):
                        now += int(rng.expovariate(1 / 20000))
                        writer.writerow([now, make(rng, i, now)])
                yield path, {name: label}, "event"


def infer(weir, folder, path, time):
    config = folder / "c.yaml"
    config.write_text("version: 1\napp: semantics\nstreams:\n  s: {topic: s, format: csv%s}\n"
                      % (f", time: {time}, fields: {{{time}: {{type: long}}}}" if time else ""))
    profile = folder / "p.avro"
    subprocess.run([weir, "profile", "-q", "-c", config, "-s", "s", "-i", path, "-o", profile],
                   check=True, stderr=subprocess.DEVNULL)
    shown = subprocess.run([weir, "show", "--json", profile], check=True, capture_output=True)
    return {f["name"]: (f["meaning"], f["meaning_confidence"])
            for f in json.loads(shown.stdout)["fields"]}


def score(title, columns, weir, folder, verbose):
    right, wrong = 0, collections.Counter()
    sure = [0, 0]
    for path, labels, time in columns:
        found = infer(weir, folder, path, time)
        for column, label in labels.items():
            if column not in found:
                print(f"{path.name}: there is no column {column}")
                wrong[label, "(absent)"] += 1
                continue
            meaning, confidence = found[column]
            good = meaning in label.split()
            right += good
            if confidence is not None and confidence >= .9:
                sure[0] += good
                sure[1] += 1
            if not good:
                wrong[label, meaning] += 1
                if verbose:
                    print(f"  {path.name} {column}: {meaning} ({confidence}), not {label}")
    n = right + sum(wrong.values())
    print(f"{title}: {right} of {n} columns right ({100 * right / n:.1f}%); of those inferred with "
          f"90% confidence and more {sure[0]} of {sure[1]}")
    for (label, meaning), times in wrong.most_common():
        print(f"  {label} taken for {meaning}: {times}")
    return right, n


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weir", default="build/weir")
    parser.add_argument("--data", default=os.environ.get("WEIR_DATA"))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if args.data:
            data = pathlib.Path(args.data)
            columns = [(data / file, labels, None) for file, labels in LABELS.items()]
            score("public data", columns, args.weir, folder, args.verbose)
        else:
            print("public data: skipped, WEIR_DATA is not set")
        made = [c for seed in range(args.seeds) for c in generated(folder, seed)]
        score("generated", made, args.weir, folder, args.verbose)
    return 0


if __name__ == "__main__":
    sys.exit(main())
