// The backend `webgpu` in Node, on Dawn.

import { messageOf, UnsupportedError } from '../../core/errors.ts';
import { findPeer, findSetup, notSetUp } from '../optionalPackages.ts';

interface Dawn {
  create: (options: readonly string[]) => GpuLike;
  globals: Record<string, unknown>;
}
interface GpuLike {
  requestAdapter(options?: object): Promise<AdapterLike | null>;
}
interface AdapterLike {
  info?: { vendor?: string; architecture?: string; device?: string; description?: string };
}

/**
 * Gives Node a `navigator.gpu` (Dawn, from the npm package `webgpu`), then registers the backend `webgpu`.
 *
 * @returns the adapter's name, for people
 * @throws UnsupportedError when the package is not installed, or when it finds no GPU; the message says what to do
 */
export async function loadWebgpu(): Promise<{ about: string }> {
  const gpu = await provideGpu();
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) {
    throw new UnsupportedError(
      'The backend webgpu finds no GPU and no Vulkan driver. Without a GPU: apt-get install chromium libvulkan1, then set ' +
        'VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json (slow); or use --backend auto.',
    );
  }
  await import('./index.ts');
  const { vendor, architecture, description } = adapter.info ?? {};
  return {
    about: `WebGPU on ${description || [vendor, architecture].filter(Boolean).join(' ') || 'an unnamed adapter'}`,
  };
}

async function provideGpu(): Promise<GpuLike> {
  const given = (globalThis.navigator as { gpu?: GpuLike } | undefined)?.gpu;
  if (given !== undefined) return given;
  const found = findSetup('webgpu', 'setup.json') ?? findPeer(['webgpu']);
  if (found === undefined) throw notSetUp('webgpu', 'the package webgpu');
  const dawn = await loadDawn(found.require);
  const gpu = dawn.create([]);
  Object.assign(globalThis, dawn.globals);
  // Node 21 and later have a navigator of their own, as a getter.
  Object.defineProperty(globalThis, 'navigator', {
    value: { gpu, userAgent: 'node' },
    configurable: true,
    writable: true,
  });
  return gpu;
}

async function loadDawn(require: NodeJS.Require): Promise<Dawn> {
  try {
    return (await import(require.resolve('webgpu'))) as Dawn;
  } catch (error) {
    throw new UnsupportedError(
      `The backend webgpu does not load: ${messageOf(error)}. Run \`npm run setup:webgpu -- --force\`, or use --backend auto.`,
    );
  }
}
