import { describe, expect, it } from '@jest/globals';

import { PolicySetRefused } from '#libs/cedar/defects.js';

import { acme, defectsOf, ISS, PERMIT_ALL, SCHEMA, setOf } from './policies.js';

const own = (text: string): readonly string[] => defectsOf({ tenants: { acme: text } });

describe('a policy set is refused', () => {
  it.each<[string, string, RegExp]>([
    ['a policy without @id', 'permit (principal, action, resource);', /own\.cedar:1: the policy has no proper @id/u],
    ['an empty @id', '@id permit (principal, action, resource);', /no proper @id/u],
    ['an @id with a path', '@id("a/b") permit (principal, action, resource);', /no proper @id/u],
    ['an @id of 65 characters', `@id("${'a'.repeat(65)}") permit (principal, action, resource);`, /no proper @id/u],
    [
      'an unknown annotation',
      '@id("a") @ttl("5") permit (principal, action, resource);',
      /policy a: @ttl is not known/u,
    ],
    [
      'an annotation named like an inherited member',
      '@id("a") @constructor permit (principal, action, resource);',
      /@constructor is not known/u,
    ],
    [
      'an obligation on a forbid',
      '@id("a") @max_uses("5") forbid (principal, action, resource);',
      /@max_uses stands on a forbid/u,
    ],
    [
      'a hint on a permit',
      '@id("a") @deny_hint("x") permit (principal, action, resource);',
      /@deny_hint stands on a permit/u,
    ],
    [
      'a hint that tells of the secret',
      '@id("a") @deny_hint("x") forbid (principal, action, resource) when { resource has version };',
      /would tell of the secret, since it reads resource\.version/u,
    ],
    [
      'a hint of two lines',
      '@id("a") @deny_hint("a\\nb") forbid (principal, action, resource);',
      /@deny_hint is ill-formed/u,
    ],
    [
      'an exception by key',
      '@id("a") permit (principal, action, resource) unless { resource has key && resource.key == "root" };',
      /write it as a forbid/u,
    ],
    [
      'what is not Cedar',
      '@id("a") permit (principal, action, resource)\nwhen { nope +++ };',
      /own\.cedar:2: failed to parse/u,
    ],
    ['a template', '@id("a") permit (principal == ?principal, action, resource);', /template/u],
    [
      'an attribute that is not declared',
      '@id("a") permit (principal, action, resource)\nwhen {\n resource.owner == "x" };',
      /own\.cedar:3: policy a: attribute `owner`/u,
    ],
    [
      'an optional attribute that is not asked for first',
      '@id("a") permit (principal, action, resource) when { resource.key == "x" };',
      /optional attribute `key`/u,
    ],
    [
      'an unknown entity type',
      '@id("a") permit (principal in Team::"x", action, resource);',
      /unrecognized entity type `Team`/u,
    ],
    [
      'an unknown action',
      '@id("a") permit (principal, action == Action::"sudo", resource);',
      /unrecognized action `Action::"sudo"`/u,
    ],
    [
      'a policy that can never match',
      '@id("a") forbid (principal == secret::"x", action, resource);',
      /policy a: .*(impossible|applicable)/u,
    ],
    [
      'a policy of more than 8,192 characters',
      `@id("a") permit (principal, action, resource) when { ${'true && '.repeat(1_100)} true };`,
      /longer than 8192/u,
    ],
  ])('with %s', (_name, text, words) => {
    expect(own(text).join('\n')).toMatch(words);
  });

  it.each(['0', '05', '-1', '1.5', '1e3', '', 'x', '999999999'])('with @ttl_seconds("%s")', (value) => {
    expect(own(`@id("a") @ttl_seconds("${value}") permit (principal, action, resource);`)).toEqual([
      'tenants/acme/own.cedar:1: policy a: @ttl_seconds is ill-formed; write @ttl_seconds("300")',
    ]);
  });

  it.each(['5', '0/24h', '5/0h', '5/24', '5/24w', '5/24h ', '24h/5', '1/999999d'])('with @quota("%s")', (value) => {
    expect(own(`@id("a") @quota("${value}") permit (principal, action, resource);`)[0]).toContain(
      '@quota is ill-formed',
    );
  });

  it.each([
    '@one_holder("no")',
    '@requires_reason("x")',
    '@audit("local")',
    '@audit',
    '@step_up',
    '@notify("a b")',
    '@approval("")',
  ])('with %s', (annotation) => {
    expect(own(`@id("a") ${annotation} permit (principal, action, resource);`)[0]).toContain('is ill-formed');
  });

  it('with nesting that would end the engine, before Cedar sees it', () => {
    const deep = `${PERMIT_ALL}\n@id("deep") permit (principal, action, resource) when { ${'('.repeat(500)}true${')'.repeat(500)} };`;
    expect(own(deep)).toEqual([expect.stringContaining('own.cedar:2: nesting is deeper')]);
    expect(acme(PERMIT_ALL).tenants.size).toBe(1);
  });

  it('with an id that is taken, in another tenant too, and says where', () => {
    expect(defectsOf({ guardrails: PERMIT_ALL, tenants: { acme: `\n${PERMIT_ALL}`, globex: PERMIT_ALL } })).toEqual([
      'tenants/acme/own.cedar:2: @id("all") is taken by guardrails.cedar:1',
      'tenants/globex/own.cedar:1: @id("all") is taken by guardrails.cedar:1',
    ]);
  });

  it('with every defect at once, each by file and line', () => {
    const defects = defectsOf({
      edition: 'serial: 0\n',
      guardrails: '// a note\n\npermit (principal, action, resource);',
      tenants: {
        acme: `${PERMIT_ALL}\n@id("b") @max permit (principal, action, resource);\n@id("c") permit (principal, action, resource) when { é };`,
      },
      entities: 'groups: {}\n',
      cases: 'cases:\n  - case: x\n',
    });
    const places = defects.map((defect) => defect.slice(0, defect.indexOf(': ')));
    expect(places).toEqual([
      'policy-set.yaml:1',
      'guardrails.cedar:3',
      'tenants/acme/own.cedar:2',
      'tenants/acme/own.cedar:3',
      'entities/own.yaml',
      'cases/own.yaml:2',
    ]);
  });

  it.each<[string, string, RegExp]>([
    ['what is not Cedar', 'entity ;', /schema\.cedarschema:1: error parsing schema/u],
    ['a namespace', `namespace A { entity x; }`, /declares the namespace A/u],
    [
      'an attribute of the secret that no question carries',
      SCHEMA.replace('version?: Long', 'classification?: String'),
      /secret\.classification is no fact/u,
    ],
    [
      'a context member that no question carries',
      SCHEMA.replace('reason?: String', 'mood?: String'),
      /context\.mood is no fact/u,
    ],
  ])('with a schema that holds %s', (_name, schema, words) => {
    expect(defectsOf({ schema }).join('\n')).toMatch(words);
  });

  it.each<[string, string, RegExp]>([
    ['no tenant', 'groups: {}\n', /say whose entities/u],
    ['a member that is not known', 'tenant: acme\nteams: {}\n', /own\.yaml:2: teams is not known/u],
    [
      'a group that could be a claimed one',
      `tenant: acme\ngroups:\n  "${ISS}#payments": []\n`,
      /own\.yaml:3: group .*name it by/u,
    ],
    ['members that are no subjects', 'tenant: acme\ngroups:\n  ops: [alice]\n', /list its members by subject id/u],
    [
      'a fact of the token',
      `tenant: acme\nsubjects:\n  "${ISS}#a": { type: user, attributes: { client_id: x } }\n`,
      /client_id comes from the token/u,
    ],
    [
      'an attribute that is not declared',
      `tenant: acme\nsubjects:\n  "${ISS}#a": { type: user, attributes: { team: x } }\n`,
      /declares no attribute team/u,
    ],
    ['a type that is not declared', `tenant: acme\nsubjects:\n  "${ISS}#a": { type: robot }\n`, /write type/u],
    ['a name twice', 'tenant: acme\ngroups: {}\ngroups: {}\n', /own\.yaml:3: not YAML/u],
    ['an alias', `tenant: acme\ngroups: { a: &m ["${ISS}#x"], b: *m }\n`, /without aliases/u],
    ['a list', '- tenant: acme\n', /write one mapping/u],
  ])('with entities that hold %s', (_name, entities, words) => {
    expect(defectsOf({ tenants: { acme: PERMIT_ALL }, entities }).join('\n')).toMatch(words);
  });

  it.each<[string, string]>([
    ['no number', 'serial: x'],
    ['zero', 'serial: 0'],
    ['a fraction', 'serial: 1.5'],
    ['none', '{}'],
    ['more than a serial', 'serial: 1\nname: x'],
  ])('with an edition that has %s', (_name, edition) => {
    expect(defectsOf({ edition: `${edition}\n` })[0]).toMatch(/^policy-set\.yaml/u);
  });

  it('in words that tell a person everything', () => {
    const refused = new PolicySetRefused([
      { file: 'a.cedar', line: 3, problem: 'no @id' },
      { file: 'b.yaml', problem: 'not YAML' },
    ]);
    expect(refused.message).toBe('The policy set is refused:\n  a.cedar:3: no @id\n  b.yaml: not YAML');
  });
});

