// @ts-check
/** What the children write: all of it to files that rotate, what matters (or all of it) to the terminal. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import pretty from 'pino-pretty';
import { createStream } from 'rotating-file-stream';

const LOUD = new Set(['warn', 'error', 'fatal']);

/** What most lines begin with: they need not be read to be left out. */
const QUIET = /^\{"level":"(?:info|debug|trace)"/;

/** Of each child, for when it fails. */
const LAST_LINES = 30;

/** The file itself and nine older ones. */
const ROTATION = /** @type {const} */ ({ size: '10M', rotate: 9 });

/**
 * @typedef {object} ChildLog
 * @property {(chunk: Buffer) => void} write
 * @property {() => string} last the last lines, for people
 */

export class Logs {
  /** @type {Set<import('node:stream').Writable>} */
  #files = new Set();

  /** @param {string} folder @param {import('./terminal.mjs').Terminal} terminal @param {boolean} verbose */
  constructor(folder, terminal, verbose) {
    this.folder = folder;
    this.terminal = terminal;
    this.verbose = verbose;
    this.format = pretty.prettyFactory({
      colorize: terminal.hasColour,
      singleLine: true,
      ignore: 'pid,service',
      messageFormat: '{service}: {msg}',
      translateTime: 'SYS:HH:MM:ss',
    });
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /** An app's log: JSON lines, and whatever else a crash makes it write. @param {string} name @returns {ChildLog} */
  forApp(name) {
    return this.#open(name, (line) => {
      if (!this.verbose && QUIET.test(line)) return undefined;
      const entry = parse(line);
      if (!entry) return `${this.terminal.yellow(`${name}:`)} ${line}`;
      return this.verbose || LOUD.has(String(entry['level'])) ? this.format(entry).trimEnd() : undefined;
    });
  }

  /**
   * The log of a server, or of a task that reports its failure: only what ends a server is for everybody to see.
   *
   * @param {string} name
   * @returns {ChildLog}
   */
  forServer(name) {
    return this.#open(name, (line) =>
      this.verbose || /\b(FATAL|PANIC)\b/.test(line) ? `${this.terminal.dim(`${name}:`)} ${line}` : undefined,
    );
  }

  /** Writes out what is waiting. */
  async close() {
    await Promise.all([...this.#files].map((file) => new Promise((resolve) => file.end(() => resolve(undefined)))));
  }

  /** @param {string} name @param {(line: string) => string | undefined} show @returns {ChildLog} */
  #open(name, show) {
    const file = createStream((index) => (index ? `${name}.${index}.log` : `${name}.log`), {
      ...ROTATION,
      path: this.folder,
      mode: 0o600,
    });
    file.on('error', (error) => this.terminal.warn(`${join(this.folder, `${name}.log`)}: ${error.message}`));
    this.#files.add(file);

    const decoder = new StringDecoder('utf8');
    /** @type {string[]} */
    const last = [];
    let rest = '';
    return {
      write: (chunk) => {
        file.write(chunk);
        const lines = (rest + decoder.write(chunk)).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines.filter((each) => each.trim())) {
          last.push(line);
          if (last.length > LAST_LINES) last.shift();
          const shown = show(line);
          if (shown !== undefined) this.terminal.print(shown);
        }
      },
      last: () =>
        [...last, rest]
          .map((line) => this.#readable(line))
          .join('\n')
          .trim(),
    };
  }

  /** @param {string} line */
  #readable(line) {
    const entry = parse(line);
    return entry ? this.format(entry).trimEnd() : line;
  }
}

/** @param {string} line @returns {Record<string, unknown> | undefined} */
function parse(line) {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
