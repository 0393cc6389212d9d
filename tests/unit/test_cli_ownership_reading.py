"""Tables on a terminal."""

from __future__ import annotations

from lodestamp.faces.cli.ownership_reading import print_table


def test_columns_of_numbers_stand_to_the_right_and_words_to_the_left(capsys):
    print_table("t", ("who", "units", "for"), [("ann", "1,000", "a"), ("b", "-0.5", "long")])
    assert capsys.readouterr().out.splitlines() == [
        "t",
        "  who  units  for",
        "  ann  1,000  a",
        "  b     -0.5  long",
    ]


def test_an_empty_table_says_so(capsys):
    print_table("t", ("a",), [])
    assert capsys.readouterr().out == "t\n  none\n"


def test_foreign_text_cannot_steer_the_terminal(capsys):
    print_table("t", ("a",), [("\x1b[31m" + "x" * 500,)])
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert len(said.splitlines()[-1]) < 300
