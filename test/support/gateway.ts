import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Clock } from '#libs/kernel/clock.js';
import type { JsonObject } from '#libs/kernel/json.js';
import { MemoryStore } from '#libs/memory/memory-store.js';
import { createApp, listeningOn } from '#src/app.js';
import { createGate, type OpenGate } from '#src/composition/create-gate.js';
import { readFromDisk } from '#src/config/disk.js';
import { loadConfig } from '#src/config/load.js';
import { localOrigins } from '#src/http/hosts.js';
import type { Timeouts } from '#src/http/server.js';
import { httpOptions } from '#src/serve.js';
import { createLog } from '#src/telemetry/logger.js';

import { ask, type WireAnswer } from '../http/wire.js';
import { auditReader } from './audit-trail.js';
import {
  ISSUER,
  makeKey,
  mintProof,
  mintToken,
  type ProofOptions,
  type SigningKey,
  type TokenOptions,
} from './tokens.js';
import { writeWorld } from './world.js';

/**
 * A whole gateway in this process, from configuration to audit files, on a free port of the loopback address. Nothing of ours is
 * replaced: the configuration is loaded from a file, policies and secrets lie in a folder of their own, keys are made at run time.
 *
 * The world that stands there unless options say otherwise: the issuer `ISSUER` and the tenant `acme` with the mount `yaml://kv`;
 * the issuer `OTHER_ISSUER` and the tenant `umbrella` with the mounts `yaml://kv` and `side://vault`; the policies `POLICIES`; the
 * secrets of `secretsOf`. A token of `mint()` is one that `POLICIES` permits much: bound to the key `caller`, scope `secrets.read`,
 * group `payments`.
 */
export interface GatewayOptions {
  /** Makes tokens and proofs of this clock's time, and judges by it. */
  readonly clock?: Clock;
  /** Cedar text by tenant, in place of `POLICIES`; schema and guardrails are those that ship. */
  readonly policies?: Readonly<Record<string, string>>;
  /** Mount, folders, keys of the provider `yaml`. @param canary goes into a value that must not be seen elsewhere */
  readonly secrets?: (canary: string) => unknown;
  /** Settings by their documented names (`docs/configuration.md`). `ENVIRONMENT` is `test` unless it stands here. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
  /** Both tenants trust both issuers. */
  readonly shared?: boolean;
  readonly timeouts?: Partial<Timeouts>;
}

export interface Gateway {
  /** What proofs must name: `http://127.0.0.1:<port>`, or the setting PUBLIC_ORIGIN. */
  readonly origin: string;
  readonly port: number;
  /** What a `Host` field must name. */
  readonly host: string;
  /** Stands in the value of `yaml://kv/app/api#token`, made for this gateway. */
  readonly canary: string;
  /** Signing keys of `ISSUER` and `OTHER_ISSUER`, and the key that tokens are bound to. */
  readonly keys: { readonly issuer: SigningKey; readonly other: SigningKey; readonly caller: SigningKey };
  /** The gate behind it, for what cannot be seen from outside. */
  readonly gate: OpenGate['gate'];
  /** A token that is bound to `caller`, with any fault. `boundTo: null`: a plain bearer token. */
  mint(this: void, changes?: MintOptions): string;
  /** A proof by `caller` for GET of that path, with any fault. */
  prove(this: void, about: ProveOptions): string;
  /** Asks for a target, with a fresh token and a fresh proof unless others are given; `null` leaves one out. */
  read(this: void, target: string, options?: ReadOptions): Promise<WireAnswer>;
  /** Sends these bytes on a connection of their own. */
  send(this: void, bytes: string | Uint8Array): Promise<WireAnswer>;
  /** A request, with our Host unless a field names another, and Content-Type and Content-Length for a body likewise. */
  request(this: void, options: RequestOptions): Buffer;
  /** Every audit record so far, parsed. */
  records(): Promise<readonly JsonObject[]>;
  /** Every audit line so far, raw. */
  auditLines(): Promise<readonly string[]>;
  /** Every line of the log so far, raw, line ends included. */
  logLines(): readonly string[];
  /** Every token and proof that was made here so far: none of them may stand anywhere else. */
  readonly made: readonly string[];
  /** Every body so far that came with another status than 200. */
  readonly refusalBodies: readonly string[];
  /** Keys in the store: spent proofs, grants, holders, quotas. */
  storedKeys(): number;
  close(): Promise<void>;
}

