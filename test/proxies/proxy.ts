import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from '@jest/globals';

import { packageRoot } from '#src/config/disk.js';

import { findService } from '../support/services/find.js';
import { HAPROXY } from '../support/services/haproxy.js';
import { modulesOf, NGINX } from '../support/services/nginx.js';
import { type Home, listens, makeHome, Running } from '../support/services/run.js';
import type { Installation, Service } from '../support/services/service.js';
import type { Identity } from './certificates.js';

/** The host name that callers know. Nothing resolves it: tests connect to the loopback address, and name it in TLS and in Host. */
export const SERVER_NAME = 'secrets.example';

/** The name in the certificate of a gateway on another machine. */
export const GATEWAY_NAME = 'postern.internal';

/** What differs between an operator's machine and a test. */
export interface Wiring {
  /** Where the proxy listens. */
  readonly port: number;
  /** Where the gateway listens. */
  readonly gatewayPort: number;
  readonly server: Identity;
  /** Who signs the certificates of clients, PEM. */
  readonly clientAuthority: string;
  /** Where the gateway has a TLS listener. */
  readonly link?: {
    /** What the proxy shows to the gateway. */
    readonly proxy: Identity;
    /** Who signed the certificate of the gateway, PEM. */
    readonly gatewayAuthority: string;
  };
}

/** A proxy of docs/proxies.md: the server, and how its file there is filled in. */
export interface Proxy {
  readonly service: Service;
  readonly start: (found: Installation, wiring: Wiring) => Promise<Running>;
}

export const PROXIES: readonly Proxy[] = [
  {
    service: NGINX,
    start: async (found, wiring) => {
      const home = await makeHome('nginx');
      await mkdir(join(home.path, 'state'));
      await copyFile(page('client-cert.js'), join(home.path, 'client-cert.js'));
      const { link } = wiring;
      const config = await fillIn('nginx.conf', home, {
        ...common(wiring),
        ...(link !== undefined && {
          PROXY_CERTIFICATE: await keep(home, 'proxy.pem', link.proxy.certificate),
          PROXY_KEY: await keep(home, 'proxy.key', link.proxy.key),
          GATEWAY_CA: await keep(home, 'gateway.pem', link.gatewayAuthority),
        }),
        CERTIFICATE: await keep(home, 'server.pem', wiring.server.certificate),
        KEY: await keep(home, 'server.key', wiring.server.key),
        CLIENT_CA: await keep(home, 'clients.pem', wiring.clientAuthority),
        CONF: home.path,
        MODULES: (await modulesOf(found)) ?? '',
        STATE: join(home.path, 'state'),
        LOGS: home.logs,
      });
      const foreground = `daemon off; pid ${join(home.path, 'nginx.pid')};`;
      const args = ['-p', home.path, '-c', config, '-g', foreground];
      return await Running.start(found, home, { args, ready: async () => await listens(wiring.port) });
    },
  },
  {
    service: HAPROXY,
    start: async (found, wiring) => {
      const home = await makeHome('haproxy');
      const { link, server } = wiring;
      const config = await fillIn('haproxy.cfg', home, {
        ...common(wiring),
        ...(link !== undefined && {
          PROXY_CERTIFICATE: await keep(home, 'proxy.pem', `${link.proxy.certificate}\n${link.proxy.key}`),
          GATEWAY_CA: await keep(home, 'gateway.pem', link.gatewayAuthority),
        }),
        CERTIFICATE: await keep(home, 'server.pem', `${server.certificate}\n${server.key}`),
        CLIENT_CA: await keep(home, 'clients.pem', wiring.clientAuthority),
      });
      const args = ['-db', '-f', config];
      return await Running.start(found, home, { args, ready: async () => await listens(wiring.port) });
    },
  },
];

function common({ port, gatewayPort, link }: Wiring): Readonly<Record<string, string>> {
  return {
    // Nobody else: whoever runs the tests may not be allowed to run anything as another user.
    USER: userInfo().username,
    GROUP: execFileSync('id', ['-gn'], { encoding: 'utf8' }).trim(),
    LISTEN: `127.0.0.1:${port}`,
    SERVER_NAME,
    PUBLIC_HOST: `${SERVER_NAME}:${port}`,
    GATEWAY: `127.0.0.1:${gatewayPort}`,
    ...(link !== undefined && { GATEWAY_NAME }),
  };
}

/**
 * The file of the docs with each of its names replaced, and nothing else; for a gateway with a TLS listener, also with the lines for
 * that, as docs/proxies.md says. @returns its path
 */
async function fillIn(name: string, home: Home, values: Readonly<Record<string, string>>): Promise<string> {
  const text = await readFile(page(name), 'utf8');
  const chosen = 'GATEWAY_NAME' in values ? text.replace(/^.* # plain$/gm, '').replaceAll('#tls ', '') : text;
  const filled = chosen.replace(/^(?!\s*#).*$/gm, (line) =>
    line.replace(/@([A-Z_]+)@/g, (_, key: string) => {
      const value = values[key];
      if (value === undefined) throw new Error(`${name} holds @${key}@, for which there is no value`);
      return value;
    }),
  );
  return await keep(home, name, filled);
}

async function keep({ path }: Home, name: string, text: string): Promise<string> {
  await writeFile(join(path, name), text, { mode: 0o600 });
  return join(path, name);
}

function page(name: string): string {
  return join(packageRoot(), 'docs/proxies', name);
}

export interface Available {
  readonly proxy: Proxy;
  readonly found: Installation;
}

/**
 * The same tests through each of the proxies. One that cannot be had is left out, and said to be.
 *
 * @param suite for the reader of the log
 */
export async function throughProxies(suite: string, define: (available: Available) => void): Promise<void> {
  for (const proxy of PROXIES) {
    const { name } = proxy.service;
    const found = await findService(proxy.service, `${suite}, through ${name}`);
    describe(`through ${name}`, () => {
      if (found !== undefined) define({ proxy, found });
      else it('is left out, and said to be', () => expect(process.env['CI']).not.toBe('true'));
    });
  }
}
