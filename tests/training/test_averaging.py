import io

import torch

from argan_hf import ArganConfig, ArganForImageRestoration
from argan_hf.training.averaging import AveragedWeights, BestWeights


def _fill(model: ArganForImageRestoration, value: float) -> ArganForImageRestoration:
    with torch.no_grad():
        for tensor in model.state_dict().values():
            tensor.fill_(value)
    return model


def _value(model: torch.nn.Module) -> float:
    values = {float(v) for tensor in model.state_dict().values() if tensor.is_floating_point() for v in tensor.unique()}
    (value,) = values
    return value


def test_the_average_forgets_its_start_and_then_moves_slowly(plain_config: ArganConfig) -> None:
    network = _fill(ArganForImageRestoration(plain_config), 0.0)
    averaged = AveragedWeights(network, decay=0.9)
    expected = 0.0
    for count in range(200):
        averaged.update(_fill(network, float(count)))
        # The first update copies, those after it mix.
        decay = min(0.9, (1 + count) / (10 + count)) if count else 0.0
        expected = decay * expected + (1 - decay) * count
        assert abs(_value(averaged.model) - expected) < 1e-3
    assert not averaged.model.training


def test_counters_are_copied_and_not_meaned(plain_config: ArganConfig) -> None:
    network = _fill(ArganForImageRestoration(plain_config), 0.0)
    averaged = AveragedWeights(network, decay=0.9)
    for count in (5, 7, 12):
        averaged.update(_fill(network, float(count)))
        counters = [tensor for tensor in averaged.model.state_dict().values() if not tensor.is_floating_point()]
        assert counters
        assert all(bool((tensor == count).all()) for tensor in counters)


def test_average_and_best_survive_a_file(plain_config: ArganConfig) -> None:
    network = _fill(ArganForImageRestoration(plain_config), 1.0)
    averaged, best = AveragedWeights(network, decay=0.5), BestWeights()
    averaged.update(network)
    best.offer(3.0, network)
    buffer = io.BytesIO()
    torch.save([averaged.state_dict(), best.state_dict()], buffer)
    buffer.seek(0)
    states = torch.load(buffer, weights_only=True)

    other = _fill(ArganForImageRestoration(plain_config), 5.0)
    restored, best_again = AveragedWeights(other, decay=0.5), BestWeights()
    restored.load_state_dict(states[0])
    best_again.load_state_dict(states[1])
    for one in (averaged, restored):
        one.update(_fill(other, 2.0))
    assert _value(averaged.model) == _value(restored.model)
    best_again.offer(2.0, other)
    best_again.put_into(other)
    assert _value(other) == 1.0


def test_the_best_weights_win_and_a_tie_goes_to_the_later(plain_config: ArganConfig) -> None:
    network, best = _fill(ArganForImageRestoration(plain_config), 7.0), BestWeights()
    best.put_into(network)
    assert _value(network) == 7.0
    for score, value in ((1.0, 1.0), (2.0, 2.0), (1.5, 3.0), (2.0, 4.0), (float("nan"), 5.0)):
        best.offer(score, _fill(network, value))
    best.put_into(network)
    assert _value(network) == 4.0
