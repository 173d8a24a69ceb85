# SPDX-License-Identifier: Apache-2.0
"""bench/dirty.py: an inferred contract finds the wrong cells of a table, and few others."""

import csv
import os
import pathlib
import random
import re
import subprocess
import sys
import unittest

from program import WEIR, Program

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "bench" / "dirty.py"
NAMES = ["id", "shop", "city", "opened", "size", "rating", "staff", "state"]
TOWNS = ["Aachen", "Bremen", "Coburg", "Dessau", "Eutin", "Freising", "Gera", "Halle"]


def clean_rows(rng, n):
    shops = [(f"shop {chr(97 + i)}{chr(97 + i * 7 % 26)}", rng.choice(TOWNS),
              f"{rng.randint(1950, 2020)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}",
              rng.choice("SML")) for i in range(26)]  # fmt: skip
    for i in range(n):
        shop, city, opened, size = rng.choice(shops)
        yield [str(i), shop, city, opened, size, f"{rng.random() * 5:.1f}",
               f"{rng.randint(1, 90)} people", rng.choice(["open", "open", "closed"])]  # fmt: skip


def spoil(rng, row):
    """One field made wrong, as data go wrong."""
    at = rng.randrange(1, len(row))
    text = row[at]
    place = rng.randrange(len(text))
    if at == 2 and rng.random() < 0.5:
        row[at] = rng.choice([town for town in TOWNS if town != text])
    elif at == 5:
        row[at] = rng.choice([text + " stars", "", "50"])
    elif at == 3 and rng.random() < 0.5:
        row[at] = ".".join(reversed(text.split("-")))
    else:
        row[at] = text[:place] + "x" + text[place + 1 :]
    return NAMES[at] if row[at] != text else None


class Dirty(Program):
    def figures(self, data, *options):
        done = subprocess.run([sys.executable, SCRIPT, "--weir", WEIR, "--data", data, *options],
                              capture_output=True, text=True, timeout=200, check=False)  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = re.findall(r"^\| (\w+) \| (\d+)% \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|",
                          done.stdout, re.M)  # fmt: skip
        return done.stdout, {(r[0], int(r[1])): tuple(map(float, r[2:])) for r in rows}

    def test_a_table_made_dirty(self):
        rng = random.Random(5)
        clean = list(clean_rows(rng, 1500))
        dirty, wrong = [list(row) for row in clean], []
        for i in rng.sample(range(1500), 200):
            name = spoil(rng, dirty[i])
            wrong += [(i, name)] if name else []
        folder = self.folder / "data_errors" / "shops"
        folder.mkdir(parents=True)
        for name, rows in (("clean", clean), ("dirty", dirty)):
            with (folder / f"{name}.csv").open("w", newline="") as file:
                csv.writer(file).writerows([NAMES] + rows)
        out, figures = self.figures(self.folder, "--share", "0.5", "--share", "1", "--details")
        self.assertEqual(set(figures), {("shops", 50), ("shops", 100)}, out)
        for precision, recall, f1 in figures.values():
            self.assertGreaterEqual(precision, 0.98, out)
            self.assertGreaterEqual(recall, 0.85, out)
            self.assertAlmostEqual(f1, 2 * precision * recall / (precision + recall), places=2)
        # The same from a list of the errors; no others count.
        with (folder / "errors.csv").open("w", newline="") as file:
            csv.writer(file).writerows([["row", "column"], *wrong])
        self.assertEqual(self.figures(self.folder, "--share", "0.5")[1][("shops", 50)],
                         figures[("shops", 50)])  # fmt: skip

    def test_public_data(self):
        if not os.environ.get("WEIR_DATA"):
            self.skipTest("WEIR_DATA is not set: no evaluation data")
        out, figures = self.figures(os.environ["WEIR_DATA"], "--rows", "600", "--share", "0.5")
        self.assertTrue(figures, out)
        for name, (precision, recall, _) in figures.items():
            with self.subTest(name):
                self.assertGreaterEqual(precision, 0.95, out)
                self.assertGreaterEqual(recall, 0.7, out)

    def test_without_data(self):
        done = subprocess.run([sys.executable, SCRIPT, "--weir", WEIR, "--data", self.folder],
                              capture_output=True, text=True, timeout=60, check=False)  # fmt: skip
        self.assertEqual(done.returncode, 1)
        self.assertIn("no folder with data_errors", done.stderr)


if __name__ == "__main__":
    unittest.main()
