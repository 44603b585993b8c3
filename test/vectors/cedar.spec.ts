import type { StatefulAuthorizationCall } from '@cedar-policy/cedar-wasm/nodejs';
import { expect, it } from '@jest/globals';

import { Engine } from '#libs/cedar/engine.js';

import { readVectors, vectorsFolder } from '../support/vectors.js';

interface Suite {
  readonly policies: string;
  readonly entities: string;
  readonly schema: string;
  readonly requests: readonly Request[];
}
interface Request {
  readonly description: string;
  readonly principal: Uid;
  readonly action: Uid;
  readonly resource: Uid;
  readonly context: object;
  readonly decision: 'allow' | 'deny';
  readonly reason: readonly string[];
  readonly errors: readonly string[];
}
type Uid = StatefulAuthorizationCall['principal'];

/** The integration tests that every Cedar implementation must pass, through the engine that the gateway uses. */
function run(): void {
  const { files } = readVectors('cedar/integration-tests.json') as { files: Readonly<Record<string, string>> };
  const file = (path: string): string => files[path] ?? '';
  const suites = Object.keys(files).filter((path) => path.startsWith('tests/') && path.endsWith('.json'));

  it.each(suites)('Cedar, integration tests: decides as published: %s', (path) => {
    const suite = JSON.parse(file(path)) as Suite;
    const engine = Engine.start();
    const parts = engine.call((cedar) => cedar.policySetTextToParts(file(suite.policies)));
    if (parts.type !== 'success') throw new Error(JSON.stringify(parts));
    engine.prepareSchema('schema', file(suite.schema));
    engine.preparePolicies('policies', Object.fromEntries(parts.policies.map((text, at) => [`policy${at}`, text])));
    expect(suite.requests.length).toBeGreaterThan(0);
    for (const { description, principal, action, resource, context, ...expected } of suite.requests) {
      const answer = engine.ask({
        principal,
        action,
        resource,
        context: context as StatefulAuthorizationCall['context'],
        entities: JSON.parse(file(suite.entities)) as StatefulAuthorizationCall['entities'],
        preparsedSchemaName: 'schema',
        preparsedPolicySetId: 'policies',
      });
      if (answer.type !== 'success') throw new Error(JSON.stringify(answer));
      const { decision, diagnostics } = answer.response;
      expect({
        description,
        decision,
        reason: [...diagnostics.reason].sort(),
        errors: diagnostics.errors.map(({ policyId }) => policyId).sort(),
      }).toEqual({
        description,
        decision: expected.decision,
        reason: [...expected.reason].sort(),
        errors: [...expected.errors].sort(),
      });
    }
  });
}

if (vectorsFolder('published integration tests of Cedar') === undefined) {
  it('leaves the published tests of Cedar out, and says so', () => {
    expect(process.env['POSTERN_VECTORS'] ?? '').toBe('');
  });
} else {
  run();
}
