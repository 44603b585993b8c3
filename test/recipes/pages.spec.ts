import { describe, expect, it } from '@jest/globals';

import { faultsOf, newKey } from '../config/fixture.js';
import { blocks, exists, page, pages } from '../docs/markdown.js';

const recipes = pages('docs/recipes').filter(({ path }) => !path.endsWith('README.md'));
const nameOf = (path: string): string => /([a-z0-9-]+)\.md$/.exec(path)?.[1] ?? '';
const snippets = recipes.flatMap((recipe) =>
  blocks(recipe, 'yaml').map((yaml, at) => [`${nameOf(recipe.path)} ${at + 1}`, yaml] as const),
);

const AUTHORITY = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
const FILES = { '/var/run/secrets/kubernetes.io/serviceaccount/ca.crt': AUTHORITY };
/** Everything else that a gateway in production needs, as far as there is a setting for it. */
const ENV = {
  ENVIRONMENT: 'production',
  PUBLIC_ORIGIN: 'https://secrets.example.com',
  ROOT_KEY: newKey(),
  TENANT_SALT: newKey(),
  AUDIT_DIR: '/var/lib/postern/audit',
};

describe('the recipes', () => {
  it('are each named by the index, and each run by a test of their name', () => {
    const index = page('docs/recipes/README.md').text;
    expect(recipes.length).toBeGreaterThanOrEqual(6);
    for (const { path, text } of recipes) {
      const spec = `test/recipes/${nameOf(path)}.spec.ts`;
      expect(index).toContain(`(${nameOf(path)}.md)`);
      expect({ spec, there: exists(spec), named: text.includes(`\`${spec}\``) }).toEqual({
        spec,
        there: true,
        named: true,
      });
    }
  });

  it.each(snippets)(
    'I26: %s: production refuses nothing of it but plain bearer tokens, where it allows them',
    (_name, yaml) => {
      const own = faultsOf(ENV, `${yaml}\nproviders:\n  - { name: yaml, type: yaml }\n`, FILES).filter((fault) =>
        /^(issuers|ALLOW_UNBOUND|TENANT_|UNBOUND|JWKS)/.test(fault),
      );
      const unbound = yaml.includes('ALLOW_UNBOUND_TOKENS: true');
      expect(own).toEqual(unbound ? [expect.stringMatching(/^ALLOW_UNBOUND_TOKENS: is true/)] : []);
    },
  );
});
