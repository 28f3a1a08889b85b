"""Loss and gradient of packed batches: by kernel.c where the processor has its instructions, else by PyTorch.

    python kernel.py        compares the two
"""
import ctypes
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from model import CONFIG, LLaDA

LAYER = "attn_norm q_proj k_proj v_proj attn_out ff_norm ff_proj up_proj ff_out".split()


class Shape(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int) for name in ("vocab", "width", "layers", "heads", "hidden")]


def address(array):
    return ctypes.c_void_p(array.data_ptr() if isinstance(array, torch.Tensor) else array.ctypes.data)


def addresses(tensors):
    return (ctypes.c_void_p * len(tensors))(*[t.data_ptr() for t in tensors])


def library(folder):
    """kernel.c, compiled for this processor; None where there is no compiler, no AMX or no leave to use it."""
    source, built = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kernel.c"), os.path.join(folder, "kernel.so")
    with open("/proc/cpuinfo") as file:
        if "amx_bf16" not in file.read():
            return None
    if not os.path.exists(built) or os.path.getmtime(built) < os.path.getmtime(source):
        os.makedirs(folder, exist_ok=True)
        try:
            subprocess.run(["cc", "-O3", "-march=native", "-ffast-math", "-shared", "-fPIC", "-o", built, source, "-lm"], check=True)
        except (OSError, subprocess.CalledProcessError):
            return None
    loaded = ctypes.CDLL(built)
    return loaded if loaded.tiles_ready() else None


class Native:
    """Each thread takes a batch; gradients are added into the parameters' `grad` in the order of the batches."""

    def __init__(self, loaded, model, threads, room, longest, c=CONFIG):
        self.library, self.pool = loaded, ThreadPoolExecutor(threads)
        named = dict(model.named_parameters())
        names = ["wte.weight"] + [f"blocks.{l}.{part}.weight" for l in range(c["n_layers"]) for part in LAYER] + ["ln_f.weight", "ff_out.weight"]
        self.parameters = [named[name] for name in names]
        vocab = named["wte.weight"].shape[0]
        loaded.work_new.restype = ctypes.c_void_p
        loaded.work_new.argtypes = [Shape, ctypes.c_int, ctypes.c_int, ctypes.c_float]
        shape = Shape(vocab, c["d_model"], c["n_layers"], c["n_heads"], c["mlp_hidden_size"])
        self.works = [ctypes.c_void_p(loaded.work_new(shape, room, longest, c["rope_theta"])) for _ in range(threads)]
        tables = [p.shape[0] + 31 for p in self.parameters]  # the head's gradient is written in whole tiles
        self.gradients = [[torch.zeros(rows, *p.shape[1:]) if p.dim() == 2 else torch.zeros_like(p)
                           for p, rows in zip(self.parameters, tables)] for _ in range(threads)]
        self.pointers = [addresses(g) for g in self.gradients]

    def one(self, turn, batch):
        inputs, targets, starts = (np.ascontiguousarray(batch[i], np.int32) for i in (0, 1, 3))
        weights = np.ascontiguousarray(batch[2], np.float32)
        for g in self.gradients[turn]:
            g.zero_()
        losses = np.zeros(len(inputs), np.float32)
        work, parameters = self.works[turn], addresses([p.data for p in self.parameters])
        self.library.work_load(work, parameters)
        self.library.work_run(work, parameters, self.pointers[turn], address(inputs), address(targets), address(weights), address(starts),
                              len(starts) - 1, address(losses))
        return np.add.reduceat(losses, starts[:-1])

    def __call__(self, batches):
        """The weighted loss of each sequence, one array per batch; at most as many batches as threads."""
        losses = list(self.pool.map(self.one, range(len(batches)), batches))
        for place, p in enumerate(self.parameters):
            p.grad = sum(self.gradients[turn][place][: p.shape[0]] for turn in range(len(batches)))
        return losses

    def orthogonal(self, matrices):
        out = [torch.empty_like(m) for m in matrices]
        list(self.pool.map(lambda pair: self.library.orthogonal(address(pair[0]), *pair[0].shape, address(pair[1])), zip(matrices, out)))
        return out


class Plain:
    """The same with PyTorch, sequence by sequence: slow, and right wherever PyTorch runs."""

    def __init__(self, model):
        self.model = model

    def __call__(self, batches):
        self.model.zero_grad(set_to_none=True)
        out = []
        for inputs, targets, weights, starts in (batch[:4] for batch in batches):
            losses = []
            for first, last in zip(starts[:-1], starts[1:]):
                row = lambda a: torch.from_numpy(a[first:last].copy())[None]
                loss = self.model.loss(row(inputs).long(), row(targets).long(), row(weights))
                loss.backward()
                losses.append(loss.item())
            out.append(np.array(losses, np.float32))
        return out

    def orthogonal(self, matrices):
        return [orthogonal(m) for m in matrices]


def orthogonal(g):
    """The nearest semi-orthogonal matrix, by five Newton-Schulz steps (Muon, Jordan et al. 2024)."""
    x = g.T if g.shape[0] > g.shape[1] else g
    x = (x / (x.norm() + 1e-7)).bfloat16()
    for _ in range(5):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return (x.T if g.shape[0] > g.shape[1] else x).float()


def compare():
    """The largest relative difference of any gradient between the two: about 3 percent is bfloat16's rounding."""
    torch.manual_seed(0)
    model, rng = LLaDA(1000), np.random.default_rng(0)
    starts = np.cumsum([0, 88, 30, 41, 7, 352]).astype(np.int32)
    ids, targets = rng.integers(0, 1000, (2, starts[-1])).astype(np.int32)
    weights = (rng.random(starts[-1]) * (rng.random(starts[-1]) < 0.4)).astype(np.float32)
    batch, results = (ids, targets, weights, starts), []
    native = library(os.path.join(os.path.dirname(os.path.abspath(__file__)), "work"))
    if native is None:
        raise SystemExit("this processor cannot run kernel.c")
    for run in (Plain(model), Native(native, model, 1, 1024, 384)):
        losses = run([batch])[0]
        results.append((losses, {n: p.grad.clone() for n, p in model.named_parameters()}))
    (plain, right), (fast, found) = results
    print("losses", plain, fast)
    worst = max((float((found[n] - right[n]).norm() / right[n].norm()), n) for n in right)
    print("largest relative difference of a gradient", worst)
    matrix = torch.randn(384, 192)
    print("orthogonal", float((Native.orthogonal(run, [matrix])[0] - orthogonal(matrix)).norm() / orthogonal(matrix).norm()))


if __name__ == "__main__":
    compare()
