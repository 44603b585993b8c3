import { createConnection } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';

import { Wire, type WireAnswer } from '../http/wire.js';
import { APP, type Gateway, type GatewayOptions, startGateway } from '../support/gateway.js';
import { freePort } from '../support/services/ports.js';
import type { Running } from '../support/services/run.js';
import { Authority, type Identity } from './certificates.js';
import { type Available, GATEWAY_NAME, SERVER_NAME, type Wiring } from './proxy.js';

export interface ConnectOptions {
  /** The client's certificate. */
  readonly identity?: Identity;
  /** What TLS names; null: nothing. */
  readonly servername?: string | null;
  /** Of the client: an address of this machine, such as 127.0.0.2. */
  readonly from?: string;
  readonly session?: Buffer;
}

export interface ReadOptions extends ConnectOptions {
  /** Null: without. */
  readonly token?: string | null;
  readonly scheme?: 'DPoP' | 'Bearer';
  readonly fields?: readonly string[];
}

/** What is wrong between the proxy and the gateway. */
export interface LinkFaults {
  /** In the gateway's certificate. */
  readonly gatewayName?: string;
  /** Whom the proxy believes about gateways. */
  readonly gatewayAuthority?: Authority;
  /** Whom the gateway takes for the proxy. */
  readonly knownProxy?: Identity;
}

/** The proxy is trusted; a client that is not to be taken for it comes from another address. */
const TRUST = { TRUSTED_PROXY_CIDRS: '127.0.0.1/32', CLIENT_CERT_HEADER: true } as const;

/** A gateway behind a real proxy, as docs/proxies.md has it. */
export class Front {
  private constructor(
    readonly gateway: Gateway,
    /** Where the proxy listens. */
    readonly port: number,
    readonly proxy: Running,
    /** Signs certificates of clients that the proxy takes. */
    readonly clients: Authority,
    private readonly servers: Authority,
  ) {}

  static async start(available: Available, options: GatewayOptions = {}): Promise<Front> {
    return await Front.#start(available, options);
  }

  /** With TLS between the proxy and the gateway as well, each of which knows the other by its certificate. */
  static async startLinked(available: Available, faults: LinkFaults = {}): Promise<Front> {
    const [gateways, proxies] = [await Authority.make('gateways'), await Authority.make('proxies')];
    const [own, proxy] = [await gateways.server(faults.gatewayName ?? GATEWAY_NAME), await proxies.client('proxy')];
    const known = faults.knownProxy ?? proxy;
    const settings = {
      TLS_CERT: own.certificate,
      TLS_KEY: own.key,
      TLS_CLIENT_CA: proxies.certificate,
      TRUSTED_PROXY_THUMBPRINTS: known.thumbprint,
    };
    const gatewayAuthority = (faults.gatewayAuthority ?? gateways).certificate;
    return await Front.#start(available, { settings }, { proxy, gatewayAuthority });
  }

  static async #start({ proxy, found }: Available, options: GatewayOptions, link?: Wiring['link']): Promise<Front> {
    const [servers, clients] = [await Authority.make('servers'), await Authority.make('clients')];
    const port = await freePort();
    const settings = { PUBLIC_ORIGIN: `https://${SERVER_NAME}:${port}`, ...TRUST, ...options.settings };
    const gateway = await startGateway({ ...options, settings });
    const server = await servers.server(SERVER_NAME);
    const clientAuthority = clients.certificate;
    const wiring = { port, gatewayPort: gateway.port, server, clientAuthority, ...(link !== undefined && { link }) };
    return new Front(gateway, port, await proxy.start(found, wiring), clients, servers);
  }

  /** Asks for a target on a connection of its own, under the scheme DPoP with a fresh proof unless told otherwise. */
  async read(target: string = APP, options: ReadOptions = {}): Promise<WireAnswer> {
    const { token = this.gateway.mint(), scheme = 'DPoP', fields = [] } = options;
    const credentials = token === null ? [] : [`Authorization: ${scheme} ${token}`];
    if (token !== null && scheme === 'DPoP') {
      credentials.push(`DPoP: ${this.gateway.prove({ token, path: target })}`);
    }
    return await this.ask(this.gateway.request({ target, fields: [...credentials, ...fields] }), options);
  }

  /** Sends these bytes on a connection of their own, and gives the first answer. */
  async ask(bytes: string | Uint8Array, options: ConnectOptions = {}): Promise<WireAnswer> {
    const wire = await this.open(options);
    try {
      return await wire.send(bytes).answer();
    } finally {
      wire.end();
    }
  }

  async open(options: ConnectOptions = {}): Promise<Wire> {
    return Wire.over(await this.connect('http/1.1', options));
  }

  /** A connection through TLS. @param protocol what ALPN offers */
  async connect(protocol: 'http/1.1' | 'h2', options: ConnectOptions = {}): Promise<TLSSocket> {
    const { identity, servername = SERVER_NAME, from = '127.0.0.2', session } = options;
    const socket = connect({
      socket: createConnection({ host: '127.0.0.1', port: this.port, localAddress: from }),
      ca: this.servers.certificate,
      ALPNProtocols: [protocol],
      checkServerIdentity: () => undefined,
      ...(servername !== null && { servername }),
      ...(identity !== undefined && { cert: identity.certificate, key: identity.key }),
      ...(session !== undefined && { session }),
    });
    await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    return socket;
  }

  /** How many requests the gateway has answered so far, whoever sent them. */
  get served(): number {
    return this.gateway.logLines().filter((line) => line.includes('"msg":"answered"')).length;
  }

  async close(): Promise<void> {
    await this.proxy.stop();
    await this.gateway.close();
  }
}
