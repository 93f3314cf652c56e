"""The default network in other programs: `python benchmarks/backends.py`, with `pip install openvino` beside them.

CPU seconds per megapixel of one thread, for one tile. Every backend is measured in a process of its own, some times in
turn, and the least is printed. `--isa AVX2` makes oneDNN, which PyTorch and OpenVINO use, do without the instructions
of newer processors.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from argan_hf.export import export_onnx

SIDE = 704
RUNS = 3


def _pytorch(name: str, *, fuses: bool) -> Callable[[np.ndarray, np.ndarray], Any]:
    import torch

    from argan_hf.fused_network import FusedUNet
    from argan_hf.plain_network import load_plain_network

    torch.set_num_threads(1)
    network = load_plain_network("argan-jpeg-color")
    if network is None:
        raise RuntimeError("the default network cannot be loaded")
    dtype = getattr(torch, name)
    unet = network.unet.to(memory_format=torch.channels_last)
    run = FusedUNet(unet, dtype) if fuses else unet

    @torch.inference_mode()
    def restore(x: np.ndarray, q: np.ndarray) -> Any:
        planes = torch.from_numpy(x).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype, enabled=not fuses and dtype != torch.float32):
            return run(planes, torch.from_numpy(q))

    return restore


def _openvino(precision: str, path: Path) -> Callable[[np.ndarray, np.ndarray], Any]:
    import openvino

    options = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": precision}
    core = openvino.Core()
    model = core.read_model(path)
    model.reshape({"pixel_values": [1, 3, SIDE, SIDE], "quantization": [1, 3, 8, 8]})
    request = core.compile_model(model, "CPU", options).create_infer_request()
    return lambda x, q: request.infer({0: x, 1: q})


def _onnx_runtime(path: Path) -> Callable[[np.ndarray, np.ndarray], Any]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda x, q: session.run(None, {"pixel_values": x, "quantization": q})


def backends(path: Path) -> dict[str, Callable[[], Callable[[np.ndarray, np.ndarray], Any]]]:
    """By name: functions that prepare a backend and give a function that restores planes."""
    found: dict[str, Callable[[], Callable[[np.ndarray, np.ndarray], Any]]] = {
        "PyTorch, modules, bfloat16": lambda: _pytorch("bfloat16", fuses=False),
        "PyTorch, fused, bfloat16": lambda: _pytorch("bfloat16", fuses=True),
        "PyTorch, modules, float32": lambda: _pytorch("float32", fuses=False),
        "PyTorch, fused, float32": lambda: _pytorch("float32", fuses=True),
        "ONNX Runtime, float32": lambda: _onnx_runtime(path),
    }
    if find_spec("openvino"):
        found["OpenVINO, bfloat16"] = lambda: _openvino("bf16", path)
        found["OpenVINO, float32"] = lambda: _openvino("f32", path)
    return found


def measure(name: str, path: Path) -> float:
    """CPU seconds per megapixel, the least of some runs after a first one."""
    rng = np.random.default_rng(0)
    x, q = rng.random((1, 3, SIDE, SIDE), np.float32), np.full((1, 3, 8, 8), 16, np.int32)
    run, best = backends(path)[name](), float("inf")
    for number in range(RUNS + 1):
        start = time.process_time()
        run(x, q)
        best = min(best, time.process_time() - start) if number else best
    return best / (SIDE * SIDE / 1e6)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--isa", nargs="+", default=["", "AVX2"], help="limits of oneDNN; '' is none")
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--one", nargs=2, metavar=("BACKEND", "FILE"), help="measure one in this process")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one[0], Path(options.one[1]))))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        export_onnx("argan-jpeg-color", path, kind="told")
        names = list(backends(path))
        cases = [(isa, name) for _ in range(options.turns) for isa in options.isa for name in names]
        seconds: dict[tuple[str, str], float] = {}
        for isa, name in tqdm(cases, leave=False):
            # ONNX Runtime has kernels of its own, which know no such limit.
            if isa and ("bfloat16" in name or "ONNX" in name):
                continue
            limit = {"ONEDNN_MAX_CPU_ISA": isa} if isa else {}
            command = [sys.executable, __file__, "--one", name, str(path)]
            answer = subprocess.run(command, env=os.environ | limit, capture_output=True, text=True, check=True)
            found = float(answer.stdout.splitlines()[-1])
            seconds[isa, name] = min(found, seconds.get((isa, name), found))
    print("| CPU s / MP | " + " | ".join(isa or "no limit" for isa in options.isa) + " |")
    print("| --- |" + " ---: |" * len(options.isa))
    for name in names:
        cells = [f"{seconds[isa, name]:.2f}" if (isa, name) in seconds else "-" for isa in options.isa]
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
