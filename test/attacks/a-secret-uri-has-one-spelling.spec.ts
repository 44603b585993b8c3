import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import type { Code } from '#libs/kernel/codes.js';
import { providerNames } from '#libs/kernel/provider-names.js';
import { Refusal } from '#libs/kernel/refusal.js';
import { parseSecretUri } from '#libs/kernel/secret-uri.js';
import { PROBLEMS } from '#src/http/problems.js';

import { HOSTILE } from '../kernel/hostile-uris.js';
import { type Attack, type Expected, expectNothingTold, Target } from '../support/attack.js';
import { type Gateway, valuePath } from '../support/gateway.js';

let target: Target;
let gateway: Gateway;
beforeAll(async () => {
  target = await Target.start();
  ({ gateway } = target);
});
afterAll(async () => await target.close());

const VALUE = '/api/secrets/value';
const READ = '/api/secrets/read';
const YAML = providerNames([{ name: 'yaml' }]);

/** The corpus of the grammar's own tests, about a provider that there is here. */
const TEXTS: readonly string[] = [
  // Not the paths of another vault's API: a folder of a file may be called `data`.
  ...new Set(
    HOSTILE.filter(([, code]) => code !== 'API_PATH_IN_URI').map(([text]) => text.replaceAll('openbao', 'yaml')),
  ),
];

/** For the second route of each form, which reads like the first. */
const SOME: readonly string[] = TEXTS.filter((_, at) => at % 6 === 0);

/** What the one parser says of a text; every place where a URI is taken must say the same. */
function refusalOf(text: string): Expected {
  try {
    parseSecretUri(text, YAML);
  } catch (error) {
    if (error instanceof Refusal) return expectedOf(error.code);
    throw error;
  }
  throw new Error(`${text} is accepted`);
}

function expectedOf(code: Code): Expected {
  return `${PROBLEMS[code].status} ${code}`;
}

/** Each place, what it does to a text on the wire, and what it refuses before a parser sees it. */
const PLACES: readonly (readonly [string, readonly string[], (text: string) => Attack])[] = [
  ['in the path of /value', TEXTS, (text) => inTarget(text, (encoded) => `${VALUE}/${encoded}`)],
  ['in the path of /read', SOME, (text) => inTarget(text, (encoded) => `${READ}/${encoded}`)],
  ['in the query of /value', TEXTS, (text) => inTarget(text, (encoded) => `${VALUE}?uri=${encoded}`)],
  ['in the query of /api/secrets', SOME, (text) => inTarget(text, (encoded) => `/api/secrets?uri=${encoded}`)],
  ['in a body', TEXTS, inBody],
];

function inTarget(text: string, targetOf: (encoded: string) => string): Attack {
  const encoded = encodeURIComponent(text.toWellFormed());
  const asked = targetOf(encoded);
  const early = earlyRefusal(asked, encoded);
  return {
    title: text,
    // A proof for a path of so many characters is itself too long: then the plain token, which dev and test take.
    sends: async ({ mint, read }) =>
      await (asked.length < 2_000
        ? read(asked)
        : read(asked, { token: mint({ boundTo: null }), scheme: 'Bearer', proof: null })),
    refused: early?.[0] ?? refusalOf(text.toWellFormed()),
    check: early === undefined ? '*' : early[1],
  };
}

/** By length, or because an empty last segment is no address. */
function earlyRefusal(asked: string, encoded: string): readonly [Expected, string | null] | undefined {
  if (asked.length > 15_000) return ['431 HEADERS_TOO_LARGE', null];
  if (asked.length > 4_096) return ['414 TARGET_TOO_LONG', null];
  if (encoded.length > 3_200) return ['414 TARGET_TOO_LONG', asked.includes('?') ? 'uri length' : null];
  return asked.endsWith('/') ? ['404 NOT_FOUND', null] : undefined;
}

function inBody(text: string): Attack {
  const body = JSON.stringify({ uri: text });
  const shape: readonly [Expected, string | null] | undefined =
    Buffer.byteLength(body) > 8_192
      ? ['413 BODY_TOO_LARGE', null]
      : text.isWellFormed()
        ? undefined
        : ['400 INVALID_REQUEST', 'body lone surrogate'];
  return {
    title: text,
    sends: async ({ read }) => await read(VALUE, { method: 'POST', body }),
    refused: shape?.[0] ?? refusalOf(text),
    check: shape === undefined ? '*' : shape[1],
  };
}

