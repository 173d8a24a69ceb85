# SPDX-License-Identifier: Apache-2.0
"""The program under test, run on files in a folder of its own."""

import base64
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ.get("WEIR_BUILD", "build")).resolve()
WEIR = BUILD / "weir"
START = 1_760_000_000_000  # of the streams that tests make, epoch ms


class Result:
    """What one replay said and wrote."""

    def __init__(self, done, folder):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.text = {name: (folder / name).read_text() if (folder / name).exists() else ""
                     for name in ("alerts", "quarantine", "windows", "stats")}  # fmt: skip

    def lines(self, name):
        return [json.loads(line) for line in self.text[name].splitlines()]

    @property
    def alerts(self):
        return self.lines("alerts")

    @property
    def quarantine(self):
        return self.lines("quarantine")

    @property
    def stats(self):
        return json.loads(self.text["stats"])

    def kinds(self):
        return {alert["kind"] for alert in self.alerts}

    def reasons(self):
        """Kinds of quarantined rows by row number."""
        return {bad["offset"]: bad["reason"].partition(":")[0] for bad in self.quarantine}


def original(bad):
    return base64.b64decode(bad["value"])


class Program(unittest.TestCase):
    maxDiff = 2000

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)

    def file(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def weir(self, *arguments, stdin=None):
        return subprocess.run(
            [WEIR, *map(str, arguments)], capture_output=True, text=True, timeout=200, input=stdin,
            errors="replace", cwd=self.folder, check=False,
        )  # fmt: skip

    def result(self, done):
        return Result(done, self.folder)

    def replay(self, config, *options, **inputs):
        path = self.file("weir.yaml", config)
        for name in ("alerts", "quarantine", "windows", "stats"):
            (self.folder / name).unlink(missing_ok=True)
        arguments = ["replay", "-q", "-c", path, "--stats", "stats"]
        for name in ("alerts", "quarantine", "windows"):
            arguments += ["--output", f"{name}={name}"]
        for stream, file in inputs.items():
            arguments += ["-i", f"{stream}={file}"]
        return self.result(self.weir(*arguments, *options))
