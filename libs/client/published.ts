/** All that the published package offers; inside this repository `client.ts` is imported itself. */
export { PosternClient, type PosternClientOptions, type ReadOptions } from './client.js';
export { PosternError, type PosternErrorFields, type StepUp } from './error.js';
export type { Secret, SecretValue } from './secret.js';
export { calculateThumbprint, generateKeyPair, type KeyPair } from 'dpop';
