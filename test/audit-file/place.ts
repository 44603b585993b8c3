import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll } from '@jest/globals';

/** A fresh folder for one test; all go when the suite ends. */
export function place(): string {
  const dir = mkdtempSync(join(tmpdir(), 'postern-audit-'));
  places.push(dir);
  return join(dir, 'audit');
}

const places: string[] = [];
afterAll(() => {
  for (const dir of places) rmSync(dir, { recursive: true, force: true });
});

/** The lines of all segments, in the order of their names. */
export function linesIn(dir: string): string[] {
  return segmentsIn(dir).flatMap((name) => readFileSync(join(dir, name), 'utf8').split('\n').slice(0, -1));
}

export function segmentsIn(dir: string): string[] {
  return readdirSync(dir).sort();
}
