# SPDX-License-Identifier: Apache-2.0
"""bench/drill.py, a few of its faults: nothing is said of clean data, and every fault is found."""

import os
import pathlib
import re
import subprocess
import sys
import unittest

from program import WEIR

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "bench" / "drill.py"
FAULTS = ("number as a string", "sentinel N/A", "unknown category", "duplicate key",
          "fields contradict", "old model version", "default filled in", "USD to JPY",
          "e-mail in a harmless text")  # fmt: skip


class Drill(unittest.TestCase):
    def test_a_few(self):
        if not os.environ.get("WEIR_DATA"):
            self.skipTest("WEIR_DATA is not set: no evaluation data")
        done = subprocess.run(
            [sys.executable, SCRIPT, "--rates", "10", "--only", *FAULTS], capture_output=True,
            text=True, timeout=280, check=False, env={**os.environ, "WEIR_BUILD": str(WEIR.parent)},
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("clean data: 0 alerts in ", done.stdout)
        for fault in FAULTS:
            with self.subTest(fault):
                self.assertRegex(done.stdout, rf"(?m)^{re.escape(fault)} .* [\d,]+$")


if __name__ == "__main__":
    unittest.main()
