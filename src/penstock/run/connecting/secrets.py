"""Masks the secrets in nested values that are recorded, and puts back what this process has in the place of masks."""

from __future__ import annotations

from penstock.core.flat import is_dict, is_items
from penstock.core.secret import MASK
from penstock.core.secret_names import is_secret


def masked(value: object, path: tuple[str, ...] = ()) -> object:
    """Return a nested value with its secrets masked; lists and dicts are copied."""
    if is_dict(value):
        return {key: masked(one, (*path, str(key))) for key, one in value.items()}
    if is_items(value) and not is_secret(path, value):
        return [masked(one, path) for one in value]
    return MASK if is_secret(path, value) else value


def unmasked(value: object, own: object) -> object:
    """Return a nested value with what this process has in the place of masks."""
    if is_dict(value):
        mine = own if is_dict(own) else {}
        kept = {key: one for key, one in value.items() if one != MASK or key in mine}
        return {key: unmasked(one, mine.get(key)) for key, one in kept.items()}
    if is_items(value) and type(value) in (list, tuple):
        others = own if is_items(own) else ()
        items = [unmasked(one, others[at] if at < len(others) else None) for at, one in enumerate(value)]
        return tuple(items) if isinstance(value, tuple) else items
    return own if value == MASK else value
