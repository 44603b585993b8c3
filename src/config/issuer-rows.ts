import { keySetFrom } from '#libs/identity/key-set.js';
import type { CompatProfile } from '#libs/identity/issuers.js';
import { isJsonObject, type JsonObject } from '#libs/kernel/json.js';

import type { IssuerConfig, IssuerKeys } from './config.js';
import { type Raw, shown } from './kinds.js';
import type { Reading } from './reading.js';
import { SECTIONS } from './schema.js';
import { type Row, rowsOf, type SectionContext } from './sections.js';
import type { Setting } from './setting.js';

const M = SECTIONS.issuers.members;

/** One row's members, as rules read them. */
interface RowReading extends Row {
  readonly context: SectionContext;
  read<T>(this: void, setting: Setting<T>): T | undefined;
}

export function readIssuers(raw: Raw | undefined, context: SectionContext, audience: string): readonly IssuerConfig[] {
  const seen = new Set<string>();
  return rowsOf('issuers', raw, context).flatMap(({ at, members }) => {
    const row: RowReading = { at, members, context, read: (setting) => members.read(setting, context.environment) };
    const issuer = row.read(M.issuer);
    const keys = readKeys(row);
    const algorithms = row.read(M.algorithms);
    const own = row.read(M.audience);
    const claims = readClaims(row);
    const everyToken = readEveryToken(row);
    const profile = row.read(M.profile);
    const compat = readCompat(row, profile);
    const maxTokenAgeSeconds = row.read(M.maxTokenAgeSeconds);
    if (algorithms?.length === 0) members.fault(M.algorithms, 'is empty: name what the issuer signs with');
    if (issuer !== undefined && seen.has(issuer)) members.fault(M.issuer, 'stands twice: one row per issuer');
    if (issuer !== undefined) seen.add(issuer);
    if (issuer === undefined || keys === undefined || algorithms === undefined || maxTokenAgeSeconds === undefined)
      return [];
    if (profile === 'compat' && compat === undefined) return [];
    return [
      {
        issuer,
        ...keys,
        algorithms,
        audience: own ?? audience,
        claims,
        maxTokenAgeSeconds,
        ...(everyToken !== undefined && { everyToken }),
        ...(compat !== undefined && { compat }),
      },
    ];
  });
}

/** Exactly one of `jwks_file` and `jwks_uri`. */
function readKeys({ at, members, context, read }: RowReading): IssuerKeys | undefined {
  const [file, jwksUri, ca] = [read(M.jwksFile), read(M.jwksUri), read(M.jwksCaFile)];
  if (ca !== undefined && !members.has(M.jwksUri)) members.fault(M.jwksCaFile, 'is for jwks_uri: remove it');
  if (members.has(M.jwksFile) && members.has(M.jwksUri)) {
    members.fault(M.jwksUri, 'stands beside jwks_file: keep one of the two');
    return undefined;
  }
  if (!members.has(M.jwksFile) && !members.has(M.jwksUri)) {
    members.fault(M.jwksUri, 'is required, or jwks_file: say where its public keys are');
    return undefined;
  }
  if (file !== undefined) {
    const jwks = readJwks(file, at, context);
    return jwks === undefined ? undefined : { jwks };
  }
  if (jwksUri === undefined) return undefined;
  if (jwksUri.includes('#')) members.fault(M.jwksUri, 'has a fragment (#…), which is never sent: remove it');
  const jwksCa = ca === undefined ? undefined : readCertificates(ca, at, context);
  return { jwksUri, ...(jwksCa !== undefined && { jwksCa }) };
}

/** A JWK Set of public keys. A private key beside them is refused: this file is meant to be shared. */
function readJwks(path: string, at: string, { resolve, readFile, faults }: SectionContext): JsonObject | undefined {
  const fault = (what: string): undefined => {
    faults.push({ path: `${at}.jwks_file`, what, from: path });
  };
  let set: unknown;
  try {
    set = JSON.parse(readFile(resolve(path)).text);
  } catch (error) {
    return fault(
      error instanceof SyntaxError ? 'is not JSON' : 'cannot be read: does the file exist, and may we read it?',
    );
  }
  if (!isJsonObject(set)) return fault('is no JWK Set: {"keys": [...]} is expected');
  try {
    keySetFrom(set);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return fault(`cannot be used: ${error.message.replace(/\.$/, '')}`);
  }
  return set;
}

function readCertificates(path: string, at: string, { resolve, readFile, faults }: SectionContext): string | undefined {
  const fault = (what: string): undefined => {
    faults.push({ path: `${at}.jwks_ca_file`, what, from: path });
  };
  let text: string;
  try {
    ({ text } = readFile(resolve(path)));
  } catch {
    return fault('cannot be read: does the file exist, and may we read it?');
  }
  return text.includes('-----BEGIN CERTIFICATE-----') ? text : fault('holds no certificate in PEM');
}

function readClaims({ read }: RowReading): IssuerConfig['claims'] {
  const [tenant, subjectType, groups, scope] = [
    read(M.tenantClaim),
    read(M.subjectTypeClaim),
    read(M.groupsClaim),
    read(M.scopeClaim),
  ];
  return {
    ...(tenant !== undefined && { tenant }),
    ...(subjectType !== undefined && { subjectType }),
    ...(groups !== undefined && { groups }),
    ...(scope !== undefined && { scope }),
  };
}

/** What holds of every token of the issuer. Its scopes and a claim with scopes would be two answers to one question. */
function readEveryToken({ members, read }: RowReading): IssuerConfig['everyToken'] {
  const [scopes, subjectType] = [read(M.everyTokenScopes), read(M.everyTokenSubjectType)];
  if (scopes !== undefined && members.has(M.scopeClaim)) {
    members.fault(M.everyTokenScopes, 'stands beside claims.scope: keep one of the two');
  }
  if (scopes === undefined && subjectType === undefined) return undefined;
  return { ...(scopes !== undefined && { scopes }), ...(subjectType !== undefined && { subjectType }) };
}

function readCompat({ members, read }: RowReading, profile: string | undefined): CompatProfile | undefined {
  const [accessTokenClaim, accessTokenValues, jtiClaim] = [
    read(M.compatAccessTokenClaim),
    read(M.compatAccessTokenValues),
    read(M.compatJtiClaim),
  ];
  if (profile !== 'compat') {
    for (const member of [M.compatAccessTokenClaim, M.compatAccessTokenValues, M.compatJtiClaim]) {
      if (members.has(member)) members.fault(member, 'is for profile: compat: remove it');
    }
    return undefined;
  }
  if (!members.has(M.compatAccessTokenClaim)) {
    members.fault(M.compatAccessTokenClaim, 'is required by compat: name a claim that ID tokens do not have');
  }
  checkValues(members, accessTokenValues ?? []);
  if (accessTokenClaim === undefined) return undefined;
  return {
    accessTokenClaim,
    ...(accessTokenValues !== undefined && { accessTokenValues }),
    ...(jtiClaim !== undefined && { jtiClaim }),
  };
}

/** A `*` stands at the end, after a separator: `repo:acme*` would take in `repo:acme-evil/x` as well. */
function checkValues(members: Reading, values: readonly string[]): void {
  if (members.has(M.compatAccessTokenValues) && values.length === 0) {
    members.fault(M.compatAccessTokenValues, 'is empty, so that no token is accepted: name values or leave it out');
  }
  for (const value of values.filter((text) => text.includes('*') && !/^[^*]*[:/]\*$/.test(text))) {
    members.fault(M.compatAccessTokenValues, `holds ${shown(value)}: one * may stand at the end, after : or /`);
  }
}
