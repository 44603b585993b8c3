/**
 * Names of the specification that this version does not know how to honour. Setting one is a fault: an operator who sets a
 * guard must not believe in a guard that is not there. A name moves to `schema.ts` when it is built.
 */
export const NOT_YET: ReadonlySet<string> = new Set([
  'ADMIN_ADDR',
  'WORKERS',
  'ADMIN_AUDIENCE',
  'PDP_AUDIENCE',
  'AUDIT_KEY',
  'BLOCK_REFRESH_MS',
  'NEGATIVE_CACHE_TTL_S',
  'REDIS_URL',
  'REDIS_SENTINELS',
  'REDIS_CLUSTER_NODES',
  'REDIS_TLS_CA',
  'PDP_URL',
  'KAFKA_BROKERS',
  'KAFKA_TOPIC_PREFIX',
  'KAFKA_TLS_CA',
  'KAFKA_SASL_MECHANISM',
  'KAFKA_SASL_USERNAME',
  'KAFKA_SASL_PASSWORD',
  'AUDIT_KAFKA_ACK_MS',
  'AUDIT_SPOOL_GRACE_SECONDS',
  'AUDIT_SPOOL_MAX_BYTES',
]);

/** Those of them that are secrets: they may be written with `_FILE`, and are as little supported so. */
export const NOT_YET_SECRETS: ReadonlySet<string> = new Set(['AUDIT_KEY', 'REDIS_URL', 'KAFKA_SASL_PASSWORD']);

/** The same for members of the file's sections, as `section.member`. */
export const NOT_YET_MEMBERS: ReadonlySet<string> = new Set([
  'providers.mounts',
  'providers.address',
  'providers.namespace',
  'providers.ca_file',
  'providers.token_file',
  'providers.role_id_file',
  'providers.secret_id_file',
]);
