import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from '@jest/globals';

import { FileSink, type FileSinkOptions } from '#libs/audit-file/file-sink.js';

import { auditSinkContract } from '../contracts/audit-sink.contract.js';
import { FaultyDisk, type Fault } from './faulty-disk.js';
import { linesIn, place, segmentsIn } from './place.js';

const W = 'abcdefghijklmnopqrstuv';
const BEGAN = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
const FIRST = `20260102T030405006Z-${W}.000001.ndjson`;
const SECOND = `20260102T030405006Z-${W}.000002.ndjson`;

async function opened(
  options: Partial<FileSinkOptions> = {},
): Promise<{ sink: FileSink; disk: FaultyDisk; dir: string }> {
  const dir = options.dir ?? place();
  const disk = await FaultyDisk.open(dir);
  return { sink: await FileSink.open({ dir, w: W, beganMs: BEGAN, disk, ...options }), disk, dir };
}

for (const fault of ['write', 'sync'] satisfies Fault[]) {
  auditSinkContract(`the file sink over a disk whose ${fault} fails`, async () => {
    const { sink, disk, dir } = await opened();
    return {
      sink,
      durable: async () => linesIn(dir),
      breakDown: async () => {
        disk.failing.add(fault);
        disk.shortBy = 7;
      },
      repair: async () => {
        disk.failing.clear();
      },
    };
  });
}

/** With segments this small each group needs a new file, so that a missing directory is felt. */
auditSinkContract('the file sink whose directory was replaced by a file', async () => {
  const dir = place();
  const away = `${dir}-away`;
  const sink = await FileSink.open({ dir, w: W, beganMs: BEGAN, segmentBytes: 1 });
  return {
    sink,
    durable: async () => linesIn(existsSync(away) ? away : dir),
    breakDown: async () => {
      renameSync(dir, away);
      writeFileSync(dir, 'no directory');
    },
    repair: async () => {
      rmSync(dir);
      renameSync(away, dir);
    },
  };
});

