"""Writes lib/data/imagenetClasses.ts from the lists of timm. python scripts/imagenetClasses.py > lib/data/imagenetClasses.ts

timm (Apache-2.0) has the 1000 synsets of ImageNet-1k in their order and the words of each, which are WordNet's (data/wordnet-license.txt).
"""

from pathlib import Path

import timm

info = Path(timm.__file__).parent / 'data' / '_info'
words = dict(line.split('\t') for line in (info / 'imagenet_synset_to_lemma.txt').read_text().splitlines())
names = [words[synset] for synset in (info / 'imagenet_synsets.txt').read_text().split()]
assert len(names) == 1000 and not any(mark in name for name in names for mark in ';`\\$')

lines = ['']
for name in names:
    if len(lines[-1]) + len(name) > 138:
        lines.append('')
    lines[-1] += f'{name}; '
text = '\n'.join(line.rstrip() for line in lines)

print(f'''// The names of the classes of ImageNet-1k. Made by scripts/imagenetClasses.py from timm {timm.__version__} (Apache-2.0); the words are WordNet's
// (data/wordnet-license.txt).

const names = `
{text}
`;

/**
 * The 1000 classes of ImageNet-1k in their order, by the words of WordNet: 'tench, Tinca tinca'. Two are called 'crane', the bird (134) and
 * the machine (517).
 *
 * Source: timm, `imagenet_synset_to_lemma.txt`.
 */
export const IMAGENET_CLASSES: readonly string[] = names.trim().replace(/;$/, '').split(/;\\s+/);''')
