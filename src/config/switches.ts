import type { Values } from './values.js';

/** The three documented switches, by their names, and what a gateway without one does: shouted at every start. */
export const SWITCHES = {
  SECRETS_API_REQUIRE_AUTH:
    'SECRETS_API_REQUIRE_AUTH IS OFF: whoever sends no token at all is let in as the subject anonymous of TENANT_ID.',
  ENABLE_AUTHORIZATION:
    'ENABLE_AUTHORIZATION IS OFF: no policy is asked, whatever passes the mount check is permitted.',
  SECRETS_ENFORCE_SCOPES: 'SECRETS_ENFORCE_SCOPES IS OFF: a token may do what its scopes do not say.',
} as const;

export type Switch = keyof typeof SWITCHES;

export function switchesOff(values: Values): readonly Switch[] {
  const on: Readonly<Record<Switch, boolean | undefined>> = {
    SECRETS_API_REQUIRE_AUTH: values.requireAuth,
    ENABLE_AUTHORIZATION: values.enableAuthorization,
    SECRETS_ENFORCE_SCOPES: values.enforceScopes,
  };
  return SWITCH_NAMES.filter((name) => on[name] === false);
}

const SWITCH_NAMES: readonly Switch[] = ['SECRETS_API_REQUIRE_AUTH', 'ENABLE_AUTHORIZATION', 'SECRETS_ENFORCE_SCOPES'];
