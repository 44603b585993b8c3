import { hkdfSync } from 'node:crypto';

/** One key for each use, so that no two of them are ever keyed alike. The labels are part of what is stored: they never change. */
const LABELS = {
  nonce: 'postern nonce v1',
  grantMac: 'postern grant mac v1',
  storeHash: 'postern store hash v1',
} as const;

export type DerivedKeys = Readonly<Record<keyof typeof LABELS, Uint8Array>>;

/** HKDF-SHA-256 (RFC 5869) from ROOT_KEY: at least 32 bytes, which configuration has checked. */
export function deriveKeys(rootKey: Uint8Array): DerivedKeys {
  const derive = (label: string): Uint8Array => new Uint8Array(hkdfSync('sha256', rootKey, '', label, 32));
  return { nonce: derive(LABELS.nonce), grantMac: derive(LABELS.grantMac), storeHash: derive(LABELS.storeHash) };
}
