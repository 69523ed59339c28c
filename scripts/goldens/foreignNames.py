"""Writes cases of family checkpoints under the names of other libraries into test/goldens/foreign-names.

    npm run setup:peers -- pytorch
    <its folder>/bin/pip install transformers==5.23.0
    <its folder>/bin/python scripts/goldens/foreignNames.py test/goldens/foreign-names

Random weights. timm loads each file by its own converter (checkpoint_filter_fn, load_pretrained), transformers its own folders; the logits
are theirs. A tolerance is 1e-5 of the largest value.
"""

import functools
import json
import pathlib
import sys

import numpy as np
import timm
import torch
import transformers
from safetensors.torch import save_file
from timm.models.vision_transformer import VisionTransformer, checkpoint_filter_fn

out = pathlib.Path(sys.argv[1])
base = dict(img_size=16, patch_size=8, embed_dim=12, depth=2, num_heads=2, num_classes=5)
generator = torch.Generator().manual_seed(11)


def random_model(**config):
    model = VisionTransformer(**{'norm_layer': None, **config}).eval()
    for value in model.state_dict().values():
        value.copy_(torch.randn(value.shape, generator=generator) * 0.2)
    return model


def images(size, batch=2):
    size = (size, size) if isinstance(size, int) else size
    return torch.randn(batch, 3, *size, generator=generator)


def write(name, what, config, load, x, compare, library):
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    save_file({'input': x, **{key: value.contiguous() for key, value in compare.items()}}, folder / 'io.safetensors')
    entries = [
        {'file': 'io.safetensors', 'tensor': key, 'atol': float(f'{value.abs().max().item() * 1e-5:.2g}'), 'rtol': 0}
        for key, value in compare.items()
    ]
    case = {
        'schema': 'vit-goldens/2', 'family': 'checkpoints', 'case': name, 'what': what,
        'source': {'library': library, 'timm': timm.__version__, 'transformers': transformers.__version__, 'torch': '2.15.0'},
        'seed': 11, 'config': config, 'load': load, 'compare': entries,
        'files': {'io.safetensors': {'note': '', 'tensors': {k: {'shape': list(v.shape), 'dtype': 'float32'} for k, v in {'input': x, **compare}.items()}}},
    }
    (folder / 'case.json').write_text(json.dumps(case, indent=1) + '\n')
    return folder


def randn(*shape):
    return torch.randn(*shape, generator=generator) * 0.2


def open_clip(dim=12, depth=2, patch=8, tokens=5, classes=5):
    state = {
        'visual.class_embedding': randn(dim), 'visual.positional_embedding': randn(tokens, dim), 'visual.proj': randn(dim, classes),
        'visual.conv1.weight': randn(dim, 3, patch, patch), 'logit_scale': torch.tensor(4.6), 'text_projection': randn(dim, classes),
        'token_embedding.weight': randn(20, dim),
    }
    for name in ('ln_pre', 'ln_post'):
        state |= {f'visual.{name}.weight': randn(dim), f'visual.{name}.bias': randn(dim)}
    for i in range(depth):
        block = f'visual.transformer.resblocks.{i}.'
        state |= {
            block + 'ln_1.weight': randn(dim), block + 'ln_1.bias': randn(dim), block + 'ln_2.weight': randn(dim), block + 'ln_2.bias': randn(dim),
            block + 'attn.in_proj_weight': randn(3 * dim, dim), block + 'attn.in_proj_bias': randn(3 * dim),
            block + 'attn.out_proj.weight': randn(dim, dim), block + 'attn.out_proj.bias': randn(dim),
            block + 'mlp.c_fc.weight': randn(4 * dim, dim), block + 'mlp.c_fc.bias': randn(4 * dim),
            block + 'mlp.c_proj.weight': randn(dim, 4 * dim), block + 'mlp.c_proj.bias': randn(dim),
        }
    return state


clip = {**base, 'pre_norm': True, 'norm_eps': 1e-5, 'act_layer': 'quick_gelu'}


def timm_config(config):
    """The options of a case as VisionTransformer takes them."""
    own = dict(config)
    eps = own.pop('norm_eps', None)
    if eps is not None:
        own['norm_layer'] = functools.partial(torch.nn.LayerNorm, eps=eps)
    return own


