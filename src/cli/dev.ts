import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { type Command, InvalidArgumentError, Option } from 'commander';

import { ClientCertificate } from '#libs/identity/certificate.js';
import type { Config } from '#src/config/config.js';
import type { DevTokenRequest } from '#src/dev/development-issuer.js';
import { freshKeyPair, keptKeyPair } from '#src/dev/kept-key-pair.js';
import { openLocalProfile } from '#src/dev/local-profile.js';

import { Failure, print, say } from './failure.js';
import { asCurlCommand, type Call, describeAnswer, send } from './signed-call.js';

interface IdentityOptions {
  readonly scope?: string[];
  readonly group?: string[];
  readonly sub?: string;
  readonly client?: string;
  readonly tenant?: string;
  readonly user?: boolean;
  readonly acr?: string;
  readonly authAge?: number;
}

interface CurlOptions extends IdentityOptions {
  readonly method: 'GET' | 'POST';
  readonly read?: boolean;
  readonly reason?: string;
  readonly origin?: string;
  readonly newKey?: boolean;
  readonly json?: boolean;
  readonly print?: boolean;
}

interface TokenOptions extends IdentityOptions {
  readonly bearer?: boolean;
  readonly jkt?: string;
  readonly certificate?: string;
  readonly ttl?: number;
}

/** `postern dev …`: be a calling service on a laptop. Works in the profile `local` only, in dev and test only. */
export function registerDev(postern: Command): void {
  const dev = postern.command('dev').description('Be a calling service, with tokens of the development issuer.');

  withIdentity(dev.command('curl <uri>'))
    .description('Ask the running gateway for one secret: a DPoP-bound token, a fresh proof each time.')
    .addOption(
      new Option('--method <method>', 'GET /value/{uri}, or POST /value').choices(['GET', 'POST']).default('GET'),
    )
    .option('--read', 'GET /read/{uri}: the same under the purpose read')
    .option('--reason <text>', 'sent as X-Access-Reason', headerText)
    .option('--origin <origin>', 'where the gateway is; default: as config/local.yaml and the environment say')
    .option('--new-key', 'use a key that nobody used before, instead of the one kept in STATE_DIR')
    .option('--json', 'print {status, receipt, body} on one line')
    .option('--print', 'print the curl command instead of sending; its proof is good once, for a minute')
    .addHelpText('after', CURL_HELP)
    .action(curl);

  withIdentity(dev.command('token'))
    .description('Print an access token.')
    .addOption(
      new Option('--bearer', 'not bound to a key, good for 24 hours (the default)').conflicts(['jkt', 'certificate']),
    )
    .option('--jkt <thumbprint>', 'bound to this key (RFC 7638 thumbprint), good for one hour', thumbprint)
    .option('--certificate <file>', 'bound to this client certificate (PEM), good for one hour')
    .option('--ttl <seconds>', 'another life, at most 86400', lifeSeconds)
    .addHelpText('after', TOKEN_HELP)
    .action(async (options: TokenOptions) => {
      const { issuer } = await localProfile();
      const { jkt, certificate, ttl } = options;
      const bound = {
        ...(jkt !== undefined && { jkt }),
        ...(certificate !== undefined && { x5t: certificateThumbprint(certificate) }),
      };
      const request = { ...identityOf(options), ...bound };
      print(await issuer.mintDevToken({ ...request, ...(ttl !== undefined && { ttlSeconds: ttl }) }));
    });
}

async function curl(uri: string, options: CurlOptions): Promise<void> {
  const { config, state, issuer } = await localProfile();
  const key = options.newKey === true ? await freshKeyPair() : await keptKeyPair(state, 'dev-client-key.json');
  const token = await issuer.mintDevToken({ ...identityOf(options), jkt: key.thumbprint });
  const call: Call = { ...requestOf(uri, options), origin: originOf(options.origin, config), key, token };
  if (options.print === true) {
    print(await asCurlCommand(call));
    return;
  }
  const answer = await send(call);
  print(
    options.json === true
      ? JSON.stringify({ status: answer.status, receipt: answer.receipt, body: answer.json ?? answer.text })
      : answer.text,
  );
  if (answer.status >= 200 && answer.status < 300) say(describeAnswer(answer));
  else throw new Failure(describeAnswer(answer), 1);
}

/** Where the URI goes: into the path, which a proof covers, or into the body. */
function requestOf(
  uri: string,
  { method, read, reason }: CurlOptions,
): Pick<Call, 'method' | 'path' | 'body' | 'reason'> {
  const said = reason === undefined ? {} : { reason };
  if (method === 'POST') {
    if (read === true) throw new Failure('--read is a GET: leave out --method POST.', 2);
    return { method, path: '/api/secrets/value', body: JSON.stringify({ uri }), ...said };
  }
  return { method, path: `/api/secrets/${read === true ? 'read' : 'value'}/${encodeURIComponent(uri)}`, ...said };
}

