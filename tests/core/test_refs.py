"""The `${...}` grammar: every form, escapes, what a bad one says, and references at any depth of a value."""

from __future__ import annotations

from typing import NamedTuple, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.errors import BadReference
from penstock.core.refs import (
    ARTIFACT_ATTRIBUTES,
    MODEL_FACTS,
    TASK_FIELDS,
    PipelineValue,
    Ref,
    StepArtifact,
    StepField,
    StepId,
    StepModel,
    StepParameter,
    StepRef,
    StepValue,
    escape,
    parents,
    parse,
    quote,
    references,
    resolve,
)


class Text(str):
    """Text of the user's own class."""

    __slots__ = ()


class Range(NamedTuple):
    low: object
    high: object


def read(text: str) -> Ref:
    """Parse a text that must be one whole reference."""
    (ref,) = parse(text)
    assert not isinstance(ref, str)
    return ref


# Forms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${pipeline.url}", PipelineValue("url", text="${pipeline.url}")),
        ("${pipeline.id}", PipelineValue("id", text="${pipeline.id}")),
        ("${train.id}", StepId("train", text="${train.id}")),
        ("${train.data_frame}", StepValue("train", "data_frame", text="${train.data_frame}")),
        ("${train.artifacts.data}", StepValue("train", "data", artifact=True, text="${train.artifacts.data}")),
        ("${train.artifacts.data.url}", StepArtifact("train", "data", "url", text="${train.artifacts.data.url}")),
        (
            "${train.parameters.Args/input_file}",
            StepParameter("train", "Args/input_file", text="${train.parameters.Args/input_file}"),
        ),
        (
            "${train.models.output.-1.url}",
            StepModel("train", "output", -1, "url", text="${train.models.output.-1.url}"),
        ),
        ("${train.models.input.0.id}", StepModel("train", "input", 0, "id", text="${train.models.input.0.id}")),
        ("${train.script.branch}", StepField("train", ("script", "branch"), text="${train.script.branch}")),
        ("${my step.id}", StepId("my step", text="${my step.id}")),
    ],
)
def test_each_form_is_read_as_what_it_means(text: str, expected: Ref) -> None:
    """Promises 27 to 31: the id, artifacts, models and parameters of a step, and pipeline parameters."""
    assert parse(text) == (expected,)


@pytest.mark.parametrize("attribute", ARTIFACT_ATTRIBUTES)
def test_every_attribute_of_an_artifact_can_be_named(attribute: str) -> None:
    assert read(f"${{s.artifacts.x.{attribute}}}") == StepArtifact(
        "s", "x", attribute, text=f"${{s.artifacts.x.{attribute}}}"
    )


@pytest.mark.parametrize("fact", MODEL_FACTS)
@pytest.mark.parametrize(("index", "number"), [("0", 0), ("-1", -1), ("12", 12)])
def test_every_fact_about_a_model_can_be_named(fact: str, index: str, number: int) -> None:
    text = f"${{s.models.output.{index}.{fact}}}"
    assert read(text) == StepModel("s", "output", number, fact, text=text)


@pytest.mark.parametrize("field", TASK_FIELDS)
def test_a_field_of_a_task_may_be_as_deep_as_it_likes(field: str) -> None:
    text = f"${{s.{field}.a.b}}"
    assert read(text) == StepField("s", (field, "a", "b"), text=text)


@pytest.mark.parametrize("word", [*TASK_FIELDS, "artifacts", "parameters", "models"])
def test_two_words_name_a_value_whatever_the_second_one_is(word: str) -> None:
    """A step may return a value called `comment` or `models`; the lookup decides."""
    assert read(f"${{s.{word}}}") == StepValue("s", word, text=f"${{s.{word}}}")


def test_a_parameter_keeps_the_dots_and_slashes_of_its_name() -> None:
    ref = read("${s.parameters.General/optimizer.adam/lr}")
    assert isinstance(ref, StepParameter)
    assert ref.name == "General/optimizer.adam/lr"


# Escapes and literal text


def test_an_escaped_dot_belongs_to_the_name() -> None:
    r"""Promise 28: names with dots via `\.`."""
    ref = read(r"${step\.1.artifacts.data\.v2\.csv.url}")
    assert isinstance(ref, StepArtifact)
    assert (ref.step, ref.name, ref.attr) == ("step.1", "data.v2.csv", "url")
    assert ref.text == r"${step\.1.artifacts.data\.v2\.csv.url}"


def test_a_closing_brace_and_a_backslash_can_be_escaped_too() -> None:
    ref = read(r"${s.a\}b\\}")
    assert isinstance(ref, StepValue)
    assert ref.name == "a}b\\"


