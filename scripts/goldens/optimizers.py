"""Writes the train-step cases of LAMB and Muon into test/goldens/train-step.

    npm run setup:peers -- pytorch
    <its folder>/bin/python scripts/goldens/optimizers.py test/goldens/train-step

Three optimizer steps of timm on a narrow Vision Transformer, in float32. A tolerance is eight times the largest difference from the
same steps in float64, at least 2e-7. timm orthogonalises in bfloat16; here its function runs in the dtype of the weights.
"""

import functools
import json
import os
import sys

import timm
import torch
from safetensors.torch import save_file
from timm.loss import SoftTargetCrossEntropy
from timm.models.vision_transformer import VisionTransformer
from timm.optim import create_optimizer_v2
from timm.optim import muon as timm_muon

MODEL = dict(img_size=16, patch_size=8, embed_dim=16, depth=2, num_heads=2, num_classes=5)
STEPS, BATCH = 3, 4
newton_schulz = timm_muon.zeropower_via_newtonschulz

CASES = {
    'lamb': dict(opt='lamb', lr=0.01, weight_decay=0.05),
    'lamb-options': dict(
        opt='lamb', lr=0.01, weight_decay=0.1, betas=[0.8, 0.95], eps=1e-4, bias_correction=False, grad_averaging=False,
        max_grad_norm=0.5, trust_clip=True, always_adapt=True, decoupled_decay=True,
    ),
    'muon': dict(opt='muon', lr=0.01, weight_decay=0.05),
    'muon-options': dict(
        opt='muon', lr=0.01, weight_decay=0.1, momentum=0.8, nesterov=True, betas=[0.8, 0.9], eps=1e-6, ns_steps=7,
        ns_coefficients='polar_express', adjust_lr_fn='original', fallback_lr_scale=0.5, fallback_list=['head.*'],
        fallback_no_weight_decay=True,
    ),
}
EMBED = MODEL['embed_dim']
NOTES = {
    'order': 'forward, loss (SoftTargetCrossEntropy), backward, optimizer.step',
    'inert': 'the key part of qkv.bias has zero true gradient, so Adam moves it by rounding noise; it is excluded and changes no output',
    'newton_schulz': 'in float32; timm itself computes it in bfloat16',
}


def draw(seed):
    """Weights away from their tiny first values, images and soft targets, in float64."""
    torch.manual_seed(seed)
    model = VisionTransformer(**MODEL)
    weights = {}
    for name, tensor in model.state_dict().items():
        scale = 0.2 if tensor.ndim > 1 else 0.3
        base = 1.0 if 'norm' in name and name.endswith('weight') else 0.0
        weights[name] = (base + scale * torch.randn(tensor.shape)).float()
    inputs = {}
    for n in range(STEPS):
        inputs[f'x{n}'] = torch.randn(BATCH, 3, 16, 16)
        inputs[f'target{n}'] = torch.softmax(2 * torch.randn(BATCH, MODEL['num_classes']), -1)
    return weights, inputs


def run(options, weights, inputs, dtype):
    timm_muon.zeropower_via_newtonschulz = functools.partial(newton_schulz, dtype=dtype)
    model = VisionTransformer(**MODEL).to(dtype)
    model.load_state_dict({name: tensor.to(dtype) for name, tensor in weights.items()})
    model.train()
    optimizer = create_optimizer_v2(model, **options)
    names = {parameter: name for name, parameter in model.named_parameters()}
    out = {'logits.safetensors': {}}
    steps = []
    for n in range(STEPS):
        optimizer.zero_grad()
        logits = model(inputs[f'x{n}'].to(dtype))
        loss = SoftTargetCrossEntropy()(logits, inputs[f'target{n}'].to(dtype))
        loss.backward()
        out['logits.safetensors'][f'step{n}'] = logits.detach().clone()
        norm = torch.stack([p.grad.norm() for p in model.parameters()]).norm()
        if n == 0:
            out['grads-step0.safetensors'] = {name: p.grad.clone() for name, p in model.named_parameters()}
        optimizer.step()
        if n in (0, STEPS - 1):
            out[f'weights-step{n + 1}.safetensors'] = {name: p.detach().clone() for name, p in model.named_parameters()}
        steps.append({'step': n, 'loss': loss.item(), 'grad_norm_before_clip': norm.item()})
    state = {}
    for parameter, slots in optimizer.state.items():
        for slot in ('exp_avg', 'exp_avg_sq', 'momentum_buffer'):
            if slot in slots:
                state[f'{names[parameter]}/{slot}'] = slots[slot].clone()
    out['optimizer-state.safetensors'] = state
    return out, steps


def write(folder, name, options, seed):
    weights, inputs = draw(seed)
    files, steps = run(options, weights, inputs, torch.float32)
    exact, exact_steps = run(options, weights, inputs, torch.float64)
    compare = []
    for file, tensors in files.items():
        for tensor, value in tensors.items():
            difference = (value.double() - exact[file][tensor]).abs()
            entry = {'file': file, 'tensor': tensor}
            if 'qkv.bias' in tensor and not file.startswith('grads'):
                entry['exclude'] = [{'axis': 0, 'from': EMBED, 'to': 2 * EMBED}]
                difference = torch.cat([difference[:EMBED], difference[2 * EMBED:]])
            entry['atol'] = float(f'{max(8 * difference.max().item(), 2e-7):.2g}')
            entry['rtol'] = 1e-5
            compare.append(entry)
    for key in ('loss', 'grad_norm_before_clip'):
        worst = max(abs(a[key] - b[key]) for a, b in zip(steps, exact_steps))
        compare.append({'file': 'log.json', 'json': f'steps[*].{key}', 'atol': float(f'{max(8 * worst, 1e-6):.2g}'), 'rtol': 1e-5})
    case = os.path.join(folder, name)
    os.makedirs(case, exist_ok=True)
    tensors = {'initial-weights.safetensors': weights, 'inputs.safetensors': inputs, **files}
    for file, content in tensors.items():
        save_file({key: value.contiguous() for key, value in content.items()}, os.path.join(case, file))
    with open(os.path.join(case, 'log.json'), 'w') as log:
        json.dump({'steps': steps}, log, indent=1)
    described = {
        file: {'note': '', 'tensors': {k: {'shape': list(v.shape), 'dtype': 'float32'} for k, v in content.items()}}
        for file, content in tensors.items()
    }
    record = {
        'schema': 'vit-goldens/2',
        'family': 'train-step',
        'case': name,
        'what': f'{STEPS} optimizer steps, train mode, no dropout, fixed inputs, one batch per step',
        'source': {'library': 'timm', 'timm': timm.__version__, 'torch': torch.__version__.split('+')[0],
                   'function': 'timm.optim.create_optimizer_v2'},
        'seed': seed,
        'config': {'model': MODEL, 'opt': options},
        'notes': NOTES,
        'compare': compare,
        'files': {**described, 'log.json': {'note': ''}},
    }
    entries = ',\n'.join(f'  {json.dumps(entry)}' for entry in compare)
    text = json.dumps({**record, 'compare': []}, indent=1).replace('"compare": []', f'"compare": [\n{entries}\n ]')
    with open(os.path.join(case, 'case.json'), 'w') as file:
        file.write(text + '\n')
    print(name, f'{max(entry["atol"] for entry in compare):.2g}')


if __name__ == '__main__':
    torch.set_num_threads(1)
    for index, (case, options) in enumerate(CASES.items()):
        write(sys.argv[1], case, options, seed=901 + index)
