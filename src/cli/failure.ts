/** What ends the command: one message for people, and how the process ends (1 = refused, 2 = could not even ask). */
export class Failure extends Error {
  override readonly name = 'Failure';

  constructor(
    message: string,
    readonly exitCode: 1 | 2,
  ) {
    super(message);
  }
}

/** To stdout: the result, which another program may read. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** To stderr: words about the result. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
