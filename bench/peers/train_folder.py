"""Trains timm's ViT on folders of images with timm's parts. python train_folder.py TASK.json SEED; prints top-1 on val."""

import json
import sys

import torch
from timm.data import create_transform
from timm.loss import LabelSmoothingCrossEntropy
from timm.models.vision_transformer import VisionTransformer
from timm.optim import create_optimizer_v2
from timm.scheduler import CosineLRScheduler
from timm.utils import dispatch_clip_grad
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder

task, seed = json.load(open(sys.argv[1])), int(sys.argv[2])
torch.manual_seed(seed)
__import__("random").seed(seed)
__import__("numpy").random.seed(seed)
torch.set_num_threads(2)
size = task["model"]["img_size"]
common = {"input_size": size, "interpolation": "bicubic", "mean": (0.5,) * 3, "std": (0.5,) * 3}
augmented = create_transform(is_training=True, hflip=0, color_jitter=None, **task["augment"], **common)
plain = create_transform(is_training=False, crop_pct=task["crop_pct"], **common)
train = DataLoader(ImageFolder(f"{task['data']}/train", augmented), task["batch_size"], shuffle=True, drop_last=True)
val = DataLoader(ImageFolder(f"{task['data']}/val", plain), 500)
model = VisionTransformer(**task["model"])
optimizer = create_optimizer_v2(model, opt="adamw", lr=task["lr"], weight_decay=task["weight_decay"])
updates = task["epochs"] * len(train)
schedule = CosineLRScheduler(
    optimizer,
    t_initial=updates,
    lr_min=task["min_lr"],
    warmup_t=task["warmup_epochs"] * len(train),
    warmup_lr_init=task["warmup_lr"],
    t_in_epochs=False,
)
criterion = LabelSmoothingCrossEntropy(task["smoothing"])
model.train()
schedule.step_update(0)
step = 0
for _ in range(task["epochs"]):
    for images, labels in train:
        optimizer.zero_grad()
        criterion(model(images), labels).backward()
        dispatch_clip_grad(model.parameters(), 1, "norm")
        optimizer.step()
        step += 1
        schedule.step_update(step)
model.eval()
with torch.no_grad():
    right = sum((model(images).argmax(1) == labels).sum().item() for images, labels in val)
print(right / len(val.dataset))
