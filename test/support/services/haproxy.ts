import { unpackDebian } from './debian.js';
import { olderThan, type Service } from './service.js';

/** HAProxy with TLS, as Debian builds it. */
export const HAPROXY: Service = {
  name: 'haproxy',
  variable: 'TEST_HAPROXY',
  binary: 'haproxy',
  install: async (folder) => await unpackDebian(folder, ['haproxy']),
  lacks: async (found) => await olderThan(found, ['-v'], [2, 6]),
};
