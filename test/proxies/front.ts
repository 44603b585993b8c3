import { connect, type TLSSocket } from 'node:tls';

import { Wire } from '../http/wire.js';
import { type Gateway, type GatewayOptions, startGateway } from '../support/gateway.js';
import { freePort } from '../support/services/ports.js';
import type { Running } from '../support/services/run.js';
import type { Installation } from '../support/services/service.js';
import { Authority, type Identity } from './certificates.js';
import { type Proxy, SERVER_NAME } from './proxy.js';

/** A gateway behind a real proxy, as docs/proxies.md has it. */
export class Front {
  private constructor(
    readonly gateway: Gateway,
    /** Where the proxy listens. */
    readonly port: number,
    readonly proxy: Running,
    readonly clients: Authority,
    private readonly servers: Authority,
  ) {}

  static async start(proxy: Proxy, found: Installation, options: GatewayOptions = {}): Promise<Front> {
    const [servers, clients] = [await Authority.make('servers'), await Authority.make('clients')];
    const port = await freePort();
    const settings = { PUBLIC_ORIGIN: `https://${SERVER_NAME}:${port}`, ...options.settings };
    const gateway = await startGateway({ ...options, settings });
    const wiring = {
      port,
      gatewayPort: gateway.port,
      server: await servers.server(SERVER_NAME),
      clientAuthority: clients.certificate,
    };
    return new Front(gateway, port, await proxy.start(found, wiring), clients, servers);
  }

  /** A bare connection through TLS, with a client's certificate or without. */
  async open(options: ConnectOptions = {}): Promise<Wire> {
    return Wire.over(await this.connect({ ...options, protocols: ['http/1.1'] }));
  }

  async connect({
    identity,
    protocols,
    servername = SERVER_NAME,
  }: ConnectOptions & { protocols: string[] }): Promise<TLSSocket> {
    const socket = connect({
      host: '127.0.0.1',
      port: this.port,
      servername,
      ca: this.servers.certificate,
      ALPNProtocols: protocols,
      ...(identity !== undefined && { cert: identity.certificate, key: identity.key }),
    });
    await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    return socket;
  }

  async close(): Promise<void> {
    await this.proxy.stop();
    await this.gateway.close();
  }
}

export interface ConnectOptions {
  /** The client's certificate. */
  readonly identity?: Identity;
  readonly servername?: string;
}
