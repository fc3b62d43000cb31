"""Training and export with Ultralytics, offline and without executing code from pickles. No other file imports it."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from digitdet.common.errors import DigitdetError, MissingExtraError, ModelError
from digitdet.common.files import user_cache, write_atomically
from digitdet.common.types import CLASS_NAMES
from digitdet.configs import TrainConfig
from digitdet.datasets.formats.yolo import label_path
from digitdet.models.model_file import write_detector
from digitdet.training.buckets import BucketSampler, batch_shapes
from digitdet.training.hardware import CpuThreads, computes_in_bf16, describe_machine, pick_device
from digitdet.training.progress import Say, TrainingProgress

# Ultralytics reads these at import: no DNS look-ups, no pip at run time, no code from the pickle of a checkpoint, and
# no bars of its own.
_SWITCHES = {
    "YOLO_OFFLINE": "1",
    "YOLO_AUTOINSTALL": "0",
    "YOLO_VERBOSE": "0",  # its messages go to a file, see `_logged_to`
    "ULTRALYTICS_SAFE_LOAD": "1",
    "NO_ALBUMENTATIONS_UPDATE": "1",
}
_INTEGRATIONS = ("clearml", "comet", "dvc", "mlflow", "raytune", "tensorboard", "wandb")

CHECKPOINT, BEST = "checkpoint.pt", "best.pt"
"""Weights of the last and of the best epoch in the run folder, written atomically: Ultralytics' own are not."""

_LOG = "ultralytics.log"
_VALIDATION_COST = 1 / 3  # of a batch of pictures, as a fraction of a training step


def train(
    config: TrainConfig,
    splits: Mapping[str, Path],
    run: Path,
    start_weights: Path | None,
    say: Say = lambda _line: None,
    on_step: Callable[[], object] = lambda: None,
) -> Path:
    """Train the detector, or resume from `run`/checkpoint.pt, and return the file with the weights of the best epoch.

    `splits` has the folders of the pictures of 'train' and 'val', which must have been checked. Ultralytics' own files
    and messages go to `run`/training. Without `start_weights`, a .pt file, the training starts from random weights.
    `say` gets a line of text about the expected duration and about each epoch, and `on_step` is called after each step.
    """
    _import_ultralytics()
    device = pick_device(config.device)
    checkpoint, best = run / CHECKPOINT, run / BEST
    can_resume = checkpoint.is_file() and best.is_file()
    if can_resume and int(_load(checkpoint)["epoch"]) + 1 >= config.epochs:
        return best
    bf16 = computes_in_bf16(config.precision, device)
    settings = {
        **_recipe(config),
        "model": str(start_weights or config.architecture),
        "data": str(_own_data_file(splits, run / "training")),
        "save_dir": str((run / "training").resolve()),
        "exist_ok": True,
        "device": device,
        "workers": min(os.cpu_count() or 1, 8),
        "amp": "bf16" if bf16 and device != "cpu" else False,
        "plots": True,
    }
    if can_resume:
        settings["resume"] = str(checkpoint)
        # The trainer compares with its own copy, which a kill may have cut off.
        write_atomically(run / "training" / "weights" / "best.pt", best.read_bytes())
        say(f"continuing the detector after epoch {int(_load(checkpoint)['epoch']) + 1} of {config.epochs}")
    in_bf16 = _bf16_on_cpu(bf16 and device == "cpu")
    with _logged_to(run / "training" / _LOG), in_bf16, _without_label_caches(splits), contextlib.ExitStack() as stack:
        trainer = _trainer_class(config)(overrides=settings)
        trainer.add_callback("on_train_start", lambda trainer: _choose_threads(trainer, config.threads))
        trainer.add_callback("on_train_start", lambda trainer: _show_progress(trainer, device, bf16, say, stack))
        trainer.add_callback("on_train_batch_start", _rate_per_step())
        trainer.add_callback("on_train_batch_end", lambda _trainer: on_step())
        trainer.add_callback("on_model_save", lambda trainer: _keep_checkpoints(trainer, run))
        trainer.add_callback("on_val_start", _plot_once)
        trainer.train()
    return best


def _plot_once(validator: Any) -> None:
    """Leave the plots of the last epoch to the final validation, for which Ultralytics switches them on again."""
    if validator.training:
        validator.args.plots = False


def _choose_threads(trainer: Any, threads: int) -> None:
    """Set the number of threads of a trainer that is about to start, and adapt it after each step."""
    chosen = CpuThreads(threads)
    trainer.add_callback("on_train_batch_end", lambda _trainer: chosen.adapt())


