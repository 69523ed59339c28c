// Checks of the house rules on parsed sources. They are pure functions from files to findings, so that the test can check each
// rule on sources that break it.

import ts from 'typescript';
import path from 'node:path';
import { builtinModules } from 'node:module';

/** A room's rules, from docs/rooms.json. */
export interface Room {
  imports: readonly string[];
  tfjs: boolean;
  node: boolean;
}
export type Rooms = Readonly<Record<string, Room>>;

/** A file: its path from the repository's root with `/`, and its text. */
export interface Source {
  file: string;
  text: string;
}

export interface ImportLine {
  specifier: string;
  /** The path from the repository's root when relative. */
  target: string | undefined;
  typeOnly: boolean;
}

const doors = /^lib\/(index|node)\.ts$|^lib\/backends\/[^/]+\/(index|node)\.ts$/;
const backendDoors = /^lib\/backends\/[^/]+\/(index|node)\.ts$/;
const builtins = new Set(builtinModules);

/** The syntax tree of a file, with parents. */
export function parse({ file, text }: Source): ts.SourceFile {
  return ts.createSourceFile(file, text, ts.ScriptTarget.ESNext, true);
}

/** Every import, re-export, `import()`, `require()` and `import('…')` type of a file. */
export function importLines(source: Source): ImportLine[] {
  const lines: ImportLine[] = [];
  const add = (node: ts.Node | undefined, typeOnly: boolean): void => {
    if (node === undefined || !ts.isStringLiteralLike(node)) return;
    const specifier = node.text;
    const target = specifier.startsWith('.')
      ? path.posix.join(path.posix.dirname(source.file), specifier)
      : undefined;
    lines.push({ specifier, target, typeOnly });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, importsTypesOnly(node));
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, true);
    } else if (ts.isCallExpression(node) && loadsModule(node)) add(node.arguments[0], false);
    ts.forEachChild(node, visit);
  };
  visit(parse(source));
  return lines;
}

/** Imports that the table of rooms does not allow, tfjs values and Node modules where they may not be. */
export function wallFindings(source: Source, rooms: Rooms): string[] {
  const room = roomOf(source.file, rooms);
  if (room === undefined) {
    return /^lib\/(index|node)\.ts$/.test(source.file)
      ? []
      : [`${source.file}: lies in no room of docs/rooms.json`];
  }
  const rules = rooms[room]!;
  const findings: string[] = [];
  for (const { specifier, target, typeOnly } of importLines(source)) {
    const says = (what: string): void =>
      void findings.push(`${source.file}: imports ${specifier}, ${what}`);
    if (target !== undefined) {
      const other = roomOf(target, rooms);
      if (other !== room && !mayImport(rules, target, other)) {
        says(`but ${room} may import ${rules.imports.join(', ') || 'nothing of ours'}`);
      }
      if (!/\.(ts|mjs|json)$/.test(target))
        says('but a relative import names the file with its ending');
    } else if (specifier.startsWith('@tensorflow/') && !typeOnly && !rules.tfjs) {
      says(`but ${room} may import only types of tfjs`);
    } else if (isBuiltin(specifier) && !rules.node) says(`but ${room} also runs in a browser`);
  }
  return findings;
}

/** Import cycles: groups of files that import each other, by value or by type. */
export function cycleFindings(sources: readonly Source[]): string[] {
  const known = new Set(sources.map(({ file }) => file));
  const edges = new Map(
    sources.map((source) => [
      source.file,
      importLines(source).flatMap(({ target }) =>
        target !== undefined && known.has(target) ? [target] : [],
      ),
    ]),
  );
  const findings: string[] = [];
  const done = new Set<string>();
  const walk = (file: string, trail: readonly string[]): void => {
    const at = trail.indexOf(file);
    if (at >= 0) {
      findings.push(`import cycle: ${[...trail.slice(at), file].join(' → ')}`);
      return;
    }
    if (done.has(file)) return;
    for (const next of edges.get(file) ?? []) walk(next, [...trail, file]);
    done.add(file);
  };
  for (const file of edges.keys()) walk(file, []);
  return findings;
}