@torch.no_grad()
def case(name, what, config, state, x=None):
    model = random_model(**timm_config(config))
    model.load_state_dict(checkpoint_filter_fn(dict(state), model), strict=True)
    x = images(config['img_size']) if x is None else x
    folder = write(name, what, config, 'model.safetensors', x, {'logits': model(x)}, 'timm')
    save_file({key: value.clone().contiguous() for key, value in state.items()}, folder / 'model.safetensors')


case('open-clip', "OpenCLIP's own image tower, with parts of the text tower beside it", clip, open_clip())
trunk = random_model(**base).state_dict()
case('open-clip-timm', 'a tower of timm inside OpenCLIP', base, {f'visual.trunk.{k}': v for k, v in trunk.items()} | {'text.cls_emb': randn(4)})
dino = random_model(**base, reg_tokens=2, init_values=1e-5).state_dict()
dino = {k: v for k, v in dino.items() if k != 'reg_token'} | {'register_tokens': dino['reg_token'], 'mask_token': randn(1, 12)}
dino['pos_embed'] = randn(1, 5, 12)
case('dinov2-registers', "DINOv2's own names, with registers", {**base, 'reg_tokens': 2, 'init_values': 1e-5, 'no_embed_class': True}, dino)
resized = {**base, 'img_size': [18, 30], 'patch_size': 6}
case('another-patch-and-grid', 'patches of 8 pixels to 6, a grid of 2 × 2 to 3 × 5', resized, random_model(**base).state_dict())
case('larger-patch', 'patches of 8 pixels to [10, 16]', {**base, 'img_size': [20, 32], 'patch_size': [10, 16]}, random_model(**base).state_dict())

with torch.no_grad():
    model = random_model(**base)
    mae = model.state_dict() | {'mask_token': randn(1, 1, 8), 'decoder_embed.weight': randn(8, 12), 'decoder_blocks.0.norm1.weight': randn(8)}
    x = images(16)
    folder = write('mae', "MAE's encoder, with its decoder beside it", base, 'model.safetensors', x, {'logits': model(x)}, 'timm')
    save_file({k: v.clone() for k, v in mae.items()}, folder / 'model.safetensors')


