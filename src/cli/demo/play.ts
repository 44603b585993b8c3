import type { Answer, Ask } from './cast.js';
import type { Expected, Scene } from './scenes.js';

/** One thing that the demonstration says is so, and whether it was. */
export interface Claim {
  readonly claim: string;
  readonly expected: string;
  readonly seen: string;
  readonly held: boolean;
}

/** A scene with what came back, one answer for each attempt. */
export interface Played {
  readonly scene: Scene;
  readonly answers: readonly Answer[];
  readonly claim: Claim;
}

/** Makes every attempt of a scene, one after the other, and compares: each must end as the scene says. */
export async function play(scene: Scene, ask: Ask): Promise<Played> {
  const answers: Answer[] = [];
  let held = true;
  for (const { by, uri, expect } of scene.attempts) {
    const answer = await ask(by, uri);
    answers.push(answer);
    held &&= meets(answer, expect);
  }
  const expected = scene.attempts.map(({ expect }) => wanted(expect)).join(', then ');
  const seen = answers.map(told).join(', then ');
  return { scene, answers, claim: { claim: scene.title, expected, seen, held } };
}

function meets(answer: Answer, { status, code, value, tells }: Expected): boolean {
  return (
    answer.status === status &&
    answer.code === code &&
    (value === undefined || answer.value === value) &&
    (tells === undefined || answer[tells] !== undefined)
  );
}

function wanted({ status, code, value, tells }: Expected): string {
  return words(status, code, value !== undefined && `value ${value}`, tells !== undefined && `and ${tells}`);
}

function told({ status, code, value, resetsAt }: Answer): string {
  const what = value === undefined ? undefined : typeof value === 'string' ? value : JSON.stringify(value);
  return words(status, code, what !== undefined && `value ${what}`, resetsAt !== undefined && `resetsAt ${resetsAt}`);
}

function words(...parts: readonly (string | number | false | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== false).join(' ');
}
