"""A benchmark that cannot be measured on this machine says so, and keeps its old results."""

import sys

import pytest

pytest.importorskip("pwd", reason="the benchmarks run JupyterHub, which needs Linux or macOS")

from benchmarks import bench


@pytest.fixture
def written(monkeypatch):
    """What `make bench` would write, instead of results.json and the pages."""
    results = []
    monkeypatch.setattr(bench, "read_results", lambda: {"hand": "old"})
    monkeypatch.setattr(bench, "write_results", results.append)
    monkeypatch.setattr(bench, "write_tables", lambda: None)
    return results


def run(monkeypatch, *parts):
    monkeypatch.setattr(sys, "argv", ["bench", *parts])
    bench.main()


@pytest.mark.parametrize("part", ["hand", "numbers", "pictures", "writers"])
def test_without_peoples_digits(part, written, monkeypatch, capsys):
    monkeypatch.delenv("DIGITLAB_PEN", raising=False)
    run(monkeypatch, part)
    assert capsys.readouterr().out == f"{part}: not measured: needs DIGITLAB_PEN\n"
    assert not written


@pytest.mark.parametrize("part", ["ink", "page", "hub", "visitors"])
def test_without_the_programs(part, written, monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    run(monkeypatch, part)
    assert capsys.readouterr().out.startswith(f"{part}: not measured: needs ")
    assert not written


def test_the_other_parts_are_measured(written, monkeypatch, capsys):
    def lacking():
        raise bench.NotMeasured("needs a clock")

    monkeypatch.setitem(bench.PARTS, "hand", lacking)
    monkeypatch.setitem(bench.PARTS, "ink", lambda: "new")
    run(monkeypatch, "hand", "ink")
    assert written == [{"hand": "old", "ink": "new"}]
    assert capsys.readouterr().out == 'hand: not measured: needs a clock\n"new"\n'