describe('N11, T14: a text that names no secret', () => {
  it.each(PLACES)('is refused %s as the one parser refuses it', async (_place, texts, attackOf) => {
    for (const text of texts) {
      const attack = attackOf(text);
      try {
        await target.refuses(attack);
      } catch (error) {
        throw new Error(`${JSON.stringify(text.slice(0, 80))}: ${String(error)}`, { cause: error });
      }
    }
  });
});

/** Paths as they stand on the wire, and what must come of them. */
const PATHS: readonly (readonly [string, string, Expected, string | null])[] = [
  ['T14: slashes that are not encoded', `${VALUE}/yaml://kv/app/api`, '404 NOT_FOUND', null],
  ['T14: dot segments', `${VALUE}/yaml%3A%2F%2Fkv%2Fapp%2Fapi/../../../sys/seal`, '404 NOT_FOUND', null],
  ['T14: dot segments back to an address', `/x/..${VALUE}/yaml%3A%2F%2Fkv%2Fapp%2Fapi`, '404 NOT_FOUND', null],
  ['T14: escaped dot segments', `/x/%2e%2e${VALUE}/yaml%3A%2F%2Fkv%2Fapp%2Fapi`, '404 NOT_FOUND', null],
  [
    'T14: dot segments inside the URI',
    `${VALUE}/yaml%3A%2F%2Fkv%2Fapp%2F..%2Fplans%2Fnext`,
    '400 ILLEGAL_SEGMENT',
    'uri reserved segment',
  ],
  [
    'T14: escaped dots inside the URI',
    `${VALUE}/yaml%3A%2F%2Fkv%2Fapp%2F%2e%2e%2Fplans`,
    '400 ILLEGAL_SEGMENT',
    'uri reserved segment',
  ],
  ['T14: encoded twice', `${VALUE}/yaml%253A%252F%252Fkv%252Fapp`, '400 ILLEGAL_SEGMENT', 'uri percent'],
  [
    'T14: dots encoded twice',
    `${VALUE}/yaml%3A%2F%2Fkv%2Fapp%2F%252e%252e%2Fplans`,
    '400 ILLEGAL_SEGMENT',
    'uri percent',
  ],
  ['T14: a slash encoded twice', `${VALUE}/yaml%3A%2F%2Fkv%2Fapp%252Fapi`, '400 ILLEGAL_SEGMENT', 'uri percent'],
  ['T14: encoded three times', `${VALUE}/yaml%25253A`, '400 ILLEGAL_SEGMENT', 'uri percent'],
  ['T14: a NUL', `${VALUE}/yaml%3A%2F%2Fkv%2Fapp%2Fapi%00`, '400 ILLEGAL_SEGMENT', 'uri segment'],
  [
    'T14: a NUL before the key',
    `${VALUE}/yaml%3A%2F%2Fkv%2Fapp%2Fapi%00%23token`,
    '400 ILLEGAL_SEGMENT',
    'uri segment',
  ],
  ['T14: a line end', `${VALUE}/yaml%3A%2F%2Fkv%2Fapp%2Fapi%0d%0a`, '400 ILLEGAL_SEGMENT', 'uri segment'],
  ['T14: a backslash', `${VALUE}/yaml%3A%2F%2Fkv%5Capp%2Fapi`, '400 ILLEGAL_SEGMENT', 'uri segment'],
  ['T14: a raw backslash', `${VALUE}/yaml%3A%2F%2Fkv\\app`, '400 INVALID_REQUEST', null],
  ['T14: a path parameter', `${VALUE}/yaml%3A%2F%2Fkv%2Fapp%2Fapi;x=1`, '400 ILLEGAL_SEGMENT', 'uri segment'],
  ['T14: a path parameter in the fixed part', `/api/secrets;x/value/yaml%3A%2F%2Fkv%2Fapp`, '404 NOT_FOUND', null],
  ['T14: a fragment', `${VALUE}/yaml%3A%2F%2Fkv%2Fapp%2Fapi#token`, '400 INVALID_REQUEST', null],
  [
    'T14: overlong UTF-8 for a dot',
    `${VALUE}/yaml%3A%2F%2Fkv%2Fapp%2F%c0%ae%c0%ae%2Fplans`,
    '400 INVALID_REQUEST',
    null,
  ],
  ['T14: overlong UTF-8 for a slash', `${VALUE}/yaml%3A%2F%2Fkv%c0%afapp`, '400 INVALID_REQUEST', null],
  ['T14: a surrogate in UTF-8', `${VALUE}/yaml%3A%2F%2Fkv%2F%ed%a0%80`, '400 INVALID_REQUEST', null],
  ['T14: half an escape', `${VALUE}/yaml%3`, '400 INVALID_REQUEST', null],
  ['T14: an escape of another kind', `${VALUE}/yaml%u003A`, '400 INVALID_REQUEST', null],
  [
    'T14: full-width letters',
    `${VALUE}/${encodeURIComponent('yaml://kv/\uff0e\uff0e/plans')}`,
    '400 ILLEGAL_SEGMENT',
    'uri segment',
  ],
  ['N12: the mount in other letters', valuePath('yaml://KV/app/api'), '403 TENANT_MOUNT_MISMATCH', 'mount'],
  ['N12: a mount that ours begins', valuePath('yaml://kv2/app/api'), '403 TENANT_MOUNT_MISMATCH', 'mount'],
  ['N12: a mount that begins ours', valuePath('yaml://k/app/api'), '403 TENANT_MOUNT_MISMATCH', 'mount'],
  ['N12: a mount of nobody', valuePath('yaml://nowhere/app/api'), '403 TENANT_MOUNT_MISMATCH', 'mount'],
  [
    "N12: another tenant's provider is as if it did not exist",
    valuePath('side://vault/app/api'),
    '400 UNSUPPORTED_PROVIDER',
    'uri provider',
  ],
  ['N12: a provider that there is not', valuePath('aside://vault/app/api'), '400 UNSUPPORTED_PROVIDER', 'uri provider'],
  ['T14: a trailing slash', `${VALUE}/yaml%3A%2F%2Fkv%2Fapp%2Fapi/`, '404 NOT_FOUND', null],
  ['T14: a slash twice', `/api//secrets/value/yaml%3A%2F%2Fkv%2Fapp`, '404 NOT_FOUND', null],
  ['T14: other letters in the fixed part', `/API/secrets/value/yaml%3A%2F%2Fkv%2Fapp`, '404 NOT_FOUND', null],
  [
    'T14: an escaped letter in the fixed part',
    `/api/secrets/%76alue/yaml%3A%2F%2Fkv%2Fapp`,
    '404 NOT_FOUND',
    'escaped path',
  ],
  ['T14: an escaped slash in the fixed part', `/api/secrets%2Fvalue/yaml%3A%2F%2Fkv%2Fapp`, '404 NOT_FOUND', null],
];

