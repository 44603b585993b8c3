import type { PresentedCertificate } from './certificate.js';

/**
 * What the wire showed of who is calling, read once from the raw header lines: every line of a field stands here, because a
 * second `DPoP` or `Authorization` cannot be seen once headers are joined.
 */
export interface Presented {
  /** Method, octet for octet. */
  readonly method: string;
  /** Raw path of the target as it was sent, without query. */
  readonly path: string;
  readonly authorization: readonly string[];
  readonly dpop: readonly string[];
  readonly certificate?: PresentedCertificate;
}
