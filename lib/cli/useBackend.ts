import { selectBackend } from '../backends/select.ts';
import type { BackendOptions } from '../backends/select.ts';
import type { Terminal } from './command.ts';

/** Sets the backend that the flags ask for and says in one line which and why. @returns its name */
export async function useBackend(options: BackendOptions, terminal: Terminal): Promise<string> {
  const { name, reason, warnings } = await selectBackend(options);
  terminal.error(reason);
  for (const warning of warnings) terminal.error(warning);
  return name;
}
