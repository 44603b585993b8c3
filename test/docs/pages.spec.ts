import { posix } from 'node:path';

import { describe, expect, it } from '@jest/globals';

import { anchorsOf, blocks, exists, linksOf, page, pages, prose } from './markdown.js';

const all = pages();
const named = all.map((each) => [each.path, each] as const);

describe('every page', () => {
  it('is found', () => {
    const paths = all.map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining(['README.md', 'docs/one-secret-read.md', 'libs/client/README.md', 'SECURITY.md']),
    );
    expect(paths.filter((path) => path.includes('node_modules'))).toEqual([]);
  });

  it.each(named)('%s links to files and headings that are there', (path, each) => {
    const broken = linksOf(each).flatMap(({ target, anchor }) => {
      const file = target === '' ? path : posix.normalize(posix.join(posix.dirname(path), target));
      if (!exists(file)) return `${target} is not there`;
      if (anchor === undefined || !file.endsWith('.md')) return [];
      return anchorsOf(page(file)).has(anchor) ? [] : `${file} has no heading #${anchor}`;
    });
    expect(broken).toEqual([]);
  });

  it.each(named)('%s names files and folders of the repository that are there', (_, each) => {
    const paths = [...prose(each).matchAll(/`((?:src|libs|test|docs|policies|config)\/[\w./-]+)`/g)].flatMap(
      ([, path = '']) => path,
    );
    expect(paths.filter((path) => !exists(path))).toEqual([]);
  });

  it.each(named)('%s names npm scripts that are there', (_, each) => {
    const { scripts } = JSON.parse(page('package.json').text) as { scripts: Record<string, string> };
    const used = [...each.text.matchAll(/\bnpm (?:run (?:-s )?([a-z]+)|(start|test)\b)/g)].map(
      ([, run, alone]) => run ?? alone ?? '',
    );
    expect(used.filter((name) => scripts[name] === undefined)).toEqual([]);
  });
});

describe('the decisions', () => {
  const decisions = all.filter(({ path }) => path.startsWith('docs/decisions/'));

  it('are numbered without gaps, in file names and in titles', () => {
    const numbers = decisions.map(({ path }) => Number(/\/(\d{4})-[a-z0-9-]+\.md$/.exec(path)?.[1]));
    expect(numbers.sort((a, b) => a - b)).toEqual(decisions.map((_, at) => at + 1));
    for (const { path, text } of decisions) {
      expect(text).toMatch(new RegExp(`^# ${Number(/\d{4}/.exec(path)?.[0])}\\. \\S`));
    }
  });

  it.each(decisions.map((each) => [each.path, each] as const))(
    '%s says context, decision, alternatives, downsides and when to revisit, in this order',
    (_, { text }) => {
      const parts = [...text.matchAll(/^\*\*(Context|Decision|Alternatives|Downsides|Revisit when)\b/gm)];
      expect(parts.map(([, part]) => part)).toEqual([
        'Context',
        'Decision',
        'Alternatives',
        'Downsides',
        'Revisit when',
      ]);
    },
  );
});

describe('docs/policies.md', () => {
  const policies = page('docs/policies.md');

  it('shows policies that stand in the policy set', () => {
    const [first = '', second = '', ...more] = blocks(policies, 'cedar');
    expect(more).toEqual([]);
    expect(page('policies/tenants/local/payments.cedar').text).toContain(first);
    expect(page('policies/tenants/local/ops.cedar').text).toContain(second);
    expect(second).not.toBe('');
  });

  it('shows a case that stands among the cases', () => {
    const [shown, ...more] = blocks(policies, 'yaml');
    expect(more).toEqual([]);
    expect(page('policies/cases/payments.yaml').text).toContain(shown);
  });
});
