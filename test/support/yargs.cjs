// yargs is ESM only, and one of its files does not survive the step to CommonJS that jest's sources take: load it as Node does.
module.exports = process.getBuiltinModule('node:module').createRequire(__filename)('yargs');
