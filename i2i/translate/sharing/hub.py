"""Models on the Hugging Face hub: `hf://OWNER/NAME` to load them, and pushing them there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import i2i
from i2i.core.errors import I2IError
from i2i.core.extras import needs
from i2i.translate.sharing.card import card, newest_sample
from i2i.translate.sharing.clean import cleaned
from i2i.translate.sharing.packed import packed

if TYPE_CHECKING:
    from i2i.translate.model import Model

MODEL, SAMPLE = "model.safetensors", "sample.png"
# A Path turns the two slashes into one.
NAME = re.compile(r"hf:/{1,2}([^/@\s]+/[^/@\s]+)(?:@(\S+))?")


def is_name(path: str) -> bool:
    """Whether a path means a model on the hub."""
    return path.startswith("hf:/")


def fetch(name: str) -> Path:
    """The packed model of `hf://OWNER/NAME[@REVISION]`: downloaded, or from huggingface_hub's cache.

    Only the `.safetensors` is asked for. Without a network the cache serves.

    Raises:
        I2IError: huggingface_hub is missing, there is no such model, or it can be neither downloaded nor found.
    """
    found = NAME.fullmatch(name)
    if not found:
        raise I2IError(f"{name}: write hf://OWNER/NAME, or hf://OWNER/NAME@REVISION")
    repo, revision = found[1], found[2]
    library = needs("huggingface_hub", "hub", f"to load '{name}'")
    with _in_words(name, f"revision '{revision or 'main'}'"):
        return Path(
            library.hf_hub_download(
                repo, MODEL, revision=revision, library_name="i2i", library_version=i2i.__version__
            )
        )


def push(
    model: Model, repo: str, *, private: bool = False, message: str | None = None, sample: bool = True
) -> str:
    """Upload a model in one commit: `model.safetensors`, a card (`README.md`), `spec.toml` and a sample sheet.

    Args:
        model: what to upload; the repository is made if there is none.
        repo: OWNER/NAME.
        private: make it a private repository.
        message: of the commit; by default the method and the step.
        sample: upload the newest sheet of the run's samples too; it shows pictures of the data.

    Returns:
        Where it is.

    Raises:
        I2IError: huggingface_hub is missing, nobody is logged in, the name is bad, there is no permission or no
            network, or a private repository was asked for and a public one is there.
    """
    library = needs("huggingface_hub", "hub", "to push a model")
    with _in_words(repo):
        import_module("huggingface_hub.utils").validate_repo_id(repo)
    if repo.count("/") != 1:
        raise I2IError(f"{repo}: write OWNER/NAME; the owner is you, or an organization of yours")
    if not library.get_token():
        raise I2IError("nobody is logged in to the hub: hf auth login")
    files = _files(model, repo, sample)
    api = library.HfApi(library_name="i2i", library_version=i2i.__version__)
    with _in_words(repo):
        url = api.create_repo(repo, private=private or None, exist_ok=True)
        if private and not api.model_info(repo).private:
            raise I2IError(f"{repo} exists and is public; make it private on the hub, or leave --private out")
        operations = [library.CommitOperationAdd(name, data) for name, data in files.items()]
        told = message or f"{model.spec.strategy.name}, step {model.origin.step}"
        api.create_commit(repo, operations, commit_message=told)
    return str(url)


def _files(model: Model, repo: str, sample: bool) -> dict[str, bytes]:
    """What is uploaded, by name."""
    picture = newest_sample(model.origin) if sample else None
    files = {MODEL: packed(model), "spec.toml": cleaned(model.spec).toml().encode()}
    if picture:
        files[SAMPLE] = picture.read_bytes()
    return {**files, "README.md": card(model, repo, SAMPLE if picture else "").encode()}


@contextmanager
def _in_words(place: str, revision: str = "") -> Iterator[None]:
    """What the hub answers, in a sentence.

    Raises:
        I2IError: it refuses, or cannot be reached.
    """
    errors = import_module("huggingface_hub.errors")
    try:
        yield
    except errors.HFValidationError as error:
        raise I2IError(f"{place}: this is no name for a repository: {_line(error)}") from error
    except errors.GatedRepoError as error:
        raise I2IError(f"{place}: its owner lets in only those who have asked; ask on its page") from error
    except errors.RepositoryNotFoundError as error:
        raise I2IError(
            f"{place}: there is no such repository, or it is private and not yours: hf auth login"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise I2IError(f"{place}: it has no {revision}") from error
    except errors.LocalEntryNotFoundError as error:
        raise I2IError(f"{place}: the hub cannot be reached, and the cache does not hold this") from error
    except errors.EntryNotFoundError as error:
        raise I2IError(f"{place}: it has no {MODEL}; i2i push puts models there") from error
    except errors.HfHubHTTPError as error:
        raise I2IError(f"{place}: {_refusal(error)}") from error
    # The base of the HTTP library's errors, which are no OSErrors.
    except (errors.HTTPError, OSError) as error:
        raise I2IError(f"{place}: the hub cannot be reached: {_line(error)}") from error
    except (RuntimeError, ValueError) as error:
        raise I2IError(f"{place}: the hub does not take this: {_line(error)}") from error


def _refusal(error: Any) -> str:
    """What a status of the hub means."""
    code = error.response.status_code
    if code == 401:
        return "the hub does not know your token (any more): hf auth login"
    if code == 403:
        return (
            "your token may not write there: is the owner you, and the token one for writing? hf auth login"
        )
    if code >= 500:
        return f"the hub is out of order (status {code}); try again later"
    return f"the hub refuses (status {code}): {error.server_message or _line(error)}"


def _line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
