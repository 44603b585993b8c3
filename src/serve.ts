import { parseArgs, styleText } from 'node:util';

import type { NestFastifyApplication } from '@nestjs/platform-fastify';

import { Refusal } from '#libs/kernel/refusal.js';

import { createApp, listeningOn } from './app.js';
import { createGate, type OpenGate } from './composition/create-gate.js';
import type { Config } from './config/config.js';
import { packageRoot, readFromDisk } from './config/disk.js';
import { ConfigError } from './config/faults.js';
import { loadConfig } from './config/load.js';
import { relaxed } from './config/setting.js';
import { SWITCHES } from './config/switches.js';
import { Cidrs } from './http/cidrs.js';
import { type Listening, localOrigins } from './http/hosts.js';
import type { HttpOptions } from './http/http-options.js';
import { TIMEOUTS } from './http/server.js';
import { createLog, type Log } from './telemetry/logger.js';

/** How long requests that are under way may take to end once the gateway goes down: more than any request's deadline. */
const DRAIN_MS = 10_000;

export interface ServeOptions {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What a person reads once the gateway listens. */
  readonly greet?: (config: Config, where: Listening) => Promise<string>;
}

/** Loads the configuration, builds, listens, and drains on SIGTERM and SIGINT. What goes wrong at start is said once, without a stack. */
export async function serve({ argv, env, greet }: ServeOptions): Promise<void> {
  try {
    const { values } = parseArgs({ args: [...argv], options: { profile: { type: 'string' } } });
    const config = loadConfig({ env, profile: values.profile, directory: packageRoot(), readFile: readFromDisk });
    const log = createLog();
    exitOnDefect(log);
    for (const warning of config.warnings) log.warn(warning);
    for (const name of config.switchesOff) shout(SWITCHES[name]);
    const open = await createGate(config, { alarm: (what) => log.error(what) });
    const app = await createApp({ gate: open.gate, http: httpOptions(config), log });
    await app.listen(config.listen.port, config.listen.host);
    const where = listeningOn(app.getHttpServer().address(), config.tls !== undefined);
    if (relaxed(config.environment)) open.listensOn(localOrigins(where));
    drainOnSignal({ app, open, log });
    say(greet === undefined ? `Postern listens on ${localOrigins(where)[0]}.` : await greet(config, where));
  } catch (error) {
    say(startFault(error));
    // What was opened so far (timers, files, a listener) must not keep a gateway alive that does not serve.
    process.exit(1);
  }
}

/** A defect that nobody caught: its place is logged, never its message, and the process ends, since its state is not known. */
function exitOnDefect(log: Log): void {
  process.on('uncaughtException', (cause) => {
    log.fault({ requestId: '-', correlationId: '-' }, new Refusal('INTERNAL', { check: 'uncaught', cause }));
    log.flush();
    process.exit(1);
  });
}

/** The part of the configuration that HTTP needs. */
export function httpOptions(config: Config): HttpOptions {
  return {
    origins: config.publicOrigin === undefined ? [] : [config.publicOrigin],
    localNames: relaxed(config.environment),
    resource: {
      identifier: config.resource.identifier ?? config.publicOrigin,
      documentation: config.resource.documentation,
      issuers: config.issuers.map(({ issuer }) => issuer),
      unbound: config.binding.allowUnbound,
      certificates: config.tls !== undefined || config.addresses.clientCertHeader,
    },
    uriInPathOnly: config.requireUriInPath,
    reasonPattern: config.reasonPattern,
    proxies: {
      cidrs: new Cidrs(config.addresses.proxies),
      thumbprints: new Set(config.addresses.proxyThumbprints),
    },
    clientCertHeader: config.addresses.clientCertHeader,
    tls: config.tls,
    timeouts: TIMEOUTS,
  };
}

interface Serving {
  readonly app: NestFastifyApplication;
  readonly open: OpenGate;
  readonly log: Log;
}

/** The first signal drains; a second one, from somebody who will not wait, ends the process at once. */
function drainOnSignal(serving: Serving): void {
  let draining = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (draining) process.exit(1);
    draining = true;
    void drain(serving, signal);
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
}

/** Stops accepting, lets what is under way end within a bound, then closes the journal: the audit outlives the last answer. */
async function drain({ app, open, log }: Serving, signal: NodeJS.Signals): Promise<void> {
  log.info(`${signal}: draining`);
  const server = app.getHttpServer();
  const cut = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  try {
    await app.close();
    await open.close();
  } catch (error) {
    log.error(`could not close in order: ${error instanceof Error ? error.name : 'unknown'}`);
    process.exitCode = 1;
  }
  clearTimeout(cut);
  log.flush();
  process.exit();
}

function startFault(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  const message = error instanceof Error ? error.message : String(error);
  return `Postern does not start: ${message.replace(/\.$/, '')}.`;
}

/** To people, on standard error: standard output holds log lines and nothing else. */
function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Bold and red where colours are wanted (NO_COLOR, a stream that is no terminal): it must not drown. */
function shout(text: string): void {
  say(styleText(['bold', 'red'], text, { stream: process.stderr }));
}
