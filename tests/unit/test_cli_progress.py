"""The progress bar: for people at a terminal, and only when it takes long."""

from __future__ import annotations

import io
import sys

from lodestamp.faces.cli import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_nobody_sees_a_bar_that_goes_to_a_file(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with progress.progress_bar("reading") as bar:
        assert bar is None


def test_short_work_draws_nothing(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress.progress_bar("reading") as bar:
        bar(1, 2)
        bar(2, 2)
    assert terminal.getvalue() == ""


def test_long_work_shows_amount_rate_and_rest(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    times = iter(range(100))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(times))
    with progress.progress_bar("reading \x1b]0;report[b].pdf") as bar:
        for done in range(0, 50_000_000, 10_000_000):
            bar(done, 100_000_000)
    shown = terminal.getvalue()
    assert "reading \\u001b]0;report[b].pdf" in shown
    assert "100.0 MB" in shown
    assert "0:00:" in shown or "-:--:--" in shown
