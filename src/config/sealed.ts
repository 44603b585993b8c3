import { inspect } from 'node:util';

/** A secret of the configuration. Prints as `[sealed]` wherever it is written; `open()` is called where it is used, and nowhere else. */
export class Sealed<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  open(): T {
    return this.#value;
  }

  toString(): string {
    return '[sealed]';
  }

  toJSON(): string {
    return '[sealed]';
  }

  [inspect.custom](): string {
    return '[sealed]';
  }
}