/** Files that the browser door reaches although they need Node. */
export function browserFindings(sources: readonly Source[], door = 'lib/index.ts'): string[] {
  const byName = new Map(sources.map((source) => [source.file, source]));
  const findings: string[] = [];
  const seen = new Set<string>();
  const queue = [door];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    const source = byName.get(file);
    if (source === undefined || seen.has(file)) continue;
    seen.add(file);
    for (const { specifier, target, typeOnly } of importLines(source)) {
      if (typeOnly) continue;
      if (target !== undefined) queue.push(target);
      else if (isBuiltin(specifier))
        findings.push(`${file}: ${door} reaches it, and it imports ${specifier}`);
    }
  }
  return findings;
}

/** Default exports, and doors where no door belongs. */
export function exportFindings(source: Source): string[] {
  const findings: string[] = [];
  if (
    /(^|\/)index\.ts$/.test(source.file) &&
    source.file.startsWith('lib/') &&
    !doors.test(source.file)
  ) {
    findings.push(`${source.file}: an index.ts belongs to a door only`);
  }
  for (const statement of parse(source).statements) {
    const isDefault =
      ts.isExportAssignment(statement) ||
      (ts.canHaveModifiers(statement) &&
        (ts.getModifiers(statement) ?? []).some(
          ({ kind }) => kind === ts.SyntaxKind.DefaultKeyword,
        )) ||
      (ts.isExportDeclaration(statement) &&
        statement.exportClause !== undefined &&
        ts.isNamedExports(statement.exportClause) &&
        statement.exportClause.elements.some(({ name }) => name.text === 'default'));
    if (isDefault) findings.push(`${source.file}: has a default export; exports are named`);
  }
  return findings;
}

/** Exported declarations without a docstring. */
export function docstringFindings(source: Source): string[] {
  const findings: string[] = [];
  const needs = (node: ts.Node, name: string): void => {
    const docs = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
    const text = docs.map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? '').join('');
    if (text.trim() === '')
      findings.push(`${source.file}: export ${name} needs a docstring that begins with a sentence`);
  };
  for (const statement of parse(source).statements) {
    const exported =
      ts.canHaveModifiers(statement) &&
      (ts.getModifiers(statement) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
    if (!exported) continue;
    if (ts.isVariableStatement(statement)) {
      for (const { name } of statement.declarationList.declarations)
        needs(statement, name.getText());
    } else if (isNamed(statement) && !isLaterOverload(statement))
      needs(statement, statement.name?.text ?? 'default');
  }
  return findings;
}

