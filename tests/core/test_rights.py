"""The table of rights: whole, and about fields that are there."""

from __future__ import annotations

import msgspec
import pytest

import penstock.ops  # noqa: F401 - registers every operation
from penstock.core.access import Scope
from penstock.core.rights import RULES, Reach, Thing
from penstock.core.secret import Secret
from penstock.ops.base import REGISTRY


def test_every_operation_has_a_row_and_every_row_an_operation():
    assert set(RULES) == set(REGISTRY), "an operation without a row is closed to everybody: decide who may ask for it"


def field_of(kind, path):
    """The type of what stands at a path of an operation."""
    name, _, rest = path.partition(".")
    fields = {one.name: one for one in msgspec.structs.fields(kind)}
    assert name in fields, f"{kind.__name__} has no field {name}"
    return field_of(fields[name].type, rest) if rest else fields[name].type


@pytest.mark.parametrize("name", RULES)
def test_every_place_is_a_field_that_holds_texts(name):
    for place in RULES[name].places:
        for path in filter(None, (place.path, place.unless)):
            assert field_of(REGISTRY[name], path) in (str, str | None, tuple[str, ...]), path


@pytest.mark.parametrize("name", RULES)
def test_what_needs_no_more_than_reading_only_reads_or_is_about_ones_own_keys(name):
    rule, kind = RULES[name], REGISTRY[name]
    if rule.scope is Scope.READ:
        assert kind.reads or name in {"AddKey", "ChangePassword", "RevokeKey"}
    elif rule.scope in {Scope.RUN, Scope.WRITE}:
        assert not kind.reads


@pytest.mark.parametrize("name", RULES)
def test_whatever_names_a_task_a_model_or_a_project_says_so_in_its_row(name):
    """A field that nobody thought of would be a way around the filter on projects."""
    known = {"AddArtifact": {"artifact"}, "AddModel": {"model"}}
    told = {place.path.partition(".")[0] for place in RULES[name].places} | known.get(name, set())
    named = {one.name for one in msgspec.structs.fields(REGISTRY[name])}
    suspicious = named & {"task", "tasks", "run", "source", "model", "artifact", "clone"}
    assert suspicious <= told
    if "id" in named and RULES[name].scope is not None:
        assert "id" in told


def test_a_row_that_steps_may_write_begins_with_whose_it_is():
    for rule in RULES.values():
        if rule.step is not Reach.NOT:
            assert rule.places[0].thing is Thing.TASK


def test_only_reports_are_left_out_of_the_audit_log():
    silent = {name for name, rule in RULES.items() if not rule.audited}
    assert silent == {"AppendConsole", "ReportPlots", "ReportScalars", "Authenticate", "RenewLease", "ReportAgent"}
    assert not any(REGISTRY[name].durable for name in silent)


def holds_secret(kind):
    return any(one is Secret for info in msgspec.inspect.multi_type_info([kind]) for one in classes_in(info, set()))


def classes_in(info, seen):
    if isinstance(info, msgspec.inspect.StructType) and info.cls not in seen:
        seen.add(info.cls)
        yield info.cls
        for one in info.fields:
            yield from classes_in(one.type, seen)
    for inner in (*getattr(info, "types", ()), *getattr(info, "item_types", ())):
        yield from classes_in(inner, seen)
    for name in ("item_type", "value_type"):
        if isinstance(inner := getattr(info, name, None), msgspec.inspect.Type):
            yield from classes_in(inner, seen)


GIVEN_SECRETS = {"LaunchRun", "PlanRerun", "DraftRerun"}
"""They may be given secrets beside what they are about; their answers hold none, and may be kept."""


@pytest.mark.parametrize("name", REGISTRY)
def test_what_holds_a_secret_says_that_it_must_not_be_kept(name):
    kind = REGISTRY[name]
    if name in GIVEN_SECRETS:
        assert not holds_secret(kind.returns)
    else:
        assert kind.confidential == (holds_secret(kind) or holds_secret(kind.returns))


@pytest.mark.parametrize("name", REGISTRY)
def test_a_secret_stands_where_the_audit_log_masks_it(name):
    """The digest of a request masks the fields of the operation itself, not what lies deeper."""
    for one in msgspec.structs.fields(REGISTRY[name]):
        if one.type not in (Secret, Secret | None, dict[str, Secret]):
            assert not holds_secret(one.type)
