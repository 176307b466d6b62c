"""Where a report goes, and what it never overwrites."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from recorded import write_run

from i2i.cli.reporting import report as command
from i2i.core.errors import I2IError
from i2i.engine.disk import DiskError
from i2i.report import report
from i2i.report.writing import names_of


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "runs" / "one")


def test_a_report_lies_in_its_run_and_is_written_anew(run: Path) -> None:
    before = set(run.rglob("*"))
    assert report([run]) == report([str(run)]) == run / "report.html"
    assert set(run.rglob("*")) - before == {run / "report.html"}


def test_a_report_of_several_runs_lies_here(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = write_run(tmp_path / "runs" / "two", seed=1)
    monkeypatch.chdir(tmp_path)
    assert report([run, other]) == Path("report.html")
    assert (tmp_path / "report.html").stat().st_size < 10_000_000


def test_files_of_others_are_left_alone(run: Path, tmp_path: Path) -> None:
    mine = tmp_path / "report.html"
    mine.write_text("<h1>Quarterly figures</h1>", encoding="utf-8")
    with pytest.raises(I2IError, match="is no report of i2i"):
        report([run], mine)
    assert mine.read_text(encoding="utf-8") == "<h1>Quarterly figures</h1>"


@pytest.mark.parametrize(
    ("out", "sentence"),
    [
        (".", "this is a folder"),
        ("report.pdf", r"ends in \.html"),
        ("there/report.html", "there is no folder"),
    ],
)
def test_other_places_are_refused(run: Path, tmp_path: Path, out: str, sentence: str) -> None:
    with pytest.raises(I2IError, match=sentence):
        report([run], tmp_path / out)


def test_no_run_and_a_run_named_twice_are_refused(run: Path) -> None:
    with pytest.raises(I2IError, match="name one run folder"):
        report([])
    with pytest.raises(I2IError, match="named twice"):
        report([run, run / ".." / "one"])


def test_a_disk_that_refuses_is_a_sentence(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DiskError, match="no space left"):
        report([run])
    assert not list(run.glob("*report*"))


def test_names_tell_runs_apart() -> None:
    assert names_of([Path("/r/a"), Path("/r/b")]) == ["a", "b"]
    assert names_of([Path("/x/seed-0/run"), Path("/x/seed-1/run")]) == ["seed-0/run", "seed-1/run"]


def test_the_command_says_where_the_page_is(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    done = CliRunner().invoke(command, [str(run), "-o", str(out)])
    assert (done.exit_code, done.output.strip()) == (0, str(out))
    assert out.is_file()


def test_a_report_leaves_torch_alone(run: Path) -> None:
    code = "import sys; from i2i.report import report; report([sys.argv[1]]); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, str(run)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_runs_that_were_trained_have_a_report(paired_run: Path, unpaired_run: Path, tmp_path: Path) -> None:
    page = report([paired_run, unpaired_run], tmp_path / "report.html").read_text(encoding="utf-8")
    assert "finished: step 4 of 4" in page
    assert "generators" in page and "discriminator is right, real" in page
