"""TensorBoard's writers, of PyTorch and of tensorboardX: what is added to them is reported as well."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from penstock.run.frameworks.notes import Notes, Spot, followed_by

_KEY = "tensorboard"


def followed(module: Any) -> Iterator[Spot]:
    """Yield what is followed of the module `tensorboardX` or `torch.utils.tensorboard`."""
    for name, tell in _TOLD.items():
        yield followed_by(tell, getattr(module, "SummaryWriter", None), name, _KEY)


# The parameters are named as both writers name theirs; what comes after them is of no use here.
def _scalar(
    notes: Notes, _result: Any, tag: Any, scalar_value: Any, global_step: Any = None, *_: Any, **__: Any
) -> None:
    notes.recorder.scalar(*_split(tag), _number(scalar_value), _iteration(global_step))


def _scalars(
    notes: Notes,
    _result: Any,
    main_tag: Any,
    tag_scalar_dict: Mapping[str, Any],
    global_step: Any = None,
    *_: Any,
    **__: Any,
) -> None:
    for name, value in tag_scalar_dict.items():
        notes.recorder.scalar(str(main_tag), str(name), _number(value), _iteration(global_step))


def _histogram(notes: Notes, _result: Any, tag: Any, values: Any, global_step: Any = None, *_: Any, **__: Any) -> None:
    from penstock.run.frameworks import pictures  # noqa: PLC0415 - needs numpy, as the writers do

    counts, edges = pictures.histogram(values)
    notes.recorder.histogram(*_split(tag), counts, edges, _iteration(global_step))


def _image(
    notes: Notes, _result: Any, tag: Any, img_tensor: Any, global_step: Any = None, *rest: Any, **named: Any
) -> None:
    _picture(notes, tag, img_tensor, _axes(rest, named) or "CHW", global_step)


def _images(
    notes: Notes, _result: Any, tag: Any, img_tensor: Any, global_step: Any = None, *rest: Any, **named: Any
) -> None:
    _picture(notes, tag, img_tensor, _axes(rest, named) or "NCHW", global_step)


def _axes(rest: tuple[Any, ...], named: Mapping[str, Any]) -> str:
    """Return what was given as `dataformats`, the second parameter after `global_step`; empty when nothing was."""
    return str(rest[1] if len(rest) > 1 else named.get("dataformats", ""))


def _picture(notes: Notes, tag: Any, image: Any, axes: str, step: Any) -> None:
    from penstock.run.frameworks import pictures  # noqa: PLC0415 - needs numpy, as the writers do

    notes.recorder.image(*_split(tag), pictures.picture(image, axes), _iteration(step))


def _figure(notes: Notes, _result: Any, tag: Any, figure: Any, global_step: Any = None, *_: Any, **__: Any) -> None:
    title, series = _split(tag)
    if hasattr(figure, "savefig"):
        notes.recorder.figure(title, series, figure, _iteration(global_step))
        return
    for number, one in enumerate(figure):
        notes.recorder.figure(title, f"{series} {number}", one, _iteration(global_step))


def _text(notes: Notes, _result: Any, tag: Any, text_string: Any, global_step: Any = None, *_: Any, **__: Any) -> None:
    notes.recorder.text(*_split(tag), str(text_string), _iteration(global_step))


def _parameters(
    notes: Notes, _result: Any, hparam_dict: Mapping[str, Any], metric_dict: Mapping[str, Any], *_: Any, **rest: Any
) -> None:
    if notes.choice.parameters:
        notes.recorder.parameters(dict(hparam_dict))
    for tag, value in metric_dict.items():  # the writer adds these to a writer of its own
        notes.recorder.scalar(*_split(tag), _number(value), _iteration(rest.get("global_step")))


_TOLD: dict[str, Callable[..., None]] = {
    "add_scalar": _scalar,
    "add_scalars": _scalars,
    "add_histogram": _histogram,
    "add_image": _image,
    "add_images": _images,
    "add_figure": _figure,
    "add_text": _text,
    "add_hparams": _parameters,
}


def _split(tag: Any) -> tuple[str, str]:
    """Return title and series of a tag: what stands before its first `/`, and after it; else the whole for both."""
    title, _, series = str(tag).partition("/")
    return (title, series) if title and series else (str(tag), str(tag))


def _number(value: Any) -> float:
    """Return a number, also of an array or a tensor that holds one."""
    return float(value.item() if hasattr(value, "item") else value)


def _iteration(step: Any) -> int:
    return 0 if step is None else int(step)
