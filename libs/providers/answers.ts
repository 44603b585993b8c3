import { Refusal } from '#libs/kernel/refusal.js';

import type { ReadAnswer } from './secret-provider.js';

/** Every answer that is no value, as the refusal it becomes. Told only after the policy permitted the caller. */
export function refusalOf(kind: Exclude<ReadAnswer['kind'], 'value'>): Refusal {
  switch (kind) {
    case 'not_found':
      return new Refusal('NOT_FOUND', { check: 'provider: absent', detail: 'No such secret, or no such key in it.' });
    case 'version_deleted':
      return new Refusal('VERSION_DELETED', { check: 'provider: deleted', detail: 'This version was deleted.' });
    case 'version_destroyed':
      return new Refusal('VERSION_DESTROYED', { check: 'provider: destroyed', detail: 'This version was destroyed.' });
    case 'version_unsupported':
      return new Refusal('VERSION_UNSUPPORTED', {
        check: 'provider: no versions',
        detail: 'This provider keeps no versions: leave out version=.',
      });
    case 'bad_answer':
      return new Refusal('BAD_PROVIDER_ANSWER', { check: 'provider: bad answer' });
  }
}
