import type { LoggerService } from '@nestjs/common';

import type { Log } from './logger.js';

/** The framework's own words: what went wrong at start is told, its chatter is not. */
export function nestLogger(log: Log): LoggerService {
  return {
    log() {},
    warn: (message: unknown) => log.warn(`framework: ${String(message)}`),
    error: (message: unknown) => log.error(`framework: ${String(message)}`),
  };
}