def _show_progress(trainer: Any, device: str, bf16: bool, say: Say, stack: contextlib.ExitStack) -> None:
    """Show the progress of a trainer that is about to start, until `stack` ends."""
    steps, epochs = len(trainer.train_loader), trainer.epochs
    validated = epochs * len(trainer.test_loader) * trainer.test_loader.batch_size  # pictures
    validation_steps = validated / trainer.batch_size * _VALIDATION_COST
    progress = TrainingProgress(
        "detector", lambda: describe_machine(device, bf16), steps * epochs, say, validation_steps=validation_steps
    )
    stack.callback(progress.close)
    done = trainer.start_epoch * steps

    def show_step(trainer: Any) -> None:
        nonlocal done
        done += 1
        progress.step(done, float(trainer.loss.detach()) / trainer.batch_size)

    def show_epoch(trainer: Any) -> None:
        losses = [f"{name.removesuffix('_loss')} {float(loss):.3f}" for name, loss in trainer.tloss.items()]
        found = trainer.metrics.get("metrics/mAP50(B)", 0.0)
        progress.epoch(trainer.epoch + 1, epochs, f"loss {', '.join(losses)}, mAP50 {found:.3f}")

    trainer.add_callback("on_train_batch_end", show_step)
    trainer.add_callback("on_model_save", show_epoch)


@contextlib.contextmanager
def _logged_to(file: Path) -> Iterator[None]:
    """Append the messages of Ultralytics to a file instead of printing them; errors are printed, too."""
    from ultralytics.utils import LOGGER

    file.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(file, encoding="utf-8")
    level = LOGGER.level
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    try:
        yield
    finally:
        LOGGER.setLevel(level)
        LOGGER.removeHandler(handler)
        handler.close()


def _trainer_class(config: TrainConfig) -> Any:
    """Ultralytics' trainer, with batches of pictures of similar shape: less padding. Its own `rect` is not shuffled."""
    from ultralytics.data.build import InfiniteDataLoader, build_yolo_dataset, seed_worker
    from ultralytics.models.yolo.detect import DetectionTrainer

    if config.mosaic:
        return DetectionTrainer  # mosaics are square

    class BucketTrainer(DetectionTrainer):
        def get_dataloader(self, dataset_path: str, batch_size: int = 16, rank: int = 0, mode: str = "train") -> Any:
            if mode != "train":
                return super().get_dataloader(dataset_path, batch_size, rank, mode)
            dataset = build_yolo_dataset(self.args, dataset_path, batch_size, self.data, mode=mode)
            sizes = np.array([label["shape"] for label in dataset.labels])
            dataset.batch_shapes, dataset.batch = batch_shapes(sizes, config.image_size, batch_size)
            dataset.rect = True
            workers = self.args.workers  # 0 on a CPU, where the network keeps every core busy
            return InfiniteDataLoader(
                dataset=dataset,
                batch_size=batch_size,
                sampler=BucketSampler(dataset.batch, batch_size, config.seed),
                num_workers=workers,
                prefetch_factor=4 if workers else None,
                pin_memory=self.device.type == "cuda",
                collate_fn=dataset.collate_fn,
                worker_init_fn=seed_worker,
            )

    return BucketTrainer


def _recipe(config: TrainConfig) -> dict[str, Any]:
    """Ultralytics' settings that decide the result of a training."""
    return {
        "epochs": config.epochs,
        "patience": 0,  # an early stop would end at a high learning rate
        "batch": config.batch,
        "nbs": config.batch,  # without it, gradients are accumulated over 64 pictures
        "imgsz": config.image_size,
        "optimizer": "AdamW",
        "lr0": config.learning_rate,
        "lrf": config.final_learning_rate,
        "cos_lr": True,
        "momentum": 0.9,
        "warmup_epochs": config.warmup_epochs,
        "warmup_bias_lr": 0.0,
        "seed": config.seed,
        # Augmentation: no flips, since a mirrored digit is no digit; rotated digits are composed, with exact boxes.
        "fliplr": 0.0,
        "degrees": 0.0,
        "translate": config.translate,
        "scale": config.scale,
        "mosaic": config.mosaic,
        "close_mosaic": 0,  # otherwise the last ten epochs are without
        "hsv_h": 0.0,  # composed pictures have every colour already
        "hsv_s": 0.0,
        "hsv_v": config.brightness,
        "erasing": 0.0,
        "augmentations": [],  # otherwise it adds Blur, ToGray and more if albumentations is installed
    }


def _keep_checkpoints(trainer: Any, run: Path) -> None:
    """Copy what the trainer has just saved, atomically."""
    if trainer.best_fitness == trainer.fitness:
        write_atomically(run / BEST, trainer.best.read_bytes())
    write_atomically(run / CHECKPOINT, trainer.last.read_bytes())


def export_onnx(weights: Path, target: Path, image_size: int, version: str) -> None:
    """Export .pt weights to ONNX with dynamic batch size, height and width, without non-maximum suppression.

    Input: (B, 3, H, W) float32 RGB, 0 to 1. Output: (B, 14, N) float32, the rows centre x, centre y, width and height
    in input pixels, then a score for every digit.
    """
    _import_ultralytics()
    from ultralytics import YOLO

    with tempfile.TemporaryDirectory() as scratch:  # Ultralytics writes beside the weights
        copy = shutil.copy(weights, scratch)
        # nms=None: no suppression in the graph; False would take the other head of YOLO26, which keeps 300 boxes.
        exported = YOLO(str(copy), task="detect").export(
            format="onnx", imgsz=image_size, dynamic=True, simplify=True, nms=None, device="cpu"
        )
        write_detector(target, Path(exported).read_bytes(), image_size, version)


