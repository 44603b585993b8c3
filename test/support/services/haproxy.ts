import { unpackDebian } from './debian.js';
import type { Service } from './service.js';

/** HAProxy with TLS, as Debian builds it. */
export const HAPROXY: Service = {
  name: 'haproxy',
  variable: 'TEST_HAPROXY',
  binary: 'haproxy',
  install: async (folder) => await unpackDebian(folder, ['haproxy']),
};
