"""The page as a whole, and the server: what is on it, who reaches it, and what it gives away."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers import registry, strategies, tiny_spec
from PIL import Image
from trained import command

import i2i
from i2i.core.errors import I2IError, Problem, SpecError
from i2i.serve.page import build_page
from i2i.serve.server import announcement, application, listen, on_loopback
from i2i.serve.words import FAULT, MEMORY, about, sentence
from i2i.serve.worker import Limits
from i2i.spec.assemble import build_parts, build_source, build_strategy
from i2i.translate.model import Model

pytest.importorskip("gradio", reason="the page needs gradio")


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))


def untrained(name: str) -> Model:
    import torch

    spec = tiny_spec(name)
    facts = build_source(spec, registry()).facts
    net, _ = build_parts(spec, registry(), facts, losses_too=False)
    return Model(spec, build_strategy(spec, registry()), net, facts, torch.device("cpu"))


@pytest.fixture(scope="module")
def model(unpaired_run: Path) -> Model:
    return i2i.load(unpaired_run, device="cpu")


def parts(page: Any) -> set[str]:
    return {block.elem_id for block in page.blocks.values() if block.elem_id}


@pytest.mark.parametrize("name", strategies())
def test_every_method_has_a_page(name: str) -> None:
    model = untrained(name)
    there = parts(build_page(model))
    takes_pictures = model.strategy.takes({})[0] != "seed"
    assert {"about", "seed", "dice", "slider", "gallery", "files"} <= there
    assert takes_pictures == ({"picture", "translate", "samples", "canvas", "translate-drawing"} <= there)
    assert (not takes_pictures or model.strategy.prior) == ({"count", "draw"} <= there)


def test_presses_wait_in_one_line_and_none_is_offered_to_programs(model: Model) -> None:
    page = build_page(model, limits=Limits(waiting=7))
    presses = [event for event in page.fns.values() if event.queue]
    assert len(presses) == 3  # a dropped file, and two buttons
    assert {(press.concurrency_id, press.concurrency_limit) for press in presses} == {("model", 1)}
    assert {event.api_visibility for event in page.fns.values()} == {"private"}
    assert (page._queue.max_size, page.api_open, page.analytics_enabled) == (7, False, False)


def test_the_line_on_top_follows_the_direction(model: Model) -> None:
    assert "pictures like **a**" in about(model, {})
    assert "pictures like **b** of its training data (colour, seen at 32 × 32" in about(model, {"back": True})


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (I2IError("a.png: no picture"), ("a.png: no picture", True)),
        (
            SpecError([Problem("control.mix", "more than 1"), Problem("control.x", "?")]),
            ("mix: more than 1\nx: ?", True),
        ),
        (MemoryError(), (MEMORY, True)),
        (ZeroDivisionError("division by zero"), (FAULT, False)),
    ],
)
def test_faults_are_sentences(error: Exception, told: tuple[str, bool]) -> None:
    assert sentence(error) == told


def test_a_sentence_names_no_folder_of_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    text, _ = sentence(I2IError(f"'{tmp_path}/gradio/0a1b/my photo.png' is no picture"))
    assert text == "'my photo.png' is no picture"


def client(app: Any) -> Any:
    from starlette.testclient import TestClient

    return TestClient(app, base_url="http://127.0.0.1:7860")


@pytest.fixture
def app(model: Model) -> Any:
    limits = Limits(upload=1000)
    with listen("127.0.0.1", 0) as listener:
        return application(build_page(model, limits=limits), listener, limits)


def test_another_name_for_this_machine_is_refused(app: Any) -> None:
    with client(app) as asking:
        assert asking.get("/").status_code == 200
        assert asking.get("/", headers={"Host": "elsewhere.example"}).status_code == 400


def test_no_other_file_is_given_away(app: Any, unpaired_run: Path) -> None:
    with client(app) as asking:
        for file in (unpaired_run / "spec.toml", Path(__file__)):
            assert asking.get(f"/gradio_api/file={file}").status_code == 403


def test_a_path_of_this_machine_is_no_upload(app: Any, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    Image.new("RGB", (32, 32)).save(secret)
    with client(app) as asking:
        (press, *_) = [each for each in asking.get("/config").json()["dependencies"] if each["queue"]]
        file = {"path": str(secret), "meta": {"_type": "gradio.FileData"}}
        data = [file, *[None] * (len(press["inputs"]) - 1)]
        asked = {"data": data, "fn_index": press["id"], "session_hash": "me"}
        assert asking.post("/gradio_api/queue/join", json=asked).status_code == 200
        told = asking.get("/gradio_api/queue/data", params={"session_hash": "me"}).text
    assert '"success":false' in told and "process_completed" in told
    assert not list((tmp_path / "gradio").rglob("secret.png"))


def test_large_files_are_refused(app: Any) -> None:
    with client(app) as asking:
        sent = [
            asking.post("/gradio_api/upload", files={"files": ("x.png", b"0" * size)}) for size in (900, 2000)
        ]
        assert [answer.status_code for answer in sent] == [200, 413]


def test_a_taken_port_is_a_sentence() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(
            I2IError, match=rf"127\.0\.0\.1:{port} cannot be listened on: address already in use"
        ):
            listen("127.0.0.1", port)


@pytest.mark.parametrize("host", ["nowhere.invalid", "192.0.2.1"])
def test_a_host_that_is_not_here_is_a_sentence(host: str) -> None:
    with pytest.raises(I2IError, match=rf"^{host}:0 cannot be listened on: [^(]+; .* with --host$"):
        listen(host, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="others have one address of loopback")
def test_every_address_that_is_announced_answers(model: Model) -> None:
    with listen("127.0.0.2", 0) as listener:
        app = application(build_page(model), listener, Limits())
        from starlette.testclient import TestClient

        with TestClient(app, base_url=announcement(listener).split()[4]) as asking:
            assert asking.get("/").status_code == 200


def test_everybody_is_told_of_and_nobody_by_default() -> None:
    with listen("127.0.0.1", 0) as own, listen("0.0.0.0", 0) as everybody:
        assert on_loopback(own) and not on_loopback(everybody)
        assert len(announcement(own).splitlines()) == 1
        assert "Everybody who reaches this machine" in announcement(everybody)


@pytest.mark.skipif(os.name == "nt", reason="Windows ends processes without asking them")
def test_a_server_that_is_ended_leaves_nothing(unpaired_run: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-u", "-m", "i2i", "serve", unpaired_run, "--port", "0", "--device", "cpu"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "TMPDIR": str(tmp_path)}
    ) as process:
        assert process.stdout and process.stderr
        assert b"The page is at http://127.0.0.1:" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert (process.wait(60), b"Traceback" in process.stderr.read()) == (143, False)
    assert not list(tmp_path.iterdir())


def test_the_command_is_on_loopback_and_says_what_is_wrong(unpaired_run: Path) -> None:
    assert "127.0.0.1" in command("serve", "--help").out
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = command("serve", unpaired_run, "--port", taken.getsockname()[1])
    assert done.code == 1
    assert len(done.err.strip().splitlines()) == 1 and "--port" in done.err
