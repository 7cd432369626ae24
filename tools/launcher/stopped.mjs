// @ts-check

/** An end that was asked for, not a failure. */
export class Stopped extends Error {
  constructor() {
    super('stopped');
  }
}

/** A failure that its message explains completely: shown without a stack trace. */
export class Refusal extends Error {}
