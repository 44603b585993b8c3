import { Controller, Get, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';

import type { Gate } from '#libs/enforcement/gate.js';
import { readSecret } from '#libs/enforcement/read-secret.js';

import { takeOver } from './exchange.js';
import { GATE } from './gate-token.js';
import { HTTP_OPTIONS, type HttpOptions } from './http-options.js';
import { giveSecret } from './secret-answer.js';
import { arrivalOf, type SecretRoute } from './secret-request.js';
import { inBody, inPath, inQuery } from './uri-source.js';

const VALUE = '/api/secrets/value';
const IN_QUERY = { path: VALUE, instead: `GET ${VALUE}/{uri}, the encoded URI as the last segment` };

/** The value of one secret, to be used (purpose `execute`). */
@Controller()
export class ValueController {
  readonly #byPath: SecretRoute = { action: `GET ${VALUE}/{uri}`, purpose: 'execute', uri: inPath(`${VALUE}/`) };
  readonly #byBody: SecretRoute = { action: `POST ${VALUE}`, purpose: 'execute', uri: inBody(VALUE) };
  readonly #byQuery: SecretRoute;

  constructor(
    @Inject(GATE) private readonly gate: Gate,
    @Inject(HTTP_OPTIONS) private readonly options: HttpOptions,
  ) {
    this.#byQuery = { action: `GET ${VALUE}`, purpose: 'execute', uri: inQuery(IN_QUERY, options.uriInPathOnly) };
  }

  @Get(VALUE)
  async query(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const exchange = takeOver(request, reply);
    const arrival = arrivalOf(exchange, this.#byQuery, this.options);
    giveSecret(exchange, await readSecret(this.gate, arrival));
  }

  @Get(`${VALUE}/:uri`)
  async path(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const exchange = takeOver(request, reply);
    const arrival = arrivalOf(exchange, this.#byPath, this.options);
    giveSecret(exchange, await readSecret(this.gate, arrival));
  }

  @Post(VALUE)
  async body(@Req() request: FastifyRequest<{ Body: Buffer | undefined }>, @Res() reply: FastifyReply): Promise<void> {
    const exchange = takeOver(request, reply);
    const arrival = arrivalOf(exchange, this.#byBody, this.options, request.body);
    giveSecret(exchange, await readSecret(this.gate, arrival));
  }
}
