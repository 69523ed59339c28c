"""Checkpoints as people save them, with things beside the weights that PyTorch's weights_only refuses or that are unusual.

  python scripts/goldens/oddCheckpoints.py test/goldens/odd-checkpoints

Every file holds the same two tensors, fc.weight [2, 3] and fc.bias [2], under these names or with a prefix; they are in
expected.safetensors. Made with PyTorch 2.15.0, safetensors 0.8.0 and numpy 2.4.6. Nothing in the files was trained.
"""

import argparse
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import pathlib
import random
import sys
import types
import uuid

import numpy as np
import torch
from safetensors.torch import save_file

out = pathlib.Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
torch.manual_seed(5)
weight = torch.randn(2, 3)
bias = torch.randn(2)
state = collections.OrderedDict([('fc.weight', weight), ('fc.bias', bias)])
save_file(dict(state), out / 'expected.safetensors')


def module(name, **classes):
    """A module of another program, whose classes the pickle can name."""
    made = types.ModuleType(name)
    for key, one in classes.items():
        one.__module__ = name
        one.__qualname__ = key
        setattr(made, key, one)
    sys.modules[name] = made
    return made


class DictConfig(dict):
    pass


class ListConfig(list):
    pass


class AnyNode:
    def __init__(self, value):
        self._val = value


class Container:
    __slots__ = ('alpha', 'beta')

    def __init__(self):
        self.alpha, self.beta = 1, 'b'


class Reduced:
    def __reduce__(self):
        return (Reduced, (), {'state': [1, 2]}, iter([1, 2]), iter([('k', 'v')]))

    def append(self, item):
        pass

    def extend(self, items):
        pass

    def __setitem__(self, key, value):
        pass


class Setstate:
    def __getstate__(self):
        return (1, {'x': 2})

    def __setstate__(self, state):
        pass


class WithNew:
    def __new__(cls, *, key):
        return super().__new__(cls)

    def __getnewargs_ex__(self):
        return ((), {'key': 3})


class Outer:
    class Inner:
        pass


class Colour(enum.Enum):
    RED = 1


class Flag(enum.IntFlag):
    A = 1
    B = 2


@dataclasses.dataclass
class Options:
    lr: float = 1e-3
    layers: tuple = (1, 2)


Point = collections.namedtuple('Point', 'x y')
project = module(
    'project.train',
    DictConfig=DictConfig,
    ListConfig=ListConfig,
    AnyNode=AnyNode,
    Container=Container,
    Reduced=Reduced,
    Setstate=Setstate,
    WithNew=WithNew,
    Outer=Outer,
    Colour=Colour,
    Flag=Flag,
    Options=Options,
    Point=Point,
)
Outer.Inner.__module__ = 'project.train'
Outer.Inner.__qualname__ = 'Outer.Inner'
sys.modules['project'] = types.ModuleType('project')
sys.modules['project'].train = project


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(3, 2)
        self.fc.load_state_dict({'weight': weight, 'bias': bias})


module('project.model', Model=Model)
sys.modules['project'].model = sys.modules['project.model']


