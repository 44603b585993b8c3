import { describe, expect, it } from '@jest/globals';

import { quoted } from '#libs/kernel/quoted.js';

describe('what a caller sent, when it is repeated', () => {
  it.each([
    ['', '""'],
    ['a b~', '"a b~"'],
    ['x'.repeat(64), `"${'x'.repeat(64)}"`],
    ['x'.repeat(65), `"${'x'.repeat(64)}..."`],
    ['x'.repeat(64) + '\0', `"${'x'.repeat(64)}..."`],
  ])('%j is shown as %j', (text, shown) => {
    expect(quoted(text)).toBe(shown);
  });

  it.each(['\0', 'a\n', 'a\u001fb', '\u007f', '\u00e9', '\ud800', 'a"b', 'a\\b', '\u202e'])(
    '%j is not shown',
    (text) => {
      expect(quoted(text)).toBe('(not printable)');
    },
  );
});
