# SPDX-License-Identifier: Apache-2.0
"""The demo finds what it says it finds, and what it leaves behind can be used."""

import os
import pathlib
import re
import signal
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ.get("WEIR_BUILD", "build")).resolve()
WEIR = BUILD / "weir"
FOUND = {  # incident: as what
    "age-100000": "schema.range",
    "number-as-string": "schema.type",
    "guessing-annotator": "label.annotator",
    "amounts-in-yen": "drift.feature|schema.range|schema.unit",
    "feature-nan": "schema.nan",
    "field-missing": "schema.missing",
    "route-down": "outage.silence",
    "slow-drift": "drift.slow",
    "old-model": "operations.stale_model",
}


class Demo(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        self.env = dict(os.environ, TMPDIR=holder.name, WEIR_LOG="error")

    def weir(self, *arguments):
        return subprocess.run(
            [WEIR, *arguments], capture_output=True, text=True, timeout=90, env=self.env, check=False
        )

    def test_incidents_are_found(self):
        done = self.weir("demo")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        for incident, kind in FOUND.items():
            with self.subTest(incident=incident):
                self.assertRegex(done.stdout, rf"(?m)^  {incident} .* found  .* ({kind})\b")
        alerts, told = re.search(r"9 of 9 incidents found\. (\d+) alerts, (.*)", done.stdout).groups()
        false = re.match(r"of which (\d+)", told)
        self.assertLess(int(false[1]) if false else 0, 2, done.stdout)
        # Each alert opens once, and nothing is told again that is known.
        opened = re.findall(r"(?m)^\w{3} [ \d]\d \w{3} \d\d:\d\d  OPEN ", done.stdout)
        self.assertEqual(len(opened), int(alerts))
        self.assertLess(len(re.findall(r"  UPDATE ", done.stdout)), 20)
        self.assertEqual(list(self.folder.iterdir()), [], "nothing is left behind")

    def test_kept_broker_answers(self):
        demo = subprocess.Popen(
            [WEIR, "demo", "--keep", "--weeks", "1.2", "--seed", "7"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.env,
        )  # fmt: skip
        try:
            lines = []
            for line in demo.stdout:
                lines.append(line)
                if "weir show" in line:
                    break
            text = "".join(lines)
            config = re.search(r"weir alerts -c (\S+)", text)[1]
            read = self.weir("alerts", "-c", config, "--until-end")
            shown = self.weir("show", str(pathlib.Path(config).parent / "profiles/payments.avro"))
        finally:
            demo.send_signal(signal.SIGINT)
            _, err = demo.communicate(timeout=30)
        self.assertEqual(demo.returncode, 0, err)
        self.assertRegex(text, r"(?m)^  age-100000 .* found ")
        self.assertIn("schema.range", read.stdout, read.stderr)
        self.assertIn("merchant_risk", shown.stdout, shown.stderr)

    def test_bad_arguments(self):
        for arguments in (["--weeks", "0"], ["--weeks", "53"], ["--weeks", "x"], ["--seed", "-1"], ["more"]):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.weir("demo", *arguments).returncode, 2)

    def test_interrupted(self):
        demo = subprocess.Popen(
            [WEIR, "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.env
        )
        for line in demo.stdout:
            if " OPEN " in line:
                break
        demo.send_signal(signal.SIGINT)
        _, err = demo.communicate(timeout=30)
        self.assertEqual(demo.returncode, 1)
        self.assertIn("stopped before its end", err)
        self.assertEqual(list(self.folder.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
