"""Runs a script as a task that is a JSON file: `launch.py FILE record|assigned WANTED SCRIPT ARGUMENTS`."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import msgspec

from penstock.core.task import Parameter
from penstock.run.arguments.following import follow_arguments


class FileSection:
    name = "Args"

    def __init__(self, file, *, assigned):
        self.file = file
        self.assigned = assigned

    def read(self):
        return json.loads(self.file.read_text("utf-8"))

    def stored(self):
        return {one["name"]: msgspec.convert(one, Parameter) for one in self.read()["parameters"]}

    def store(self, parameters):
        task = self.read()
        kept = {one["name"]: one for one in task["parameters"]}
        kept |= {one.name: msgspec.to_builtins(one) for one in parameters}
        self.file.write_text(
            json.dumps({**task, "parameters": list(kept.values()), "stores": task["stores"] + 1}), "utf-8"
        )

    def configure(self, configuration):
        task = self.read()
        task["configurations"][configuration.name] = configuration.text
        self.file.write_text(json.dumps(task), "utf-8")


def main(file, mode, wanted, script, *arguments):
    section = FileSection(Path(file), assigned=mode == "assigned")
    follow_arguments(section, json.loads(wanted), section.configure)
    sys.argv = [script, *arguments]
    sys.path[0] = str(Path(script).parent)
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])
