import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { unpackDebian } from './debian.js';
import { type Installation, olderThan, type Service } from './service.js';

const run = promisify(execFile);
const JS_MODULE = 'ngx_http_js_module.so';

/** nginx with its njs module. */
export const NGINX: Service = {
  name: 'nginx',
  variable: 'TEST_NGINX',
  binary: 'nginx',
  install: async (folder) => await unpackDebian(folder, ['nginx', 'libnginx-mod-http-js']),
  lacks: async (found) => {
    const old = await olderThan(found, ['-v'], [1, 22]);
    if (old !== undefined) return old;
    return (await modulesOf(found)) === undefined ? `it has no module ${JS_MODULE}` : undefined;
  },
};

/** Where the njs module lies: below what was installed, else where the binary says. */
export async function modulesOf({ binary, root, env }: Installation): Promise<string | undefined> {
  const { stderr } = await run(binary, ['-V'], { env: { ...process.env, ...env } }).catch(() => ({ stderr: '' }));
  const own = /--modules-path=(\S+)/.exec(stderr)?.[1] ?? '/usr/lib/nginx/modules';
  const folder = join(root, own);
  return await access(join(folder, JS_MODULE)).then(
    () => folder,
    () => undefined,
  );
}
