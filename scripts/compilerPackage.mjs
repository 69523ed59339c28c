// The command that installs a C++ compiler on a system, for messages where none was found.

import { readFileSync } from 'node:fs';

/** What installs a C++17 compiler, by the ID or ID_LIKE of os-release. */
const commands = [
  [/^(debian|ubuntu)$/, 'apt install g++'],
  [/^(fedora|rhel|centos)$/, 'dnf install gcc-c++'],
  [/^alpine$/, 'apk add g++'],
  [/^arch$/, 'pacman -S gcc'],
  [/^(suse|opensuse.*)$/, 'zypper install gcc-c++'],
];

/**
 * The command that installs a C++ compiler on a platform of Node.
 *
 * @param release  the text of /etc/os-release
 * @returns the command, or undefined for a system that it does not know
 */
export function compilerCommand(platform = process.platform, release = readRelease()) {
  if (platform === 'darwin') return 'xcode-select --install';
  if (platform !== 'linux') return undefined;
  const of = (key) => new RegExp(`^${key}="?([^"\\n]*)"?$`, 'm').exec(release)?.[1] ?? '';
  const ids = `${of('ID')} ${of('ID_LIKE')}`.split(' ').filter(Boolean);
  return ids.flatMap((id) => commands.find(([known]) => known.test(id))?.[1] ?? [])[0];
}

function readRelease() {
  try {
    return readFileSync('/etc/os-release', 'utf8');
  } catch {
    return '';
  }
}
