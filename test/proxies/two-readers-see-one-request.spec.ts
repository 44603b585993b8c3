import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { Wire } from '../http/wire.js';
import { agree, type Outcome, outcomeOf } from './desync.js';
import { Front } from './front.js';
import { type About, honest, malformed } from './malformed.js';
import { throughProxies } from './proxy.js';

const AT_ONCE = 24;
const MALFORMED = malformed();

interface Seen extends Outcome {
  /** The requests of this connection that the gateway answered, by its log: in the order in which they ended. */
  readonly logged: readonly string[];
}

await throughProxies('malformed requests through a proxy', (available) => {
  let front: Front;
  let direct: readonly Seen[];
  let proxied: readonly Seen[];
  /** The gateway's log of what came through the proxy: id and status of every request, in order. */
  let log: readonly (readonly [id: string, status: number])[];

  beforeAll(async () => {
    front = await Front.start(available);
    direct = await sendAll(front, 'd', async () => await Wire.open(front.gateway.port));
    const before = logOf(front).length;
    proxied = await sendAll(front, 'p', async () => await front.open());
    log = logOf(front).slice(before);
  }, 120_000);
  afterAll(async () => await front.close());

  it('N16: there are at least 200 malformed requests, and no two are the same', () => {
    const about = { host: 'h', outer: 'o', inner: 'i', marker: 'm' };
    expect(new Set(MALFORMED.map(({ bytes }) => bytes(about).toString('latin1'))).size).toBeGreaterThanOrEqual(200);
  });

  it('N16: what the gateway saw as a request got an answer of its own, in order, and nobody got the answer of another', () => {
    const wrong = proxied.flatMap(({ answered, logged }, index) => {
      const ours = answered.filter(isOurs);
      return ours.join() === inOrder(logged).join() ? [] : [{ title: MALFORMED[index]?.title, answered, logged }];
    });
    expect(wrong).toEqual([]);
    const answers = proxied.flatMap(({ answered }) => answered.filter((id) => id !== '-'));
    expect([...answers].sort()).toEqual(log.map(([id]) => id).sort());
  });

  it('N16: some of them are read as they are, some mended and some refused, so that there is something to compare', () => {
    const byOuter = (seen: readonly Seen[], own: boolean): number =>
      seen.filter(({ answered }) => (answered[0]?.includes('outer') ?? false) === own).length;
    for (const seen of [direct, proxied]) {
      expect(byOuter(seen, true)).toBeGreaterThan(20);
      expect(byOuter(seen, false)).toBeGreaterThan(20);
    }
  });

  it('N16: no request is seen as two by one and as one by the other', () => {
    const differing = proxied.flatMap(({ answered }, index) => {
      const alone = direct[index]?.answered ?? [];
      return agree(answered.map(kindOf), alone.map(kindOf))
        ? []
        : [{ title: MALFORMED[index]?.title, proxied: answered, alone }];
    });
    expect(differing).toEqual([]);
  });

  it('N16: none is an error of the gateway, with the proxy or without', () => {
    expect(logOf(front).filter(([, status]) => status >= 500)).toEqual([]);
    const told = [...direct, ...proxied].flatMap(({ statuses }) => statuses);
    // 501 and 505 are a proxy's own words for codings and versions that it does not know.
    expect(told.filter((status) => status >= 500 && status !== 501 && status !== 505)).toEqual([]);
  });

  it('N16: the connections to the gateway are as they should be afterwards', async () => {
    for (let index = 0; index < 40; index += 1) {
      const id = `after-${index}`;
      const { headers, status } = await front.ask(honest({ host: front.gateway.host }, id));
      expect({ status, id: headers['x-correlation-id'] }).toEqual({ status: 404, id: [id] });
    }
  });
});

/** Every malformed request on a connection of its own, some of them at a time. */
async function sendAll(front: Front, side: string, open: () => Promise<Wire>): Promise<readonly Seen[]> {
  const outcomes: Outcome[] = [];
  const waiting = [...MALFORMED.entries()];
  const aboutOf = (n: number): About => ({
    host: front.gateway.host,
    outer: `${side}outer${n}`,
    inner: `${side}inner${n}`,
    marker: `${side}marker${n}`,
  });
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [n, { bytes, head }] = next;
      const about = aboutOf(n);
      outcomes[n] = await outcomeOf(await open(), {
        bytes: bytes(about),
        last: about.marker,
        toHead: head === true,
        owed: (answered) => {
          const ids = [about.outer, about.inner, about.marker];
          return logOf(front).some(([id]) => ids.includes(id) && !answered.includes(id));
        },
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  await settled(front);
  const log = logOf(front);
  return outcomes.map((outcome, n) => {
    const { outer, inner, marker } = aboutOf(n);
    return { ...outcome, logged: log.map(([id]) => id).filter((id) => [outer, inner, marker].includes(id)) };
  });
}

/** A line of the log is written once its answer has left, or its connection has: that may be after a test has turned away. */
async function settled(front: Front): Promise<void> {
  let before = -1;
  for (let now = front.served; now !== before; now = front.served) {
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** Ids and statuses of what the gateway answered. A request that broke off within its body has a line of its own, without a status. */
function logOf({ gateway }: Front): readonly (readonly [id: string, status: number])[] {
  return gateway
    .logLines()
    .map((line) => JSON.parse(line) as { correlation_id: string; status: number })
    .filter(({ status }) => status !== 0)
    .map(({ correlation_id, status }) => [correlation_id, status] as const);
}

/** As they stand in the bytes that were sent. */
function inOrder(ids: readonly string[]): readonly string[] {
  const kinds = ['outer', 'inner', 'marker'];
  return ids.toSorted((one, other) => kinds.indexOf(kindOf(one)) - kinds.indexOf(kindOf(other)));
}

/** An id that a test gave, not one that the gateway made because the request could not be read as far as its own. */
function isOurs(id: string): boolean {
  return id.length < 20 && id !== '-';
}

/** Such as `inner`; `-` when the answer does not say to which request it belongs. */
function kindOf(id: string): string {
  return isOurs(id) ? id.replace(/^[dp]([a-z]+)\d+$/, '$1') : '-';
}
