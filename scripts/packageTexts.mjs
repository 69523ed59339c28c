// The manifests and the README of the packages that packNative.mjs makes.

import { ADDON_FILE, packageName } from '../lib/backends/native/platformPackage.ts';

const systems = { linux: 'Linux', darwin: 'macOS' };

/** The published manifest of tfjs-vit: with the platform packages, and without the script that npm runs in a checkout. */
export function rootManifest(own, names) {
  const scripts = { ...own.scripts };
  delete scripts.prepare;
  const optionalDependencies = Object.fromEntries(names.map((name) => [name, own.version]));
  return { ...own, scripts, optionalDependencies };
}

/** The manifest of a platform package. npm installs it only where `os`, `cpu` and `libc` fit; it has no script. */
export function platformManifest({ platform, about, own }) {
  const [os, cpu, musl] = platform.split('-');
  return {
    name: packageName(platform),
    version: own.version,
    description: `Compiled backend of tfjs-vit for ${describe(platform)}`,
    license: own.license,
    main: ADDON_FILE,
    files: [ADDON_FILE],
    os: [os],
    cpu: [cpu],
    ...(os === 'linux' && { libc: [musl ?? 'glibc'] }),
    engines: own.engines,
    preferUnplugged: true,
    publishConfig: { access: 'public' },
    addon: { bytes: about.bytes, ...(about.glibc && { glibc: `>=${about.glibc}` }) },
  };
}

/** The README of a platform package: its purpose, its requirements, and the licences of the code in it. */
export function platformReadme({ platform, about }) {
  const linux = platform.startsWith('linux');
  const libraries = about.libraries.map((name) => `\`${name}\``).join(', ');
  return (
    [
      `# ${packageName(platform)}`,
      `The compiled backend \`native\` of the npm package tfjs-vit for ${describe(platform)}. npm installs it
with tfjs-vit where it fits; there is no need to name it. Without it tfjs-vit runs on WebAssembly.`,
      ...(about.glibc ? [`It needs glibc ${about.glibc} or newer, and ${libraries}.`] : []),
      ...(linux && !about.glibc ? [`It needs ${libraries}.`] : []),
      '## Licence',
      `MIT, as tfjs-vit.${
        linux
          ? ` The addon contains parts of GCC's libstdc++, which are under the GNU General Public License, version 3, with the
GCC Runtime Library Exception, version 3.1: programs that contain them may be under any licence.`
          : ''
      }`,
    ].join('\n\n') + '\n'
  );
}

function describe(platform) {
  const [os, cpu, musl] = platform.split('-');
  return `${systems[os]} on ${cpu}${os === 'linux' ? `, with ${musl ?? 'glibc'}` : ''}`;
}
