import { createHash, randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll } from '@jest/globals';

import type { Clock } from '#libs/kernel/clock.js';
import type { Json, JsonObject } from '#libs/kernel/json.js';
import { createApp, listeningOn } from '#src/app.js';
import { createGate } from '#src/composition/create-gate.js';
import { readFromDisk } from '#src/config/disk.js';
import { loadConfig } from '#src/config/load.js';
import { localOrigins } from '#src/http/hosts.js';
import { httpOptions } from '#src/serve.js';
import { createLog } from '#src/telemetry/logger.js';

import { blocks, page } from '../docs/markdown.js';
import { ask } from '../http/wire.js';
import { JwksServer } from '../jwks-http/jwks-server.js';
import { auditReader } from '../support/audit-trail.js';
import { type Certificate, makeCa, makeCertificate } from '../support/certificates.js';
import { jwksOf, makeKey, mintProof, type SigningKey } from '../support/tokens.js';

/** What every recipe may read: its value is made anew for each gateway. */
const SECRET = 'yaml://kv/payments/api#token';

export interface RecipeOptions {
  /** Which YAML block of the page, and which Cedar block; the first unless told otherwise. */
  readonly block?: number;
  /** The members that the issuer publishes a key with, beside its numbers; as most do unless told otherwise. */
  readonly published?: Readonly<Record<string, Json>>;
  /** In place of what the page says: the only setting that a test may change. */
  readonly unbound?: boolean;
}

export interface ConfiguredOptions {
  /** YAML of an operator; the harness adds keys, folders and one secret. */
  readonly yaml: string;
  readonly cedar: string;
  readonly clock?: Clock;
}

export interface Outcome {
  /** `permit` when the secret's value came, else the status and the code, such as `401 INVALID_TOKEN`. */
  readonly answer: string;
  /** The failed check of the audit record. */
  readonly check: unknown;
}

/** A gateway that was started with an operator's text, and what callers get from it. */
export class ConfiguredGateway {
  private constructor(
    /** What the start shouted. */
    readonly warnings: readonly string[],
    readonly alarms: readonly string[],
    readonly close: () => Promise<void>,
    private readonly wire: { readonly port: number; readonly origin: string; readonly canary: string },
    private readonly audit: ReturnType<typeof auditReader>,
  ) {}

  static async start({ yaml, cedar, clock }: ConfiguredOptions): Promise<ConfiguredGateway> {
    const folder = await mkdtemp(join(tmpdir(), 'postern-recipe-'));
    const canary = `canary-${randomBytes(12).toString('hex')}`;
    await writePolicies(join(folder, 'policies'), cedar);
    await writeFile(join(folder, 'secrets.yaml'), `kv:\n  payments:\n    api:\n      token: ${canary}\n`);
    const profile = join(folder, 'postern.yaml');
    const ours = {
      ENVIRONMENT: 'test',
      ROOT_KEY: randomBytes(32).toString('base64'),
      TENANT_SALT: randomBytes(32).toString('base64'),
      POLICIES_DIR: 'policies',
      AUDIT_DIR: 'audit',
      YAML_VAULT_PATH: 'secrets.yaml',
    };
    await writeFile(
      profile,
      `${yaml}\n${Object.entries(ours)
        .map(([name, value]) => `${name}: ${value}\n`)
        .join('')}`,
    );
    const config = loadConfig({ env: {}, profile, directory: folder, readFile: readFromDisk });
    const alarms: string[] = [];
    const opened = await createGate(config, {
      alarm: (what) => void alarms.push(what),
      ...(clock !== undefined && { clock }),
    });
    const log = createLog({ stream: { write: () => {} } });
    const app = await createApp({ gate: opened.gate, http: httpOptions(config), log });
    await app.listen(0, '127.0.0.1');
    const where = listeningOn(app.getHttpServer().address(), false);
    opened.listensOn(localOrigins(where));
    const close = async (): Promise<void> => {
      const closed = app.close();
      app.getHttpServer().closeAllConnections();
      await closed;
      await opened.close();
      await rm(folder, { recursive: true, force: true });
    };
    const wire = { port: where.port, origin: localOrigins(where)[0] ?? '', canary };
    return new ConfiguredGateway(config.warnings, alarms, close, wire, auditReader(config.audit.directory));
  }

  /** Asks for the secret with this token: under DPoP when a key is given, else as a plain bearer token. */
  async ask(token: string, key?: SigningKey): Promise<Outcome> {
    const target = `/api/secrets/value/${encodeURIComponent(SECRET)}`;
    const { port, origin, canary } = this.wire;
    const proof = key && mintProof({ key, token, htu: `${origin}${target}`, nowMs: Date.now() });
    const lines = [
      `GET ${target} HTTP/1.1`,
      `Host: ${new URL(origin).host}`,
      `Authorization: ${proof === undefined ? 'Bearer' : 'DPoP'} ${token}`,
      ...(proof === undefined ? [] : [`DPoP: ${proof}`]),
    ];
    const { status, body, problem } = await ask(port, `${lines.join('\r\n')}\r\n\r\n`);
    const permitted = status === 200 && body.includes(canary);
    const { records } = await this.audit();
    const record = records.find(({ request_id }) => request_id === problem['request_id']);
    return {
      answer: permitted ? 'permit' : `${status} ${String(problem['code'])}`,
      check: permitted ? undefined : record?.['check'],
    };
  }