def test_a_backslash_before_any_other_character_stands_for_itself() -> None:
    ref = read(r"${s.C:\data}")
    assert isinstance(ref, StepValue)
    assert ref.name == r"C:\data"


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", ()),
        ("plain {text} } $ $$ $a", ("plain {text} } $ $$ $a",)),
        ("costs $5 {or so}", ("costs $5 {or so}",)),
        ("${", ("${",)),
        ("before ${s.id", ("before ${s.id",)),
        (r"${s.id\}", (r"${s.id\}",)),
        ("$${s.id", ("$${s.id",)),
        ("$${s.id}", ("${s.id}",)),
        ("echo $${HOME}/$${USER}!", ("echo ${HOME}/${USER}!",)),
        ("$$$${s.id}", ("$${s.id}",)),
        ("$${a ${b", ("$${a ${b",)),
    ],
)
def test_text_without_a_reference_stays_text(text: str, pieces: tuple[str, ...]) -> None:
    assert parse(text) == pieces


def test_dollars_before_a_brace_are_read_in_pairs() -> None:
    price = PipelineValue("price", text="${pipeline.price}")
    assert parse("$$${pipeline.price}") == ("$", price)
    assert parse("$$$$${pipeline.price}") == ("$$", price)


def test_literals_and_references_alternate() -> None:
    assert parse("id=${one.id}|$${x}${two.id}${three.id}.") == (
        "id=",
        StepId("one", text="${one.id}"),
        "|${x}",
        StepId("two", text="${two.id}"),
        StepId("three", text="${three.id}"),
        ".",
    )


def test_many_openings_that_never_close_are_read_in_one_pass() -> None:
    """Reading them one by one to the end of the text would take minutes."""
    text = "${" * 200_000
    assert parse(text) == (text,)
    dollars = "$" * 200_000
    assert parse(f"{dollars} ${{a") == (f"{dollars} ${{a",)


# Bad references


@pytest.mark.parametrize(
    ("text", "problem", "remedy"),
    [
        ("${s.artefacts.x.url}", "'artefacts'", "did you mean 'artifacts'?"),
        ("${s.paramters.Args/x}", "'paramters'", "did you mean 'parameters'?"),
        ("${s.model.output.0.url}", "'model'", "did you mean 'models'?"),
        ("${s.artifacts.x.urll}", "'urll'", "did you mean 'url'?"),
        ("${s.artifacts.x.zzz}", "'zzz'", "known are url, hash,"),
        ("${s.artifacts.data.v2.url}", "one name and one attribute", r"a dot inside a name is written \."),
        ("${s.models.outputs.0.url}", "'outputs'", "did you mean 'output'?"),
        ("${s.models.output.last.url}", "'last' is not an index", "${step.models.output.-1.url}"),
        ("${s.models.output.1.5.url}", "after 'models.'", "${step.models.output.-1.url}"),
        ("${s.models.output.0.ulr}", "'ulr'", "did you mean 'url'?"),
        ("${s.models.output}", "after 'models.'", ""),
        ("${s.parameters.lr}", "Section/name", "${step.parameters.Section/name}"),
        ("${s.parameters./lr}", "Section/name", ""),
        ("${s.parameters.Args/}", "Section/name", ""),
        ("${s.xyz.columns}", "'xyz'", "known are artifacts"),
        ("${pipeline.a.b}", "the name of one parameter", r"\."),
        ("${HOME}", "only one word", "a literal ${...} is written $${...}"),
        ("${}", "a word of it is empty", ""),
        ("${s.}", "a word of it is empty", ""),
        ("${.id}", "a word of it is empty", ""),
        ("${s..id}", "a word of it is empty", ""),
        ("${pipeline}", "the name of one parameter", "${pipeline.parameter}"),
    ],
)
def test_a_bad_reference_is_named_with_the_forms_that_exist(text: str, problem: str, remedy: str) -> None:
    with pytest.raises(BadReference) as caught:
        parse(f"before {text} after")
    assert repr(text) in caught.value.message
    assert problem in caught.value.message
    assert caught.value.hint is not None
    assert remedy in caught.value.hint
    assert "${step.id}" in caught.value.hint


def test_references_do_not_nest() -> None:
    ref = read("${s.${x}")
    assert isinstance(ref, StepValue)
    assert ref.name == "${x"
    with pytest.raises(BadReference, match=r"'\$\{b' is not"):
        parse("${a.${b.id}}")


# References and parents


def test_references_are_found_at_any_depth_in_order() -> None:
    """Promises 32 and 41: references count inside lists, dicts and longer strings."""
    value = {
        "a": ["x ${one.id}", ("${two.data}", 3, None)],
        "b": {"c": {"d": "${pipeline.lr}"}},
        "${no.id}": b"${no.id}",
    }
    assert [ref.text for ref in references(value)] == ["${one.id}", "${two.data}", "${pipeline.lr}"]


