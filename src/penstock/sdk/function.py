"""Makes a function into a task of its own: a module's text with everything that the function uses, and its arguments.

The texts are taken apart in `source`; here they meet the live objects, which say what a name means at this moment.
It must never know pipelines, steps or stores.
"""

from __future__ import annotations

import builtins
import functools
import inspect
import linecache
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import NamedTuple

from msgspec import Struct

from penstock.core.errors import Invalid, NotStandalone
from penstock.core.names import did_you_mean
from penstock.sdk import source
from penstock.sdk.source import Source, Statement, assignment, literal
from penstock.sdk.undecorated import undecorated

MISSING = object()

_Key = tuple[str, int]  # the name of a text, and the identity of the live module that it made


class Standalone(Struct, frozen=True, kw_only=True):
    """A function as a module of its own.

    Args:
        name: The function's name in the module: the entry point.
        source: The module's whole text. It runs anywhere with the same packages, without the original file.
        modules: Every module that it imports anywhere, dotted and sorted, for example `("pandas", "sklearn.datasets")`.
    """

    name: str
    source: str
    modules: tuple[str, ...]


def standalone(
    function: Callable[..., object],
    *,
    helpers: Sequence[Callable[..., object]] = (),
    skip_global_imports: bool = False,
) -> Standalone:
    """Return the function as a module of its own, with the imports, constants, classes and functions that it uses.

    Args:
        function: A function that a module's name leads to; it may be decorated.
        helpers: Functions to include as well, from the same module or from others.
        skip_global_imports: Leave the modules' top-level imports out; those inside functions remain.

    Raises:
        NotStandalone: It is no such function, or it uses something that only this process has.
    """
    *others, found = [_find(one) for one in (*helpers, function)]
    given = {id(one): place for one, place in zip((*helpers, function), (*others, found), strict=True)}
    selection = _Selection(found.name, given, skip_global_imports)
    selection.add([*others, found])
    text = selection.text()
    try:
        compile(text, f"<{found.name}>", "exec", dont_inherit=True)
    except SyntaxError as error:
        raise NotStandalone(f"function {found.name!r} cannot be a task of its own: {error}") from None
    return Standalone(name=found.name, source=text, modules=source.imported_modules(text))


def arguments(function: Callable[..., object], given: Mapping[str, object] | None, step: str) -> dict[str, object]:
    """Return what a step will call its function with: the given values and the defaults, in the signature's order.

    Raises:
        Invalid: A name is not an argument of the function, or an argument has neither a value nor a default.
    """
    given = dict(given or {})
    try:
        parameters = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):
        return given
    who = f"step {step!r}: function {_label(function)!r}"
    named = {one.name: one for one in parameters if one.kind not in {one.VAR_POSITIONAL, one.VAR_KEYWORD}}
    extra = {name: value for name, value in given.items() if name not in named}
    if extra and not any(one.kind is one.VAR_KEYWORD for one in parameters):
        wrong = next(iter(extra))
        raise Invalid(f"{who} has no argument {wrong!r}", hint=did_you_mean(wrong, named, "it takes none"))
    merged = {name: given.get(name, one.default) for name, one in named.items()}
    if missing := [repr(name) for name, value in merged.items() if value is inspect.Parameter.empty]:
        hint = "give a value in function_kwargs, or a default in the function"
        raise Invalid(f"{who} needs a value for {', '.join(missing)}", hint=hint)
    return merged | extra


class _Origin(Struct, frozen=True):
    """Where definitions come from: a text, and the live names of the module that it made."""

    source: Source
    live: dict[str, object]

    @property
    def key(self) -> _Key:
        return self.source.filename, id(self.live)

    @property
    def statements(self) -> list[Statement]:
        """Those that run: one branch of the `__main__` guard is left out."""
        left_out = "else" if self.live.get("__name__") == "__main__" else "main"
        return [one for one in self.source.statements if one.place != left_out]

    def binding(self, name: str) -> list[Statement]:
        return [one for one in self.statements if name in one.binds]


class _Name(NamedTuple):
    """A name of a module, and the name that it is wanted for."""

    origin: _Origin
    name: str
    user: str = ""