def jax_block(model, i, names):
    """Arrays of a block under JAX's names."""
    block = model.blocks[i]
    mha, mlp, second = names
    dim, heads = 12, 2
    arrays = {}
    for name, layer in (('LayerNorm_0', block.norm1), (f'LayerNorm_{second}', block.norm2)):
        arrays |= {f'{name}/scale': layer.weight, f'{name}/bias': layer.bias}
    for part, (weight, bias) in zip(('query', 'key', 'value'), zip(block.attn.qkv.weight.chunk(3), block.attn.qkv.bias.chunk(3))):
        arrays[f'{mha}/{part}/kernel'] = weight.T.reshape(dim, heads, dim // heads)
        arrays[f'{mha}/{part}/bias'] = bias.reshape(heads, dim // heads)
    arrays[f'{mha}/out/kernel'] = block.attn.proj.weight.T.reshape(heads, dim // heads, dim)
    arrays[f'{mha}/out/bias'] = block.attn.proj.bias
    for r, layer in enumerate((block.mlp.fc1, block.mlp.fc2)):
        arrays |= {f'{mlp}/Dense_{r}/kernel': layer.weight.T, f'{mlp}/Dense_{r}/bias': layer.bias}
    return arrays


def jax_case(name, what, config, arrays):
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / 'model.npz', **{key: value.detach().numpy() for key, value in arrays.items()})
    loaded = random_model(**config)
    loaded.load_pretrained(str(folder / 'model.npz'))
    x = images(config['img_size'])
    with torch.no_grad():
        write(name, what, config, 'model.npz', x, {'logits': loaded(x)}, 'timm')


model = random_model(**base)
arrays = {
    'cls': model.cls_token, 'embedding/kernel': model.patch_embed.proj.weight.permute(2, 3, 1, 0), 'embedding/bias': model.patch_embed.proj.bias,
    'Transformer/posembed_input/pos_embedding': model.pos_embed, 'Transformer/encoder_norm/scale': model.norm.weight,
    'Transformer/encoder_norm/bias': model.norm.bias, 'head/kernel': model.head.weight.T, 'head/bias': model.head.bias,
}
for i in range(2):
    block = jax_block(model, i, ('MultiHeadDotProductAttention_1', 'MlpBlock_3', 2))
    arrays |= {f'Transformer/encoderblock_{i}/{key}': value for key, value in block.items()}
jax_case('google-augreg', "Google's AugReg, .npz", base, arrays)

pooled = {**base, 'num_classes': 0, 'class_token': False, 'global_pool': 'map'}
model = random_model(**pooled)
pool = model.attn_pool
arrays = {
    'embedding/kernel': model.patch_embed.proj.weight.permute(2, 3, 1, 0), 'embedding/bias': model.patch_embed.proj.bias,
    'pos_embedding': model.pos_embed, 'Transformer/encoder_norm/scale': model.norm.weight, 'Transformer/encoder_norm/bias': model.norm.bias,
    'MAPHead_0/probe': pool.latent, 'MAPHead_0/LayerNorm_0/scale': pool.norm.weight, 'MAPHead_0/LayerNorm_0/bias': pool.norm.bias,
}
mha = 'MAPHead_0/MultiHeadDotProductAttention_0'
for part, weight, bias in (('query', pool.q.weight, pool.q.bias), ('key', pool.kv.weight[:12], pool.kv.bias[:12]), ('value', pool.kv.weight[12:], pool.kv.bias[12:])):
    arrays |= {f'{mha}/{part}/kernel': weight.T.reshape(12, 2, 6), f'{mha}/{part}/bias': bias.reshape(2, 6)}
arrays |= {f'{mha}/out/kernel': pool.proj.weight.T.reshape(2, 6, 12), f'{mha}/out/bias': pool.proj.bias}
for r, layer in enumerate((pool.mlp.fc1, pool.mlp.fc2)):
    arrays |= {f'MAPHead_0/MlpBlock_0/Dense_{r}/kernel': layer.weight.T, f'MAPHead_0/MlpBlock_0/Dense_{r}/bias': layer.bias}
blocks = [jax_block(model, i, ('MultiHeadDotProductAttention_0', 'MlpBlock_0', 1)) for i in range(2)]
arrays |= {f'Transformer/encoderblock/{key}': torch.stack([block[key] for block in blocks]) for key in blocks[0]}
jax_case('big-vision-map', "big_vision's SigLIP, .npz: blocks stacked, pooling by attention", pooled, {f'params/img/{k}': v for k, v in arrays.items()})


@torch.no_grad()
def hugging_face(name, what, model, outputs):
    model = model.eval()
    for value in model.state_dict().values():
        if value.is_floating_point():
            value.copy_(torch.randn(value.shape, generator=generator) * 0.2)
    x = images(16)
    result = model(pixel_values=x)
    folder = write(name, what, {}, 'hf/', x, {key: pick(result) for key, pick in outputs.items()}, 'transformers')
    model.save_pretrained(folder / 'hf')


size = dict(hidden_size=12, num_hidden_layers=2, num_attention_heads=2, image_size=16, patch_size=8)
tower = {**size, 'intermediate_size': 40}
t = transformers
hugging_face('hf-dinov2', 'Dinov2Model', t.Dinov2Model(t.Dinov2Config(**size)), {'last_hidden_state': lambda r: r.last_hidden_state})
hugging_face('hf-dinov2-registers', 'Dinov2WithRegistersModel', t.Dinov2WithRegistersModel(t.Dinov2WithRegistersConfig(**size, num_register_tokens=2)), {'last_hidden_state': lambda r: r.last_hidden_state})
hugging_face('hf-clip-vision', 'CLIPVisionModelWithProjection', t.CLIPVisionModelWithProjection(t.CLIPVisionConfig(**tower, projection_dim=7)), {'logits': lambda r: r.image_embeds})
hugging_face('hf-siglip-vision', 'SiglipVisionModel', t.SiglipVisionModel(t.SiglipVisionConfig(**tower)), {'logits': lambda r: r.pooler_output})
floored = {**base, 'img_size': [17, 29], 'patch_size': 5}
case('floored-grid', 'an image that is no multiple of the patch: 3 × 5 patches', floored, random_model(**floored).state_dict())