def test_parents_are_the_steps_once_each_in_order() -> None:
    assert parents(["${b.id} ${a.id}", {"x": "${b.artifacts.y.url}", "y": "${pipeline.z}"}]) == ("b", "a")
    assert parents("$${b.id}") == ()
    assert parents(object()) == ()


def test_a_container_that_holds_itself_is_walked_once() -> None:
    value: list[object] = ["${a.id}"]
    value.append({"again": value})
    assert parents(value) == ("a",)


def test_a_container_that_is_held_twice_is_found_twice() -> None:
    shared = ["${a.id}"]
    assert len(list(references([shared, shared]))) == 2


def test_depth_does_not_matter() -> None:
    value: object = "${a.id}"
    for _ in range(10_000):
        value = [value]
    assert parents(value) == ("a",)


# Resolving


def table(ref: Ref) -> object:
    return {"${pipeline.lr}": 0.1, "${a.id}": "f00d", "${a.frame}": [1, 2]}[ref.text]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("${pipeline.lr}", 0.1),
        ("${a.frame}", [1, 2]),
        ("lr=${pipeline.lr}", "lr=0.1"),
        ("${a.id}-${pipeline.lr}", "f00d-0.1"),
        (["${pipeline.lr}", ("${a.id}", 1)], [0.1, ("f00d", 1)]),
        ({"x": {"y": "${pipeline.lr}"}, "${a.id}": 2}, {"x": {"y": 0.1}, "${a.id}": 2}),
        (Range("${pipeline.lr}", 2), Range(0.1, 2)),
        ("$${a.id} ${a.id}", "${a.id} f00d"),
        ("$${a.id}", "${a.id}"),
        (["$${a.id}"], ["${a.id}"]),
    ],
)
def test_references_are_replaced_by_what_they_stand_for(value: object, expected: object) -> None:
    """Promise 10: the type is kept when the whole string is the reference; it works inside a longer string."""
    resolved = resolve(value, table)
    assert resolved == expected
    assert type(resolved) is type(expected)


def test_the_object_itself_comes_through() -> None:
    thing = object()
    assert resolve("${a.thing}", lambda _: thing) is thing


def test_inside_longer_text_as_text_is_asked_and_lookup_is_not() -> None:
    asked: list[str] = []

    def lookup(ref: Ref) -> object:
        asked.append(ref.text)
        return 7

    resolved = resolve(["${a.x}", "at ${a.y}"], lookup, lambda ref: f"<{ref.text}>")
    assert resolved == [7, "at <${a.y}>"]
    assert asked == ["${a.x}"]


@pytest.mark.parametrize(
    "value",
    [
        "text",
        "",
        "${ open",
        ["a", ("b",), {"c": "d"}],
        {"a": "${ open"},
        (),
        3,
        None,
        b"${a.id}",
        {"${a.id}"},
        Text("${ open"),
    ],
)
def test_a_value_without_references_comes_back_as_the_same_object(value: object) -> None:
    assert resolve(value, table) is value


def test_the_parts_without_references_come_back_as_the_same_objects() -> None:
    plain = {"deep": ["x"]}
    resolved = resolve([plain, "${a.id}"], table)
    assert isinstance(resolved, list)
    assert resolved[0] is plain


def test_a_container_that_is_held_twice_is_resolved_twice() -> None:
    shared = ["${a.id}"]
    assert resolve([shared, {"again": shared}], table) == [["f00d"], {"again": ["f00d"]}]


def test_the_value_given_is_not_changed() -> None:
    value = {"x": ["${a.id}"]}
    resolve(value, table)
    assert value == {"x": ["${a.id}"]}


def test_a_container_that_holds_itself_is_left_alone_or_refused() -> None:
    value: list[object] = [1]
    value.append(value)
    assert resolve(value, table) is value
    value.append("${a.id}")
    with pytest.raises(BadReference, match="a list holds a reference and also itself"):
        resolve(value, table)


# Properties

names = st.text(min_size=1, max_size=8)
free = names.filter(lambda name: name != "pipeline")


@st.composite
def written_references(draw: st.DrawFn) -> str:
    """Any reference, its names escaped."""
    step = escape(draw(free))
    name = escape(draw(names))
    section = escape(draw(names.map(lambda name: name.replace("/", "|"))))
    model = f"{draw(st.sampled_from(['input', 'output']))}.{draw(st.integers(-99, 99))}"
    body = draw(
        st.sampled_from(
            [
                f"pipeline.{name}",
                f"{step}.id",
                f"{step}.{name}",
                f"{step}.artifacts.{name}",
                f"{step}.artifacts.{name}.{draw(st.sampled_from(ARTIFACT_ATTRIBUTES))}",
                f"{step}.parameters.{section}/{name}",
                f"{step}.models.{model}.{draw(st.sampled_from(MODEL_FACTS))}",
                f"{step}.{draw(st.sampled_from(TASK_FIELDS))}.{name}",
            ]
        )
    )
    return f"${{{body}}}"