def trained(kind):
    model = Model()
    optimizer = kind(model.parameters())
    model.fc(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    return optimizer.state_dict()


args = argparse.Namespace(model='vit_tiny_patch16_224', lr=5e-4, nb_classes=10, input_size=224, output_dir=pathlib.PurePosixPath('runs'))
config = DictConfig(a=AnyNode(1), b=ListConfig([AnyNode('x')]))
prefixed = lambda prefix: {prefix + key: value for key, value in state.items()}
recursive = []
recursive.append(recursive)
ema = {key: value + 1 for key, value in state.items()}
beside = {
    'namespace': args,
    'omegaconf': config,
    'slots': Container(),
    'reduce-items': Reduced(),
    'setstate-tuple': Setstate(),
    'newobj-ex': WithNew(key=3),
    'nested-class': Outer.Inner(),
    'enum': Colour.RED,
    'int-flag': Flag.A | Flag.B,
    'dataclass': Options(),
    'namedtuple': Point(1, 2),
    'numpy-scalars': [np.float32(1.5), np.float64(2.5), np.int64(3), np.bool_(True)],
    'numpy-array': np.arange(6, dtype=np.float32).reshape(2, 3),
    'numpy-dtype': np.dtype('float16'),
    'numpy-random-state': np.random.RandomState(0).get_state(),
    'python-random-state': random.Random(0).getstate()[1][:30],
    'torch-rng-state': torch.get_rng_state()[:64],
    'datetime': [datetime.datetime(2024, 1, 2), datetime.date(2024, 1, 2), datetime.timedelta(3)],
    'pathlib': pathlib.PurePosixPath('runs/a'),
    'decimal-fraction-uuid': [decimal.Decimal('1.5'), fractions.Fraction(1, 3), uuid.UUID(int=5)],
    'collections': [collections.deque([1, 2]), collections.Counter('aab'), collections.defaultdict(list, a=[1])],
    'sets-bytes-complex': [{1, 2}, frozenset({3}), b'\x00\xff', bytearray(b'ab'), 1 + 2j, slice(1, 2), range(3)],
    'partial': functools.partial(torch.nn.LayerNorm, eps=1e-6),
    'class-references': [torch.nn.GELU, Model, torch.optim.AdamW],
    'torch-dtype-device-size': [torch.float16, torch.device('cpu'), torch.Size([1, 2]), torch.strided],
    'big-integers': [2**62, -(2**70), 10**30, -1, 2**31],
    'floats': [float('inf'), float('-inf'), float('nan'), -0.0, 1e-308],
    'unicode-keys': {'重み': 'ü', '🙂': '\ud800'},
    'recursive-list': recursive,
    'deep-list': functools.reduce(lambda inner, _: [inner], range(60), []),
    'proto-key': {'__proto__': {'polluted': 1}, 'constructor': 2, 'toString': 3},
    'sparse-tensor': torch.eye(3).to_sparse(),
    'quantized-tensor': torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8),
}
files = {f'beside-{name}': {'epoch': 3, 'model': state, 'extra': value} for name, value in beside.items()}
files |= {
    'optimizer-adamw': {'state_dict': state, 'optimizer': trained(torch.optim.AdamW), 'epoch': 1},
    'optimizer-sgd': {'model': state, 'optimizer': trained(functools.partial(torch.optim.SGD, lr=0.1, momentum=0.9))},
    'deit': {'model': state, 'model_ema': ema, 'optimizer': {}, 'epoch': 2, 'scaler': {'scale': 65536.0}, 'args': args},
    'timm': {'epoch': 1, 'arch': 'vit_tiny_patch16_224', 'state_dict': state, 'version': 2, 'args': args, 'state_dict_ema': ema, 'metric': np.float64(0.5)},
    'lightning': {'state_dict': prefixed('model.'), 'hyper_parameters': {'cfg': config}, 'callbacks': {}, 'pytorch-lightning_version': '2'},
    'data-parallel': {'state_dict': prefixed('module.')},
    'compiled': {'model': prefixed('_orig_mod.')},
    'swa': {'model': {**prefixed('module.'), 'n_averaged': torch.tensor(3)}},
    'dino': {'student': prefixed('module.'), 'teacher': prefixed('backbone.'), 'epoch': 1, 'args': args, 'dino_loss': {'center': torch.zeros(1, 4)}},
    'whole-model': Model(),
    'whole-data-parallel': torch.nn.DataParallel(Model()),
    'parameters': {key: torch.nn.Parameter(value) for key, value in state.items()},
    'numpy-weights': {key: value.numpy() for key, value in state.items()},
    'transposed': {'fc.weight': weight.t().contiguous().t(), 'fc.bias': torch.stack([bias, bias + 1], 1)[:, 0]},
    'shared-storage': dict(zip(state, (lambda flat: (flat[:6].view(2, 3), flat[6:]))(torch.cat([weight.flatten(), bias])))),
    'mixed-entries': {**state, 'num_heads': 3, 'name': 'x', 'nothing': None},
}
for name, value in files.items():
    torch.save(value, out / f'{name}.pth')
for protocol in range(2, 6):
    torch.save({'model': state, 'args': args}, out / f'protocol-{protocol}.pth', pickle_protocol=protocol)
old = {'_use_new_zipfile_serialization': False}
torch.save({'model': state, 'args': args}, out / 'legacy.pth', **old)
torch.save({'model': state, 'args': args}, out / 'legacy-protocol-4.pth', pickle_protocol=4, **old)
torch.serialization.set_crc32_options(False)
torch.save({'model': state}, out / 'no-checksums.pth')