describe('cases of a set', () => {
  const subject = `{ iss: "${ISS}", sub: svc, client: c }`;
  const a = (expected: string, more = ''): string =>
    `cases:\n  - case: it works\n    tenant: acme\n    subject: ${subject}\n    purpose: execute\n    secret: yaml://dev/a#k\n${more}    expect: ${expected}\n`;
  const withCase = (cases: string): readonly string[] =>
    defectsOf({ tenants: { acme: '@id("all") @max_uses("2") permit (principal, action, resource);' }, cases });

  it('must pass, and tell which policies they reached', () => {
    const set = setOf({
      tenants: { acme: '@id("all") @max_uses("2") permit (principal, action, resource);' },
      cases: a('{ decision: permit, policies: [all], obligations: { grant: { max_uses: 2 } }, errors: [] }'),
    });
    expect(set.cases).toEqual([
      { sentence: 'it works', file: 'cases/own.yaml', line: 2, reached: ['all'], failures: [] },
    ]);
  });

  it.each<[string, string]>([
    [
      'decision is "permit", and should be "deny"',
      '{ decision: deny, policies: [all], obligations: { grant: { max_uses: 2 } }, errors: [] }',
    ],
    [
      'policies is ["all"], and should be ["other"]',
      '{ decision: permit, policies: [other], obligations: { grant: { max_uses: 2 } }, errors: [] }',
    ],
    ['obligations is {"grant":{"max_uses":2}}, and should be {}', '{ decision: permit, policies: [all], errors: [] }'],
    [
      'errors is [], and should be ["all"]',
      '{ decision: permit, policies: [all], obligations: { grant: { max_uses: 2 } }, errors: [all] }',
    ],
    [
      'hint is null, and should be "no"',
      '{ decision: permit, policies: [all], obligations: { grant: { max_uses: 2 } }, errors: [], hint: no }',
    ],
  ])('refuse the set when %s', (words, expected) => {
    expect(withCase(a(expected))).toEqual([`cases/own.yaml:2: case "it works": ${words}`]);
  });

  const fine = '{ decision: permit, policies: [all], errors: [] }';
  it.each<[string, string]>([
    ['a member nobody knows', a(fine, '    mood: good\n')],
    ['no list of errors', a('{ decision: permit, policies: [all] }')],
    ['a decision that is a boolean', a('{ decision: true, policies: [], errors: [] }')],
    ['a misspelt expectation', a('{ decision: permit, policy: [all], policies: [], errors: [] }')],
    ['a purpose nobody has', a(fine).replace('execute', 'use')],
    ['a subject without issuer', a(fine).replace(`iss: "${ISS}", `, '')],
    ['a subject of another type', a(fine).replace('client: c', 'client: c, type: robot')],
    ['a binding nobody has', a(fine, '    context: { binding: tls }\n')],
    ['a time that is none', a(fine, '    context: { time: noon }\n')],
    ['no list at all', 'cases: {}\n'],
    ['an item that is a text', 'cases: [x]\n'],
  ])('are refused with %s', (_name, cases) => {
    expect(withCase(cases)[0]).toMatch(/^cases\/own\.yaml/u);
  });

  it.each(['yaml://dev/../a', 'yaml://dev/a#k?version=1', 'dev/a', 'Yaml://dev/a', 'vault://dev/a'])(
    'must name secrets canonically: %s is not',
    (secret) => {
      expect(withCase(a(fine).replace('yaml://dev/a#k', secret))[0]).toContain('not the canonical form');
    },
  );
});

