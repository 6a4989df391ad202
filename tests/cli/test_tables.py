"""Tables: what is in them can be copied on any terminal; in a pipe they are as wide as it takes."""

import os

import click
import pytest
from voxstack.cli.output import table_lines

COLUMNS = ("name", "distribution", "status", "about")
ROWS = [
    ("AutoregressiveDecoder", "voxstack-voice-en-us-attention", "ok", "Text to mel, step by step."),
    ("Gain", "acme-gain", "broken", "importing 'acme_gain.effects:Gain': " + "no licence, " * 12),
]
NAMES = ("AutoregressiveDecoder", "voxstack-voice-en-us-attention", "'acme_gain.effects:Gain':")


def lines(width, rows=ROWS):
    return [click.unstyle(line) for line in table_lines(COLUMNS, rows, width)]


@pytest.mark.parametrize("width", range(20, 130, 7))
def test_names_stay_whole_on_any_terminal(width):
    shown = "\n".join(lines(width))
    assert [name for name in NAMES if name not in shown] == []
    longest = max(map(len, NAMES)) + 5
    assert max(map(len, lines(width))) <= max(width, longest), shown


def test_what_does_not_fit_stands_below_its_row():
    head, rule, *rows = lines(50)
    assert head.split() == ["name", "status"] and len(rule) <= 50
    assert rows[0].split() == ["AutoregressiveDecoder", "ok"]
    assert rows[1] == "    distribution: voxstack-voice-en-us-attention"


def test_only_prose_is_folded_where_it_has_room():
    assert lines(100)[0].split() == [*COLUMNS]
    assert len(lines(100)) > 2 + len(ROWS) == len(lines(None))


def test_wide_characters_count_as_what_they_take():
    head, _, row = lines(None, [("日本語", "b", "ok", "c")])
    assert head.index("distribution") == row.index("b") + 3


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo terminals")
@pytest.mark.parametrize(
    ("terminal", "no_colour", "coloured"),
    [("xterm", "", True), ("dumb", "", False), ("xterm", "1", False)],
)
def test_colours_are_for_terminals_that_want_them(voxstack, terminal, no_colour, coloured):
    screen, theirs = os.openpty()
    env = {"TERM": terminal, "NO_COLOR": no_colour, "COLUMNS": "40"}
    process = voxstack.start("voices", env=env, stdout=theirs, stderr=theirs)
    os.close(theirs)
    assert process.wait(30) == 0
    shown = os.read(screen, 1 << 16).decode()
    os.close(screen)
    assert "en-us" in shown
    assert ("\x1b[" in shown) == coloured


def test_a_pipe_is_not_a_terminal_that_could_be_narrow(voxstack):
    shown = voxstack.good("voices", env={"COLUMNS": "40"}).out.splitlines()
    assert max(map(len, shown)) > 100
    (row,) = (line for line in shown if line.startswith(" en-us "))
    assert row.endswith("kal.")
