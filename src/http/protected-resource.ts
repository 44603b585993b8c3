import { PROOF_ALGORITHMS } from '#libs/identity/algorithms.js';
import { type Disclosure, SCOPE_OF } from '#libs/kernel/purposes.js';

/** What stands between host and path of the identifier (RFC 9728 section 3.1). */
const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** Why secrets are used on the routes that are served. */
const SERVED: readonly Disclosure[] = ['execute', 'read'];

/** What configuration says of this gateway as a protected resource. */
export interface ResourceTerms {
  /** RESOURCE_IDENTIFIER or PUBLIC_ORIGIN. Undefined (dev and test): the origin that is listened on. */
  readonly identifier: string | undefined;
  /** RESOURCE_DOCUMENTATION. */
  readonly documentation: string | undefined;
  /** Trusted issuers. Those whose names are no addresses of the web are not published: nobody could ask them for anything. */
  readonly issuers: readonly string[];
  /** ALLOW_UNBOUND_TOKENS. */
  readonly unbound: boolean;
  /** Whether tokens may be bound to a certificate: by our own TLS listener, or by `Client-Cert`. */
  readonly certificates: boolean;
}

interface Published {
  readonly metadataUrl: string;
  readonly document: string;
}

/**
 * The metadata of RFC 9728: how to get a token that is taken here, and how to send it. Made from configuration alone, the same for
 * everybody. It is not signed (section 2.2), and says nothing of secrets, mounts, tenants or policies.
 */
export class ProtectedResource {
  readonly #terms: ResourceTerms;
  /** Path of the document: the identifier's own follows the well-known part, without a final slash (RFC 9728 section 3.1). */
  readonly path: string;
  #published: Published | undefined;

  constructor(terms: ResourceTerms) {
    const { identifier } = terms;
    this.#terms = terms;
    this.path = `${WELL_KNOWN}${identifier === undefined ? '' : new URL(identifier).pathname.replace(/\/$/, '')}`;
    if (identifier !== undefined) this.listensOn(identifier);
  }

  /** Where no identifier is configured, the origin is it. Worked out once: a challenge names it with every refusal. */
  listensOn(origin: string): void {
    this.#published ??= {
      metadataUrl: `${new URL(origin).origin}${this.path}`,
      document: this.#documentOf(origin),
    };
  }

  /** `resource_metadata` of the challenges (RFC 9728 section 5.1); undefined before an identifier is known. */
  get metadataUrl(): string | undefined {
    return this.#published?.metadataUrl;
  }

  /** RFC 9728 section 2. @throws Error before an identifier is known: nobody can have asked */
  document(): string {
    if (this.#published === undefined) throw new Error('no identifier, and no address listened on');
    return this.#published.document;
  }

  /** Whether tokens come under `Bearer` too: unbound ones, and those that are bound to a certificate (RFC 8705 section 3). */
  get bearer(): boolean {
    return this.#terms.unbound || this.#terms.certificates;
  }

  /** Parameters that would say nothing are left out (section 3.2). */
  #documentOf(identifier: string): string {
    const { documentation, issuers, certificates } = this.#terms;
    const servers = issuers.filter((issuer) => /^https?:$/.test(URL.parse(issuer)?.protocol ?? ''));
    return JSON.stringify({
      resource: identifier,
      ...(servers.length > 0 && { authorization_servers: servers }),
      scopes_supported: [...new Set(SERVED.map((purpose) => SCOPE_OF[purpose]))],
      // Empty it means: Bearer is off; that is more than nothing, hence it stays.
      bearer_methods_supported: this.bearer ? ['header'] : [],
      dpop_signing_alg_values_supported: PROOF_ALGORITHMS,
      dpop_bound_access_tokens_required: !this.bearer,
      tls_client_certificate_bound_access_tokens: certificates,
      ...(documentation !== undefined && { resource_documentation: documentation }),
    });
  }
}
