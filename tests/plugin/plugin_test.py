# SPDX-License-Identifier: Apache-2.0
"""A plug-in that knows only what `cmake --install` put somewhere."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("WEIR_BUILD", "build")).resolve()
CONFIG = """\
version: 1
app: outside
streams:
  readings:
    topic: readings
    format: csv
    time: at
    fields: {level: {type: double, role: feature}}
alerts: {topic: alerts}
plugins: [modules]
detectors:
  guard: {type: mean_guard, stream: readings, field: level, low: 0, high: 10, window: {size: 1m, lateness: 0s}}
"""


def run(*command, check=True, **options):
    done = subprocess.run(
        [str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=240, **options,
    )  # fmt: skip
    if check and done.returncode:
        raise AssertionError(f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


class Plugin(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-plugin-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        prefix = cls.folder / "installed"
        run("cmake", "--install", BUILD, "--prefix", prefix)
        cls.weir = prefix / "bin" / "weir"
        found = next(prefix.rglob("weir.pc"))
        # pkg-config takes the prefix from where the file lies, not from where it was meant to go
        environment = {**os.environ, "PKG_CONFIG_PATH": str(found.parent), "PKG_CONFIG":
                       "pkg-config --define-prefix"}  # fmt: skip
        cls.library = {**os.environ, "LD_LIBRARY_PATH": str(found.parent.parent)}
        sources = cls.folder / "sources"
        shutil.copytree(HERE / "mean_guard", sources)
        cls.modules = cls.folder / "modules"
        flags = run("pkg-config", "--define-prefix", "--cflags", "--libs", "weir", env=environment)
        cls.flags = flags.stdout
        run(
            "cmake", "-S", sources, "-B", cls.folder / "build",
            f"-DCMAKE_LIBRARY_OUTPUT_DIRECTORY={cls.modules}",
            f"-DPKG_CONFIG_ARGN=--define-prefix",
            env=environment,
        )  # fmt: skip
        run("cmake", "--build", cls.folder / "build")
        cls.config = cls.folder / "weir.yaml"
        cls.config.write_text(CONFIG)

    def test_nothing_of_the_source_tree_is_used(self):
        self.assertIn(str(self.folder), self.flags)
        self.assertNotIn(str(HERE.parents[1]), self.flags)

    def test_the_guide_shows_this_very_detector(self):
        guide = (HERE.parents[1] / "docs" / "writing-a-detector.md").read_text()
        for name in ("mean_guard.c", "CMakeLists.txt"):
            self.assertIn("\n" + (HERE / "mean_guard" / name).read_text() + "```", guide)

    def test_is_listed(self):
        done = run(self.weir, "detectors", "mean_guard", "-p", self.modules, env=self.library)
        for word in ("the mean of a field stays within bounds", "minimum", "schema.bounds"):
            self.assertIn(word, done.stdout)

    def test_configuration_is_checked_by_its_table(self):
        run(self.weir, "check", self.config, env=self.library)
        bad = self.folder / "bad.yaml"
        bad.write_text(CONFIG.replace("high: 10", "hihg: 10"))
        done = run(self.weir, "check", bad, env=self.library, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("hihg", done.stderr)
        self.assertIn("high", done.stderr)

    def test_raises_an_alert(self):
        rows = self.folder / "readings.csv"
        with open(rows, "w", encoding="utf-8") as out:
            out.write("at,level\n")
            for minute in range(6):
                for second in range(60):
                    level = 50 if minute == 3 else 5
                    out.write(f"{(minute * 60 + second) * 1000},{level}\n")
        done = run(
            self.weir, "replay", "-c", self.config, "-i", f"readings={rows}", "--quiet",
            "--output", "alerts=-", env=self.library,
        )  # fmt: skip
        events = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([event["status"] for event in events][:1], ["open"])
        event = events[0]
        self.assertEqual(
            (event["detector"], event["detector_type"], event["rule"], event["kind"]),
            ("guard", "mean_guard", "mean", "schema.bounds"),
        )
        self.assertEqual(event["summary"], "the mean of level is 50, outside 0 to 10")
        self.assertEqual(event["statistic"]["baseline"], 5)
        self.assertEqual(event["evidence"][0]["before"], "mean 5")
        self.assertEqual(event["opened_at"], 4 * 60000)
        self.assertEqual(len({one["fingerprint"] for one in events}), 1)

    def test_writable_by_others_is_refused(self):
        module = next(self.modules.glob("*.so"))
        elsewhere = self.folder / "writable"
        elsewhere.mkdir()
        copy = elsewhere / module.name
        shutil.copy(module, copy)
        copy.chmod(0o666)
        done = run(
            self.weir, "detectors", "mean_guard", "-p", elsewhere, env=self.library, check=False
        )
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("writ", done.stderr)


if __name__ == "__main__":
    unittest.main()