class _Selection:
    """The statements that a module is made of. It grows by the names that are wanted."""

    def __init__(self, entry: str, given: Mapping[int, _Name], skip_imports: bool) -> None:
        self.entry = entry
        self.given = given
        self.skip_imports = skip_imports
        self.origins: dict[_Key, _Origin] = {}
        self.sooner: dict[_Key, list[_Key]] = {}
        self.wanted: set[tuple[_Key, str]] = set()
        self.taken: set[tuple[_Key, Statement]] = set()

    def add(self, names: Iterable[_Name]) -> None:
        """Take what the names mean, what that needs in turn, and what it may need, as far as that can be had."""
        later = deque(self._close(names))
        while later:
            with suppress(NotStandalone):
                later.extend(self._close([later.popleft()]))

    def _close(self, names: Iterable[_Name]) -> list[_Name]:
        todo, optional = deque(names), list[_Name]()
        wanted, taken = set(self.wanted), set(self.taken)
        while todo:
            want = todo.popleft()
            origin = self.origins.setdefault(want.origin.key, want.origin)
            if (origin.key, want.name) in wanted:
                continue
            wanted.add((origin.key, want.name))
            for found in undecorated(self._supply(want), origin.live):
                if isinstance(found, _Name):
                    self.sooner.setdefault(origin.key, []).append(found.origin.key)
                    todo.append(found._replace(user=want.name))
                elif (origin.key, found) not in taken and not (self.skip_imports and found.kind == "import"):
                    taken.add((origin.key, found))
                    needs = source.needs(found.text, "annotations" in origin.source.future)
                    for names_needed, queue in zip(needs, (todo, optional), strict=True):
                        queue.extend(_Name(origin, name, want.name) for name in sorted(names_needed))
        self.wanted, self.taken = wanted, taken
        return optional

    def _supply(self, want: _Name) -> Iterator[Statement | _Name]:
        """Yield what a name means: statements of its own module, or a name of another."""
        origin, name, _ = want
        value = origin.live.get(name, MISSING)
        if any(kind.__name__ == "PipelineController" for kind in type(value).__mro__):
            hint = "in a step call the class: PipelineController.upload_artifact(...), PipelineController.get_logger()"
            raise self._refused(want, "which is the pipeline itself", hint)
        helper = self.given.get(id(value))
        if helper and helper.origin.live is not origin.live:
            yield helper
            if helper.name != name:
                yield assignment(name, helper.name)
        elif newer := _newer(origin, name, value):
            yield newer
        elif statements := origin.binding(name):
            yield from self._from_text(want, statements, value)
        elif value is not MISSING and (name in {"__file__", "__doc__"} or not name.startswith("__")):
            yield from self._from_session(want, value)

    def _from_text(self, want: _Name, statements: list[Statement], value: object) -> Iterator[Statement]:
        origin, name, _ = want
        if isinstance(value, FunctionType) and value.__code__.co_filename == origin.source.filename:
            line = value.__code__.co_firstlineno  # of several definitions this one is meant, and none that follows
            last = next((one for one in statements if one.line <= line <= one.end), statements[-1])
            statements = statements[: statements.index(last) + 1]
        importing = all(one.kind == "import" for one in statements)
        if not (self.skip_imports and importing):
            statements = [one for one in origin.statements if one in statements or name in one.changes]
        guarded = [one for one in statements if one.place == "main"]
        if "__file__" not in origin.live and not importing and (text := literal(value)) is not None:
            yield assignment(name, text, statements[-1].position)  # other cells may have changed it
            return
        yield from (one for one in statements if one.place != "main")
        yield from self._from_guard(want, guarded, value) if guarded else ()

    def _from_guard(self, want: _Name, guarded: list[Statement], value: object) -> Iterator[Statement]:
        """Yield what a name means that is bound or changed under the `__main__` guard."""
        binding = [one for one in guarded if want.name in one.binds]
        defining = [one for one in binding if one.kind in {"import", "definition"}]
        if value is MISSING:  # the script has not come so far
            yield from defining
        elif (binding and binding == defining) or isinstance(value, type | ModuleType | FunctionType):
            yield from guarded
        elif (text := literal(value)) is not None:
            yield assignment(want.name, text, guarded[-1].position)
        elif not binding:
            yield from guarded
        else:
            raise self._refused(want, f"of type {_label(type(value))} and made under `if __name__ == '__main__'`")

    def _from_session(self, want: _Name, value: object) -> Iterator[Statement | _Name]:
        """Yield what a name means that its own text does not bind: another cell of a notebook, or `exec`, did."""
        origin, name, _ = want
        text = next(_texts(origin.live, name, value), None)
        stars = [one for one in origin.statements if "*" in one.binds and not name.startswith("__")]
        if text and (isinstance(value, type | FunctionType) or all(one.kind == "import" for one in text.binding(name))):
            yield _Name(text, name)
        elif stars:
            yield from stars
        elif importing := _import(name, value, origin.live):
            yield Statement(text=importing, binds=frozenset({name}), kind="import")
        elif (simple := literal(value)) is not None:
            yield assignment(name, simple)
        elif not hasattr(builtins, name):
            raise self._refused(want, f"of type {_label(type(value))}, which only this session has")

    def _refused(self, want: _Name, what: str, hint: str = "") -> NotStandalone:
        user = f" (in {want.user!r})" if want.user not in {"", self.entry} else ""
        return NotStandalone(
            f"function {self.entry!r} cannot be a task of its own: it uses {want.name!r}{user}, {what}",
            hint=hint or "pass it as an argument, or make it inside the function",
        )

    def text(self) -> str:
        """Return the module: what others need comes first, each module's statements in their order, each text once."""
        self._refuse_conflicts()
        statements, future, seen = list[Statement](), set[str](), dict[str, _Key]()
        for key in dict.fromkeys(key for first in self.origins for key in self._sorted(first, set())):
            mine = [one for where, one in self.taken if where == key and seen.setdefault(one.text, key) == key]
            statements += sorted(mine, key=lambda one: (one.position, one.text))
            future |= self.origins[key].source.future if mine else frozenset()
        return source.join(statements, future)

    def _sorted(self, key: _Key, seen: set[_Key]) -> Iterator[_Key]:
        """Yield an origin after those that it needs."""
        seen.add(key)
        for sooner in self.sooner.get(key, []):
            if sooner not in seen:
                yield from self._sorted(sooner, seen)
        yield key

    def _refuse_conflicts(self) -> None:
        """Refuse a name that two modules use, when what it is in one would hide what it is in the other."""
        bound: dict[str, dict[_Key, list[str]]] = {}
        for key, one in sorted(self.taken, key=lambda pair: (pair[0], pair[1].position)):
            for name in one.binds:
                bound.setdefault(name, {}).setdefault(key, []).append(one.text)
        uses = [(user, name, binder) for user, name in sorted(self.wanted) for binder in bound.get(name, ())]
        for user, name, binder in uses:
            here, there = (self.origins[key].live.get(name, getattr(builtins, name, MISSING)) for key in (binder, user))
            same = here is there or there is MISSING or bound[name][binder] == bound[name].get(user)
            if user[1] != binder[1] and not same and (literal(here) is None or literal(here) != literal(there)):
                raise NotStandalone(
                    f"function {self.entry!r} cannot be a task of its own: "
                    f"{name!r} is one thing in {binder[0]} and another in {user[0]}",
                    hint="rename one of them: a task is a single module",
                )


