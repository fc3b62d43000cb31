"""The one file that touches Ultralytics: it is kept off the network and away from pickles, and made fast on the CPU."""

from __future__ import annotations

import ast
import contextlib
import math
import os
import shutil
import tempfile
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
from digitdet.training.buckets import BucketSampler, batch_shapes
from digitdet.training.hardware import computes_in_bf16, pick_device, use_cores

# Ultralytics reads these when it is imported: no look-ups, no pip at run time, no code from a checkpoint's pickle.
_SWITCHES = {
    "YOLO_OFFLINE": "1",
    "YOLO_AUTOINSTALL": "0",
    "ULTRALYTICS_SAFE_LOAD": "1",
    "NO_ALBUMENTATIONS_UPDATE": "1",
}
_INTEGRATIONS = ("clearml", "comet", "dvc", "mlflow", "raytune", "tensorboard", "wandb")

CHECKPOINT, BEST = "checkpoint.pt", "best.pt"
"""In the run folder while it trains: the last epoch and the best one, each replaced in one step. Ultralytics' own are
written in place, and a kill in the middle of that would lose them."""


def train(
    config: TrainConfig,
    splits: Mapping[str, Path],
    run: Path,
    start_weights: Path | None,
    on_step: Callable[[], object] = lambda: None,
) -> Path:
    """Fit the detector, or go on from `run`/checkpoint.pt, and return the weights of the best epoch.

    Args:
        config: How to train.
        splits: Folder of the pictures of 'train' and 'val', already checked; see `digitdet.datasets.formats.yolo`.
        run: The run folder; Ultralytics' own files go to `run`/training.
        start_weights: A .pt file to start from; None starts from random weights.
        on_step: Called after every step.
    """
    _import_ultralytics()
    device = pick_device(config.device)
    checkpoint, best = run / CHECKPOINT, run / BEST
    if checkpoint.is_file() and best.is_file() and _epochs_done(checkpoint) >= config.epochs:
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
    if checkpoint.is_file() and best.is_file():
        settings["resume"] = str(checkpoint)
        # Whole again, should a kill have hit the trainer's own copy: it goes on comparing with that one.
        write_atomically(run / "training" / "weights" / "best.pt", best.read_bytes())
    with _bf16_on_cpu(bf16 and device == "cpu"), _without_label_caches(splits):
        trainer = _trainer_class(config)(overrides=settings)
        trainer.add_callback("on_train_start", lambda _trainer: use_cores(config.threads))
        trainer.add_callback("on_train_batch_start", _CosineSchedule(config))
        trainer.add_callback("on_train_batch_end", lambda _trainer: on_step())
        trainer.add_callback("on_model_save", lambda trainer: _keep_checkpoints(trainer, run))
        trainer.train()
    return best


def _trainer_class(config: TrainConfig) -> Any:
    """Ultralytics' trainer, with batches of pictures of about one shape: on composed pictures, of which a third of each
    square would be padding, 1.4 times the speed. Ultralytics' own `rect` gives up the random order for it.
    """
    from ultralytics.data.build import InfiniteDataLoader, build_yolo_dataset, seed_worker
    from ultralytics.models.yolo.detect import DetectionTrainer

    if config.mosaic:
        return DetectionTrainer  # glues squares

    class BucketTrainer(DetectionTrainer):
        def get_dataloader(self, dataset_path: str, batch_size: int = 16, rank: int = 0, mode: str = "train") -> Any:
            if mode != "train":
                return super().get_dataloader(dataset_path, batch_size, rank, mode)
            dataset = build_yolo_dataset(self.args, dataset_path, batch_size, self.data, mode=mode)
            sizes = np.array([label["shape"] for label in dataset.labels])
            dataset.batch_shapes, dataset.batch = batch_shapes(sizes, config.image_size, batch_size)
            dataset.rect = True
            workers = self.args.workers  # none on a CPU: there the network keeps every core busy
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
    """What decides the result of a training, in Ultralytics' words."""
    return {
        "epochs": config.epochs,
        "patience": 0,  # the learning rate is planned to the last epoch: stopping early would leave it high
        "batch": config.batch,
        "nbs": config.batch,  # Ultralytics would save up gradients to 64 pictures: fewer, larger steps
        "imgsz": config.image_size,
        "optimizer": "AdamW",
        "lr0": config.learning_rate,
        "lrf": config.final_learning_rate,
        "momentum": 0.9,
        "warmup_epochs": config.warmup_epochs,
        "warmup_bias_lr": 0.0,
        "seed": config.seed,
        # Augmentation. A mirrored digit is another sign or none; turned ones are composed, with true boxes.
        "fliplr": 0.0,
        "degrees": 0.0,
        "translate": config.translate,
        "scale": config.scale,
        "mosaic": config.mosaic,
        "hsv_h": 0.0,  # ink and ground come in every colour already
        "hsv_s": 0.0,
        "hsv_v": config.brightness,
        "erasing": 0.0,
        "augmentations": [],  # else Blur, MedianBlur, ToGray and CLAHE come in wherever albumentations is installed
    }


