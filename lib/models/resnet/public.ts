// The part of the ResNets that users of the library import.

export type { ResNetConfig, ResNetOptions } from './config.ts';
export { resnet } from './family.ts';
export { ResNet } from './resNet.ts';