def _import(name: str, value: object, live: dict[str, object]) -> str | None:
    """Return the statement that imports a module, or what a module offers; None when none does."""
    module = value if isinstance(value, ModuleType) else sys.modules.get(str(getattr(value, "__module__", None)))
    if module is None or module.__name__ == "__main__" or vars(module) is live:
        return None
    known = str(getattr(value, "__name__", ""))
    offered = sys.modules.get(known) if value is module else vars(module).get(known, MISSING)
    statement = f"import {known}" if value is module else f"from {module.__name__} import {known}"
    return (statement if known == name else f"{statement} as {name}") if offered is value else None


def _innermost(value: object) -> object:
    """Return the function inside decorators that say what they wrap."""
    with suppress(ValueError):  # what answers to any name seems to wrap something without end
        return inspect.unwrap(value) if callable(value) and not isinstance(value, type) else value
    return value


def _newer(origin: _Origin, name: str, value: object) -> _Name | None:
    """Return where a function is that another cell of a notebook has defined since."""
    inner = _innermost(value)
    if not (isinstance(inner, FunctionType) and inner.__globals__ is origin.live and inner.__qualname__ == name):
        return None
    newest = origin.source.filename == inner.__code__.co_filename or next(_texts(origin.live, name, value), origin)
    return _Name(newest, name) if isinstance(newest, _Origin) and newest.key != origin.key else None


def _texts(live: dict[str, object], name: str, value: object) -> Iterator[_Origin]:
    """Yield the texts that bind a name: that of the value's code, then the module's, or the cells of a notebook."""
    inner = _innermost(value)
    own = inner.__code__.co_filename if isinstance(inner, FunctionType) and inner.__globals__ is live else None
    cells = [cell for cell, entry in reversed(linecache.cache.items()) if len(entry) > 1 and entry[1] is None]
    for filename in dict.fromkeys([own, live["__file__"]] if "__file__" in live else [own, *cells]):
        if isinstance(filename, str):
            with suppress(SyntaxError):
                origin = _Origin(_read(filename, live), live)
                if origin.binding(name):
                    yield origin