  /** The caller as the audit names it, of the last request that was permitted. */
  async caller(): Promise<JsonObject> {
    const { tenant, iss, sub, client_id, token_jti_hash } = await this.lastIntent();
    return { tenant, iss, sub, client_id, token_jti_hash } as JsonObject;
  }

  async lastIntent(): Promise<JsonObject> {
    const { records } = await this.audit();
    return records.findLast(({ type }) => type === 'intent') ?? {};
  }

  /** Whether each intent has its result: only then may a test move the clock that the audit goes by. */
  async settled(): Promise<boolean> {
    const types = (await this.audit()).records.map(({ type }) => type);
    return types.filter((type) => type === 'intent').length === types.filter((type) => type === 'result').length;
  }
}

async function writePolicies(folder: string, cedar: string): Promise<void> {
  const shipped = fileURLToPath(new URL('../../policies', import.meta.url));
  await mkdir(join(folder, 'tenants/acme'), { recursive: true });
  for (const name of ['schema.cedarschema', 'guardrails.cedar']) await cp(join(shipped, name), join(folder, name));
  await writeFile(join(folder, 'policy-set.yaml'), 'serial: 1\n');
  await writeFile(join(folder, 'tenants/acme/recipe.cedar'), cedar);
}

/** One page of `docs/recipes`, run as it stands there: only the host of `jwks_uri` and the file of `jwks_ca_file` are others. */
export class Recipe {
  private constructor(
    readonly gateway: ConfiguredGateway,
    readonly server: JwksServer,
    /** The issuer's signing key, as its JWKS publishes it. */
    readonly key: SigningKey,
    /** Of the page's address of the keys. */
    readonly jwksPath: string,
    private readonly folder: string,
  ) {}

  static async start(
    name: string,
    key: SigningKey,
    { block = 0, unbound, published }: RecipeOptions = {},
  ): Promise<Recipe> {
    const text = page(`docs/recipes/${name}.md`);
    const [yaml, cedar] = [blocks(text, 'yaml')[block], blocks(text, 'cedar')[block] ?? blocks(text, 'cedar')[0]];
    if (yaml === undefined || cedar === undefined) throw new Error(`${name} has no such block`);
    const address = new URL(/jwks_uri: (\S+)/.exec(yaml)?.[1] ?? '');
    const folder = await mkdtemp(join(tmpdir(), 'postern-issuer-'));
    const ca = await makeCa('issuer ca');
    await writeFile(join(folder, 'ca.pem'), ca.pem);
    const secure = yaml.includes('jwks_ca_file');
    const server = await JwksServer.start(
      published === undefined ? jwksOf(key) : { keys: [{ ...key.jwk, ...published }] },
      secure ? { certificate: await serverCertificate(ca) } : {},
    );
    const host = secure ? `https://localhost:${server.port}` : server.origin;
    let run = yaml.replace(`jwks_uri: ${address.origin}/`, `jwks_uri: ${host}/`);
    run = run.replace(/jwks_ca_file: \S+/, `jwks_ca_file: ${join(folder, 'ca.pem')}`);
    if (unbound !== undefined) run = run.replace(/ALLOW_UNBOUND_TOKENS: \w+/, `ALLOW_UNBOUND_TOKENS: ${unbound}`);
    const gateway = await ConfiguredGateway.start({ yaml: run, cedar });
    return new Recipe(gateway, server, key, address.pathname, folder);
  }

  async close(): Promise<void> {
    await this.gateway.close();
    await this.server.down();
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function serverCertificate(by: Certificate): Promise<Certificate> {
  return await makeCertificate({ name: 'keys', usage: 'server', by });
}

/** Starts a recipe before the tests of a `describe`, and ends it after them. */
export function recipeOf(name: string, key: SigningKey, options: RecipeOptions = {}): { (): Recipe } {
  let recipe: Recipe | undefined;
  beforeAll(async () => {
    recipe = await Recipe.start(name, key, options);
  });
  afterAll(async () => {
    await recipe?.close();
  });
  return () => {
    if (recipe === undefined) throw new Error('the recipe did not start');
    return recipe;
  };
}

/** A key as another issuer would have one, under the same kid. */
export function strangerOf({ alg, kid }: SigningKey): SigningKey {
  return makeKey(alg, kid);
}

export function jtiHash(iss: string, jti: string): string {
  return createHash('sha256').update(`${iss}\0${jti}`).digest('base64url');
}
