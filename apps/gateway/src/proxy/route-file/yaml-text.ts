import {
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  parseDocument,
  Parser,
  type YAMLMap,
} from 'yaml';

/** Where a field is: its names and positions from the top. */
export type Path = readonly (string | number)[];

/** What is wrong at one place of a file, in words. */
export interface Problem {
  /** From 1, as editors count. */
  readonly line: number;
  readonly column: number;
  /** `routes[0].timeouts.connect`; empty where the file as a whole is meant. */
  readonly field: string;
  readonly what: string;
}

/** A file that was read: its value, made of objects without a prototype, and where each part of it stands. */
export interface YamlText {
  readonly value: unknown;
  /** A problem with the value at a path, or with the nearest that there is above it. */
  problem(path: Path, what: string): Problem;
  /** A problem with the name of a field itself. */
  problemOfKey(path: Path, what: string): Problem;
}

/** What is written by hand is nested four times. The library calls itself for each level, until the stack is full. */
const MAX_DEPTH = 32;
/** After the first the others are mostly of its making. */
const MAX_SYNTAX_PROBLEMS = 10;

/**
 * Reads YAML 1.2 of the plain kind: one document without anchors, aliases, tags and directives, and each name once.
 * @returns what it says, or everything that is wrong with it; it throws nothing
 */
export function readYaml(text: string): YamlText | readonly Problem[] {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines.addNewLine(at + 1);
  const problemAt = (offset: number, path: Path, what: string): Problem => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { line, column: col, field: fieldOf(path), what };
  };

  const deep = tooDeepAt(text);
  if (deep !== undefined) return [problemAt(deep, [], `is nested more than ${MAX_DEPTH} levels deep`)];

  // The library compares each key with each before it; whether they repeat is looked at below.
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    stringKeys: true,
    uniqueKeys: false,
    prettyErrors: false,
  });
  const faults = [...document.errors, ...document.warnings].sort((one, other) => one.pos[0] - other.pos[0]);
  if (faults.length > 0) {
    return faults.slice(0, MAX_SYNTAX_PROBLEMS).map(({ pos, message }) => problemAt(pos[0], [], inWords(message)));
  }
  if (document.directives?.yaml.explicit === true || Object.keys(document.directives?.tags ?? {}).length > 1) {
    return [problemAt(0, [], 'has a directive (%YAML or %TAG); there are none here')];
  }

  const found: Problem[] = [];
  const value = valueOf(document.contents, [], (node, path, what) => {
    found.push(problemAt(node.range?.[0] ?? 0, path, what));
  });
  if (found.length > 0) return found;
  return {
    value,
    problem: (path, what) => problemAt(nodeAt(document.contents, path)?.range?.[0] ?? 0, path, what),
    problemOfKey: (path, what) => {
      const parent = nodeAt(document.contents, path.slice(0, -1));
      const key = isMap(parent) ? pairOf(parent, path.at(-1))?.key : undefined;
      return problemAt((key as Node | undefined)?.range?.[0] ?? 0, path, what);
    },
  };
}

/** Where a text becomes too deep for a parser that calls itself; the one asked here keeps a list instead. */
function tooDeepAt(text: string): number | undefined {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    Array.from(parser.next(lexeme));
    if (parser.stack.length > MAX_DEPTH) return parser.offset;
  }
  return undefined;
}

type Report = (node: Node, path: Path, what: string) => void;

function valueOf(node: Node | null, path: Path, report: Report): unknown {
  if (node === null) return null;
  if (isAlias(node)) return report(node, path, 'is an alias (*name); write the value itself');
  if (node.tag !== undefined) report(node, path, 'has a tag (!name); there are none here');
  if ((isScalar(node) || isCollection(node)) && node.anchor !== undefined) {
    report(node, path, 'has an anchor (&name); there are none here');
  }
  if (isScalar(node)) return node.value;
  if (isSeq<Node>(node))
    return node.items.map((item, at) => valueOf(isPair(item) ? null : item, [...path, at], report));
  return mapOf(node as YAMLMap<Node, Node | null>, path, report);
}

function mapOf(map: YAMLMap<Node, Node | null>, path: Path, report: Report): unknown {
  const values = Object.create(null) as Record<string, unknown>;
  for (const { key, value } of map.items) {
    const name = isScalar(key) ? String(key.value) : '';
    const here = [...path, name];
    // An alias, an anchor or a tag may stand before a name too.
    if (!isScalar(key)) report(key, path, 'has a name that is no text');
    else valueOf(key, here, report);
    if (name in values) report(key, here, 'is said twice');
    values[name] = valueOf(value, here, report);
  }
  return values;
}

function nodeAt(root: Node | null, path: Path): Node | undefined {
  let node = root ?? undefined;
  for (const part of path) {
    const next = isMap(node) ? pairOf(node, part)?.value : isSeq(node) ? node.items[Number(part)] : undefined;
    if (next == null) break;
    node = next as Node;
  }
  return node;
}

function pairOf(map: YAMLMap, name: string | number | undefined) {
  return map.items.find(({ key }) => isScalar(key) && String(key.value) === name);
}

/** `routes[0].timeouts.connect`. */
function fieldOf(path: Path): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${shown(part)}`))
    .join('')
    .replace(/^\./, '');
}

/** A name that somebody gave, fit for a terminal. */
function shown(name: string): string {
  return /^[\w-]{1,40}$/.test(name) ? name : JSON.stringify(name.slice(0, 40));
}

/** The library's sentences begin with a capital and may hold what the file says; ours follow a place. */
function inWords(message: string): string {
  const [first = ''] = message.split('\n', 1);
  return `is no YAML: ${JSON.stringify(first.slice(0, 120)).slice(1, -1).replaceAll('\\"', '"')}`;
}