const QUERIES: readonly (readonly [string, string, Expected, string | null])[] = [
  ['uri twice', '?uri=yaml%3A%2F%2Fkv%2Fplans&uri=yaml%3A%2F%2Fkv%2Fapp%2Fapi', '400 INVALID_REQUEST', 'uri twice'],
  ['URI in other letters', '?URI=yaml%3A%2F%2Fkv%2Fapp', '400 INVALID_REQUEST', 'query parameter'],
  ['uri as a list', '?uri[]=yaml%3A%2F%2Fkv%2Fapp', '400 INVALID_REQUEST', null],
  ['uri as an escaped list', '?uri%5B%5D=yaml%3A%2F%2Fkv%2Fapp', '400 INVALID_REQUEST', 'query parameter'],
  ['an escaped name', '?%75ri=yaml%3A%2F%2Fkv%2Fapp', '400 INVALID_REQUEST', 'query parameter'],
  ['another parameter beside it', '?uri=yaml%3A%2F%2Fkv%2Fapp%2Fapi&x=1', '400 INVALID_REQUEST', 'query parameter'],
  ['another parameter before it', '?x=1&uri=yaml%3A%2F%2Fkv%2Fapp%2Fapi', '400 INVALID_REQUEST', 'query parameter'],
  ['a separator behind it', '?uri=yaml%3A%2F%2Fkv%2Fapp%2Fapi&', '400 INVALID_REQUEST', 'query parameter'],
  ['a semicolon as separator', '?x=1;uri=yaml%3A%2F%2Fkv%2Fapp', '400 INVALID_REQUEST', 'query parameter'],
  ['a raw plus', '?uri=yaml+kv2%3A%2F%2Fkv%2Fapp', '400 INVALID_REQUEST', 'plus in query'],
  ['no uri', '', '400 INVALID_REQUEST', 'no uri'],
  ['a bare question mark', '?', '400 INVALID_REQUEST', 'no uri'],
  ['a name without a value', '?uri', '400 ILLEGAL_SEGMENT', 'uri scheme'],
  ['an empty value', '?uri=', '400 ILLEGAL_SEGMENT', 'uri scheme'],
  ['a key that was not encoded', '?uri=yaml://kv/app/api#token', '400 INVALID_REQUEST', null],
  ['a version beside the URI', '?uri=yaml%3A%2F%2Fkv%2Fapp%2Fapi&version=1', '400 INVALID_REQUEST', 'query parameter'],
  ['__proto__', '?__proto__=a', '400 INVALID_REQUEST', 'query parameter'],
  ['a second question mark', '?uri=yaml%3A%2F%2Fkv%2Fapp%2Fapi?uri=b', '400 UNKNOWN_PARAMETER', 'uri parameter'],
  ['an escape that is no UTF-8', '?uri=%ff', '400 INVALID_REQUEST', 'uri encoding'],
];

