// Sources stay ESM; swc turns them into CommonJS in memory, so jest needs no experimental flag.
const transform = {
  '^.+\\.(ts|mjs|js)$': [
    '@swc/jest',
    {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      module: { type: 'commonjs', importInterop: 'swc', ignoreDynamic: false },
    },
  ],
};
const common = {
  transform,
  moduleNameMapper: {
    '^yargs$': '<rootDir>/test/support/yargs.cjs',
    '^yargs/helpers$': '<rootDir>/test/support/yargsHelpers.mjs',
  },
  transformIgnorePatterns: ['/node_modules/(?!yargs-parser/)'],
  testEnvironment: 'node',
  setupFilesAfterEnv: ['<rootDir>/test/support/setup.ts'],
};
export default {
  maxWorkers: 2,
  testTimeout: 60_000, // a busy machine is no failure
  projects: [
    { ...common, displayName: 'fast', testMatch: ['<rootDir>/test/**/*.test.ts'] },
    { ...common, displayName: 'slow', testMatch: ['<rootDir>/test/**/*.slow.ts'] },
  ],
};
