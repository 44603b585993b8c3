import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';

import type { Gate } from '#libs/enforcement/gate.js';
import { readSecret } from '#libs/enforcement/read-secret.js';

import { takeOver } from './exchange.js';
import { GATE } from './gate-token.js';
import { HTTP_OPTIONS, type HttpOptions } from './http-options.js';
import { giveSecret } from './secret-answer.js';
import { arrivalOf, type SecretRoute } from './secret-request.js';
import { inPath, inQuery } from './uri-source.js';

const SECRETS = '/api/secrets';
const IN_QUERY = { path: SECRETS, instead: `GET ${SECRETS}/read/{uri}, the encoded URI as the last segment` };

/** One secret, to be looked at (purpose `read`): the same for every provider. */
@Controller()
export class SecretController {
  readonly #byPath: SecretRoute = {
    action: `GET ${SECRETS}/read/{uri}`,
    purpose: 'read',
    uri: inPath(`${SECRETS}/read/`),
  };
  readonly #byQuery: SecretRoute;

  constructor(
    @Inject(GATE) private readonly gate: Gate,
    @Inject(HTTP_OPTIONS) private readonly options: HttpOptions,
  ) {
    this.#byQuery = { action: `GET ${SECRETS}`, purpose: 'read', uri: inQuery(IN_QUERY, options.uriInPathOnly) };
  }

  @Get(SECRETS)
  async query(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const exchange = takeOver(request, reply);
    const arrival = arrivalOf(exchange, this.#byQuery, this.options);
    giveSecret(exchange, await readSecret(this.gate, arrival));
  }

  @Get(`${SECRETS}/read/:uri`)
  async path(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const exchange = takeOver(request, reply);
    const arrival = arrivalOf(exchange, this.#byPath, this.options);
    giveSecret(exchange, await readSecret(this.gate, arrival));
  }
}
