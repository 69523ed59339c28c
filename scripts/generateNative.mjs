// Writes lib/backends/native/generated from native/enums.h and native/descriptors.h: the numbers of enumerations, and the typed
// descriptors that the addon's calls take. `--check` writes nothing and fails where a file is not current.

import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(import.meta.dirname, '..');
const folder = path.join('lib', 'backends', 'native', 'generated');
const header = (source) =>
  `// Generated from native/${source} by scripts/generateNative.mjs; do not edit.\n\n`;

/** The generated files by their path: their content, formatted. */
export async function generatedFiles() {
  const { format } = await import('prettier');
  const read = (name) => readFileSync(path.join(root, 'native', name), 'utf8');
  const files = new Map([
    [path.join(folder, 'enums.ts'), header('enums.h') + enumsOf(read('enums.h'))],
    [
      path.join(folder, 'descriptors.ts'),
      header('descriptors.h') + descriptorsOf(read('descriptors.h')),
    ],
  ]);
  for (const [file, text] of files)
    files.set(
      file,
      await format(text, { parser: 'typescript', printWidth: 100, singleQuote: true }),
    );
  return files;
}

/**
 * TypeScript constants of the C++ enumerations in a header: `enum IntReduce { kIntSum, …, kIntReduceCount }` gives
 * `INT_REDUCE = { sum: 0, … }`. A name loses its k and the words that it shares with the enumeration; the count at the end is none.
 */
export function enumsOf(text) {
  const enums = [...text.matchAll(/((?:^\/\/ .*\n)*)^enum (\w+) \{([^}]*)\};/gm)];
  return enums
    .map(([, comment, name, body]) => {
      let next = 0;
      const members = [];
      for (const item of body.split(',')) {
        const [, member, given] = /^\s*k(\w+)(?:\s*=\s*(-?\d+))?\s*$/.exec(item);
        if (member === `${name}Count`) continue;
        const number = given === undefined ? next : Number(given);
        members.push(`${camelCase(shortName(member, name))}: ${number}`);
        next = number + 1;
      }
      const words = comment.replaceAll(/^\/\/ |\n$/gm, '').replaceAll('\n', ' ');
      const doc = words === '' ? `The numbers of \`${name}\` of native/enums.h.` : words;
      return `/** ${doc} */\nexport const ${constantCase(name)} = { ${members.join(', ')} } as const;\n`;
    })
    .join('\n');
}

const prefixes = { IntReduce: /^Int/, Activation: /^Gelu/, Pool: /Pool$/ };
function shortName(member, name) {
  return prefixes[name] ? member.replace(prefixes[name], '') : member;
}

const scalarTypes = { size_t: 'number', double: 'number', bool: 'boolean' };

/**
 * TypeScript types and packers of the descriptors in a header: `#define VIT_GEMM_FIELDS(FIELD) FIELD(size_t, batch) …` gives the
 * interface `GemmDescriptor` and `gemmDescriptor(of)`, which writes its fields into a Float64Array in their order.
 */
export function descriptorsOf(text) {
  const lists = [
    ...text.matchAll(/((?:^\/\/ .*\n)*)^#define VIT_(\w+)_FIELDS\(FIELD\)((?:.*\\\n)*.*)\n/gm),
  ];
  const parts = lists.map(([, comment, upper, body]) => {
    const name = pascalCase(upper);
    const fields = [...body.matchAll(/FIELD\((\w+), (\w+)\)/g)].map(([, type, field]) => ({
      type: scalarTypes[type] ?? 'number',
      name: camelCase(field),
      note: scalarTypes[type] === undefined ? `/** A number of ${constantCase(type)}. */\n` : '',
    }));
    const words = comment.replaceAll(/^\/\/ |\n$/gm, '').replaceAll('\n', ' ');
    const size = `${constantCase(name)}_FIELDS`;
    const writes = fields.map(({ name: field, type }, i) => {
      const value = type === 'boolean' ? `of.${field} ? 1 : 0` : `of.${field}`;
      return `into[at + ${i}] = ${value};`;
    });
    const variable = camelCase(name);
    return [
      `/** ${words} */\nexport interface ${name}Descriptor {`,
      ...fields.map(({ note, name: field, type }) => `${note}readonly ${field}: ${type};`),
      `}\n`,
      `/** How many numbers a packed ${name}Descriptor has. */\nexport const ${size} = ${fields.length};`,
      `const ${variable}Numbers = new Float64Array(${size});`,
      `/** Packs a descriptor from element \`at\` on; by default into an array that the next call of this function overwrites. */`,
      `export function ${variable}Descriptor(of: ${name}Descriptor, into: Float64Array = ${variable}Numbers, at = 0): Float64Array {`,
      ...writes,
      `return into;\n}\n`,
    ].join('\n');
  });
  const number = /^constexpr int kInterface = (\d+);/m.exec(text)[1];
  return `/** The number of the addon's interface; one with another number was built from other sources. */\nexport const INTERFACE = ${number};\n\n${parts.join('\n')}`;
}

function words(name) {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .split(/[\s_]+/)
    .map((word) => word.toLowerCase());
}
function camelCase(name) {
  return words(name)
    .map((word, i) => (i === 0 ? word : word[0].toUpperCase() + word.slice(1)))
    .join('');
}
function pascalCase(name) {
  const camel = camelCase(name);
  return camel[0].toUpperCase() + camel.slice(1);
}
function constantCase(name) {
  return words(name).join('_').toUpperCase();
}

async function main() {
  const check = process.argv.includes('--check');
  for (const [file, text] of await generatedFiles()) {
    const target = path.join(root, file);
    if (!check) {
      writeFileSync(target, text);
      continue;
    }
    if (readFileSync(target, 'utf8') === text) continue;
    console.error(`${file} is not current. Run npm run generate:native.`);
    process.exitCode = 1;
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
  void main();
