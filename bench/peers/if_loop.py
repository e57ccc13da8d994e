"""An integrate-and-fire network on torch, one thread: the plain loop over timesteps that simulators
of spiking networks run. Started by the benchmark, which sends one JSON object a line and reads one.

Argument: a folder with program.json (steps, each with what it takes and makes), tensors.f32 and
images.f32. What does not change over time is computed once, before the loop.
"""
import json
import sys
import time
from pathlib import Path

import numpy
import torch
from torch.nn import functional

torch.set_num_threads(1)
folder = Path(sys.argv[1])
program = json.loads((folder / "program.json").read_text())
numbers = torch.from_numpy(numpy.fromfile(folder / "tensors.f32", dtype=numpy.float32))
images = torch.from_numpy(numpy.fromfile(folder / "images.f32", dtype=numpy.float32))
images = images.reshape(-1, *program["input"][1:])


def tensor(place):
    """A tensor of the file: where it begins, and its shape."""
    if place is None:
        return None
    first, shape = place
    count = 1
    for extent in shape:
        count *= extent
    return numbers[first : first + count].reshape(shape)


for step in program["steps"]:
    for key in ("weight", "bias", "threshold", "vInit", "amplitude"):
        if key in step:
            step[key] = tensor(step[key])


def compute(step, x, state):
    """One step at one timestep. State is kept by step, and spikes are counted there."""
    kind = step["kind"]
    if kind == "linear":
        return functional.linear(x, step["weight"], step["bias"])
    if kind == "conv":
        return functional.conv2d(x, step["weight"], step["bias"], step["strides"], step["pads"])
    if kind == "reshape":
        return x.reshape(x.shape[0], *step["shape"][1:])
    if kind == "max-pool":
        return functional.max_pool2d(x, step["kernel"], step["strides"])
    if kind == "max-pool over time":
        total = state["total"] + x if "total" in state else x
        pooled = functional.max_pool2d(total, step["kernel"], step["strides"])
        change = pooled - state["pooled"] if "pooled" in state else pooled
        state["total"], state["pooled"] = total, pooled
        return change
    if kind == "if":
        v = state["v"] + x if "v" in state else step["vInit"] + x
        fires = (v >= step["threshold"]).to(torch.float32)
        state["v"] = v - step["threshold"] * fires
        if "spikes" in state:
            state["spikes"] += float(fires.sum())
        return step["amplitude"] * fires
    raise ValueError(kind)


def run(batch, counted):
    """The mean of the last step over the timesteps behind `start`, and the number of spikes."""
    fixed = {0: batch}
    for step in program["steps"]:
        if step["fixed"]:
            fixed[step["to"]] = compute(step, fixed[step["from"]], {})
    loop = [step for step in program["steps"] if not step["fixed"]]
    states = [{"spikes": 0.0} if counted else {} for _ in loop]
    total = 0
    for t in range(program["timesteps"]):
        values = dict(fixed)
        for step, state in zip(loop, states):
            values[step["to"]] = compute(step, values[step["from"]], state)
        if t >= program["start"]:
            total = total + values[program["output"]]
    spikes = sum(state.get("spikes", 0.0) for state in states)
    return total / (program["timesteps"] - program["start"]), spikes


def say(reply):
    print(json.dumps(reply), flush=True)


def blas():
    """The library that multiplies, by what is loaded; Debian's torch takes any that is installed."""
    maps = Path("/proc/self/maps")
    loaded = maps.read_text() if maps.exists() else ""
    if "/blas/libblas.so" in loaded and "openblas" not in loaded:
        return "reference"
    return "OpenBLAS" if "openblas" in loaded else "its own"


with torch.no_grad():
    say({"torch": torch.__version__, "blas": blas()})
    for line in sys.stdin:
        request = json.loads(line)
        if request["kind"] == "answers":
            outputs, spikes = run(images[: request["count"]], True)
            say({"logits": outputs.flatten().tolist(), "spikes": spikes})
        else:
            times = []
            begin = time.perf_counter()
            while not times or time.perf_counter() - begin < request["seconds"]:
                start = time.perf_counter()
                run(images, False)
                times.append((time.perf_counter() - start) * 1000 / len(images))
            say({"milliseconds": sorted(times)[len(times) // 2]})
