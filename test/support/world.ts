import { randomBytes } from 'node:crypto';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { stringify } from 'yaml';

import { ISSUER, jwksOf, type SigningKey } from './tokens.js';

export interface WorldParts {
  readonly keys: { readonly issuer: SigningKey; readonly other: SigningKey };
  readonly canary: string;
  readonly policies: Readonly<Record<string, string>>;
  readonly secrets: (canary: string) => unknown;
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  /** Both tenants trust both issuers. */
  readonly shared?: boolean;
}

/** The issuer of the second tenant. */
export const OTHER_ISSUER = 'https://other.example';

/** Everything that an operator would have written. @returns the path of the configuration file */
export async function writeWorld(
  folder: string,
  { keys, canary, policies, secrets, settings, shared = false }: WorldParts,
): Promise<string> {
  const policiesDir = join(folder, 'policies');
  const shipped = fileURLToPath(new URL('../../policies', import.meta.url));
  const write = async (path: string, text: string): Promise<void> => await writeFile(join(folder, path), text);

  await mkdir(policiesDir);
  for (const name of ['schema.cedarschema', 'guardrails.cedar']) await cp(join(shipped, name), join(policiesDir, name));
  await write('policies/policy-set.yaml', 'serial: 1\n');
  for (const [tenant, text] of Object.entries(policies)) {
    // one tenant keeps its policies in a folder of its own, the other among those of the gateway
    const place = tenant === 'umbrella' ? 'umbrella' : `policies/tenants/${tenant}`;
    await mkdir(join(folder, place), { recursive: true });
    await write(`${place}/own.cedar`, text);
  }
  await write('issuer.json', JSON.stringify(jwksOf(keys.issuer)));
  await write('other.json', JSON.stringify(jwksOf(keys.other)));
  await write('secrets.yaml', yaml(secrets(canary)));
  await write('side.yaml', yaml({ vault: { app: { api: { token: 'made-up' } } } }));

  const claims = { tenant: 'tenant', subject_type: 'sub_type', groups: 'groups' };
  const issuer = (name: string, keys: string) => ({
    issuer: name,
    jwks_file: join(folder, keys),
    algorithms: ALGORITHMS,
    claims,
  });
  const path = join(folder, 'postern.yaml');
  await write(
    'postern.yaml',
    yaml({
      ENVIRONMENT: 'test',
      ROOT_KEY: newKey(),
      POLICIES_DIR: policiesDir,
      AUDIT_DIR: join(folder, 'audit'),
      ...settings,
      issuers: [issuer(ISSUER, 'issuer.json'), issuer(OTHER_ISSUER, 'other.json')],
      // one tenant, by TENANT_ID and its companions, where the settings name it
      ...(settings['TENANT_ID'] === undefined && {
        tenants: [
          {
            id: 'acme',
            issuers: shared ? [ISSUER, OTHER_ISSUER] : [ISSUER],
            mounts: ['yaml://kv'],
            providers: ['yaml'],
            salt: newKey(),
            acr_values: ['silver', 'gold'],
          },
          {
            id: 'umbrella',
            issuers: shared ? [ISSUER, OTHER_ISSUER] : [OTHER_ISSUER],
            mounts: ['yaml://kv', 'side://vault'],
            providers: ['yaml', 'side'],
            salt: newKey(),
            acr_values: ['loa3'],
            ...('umbrella' in policies && { policies: join(folder, 'umbrella') }),
          },
        ],
      }),
      providers: [
        { name: 'yaml', type: 'yaml', path: join(folder, 'secrets.yaml') },
        { name: 'side', type: 'yaml', path: join(folder, 'side.yaml') },
      ],
    }),
  );
  return path;
}

const ALGORITHMS = ['ES256', 'EdDSA', 'PS256', 'RS256'];

/** Without aliases, which our own files may not use. */
function yaml(content: unknown): string {
  return stringify(content, { aliasDuplicateObjects: false });
}

function newKey(): string {
  return randomBytes(32).toString('base64');
}
