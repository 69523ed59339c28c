"""Writes test/goldens/timm-names.json: the options of timm's Vision Transformers by name.

    npm run setup:peers -- pytorch
    <its folder>/bin/python scripts/goldens/timmNames.py test/goldens/timm-names.json
"""

import functools
import json
import pathlib
import sys

import timm
import torch
from timm.models import deit, eva, vision_transformer

path = pathlib.Path(sys.argv[1])
known = json.loads(path.read_text())
pools = {'vision_transformer': vision_transformer, 'deit': deit, 'eva': eva}
# Options of `Eva` that timm's Vision Transformer has under another name, and those that only concern training.
renamed = {
    'num_reg_tokens': 'reg_tokens', 'scale_mlp': 'scale_mlp_norm', 'scale_attn_inner': 'scale_attn_norm', 'use_fc_norm': 'fc_norm',
    'use_pre_transformer_norm': 'pre_norm',
}
# Grouped queries, and a layer scale on attention alone, are not built.
not_built = ('num_kv_heads', 'attn_only_layer_scale')
captured = {}


def capture(model_class, variant, pretrained, **kwargs):
    notes = ('pretrained_filter_fn', 'pretrained_strict', 'feature_cfg', 'weight_init', 'distilled')
    captured[variant] = {key: value for key, value in kwargs.items() if key not in notes}


for module in pools.values():
    module.build_model_with_cfg = capture


def option(key, value):
    """An option as JSON: classes by their names, ε of a norm apart."""
    if isinstance(value, functools.partial):
        eps = value.keywords.get('eps')
        kind = {} if value.func.__name__ == 'LayerNorm' else {key: value.func.__name__}
        return kind | ({'norm_eps': eps} if key == 'norm_layer' else {})
    if value is torch.nn.SiLU:
        return {key: 'silu'}
    return {key: getattr(value, '__name__', value)}


def of_eva(args):
    """Arguments of `Eva` by the names of the Vision Transformer, with Eva's defaults where they differ."""
    own = {renamed.get(key, key): value for key, value in args.items()}
    post_norm = own.pop('use_post_norm', False)
    own['block_fn'] = 'EvaBlockPostNorm' if post_norm else 'EvaBlock'
    own.setdefault('global_pool', 'avg')
    own.setdefault('fc_norm', own['global_pool'] == 'avg')
    last = own.pop('use_post_transformer_norm', None)
    if last is False and not own['fc_norm']:
        own['final_norm'] = False
    if own.pop('use_abs_pos_emb', True) is False:
        own['pos_embed'] = 'none'
    if own.pop('swiglu_mlp', False):
        separate = own.get('scale_mlp_norm') or own.get('swiglu_align_to')
        own |= {'mlp_layer': 'SwiGLU' if separate else 'SwiGLUPacked', 'act_layer': 'silu'}
    return own


names, others = {}, []
for module_name, module in pools.items():
    for name in timm.list_models(module=module_name):
        getattr(module, name)()
        args = captured[name]
        if args.get('attn_layer') == 'diff' or getattr(args.get('block_fn'), '__name__', '').startswith('Diff') or any(key in args for key in not_built):
            others.append(name)
            continue
        own = of_eva(args) if module_name == 'eva' else dict(args)
        cfg = timm.get_pretrained_cfg(name)
        size = cfg.input_size[1:] if cfg else (224, 224)
        options = {key: value for k, v in own.items() for key, value in option(k, v).items()}
        if 'distilled' in name:
            options['distilled'] = True
        options.setdefault('img_size', size[0] if size[0] == size[1] else list(size))
        options['num_classes'] = cfg.num_classes if cfg else 1000
        names[name] = options

before = known['names']
for name, options in before.items():
    if names[name] != options:
        print('differs', name, options, names[name])
known['source'] = (
    f'timm {timm.__version__}: the arguments of each model function of vision_transformer.py, deit.py and eva.py, with image size and classes of '
    'its default weights, by scripts/goldens/timmNames.py; not_built: the other names of timm’s Vision Transformers'
)
known['not_built'] = sorted({name for name in [*known['not_built'], *others] if name not in names})
known['modules'] = {name: timm.list_models(module=name) for name in ('vision_transformer', 'deit', 'eva')}
known['differential'] = [name for name in known['modules']['vision_transformer'] if name not in names]
known['names'] = names
path.write_text(json.dumps(known, indent=1, ensure_ascii=False) + '\n')
print(len(names), 'names,', len(known['not_built']), 'not built')
