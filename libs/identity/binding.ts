/** The key that the token is bound to, and that the caller proved to hold. Part of a grant's key: no use under another one. */
export type Binding =
  | { readonly kind: 'dpop'; readonly jkt: string }
  | { readonly kind: 'mtls'; readonly x5t: string }
  | { readonly kind: 'dpop+mtls'; readonly jkt: string; readonly x5t: string }
  /** A plain bearer token: the grant belongs to this one token, named by its issuer and jti. */
  | { readonly kind: 'none'; readonly iss: string; readonly jti: string };
