// The parser of yargs for tests. jest cannot turn its entry for Node into CommonJS, because that declares a `require` of its own;
// the entry for browsers wraps the same parser, without the config files that we do not use.

export { default as Parser } from 'yargs-parser/browser';
