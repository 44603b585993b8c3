import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';

import { Wire, type WireAnswer } from '../http/wire.js';
import type { Certificate } from './certificates.js';

export interface SecureOptions {
  /** Who signed the server's certificate. */
  readonly ca: Certificate;
  /** What the client shows. */
  readonly shows?: Certificate;
  /** Further options of node:tls. */
  readonly tls?: ConnectionOptions;
}

/** A connection over TLS whose handshake is done; the server's certificate is verified as any client would. */
export async function openTls(port: number, { ca, shows, tls = {} }: SecureOptions): Promise<TLSSocket> {
  const socket = connectTls({
    port,
    host: '127.0.0.1',
    ca: ca.pem,
    ...(shows !== undefined && { cert: shows.pem, key: shows.key }),
    ...tls,
  });
  await ready(socket, 'secureConnect');
  return socket;
}

/** Sends bytes over a connection of their own, and gives the first answer. */
export async function askTls(port: number, bytes: string | Uint8Array, options: SecureOptions): Promise<WireAnswer> {
  return await answered(await openTls(port, options), bytes);
}

/** The same without TLS, from a loopback address of one's choice. */
export async function askFrom(localAddress: string, port: number, bytes: string | Uint8Array): Promise<WireAnswer> {
  const socket = connectPlain({ port, host: '127.0.0.1', localAddress });
  await ready(socket, 'connect');
  return await answered(socket, bytes);
}

async function answered(socket: Socket, bytes: string | Uint8Array): Promise<WireAnswer> {
  const wire = Wire.over(socket);
  try {
    return await wire.send(bytes).answer();
  } finally {
    wire.end();
  }
}

async function ready(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  await new Promise<void>((resolve, reject) => socket.once(event, resolve).once('error', reject));
}
