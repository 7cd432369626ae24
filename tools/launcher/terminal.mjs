// @ts-check
/** What people see while they wait: a spinner in a terminal, plain lines elsewhere. */

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** Where nothing can spin, a line says at times that work goes on. */
const STILL_AT_IT_MS = 5_000;

export class Terminal {
  /** @type {Map<string, () => string>} running steps, with how far they are */
  #steps = new Map();
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  #frame = 0;

  /** @param {NodeJS.WriteStream} [stream] */
  constructor(stream = process.stdout) {
    this.stream = stream;
    this.isTerminal = Boolean(stream.isTTY);
    this.hasColour = this.isTerminal && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb';
  }

  /**
   * Shows that `work` is being done, for how long, and how far it is.
   *
   * @template T
   * @param {string} doing
   * @param {string} done
   * @param {() => Promise<T>} work
   * @param {() => string} [progress] in a few words
   * @returns {Promise<T>}
   */
  async step(doing, done, work, progress = () => '') {
    const began = Date.now();
    this.#steps.set(doing, () => [`${doing} ${seconds(began)}`, progress()].filter(Boolean).join(': '));
    this.#animate();
    if (!this.isTerminal) this.#write(`… ${doing}\n`);
    try {
      const result = await work();
      this.#end(doing);
      this.print(`${this.green('✔')} ${done} ${this.dim(seconds(began))}`);
      return result;
    } catch (error) {
      this.#end(doing);
      throw error;
    }
  }

  /** @param {string} text whole lines */
  print(text) {
    this.#clear();
    this.#write(`${text}\n`);
    this.#draw();
  }

  /** @param {string} text */
  warn(text) {
    this.print(`${this.yellow('!')} ${text}`);
  }

  /** @param {string} text */
  fail(text) {
    this.print(`${this.red('✘')} ${text}`);
  }

  bold = this.#painter(1);
  dim = this.#painter(2);
  red = this.#painter(31);
  green = this.#painter(32);
  yellow = this.#painter(33);
  cyan = this.#painter(36);

  /** @param {number} code */
  #painter(code) {
    return (/** @type {string} */ text) => (this.hasColour ? `\u001b[${code}m${text}\u001b[0m` : text);
  }

  /** @param {string} doing */
  #end(doing) {
    this.#clear();
    this.#steps.delete(doing);
    this.#animate();
  }

  #animate() {
    clearInterval(this.#timer);
    if (this.#steps.size === 0) return;
    this.#timer = setInterval(
      () => {
        if (this.isTerminal) {
          this.#frame = (this.#frame + 1) % FRAMES.length;
          this.#clear();
          this.#draw();
        } else {
          for (const state of this.#steps.values()) this.#write(`… ${state()}\n`);
        }
      },
      this.isTerminal ? 100 : STILL_AT_IT_MS,
    );
    this.#timer.unref();
  }

  /** The spinner is one line, the cursor stays in it. */
  #draw() {
    if (!this.isTerminal || this.#steps.size === 0) return;
    const steps = [...this.#steps.values()].map((state) => state()).join(', ');
    const room = (this.stream.columns ?? 80) - 3;
    this.#write(`${this.cyan(FRAMES[this.#frame] ?? '')} ${steps.slice(0, room)}`);
  }

  #clear() {
    if (this.isTerminal) this.#write('\r\u001b[K');
  }

  /** @param {string} text */
  #write(text) {
    // The reader may have gone (`npm start | head`); there is nobody left to tell.
    if (!this.stream.destroyed) this.stream.write(text);
  }
}

/** @param {number} began */
function seconds(began) {
  return `${((Date.now() - began) / 1000).toFixed(1)} s`;
}
