"""Writes cases of family vit-timm with other norms, feed-forward layers, blocks and rotary positions into test/goldens/vit-variants.

    npm run setup:peers -- pytorch
    <its folder>/bin/python scripts/goldens/variants.py test/goldens/vit-variants

Random weights in models of width 8. timm computes in float64; a tolerance is 1e-5 of the largest value of a tensor, for gradients at least
1e-7 of the largest of all gradients, because some are zero but for rounding.
"""

import json
import pathlib
import sys
from functools import partial

import timm
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from timm.layers import LayerNorm, RmsNorm, SwiGLU, SwiGLUPacked
from timm.models import vision_transformer as vit
from timm.models.eva import Eva

out = pathlib.Path(sys.argv[1])
stream = torch.Generator().manual_seed(18)
base = dict(img_size=8, patch_size=4, in_chans=1, num_classes=3, embed_dim=8, depth=1, num_heads=2, mlp_ratio=2.0)
classes = {'RmsNorm': RmsNorm, 'LayerNorm': LayerNorm, 'SwiGLU': SwiGLU, 'SwiGLUPacked': SwiGLUPacked}
probabilities = []


def attention(q, k, v, **_):
    probs = (q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5).softmax(-1)
    probabilities.append(probs)
    return probs @ v


F.scaled_dot_product_attention = attention


def timm_model(config):
    """The model of a case, whose config names classes by a text and ε by norm_eps."""
    own = dict(config)
    eps = own.pop('norm_eps', 1e-6)
    kind = classes[own.pop('norm_layer', 'LayerNorm')]
    own['norm_layer'] = partial(kind, eps=eps)
    if 'embed_norm_layer' in own:
        own['embed_norm_layer'] = partial(classes[own['embed_norm_layer']], eps=eps)
    if 'mlp_layer' in own:
        own['mlp_layer'] = classes[own['mlp_layer']]
    block = own.pop('block_fn', 'Block')
    if block.startswith('Eva'):
        own['use_post_norm'] = block == 'EvaBlockPostNorm'
        own['num_reg_tokens'] = own.pop('reg_tokens', 0)
        own['scale_mlp'] = own.pop('scale_mlp_norm', False)
        own['scale_attn_inner'] = own.pop('scale_attn_norm', False)
        own['swiglu_mlp'] = own.pop('mlp_layer', None) is not None
        own['use_abs_pos_emb'] = own.pop('pos_embed', 'learn') == 'learn'
        own['use_fc_norm'] = own.pop('fc_norm', False)
        own['use_post_transformer_norm'] = own.pop('final_norm', True) and not own['use_fc_norm']
        own['use_pre_transformer_norm'] = own.pop('pre_norm', False)
        return Eva(**own)
    return vit.VisionTransformer(**own, block_fn=getattr(vit, block))


def case(name, what, seed=None, **options):
    generator = stream if seed is None else torch.Generator().manual_seed(seed)
    config = {**base, **options}
    model = timm_model(config).eval().double()
    for value in model.parameters():
        value.data.copy_((torch.randn(value.shape, generator=generator) * 0.4).float())
    for module in model.modules():
        if isinstance(module, (LayerNorm, RmsNorm)):
            module.weight.data.add_(1)
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    height, width = (config['img_size'],) * 2 if isinstance(config['img_size'], int) else config['img_size']
    x = torch.randn(2, config['in_chans'], height, width, generator=generator).double().requires_grad_()
    outputs = {}
    for i, block in enumerate(model.blocks):
        block.register_forward_hook(lambda _, __, y, i=i: outputs.__setitem__(f'blocks.{i}.output', y))
    probabilities.clear()
    logits = model(x)
    outputs['logits'] = logits
    if len(probabilities) == len(model.blocks):
        outputs |= {f'blocks.{i}.attn_probs': one for i, one in enumerate(probabilities)}
    targets = torch.rand(2, logits.shape[-1], generator=generator).softmax(-1).double()
    (-(targets * logits.log_softmax(-1)).sum(-1)).mean().backward()
    grads = {key: value.grad for key, value in model.named_parameters()} | {'input': x.grad}
    least = max(value.abs().max() for value in grads.values()).item() * 1e-2
    files = {
        'weights': dict(model.named_parameters()), 'inputs': {'input': x, 'soft_targets': targets},
        'outputs': outputs, 'grads': grads,
    }
    compare = []
    for file, tensors in files.items():
        own = {key: value.detach().float().contiguous().clone() for key, value in tensors.items()}
        if file == 'inputs':
            own['labels'] = torch.tensor([0, 1])
        save_file(own, folder / f'{file}.safetensors')
        if file in ('outputs', 'grads'):
            floor = least if file == 'grads' else 0
            compare += [
                {'file': f'{file}.safetensors', 'tensor': key, 'atol': float(f'{max(value.abs().max().item(), floor) * 1e-5:.2g}'), 'rtol': 0}
                for key, value in own.items()
            ]
    written = {
        'schema': 'vit-goldens/2', 'family': 'vit-timm', 'case': name, 'what': what,
        'source': {'library': 'timm', 'timm': timm.__version__, 'torch': torch.__version__, 'function': type(model).__name__},
        'seed': 18 if seed is None else seed, 'config': config, 'compare': compare, 'parameters': list(dict(model.named_parameters())),
    }
    (folder / 'case.json').write_text(json.dumps(written, separators=(',', ':')) + '\n')


case('final-norm', 'no norm after the blocks', final_norm=False, init_values=0.1, reg_tokens=1, no_embed_class=True)
case('rms-norm', 'RmsNorm everywhere, a norm of queries and keys', norm_layer='RmsNorm', qk_norm=True, global_pool='avg', pre_norm=True)
case('swiglu-packed', "DINOv2 giant's feed-forward layer", mlp_layer='SwiGLUPacked', act_layer='silu', init_values=0.5)
case(
    'swiglu-no-bias', 'AIMv2: SwiGLU, RmsNorm, no biases, a norm in the patch embedding', mlp_layer='SwiGLU', act_layer='silu', qkv_bias=False,
    proj_bias=False, norm_layer='RmsNorm', embed_norm_layer='RmsNorm', norm_eps=1e-5, class_token=False, global_pool='avg', fc_norm=False,
)
case('scale-norms', 'BEiT-3: norms before the last layers of attention and MLP', scale_attn_norm=True, scale_mlp_norm=True, norm_eps=1e-5, global_pool='avg')
case('res-post-block', 'norms after the branches', block_fn='ResPostBlock', qkv_bias=False, class_token=False, global_pool='avg')
case('parallel-scaling', 'attention and MLP in parallel, with biases', block_fn='ParallelScalingBlock', init_values=0.5, reg_tokens=1)
case(
    'parallel-scaling-no-bias', 'the same with RmsNorm and the bias of the MLP by itself', block_fn='ParallelScalingBlock', qkv_bias=False,
    qk_norm=True, norm_layer='RmsNorm', pre_norm=True, no_embed_class=True,
)
# The stream's own draw predicts nearly its targets, and what then is left of the gradients is as small as the rounding of bf16.
case('parallel-things', 'two attentions, then two MLPs in parallel', seed=19, block_fn='ParallelThingsBlock', init_values=0.5)
