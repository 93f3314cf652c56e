from datasets.distributed import split_dataset_by_node

from argan_hf.containers.opening import open_image
from argan_hf.jpeg.file import image_to_tensor
from argan_hf.training.dataset import load_stream
from argan_hf.training.generated_pictures import GENERATED, draw_picture, generated_stream


def test_the_same_pictures_come_every_time_and_no_two_are_alike() -> None:
    first, again = ([record["image"]["bytes"] for record in generated_stream(4)] for _ in range(2))
    assert first == again
    assert len(set(first)) == 4
    assert open_image(first[2]).tobytes() == draw_picture(2).tobytes()


def test_processes_share_them() -> None:
    shares = [
        {record["image"]["path"] for record in split_dataset_by_node(generated_stream(8), rank, 2)} for rank in (0, 1)
    ]
    assert [len(share) for share in shares] == [4, 4]
    assert not shares[0] & shares[1]


def test_they_are_found_under_their_name_and_hold_detail() -> None:
    record = next(iter(load_stream(GENERATED)))
    pixels = image_to_tensor(open_image(record["image"]["bytes"])).float()
    assert pixels.shape == (3, 240, 320)
    assert pixels.diff(dim=2).abs().mean() > 2