def _keep_checkpoints(trainer: Any, run: Path) -> None:
    """Copy what the trainer has just saved, each file in one step: a kill cannot spoil the copies."""
    if trainer.best_fitness == trainer.fitness:
        write_atomically(run / BEST, trainer.best.read_bytes())
    write_atomically(run / CHECKPOINT, trainer.last.read_bytes())


def measure(weights: Path, pictures: Path, image_size: int, folder: Path, device: str = "auto") -> dict[str, Any]:
    """Detection metrics of .pt weights on the pictures of a split, as the field reports them: down to a confidence of
    0.001.

    Returns:
        {'map50': ..., 'map50_95': ..., 'precision': ..., 'recall': ..., 'digits': {'0': {'precision': ..., 'recall':
        ..., 'map50': ...}, ...}}; precision and recall at the confidence with the best F1. A digit that the split does
        not hold is left out. The plots (confusion matrix, precision-recall curve) are written to `folder`.
    """
    _import_ultralytics()
    from ultralytics import YOLO

    splits = {"train": pictures, "val": pictures}
    with _without_label_caches(splits):
        metrics = YOLO(str(weights), task="detect").val(
            data=str(_own_data_file(splits, folder)),
            split="val",
            imgsz=image_size,
            batch=16,
            device=pick_device(device),
            save_dir=str(folder.resolve()),
            exist_ok=True,
            plots=True,
            verbose=False,
        )
    box = metrics.box
    digits = {
        str(class_id): {"precision": float(p), "recall": float(r), "map50": float(ap)}
        for class_id, p, r, ap in zip(box.ap_class_index.tolist(), box.p, box.r, box.ap50, strict=True)
    }
    return {
        "map50": float(box.map50),
        "map50_95": float(box.map),
        "precision": float(box.mp),
        "recall": float(box.mr),
        "digits": digits,
    }


def export_onnx(weights: Path, target: Path, image_size: int, version: str) -> None:
    """Write .pt weights as ONNX with free batch, height and width: (B, 3, H, W) float32 RGB, 0 to 1, in; (B, 14, N)
    out, four rows cx, cy, w, h in input pixels and one row a digit, 0 to 1. No suppression inside.
    """
    _import_ultralytics()
    import onnx
    from ultralytics import YOLO

    with tempfile.TemporaryDirectory() as scratch:  # the export lands beside the weights it is made from
        copy = shutil.copy(weights, scratch)
        # nms: None is no suppression in the graph; False would take YOLO26's other head, which keeps 300 boxes.
        exported = YOLO(str(copy), task="detect").export(
            format="onnx", imgsz=image_size, dynamic=True, simplify=True, nms=None, device="cpu"
        )
        model = onnx.load(exported)
    names = ast.literal_eval(next(item.value for item in model.metadata_props if item.key == "names"))
    # Ultralytics' own entries name the folders of this machine.
    del model.metadata_props[:]
    entries = {"names": names, "imgsz": image_size, "stride": 32, "digitdet": version, "license": "AGPL-3.0"}
    for key, value in entries.items():
        model.metadata_props.add(key=key, value=str(value))
    write_atomically(target, model.SerializeToString())


def save_weights(weights: Path, target: Path, recogniser: Mapping[str, Any] | None = None) -> None:
    """Write .pt weights without what the training left in them: paths, the state of git and of the optimiser.

    Args:
        weights: A .pt file.
        target: Where to write.
        recogniser: The weights of the second stage, which are stored beside the detector's.
    """
    _import_ultralytics()
    import io

    import torch
    from ultralytics.nn.tasks import torch_safe_load

    checkpoint, _ = torch_safe_load(str(weights))
    model = checkpoint.get("ema") or checkpoint["model"]
    model.args = {"task": "detect", "imgsz": checkpoint["train_args"]["imgsz"]}
    model.yaml_file = Path(str(model.yaml.get("yaml_file", ""))).name
    model.pt_path = None  # where the weights were read that the training started from
    content = {"model": model.half(), "epoch": -1, "train_args": model.args, "license": "AGPL-3.0"}
    if recogniser is not None:
        content["recogniser"] = {name: value.half() for name, value in recogniser.items()}
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_atomically(target, buffer.getvalue())


