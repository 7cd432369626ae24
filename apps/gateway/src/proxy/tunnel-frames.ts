/** RFC 6455 5.2: two bytes, eight of length and four of a mask. */
const LONGEST_HEAD = 14;

/**
 * Where the frames end in what a WebSocket server sends, by their lengths alone: between two frames, and nowhere else,
 * somebody in between may say something of its own.
 */
export class Frames {
  readonly #head = Buffer.alloc(LONGEST_HEAD);
  #known = 0;
  #payload = 0;

  /** Whether what has passed ends with a whole frame. */
  get whole(): boolean {
    return this.#known === 0 && this.#payload === 0;
  }

  /**
   * Follows the frames through some more bytes.
   *
   * @param untilWhole stop where a frame ends
   * @returns how many of the bytes were looked at
   */
  follow(bytes: Buffer, untilWhole = false): number {
    let at = 0;
    while (at < bytes.length && !(untilWhole && this.whole)) {
      if (this.#payload > 0) {
        const step = Math.min(this.#payload, bytes.length - at);
        this.#payload -= step;
        at += step;
      } else {
        this.#head[this.#known++] = bytes[at++] as number;
        if (this.#known >= 2 && this.#known === this.#headLength()) this.#begin();
      }
    }
    return at;
  }

  #begin(): void {
    const short = (this.#head[1] as number) & 0x7f;
    this.#known = 0;
    this.#payload =
      short < 126 ? short : short === 126 ? this.#head.readUInt16BE(2) : Number(this.#head.readBigUInt64BE(2));
  }

  #headLength(): number {
    const second = this.#head[1] as number;
    const short = second & 0x7f;
    return 2 + (short === 127 ? 8 : short === 126 ? 2 : 0) + (second & 0x80 ? 4 : 0);
  }
}

/** A server's frame that closes (RFC 6455 5.5.1). */
export function closeFrame(code: number, reason: string): Buffer {
  const text = Buffer.from(reason);
  const frame = Buffer.alloc(4 + text.length);
  frame.writeUInt8(0x88, 0);
  frame.writeUInt8(2 + text.length, 1);
  frame.writeUInt16BE(code, 2);
  text.copy(frame, 4);
  return frame;
}
