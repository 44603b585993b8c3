/** Why a key set could not be had: half a sentence for the operator, which repeats nothing that was answered. */
export class JwksFault extends Error {
  override readonly name = 'JwksFault';

  constructor(why: string, cause?: unknown) {
    super(why, cause === undefined ? undefined : { cause });
  }
}