describe('the version of a set', () => {
  const base = acme(PERMIT_ALL).version;

  it('is serial.hash', () => {
    expect(base).toMatch(/^1\.[A-Za-z0-9_-]{16}$/u);
    expect(setOf({ edition: 'serial: 7\n', tenants: { acme: PERMIT_ALL } }).version).toBe(base.replace(/^1/u, '7'));
  });

  it('is the same for what decides the same', () => {
    expect(acme(`// a note\n${PERMIT_ALL.replaceAll(' ', '\n  ')}`).version).toBe(base);
  });

  it.each<[string, () => string]>([
    ['another policy', () => acme(PERMIT_ALL.replace('principal,', 'principal is user,')).version],
    ['another annotation', () => acme(PERMIT_ALL.replace('permit', '@max_uses("1") permit')).version],
    ['another tenant', () => setOf({ tenants: { globex: PERMIT_ALL } }).version],
    ['a guardrail instead', () => setOf({ guardrails: PERMIT_ALL, tenants: { acme: '' } }).version],
    ['another group', () => acme(PERMIT_ALL, { entities: `tenant: acme\ngroups: { a: ["${ISS}#x"] }\n` }).version],
    ['another schema', () => acme(PERMIT_ALL, { schema: SCHEMA.replace('actor?: String,', '') }).version],
  ])('is another for %s', (_name, version) => {
    expect(version()).not.toBe(base);
  });
});