export interface MintOptions extends Partial<Omit<TokenOptions, 'boundTo'>> {
  readonly boundTo?: SigningKey | null;
}

export interface ProveOptions extends Partial<ProofOptions> {
  readonly token: string;
  /** Path of the target, its query ignored; `htu` wins over it. */
  readonly path?: string;
}

export interface ReadOptions {
  readonly method?: string;
  readonly token?: string | null;
  readonly proof?: string | null;
  readonly scheme?: string;
  /** Further header lines, such as `X-Access-Reason: why`. */
  readonly fields?: readonly string[];
  readonly body?: string | Uint8Array;
}

export interface RequestOptions {
  readonly method?: string;
  readonly target: string;
  readonly fields?: readonly string[];
  readonly body?: string | Uint8Array;
}

/** Of the tenant `acme`. What no permit names is forbidden: `yaml://kv/plans` exists, `yaml://kv/nowhere` does not. */
export const POLICIES = `
@id("app-use")
@ttl_seconds("300")
@max_uses("1000")
permit (principal in Group::"${ISSUER}#payments", action in Action::"disclose", resource in Folder::"yaml://kv/app");

@id("few-use")
@max_uses("3")
permit (principal in Group::"${ISSUER}#payments", action in Action::"disclose", resource in Folder::"yaml://kv/few");

@id("quota-use")
@max_uses("2")
@quota("5/24h")
permit (principal in Group::"${ISSUER}#payments", action in Action::"disclose", resource in Folder::"yaml://kv/quota");

@id("holder-use")
@max_uses("5")
@one_holder
permit (principal in Group::"${ISSUER}#payments", action in Action::"disclose", resource in Folder::"yaml://kv/holder");

@id("reason-use")
@requires_reason
permit (principal in Group::"${ISSUER}#payments", action in Action::"disclose", resource in Folder::"yaml://kv/reason");

@id("recent-use")
@max_auth_age("900")
permit (principal is user in Group::"${ISSUER}#payments", action in Action::"disclose", resource in Folder::"yaml://kv/recent");
`;

export function secretsOf(canary: string): unknown {
  const one = { token: 'made-up' };
  return {
    kv: {
      app: { api: { token: canary, url: 'https://payments.example.com' }, db: { password: 'made-up', user: 'app' } },
      few: one,
      quota: one,
      holder: one,
      reason: one,
      recent: one,
      plans: { next: one },
      closed: { next: one },
    },
    kv2: { app: { api: one } },
  };
}

/** `/api/secrets/value/{uri}`: the form whose every character a proof covers. */
export function valuePath(uri: string): string {
  return `/api/secrets/value/${encodeURIComponent(uri)}`;
}

/** What `mint()` may read. */
export const APP = valuePath('yaml://kv/app/api#token');

