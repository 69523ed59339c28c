"""A golden case of the family train-step: timm's losses on the batches in a folder. python train_case.py FOLDER

The folder has task.json {model, opt, sched, clip} and inputs.safetensors (x0 [B, C, H, W], target0 [B, K], x1, ...).
"""

import json
import sys
from pathlib import Path

import timm
import torch
from safetensors.torch import load_file, save_file
from timm.loss import SoftTargetCrossEntropy
from timm.models.vision_transformer import VisionTransformer
from timm.optim import create_optimizer_v2
from timm.scheduler import CosineLRScheduler
from timm.utils import dispatch_clip_grad

folder = Path(sys.argv[1])
task = json.loads((folder / "task.json").read_text())
inputs = load_file(folder / "inputs.safetensors")
torch.manual_seed(0)
torch.set_num_threads(2)
model = VisionTransformer(**task["model"]).train()
save_file(model.state_dict(), folder / "initial-weights.safetensors")
optimizer = create_optimizer_v2(model, opt="adamw", **task["opt"])
schedule = CosineLRScheduler(optimizer, t_in_epochs=False, **task["sched"])
schedule.step_update(0)
criterion = SoftTargetCrossEntropy()
steps = []
for n in range(sum(name.startswith("x") for name in inputs)):
    optimizer.zero_grad()
    loss = criterion(model(inputs[f"x{n}"]), inputs[f"target{n}"])
    loss.backward()
    dispatch_clip_grad(model.parameters(), *task["clip"])
    optimizer.step()
    schedule.step_update(n + 1)
    steps.append({"step": n, "loss": loss.item()})
(folder / "log.json").write_text(json.dumps({"steps": steps}))
case = {
    "schema": "vit-goldens/2",
    "family": "train-step",
    "case": "losses",
    "what": f"losses of {len(steps)} updates",
    "source": {"library": "timm", "timm": timm.__version__, "torch": torch.__version__},
    "seed": 0,
    "config": task,
    "notes": {},
    "files": {name: {} for name in ("inputs.safetensors", "initial-weights.safetensors", "log.json")},
    "compare": [{"file": "log.json", "json": "steps[*].loss", "atol": 1e-3, "rtol": 0}],
}
(folder / "case.json").write_text(json.dumps(case))