describe('T14, N12: a path that two readers read differently', () => {
  it.each(PATHS)('%s', async (title, asked, refused, check) => {
    await target.refuses({ title, sends: async ({ read }) => await read(asked), refused, check });
  });
});

describe('T14: a query that two readers read differently', () => {
  it.each(QUERIES)('%s', async (title, query, refused, check) => {
    for (const path of [VALUE, '/api/secrets']) {
      await target.refuses({ title, sends: async ({ read }) => await read(`${path}${query}`), refused, check });
    }
  });

  it.each([`${VALUE}/yaml%3A%2F%2Fkv%2Fapp%2Fapi`, `${READ}/yaml%3A%2F%2Fkv%2Fapp%2Fapi`])(
    'the path form %s takes no query at all',
    async (path) => {
      for (const query of ['?uri=yaml%3A%2F%2Fkv%2Fplans', '?version=1', '?a', '?destroy=true']) {
        await target.refuses({
          title: '',
          sends: async ({ read }) => await read(`${path}${query}`),
          refused: '400 INVALID_REQUEST',
          check: 'query parameter',
        });
      }
    },
  );
});

describe('a text that names a secret', () => {
  it('N11: is one secret in each place, also in the spellings that are folded', async () => {
    const answers = [
      await gateway.read(valuePath('yaml://kv/app/api#token')),
      await gateway.read(valuePath('YAML://kv/app/api#token')),
      await gateway.read(`${READ}/${encodeURIComponent('yaml://kv/app/api#token')}`),
      await gateway.read(`${VALUE}?uri=${encodeURIComponent('yaml://kv/app/api#token')}`),
      await gateway.read(`${VALUE}?uri=yaml://kv/app/api%23token`),
      await gateway.read(`/api/secrets?uri=${encodeURIComponent('yaml://kv/app/api#token')}`),
      await gateway.read(VALUE, { method: 'POST', body: '{"uri":"yaml:\\/\\/kv\\/app\\/api\\u0023token"}' }),
    ];
    for (const { status, problem } of answers) {
      expect({ status, uri: problem['uri'], value: problem['value'] }).toEqual({
        status: 200,
        uri: 'yaml://kv/app/api#token',
        value: gateway.canary,
      });
    }
  });

  it('the whole map and one of its keys are two secrets, with a grant each', async () => {
    const whole = await gateway.read(valuePath('yaml://kv/app/db'));
    const key = await gateway.read(valuePath('yaml://kv/app/db#user'));
    expect([whole.problem['value'], key.problem['value']]).toEqual([{ password: 'made-up', user: 'app' }, 'app']);
    const ids = [whole, key].map(({ problem }) => (problem['grant'] as { id: string }).id);
    expect(ids[0]).not.toBe(ids[1]);
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'])(
    'a key %s that no map has is not found in its prototype',
    async (key) => {
      const answer = await gateway.read(valuePath(`yaml://kv/app/api#${key}`));
      expect([400, 404]).toContain(answer.status);
      expect(answer.problem).not.toHaveProperty('value');
    },
  );

  it.each(['toString', 'hasOwnProperty', 'valueOf', '__defineGetter__'])(
    'a folder %s that there is not is not found in a prototype',
    async (name) => {
      const answer = await gateway.read(valuePath(`yaml://kv/app/${name}`));
      expect({ status: answer.status, code: answer.problem['code'] }).toEqual({ status: 404, code: 'NOT_FOUND' });
    },
  );

  it('N20, I30: none of all this stands in a log or a record', async () =>
    await expectNothingTold(gateway, ['etc/passwd', 'sys/seal', '__proto__']));
});
