"""The contender PyTorch: timm's model, eager, fused AdamW. python pytorch_contender.py THREADS"""

import platform
import sys

from serve import reset_peak_rss, serve

import timm
import torch
from pytorch_model import load_inputs, load_model
from safetensors.torch import load_file
from timm.optim import param_groups_weight_decay

torch.set_num_threads(int(sys.argv[1]))
versions = {"python": platform.python_version(), "torch": torch.__version__, "timm": timm.__version__}


def prepare(task):
    check, repeat = {"train": training, "infer": inference, "gemm": gemm}[task["kind"]](task)
    return {"check": check, "versions": versions}, repeat


def precision_of(task):
    """The context of a forward pass and its loss."""
    bf16 = task["precision"] == "bf16"
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16)


def training(task):
    model = load_model(task).train()
    images, targets = load_inputs(task)
    groups = param_groups_weight_decay(model, task["weightDecay"], model.no_weight_decay())
    optimizer = torch.optim.AdamW(groups, lr=task["learningRate"], fused=True)
    reset_peak_rss()

    def repeat():
        optimizer.zero_grad(set_to_none=True)
        with precision_of(task):
            loss = torch.nn.functional.cross_entropy(model(images), targets)
        loss.backward()
        optimizer.step()
        return loss.item()

    return [repeat(), repeat(), repeat()], repeat


def inference(task):
    model = load_model(task).eval()
    images, _ = load_inputs(task)
    reset_peak_rss()

    @torch.inference_mode()
    def repeat():
        with precision_of(task):
            return model(images)

    return repeat()[0].tolist(), repeat


def gemm(task):
    inputs = load_file(task["files"]["inputs"])
    dtype = torch.bfloat16 if task["precision"] == "bf16" else torch.float32
    a, b = inputs["a"].to(dtype), inputs["b"].to(dtype)
    out = torch.empty(a.shape[0], b.shape[1], dtype=dtype)
    reset_peak_rss()

    def repeat():
        return torch.mm(a, b, out=out)

    return repeat().flatten()[:64].tolist(), repeat


serve(prepare)
