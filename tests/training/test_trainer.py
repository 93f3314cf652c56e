import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from transformers import AutoModelForImageToImage

from argan_hf import ArganDiscriminator, ArganForImageRestoration, ArganImageProcessor
from argan_hf.evaluation.results import Results
from argan_hf.training.arguments import ArganTrainingArguments
from argan_hf.training.batch import Batch
from argan_hf.training.checkpointing import checkpoints
from argan_hf.training.stopping import RunStoppedError
from argan_hf.training.trainer import ArganTrainer
from argan_hf.training.validation import Validation
from tests.training.conftest import exported_weights

pytestmark = pytest.mark.slow

_HALVES = (slice(0, 2), slice(2, 4))


def test_the_defaults_are_the_papers_numbers() -> None:
    args = ArganTrainingArguments()
    assert (args.crop_size, args.train_batch_size, args.max_train_steps) == (64, 64, 1_500_000)
    assert (args.learning_rate, args.adam_beta1, args.saturating) == (2e-4, 0.5, True)
    assert args.model_config.hidden_sizes == (64, 128, 256, 512)


def test_a_run_exports_a_loadable_folder(arguments: dict[str, object]) -> None:
    folder = ArganTrainer(ArganTrainingArguments(**arguments)).train()
    assert tuple(ArganForImageRestoration.from_pretrained(folder).config.hidden_sizes) == (4, 8)
    assert ArganDiscriminator.from_pretrained(folder, subfolder="discriminator").config.num_channels == 1
    assert ArganImageProcessor.from_pretrained(folder).num_channels == 1
    assert sorted(path.name for path in folder.glob("checkpoint-*")) == ["checkpoint-3", "checkpoint-6"]
    assert (folder / "samples" / "step-3.png").is_file()
    rows = [json.loads(line) for line in (folder / "validation.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [3, 6]
    assert json.loads((folder / "training_args.json").read_text())["max_train_steps"] == 6
    results = Results.read(folder / "results.json")
    assert {score.method for score in results.scores} == {"jpeg", "run"}
    assert (folder / "before_after.png").is_file()


def test_one_seed_gives_one_result_and_both_networks_learn(arguments: dict[str, object], tmp_path: Path) -> None:
    first = ArganTrainer(ArganTrainingArguments(**arguments))
    discriminator = first.update.discriminator
    before = {k: v.clone() for k, v in discriminator.state_dict().items()}
    one = exported_weights(first.train())
    two = exported_weights(
        ArganTrainer(ArganTrainingArguments(**{**arguments, "output_dir": str(tmp_path / "b")})).train()
    )
    assert all(torch.equal(one[name], two[name]) for name in one)
    other = {**arguments, "output_dir": str(tmp_path / "c"), "seed": 1}
    three = exported_weights(ArganTrainer(ArganTrainingArguments(**other)).train())
    assert any(not torch.equal(one[name], three[name]) for name in one)
    assert any(not torch.equal(before[name], tensor) for name, tensor in discriminator.state_dict().items())


def test_accumulated_batches_equal_a_large_one(arguments: dict[str, object]) -> None:
    fields = {"block_type": "residual", "hidden_sizes": [4, 8], "depths": [1, 1]}
    run = {**arguments, "model": json.dumps(fields), "adversarial_start_step": 6, "max_grad_norm": 1.0}
    large = ArganTrainer(ArganTrainingArguments(**run))
    small = ArganTrainer(ArganTrainingArguments(**{**run, "gradient_accumulation_steps": 2}))
    for step in range(3):
        batch = large.draw_batch()
        whole = large.update([batch], step)
        halves = [Batch(*(tensor[part] for tensor in batch.tensors)) for part in _HALVES]
        parts = small.update(halves, step)
        assert parts["l2"] == pytest.approx(float(whole["l2"]), rel=1e-5)
        assert parts["g_grad_norm"] == pytest.approx(float(whole["g_grad_norm"]), rel=1e-4)
    for one, other in zip(large.update.generator.parameters(), small.update.generator.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_statistics_are_not_copied_between_processes(arguments: dict[str, object]) -> None:
    """Older versions of torch refuse the backward of D otherwise; only runs of several processes wrap networks."""
    accelerator = ArganTrainer(ArganTrainingArguments(**arguments)).accelerator
    assert accelerator.ddp_handler.broadcast_buffers is False


def test_a_new_run_does_not_mix_with_an_earlier_one(arguments: dict[str, object]) -> None:
    folder = ArganTrainer(ArganTrainingArguments(**arguments)).train()
    with pytest.raises(
        ValueError, match=r"run holds an earlier run \(checkpoint-3, checkpoint-6, model\.safetensors, "
    ):
        ArganTrainer(ArganTrainingArguments(**arguments))
    resumed = ArganTrainer(ArganTrainingArguments(**{**arguments, "resume_from_checkpoint": "latest"}))
    assert resumed.train() == folder


def test_each_network_has_its_own_learning_rate(arguments: dict[str, object]) -> None:
    run = {**arguments, "lr_scheduler": "constant", "discriminator_learning_rate": 3e-3}
    networks = ArganTrainer(ArganTrainingArguments(**run)).update.networks
    assert [one.param_groups[0]["lr"] for network in networks for one in network.optimizers] == [2e-4, 3e-3]


def test_accumulation_reaches_both_networks(arguments: dict[str, object]) -> None:
    trainer = ArganTrainer(ArganTrainingArguments(**{**arguments, "gradient_accumulation_steps": 2}))
    losses = trainer.update([trainer.draw_batch(), trainer.draw_batch()], 5, logged=True)
    assert set(losses) == {"g", "l2", "d", "d_real", "d_fake", "g_grad_norm", "d_grad_norm"}
    for network in (trainer.update.generator, trainer.update.discriminator):
        assert all(parameter.grad is not None and parameter.grad.any() for parameter in network.parameters())


@pytest.mark.parametrize(("export_best", "exported_index"), [(True, 1), (False, 2)])
def test_the_best_averaged_weights_are_exported_or_the_last(
    arguments: dict[str, object], monkeypatch: pytest.MonkeyPatch, export_best: bool, exported_index: int
) -> None:
    gains = iter([1.0, 3.0, 2.0])
    seen: list[dict[str, torch.Tensor]] = []

    def scripted(restore: object, pictures: object, num_channels: int) -> Validation:
        seen.append({name: tensor.clone() for name, tensor in trainer.averaged.model.state_dict().items()})
        return Validation({"gain_q10": next(gains)}, torch.zeros(1, 8, 8, dtype=torch.uint8))

    monkeypatch.setattr("argan_hf.training.trainer.validate", scripted)
    run = {**arguments, "validation_steps": 2, "adversarial_start_step": 6, "export_best": export_best}
    trainer = ArganTrainer(ArganTrainingArguments(**run))
    exported = exported_weights(trainer.train())
    for index, weights in enumerate(seen):
        equal = all(torch.equal(exported[name], tensor) for name, tensor in weights.items())
        assert equal == (index == exported_index)


def test_weights_that_no_discriminator_has_judged_are_not_the_best_of_an_adversarial_run(
    arguments: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the clock, the position can pass the start of the adversarial phase before a step of that phase was taken."""
    gains = iter([5.0, 1.0])

    def scripted(restore: object, pictures: object, num_channels: int) -> Validation:
        return Validation({"gain_q10": next(gains)}, torch.zeros(1, 8, 8, dtype=torch.uint8))

    monkeypatch.setattr("argan_hf.training.trainer.validate", scripted)
    trainer = ArganTrainer(ArganTrainingArguments(**{**arguments, "adversarial_start_step": 2}))

    def jump() -> range:
        trainer.progress.step += 1
        trainer.progress.position += 3
        return range(trainer.progress.position - 2, trainer.progress.position + 1)

    monkeypatch.setattr(trainer.progress, "advance", jump)
    trainer.train()
    assert trainer.best.state_dict()["score"] == 1.0


def test_everything_of_a_run_is_logged(arguments: dict[str, object]) -> None:
    folder = ArganTrainer(ArganTrainingArguments(**{**arguments, "report_to": ["tensorboard"]})).train()
    events = EventAccumulator(str(folder / "argan"))
    events.Reload()
    expected = {"g", "l2", "d", "d_real", "d_fake", "g_grad_norm", "d_grad_norm", "lr", "psnr_q10", "gain_q40"}
    assert expected | {"crops_per_second", "waiting_for_data", "skipped_records"} <= set(events.Tags()["scalars"])
    assert events.Scalars("skipped_records")[-1].value >= 1


def test_trackio_logs_offline(arguments: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trackio = pytest.importorskip("trackio")
    monkeypatch.setattr(trackio.sqlite_storage, "TRACKIO_DIR", tmp_path / "trackio")
    ArganTrainer(ArganTrainingArguments(**{**arguments, "report_to": ["trackio"]})).train()
    rows = trackio.sqlite_storage.SQLiteStorage.get_logs(
        "argan", trackio.sqlite_storage.SQLiteStorage.get_runs("argan")[0]
    )
    assert any("gain_q10" in row for row in rows)


def test_training_lowers_the_loss(arguments: dict[str, object]) -> None:
    run = {**arguments, "max_train_steps": 60, "adversarial_start_step": 100, "learning_rate": 3e-3}
    trainer = ArganTrainer(ArganTrainingArguments(**{**run, "lr_scheduler": "constant", "validation_steps": 100}))
    batches = [trainer.draw_batch() for _ in range(8)]
    first = sum(float(trainer.update([batch], 0)["l2"]) for batch in batches)
    trainer.train()
    assert sum(float(trainer.update([batch], 0)["l2"]) for batch in batches) < 0.2 * first


def test_all_planes_train_told_or_not(arguments: dict[str, object]) -> None:
    fields = {"num_channels": 3, "block_type": "residual", "hidden_sizes": [4, 8], "depths": [1, 1], "patch_size": 2}
    shares = {"gray_share": 0.3, "offset_share": 0.3, "unknown_table_share": 0.3, "clean_share": 0.1}
    run = {
        **arguments,
        **shares,
        "model": json.dumps({**fields, "condition_on_quantization": True}),
        "l2_start_step": 2,
        "l2_balance": 0.5,
        "adversarial_start_step": 4,
        "learning_rate": 1e-3,
    }
    trainer = ArganTrainer(ArganTrainingArguments(**run))
    before = {name: tensor.clone() for name, tensor in trainer.update.generator.state_dict().items()}
    folder = trainer.train()
    assert all(not torch.equal(before[name], tensor) for name, tensor in trainer.update.generator.state_dict().items())
    assert ArganDiscriminator.from_pretrained(folder, subfolder="discriminator").config.num_channels == 3
    assert "rgb_psnr_q10" in json.loads((folder / "validation.jsonl").read_text().splitlines()[0])


def test_held_out_pictures_are_shrunk_and_training_pictures_are_not(arguments: dict[str, object]) -> None:
    arguments |= {"validation_scale": 0.5, "adversarial_start_step": 6, "slot_size": 320}
    shrunk = ArganTrainer(ArganTrainingArguments(**arguments))
    whole = ArganTrainer(ArganTrainingArguments(**{**arguments, "validation_scale": 1.0}))
    for small, picture in zip(shrunk.validation, whole.validation, strict=True):
        assert small.shape[1:] == tuple(round(side / 2) for side in picture.shape[1:])
    assert torch.equal(shrunk.draw_batch().original, whole.draw_batch().original)
    for trainer in (shrunk, whole):
        trainer.close()


def test_a_loss_that_is_not_finite_stops_the_run(arguments: dict[str, object]) -> None:
    trainer = ArganTrainer(ArganTrainingArguments(**{**arguments, "max_train_steps": 4}))
    with torch.no_grad():
        next(trainer.update.generator.parameters()).fill_(torch.nan)
    with pytest.raises(RunStoppedError, match=r"step 1: a loss is not finite \(.*\); .*no training checkpoint yet"):
        trainer.train()
    assert [path.name for path in Path(str(arguments["output_dir"])).iterdir()] == []


def _breaking(
    update: Callable[..., object], trainer: ArganTrainer, step: int, *args: object, **options: object
) -> object:
    losses = update(*args, **options)
    if trainer.progress.step == step - 1:
        with torch.no_grad():
            next(trainer.update.generator.parameters()).fill_(torch.inf)
    return losses


def test_weights_that_are_not_finite_reach_no_file(arguments: dict[str, object]) -> None:
    """Losses are looked at in some steps only, and are those of the weights before the step."""
    folder = Path(str(arguments["output_dir"]))
    run = {**arguments, "max_train_steps": 7, "checkpointing_steps": 2, "logging_steps": 100, "validation_steps": 5}
    for bad_step, kept in (
        (4, ["checkpoint-2"]),
        (5, ["checkpoint-2", "checkpoint-4"]),
        (7, ["checkpoint-4", "checkpoint-6"]),
    ):
        trainer = ArganTrainer(ArganTrainingArguments(**run, overwrite_output_dir=True))
        update = trainer.update.networks[0].update

        trainer.update.networks[0].update = partial(_breaking, update, trainer, bad_step)
        words = rf"the weights are not finite; .* the last training checkpoint is {folder / kept[-1]}: --resume"
        with pytest.raises(RunStoppedError, match=words):
            trainer.train()
        assert [path.name for path in checkpoints(folder)] == kept
        assert not (folder / "model.safetensors").exists()
        assert (folder / "validation.jsonl").exists() == (bad_step > 5)


def test_weights_stored_in_16_bits_load_as_32(arguments: dict[str, object], tmp_path: Path) -> None:
    full = ArganTrainer(ArganTrainingArguments(**arguments)).train()
    run = {**arguments, "export_float16": True, "output_dir": str(tmp_path / "b")}
    half = ArganTrainer(ArganTrainingArguments(**run)).train()
    assert (half / "model.safetensors").stat().st_size < 0.7 * (full / "model.safetensors").stat().st_size
    loaded = ArganForImageRestoration.from_pretrained(half)
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}
    for name, tensor in exported_weights(full).items():
        assert torch.allclose(loaded.state_dict()[name].float(), tensor.float(), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("model_type", "fields"), [("ar_cnn", {"hidden_sizes": [4, 4, 4]}), ("d3", {"dictionary_size": 70})]
)
def test_the_compared_networks_train_with_the_same_loop_and_start_fromexported_weights(
    arguments: dict[str, object], tmp_path: Path, model_type: str, fields: dict[str, object]
) -> None:
    run = {
        **arguments,
        "model_type": model_type,
        "model": json.dumps(fields),
        "adversarial_start_step": 6,
        "crop_size": 24,
    }
    folder = ArganTrainer(ArganTrainingArguments(**run)).train()
    assert not (folder / "discriminator").exists()
    trained = AutoModelForImageToImage.from_pretrained(folder)
    assert trained.config.model_type == model_type
    again = {**run, "model_name_or_path": str(folder), "output_dir": str(tmp_path / "b"), "learning_rate": 0.0}
    start = ArganTrainer(ArganTrainingArguments(**again)).train()
    for name, tensor in AutoModelForImageToImage.from_pretrained(start).state_dict().items():
        assert torch.allclose(tensor, trained.state_dict()[name], atol=1e-6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "{"}, "model must be JSON"),
        ({"model_type": "vgg"}, "model_type must be one of argan, ar_cnn, d3"),
        ({"model": '{"num_channels": 7}'}, "num_channels must be 1"),
        ({"discriminator": '{"wavelet_levels": -1}'}, "wavelet_levels must be 0 or more"),
        ({"discriminator": "{"}, "discriminator must be JSON"),
        ({"min_quality": 0}, "qualities must satisfy"),
        ({"optimizer": "lion"}, "optimizer must be adam or muon"),
        ({"mixed_precision": "fp8"}, "mixed_precision must be"),
        ({"crop_size": 300}, "exceeds slot_size"),
        ({"gray_share": 2}, "gray_share must lie in"),
        ({"l2_start_step": 3}, "comes before l2_start_step"),
        ({"picture_scales": [1.0, 2.0]}, "picture_scales must be factors"),
        ({"validation_scale": 0.0}, "validation_scale must be a factor"),
        ({"l2_balance": 2}, "l2_balance must lie in"),
        ({"teacher_weight": 1.5}, "teacher_weight must lie in"),
        ({"lambda_borders": -1.0}, "lambda_borders must be 0 or more"),
        ({"max_train_minutes": -1.0}, "max_train_minutes must be 0 or more"),
        ({"torch_compile_mode": "fast"}, "torch_compile_mode must be one of default, reduce-overhead"),
        ({"lr_scheduler": "reduce_lr_on_plateau"}, "lr_scheduler must be a function of the step"),
        ({"lr_scheduler": "warmup_stable_decay"}, "lr_scheduler must be a function of the step"),
        ({"lambda_borders": 0.3, "crop_size": 8}, "crop_size must be at least 9 with lambda_borders"),
        ({"teacher": "no/such/network"}, "teacher 'no/such/network' is no checkpoint that can be loaded"),
        ({"max_train_minutes": float("nan")}, "max_train_minutes must be a finite number"),
        ({"learning_rate": float("inf")}, "learning_rate must be a finite number"),
        ({"validation_pictures": -3}, "validation_pictures must be 0 or more"),
        ({"ema_decay": 1.0}, "ema_decay must be at least 0 and below 1"),
        ({"logging_steps": 0}, "logging_steps must be at least 1"),
        ({"gradient_accumulation_steps": 0}, "gradient_accumulation_steps must be at least 1"),
        ({"dataset_name": "no/such/folder", "data_files": None}, "'no/such/folder' cannot be streamed"),
        ({"output_dir": "/dev/null/run"}, "Not a directory"),
        ({"output_dir": "/proc"}, "/proc"),
        ({"crop_size": 32}, "at least 64 for the discriminator"),
        ({"image_column": "photo"}, "no column 'photo'"),
        ({"crop_size": 250}, "at least 250 pixels"),
        ({"resume_from_checkpoint": "latest"}, "nothing to resume"),
        (
            {"resume_from_checkpoint": "latest", "overwrite_output_dir": True},
            "begins a new run, --resume_from_checkpoint goes",
        ),
    ],
)
def test_what_cannot_work_is_said_before_any_step(
    arguments: dict[str, object], change: dict[str, object], words: str
) -> None:
    with pytest.raises((ValueError, OSError), match=words):
        ArganTrainer(ArganTrainingArguments(**{**arguments, **change}))
