import { readFileSync, writeFileSync } from 'node:fs';

import { describe, expect, it } from '@jest/globals';

import { CODES } from '#libs/kernel/codes.js';
import { GUIDE } from '#src/http/error-guide.js';
import { renderErrors } from '#src/http/errors-page.js';
import { PROBLEMS, problemType } from '#src/http/problems.js';

const PAGE = new URL('../../docs/errors.md', import.meta.url);

/** `WRITE_DOCS=1 npm run jest -- test/http/errors-page` writes the page instead of comparing it. */
if (process.env['WRITE_DOCS'] === '1') writeFileSync(PAGE, renderErrors());

const page = readFileSync(PAGE, 'utf8');

describe('docs/errors.md', () => {
  it('is what the source renders', () => {
    expect(page).toBe(renderErrors());
  });

  it('has one heading for each code of the closed union, and no other', () => {
    const headings = [...page.matchAll(/^## (.+)$/gm)].map(([, code]) => code);
    expect(headings).toEqual([...CODES]);
  });

  it('names the type of each problem', () => {
    for (const code of CODES) expect(page).toContain(`\`${problemType(code)}\``);
  });
});

describe('the record of problems', () => {
  it('has one row and one guide for each code', () => {
    expect(Object.keys(PROBLEMS).sort()).toEqual([...CODES].sort());
    expect(Object.keys(GUIDE).sort()).toEqual([...CODES].sort());
  });

  it('ends each type in the code, in kebab-case', () => {
    expect(problemType('INVALID_DPOP_PROOF')).toBe('urn:postern:problem:invalid-dpop-proof');
  });

  it('has a title of its own for each code', () => {
    expect(new Set(CODES.map((code) => PROBLEMS[code].title)).size).toBe(CODES.length);
  });

  it('answers attackers with the statuses of the closed list, and 5xx only for what is ours', () => {
    const ours = new Set([
      'INTERNAL',
      'BAD_PROVIDER_ANSWER',
      'UNAVAILABLE',
      'GRANT_CONTENTION',
      'QUOTA_UNKNOWN',
      'RESULT_UNRECORDED',
    ]);
    const theirs = [400, 401, 403, 404, 405, 408, 409, 413, 414, 415, 417, 421, 429, 431];
    for (const code of CODES) {
      if (ours.has(code)) expect(PROBLEMS[code].status).toBeGreaterThanOrEqual(500);
      else expect(theirs).toContain(PROBLEMS[code].status);
    }
  });
});
