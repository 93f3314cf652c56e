"""The pictures of a run: some held out for validation, all others behind a reservoir on the training device."""

from dataclasses import dataclass

from accelerate import Accelerator
from torch import Tensor

from .arguments import ArganTrainingArguments
from .dataset import PictureDecoder, held_out_pictures, load_stream
from .graphics_stream import GraphicsStream
from .reservoir import RefreshedReservoir, Reservoir
from .stream import PictureStream


@dataclass(frozen=True)
class RunPictures:
    """The pictures of a run.

    Attributes:
        training: photographs of this process; empty until it is filled.
        graphics: graphics of this process, likewise; `None` for a run without them.
        held_out: RGB, uint8 (3, H, W); in the main process only.
        decoder: of the training pictures; counts records that do not decode.
    """

    training: RefreshedReservoir
    graphics: RefreshedReservoir | None
    held_out: list[Tensor]
    decoder: PictureDecoder


def open_pictures(args: ArganTrainingArguments, accelerator: Accelerator) -> RunPictures:
    """Find the data set, and read the held-out pictures.

    Args:
        args: the settings of the run.
        accelerator: says which share of the records this process reads, and where the reservoir is.

    Raises:
        ValueError: if the data set cannot be streamed, or not a single picture fits into the reservoir.
    """
    stream = load_stream(
        args.dataset_name,
        config_name=args.dataset_config_name,
        split=args.dataset_split,
        data_files=args.data_files,
        image_column=args.image_column,
    )
    canvas_size = args.degradation.canvas_size(args.crop_size)
    decoder = PictureDecoder(
        args.image_column, args.slot_size, canvas_size, args.picture_scales, caption_share=args.caption_share
    )
    wanted = args.validation_pictures if accelerator.is_main_process else 0
    scale = args.validation_scale
    # The least size is scaled, too, so that the same pictures are used at every scale.
    held_out_decoder = PictureDecoder(args.image_column, args.slot_size, int(canvas_size * scale), [scale])
    held_out = held_out_pictures(stream, held_out_decoder, wanted)
    records = PictureStream(
        stream,
        decoder,
        num_workers=args.dataloader_num_workers,
        rank=accelerator.process_index,
        world_size=accelerator.num_processes,
    )
    training = RefreshedReservoir(
        records,
        Reservoir(args.reservoir_mib, args.slot_size, accelerator.device),
        canvas_size=canvas_size,
        refresh_interval=args.refresh_interval,
    )
    return RunPictures(training, _open_graphics(args, accelerator, canvas_size), held_out, decoder)


def _open_graphics(
    args: ArganTrainingArguments, accelerator: Accelerator, canvas_size: int
) -> RefreshedReservoir | None:
    """Graphics beside the photographs, refreshed as often per crop as these."""
    share = args.graphics_share
    if not share:
        return None
    stream = GraphicsStream(
        args.slot_size, seed=args.seed, rank=accelerator.process_index, world_size=accelerator.num_processes
    )
    least = -(-3 * args.slot_size**2 // 2**20)
    return RefreshedReservoir(
        stream,
        Reservoir(max(int(args.reservoir_mib * share), least), args.slot_size, accelerator.device),
        canvas_size=canvas_size,
        refresh_interval=max(round(args.refresh_interval / share), 1),
    )