/** Files whose first line, after a `#!`, is not a comment that says what they are. */
export function headingFindings({ file, text }: Source): string[] {
  const first = text.replace(/^#!.*\n/, '').split('\n', 1)[0]!;
  if (/^\/\/ .{12,}/.test(first)) return [];
  return [`${file}: begins with "${first}"; its first line says in a comment what it is`];
}

/** Comments that open with a relative clause in place of a subject: `What it returns.`. A question may. */
export function riddleFindings({ file, text }: Source): string[] {
  const opening = /^\s*(\/\/|\/\*\*|\*) (What|Of|Those|That which|Who|Whoever|Whose|Which) /;
  return text.split('\n').flatMap((line, index) => {
    const word = opening.exec(line)?.[2];
    const isQuestion = /\?( \*\/)?$/.test(line);
    return word === undefined || isQuestion
      ? []
      : [`${file}:${index + 1}: begins with "${word}"; begin with the subject of the sentence`];
  });
}

/** Files that are longer than the limit. */
export function lengthFindings({ file, text }: Source): string[] {
  const limit = /\.(cc|h)$/.test(file) ? 600 : 400;
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  return lines > limit ? [`${file}: ${lines} lines, at most ${limit}`] : [];
}

/** Tests that are switched off, or run alone. `if (!there) test.skip(why)`, which is counted and says why, is neither. */
export function switchedOffFindings(source: Source): string[] {
  const findings: string[] = [];
  const offNames = new Set(['xit', 'xtest', 'xdescribe', 'fit', 'fdescribe']);
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const called = node.expression.getText().replace(/\s/g, '');
      const off = /^(it|test|describe)(\.\w+)*\.(skip|only|todo)\b/.exec(called)?.[3];
      if (offNames.has(called) || (off !== undefined && !(off === 'skip' && hasReason(node)))) {
        findings.push(`${source.file}: ${called}(…) switches tests off`);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(parse(source));
  return findings;
}

// The words are in pieces, so that this file is no finding itself.
const unfinished = new RegExp(
  `\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK', 'not ' + 'implemented', 'place' + 'holder', 'st' + 'ub'].join('|')})\\b`,
);
const foreign = new RegExp(
  [
    '/wo' + 'rk/',
    '/ro' + 'ot/',
    '/ho' + 'me/\\w',
    '/tmp/(te' + 'am|bash)',
    'registry\\.npm' + 'js',
    'pypi\\.' + 'org',
    'files\\.python' + 'hosted',
  ].join('|'),
);

/** Words that mark unfinished work, and paths that exist on one machine only. */
export function wordFindings({ file, text }: Source): string[] {
  return text.split('\n').flatMap((line, index) => {
    const word = unfinished.exec(line)?.[0] ?? foreign.exec(line)?.[0];
    return word === undefined ? [] : [`${file}:${index + 1}: "${word}"`];
  });
}

/** The room that a path lies in: the longest folder of the table that it is under. */
export function roomOf(file: string, rooms: Rooms): string | undefined {
  return Object.keys(rooms)
    .filter((room) => file.startsWith(`${room}/`))
    .sort((a, b) => b.length - a.length)[0];
}

function mayImport(rules: Room, target: string, other: string | undefined): boolean {
  return rules.imports.some((rule) => {
    if (rule === 'doors') return doors.test(target);
    if (rule === 'backend doors') return backendDoors.test(target);
    if (rule === 'everything but lib/cli') return other !== 'lib/cli';
    if (rule === "everything but backends' insides") {
      return backendDoors.test(target) || !(other ?? '').startsWith('lib/backends/');
    }
    if (rule.startsWith('test/')) return target.startsWith(`${rule}/`);
    return rule === other || rule === target;
  });
}

/** Whether the call is inside an `if`. */
function hasReason(skip: ts.CallExpression): boolean {
  const statement = ts.isBlock(skip.parent.parent) ? skip.parent.parent : skip.parent;
  return ts.isIfStatement(statement.parent);
}

function isBuiltin(specifier: string): boolean {
  return specifier.startsWith('node:') || builtins.has(specifier);
}

function importsTypesOnly({ importClause }: ts.ImportDeclaration): boolean {
  if (importClause === undefined) return false;
  if (importClause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const bindings = importClause.namedBindings;
  return (
    importClause.name === undefined &&
    bindings !== undefined &&
    ts.isNamedImports(bindings) &&
    bindings.elements.length > 0 &&
    bindings.elements.every(({ isTypeOnly }) => isTypeOnly)
  );
}

function loadsModule({ expression }: ts.CallExpression): boolean {
  return (
    expression.kind === ts.SyntaxKind.ImportKeyword ||
    (ts.isIdentifier(expression) && expression.text === 'require') ||
    (ts.isPropertyAccessExpression(expression) && expression.name.text === 'getBuiltinModule')
  );
}

function isNamed(
  node: ts.Node,
): node is
  ts.FunctionDeclaration | ts.ClassDeclaration | ts.InterfaceDeclaration | ts.TypeAliasDeclaration {
  return (
    ts.isFunctionDeclaration(node) ||
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node)
  );
}

/** The first overload of a function carries the docstring of all. */
function isLaterOverload(node: ts.Node): boolean {
  if (!ts.isFunctionDeclaration(node) || !ts.isSourceFile(node.parent)) return false;
  const same = node.parent.statements.filter(
    (other) => ts.isFunctionDeclaration(other) && other.name?.text === node.name?.text,
  );
  return same[0] !== node;
}
