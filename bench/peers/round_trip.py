"""Opens what `tfjs-vit convert` wrote, with timm, transformers and PyTorch, and compares logits and weights.

    tfjs-vit convert RUN --to timm --output TIMM, --to hf --output HF, --to pth --output FILE.pth
    <the peers' venv>/bin/python bench/peers/round_trip.py TIMM HF FILE.pth

transformers is not part of the venv: `pip install transformers==5.23.0`.
"""

import sys

import timm
import torch
import transformers

folder, hugging_face, pth = sys.argv[1:]
model = timm.create_model(f'local-dir:{folder}', pretrained=True).eval()
size = model.pretrained_cfg['input_size']
images = torch.randn(3, *size, generator=torch.Generator().manual_seed(0))
with torch.no_grad():
    wanted = model(images)
    other = transformers.ViTForImageClassification.from_pretrained(hugging_face).eval()
    print('transformers beside timm, largest difference of logits:', (other(pixel_values=images).logits - wanted).abs().max().item())
state = torch.load(pth, weights_only=True)
own = model.state_dict()
print('torch.load(weights_only=True): the same', len(own), 'tensors:', state.keys() == own.keys() and all(torch.equal(state[k], own[k]) for k in own))