describe('the file sink', () => {
  it('names its segments by begin, writer and number, and makes them for its owner only', async () => {
    const { sink, dir } = await opened({ segmentBytes: 10 });
    await sink.append(['{"a":1}']);
    await sink.append(['{"b":2}']);
    await sink.close();
    expect(segmentsIn(dir)).toEqual([FIRST, SECOND]);
    expect(readFileSync(join(dir, SECOND), 'utf8')).toBe('{"b":2}\n');
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    expect(statSync(join(dir, FIRST)).mode & 0o777).toBe(0o600);
  });

  it('makes missing parents too', async () => {
    const { sink, dir } = await opened({ dir: join(place(), 'a', 'b') });
    await sink.close();
    expect(statSync(join(dir, '..')).mode & 0o777).toBe(0o700);
  });

  it('never writes a file that exists: a writer has its files alone', async () => {
    const { sink, dir } = await opened();
    await expect(FileSink.open({ dir, w: W, beganMs: BEGAN })).rejects.toThrow('EEXIST');
    await sink.close();
  });

  it('does not follow a link that stands where its file would', async () => {
    const dir = place();
    mkdirSync(dir, { mode: 0o700 });
    const victim = join(dir, '..', 'victim');
    symlinkSync(victim, join(dir, FIRST));
    await expect(FileSink.open({ dir, w: W, beganMs: BEGAN })).rejects.toThrow('EEXIST');
    expect(existsSync(victim)).toBe(false);
  });

  it('refuses a directory that is a link, a file, or open to other writers', async () => {
    const [link, file, open] = [place(), place(), place()];
    mkdirSync(`${link}-real`, { mode: 0o700 });
    symlinkSync(`${link}-real`, link);
    await expect(FileSink.open({ dir: link, w: W, beganMs: BEGAN })).rejects.toThrow('is not a directory');
    writeFileSync(file, '');
    await expect(FileSink.open({ dir: file, w: W, beganMs: BEGAN })).rejects.toThrow(/EEXIST|not a directory/);
    mkdirSync(open);
    chmodSync(open, 0o777);
    await expect(FileSink.open({ dir: open, w: W, beganMs: BEGAN })).rejects.toThrow('chmod go-w');
  });

  it('shares one write and one sync among all lines that wait', async () => {
    const { sink, disk } = await opened();
    disk.calls.length = 0;
    await Promise.all(Array.from({ length: 1000 }, async (_, at) => await sink.append([`{"n":${at}}`])));
    await sink.close();
    expect(disk.calls).toEqual(['write', 'sync', 'write', 'sync', 'close']);
  });

  it('goes on where a short write stopped', async () => {
    const { sink, disk, dir } = await opened();
    disk.atMost = 5;
    await sink.append(['{"longer":"than five bytes"}', '{"b":2}']);
    expect(linesIn(dir)).toEqual(['{"longer":"than five bytes"}', '{"b":2}']);
    await sink.close();
  });

  it('rejects when the disk takes no byte at all', async () => {
    const { sink, disk } = await opened();
    disk.atMost = 0;
    await expect(sink.append(['{}'])).rejects.toThrow('did not take');
    await sink.close();
  });

  it('cuts what a failed write left, and goes on in a new segment', async () => {
    const { sink, disk, dir } = await opened();
    await sink.append(['{"a":1}']);
    disk.failing.add('write');
    disk.shortBy = 4;
    await expect(sink.append(['{"b":2}'])).rejects.toThrow();
    expect(readFileSync(join(dir, FIRST), 'utf8')).toBe('{"a":1}\n');
    disk.failing.clear();
    await sink.append(['{"b":2}']);
    await sink.close();
    expect(readFileSync(join(dir, FIRST), 'utf8')).toBe('{"a":1}\n');
    expect(readFileSync(join(dir, SECOND), 'utf8')).toBe('{"b":2}\n');
  });

  it('never uses a descriptor again whose sync failed, even when the next would succeed', async () => {
    const { sink, disk, dir } = await opened();
    await sink.append(['{"a":1}']);
    disk.failing.add('sync');
    await expect(sink.append(['{"b":2}'])).rejects.toThrow();
    disk.failing.clear();
    await sink.append(['{"b":2}', '{"c":3}']);
    await sink.close();
    expect(readFileSync(join(dir, FIRST), 'utf8')).toBe('{"a":1}\n');
    expect(readFileSync(join(dir, SECOND), 'utf8')).toBe('{"b":2}\n{"c":3}\n');
  });

  it('goes to a new segment when it cannot cut off what a failed write left', async () => {
    const { sink, disk, dir } = await opened();
    await sink.append(['{"a":1}']);
    disk.failing.add('write').add('truncate');
    disk.shortBy = 4;
    await expect(sink.append(['{"b":2}'])).rejects.toThrow();
    disk.failing.clear();
    await sink.append(['{"b":2}']);
    await sink.close();
    expect(readFileSync(join(dir, FIRST), 'utf8')).toBe('{"a":1}\n{"b"');
    expect(readFileSync(join(dir, SECOND), 'utf8')).toBe('{"b":2}\n');
  });

  it('makes one new segment, not one per attempt, while the disk is full', async () => {
    const { sink, disk, dir } = await opened();
    await sink.append(['{"a":1}']);
    disk.failing.add('write');
    for (let attempt = 0; attempt < 5; attempt += 1) await expect(sink.append(['{"b":2}'])).rejects.toThrow();
    expect(segmentsIn(dir)).toEqual([FIRST, SECOND]);
    disk.failing.clear();
    await sink.append(['{"b":2}']);
    await sink.close();
    expect(linesIn(dir)).toEqual(['{"a":1}', '{"b":2}']);
    expect(segmentsIn(dir)).toEqual([FIRST, SECOND]);
  });

  it('leaves no empty files behind while every sync fails', async () => {
    const { sink, disk, dir } = await opened();
    disk.failing.add('sync');
    for (let attempt = 0; attempt < 5; attempt += 1) await expect(sink.append(['{"a":1}'])).rejects.toThrow();
    expect(segmentsIn(dir)).toEqual([]);
    disk.failing.clear();
    await sink.append(['{"a":1}']);
    await sink.close();
    expect(linesIn(dir)).toEqual(['{"a":1}']);
  });

  it('rejects, and keeps its segment, when the next one cannot be made', async () => {
    const { sink, disk, dir } = await opened({ segmentBytes: 10 });
    await sink.append(['{"a":1}']);
    disk.failing.add('create');
    await expect(sink.append(['{"b":2}'])).rejects.toThrow();
    disk.failing.clear();
    await sink.append(['{"b":2}']);
    await sink.close();
    expect(linesIn(dir)).toEqual(['{"a":1}', '{"b":2}']);
  });
});
