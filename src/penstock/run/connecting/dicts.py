"""Connects dicts: a nested dict is a parameter for each value in it, and a dict that records what is set later.

It must never know where the parameters are kept, nor what else may be connected: objects are connected as dicts.
"""

from __future__ import annotations

import copy
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Self, TypeAlias

from penstock.core.flat import Path, checked, is_dict, join, leaves, split
from penstock.core.task import Parameter
from penstock.run.connecting.section import Section
from penstock.run.connecting.values import Unfit, added, assign, parameter, warn_unfit

Tree: TypeAlias = dict[str, object]
Unfitting: TypeAlias = Callable[[Parameter, object, Unfit], object]


class ConnectedDict(dict[str, Any]):
    """A dict whose values are parameters of a task: what is set in it is recorded.

    It equals, prints, pickles and copies as the plain dict that it otherwise is; copies record nothing.
    """

    def __init__(self, values: Mapping[str, object], writer: Writer, path: Path = ()) -> None:
        super().__init__()
        self._writer = writer
        self._path = path
        for key, value in values.items():
            super().__setitem__(key, self._wrapped(key, value))
        _represent_in_yaml()

    def __setitem__(self, key: str, value: object) -> None:
        path = (*self._path, checked(key, self._path))
        self._writer.write(path, value)
        super().__setitem__(key, self._wrapped(key, value))

    def update(self, *others: Any, **names: Any) -> None:
        """Set several keys."""
        for key, value in dict[str, object](*others, **names).items():
            self[key] = value

    def setdefault(self, key: str, default: object = None) -> Any:
        """Return the value of a key, which is set when it is missing."""
        if key not in self:
            self[key] = default
        return self[key]

    def __ior__(self, other: Any) -> Self:  # type: ignore[misc, override]
        self.update(other)
        return self

    def __reduce__(self) -> tuple[object, ...]:
        return (dict, (plain(self),))

    def __copy__(self) -> dict[str, Any]:
        return dict(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return copy.deepcopy(plain(self), memo)

    def _wrapped(self, key: str, value: object) -> object:
        """Return a dict as one that records under this key, also one that recorded elsewhere."""
        if type(value) in (dict, ConnectedDict):
            return ConnectedDict(plain(value), self._writer, (*self._path, key))
        return value


class Writer:
    """Records what is set in a connected dict, unless the task had a value of that name when it was connected."""

    def __init__(self, section: Section, known: frozenset[str]) -> None:
        self._section = section
        self._known = known

    def write(self, path: Path, value: object) -> None:
        found = leaves(value, path) if is_dict(value) and value else [(path, value)]
        new = [parameter(self._section.name, one, leaf) for one, leaf in found if join(one) not in self._known]
        if new:
            self._section.store(new)


def plain(value: object) -> Any:
    """Return a copy of a dict in which no dict is connected."""
    if isinstance(value, ConnectedDict):
        return {key: plain(one) for key, one in value.items()}
    return value


def connect_dict(values: Tree, section: Section) -> Tree:
    """Connect a dict: it is updated in place, and returned as one that records what is set later.

    A dict of a class of its own is updated in place and returned itself; what is set in it later is not recorded.

    Raises:
        BadParameter: A key is no text, or a dict holds itself.
    """
    known = frozenset(section.stored()) if section.assigned else frozenset[str]()
    connected = connect_tree(values, section)
    _refill(values, connected)
    if type(values) not in (dict, ConnectedDict):
        return values
    return ConnectedDict(plain(values), Writer(section, known))


def connect_tree(tree: Tree, section: Section, unfitting: Unfitting | None = None) -> Tree:
    """Store the values of a nested dict, or return it with those that the task assigns.

    Args:
        tree: The script's own values.
        section: Where the parameters are.
        unfitting: Called with what cannot be cast; what it returns is taken. Without it, the default stays, with a
            warning.

    Returns:
        A new dict; dicts in it are new as well.
    """
    known = dict(leaves(tree))
    stored = section.stored() if section.assigned else {}
    found = _find(stored, tree, known)
    missing = [path for path in known if not any(path[: len(one)] == one for one in found)]
    if missing:
        section.store([parameter(section.name, path, known[path]) for path in missing])
    result = _copied(tree)
    for path, one in sorted(found.items(), key=lambda entry: entry[0] not in known):
        default = _get(tree, path)
        if default is _ABSENT:
            _add(result, path, one)
            continue
        try:
            value = assign(one, default, path)
        except Unfit as error:
            value = unfitting(one, default, error) if unfitting else default
            if unfitting is None:
                warn_unfit(one, default, error)
        _put(result, path, value)
    return result


_ABSENT = object()


def _find(stored: Mapping[str, Parameter], tree: Tree, known: Mapping[Path, object]) -> dict[Path, Parameter]:
    """Return the task's parameters by path; a name that is written as the code's own key, `a/b`, means that key."""
    literal = {"/".join(path): path for path in known if join(path) != "/".join(path)}
    found: dict[Path, Parameter] = {}
    for name, one in stored.items():
        path = split(name)
        if _get(tree, path) is _ABSENT and name in literal:
            path = literal[name]
        found[path] = one
    return found


def _get(tree: Tree, path: Path) -> object:
    here: object = tree
    for key in path:
        if not is_dict(here) or key not in here:
            return _ABSENT
        here = here[key]
    return here


def _put(tree: Tree, path: Path, value: object) -> None:
    for key in path[:-1]:
        inner = tree[key]
        if not is_dict(inner):
            return  # the task holds another value in the place of this dict
        tree = inner
    tree[path[-1]] = value


def _add(tree: Tree, path: Path, one: Parameter) -> None:
    """Put a value where its name says, and make the dicts that are missing on the way."""
    here = tree
    for key in path[:-1]:
        inner = here.get(key)
        if inner is None:
            inner = here[key] = {}
        if not is_dict(inner):
            warnings.warn(f"parameter {one.path!r} is left out: {key!r} is no dict in the script", stacklevel=2)
            return
        here = inner
    here[path[-1]] = added(one)


def _copied(tree: Tree) -> Tree:
    return {key: _copied(value) if is_dict(value) else value for key, value in tree.items()}


def _refill(old: Tree, new: Tree) -> None:
    """Give a dict the values of another one, and keep every dict in it the object that it was."""
    for key in [key for key in old if key not in new]:
        del old[key]
    for key, value in new.items():
        mine = old.get(key)
        if is_dict(mine) and is_dict(value):
            _refill(mine, value)
        elif mine is not value or key not in old:
            old[key] = value


def _represent_in_yaml() -> None:
    """Let PyYAML, where the script uses it, write a connected dict as it writes a dict."""
    yaml: Any = sys.modules.get("yaml")
    for name in ("SafeDumper", "CSafeDumper", "Dumper", "CDumper"):
        if dumper := getattr(yaml, name, None):
            dumper.add_representer(ConnectedDict, _as_dict)


def _as_dict(dumper: Any, value: ConnectedDict) -> Any:
    return dumper.represent_dict(value)
