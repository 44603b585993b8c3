import { randomUUID } from 'node:crypto';

import { describe, expect, it } from '@jest/globals';

import { type Changes, makeKey, mintJws, type SigningKey } from '../support/tokens.js';
import { recipeOf, strangerOf } from './recipe.js';

const ISSUER = 'https://token.actions.githubusercontent.com';
const key = makeKey('RS256', '38826b17-6a30-5f9b-b169-8beb8202f723');
const OURS = 'repo:octo-org/payments:environment:production';

function mint({ by = key, claims = {} }: { by?: SigningKey; claims?: Changes } = {}): string {
  const now = Math.floor(Date.now() / 1000);
  return mintJws({
    key: by,
    header: { typ: 'JWT', alg: 'RS256', x5t: 'example-thumbprint', kid: key.kid },
    claims: {
      jti: randomUUID(),
      sub: OURS,
      environment: 'production',
      aud: 'crud.secrets',
      ref: 'refs/heads/main',
      sha: 'a94a8fe5ccb19ba61c4c0873d391e987982fbbd3',
      repository: 'octo-org/payments',
      repository_owner: 'octo-org',
      actor_id: '12',
      repository_visibility: 'private',
      repository_id: '74',
      repository_owner_id: '65',
      run_id: '1234567890',
      run_number: '10',
      run_attempt: '2',
      runner_environment: 'github-hosted',
      actor: 'octocat',
      workflow: 'deploy',
      head_ref: '',
      base_ref: '',
      event_name: 'workflow_dispatch',
      ref_type: 'branch',
      job_workflow_ref: 'octo-org/payments/.github/workflows/deploy.yml@refs/heads/main',
      iss: ISSUER,
      nbf: now - 900,
      exp: now + 900,
      iat: now,
      ...claims,
    },
  });
}

describe('recipe github-actions: tokens of workflows', () => {
  const recipe = recipeOf('github-actions', key);
  const strict = recipeOf('github-actions', key, { unbound: false });
  const ask = async (claims: Changes = {}, by = key) => await recipe().gateway.ask(mint({ claims, by }));

  it('is permitted what the policy says, as the environment of the repository', async () => {
    expect(await ask()).toEqual({ answer: 'permit', check: undefined });
    expect(await recipe().gateway.caller()).toMatchObject({ tenant: 'acme', iss: ISSUER, sub: OURS, client_id: OURS });
    expect(recipe().server.requests).toEqual([`GET ${recipe().jwksPath}`]);
  });

  it.each([
    ['A10: a token of another owner', { repository_owner_id: '66' }, 'A10 claim'],
    ['A10: a token of another owner who took our name', { repository_owner_id: '6512345' }, 'A10 claim'],
    ['A10: a token whose owner is a number', { repository_owner_id: 65 }, 'A10 claim'],
    ['A10: a token without an owner', { repository_owner_id: undefined }, 'A10 claim'],
    ['A5: a token for the default audience', { aud: 'https://github.com/octo-org' }, 'A5 aud'],
    ['J7: a token of an enterprise issuer', { iss: `${ISSUER}/octo-enterprise` }, 'J7 issuer'],
    ['T3: a token that lives an hour', { exp: Math.floor(Date.now() / 1000) + 3600 }, 'T3 lifetime'],
  ])('%s is refused', async (_what, claims: Changes, check) => {
    expect(await ask(claims)).toEqual({ answer: '401 INVALID_TOKEN', check });
  });

  it('J7: a token that another key signed under the same kid is refused', async () => {
    expect(await ask({}, strangerOf(key))).toEqual({ answer: '401 INVALID_TOKEN', check: 'J3 signature' });
  });

  it.each([
    'repo:octo-org/payments:pull_request',
    'repo:octo-org/payments:ref:refs/heads/main',
    'repo:octo-org/payments:environment:production2',
    'repo:octo-org/payments-evil:environment:production',
  ])('%s of our organisation is denied', async (sub) => {
    expect((await ask({ sub })).answer).toBe('403 DENIED');
  });

  it('I20: is refused where plain bearer tokens are not allowed', async () => {
    expect((await strict().gateway.ask(mint())).answer).toBe('401 BINDING_REQUIRED');
  });
});
