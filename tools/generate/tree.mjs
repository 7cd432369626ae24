// @ts-check
/** The files of the project as they are to become. Nothing is written before all of it is known to fit. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { Refusal } from '../launcher/stopped.mjs';

export class Tree {
  /** @type {Map<string, string>} */
  #texts = new Map();

  /** @param {string} root */
  constructor(root) {
    this.root = root;
  }

  get files() {
    return [...this.#texts.keys()].sort();
  }

  /** @param {string} file */
  has(file) {
    return this.#texts.has(file) || existsSync(join(this.root, file));
  }

  /**
   * @param {string} file
   * @throws Refusal when there is none
   */
  read(file) {
    if (!this.has(file)) throw new Refusal(`there is no ${file}`);
    return this.#texts.get(file) ?? readFileSync(join(this.root, file), 'utf8');
  }

  /**
   * @param {string} file
   * @param {string} text
   * @throws Refusal when there is one
   */
  add(file, text) {
    if (this.has(file)) throw new Refusal(`${file} exists already`);
    this.#texts.set(file, text);
  }

  /**
   * Puts text into a file, in front of the last match or, with `$&` at its beginning, behind it.
   *
   * @param {string} file
   * @param {RegExp} place matches once, or the first match counts
   * @param {string} text
   */
  insert(file, place, text) {
    const before = this.read(file);
    if (!place.test(before)) throw new Refusal(`${file} is not as it was expected: ${place} is nowhere in it`);
    this.#texts.set(file, before.replace(place, text));
  }

  /** @param {string} file an import goes in front of the first one @param {string} line */
  addImport(file, line) {
    this.insert(file, /^import /m, `${line}\n$&`);
  }

  /** @returns {Promise<string[]>} the files */
  async write() {
    for (const [file, text] of this.#texts) {
      const path = join(this.root, file);
      const isNew = !existsSync(path);
      mkdirSync(dirname(path), { recursive: true });
      const style = await resolveConfig(join(this.root, 'package.json'));
      writeFileSync(path, isNew ? await format(text, { ...style, filepath: path }) : text);
    }
    return this.files;
  }
}
