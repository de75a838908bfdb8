"""Connects what a script has - dicts, objects, parsers, configurations - with the parameters of its task.

A task that is being recorded gets the script's values; a script that carries a task out gets the task's. It must never
know where the task is kept: it works on a `Section`.
"""

from __future__ import annotations

import argparse
from typing import Any

from penstock.core.flat import is_dict
from penstock.run.arguments.parsers import connect_parser
from penstock.run.connecting.configurations import connect_configuration
from penstock.run.connecting.dicts import connect_dict
from penstock.run.connecting.objects import connect_object
from penstock.run.connecting.section import Section

__all__ = ["Section", "connect", "connect_configuration"]


def connect(target: Any, section: Section) -> Any:
    """Connect an object with a section of a task's parameters.

    Args:
        target: A dict, dataclass, pydantic model, namespace, plain object or class, or an ArgumentParser.
        section: Of the task.

    Returns:
        What the script goes on with: a dict that records what is set in it, else the object itself (of a frozen one a
        changed copy).

    Raises:
        BadParameter: It cannot be connected, or refuses what the task assigns.
    """
    if is_dict(target):
        return connect_dict(target, section)
    if isinstance(target, argparse.ArgumentParser):
        return connect_parser(target, section)
    return connect_object(target, section)
