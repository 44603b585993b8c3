import {
  makeKey,
  mintProof,
  mintToken,
  type ProofOptions,
  type SigningKey,
  type TokenOptions,
} from '../support/tokens.js';

/** What the requests are aimed at, and what an attacker may have: keys of its own, tokens that others were given, old proofs. */
export interface Aim {
  /** Such as `http://127.0.0.1:8080`: what proofs must name. */
  readonly origin: string;
  /** What `Host` must name. */
  readonly host: string;
  readonly keys: {
    readonly issuer: SigningKey;
    readonly other: SigningKey;
    /** The key that honest tokens are bound to. */
    readonly caller: SigningKey;
    /** The attacker's own: tokens may be bound to it, and no issuer signs with it. */
    readonly thief: SigningKey;
  };
  /** What tokens may be bound to besides: its field from a proxy that is trusted would open. */
  readonly certificate: { readonly x5t: string; readonly der: Buffer };
  /** Requests that were answered with a value, as they stood on the wire. */
  readonly spent: readonly Buffer[];
}

export const MOUNT = 'yaml://kv';

/** What honest callers read: nothing hostile may ever get its value. */
export const HONEST = valuePath(`${MOUNT}/app/api#token`);

/** It exists, and no policy names it. */
export const FORBIDDEN = valuePath(`${MOUNT}/plans/next#token`);

export function valuePath(uri: string): string {
  return `/api/secrets/value/${encodeURIComponent(uri)}`;
}

/** Grants and proofs of the honest end soon, so that what hostile requests left would show. */
export function policiesOf(issuer: string): string {
  return `@id("app-use") @ttl_seconds("30") @max_uses("1000")
permit (principal in Group::"${issuer}#payments", action in Action::"disclose", resource in Folder::"${MOUNT}/app");\n`;
}

export function secretsOf(canary: string): unknown {
  return {
    kv: { app: { api: { token: canary, url: 'https://payments.example.com' } }, plans: { next: { token: canary } } },
  };
}

export const makeKeys = (): Aim['keys'] => ({
  issuer: makeKey('ES256', 'issuer-1'),
  other: makeKey('ES256', 'other-1'),
  caller: makeKey(),
  thief: makeKey(),
});

/** An honest token, unless it is told otherwise. */
export function tokenFor(aim: Aim, changes: Partial<TokenOptions> = {}): string {
  return mintToken({ key: aim.keys.issuer, boundTo: aim.keys.caller, nowMs: Date.now(), ...changes });
}

export interface About extends Partial<ProofOptions> {
  readonly token: string;
  /** The path, its query ignored. */
  readonly path: string;
}

/** An honest proof, unless it is told otherwise. */
export function proofFor(aim: Aim, { path, ...about }: About): string {
  const htu = `${aim.origin}${path.split('?', 1)[0]}`;
  return mintProof({ key: aim.keys.caller, nowMs: Date.now(), htu, ...about });
}

export interface Parts {
  readonly method?: string;
  readonly target: string;
  readonly fields?: readonly string[];
  readonly body?: string | Uint8Array;
}

/** A request as HTTP/1.1 has it; Host, Content-Type and Content-Length are added where no field says them. */
export function requestBytes(host: string, { method = 'GET', target, fields = [], body }: Parts): Buffer {
  const says = (name: string): boolean => fields.some((field) => field.toLowerCase().startsWith(`${name}:`));
  const bytes = Buffer.from(body ?? '');
  const lines = [
    `${method} ${target} HTTP/1.1`,
    ...(says('host') ? [] : [`Host: ${host}`]),
    ...fields,
    ...(body === undefined || says('content-type') ? [] : ['Content-Type: application/json']),
    ...(body === undefined || says('content-length') || says('transfer-encoding')
      ? []
      : [`Content-Length: ${bytes.length}`]),
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), bytes]);
}

/** A whole honest read, as bytes. */
export function honestRequest(aim: Aim, path: string = HONEST): Buffer {
  const token = tokenFor(aim);
  const fields = [`Authorization: DPoP ${token}`, `DPoP: ${proofFor(aim, { token, path })}`];
  return requestBytes(aim.host, { target: path, fields });
}
