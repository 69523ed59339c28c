// The backend `webgpu` where the platform has `navigator.gpu`.

/**
 * Registers the backend `webgpu` where `navigator.gpu` is: a browser, Deno, or Node after `node.ts` beside this file.
 *
 * @module
 */
import '@tensorflow/tfjs-backend-webgpu';
