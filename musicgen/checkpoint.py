"""Save, verify and load trained models.

`checkpoints/<name>/` holds config.json, weights.safetensors and, once measured, metrics.json. A folder elsewhere, or a
model on the Hugging Face Hub, is loaded from the first two alike.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from functools import cache, lru_cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from musicgen import place
from musicgen.models import MODELS, MusicModel
from musicgen.models.base import FIRST_PITCH, HOLD_TOKEN, LIKELIHOODS, REST_TOKEN
from musicgen.score import HIGH, LOW, METERS, STYLES

DIRECTORY = place.of("checkpoints")
FORMAT = 1  # of a checkpoint's files
FILES = ("config.json", "weights.safetensors")  # that make a checkpoint


class CheckpointError(RuntimeError):
    """A checkpoint is missing or not what it was; the message says what to run."""


def save(name: str, model: MusicModel, training: dict, directory: Path = DIRECTORY):
    """Write the weights in half precision and, beside them, the config, how they were trained, and their hash.

    Args:
        name: of the architecture; a folder of `directory` is called so.
        model: the trained one.
        training: how it was trained, ready for JSON.
        directory: where all checkpoints lie.
    """
    folder = directory / name
    folder.mkdir(parents=True, exist_ok=True)
    weights = {key: tensor.detach().half().contiguous() for key, tensor in model.state_dict().items()}
    save_file(weights, folder / "weights.safetensors")
    (folder / "weights.safetensors").chmod(0o644)  # safetensors writes for the owner alone
    settings = asdict(model.config)
    known_for = trained_for(settings.pop("styles"))
    about = {"model": name, "config": settings, "trained_for": known_for, "training": training}
    about["weights_sha256"] = sha256(folder / "weights.safetensors")
    (folder / "config.json").write_text(json.dumps(about, indent=2) + "\n")


def trained_for(styles: int = len(STYLES)) -> dict:
    """What the indices stand for that a model of the first so many styles reads and writes; as config.json has it."""
    return {
        "format": FORMAT,
        "vocabulary": {
            "rest": REST_TOKEN,
            "hold": HOLD_TOKEN,
            "first_pitch": FIRST_PITCH,
            "lowest": LOW,
            "highest": HIGH,
        },
        "styles": [
            {"name": s.name, "ranges": [f"{low}-{high}" for low, high in s.ranges]} for s in [*STYLES.values()][:styles]
        ],
        "meters": [asdict(m) for m in METERS.values()],
    }


def available(directory: Path = DIRECTORY) -> list[str]:
    """The names of the architectures whose checkpoints are whole, in the registry's order."""
    return [name for name in MODELS if not fault(name, directory)]


def fault(name: str, directory: Path = DIRECTORY) -> str:
    """Why there is no such model, as far as its files tell without being loaded; "" if these are as they were trained.

    They are looked into once, and again when they change.
    """
    files = [directory / name / file for file in FILES]
    return _fault(name, directory, tuple(file.exists() and file.stat().st_mtime_ns for file in files))


@lru_cache(maxsize=256)
def _fault(name: str, directory: Path, changed: tuple[int, ...]) -> str:
    if not any(changed):
        return f"it was never trained here; run: python -m train {name}"
    try:
        _verified(directory / name)
    except CheckpointError as error:
        return str(error)
    return ""


def best(directory: Path = DIRECTORY) -> str:
    """The one that is least surprised by music it has never heard; the first one where nothing was measured.

    Only exact likelihoods can be compared.
    """
    names = available(directory)
    exact = [name for name in names if MODELS[name].likelihood == "exact"]
    measured = {n: sum(nll.values()) for n in exact if (nll := metrics(n, directory).get("nll_valid"))}
    return min(measured, key=lambda n: measured[n]) if measured else next(iter(names), "")


def styles(name: str, directory: Path = DIRECTORY) -> tuple[str, ...]:
    """The styles that a checkpoint was trained for; those added to `STYLES` since are none of them."""
    return _styles(config(name, directory))


def _styles(about: dict) -> tuple[str, ...]:
    try:
        return tuple(style["name"] for style in about["trained_for"]["styles"])
    except (KeyError, TypeError):
        return tuple(STYLES)


def load(name: str | Path, directory: Path = DIRECTORY) -> MusicModel:
    """The trained model, verified, in eval mode; one object for all who ask, never to be changed.

    Weights are read as numbers, never as pickled objects, and have to be the ones whose hash config.json gives.

    Args:
        name: of an architecture, such as "gru"; or of a folder that holds config.json and weights.safetensors; or of a
            model on the Hugging Face Hub, "owner/name", of which these two files are fetched once and kept.
        directory: where the architectures' checkpoints lie.

    Raises `CheckpointError` if there is none, or if its files are not those that were trained.
    """
    return _loaded(_folder(str(name), directory))


def _folder(name: str, directory: Path) -> Path:
    if name in MODELS:
        return directory / name
    if Path(name).expanduser().is_dir():
        return Path(name).expanduser().resolve()
    if re.fullmatch(r"\w[\w.-]*/[\w.-]+", name):
        return _fetched(name)
    raise CheckpointError(f"there is no model {name}; choose a folder, an owner/name on the Hub, {', '.join(MODELS)}")


def _fetched(name: str) -> Path:
    """Where the files of a model on the Hub lie on this machine; without a network, those fetched before."""
    from huggingface_hub import snapshot_download  # which takes a second
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=list(FILES)))
    except (HFValidationError, RepositoryNotFoundError) as error:
        raise CheckpointError(f"there is no folder {name}, and no such public model on the Hugging Face Hub") from error
    except OSError as error:
        raise CheckpointError(
            f"there is no folder {name}, and the Hugging Face Hub cannot be reached; try again with a network"
        ) from error