def write(ref: Ref) -> str:
    """Write a parsed reference again, in its plainest form."""
    match ref:
        case PipelineValue(name):
            words = ["pipeline", name]
        case StepId(step):
            words = [step, "id"]
        case StepValue(step, name, artifact):
            words = [step, *(["artifacts"] if artifact else []), name]
        case StepArtifact(step, name, attr):
            words = [step, "artifacts", name, attr]
        case StepParameter(step, name):
            words = [step, "parameters", name]
        case StepModel(step, direction, index, attr):
            words = [step, "models", direction, str(index), attr]
        case _:
            words = [ref.step, *ref.path]
    return f"${{{'.'.join(map(escape, words))}}}"


def facts(ref: Ref) -> tuple[object, ...]:
    """Tell what a reference means, whatever way it was written."""
    return (type(ref), *(getattr(ref, field) for field in type(ref).__match_args__))


plain = st.text().filter(lambda text: "${" not in text)
nested = st.recursive(
    st.integers() | plain | written_references(),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(plain)
def test_any_text_without_an_opening_is_unchanged(text: str) -> None:
    assert "".join(str(piece) for piece in parse(text)) == text
    assert resolve(text, table) is text


@given(written_references())
def test_any_reference_is_read_whole_and_can_be_written_again(text: str) -> None:
    ref = read(text)
    assert ref.text == text
    again = read(write(ref))
    assert facts(again) == facts(ref)


@given(free, names.filter(lambda name: name != "id"))
def test_any_name_can_be_referred_to_once_escaped(step: str, name: str) -> None:
    ref = read(f"${{{escape(step)}.{escape(name)}}}")
    assert facts(ref) == (StepValue, step, name, False)


@given(st.lists(st.tuples(plain.filter(lambda text: not text.endswith("$")), written_references()), max_size=5), plain)
def test_a_text_is_the_sum_of_its_pieces(pairs: list[tuple[str, str]], tail: str) -> None:
    text = "".join(literal + ref for literal, ref in pairs) + tail
    assert "".join(piece if isinstance(piece, str) else piece.text for piece in parse(text)) == text
    assert [ref.text for ref in references(text)] == [ref for _, ref in pairs]
    assert resolve(text, lambda ref: ref.text) == text


@given(nested)
def test_nested_values_give_up_all_their_references(value: object) -> None:
    def texts(inside: object) -> list[str]:
        if isinstance(inside, str):
            return [inside] if "${" in inside else []
        if isinstance(inside, dict):
            return texts(list(cast("dict[str, object]", inside).values()))
        if isinstance(inside, list | tuple):
            return [text for item in cast("list[object]", inside) for text in texts(item)]
        return []

    found = list(references(value))
    assert [ref.text for ref in found] == texts(value)
    assert set(parents(value)) == {ref.step for ref in found if isinstance(ref, StepRef)}
    assert resolve(value, lambda ref: ref.text) == value
    assert list(references(resolve(value, lambda _: 0))) == []


dollars_and_braces = st.text("${}.\\a", max_size=12)
nested_texts = st.recursive(
    dollars_and_braces,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(dollars_and_braces, inner, max_size=3),
)


@given(nested_texts)
def test_what_is_quoted_is_given_back_as_it_was_and_refers_to_nothing(value: object) -> None:
    def refuse(ref: Ref) -> object:
        raise AssertionError(ref)

    assert list(references(quote(value))) == []
    assert resolve(quote(value), refuse) == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${a.id} and ${b.id}", "<${a.id}> and ${b.id}"),
        ("${pipeline.x}", "<${pipeline.x}>"),
        ("${a} $${b.id} $${a.id} $$${a.id}", "${a} $${b.id} ${a.id} $<${a.id}>"),
        ("x = ${?PATH}, y = ${oc.env:HOME}", "x = ${?PATH}, y = ${oc.env:HOME}"),
        (["${a.id}", {"b": ("${c.id}", 1)}], ["<${a.id}>", {"b": ("${c.id}", 1)}]),
        (r"${a\.b.id} ${.a} ${a.x", r"${a\.b.id} ${.a} ${a.x"),
    ],
)
def test_what_refers_to_some_steps_can_be_left_out_of_the_quoting(text: str, expected: object) -> None:
    assert resolve(quote(text, ["a"]), lambda ref: f"<{ref.text}>") == expected
