import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, NotFoundException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';

import { Refused } from '#libs/enforcement/passage.js';
import type { Code } from '#libs/kernel/codes.js';
import { Refusal } from '#libs/kernel/refusal.js';
import type { Log } from '#src/telemetry/logger.js';

import { noRoute } from './edge.js';
import { type Exchange, takeOver } from './exchange.js';
import { PROBLEMS } from './problems.js';
import type { RouteTable } from './route-table.js';

/** What the framework refuses by itself, by the status that it would answer: any other 4xx of its own is a malformed request. */
const CODE_OF_STATUS: ReadonlyMap<number, Code> = new Map<number, Code>([
  [413, 'BODY_TOO_LARGE'],
  [414, 'TARGET_TOO_LONG'],
  [415, 'UNSUPPORTED_MEDIA_TYPE'],
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
    const status = frameworkStatus(error);
    if (status < 400 || status > 499) return new Refusal('INTERNAL', { check: 'defect', cause: error });
    return new Refusal(CODE_OF_STATUS.get(status) ?? 'INVALID_REQUEST', { check: 'framework', cause: error });
  }
}

/** The status of an error that the router or the body reader of the framework made; 0 for all others. */
function frameworkStatus(error: unknown): number {
  if (error instanceof HttpException) return error.getStatus();
  if (!(error instanceof Error && 'code' in error && 'statusCode' in error)) return 0;
  const { code, statusCode } = error;
  return typeof code === 'string' && code.startsWith('FST_') && typeof statusCode === 'number' ? statusCode : 0;
}
