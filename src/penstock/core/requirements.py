"""Requirement lines of a task, checked and brought into one form; and the header in which a script names its own.

A line comes from a record, so from anybody. What an installer would take for an option, a path, a further file, or an
address of a kind that is not followed is refused here, by name, before any program sees it. It must never know what is
installed anywhere.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable

import msgspec
from msgspec import Struct
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from penstock.core.errors import Invalid

OWN = "penstock"
"""The package that is never taken from a record: a task runs with the Penstock of whoever carries it out."""

LONGEST_LINE = 4_000
MOST_LINES = 2_000

_HASH = re.compile(r"\s+--hash[=\s](sha(?:256|384|512):[0-9a-f]{64,128})(?=\s|$)")
_COMMENT = re.compile(r"(^|\s)#.*")  # a # within a line, as in a URL, begins none
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]")
_URL = re.compile(r"(?:git\+)?https://(?:[^\s/@:]*(?::[^\s/@]*)?@)?[A-Za-z0-9][A-Za-z0-9.-]*(?::\d+)?/[^\s\\\"'`;<>|]*")
_CREDENTIALS = re.compile(r"(?<=://)[^\s/@]*@")
_QUERY = re.compile(r"(://[^\s?#]*)\?[^\s#]*")
_BLOCK = re.compile(r"^# /// script\s*$\n(?P<content>(?:^#(?: .*)?$\n)*?)^# ///\s*$", re.MULTILINE)


def normalised(lines: Iterable[str]) -> tuple[str, ...]:
    """Return requirement lines in one form: without comments and blanks, sorted, each once; those of Penstock left out.

    Hashes (`--hash=sha256:...`) behind a requirement stay.

    Args:
        lines: As somebody wrote them, one requirement each.

    Raises:
        Invalid: A line is an option, a path, a URL of a kind that is not followed, or no requirement at all.
    """
    found: set[str] = set()
    for number, line in enumerate(lines):
        if number >= MOST_LINES:
            raise Invalid(f"more than {MOST_LINES} requirement lines", hint="give the packages that the task imports")
        wanted, hashes = _parsed(line)
        if wanted is not None and canonicalize_name(wanted.name) != OWN:
            wanted.name = canonicalize_name(wanted.name)
            found.add(" ".join([str(wanted), *(f"--hash={one}" for one in hashes)]))
    return tuple(sorted(found))


def parsed(line: str) -> Requirement:
    """Return a line that `normalised` gave, taken apart."""
    return Requirement(_HASH.sub("", line))


class Header(Struct, frozen=True):
    """What a script says of itself in its header (PEP 723).

    Args:
        dependencies: Its requirement lines.
        python: A condition on the version of Python, such as `>=3.11`; empty for none.
    """

    dependencies: tuple[str, ...]
    python: str = ""


def header(source: str) -> Header | None:
    """Return the header of a script; None when it has none.

    Raises:
        Invalid: It has two, or its header cannot be read.
    """
    if "# /// script" not in source:
        return None
    found = list(_BLOCK.finditer(source.replace("\r\n", "\n")))
    if not found:
        return None
    if len(found) > 1:
        raise Invalid("the script has more than one header `# /// script`", hint="leave one")
    text = "".join(line[2:] if line.startswith("# ") else line[1:] for line in _lines(found[0]["content"]))
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"the header of the script is not TOML: {error}", hint="see PEP 723") from None
    dependencies, python = said.get("dependencies", []), said.get("requires-python", "")
    try:
        return msgspec.convert({"dependencies": dependencies, "python": python}, Header)
    except msgspec.ValidationError as error:
        raise Invalid(f"the header of the script cannot be read: {error}", hint="see PEP 723") from None


def allows_python(condition: str, version: str) -> bool:
    """Return whether a condition such as `>=3.11` allows a version of Python.

    Raises:
        Invalid: It is no condition.
    """
    try:
        return SpecifierSet(condition).contains(version, prereleases=True)
    except InvalidSpecifier:
        raise Invalid(f"{condition!r} is no condition on a version of Python", hint="for example `>=3.11`") from None


def masked(text: str) -> str:
    """Return a text without what stands for a password or a token in its URLs."""
    return _QUERY.sub(r"\1?***", _CREDENTIALS.sub("***@", text))


def _lines(content: str) -> list[str]:
    return content.splitlines(keepends=True)


def _parsed(line: object) -> tuple[Requirement | None, list[str]]:
    if not isinstance(line, str):
        raise Invalid(f"a requirement line is a text, not a {type(line).__name__}")
    if len(line) > LONGEST_LINE or _CONTROL.search(line.strip()):
        raise _refused(line, "it is too long, or more than one line", "give one requirement a line")
    text = _COMMENT.sub("", line).strip()
    if not text:
        return None, []
    if "$" in text:
        raise _refused(line, "an installer would put a variable of this machine in it", "write it without `$`")
    if text.startswith("-"):
        _refuse_option(text)
    hashes = _HASH.findall(text)
    rest = _HASH.sub("", text)
    if " -" in rest and ";" not in rest.partition(" -")[0]:
        _refuse_option(rest[rest.index(" -") + 1 :])
    try:
        found = Requirement(rest)
    except InvalidRequirement:
        hint = "write it as NAME, with a condition such as `numpy>=2`, or `NAME @ https://...`; paths are not followed"
        raise _refused(line, "it is no requirement", hint) from None
    if found.url is not None and (not _URL.fullmatch(found.url) or ".." in found.url.split("/")):
        raise _refused(line, "its URL is not followed", "use https://HOST/PATH or git+https://HOST/PATH")
    return found, hashes


def _refuse_option(text: str) -> None:
    option = re.split(r"[\s=]", text, maxsplit=1)[0]
    raise _refused(
        text,
        f"the option {option[:40]} is not taken from a task",
        "where packages come from is a matter of the machine: set it in [environments] of config.toml",
    )


def _refused(line: str, why: str, hint: str) -> Invalid:
    shown = masked(line.strip())
    return Invalid(f"requirement {shown[:200]!r}: {why}", hint=hint)
