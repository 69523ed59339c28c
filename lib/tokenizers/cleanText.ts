// Cleaning texts before they are split into words: as OpenAI's CLIP does by ftfy, and as Hugging Face's tokenizer does.

// The entities that captions have; others stay as they are.
const entities: Readonly<Record<string, string>> = {
  amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0', copy: '©', reg: '®', trade: '™', hellip: '…', mdash: '—',
  ndash: '–', lsquo: '‘', rsquo: '’', ldquo: '“', rdquo: '”', laquo: '«', raquo: '»', bull: '•', middot: '·', deg: '°', plusmn: '±',
  times: '×', divide: '÷', frac12: '½', frac14: '¼', frac34: '¾', euro: '€', pound: '£', yen: '¥', cent: '¢', sect: '§', para: '¶',
  agrave: 'à', aacute: 'á', acirc: 'â', atilde: 'ã', auml: 'ä', aring: 'å', aelig: 'æ', ccedil: 'ç', egrave: 'è', eacute: 'é',
  ecirc: 'ê', euml: 'ë', igrave: 'ì', iacute: 'í', icirc: 'î', iuml: 'ï', ntilde: 'ñ', ograve: 'ò', oacute: 'ó', ocirc: 'ô',
  otilde: 'õ', ouml: 'ö', oslash: 'ø', ugrave: 'ù', uacute: 'ú', ucirc: 'û', uuml: 'ü', yacute: 'ý', szlig: 'ß', thorn: 'þ',
}; // prettier-ignore

/** A text with HTML's numbers and commonest names of characters replaced by them. */
export function unescapeHtml(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|(\w{2,8}));/g, (whole, decimal, hex, name) => {
    if (name !== undefined) return entities[String(name)] ?? whole;
    const code = hex === undefined ? Number(decimal) : parseInt(String(hex), 16);
    return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : '\ufffd';
  }); // prettier-ignore
}

/**
 * A text cleaned as OpenAI's CLIP was trained: ligatures and wide forms of letters apart, straight quotes, no control characters, composed
 * (NFC), HTML unescaped twice, white space single, lower case.
 *
 * It is ftfy but for one thing: text that was decoded by the wrong table is not repaired.
 *
 * Source: CLIP, simple_tokenizer.py, `basic_clean` and `whitespace_clean`; ftfy 6, `fix_text`.
 */
export function cleanAsOpenAi(text: string): string {
  const plain = text
    .replace(/[\u0132\u0133\u0149\u01f1-\u01f3\u01c4-\u01cc\ufb00-\ufb06]/g, (one) => one.normalize('NFKC'))
    .replace(/[\u3000\uff01-\uff60\uff66-\uffdc\uffe0-\uffee]/g, (one) => one.normalize('NFKC'))
    .replace(/[\u02bc\u2018-\u201b]/g, "'")
    .replace(/[\u201c-\u201f]/g, '"')
    .replace(/\r\n|[\r\u2028\u2029\u0085]/g, '\n')
    // eslint-disable-next-line no-control-regex -- they are what is taken out
    .replace(/[\u0000-\u0008\u000b\u000e-\u001f\u007f\u206a-\u206f\ufeff\ufff9-\ufffc]/g, '')
    .normalize('NFC'); // prettier-ignore
  return spaced(unescapeHtml(unescapeHtml(plain))).toLowerCase();
}

/** A text as Hugging Face's CLIPTokenizer normalises it: composed (NFC), white space single, lower case. */
export function cleanAsHuggingFace(text: string): string {
  return spaced(text.normalize('NFC')).toLowerCase();
}

function spaced(text: string): string {
  return text.replace(/\p{White_Space}+/gu, ' ').replace(/^ | $/g, '');
}
