/** Where a gateway listens. */
export interface Listening {
  readonly host: string;
  readonly port: number;
  /** Whether it speaks TLS. */
  readonly secure?: boolean;
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/**
 * The hosts this gateway answers for: those of its public origins and, where local names are allowed (dev and test), the loopback
 * names of the port it listens on. Everything else is 421: a proof made for another server must not find a reader here.
 */
export class Hosts {
  readonly #names = new Set<string>();

  /** @param origins such as `https://secrets.example` */
  constructor(origins: readonly string[]) {
    for (const origin of origins) this.#add(new URL(origin));
  }

  /** The loopback names of a port become ours. */
  listensOn(where: Listening): void {
    for (const origin of localOrigins(where)) this.#add(new URL(origin));
  }

  /** Whether a `Host` value names us, without regard to case (RFC 9110 section 4.2.3). */
  has(host: string): boolean {
    return this.#names.has(host) || this.#names.has(host.toLowerCase());
  }

  /** The default port may be spelled or left out. */
  #add({ protocol, hostname, host, port }: URL): void {
    this.#names.add(host);
    if (port === '') this.#names.add(`${hostname}:${DEFAULT_PORTS[protocol] ?? ''}`);
    else if (port === DEFAULT_PORTS[protocol]) this.#names.add(hostname);
  }
}

/** The origins by which a listener without a public origin is called from its own machine, its own spelling first. */
export function localOrigins({ host, port, secure = false }: Listening): readonly string[] {
  const own = host.includes(':') ? `[${host}]` : host;
  return [...new Set([own, '127.0.0.1', 'localhost', '[::1]'])].map(
    (name) => `${secure ? 'https' : 'http'}://${name}:${port}`,
  );
}