def save_weights(weights: Path, target: Path) -> None:
    """Copy .pt weights without the paths, git state and optimiser state of the training."""
    checkpoint = _load(weights)
    import torch

    model = checkpoint.get("ema") or checkpoint["model"]
    model.args = {"task": "detect", "imgsz": checkpoint["train_args"]["imgsz"]}
    model.yaml_file = Path(str(model.yaml.get("yaml_file", ""))).name
    model.pt_path = None
    content = {"model": model.half(), "epoch": -1, "train_args": model.args, "license": "AGPL-3.0"}
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_atomically(target, buffer.getvalue())


def _load(weights: Path) -> dict[str, Any]:
    """Load a .pt file without executing code from it."""
    _import_ultralytics()
    from ultralytics.nn.tasks import torch_safe_load

    content: dict[str, Any] = torch_safe_load(str(weights))[0]
    return content


def _import_ultralytics() -> None:
    """Import Ultralytics with network access, pip and unsafe pickles switched off; raise DigitdetError if it cannot."""
    os.environ.update(_SWITCHES)
    os.environ.setdefault("YOLO_CONFIG_DIR", str(user_cache() / "ultralytics"))
    os.environ.setdefault("MPLCONFIGDIR", str(user_cache() / "matplotlib"))
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(user_cache() / "torchinductor"))
    folder = Path(os.environ["YOLO_CONFIG_DIR"]) / "Ultralytics"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        import matplotlib
        import ultralytics
        from ultralytics import utils
    except ImportError as error:
        raise MissingExtraError("digitdet train", "train", error.name or "ultralytics") from error
    if utils.ONLINE or utils.AUTOINSTALL or not utils.SAFE_LOAD:
        switches = " ".join(f"{name}={value}" for name, value in _SWITCHES.items())
        raise DigitdetError(
            f"ultralytics was imported before digitdet could switch off its network access: first set {switches}"
        )
    # The trainer downloads Arial.ttf unless there is a file of that name here; any font will do for plots.
    font = folder / "Arial.ttf"
    if not font.is_file():
        shutil.copyfile(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", font)
    ultralytics.settings.update({"sync": False, **dict.fromkeys(_INTEGRATIONS, False)})


def _own_data_file(splits: Mapping[str, Path], folder: Path) -> Path:
    """Write a data.yaml with the folders that were checked, and return its path.

    Ultralytics resolves the `path` of a dataset by its own rules, and executes a `download` entry.
    """
    folder.mkdir(parents=True, exist_ok=True)
    data = {**{split: str(path.resolve()) for split, path in splits.items()}, "names": dict(enumerate(CLASS_NAMES))}
    path = folder.resolve() / "data.yaml"
    write_atomically(path, yaml.safe_dump(data, sort_keys=False))
    return path


@contextlib.contextmanager
def _without_label_caches(splits: Mapping[str, Path]) -> Iterator[None]:
    """Remove the caches that Ultralytics keeps beside the labels: it unpickles them, which may execute code."""

    def remove() -> None:
        for folder in splits.values():
            label_path(folder / "x").parent.with_suffix(".cache").unlink(missing_ok=True)

    remove()
    try:
        yield
    finally:
        remove()


@contextlib.contextmanager
def _bf16_on_cpu(active: bool) -> Iterator[None]:
    """Let the trainer compute in bfloat16 on the CPU, where Ultralytics ignores `amp`, by replacing its `autocast`."""
    if not active:
        yield
        return
    import torch
    from ultralytics.engine import trainer

    original = trainer.autocast
    trainer.autocast = lambda *_args, **_kwargs: torch.autocast("cpu", dtype=torch.bfloat16)
    try:
        yield
    finally:
        trainer.autocast = original


def _rate_per_step() -> Callable[[Any], None]:
    """Apply Ultralytics' cosine schedule at every step: it does so once an epoch, which is coarse for few epochs."""
    steps: Counter[int] = Counter()  # by epoch

    def set_rate(trainer: Any) -> None:  # during the warm-up, Ultralytics overrides it
        factor = trainer.lf(trainer.epoch + steps[trainer.epoch] / len(trainer.train_loader))
        steps[trainer.epoch] += 1
        for group in trainer.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor

    return set_rate


def require_loadable(path: Path) -> None:
    """Raise ModelError if a .pt file is missing or cannot be loaded without executing code from it."""
    if not path.is_file():  # Ultralytics would try to download it
        raise ModelError(f"{path}: no such file")
    _import_ultralytics()
    try:
        _load(path)
    except Exception as error:  # a damaged archive raises many kinds of errors
        raise ModelError(f"{path}: not weights that can be loaded safely ({type(error).__name__})") from error
