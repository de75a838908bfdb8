from __future__ import annotations

import pytest

from penstock.run.formats import preview


def test_a_short_text_is_left_as_it_is() -> None:
    assert preview.cut("grün") == "grün"
    assert preview.cut("x" * preview.LIMIT) == "x" * preview.LIMIT


def test_a_long_text_is_cut_and_shows_it() -> None:
    cut = preview.cut("x" * 1_000_000)
    assert len(cut) == preview.LIMIT
    assert cut.endswith("x...")


@pytest.mark.parametrize("text", ["\0", "\ud800", "\ud83d" * 3_000])
def test_what_a_database_cannot_take_is_replaced(text: str) -> None:
    cut = preview.cut(text)
    cut.encode()
    assert "\0" not in cut


def test_a_preview_that_fails_says_so() -> None:
    assert preview.safely(lambda: str(1 / 0)) == "(no preview: ZeroDivisionError was raised)"


def test_a_container_shows_its_first_elements_only() -> None:
    assert preview.of_object(range(10), 0) == "range(0, 10)"
    text = preview.of_object(tuple(range(1_000_000)), 1 << 30)
    assert text.startswith("(0, 1, 2")
    assert text.endswith(", ...)")
    assert len(text) < 200


def test_a_large_object_shows_its_first_attributes() -> None:
    class Large:
        def __init__(self) -> None:
            self.inner = None
            self.rows = [0] * 1_000_000
            for number in range(20):
                setattr(self, f"field{number}", number)

    large = Large()
    large.inner = large
    text = preview.of_object(large, 1 << 30)
    assert "Large(inner=" in text
    assert "rows=[0, 0, 0" in text
    assert text.endswith(", ...)")
    assert len(text) <= preview.LIMIT


def test_a_large_object_without_attributes_shows_its_type() -> None:
    assert preview.of_object(object(), 1 << 30) == "<object>"
    assert preview.of_object(int, 1 << 30) == "<type>"


def test_the_head_of_a_table_is_bounded_and_never_fails() -> None:
    table = preview.head(lambda: (["a\0", "\ud800"], [int, "y" * 99], ([number, b"x" * 99] for number in range(999))))
    assert table is not None
    assert table.columns == ("a\ufffd", "?")
    assert len(table.types[1]) == preview.CELL
    assert (len(table.rows), table.rows[1][0]) == (preview.ROWS, "1")
    assert all(len(cell) <= preview.CELL for row in table.rows for cell in row)
    assert preview.head(lambda: ([], [], [[1 / 0]])) is None


def test_of_a_table_of_long_texts_fewer_rows_are_kept() -> None:
    names = [str(number) for number in range(preview.COLUMNS)]
    table = preview.head(lambda: (names, names, (["x" * 99] * preview.COLUMNS for _ in range(999))))
    assert table is not None
    assert len(table.rows) == preview.MOST // (preview.CELL * preview.COLUMNS)
