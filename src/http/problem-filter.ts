import { type ArgumentsHost, Catch, type ExceptionFilter, NotFoundException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';

import { Refused } from '#libs/enforcement/passage.js';
import type { Code } from '#libs/kernel/codes.js';
import { Refusal } from '#libs/kernel/refusal.js';
import type { Log } from '#src/telemetry/logger.js';

import { noRoute } from './edge.js';
import { type Exchange, takeOver } from './exchange.js';
import { PROBLEMS } from './problems.js';
import type { RouteTable } from './route-table.js';

/** The framework's own errors, by Fastify's stable codes, as the refusals that they are. */
const CODE_OF_FRAMEWORK: ReadonlyMap<string, Code> = new Map<string, Code>([
  ['FST_ERR_BAD_URL', 'INVALID_REQUEST'],
  ['FST_ERR_MAX_PARAM_LENGTH', 'TARGET_TOO_LONG'],
  ['FST_ERR_CTP_INVALID_MEDIA_TYPE', 'UNSUPPORTED_MEDIA_TYPE'],
  ['FST_ERR_CTP_BODY_TOO_LARGE', 'BODY_TOO_LARGE'],
  ['FST_ERR_CTP_INVALID_CONTENT_LENGTH', 'INVALID_REQUEST'],
]);

/** The only filter: it translates what was thrown into one problem answer, and decides nothing. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly routes: RouteTable,
    private readonly log: Log,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.answer(error, takeOver(http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>()));
  }

  answer(error: unknown, exchange: Exchange): void {
    const refusal = error instanceof Refused ? error.refusal : this.#refusalOf(error, exchange);
    if (PROBLEMS[refusal.code].status >= 500) this.log.fault(exchange, refusal);
    exchange.refuse(refusal, error instanceof Refused ? error.receipt : undefined);
  }

  #refusalOf(error: unknown, { request }: Exchange): Refusal {
    if (error instanceof Refusal) return error;
    if (error instanceof NotFoundException) return noRoute(request, this.routes);
    const code = CODE_OF_FRAMEWORK.get(frameworkCode(error));
    return code === undefined ? new Refusal('INTERNAL', { check: 'defect', cause: error }) : new Refusal(code);
  }
}

function frameworkCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
