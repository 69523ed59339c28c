"""Opens the files that bench/pickles.ts wrote with torch.load(weights_only=True). python torch_weights_only.py FOLDER EXPECTED OUT.json

"weights": every tensor of EXPECTED is there, by the end of its name, with its values; "refused"; "otherwise" for anything else that loads.
Nothing is loaded without weights_only.
"""

import json
import sys
import warnings
from pathlib import Path

import torch
from safetensors.torch import load_file

warnings.filterwarnings("ignore")
expected = load_file(sys.argv[2])


def tensors(value, path="", seen=()):
    if isinstance(value, torch.Tensor):
        yield path, value
    elif isinstance(value, dict) and id(value) not in seen:
        for key, inner in value.items():
            yield from tensors(inner, f"{path}.{key}", (*seen, id(value)))


def outcome(file):
    try:
        value = torch.load(file, weights_only=True, map_location="cpu")
    except Exception:
        return "refused"
    found = list(tensors(value))
    for name, wanted in expected.items():
        same = (
            own.shape == wanted.shape and torch.equal(own.detach().float(), wanted)
            for path, own in found
            if path.endswith(name) and not own.is_sparse and not own.is_quantized
        )
        if not any(same):
            return "otherwise"
    return "weights"


files = sorted(Path(sys.argv[1]).glob("*/*.pth"))
found = {f"{file.parent.name}/{file.name}": outcome(file) for file in files}
Path(sys.argv[3]).write_text(json.dumps({f"torch {torch.__version__} weights_only": found}))