/** A wildcard address is no place to call. */
function originOf(given: string | undefined, { publicOrigin, listen, tls }: Config): string {
  if (given !== undefined) {
    const parsed = URL.parse(given);
    if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
      throw new Failure(`--origin must be an origin such as http://127.0.0.1:8080, not ${given}.`, 2);
    }
    return parsed.origin;
  }
  if (publicOrigin !== undefined) return publicOrigin;
  if (listen.port === 0) throw new Failure('LISTEN_ADDR has port 0: say with --origin where the gateway listens.', 2);
  const host = listen.host === '0.0.0.0' ? '127.0.0.1' : listen.host === '::' ? '::1' : listen.host;
  return `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${listen.port}`;
}

async function localProfile(): ReturnType<typeof openLocalProfile> {
  return await openLocalProfile(process.env);
}

function withIdentity(command: Command): Command {
  return command
    .option('--scope <scope...>', 'scopes of the token; default: all but secrets.admin')
    .option('--group <group...>', 'groups of the caller; default: payments')
    .option('--sub <name>', 'whom the token speaks for; default: demo-service')
    .option('--client <id>', 'client_id of the token; default: demo-client')
    .option('--tenant <id>', "tenant claim; default: the profile's tenant")
    .option('--user', 'speak for a user who has signed in, not for a service')
    .option('--acr <value>', 'how that user signed in (RFC 9470); implies --user', acrValue)
    .option('--auth-age <seconds>', 'how long ago; default: just now; implies --user', ageSeconds);
}

function identityOf(options: IdentityOptions): DevTokenRequest {
  const { scope, group, sub, client, tenant, user, acr, authAge } = options;
  const signedIn = user === true || acr !== undefined || authAge !== undefined;
  return {
    ...(scope !== undefined && { scopes: scope }),
    ...(group !== undefined && { groups: group }),
    ...(sub !== undefined && { sub }),
    ...(client !== undefined && { clientId: client }),
    ...(tenant !== undefined && { tenant }),
    ...(signedIn && { signIn: { age: authAge ?? 0, ...(acr !== undefined && { acr }) } }),
  };
}

function acrValue(text: string): string {
  if (/^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/.test(text)) return text;
  throw new InvalidArgumentError('It is 1 to 256 printable ASCII characters, without spaces and quotes.');
}

function ageSeconds(text: string): number {
  if (/^(?:0|[1-9][0-9]{0,8})$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a number of seconds.');
}

function headerText(text: string): string {
  if (/^[\x20-\x7e]{1,256}$/.test(text)) return text;
  throw new InvalidArgumentError('It is 1 to 256 printable ASCII characters.');
}

function thumbprint(text: string): string {
  if (/^[A-Za-z0-9_-]{43}$/.test(text)) return text;
  throw new InvalidArgumentError('It is 43 characters of base64url.');
}

function certificateThumbprint(path: string): string {
  try {
    return new ClientCertificate(new X509Certificate(readFileSync(path)).raw).x5t;
  } catch {
    throw new Failure(`--certificate must be the path of a PEM file with a certificate, not ${path}.`, 2);
  }
}

function lifeSeconds(text: string): number {
  if (/^[1-9][0-9]{0,4}$/.test(text) && Number(text) <= 86_400) return Number(text);
  throw new InvalidArgumentError('It is a number of seconds from 1 to 86400.');
}

const CURL_HELP = `
The body goes to stdout, words about it to stderr; the exit code is 0 for a 2xx answer, 1 for a refusal, 2 when nobody could be asked.
The key is kept in STATE_DIR, so that one grant serves several calls, as it would for a service.

Examples (each against a gateway started with npm start):
  npx postern dev curl 'yaml://dev/payments/api#token'             one key
  npx postern dev curl yaml://dev/payments/api                     the whole map
  npx postern dev curl 'yaml://dev/payments/api#token' --method POST
  npx postern dev curl 'yaml://dev/payments/api#token' --read
  npx postern dev curl 'yaml://dev/payments/api#token' --scope secrets.write   refused: 403 INSUFFICIENT_SCOPE
  npx postern dev curl 'yaml://dev/ops/root#password' --sub demo-operator --reason INC-1 --user    refused: 401 STEP_UP_REQUIRED
`;

const TOKEN_HELP = `
Examples:
  curl -s -H "Authorization: Bearer $(npx postern dev token)" \\
    -G --data-urlencode 'uri=yaml://dev/payments/api#token' http://127.0.0.1:8080/api/secrets/value
  npx postern dev token --group payments billing --ttl 600
  npx postern dev token --certificate client.pem                   for a connection with that certificate (docs/callers/mtls.md)
`;
