"""The routes as data: for each path and method what answers, and the policy that decides who is let through to it.

A route cannot be made without a policy, and nothing is answered that is no route.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from penstock.core.access import Identity, Scope

Endpoint = Callable[[Request, Identity], Awaitable[Response]]

NOBODY: Final = Identity(name="", scope=Scope.READ)
"""Who comes to a route that is open to everybody."""


class Policy(Struct, frozen=True, kw_only=True):
    """Who is let through.

    Args:
        scope: What a key must allow; None when nobody is asked for one.
    """

    scope: Scope | None


OPEN: Final = Policy(scope=None)


class Route(Struct, frozen=True, kw_only=True):
    """One path and method.

    Args:
        path: The path; `{hash}` stands for the hash of a blob, `{file}` for the name of a file.
        name: What it is called in the metrics.
    """

    method: str
    path: str
    name: str
    policy: Policy
    endpoint: Endpoint


class Table:
    """Finds routes by path.

    Args:
        fallback: What answers a browser that wants a page where there is no route, except below `/api/`.
    """

    def __init__(self, routes: Iterable[Route], fallback: Route | None = None) -> None:
        self.routes = tuple(routes)
        self.fallback = fallback
        self._exact: dict[str, dict[str, Route]] = {}
        self._patterns: list[tuple[re.Pattern[str], dict[str, Route]]] = []
        by_path: dict[str, dict[str, Route]] = {}
        for route in self.routes:
            by_path.setdefault(route.path, {})[route.method] = route
        for path, methods in by_path.items():
            if "{" in path:
                pattern = re.escape(path).replace(r"\{hash\}", "(?P<hash>[0-9a-f]{64})")
                pattern = pattern.replace(r"\{file\}", r"(?P<file>[A-Za-z0-9_-][A-Za-z0-9._-]{0,200})")
                self._patterns.append((re.compile(pattern), methods))
            else:
                self._exact[path] = methods

    def find(self, path: str, *, for_page: bool = False) -> tuple[dict[str, Route], dict[str, str]]:
        """Return the routes of a path by method, and what stands in it; no routes when there are none.

        Args:
            for_page: Whether a browser asks, that wants to show a page.
        """
        if (methods := self._exact.get(path)) is not None:
            return methods, {}
        for pattern, methods in self._patterns:
            if (found := pattern.fullmatch(path)) is not None:
                return methods, found.groupdict()
        if self.fallback is not None and for_page and not path.startswith("/api/"):
            return {self.fallback.method: self.fallback}, {}
        return {}, {}
