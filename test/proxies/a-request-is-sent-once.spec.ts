import { createServer, type Server, type Socket } from 'node:net';
import { connect } from 'node:tls';

import { afterEach, beforeEach, expect, it } from '@jest/globals';

import { Wire } from '../http/wire.js';
import { freePort } from '../support/services/ports.js';
import type { Running } from '../support/services/run.js';
import { Authority } from './certificates.js';
import { throughProxies, SERVER_NAME } from './proxy.js';

/** In place of the gateway: a server that loses answers. It is no HTTP server, since those never do this. */
class Losing {
  /** Request lines, in the order in which they came. */
  readonly lines: string[] = [];
  /** Whether the last request came on a connection that had served another. */
  again = false;
  /** What happens to the connection when a request came whole. */
  onRequest: (socket: Socket, line: string) => void = answer;
  readonly #sockets = new Set<Socket>();

  private constructor(readonly server: Server) {
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      let text = '';
      let requests = 0;
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        text += String(bytes);
        for (let end = text.indexOf('\r\n\r\n'); end !== -1; end = text.indexOf('\r\n\r\n')) {
          const line = text.slice(0, text.indexOf('\r\n'));
          text = text.slice(end + 4);
          this.lines.push(line);
          this.again = requests > 0;
          requests += 1;
          this.onRequest(socket, line);
        }
      });
    });
  }

  static async listen(): Promise<Losing> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Losing(server);
  }

  get port(): number {
    const address = this.server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  close(): void {
    this.server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

function answer(socket: Socket): void {
  socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');
}

await throughProxies('lost answers behind a proxy', ({ proxy, found }) => {
  let behind: Losing;
  let port: number;
  let running: Running;
  let authority: Authority;
  beforeEach(async () => {
    behind = await Losing.listen();
    authority = await Authority.make('servers');
    port = await freePort();
    running = await proxy.start(found, {
      port,
      gatewayPort: behind.port,
      server: await authority.server(SERVER_NAME),
      clientAuthority: authority.certificate,
    });
  });
  afterEach(async () => {
    await running.stop();
    behind.close();
  });

  const open = async (): Promise<Wire> => {
    const socket = connect({ host: '127.0.0.1', port, servername: SERVER_NAME, ca: authority.certificate });
    await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    return Wire.over(socket);
  };

  it.each([
    ['is closed in order', (socket: Socket) => void socket.end()],
    ['is reset', (socket: Socket) => void socket.resetAndDestroy()],
    ['breaks off within the answer', (socket: Socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Le')],
  ])('D15: a request whose connection %s is not sent again', async (_, lose) => {
    behind.onRequest = lose;
    expect([502, 'closed']).toContain(await statusOf((await open()).send(request('/first'))));
    expect(behind.lines).toEqual(['GET /first HTTP/1.1']);
  });

  it('D15: nor is one whose connection had served another before', async () => {
    // The second one on a client's own connection: only there does HAProxy take a connection to the gateway that was used before.
    const wire = await open();
    expect((await wire.send(request('/first')).answer()).status).toBe(200);
    behind.onRequest = (socket) => void socket.resetAndDestroy();
    expect([502, 503, 'closed']).toContain(await statusOf(wire.send(request('/second'))));
    expect(behind.lines).toEqual(['GET /first HTTP/1.1', 'GET /second HTTP/1.1']);
    expect(behind.again).toBe(true);
  });
});

function request(target: string): string {
  return `GET ${target} HTTP/1.1\r\nHost: ${SERVER_NAME}\r\n\r\n`;
}

async function statusOf(wire: Wire): Promise<number | string> {
  try {
    return (await wire.answer()).status;
  } catch {
    return 'closed';
  } finally {
    wire.end();
  }
}
