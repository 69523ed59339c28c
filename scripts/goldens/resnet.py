"""Writes the cases of family resnet into test/goldens/resnet.

    npm run setup:peers -- pytorch
    <its folder>/bin/python scripts/goldens/resnet.py test/goldens/resnet

torchvision's ResNet with narrow stages: outputs in eval mode; then two steps of plain SGD in train mode, with the first gradients and
the state dict, running statistics among it, after each. A tolerance is eight times the largest difference from the same in float64,
at least 2e-7.
"""

import json
import os
import sys

import torch
import torchvision
from safetensors.torch import save_file
from torch import nn
from torchvision.models.resnet import BasicBlock, ResNet

CASES = {
    'resnet18-narrow': dict(img_size=40, in_chans=3, num_classes=5, layers=[2, 2, 2, 2], planes=[4, 6, 8, 12], small_input=False),
    'small-input': dict(img_size=13, in_chans=1, num_classes=4, layers=[1, 2, 1, 1], planes=[4, 4, 8, 8], small_input=True),
}
BATCH, RATE = 4, 0.05


def build(config):
    model = ResNet(BasicBlock, config['layers'], num_classes=config['num_classes'])
    planes = config['planes']
    model.inplanes = planes[0]
    window = (3, 1, 1) if config['small_input'] else (7, 2, 3)
    model.conv1 = nn.Conv2d(config['in_chans'], planes[0], *window, bias=False)
    if config['small_input']:
        model.maxpool = nn.Identity()
    model.bn1 = nn.BatchNorm2d(planes[0])
    for stage in range(4):
        stride = 1 if stage == 0 else 2
        setattr(model, f'layer{stage + 1}', model._make_layer(BasicBlock, planes[stage], config['layers'][stage], stride=stride))
    model.fc = nn.Linear(planes[3], config['num_classes'])
    return model


def draw(config, seed):
    torch.manual_seed(seed)
    weights = {}
    for name, tensor in build(config).state_dict().items():
        noise = torch.randn(tensor.shape)
        if name.endswith('num_batches_tracked'):
            weights[name] = torch.tensor(7)
        elif name.endswith('running_var'):
            weights[name] = 1 + noise.abs()
        elif name.endswith('running_mean'):
            weights[name] = 0.3 * noise
        elif tensor.ndim == 4:
            weights[name] = noise * (2 / tensor[0].numel()) ** 0.5
        elif 'bn' in name or 'downsample.1' in name:
            weights[name] = (1 if name.endswith('weight') else 0) + 0.2 * noise
        else:
            weights[name] = 0.3 * noise
    side = config['img_size']
    inputs = {'input': torch.randn(BATCH, config['in_chans'], side, side)}
    for n in range(2):
        inputs[f'x{n}'] = torch.randn(BATCH, config['in_chans'], side, side)
        inputs[f'target{n}'] = torch.softmax(2 * torch.randn(BATCH, config['num_classes']), -1)
    return weights, inputs


def run(config, weights, inputs, dtype):
    model = build(config).to(dtype)
    model.load_state_dict({name: value.to(dtype) if value.is_floating_point() else value for name, value in weights.items()})
    outputs = {}
    hooks = []
    for name in ('bn1', 'maxpool', 'layer1', 'layer2', 'layer3', 'layer4'):
        keep = lambda _m, _i, out, name=name: outputs.__setitem__(name, out.detach().clone())
        hooks.append(getattr(model, name).register_forward_hook(keep))
    model.eval()
    with torch.no_grad():
        outputs['logits'] = model(inputs['input'].to(dtype))
    for hook in hooks:
        hook.remove()
    files = {'outputs.safetensors': outputs, 'train.safetensors': {}}
    model.train()
    for n in range(2):
        model.zero_grad()
        logits = model(inputs[f'x{n}'].to(dtype))
        loss = -(inputs[f'target{n}'].to(dtype) * torch.log_softmax(logits, -1)).sum(-1).mean()
        loss.backward()
        files['train.safetensors'][f'logits{n}'] = logits.detach().clone()
        files['train.safetensors'][f'loss{n}'] = loss.detach().reshape(1)
        if n == 0:
            files['grads.safetensors'] = {name: p.grad.clone() for name, p in model.named_parameters()}
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= RATE * parameter.grad
        files[f'state-step{n + 1}.safetensors'] = {name: value.clone() for name, value in model.state_dict().items()}
    return files


def write(folder, name, config, seed):
    weights, inputs = draw(config, seed)
    files = run(config, weights, inputs, torch.float32)
    exact = run(config, weights, inputs, torch.float64)
    compare = []
    for file, tensors in files.items():
        for tensor, value in tensors.items():
            entry = {'file': file, 'tensor': tensor}
            if value.is_floating_point():
                worst = (value.double() - exact[file][tensor]).abs().max().item()
                compare.append({**entry, 'atol': float(f'{max(8 * worst, 2e-7):.2g}'), 'rtol': 1e-5})
            else:
                compare.append({**entry, 'atol': 0, 'rtol': 0})
    case = os.path.join(folder, name)
    os.makedirs(case, exist_ok=True)
    contents = {'weights.safetensors': weights, 'inputs.safetensors': inputs, **files}
    for file, content in contents.items():
        save_file({key: value.contiguous() for key, value in content.items()}, os.path.join(case, file))
    record = {
        'schema': 'vit-goldens/2',
        'family': 'resnet',
        'case': name,
        'what': 'outputs in eval mode; logits, losses, first gradients and state dicts of two steps of SGD in train mode',
        'source': {'library': 'torchvision', 'torchvision': torchvision.__version__.split('+')[0],
                   'torch': torch.__version__.split('+')[0], 'function': 'torchvision.models.resnet.ResNet(BasicBlock)'},
        'seed': seed,
        'config': {**config, 'lr': RATE},
        'notes': {'outputs': 'NCHW; bn1 before the ReLU'},
        'compare': [],
        'files': {
            file: {'note': '', 'tensors': {k: {'shape': list(v.shape), 'dtype': str(v.dtype).split('.')[1]} for k, v in content.items()}}
            for file, content in contents.items()
        },
    }
    entries = ',\n'.join(f'  {json.dumps(entry)}' for entry in compare)
    with open(os.path.join(case, 'case.json'), 'w') as file:
        file.write(json.dumps(record, indent=1).replace('"compare": []', f'"compare": [\n{entries}\n ]') + '\n')
    print(name, f'{max(entry["atol"] for entry in compare):.2g}')


if __name__ == '__main__':
    torch.set_num_threads(1)
    for index, (case, config) in enumerate(CASES.items()):
        write(sys.argv[1], case, config, seed=951 + index)
