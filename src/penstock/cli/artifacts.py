"""`penstock artifacts`: what a run made. Bytes are copied, never loaded: a pickle stays one."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from penstock.cli.invocation import (
    Exit,
    Invocation,
    json_option,
    last_run_argument,
    pass_invocation,
    step_argument,
    tasks,
)

if TYPE_CHECKING:
    from penstock.core.outputs import Artifact, Model
    from penstock.core.run import RunDetail

HEAD = 60  # columns of a preview in the table
ENDINGS = {"npy": ".npy", "arrow": ".arrow", "json": ".json", "text": ".txt", "bytes": ".bin", "png": ".png",
           "pickle": ".pkl", "folder": ".zip"}  # fmt: skip
_UNSAFE = re.compile(r"[^\w.+-]+")


class Item(Struct, frozen=True, kw_only=True):
    """An artifact or a model, and the step that made it."""

    step: str
    record: Artifact | Model


EXAMPLE = """\
\b
Examples:
  penstock artifacts last train --preview
  penstock artifacts last train --name model --save model.pkl
"""


@click.command("artifacts", epilog=EXAMPLE)
@last_run_argument
@step_argument
@click.option("--name", help="Only the artifact or model of this name.")
@click.option("--preview", is_flag=True, help="Print the whole previews.")
@click.option(
    "--save", type=click.Path(path_type=Path), metavar="FILE", help="Save the bytes of the one that is chosen."
)
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Save all below DIR."
)
@json_option
@pass_invocation
def command(
    invocation: Invocation,
    run: str,
    step: str | None,
    name: str | None,
    preview: bool,
    save: Path | None,
    output: Path | None,
) -> Exit:
    """List what a run made, or one step of it: artifacts and models. Or save their bytes, checked against their hash.

    What the run itself was given or made stands under `pipeline`. Nothing is ever unpickled.
    """
    invocation.close_lost()
    detail = invocation.detail(run)
    items = _chosen(invocation, detail, step, name)
    saved = _save(invocation, items, save, output)
    if invocation.json:
        from penstock.cli.document import emit

        emit({"run": detail.run, **_listed(items), "saved": saved})
    elif saved:
        click.echo("\n".join(saved))
    elif preview:
        _print_previews(items)
    elif items:
        _print(items)
    else:
        click.echo(f"{'step ' + step if step else 'run ' + detail.run.task.name} made no artifacts", err=True)
    return Exit.OK


def _chosen(invocation: Invocation, detail: RunDetail, step: str | None, name: str | None) -> list[Item]:
    """Return what the steps made in their latest attempts; raise NotFound when nothing has the name."""
    from penstock.core.errors import NotFound
    from penstock.core.names import did_you_mean
    from penstock.ops.models import ListModels
    from penstock.ops.outputs import ListArtifacts

    call = invocation.backend.call
    items: list[Item] = []
    for owner, task in tasks(detail, step):
        items += [Item(step=owner, record=artifact) for artifact in call(ListArtifacts(task=task))]
        items += [
            Item(step=owner, record=model) for model in call(ListModels(task=task)) if model.direction == "output"
        ]
    found = items if name is None else [item for item in items if item.record.name == name]
    if name is not None and not found:
        hint = did_you_mean(name, dict.fromkeys(item.record.name for item in items), "it made no artifacts")
        raise NotFound(f"run {detail.run.task.name!r} made no artifact {name!r}", hint=hint)
    return found


def _listed(items: Iterable[Item]) -> dict[str, list[dict[str, object]]]:
    import msgspec

    from penstock.core.outputs import Artifact

    listed: dict[str, list[dict[str, object]]] = {"artifacts": [], "models": []}
    for item in items:
        kind = "artifacts" if isinstance(item.record, Artifact) else "models"
        listed[kind].append({"step": item.step, **msgspec.to_builtins(item.record)})
    return listed


def _print(items: Sequence[Item]) -> None:
    from penstock.cli.terminal import console, plain, table
    from penstock.sdk.wording import cut, first_line, size

    made = table("~STEP", "~NAME", "~TYPE", ">SIZE", "~PREVIEW")
    for item in items:
        kind, text = _described(item)
        head = plain(cut(first_line(text), HEAD), "dim")
        made.add_row(plain(item.step), plain(item.record.name), plain(kind), size(item.record.size), head)
    console().print(made)


def _print_previews(items: Sequence[Item]) -> None:
    from penstock.cli.terminal import console, plain
    from penstock.sdk.wording import harmless_lines, size

    out = console()
    for item in items:
        kind, text = _described(item)
        out.print(plain(f"{item.step}.{item.record.name}  {kind}, {size(item.record.size)}", "bold"))
        for line in harmless_lines(text.rstrip("\n")):
            out.print(f"  {line}")


def _described(item: Item) -> tuple[str, str]:
    """Return the type of what an item holds, and what shows it."""
    from penstock.core.outputs import Artifact

    if isinstance(item.record, Artifact):
        return item.record.type, item.record.preview
    return " ".join(filter(None, [item.record.framework, "model"])), item.record.facts.get(
        "file_name"
    ) or item.record.url


def _save(invocation: Invocation, items: Sequence[Item], file: Path | None, folder: Path | None) -> list[str]:
    """Save what was chosen and return the files."""
    from penstock.core.errors import Invalid

    if file is not None:
        if len(items) != 1:
            hint = "choose one with STEP and --name, or save all with -o DIR"
            raise Invalid(f"--save takes one artifact, and {len(items)} are chosen", hint=hint)
        target = file / _file_name(items[0]) if file.is_dir() else file
        return [_copy(invocation, items[0], target)]
    if folder is None:
        return []
    targets: dict[Path, Item] = {}
    for item in items:
        if not item.record.hash:  # its bytes are elsewhere
            continue
        target = folder / _safe(item.step) / _file_name(item)
        while target in targets:
            target = target.with_name(f"_{target.name}")
        targets[target] = item
    return [_copy(invocation, item, target) for target, item in targets.items()]


def _copy(invocation: Invocation, item: Item, target: Path) -> str:
    """Copy the bytes, once they are found to be those that were recorded; the file appears whole or not at all."""
    from penstock.core.errors import NotFound
    from penstock.core.outputs import Blob

    if not item.record.hash:
        where = item.record.url or "nowhere yet"
        raise NotFound(f"the bytes of model {item.record.name!r} are not here: they are {where}")
    source = invocation.backend.blobs.verified_path(Blob(item.record.hash, item.record.size))
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(source, part)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise click.ClickException(f"cannot write {target}: {error.strerror or error}") from None
    return str(target)


def _file_name(item: Item) -> str:
    """Return the name of the file for an item, with the ending of its format."""
    from penstock.core.outputs import Artifact

    record = item.record
    facts = record.metadata if isinstance(record, Artifact) else record.facts
    format = record.format if isinstance(record, Artifact) else facts.get("format", "file")
    ending = Path(facts.get("file_name", "")).suffix if format == "file" else ENDINGS.get(format, "")
    name = _safe(record.name)
    return name if name.endswith(ending) else name + _safe(ending)


def _safe(name: str) -> str:
    """Return a name that stands for a file in the folder where it is put, and nowhere else."""
    return re.sub(r"^\.(?=\.*$)|^\.+$", "_", _UNSAFE.sub("_", name))[:100] or "_"
