// @ts-check
/** The files of the project as they are to become. Nothing is written before all of it is known to fit. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { check, format, resolveConfig } from 'prettier';
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
   * @param {string} file
   * @param {RegExp} place the first match is replaced
   * @param {string} text in which `$&` stands for the match
   */
  insert(file, place, text) {
    const before = this.read(file);
    if (!place.test(before)) throw new Refusal(`${file} is not as it was expected: ${place} is nowhere in it`);
    this.#texts.set(file, before.replace(place, text));
  }

  /** @param {string} file @param {string} line an import of a file of the project: after those of packages, if there are such */
  addImport(file, line) {
    const own = /^import [^\n]* from '\.\.?\//m;
    this.insert(file, own.test(this.read(file)) ? own : /^import /m, `${line}\n$&`);
  }

  /** @returns {Promise<string[]>} the files */
  async write() {
    for (const [file, text] of this.#texts) {
      const path = join(this.root, file);
      const style = { ...(await resolveConfig(path)), filepath: path };
      // What was not in this form before is left as it is.
      const tidy = !existsSync(path) || (await check(readFileSync(path, 'utf8'), style));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, tidy ? await format(text, style) : text);
    }
    return this.files;
  }
}