def _read(filename: str, live: dict[str, object]) -> Source:
    """Read a file, or what Python has kept of a notebook's cell; an empty text when there is none."""
    linecache.checkcache(filename)
    text = "".join(linecache.getlines(filename, live))
    if not text and filename == "<stdin>":
        with suppress(OSError, ValueError):  # a script that the shell has put there as a file, not through a pipe
            text = os.pread(0, os.fstat(0).st_size, 0).decode()
    name = str(live.get("__name__", ""))
    package = live.get("__package__") or (name if "__path__" in live else name.rpartition(".")[0])
    return source.read(text.replace("\r\n", "\n").replace("\r", "\n"), filename, str(package))


# Finding the function

TO_TOP = "write a function at the top level of the module"
Cases = tuple[tuple[Callable[[object], object], str, str], ...]
UNFIT: Cases = (
    (lambda one: not callable(one), "value of type", "give the function itself, not what it returns"),
    (lambda one: isinstance(one, type), "class", f"{TO_TOP} that makes an object of it"),
    (lambda one: isinstance(one, functools.partial), "partial of", "give the function, its arguments as the step's"),
    (lambda one: isinstance(one, MethodType), "method", f"{TO_TOP} that calls it"),
    (lambda one: isinstance(one, BuiltinFunctionType), "built-in function", f"{TO_TOP} that calls it"),
    (inspect.iscoroutinefunction, "async function", f"{TO_TOP} that runs it with asyncio.run"),
    (inspect.isasyncgenfunction, "async generator", f"{TO_TOP} that runs it with asyncio.run"),
)
UNREAD: Cases = ((callable, "without its text, function", "put it in a file: Python keeps no text of pipes and exec"),)
UNFOUND: Cases = (
    (lambda one: getattr(one, "__name__", "") == "<lambda>", "lambda", "define it with def, at the top level"),
    (lambda one: not hasattr(one, "__qualname__"), "callable object of type", f"{TO_TOP} that calls it"),
    (lambda one: "<locals>" in _label(one), "nested function", "move it to the top level; pass what it closes over"),
    (lambda one: "." in _label(one), "method", f"{TO_TOP} that calls it"),
    (callable, "since no module's name leads to it, function", "give what its name in the module means now"),
)
CHANGED: Cases = ((callable, "since its file has changed, function", "start again: Python still runs the old text"),)


def _unfit(function: object, cases: Cases) -> Iterator[NotStandalone]:
    for is_case, kind, hint in cases:
        if is_case(function):
            yield NotStandalone(f"{kind} {_label(function)!r} cannot be a task of its own", hint=hint)


def _label(function: object) -> str:
    inner: object = getattr(function, "func", function)
    return str(getattr(inner, "__qualname__", type(inner).__qualname__))


def _find(function: Callable[..., object]) -> _Name:
    """Return the name that leads to a function; raises NotStandalone when none does, or when no text defines it."""
    for error in _unfit(function, UNFIT):
        raise error
    lines = isinstance(function, FunctionType) and function.__name__ != "<lambda>"  # decorators may return anything
    fit = {"definition", "line", "import"} if lines else {"definition"}
    named = [(live, name) for live in _modules(function) for name, one in list(live.items()) if one is function]
    named.sort(key=lambda one: (one[1] != getattr(function, "__name__", ""), one[1].startswith("_")))
    cases = UNREAD if named else UNFOUND
    for found in (_Name(text, name) for live, name in named for text in _texts(live, name, function)):
        cases = CHANGED if _is_changed(function, found.origin.source) else UNFOUND
        if cases is UNFOUND and any(one.kind in fit for one in found.origin.binding(found.name)):
            return found
    raise next(_unfit(function, cases))


def _modules(function: object) -> Iterator[dict[str, object]]:
    """Yield the names of the modules that may hold a function, the likeliest first."""
    inner = [_innermost(function)]
    for cell in getattr(function, "__closure__", None) or ():  # a decorator holds the function that it decorates
        with suppress(ValueError):
            inner.append(cell.cell_contents)
    yield from (one.__globals__ for one in inner if isinstance(one, FunctionType))
    modules = (sys.modules.get(str(name)) for name in (getattr(function, "__module__", None), "__main__"))
    yield from (vars(module) for module in modules if module is not None)
    frame = inspect.currentframe()
    while frame and str(frame.f_globals.get("__name__")).partition(".")[0] == __name__.partition(".")[0]:
        frame = frame.f_back
    if frame:
        yield frame.f_globals


def _is_changed(function: object, text: Source) -> bool:
    code = getattr(_innermost(function), "__code__", None)
    if not isinstance(code, CodeType) or code.co_filename != text.filename:
        return False
    return (code.co_name, code.co_firstlineno) not in text.functions
