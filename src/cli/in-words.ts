import type { AuditRecord } from '#libs/audit/record.js';
import { ANONYMOUS_ISSUER } from '#libs/identity/anonymous.js';
import { isJsonObject, type Json } from '#libs/kernel/json.js';

/** One audit record as one plain sentence. What is shortened is marked by `…`; nothing that a terminal would act on gets through. */
export function inWords(record: AuditRecord): string {
  return `${sentence(record)}${withoutSwitches(record)}`;
}

function sentence(record: AuditRecord): string {
  const word = (name: string): string | undefined => plain(record[name]);
  switch (record.type) {
    case 'open':
      return `Writer ${short(record.w)} opened its trail${given(word('software'), ' as ')}${given(word('instance'), ' on ')}.`;
    case 'close':
      return `Writer ${short(record.w)} closed its trail.`;
    case 'grant':
      return `${caller(record)} was issued grant ${short(word('grant_id'))} for ${wanted(record)}: ${word('max_uses') ?? '?'} uses until ${word('expires_at') ?? '?'}.`;
    case 'intent':
      return `${caller(record)} may be given ${wanted(record)}: use ${word('use_no') ?? '?'} of grant ${short(word('grant_id'))}${under(record)}${by(record['policy_ids'])}.`;
    case 'result':
      return `${outcome(record)}: ${request(record)}.`;
    case 'refusal':
      return `${caller(record)} was refused with ${word('code') ?? '?'}${given(word('check'), ', at the check “', '”')}: ${asked(record)}${request(record)}.`;
    case 'suppressed':
      return `${suppressed(record)}: ${counts(record['counts'])}.`;
    case 'policy':
      return `A policy set was ${word('event') ?? 'seen'}: ${short(word('policy_version'))}.`;
    default:
      return `A record of the type ${plain(record['type']) ?? '?'}, which this version cannot put into words.`;
  }
}

/** In dev and test a gateway may have been started without one of its checks: then nothing it permitted means what it says. */
function withoutSwitches({ switches_off: off }: AuditRecord): string {
  if (!Array.isArray(off) || off.length === 0) return '';
  return ` Switched off: ${off.map((name: Json) => plain(name) ?? '?').join(', ')}.`;
}

function caller(record: AuditRecord): string {
  const sub = plain(record['sub']);
  if (sub === undefined) return 'A caller that is not known';
  return `${sub}${given(plain(record['actor']), ', through ', ',')}${given(plain(record['tenant']), ' of ')}`;
}

/** The secret's keyed hash: whoever has the salt finds the URI behind it. */
function wanted(record: AuditRecord): string {
  const version = given(plain(record['version']), ', version ');
  return `secret ${short(plain(record['resource_ref']), 14)}${version}${given(plain(record['purpose']), ' to ')}`;
}

function asked(record: AuditRecord): string {
  return record['resource_ref'] === undefined ? '' : `${wanted(record)}, `;
}

function under({ binding, iss }: AuditRecord): string {
  if (iss === ANONYMOUS_ISSUER) return ', without any token';
  if (!isJsonObject(binding)) return '';
  const [key, certificate] = [plain(binding['jkt']), plain(binding['x5t'])];
  const held = [
    ...(key === undefined ? [] : [`the dpop key ${short(key)}`]),
    ...(certificate === undefined ? [] : [`the certificate ${short(certificate)}`]),
  ];
  return held.length === 0 ? ', by a bearer token' : `, held by ${held.join(' and ')}`;
}

function by(policies: Json | undefined): string {
  if (!Array.isArray(policies) || policies.length === 0) return '';
  return `, by policy ${policies.map((id: Json) => plain(id) ?? '?').join(', ')}`;
}

function outcome(record: AuditRecord): string {
  const why = given(plain(record['code']), ', because of ') + given(plain(record['check']), ' (', ')');
  switch (record['outcome']) {
    case 'sent':
      return 'The value was sent';
    case 'aborted':
      return 'The caller went away while the value was being sent: it may have seen it';
    case 'not_released':
      return `Nothing was released${why}`;
    default:
      return `What became of it is not known${why}`;
  }
}

function request(record: AuditRecord): string {
  const { latency_us } = record;
  const total = isJsonObject(latency_us) ? latency_us['total'] : undefined;
  const took = typeof total === 'number' ? `, after ${(total / 1000).toFixed(1)} ms` : '';
  return `${plain(record['action']) ?? 'a request'}, request ${short(plain(record['request_id']))}${took}`;
}

function suppressed(record: AuditRecord): string {
  const since = given(plain(record['since']), ' since ');
  return record['check'] === 'flood'
    ? `Refusals of callers that are not known were only counted${since}`
    : `Records were turned away while none could be kept${since}`;
}

function counts(value: Json | undefined): string {
  if (!isJsonObject(value)) return '?';
  return Object.entries(value)
    .map(([name, count]) => `${plain(name) ?? '?'} ${plain(count) ?? '?'} times`)
    .join(', ');
}

function given(word: string | undefined, before: string, after = ''): string {
  return word === undefined ? '' : `${before}${word}${after}`;
}

function short(word: string | undefined, length = 8): string {
  if (word === undefined) return '?';
  return word.length > length + 1 ? `${word.slice(0, length)}…` : word;
}

/** A record may be forged: what it says must not steer the terminal that shows it. */
function plain(value: Json | undefined): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? value.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '�') : undefined;
}