def load_recogniser(weights: Path) -> dict[str, Any] | None:
    """The weights of the second stage in a .pt file of `save_weights`; None if there are none."""
    _import_ultralytics()
    from ultralytics.nn.tasks import torch_safe_load

    stored: dict[str, Any] | None = torch_safe_load(str(weights))[0].get("recogniser")
    return stored


def _import_ultralytics() -> None:
    """Import Ultralytics with its network, pip and pickle doors shut.

    Raises:
        MissingExtraError: It is not installed.
        DigitdetError: Something else imported it before, with a door open.
    """
    os.environ.update(_SWITCHES)
    os.environ.setdefault("YOLO_CONFIG_DIR", str(user_cache() / "ultralytics"))
    os.environ.setdefault("MPLCONFIGDIR", str(user_cache() / "matplotlib"))  # else a folder in the user's settings
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(user_cache() / "torchinductor"))  # else it stays in /tmp
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
        raise DigitdetError(f"ultralytics was imported before digitdet could take it offline: first set {switches}")
    # The trainer asks a host for Arial.ttf unless a file of that name lies here; any font will do for plots.
    font = folder / "Arial.ttf"
    if not font.is_file():
        shutil.copyfile(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", font)
    ultralytics.settings.update({"sync": False, **dict.fromkeys(_INTEGRATIONS, False)})


def _own_data_file(splits: Mapping[str, Path], folder: Path) -> Path:
    """Write a data.yaml for Ultralytics with the very folders that were checked, and return its path.

    It would resolve a dataset's own `path` against the current folder or one of its settings, and run a `download`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    data = {**{split: str(path.resolve()) for split, path in splits.items()}, "names": dict(enumerate(CLASS_NAMES))}
    path = folder.resolve() / "data.yaml"
    write_atomically(path, yaml.safe_dump(data, sort_keys=False))
    return path


@contextlib.contextmanager
def _without_label_caches(splits: Mapping[str, Path]) -> Iterator[None]:
    """Remove the caches that Ultralytics keeps beside the labels: it reads them with pickle, which can run code from a
    stranger's dataset, and leaves its own behind.
    """

    def remove() -> None:
        for folder in splits.values():
            label_path(folder / "x").parent.with_suffix(".cache").unlink(missing_ok=True)

    remove()
    try:
        yield
    finally:
        remove()


def _epochs_done(checkpoint: Path) -> int:
    from ultralytics.nn.tasks import torch_safe_load

    return int(torch_safe_load(str(checkpoint))[0]["epoch"]) + 1


@contextlib.contextmanager
def _bf16_on_cpu(active: bool) -> Iterator[None]:
    """Let the trainer compute in bfloat16 on the CPU, where Ultralytics refuses `amp`: three times the speed.

    The trainer calls `autocast` of its own module around the forward pass; that name is replaced for the while.
    """
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


class _CosineSchedule:
    """Lowers the learning rate at every step along a cosine (Loshchilov and Hutter, 2017).

    Ultralytics changes it once an epoch: in a training of four epochs the last quarter would run at a third of the
    highest rate, and the weights never settle.
    """

    def __init__(self, config: TrainConfig) -> None:
        self._final = config.final_learning_rate
        self._epoch = -1
        self._step = 0

    def __call__(self, trainer: Any) -> None:
        """Set the rate of the step that begins; during the warm-up Ultralytics overrides it."""
        if trainer.epoch != self._epoch:
            self._epoch, self._step = trainer.epoch, 0
        done = (trainer.epoch + self._step / len(trainer.train_loader)) / trainer.epochs
        self._step += 1
        factor = self._final + (1 - self._final) * (1 + math.cos(math.pi * min(done, 1.0))) / 2
        for group in trainer.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor


def require_loadable(path: Path) -> None:
    """Make sure a .pt file can be read before a training starts from it.

    Raises:
        ModelError: It is missing, or is not a checkpoint that loads without running code.
    """
    if not path.is_file():  # Ultralytics would look for a file of that name on its servers
        raise ModelError(f"{path}: no such file; expected 'scratch', 'shipped' or a .pt file")
    _import_ultralytics()
    from ultralytics.nn.tasks import torch_safe_load

    try:
        torch_safe_load(str(path))
    except Exception as error:  # torch raises whatever a damaged archive leads to
        raise ModelError(f"{path}: not weights that can be loaded safely ({type(error).__name__})") from error