@cache
def _loaded(folder: Path) -> MusicModel:
    architecture, config, path = _verified(folder)
    try:
        model = architecture(config)
        model.load_state_dict({key: tensor.float() for key, tensor in load_file(path).items()})
    except (TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise CheckpointError(
            f"{_named(path)} does not fit this version of the model ({error}); {_remedy(path)}"
        ) from error
    return model.eval().requires_grad_(False)


def _verified(folder: Path) -> tuple[type[MusicModel], Any, Path]:
    """The architecture, its config, and the weights that config.json says belong to it. Raises `CheckpointError`."""
    source, path = (folder / file for file in FILES)
    about, remedy = _read(source), _remedy(path)
    name, count = about.get("model"), len(_styles(about))
    if not isinstance(name, str) or name not in MODELS or (folder.name in MODELS and folder.name != name):
        raise CheckpointError(f"{_named(source)} is of no architecture that belongs there: {name}; {remedy}")
    if differing := list(differences(about.get("trained_for"), trained_for(count))):
        raise CheckpointError(f"{_named(path)} was trained for another version: {'; '.join(differing)}; {remedy}")
    if not path.exists() or sha256(path) != about.get("weights_sha256"):
        raise CheckpointError(f"{_named(path)} is missing or has changed; {remedy}")
    try:
        return MODELS[name], MODELS[name].Config(**about["config"], styles=count), path
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{_named(source)} is not in the expected format; {remedy}") from error


def differences(theirs, ours, *path: str) -> Iterator[str]:
    """Where what a checkpoint was trained for is not what this version has, a line each; lists count from 1."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in ours | theirs:
            yield from differences(theirs.get(key), ours.get(key), *path, key)
    elif isinstance(ours, list) and isinstance(theirs, list):
        for i, (one, other) in enumerate(zip_longest(theirs, ours), start=1):
            yield from differences(one, other, *path, str(i))
    elif theirs != ours:
        yield f"{' '.join(path) or 'all'} was {theirs}, is {ours}"


def accelerate(directory: Path = DIRECTORY):
    """Load every trained model, then speed each up, so that who asks first waits for neither; some seconds a model.

    What cannot be loaded is passed over here: whoever asks for it is told why.
    """
    models = []
    for name in available(directory):
        with suppress(CheckpointError):
            models.append(load(name, directory))
    for model in models:
        model.accelerate()


def config(name: str, directory: Path = DIRECTORY) -> dict:
    """What config.json says. Raises `CheckpointError` if it is not there or not readable."""
    return _read(directory / name / "config.json")


def metrics(name: str, directory: Path = DIRECTORY) -> dict:
    """The measured figures, as `python -m train.evaluation` wrote them; empty before it ran, or if it is broken."""
    try:
        return measured(name, directory)
    except CheckpointError:
        return {}


def measured(name: str, directory: Path = DIRECTORY) -> dict:
    """The same, but raises `CheckpointError` if metrics.json is not readable or of another shape."""
    path = directory / name / "metrics.json"
    found = _read(path) if path.exists() else {}
    nll, speed = found.get("nll_valid", {}), found.get("speed", {})
    tables = isinstance(nll, dict) and isinstance(speed, dict)
    numbers = [found.get("parameters"), speed.get("ms_per_bar"), *nll.values()] if tables else [""]
    if not all(number is None or type(number) in (int, float) for number in numbers):
        raise CheckpointError(
            f"{_named(path)} is not in the expected format; measure again: python -m train.evaluation {name}"
        )
    return found


def nats(name: str, directory: Path = DIRECTORY) -> str:
    """A model's held-out nats a cell in words, with their kind where that is not exact; "-" before they are known."""
    kind = MODELS[name].likelihood
    if kind == "none":
        return LIKELIHOODS[kind]
    measured = metrics(name, directory).get("nll_valid", {})
    said = ", ".join(f"{style} {value:.3f}" for style, value in measured.items()) or "-"
    return said if kind == "exact" else f"{said} ({LIKELIHOODS[kind]})"


def figures(name: str, directory: Path = DIRECTORY) -> dict:
    """What a model costs and is worth: `parameters`, `ms_per_bar` (None before they are known) and `nats` in words."""
    measured = metrics(name, directory)
    return {
        "parameters": measured.get("parameters"),
        "ms_per_bar": measured.get("speed", {}).get("ms_per_bar"),
        "nats": nats(name, directory),
    }


def in_words(figures: dict) -> str:
    """`figures` in one line."""
    said = [f"held-out nats a cell: {figures['nats']}"]
    if figures["ms_per_bar"] is not None:
        said.insert(0, f"{figures['ms_per_bar']:.0f} ms a bar")
    if figures["parameters"] is not None:
        said.insert(0, f"{figures['parameters'] / 1e6:.1f} M parameters")
    return "\u00a0· ".join(said)  # a line may break after a dot only


def parameters(model: torch.nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read(path: Path) -> dict:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{_named(path)} cannot be read ({error}); {_remedy(path)}") from error
    if not isinstance(found, dict):
        raise CheckpointError(f"{_named(path)} is not in the expected format; {_remedy(path)}")
    return found


def _named(path: Path) -> str:
    """Where it lies, without what stands before the checkpoints' folder, which is no visitor's business."""
    return "/".join(path.parts[-3:])


def _remedy(path: Path) -> str:
    """What to do about a file of a checkpoint: those of this project can be trained, in a folder of their name."""
    name = path.parent.name
    return f"restore it, or train anew: python -m train {name}" if name in MODELS else "get it anew from its source"