export async function startGateway(options: GatewayOptions = {}): Promise<Gateway> {
  const { policies = { acme: POLICIES }, secrets = secretsOf, settings = {} } = options;
  const keys = { issuer: makeKey('ES256', 'issuer-1'), other: makeKey('ES256', 'other-1'), caller: makeKey() };
  const canary = `canary-${randomBytes(18).toString('base64url')}`;
  const folder = await mkdtemp(join(tmpdir(), 'postern-'));
  const profile = await writeWorld(folder, {
    keys,
    canary,
    policies,
    secrets,
    settings,
    ...(options.shared !== undefined && { shared: options.shared }),
  });
  const config = loadConfig({ env: {}, profile, directory: folder, readFile: readFromDisk });

  const logged: string[] = [];
  const log = createLog({ stream: { write: (line: string) => void logged.push(line) } });
  const opened = await createGate(config, {
    ...(options.clock !== undefined && { clock: options.clock }),
    alarm: (what) => log.error(what),
  });
  const http = httpOptions(config);
  const timeouts = { ...http.timeouts, ...options.timeouts };
  const app = await createApp({ gate: opened.gate, http: { ...http, timeouts }, log });
  await app.listen(0, '127.0.0.1');
  const where = listeningOn(app.getHttpServer().address(), config.tls !== undefined);
  opened.listensOn(localOrigins(where));

  const [local = ''] = localOrigins(where);
  const origin = config.publicOrigin ?? local;
  const host = new URL(origin).host;
  const nowMs = (): number => options.clock?.now() ?? Date.now();
  const audit = auditReader(config.audit.directory);
  const { store } = opened.gate.grants;

  const made: string[] = [];
  const refusalBodies: string[] = [];
  const noted = (jws: string): string => {
    made.push(jws);
    return jws;
  };
  const mint = ({ boundTo = keys.caller, ...changes }: MintOptions = {}): string =>
    noted(mintToken({ key: keys.issuer, nowMs: nowMs(), ...changes, ...(boundTo !== null && { boundTo }) }));
  const prove = ({ path = APP, ...about }: ProveOptions): string =>
    noted(mintProof({ key: keys.caller, nowMs: nowMs(), htu: `${origin}${pathOf(path)}`, ...about }));
  const request = (wanted: RequestOptions): Buffer => requestBytes(host, wanted);
  const send = async (bytes: string | Uint8Array): Promise<WireAnswer> => {
    const answer = await ask(where.port, bytes);
    if (answer.status !== 200) refusalBodies.push(answer.body);
    return answer;
  };

  return {
    origin,
    port: where.port,
    host,
    canary,
    keys,
    gate: opened.gate,
    mint,
    prove,
    request,
    send,
    read: async (target, { method = 'GET', token = mint(), scheme = 'DPoP', fields = [], body, ...given } = {}) => {
      const proof =
        given.proof === undefined && token !== null ? prove({ token, path: target, method }) : (given.proof ?? null);
      const credentials = [
        ...(token === null ? [] : [`Authorization: ${scheme} ${token}`]),
        ...(proof === null ? [] : [`DPoP: ${proof}`]),
      ];
      return await send(
        request({ method, target, fields: [...credentials, ...fields], ...(body !== undefined && { body }) }),
      );
    },
    records: async () => (await audit()).records,
    auditLines: async () => (await audit()).lines,
    logLines: () => logged,
    made,
    refusalBodies,
    storedKeys: () => {
      if (!(store instanceof MemoryStore)) throw new Error('keys are counted in the memory store alone');
      return store.size;
    },
    close: async () => {
      const closed = app.close();
      app.getHttpServer().closeAllConnections();
      await closed;
      await opened.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function requestBytes(host: string, { method = 'GET', target, fields = [], body }: RequestOptions): Buffer {
  const has = (name: string): boolean => fields.some((field) => field.toLowerCase().startsWith(`${name}:`));
  const bytes = Buffer.from(body ?? '');
  const lines = [
    `${method} ${target} HTTP/1.1`,
    ...(has('host') ? [] : [`Host: ${host}`]),
    ...fields,
    ...(body === undefined || has('content-type') ? [] : ['Content-Type: application/json']),
    ...(body === undefined || has('content-length') ? [] : [`Content-Length: ${bytes.length}`]),
  ];
  // Characters up to U+00FF are bytes of the header section, as Node's own writer has it.
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), bytes]);
}

function pathOf(target: string): string {
  return target.split('?', 1)[0] ?? '';
}
