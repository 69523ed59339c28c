// Relative links of Markdown pages, and whether they lead anywhere.

import fs from 'node:fs';
import path from 'node:path';

/** The links of a page that lead to no file, to no heading, or out of `root`: `page:line: target` each. */
export function linkFindings(root: string, page: string): string[] {
  const text = withoutCodeBlocks(fs.readFileSync(path.join(root, page), 'utf8'));
  return text.split('\n').flatMap((line, index) =>
    linksOf(line)
      .filter((target) => !leadsSomewhere(root, page, target))
      .map((target) => `${page}:${index + 1}: ${target}`),
  );
}

/** The anchors of a page's headings, as GitHub makes them: lower case, no punctuation, `-` for spaces, numbered if they repeat. */
export function headingAnchors(text: string): Set<string> {
  const seen = new Map<string, number>();
  const anchors = new Set<string>();
  for (const [, heading] of withoutCodeBlocks(text).matchAll(/^#{1,6} +(.+?) *$/gm)) {
    const slug = heading!
      .toLowerCase()
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, '')
      .replaceAll(' ', '-');
    const repeats = seen.get(slug) ?? 0;
    seen.set(slug, repeats + 1);
    anchors.add(repeats === 0 ? slug : `${slug}-${repeats}`);
  }
  return anchors;
}

function linksOf(line: string): string[] {
  const prose = line.replaceAll(/`[^`]*`/g, (code) => (code.includes('](') ? '' : code));
  return [...prose.matchAll(/\]\(([^()\s]+)\)/g)]
    .map(([, target]) => target!)
    .filter((target) => !/^[a-z]+:/.test(target));
}

function leadsSomewhere(root: string, page: string, target: string): boolean {
  const [file = '', anchor] = target.split('#');
  const goal = file === '' ? path.join(root, page) : path.join(root, path.dirname(page), file);
  if (path.relative(root, goal).startsWith('..') || !fs.existsSync(goal)) return false;
  return (
    anchor === undefined ||
    headingAnchors(fs.readFileSync(goal, 'utf8')).has(decodeURIComponent(anchor))
  );
}

/** The text with blank lines in place of fenced code. */
function withoutCodeBlocks(text: string): string {
  return text.replaceAll(/^(```+)[^\n]*\n[^]*?^\1$/gm, (block) => block.replaceAll(/[^\n]/g, ''));
}
