/*
 * Loaded into a gateway under test before its own first line (`node --import`): tells, over the process's own channel, what cannot be
 * seen from outside. The gateway itself is not changed and knows nothing of it.
 *
 * HOSTILE_DIST: the folder with the compiled gateway.
 */
import { subscribe } from 'node:diagnostics_channel';
import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

interface Store {
  readonly size: number;
  epochOf(partition: number): unknown;
}

const counted = { connections: 0, datagrams: 0, names: 0 };
subscribe('net.client.socket', () => void (counted.connections += 1));
subscribe('udp.socket', () => void (counted.datagrams += 1));
for (const table of [dns, dns.promises] as unknown as Record<string, (...args: unknown[]) => unknown>[]) {
  for (const name of ['lookup', 'resolve', 'resolve4', 'resolve6']) {
    const original = table[name];
    if (original === undefined) throw new Error(`no ${name} in node:dns`);
    table[name] = (...args) => {
      counted.names += 1;
      return Reflect.apply(original, table, args);
    };
  }
}
syncBuiltinESMExports();

const stores = new Set<Store>();
const file = pathToFileURL(join(process.env['HOSTILE_DIST'] ?? '', 'libs/memory/memory-store.js')).href;
const { MemoryStore } = (await import(file)) as { MemoryStore: { prototype: Store } };
const epochOf = Object.getOwnPropertyDescriptor(MemoryStore.prototype, 'epochOf')?.value as Store['epochOf'];
MemoryStore.prototype.epochOf = function noting(this: Store, partition: number) {
  stores.add(this);
  return Reflect.apply(epochOf, this, [partition]);
};

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

process.on('message', ({ collected }: { collected: boolean }) => {
  if (collected) [1, 2, 3, 4].forEach(() => collect());
  const { heapUsed, external } = process.memoryUsage();
  const keys = [...stores].reduce((sum, { size }) => sum + size, 0);
  process.send?.({ keys, heapBytes: heapUsed, externalBytes: external, ...counted });
});
process.channel?.unref();
