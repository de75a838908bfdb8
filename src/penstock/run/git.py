"""Runs git, and sees to it that git runs nothing else: no hook, no watcher, no driver of the repository, no pager.

A repository may come from anywhere, and its own configuration can name programs for many occasions. What the user's
own configuration names (keys, proxies, large-file storage) stays. It must never know what is asked of git.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from penstock.run.programs import Ended, Program, run_to_end
from penstock.settings import environment

QUICK = 20.0  # seconds; what only reads here

NOWHERE = "none"  # a transport that does not exist
TRANSPORTS = "file:https:ssh"

# Of the variables that steer git, those by which a user says how a server is reached and where own settings lie. All
# others would have a command mean another repository than the one that it names, as they do within a hook.
_KEPT = ("GIT_SSL_", "GIT_HTTP_", "GIT_PROXY_SSL_")
_KEPT_NAMES = {
    "GIT_ASKPASS",
    "GIT_CEILING_DIRECTORIES",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    "GIT_EXEC_PATH",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
}
_SET = {
    "GIT_LFS_SKIP_SMUDGE": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
    "SSH_ASKPASS_REQUIRE": "never",
}
_GUARDS = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "fetch.recurseSubmodules=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.ext.allow=never",
    "submodule.recurse=false",
)


class Answer(Ended, frozen=True):
    """How git ended."""

    @property
    def reason(self) -> str:
        """Git's own words for what went wrong, in one line."""
        lines = [line.strip() for line in self.message.splitlines() if line.strip()]
        told = [line for line in lines if line.startswith(("fatal:", "error:", "ERROR:"))] or lines
        return told[0][:500] if told else f"git ended with exit code {self.code}"


def git(
    folder: Path,
    *arguments: str,
    settings: Sequence[str] = (),
    stdin: bytes = b"",
    transports: str = NOWHERE,
    timeout: float = QUICK,
    index: Path | None = None,
) -> Answer:
    """Run a git command to its end.

    Args:
        folder: Where it runs.
        arguments: The command, its options, and `--` before values.
        settings: Further settings for this command, `name=value`.
        stdin: What it reads.
        transports: By which ways it may reach other repositories, separated by colons.
        timeout: Seconds.
        index: The file to use instead of the repository's own index.

    Raises:
        NotFound: There is no program git here.
        PenstockError: It took too long.
    """
    options = [part for setting in (*_GUARDS, *settings) for part in ("-c", setting)]
    command = ["git", "--no-pager", "-C", str(folder), *options, *arguments]
    variables = _variables(environment()) | {"GIT_ALLOW_PROTOCOL": transports}
    if index is not None:
        variables["GIT_INDEX_FILE"] = str(index)
    program = Program(command=command, variables=variables, what=f"`git {arguments[0]}` in {folder}")
    ended = run_to_end(program, timeout, stdin)
    return Answer(ended.code, ended.output, ended.message)


def _variables(found: Mapping[str, str]) -> dict[str, str]:
    kept = {
        name: value
        for name, value in found.items()
        if not name.startswith("GIT_") or name in _KEPT_NAMES or name.startswith(_KEPT)
    }
    return kept | _SET
