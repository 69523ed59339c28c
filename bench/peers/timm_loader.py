"""Images a second of CPU time that timm prepares in one thread. python timm_loader.py FOLDER plain|augmented IMAGES"""

import resource
import sys

import torch
from timm.data import create_transform
from torch.utils.data import default_collate
from torchvision.datasets import ImageFolder

torch.set_num_threads(1)
folder, chain, images = sys.argv[1], sys.argv[2], int(sys.argv[3])
training = {"auto_augment": "rand-m9-mstd0.5-inc1", "re_prob": 0.25, "re_mode": "pixel", "color_jitter": None}
transform = create_transform(
    224,
    is_training=chain == "augmented",
    interpolation="bicubic",
    crop_pct=0.875,
    **(training if chain == "augmented" else {}),
)
dataset = ImageFolder(folder, transform)


def batches(count):
    done = 0
    while done < count:
        default_collate([dataset[i % len(dataset)] for i in range(done, done + 20)])
        done += 20
    return done


def seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


batches(20)
begin = seconds()
done = batches(images)
print(f"{done / (seconds() - begin):.0f}")
